; FALSE, so that a refusal can be seen. The middle of two 32-bit indices low <= high, computed as (low + high) / 2, is
; said to lie between them for all values. The addition overflows: this stood in binary searches for decades.
; The script claims unsat; a validator finds sat and refuses it.
(set-info :status unsat)
(set-logic QF_BV)
(declare-const low (_ BitVec 32))
(declare-const high (_ BitVec 32))
(define-fun middle () (_ BitVec 32) (bvlshr (bvadd low high) #x00000001))
(assert (bvule low high))
(assert (not (and (bvule low middle) (bvule middle high))))
(check-sat)
