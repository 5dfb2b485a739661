; A share that was computed in 16-bit floating point, whatever came out (infinities, zeros of both signs, no number at all),
; is clamped to the range from 0 to 1; what is left is a number in that range. unsat means that the statement holds.
(set-info :status unsat)
(set-logic QF_FP)
(declare-const part Float16)
(declare-const whole Float16)
(define-fun zero () Float16 (_ +zero 5 11))
(define-fun one () Float16 ((_ to_fp 5 11) RNE 1.0))
(define-fun share () Float16 (fp.div RNE part whole))
(define-fun clamped () Float16 (ite (fp.lt zero share) (ite (fp.lt share one) share one) zero))
(assert (not (and (fp.leq zero clamped) (fp.leq clamped one) (not (fp.isNaN clamped)))))
(check-sat)
