; FALSE. A compiler's rewrite: dividing a signed number by two is said to be shifting it right arithmetically. For odd
; negative numbers the division rounds towards zero and the shift downwards.
(set-info :smt-lib-version 2.6)
(set-info :status unsat)
(set-logic QF_BV)
(declare-fun %x () (_ BitVec 32))
(define-fun %source () (_ BitVec 32) (bvsdiv %x #x00000002))
(define-fun %target () (_ BitVec 32) (bvashr %x #x00000001))
(assert (not (= %source %target)))
(check-sat)
(exit)
