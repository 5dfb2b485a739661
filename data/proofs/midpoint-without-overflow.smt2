; The middle of two 32-bit indices low <= high, computed as low + (high - low) / 2, lies between them for all values.
; unsat means that the statement holds.
(set-info :status unsat)
(set-logic QF_BV)
(declare-const low (_ BitVec 32))
(declare-const high (_ BitVec 32))
(define-fun middle () (_ BitVec 32) (bvadd low (bvlshr (bvsub high low) #x00000001)))
(assert (bvule low high))
(assert (not (and (bvule low middle) (bvule middle high))))
(check-sat)
