; A server gives a lease for a term and gives it to somebody else once the term and a tenth of it have passed on its own
; clock; the holder stops when the term has passed on its clock, counted from before it asked. If both clocks run within
; one twenty-fifth of the true time, the holder has stopped before another one begins. unsat means that it holds.
(set-info :smt-lib-version 2.6)
(set-info :category "crafted")
(set-info :status unsat)
(set-logic QF_LRA)
(declare-fun term () Real)
; True times: asked, given, when the holder stops, when the server gives the lease on.
(declare-fun asked () Real)
(declare-fun given () Real)
(declare-fun stopped () Real)
(declare-fun given_on () Real)
; What both clocks counted meanwhile.
(declare-fun holder_clock () Real)
(declare-fun server_clock () Real)
(define-fun within ((clock Real) (span Real)) Bool
  (and (<= (* 24.0 span) (* 25.0 clock)) (<= (* 25.0 clock) (* 26.0 span))))
(assert (> term 0.0))
(assert (and (<= asked given) (<= asked stopped) (<= given given_on)))
(assert (within holder_clock (- stopped asked)))
(assert (within server_clock (- given_on given)))
(assert (= holder_clock term))
(assert (>= (* 10.0 server_clock) (* 11.0 term)))
(assert (not (< stopped given_on)))
(check-sat)
(exit)
