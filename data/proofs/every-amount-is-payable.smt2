; With coins of three and of five, every whole amount from eight on can be paid without change, and seven cannot. Linear
; integer arithmetic with an exists under a forall. unsat means that the statement holds.
(set-info :status unsat)
(set-logic LIA)
(define-fun payable ((amount Int)) Bool
  (exists ((threes Int) (fives Int)) (and (>= threes 0) (>= fives 0) (= amount (+ (* 3 threes) (* 5 fives))))))
(assert (not (and
  (not (payable 7))
  (forall ((amount Int)) (=> (>= amount 8) (payable amount))))))
(check-sat)
