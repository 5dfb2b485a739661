; Swapping two places of an array keeps what is in it: the two values change places, everything else stays, and
; swapping again gives the first array back, also when both places are the same. unsat means that the statement holds.
(set-info :status unsat)
(set-logic QF_AUFLIA)
(declare-const a (Array Int Int))
(declare-const i Int)
(declare-const j Int)
(declare-const k Int)
(define-fun swap ((m (Array Int Int)) (p Int) (q Int)) (Array Int Int)
  (store (store m p (select m q)) q (select m p)))
(assert (not (and
  (= (select (swap a i j) i) (select a j))
  (= (select (swap a i j) j) (select a i))
  (=> (and (distinct k i) (distinct k j)) (= (select (swap a i j) k) (select a k)))
  (= (swap (swap a i j) i j) a))))
(check-sat)
