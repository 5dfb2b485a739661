; Three tasks under a scheduler that always runs the most urgent one that is not blocked: low takes the lock, high wakes
; and waits for it, medium wakes and runs. So medium keeps high waiting although it never touches the lock: a mission to
; Mars met this. sat means that the state is reachable within four steps.
(set-info :status sat)
(set-logic ALL)
(declare-datatypes ((Task 0)) (((low) (medium) (high))))
(declare-datatypes ((Holder 0)) (((nobody) (held-by (holder Task)))))
(declare-datatypes ((State 0)) (((state (low-awake Bool) (medium-awake Bool) (high-awake Bool) (high-wants Bool) (lock Holder) (running Task)))))
(define-fun blocked ((s State)) Bool (and (high-wants s) (distinct (lock s) nobody) (distinct (lock s) (held-by high))))
(define-fun chosen ((s State)) Task
  (ite (and (high-awake s) (not (blocked s))) high (ite (medium-awake s) medium low)))
; Each step one thing happens, and then the scheduler chooses.
(define-fun happens ((s State) (t State)) Bool
  (or (and (not (medium-awake s))
           (= t (state (low-awake s) true (high-awake s) (high-wants s) (lock s) (running t))))
      (and (not (high-awake s))
           (= t (state (low-awake s) (medium-awake s) true (high-wants s) (lock s) (running t))))
      (and (= (running s) high) (not (high-wants s))
           (= t (state (low-awake s) (medium-awake s) (high-awake s) true
                  (ite (= (lock s) nobody) (held-by high) (lock s)) (running t))))
      (and (= (running s) low) (= (lock s) nobody)
           (= t (state (low-awake s) (medium-awake s) (high-awake s) (high-wants s) (held-by low) (running t))))))
(define-fun step ((s State) (t State)) Bool (and (happens s t) (= (running t) (chosen t))))
(declare-const s0 State)
(declare-const s1 State)
(declare-const s2 State)
(declare-const s3 State)
(declare-const s4 State)
(assert (= s0 (state true false false false nobody low)))
(assert (and (step s0 s1) (step s1 s2) (step s2 s3) (step s3 s4)))
; High waits, and runs behind a task that has nothing to do with the lock.
(assert (and (high-awake s4) (blocked s4) (= (running s4) medium)))
(check-sat)
