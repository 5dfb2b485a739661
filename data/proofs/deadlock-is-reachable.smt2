; Two processes that take the same two locks in opposite order can block each other for ever: there is a run to a
; state in which each holds one lock and waits for the other one, and neither can take a step.
; sat means that the state is reachable: the bug is real.
(set-info :status sat)
(declare-datatypes ((Owner 0)) (((nobody) (alice) (bob))))
(declare-datatypes ((State 0)) (((state (first Owner) (second Owner)))))

; Alice takes the first lock, then the second one; Bob the other way round. Either may give both back.
(define-fun alice-steps ((s State) (t State)) Bool
  (or (and (= (first s) nobody) (= t (state alice (second s))))
      (and (= (first s) alice) (= (second s) nobody) (= t (state alice alice)))
      (and (= s (state alice alice)) (= t (state nobody nobody)))))
(define-fun bob-steps ((s State) (t State)) Bool
  (or (and (= (second s) nobody) (= t (state (first s) bob)))
      (and (= (second s) bob) (= (first s) nobody) (= t (state bob bob)))
      (and (= s (state bob bob)) (= t (state nobody nobody)))))
(define-fun steps ((s State) (t State)) Bool (or (alice-steps s t) (bob-steps s t)))

(declare-const start State)
(declare-const between State)
(declare-const stuck State)
(assert (= start (state nobody nobody)))
(assert (and (steps start between) (steps between stuck)))
; From here nobody can go on.
(assert (forall ((t State)) (not (steps stuck t))))
(check-sat)
