; A compiler's rewrite: dividing an unsigned byte by three is multiplying it by #xab and shifting the 16-bit product right
; by 9, for every byte. unsat means that the rewrite is right.
(set-info :smt-lib-version 2.6)
(set-info :status unsat)
(set-logic QF_BV)
(declare-fun source () (_ BitVec 8))
(define-fun divided () (_ BitVec 8) (bvudiv source #x03))
(define-fun product () (_ BitVec 16) (bvmul ((_ zero_extend 8) source) #x00ab))
(define-fun rewritten () (_ BitVec 8) ((_ extract 7 0) (bvlshr product #x0009)))
(assert (not (= divided rewritten)))
(check-sat)
(exit)
