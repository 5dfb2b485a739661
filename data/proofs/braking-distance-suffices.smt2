; A train's controller: as long as the square of its speed is at most twice its brake times the distance to the signal,
; braking for any time until it stands keeps that so, and never passes the signal. The motion is solved, so nonlinear
; arithmetic over the reals is left. unsat means that the statement holds.
(set-info :status unsat)
(set-logic QF_NRA)
(declare-const speed Real)
(declare-const brake Real)
(declare-const distance Real)
(declare-const time Real)
(define-fun speed-then () Real (- speed (* brake time)))
(define-fun distance-then () Real (- distance (- (* speed time) (/ (* brake time time) 2.0))))
(assert (and (> brake 0.0) (>= speed 0.0) (>= time 0.0) (>= speed-then 0.0)))
(assert (<= (* speed speed) (* 2.0 brake distance)))
(assert (not (and
  (<= (* speed-then speed-then) (* 2.0 brake distance-then))
  (>= distance-then 0.0))))
(check-sat)
