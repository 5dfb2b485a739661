; Two quorums, each of more than two thirds of the stake, have in common validators with more than a third of it. So
; if validators with less than a third lie, two quorums always share an honest one: why no two blocks become final.
; Stakes are split by who belongs to both quorums, to one, or to neither. unsat means that the statement holds.
(set-info :status unsat)
(set-logic QF_LIA)
(declare-const both Int)
(declare-const only-first Int)
(declare-const only-second Int)
(declare-const neither Int)
(declare-const liars Int)
(define-fun total () Int (+ both only-first only-second neither))
(assert (and (>= both 0) (>= only-first 0) (>= only-second 0) (>= neither 0) (>= liars 0)))
(assert (> (* 3 (+ both only-first)) (* 2 total)))
(assert (> (* 3 (+ both only-second)) (* 2 total)))
(assert (< (* 3 liars) total))
(assert (not (and (> (* 3 both) total) (> (- both liars) 0))))
(check-sat)
