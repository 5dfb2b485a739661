; A scheduler's invariant: a core runs at most one thread, a running thread is not in the ready queue, and no thread
; runs on two cores. A switch (the running thread goes into the queue, a ready one is taken out of it) keeps all three.
; unsat means that the statement holds.
(set-info :status unsat)
(declare-sort Thread 0)
(declare-sort Core 0)
(declare-fun runs (Core Thread) Bool)
(declare-fun ready (Thread) Bool)
(declare-fun runs* (Core Thread) Bool)
(declare-fun ready* (Thread) Bool)
(declare-const core Core)
(declare-const old Thread)
(declare-const new Thread)
(assert (! (forall ((c Core) (t Thread) (u Thread)) (=> (and (runs c t) (runs c u)) (= t u))) :named one-per-core))
(assert (! (forall ((c Core) (d Core) (t Thread)) (=> (and (runs c t) (runs d t)) (= c d))) :named one-core-each))
(assert (! (forall ((c Core) (t Thread)) (not (and (runs c t) (ready t)))) :named running-is-not-ready))
; The switch.
(assert (and (runs core old) (ready new)))
(assert (forall ((c Core) (t Thread)) (= (runs* c t) (ite (= c core) (= t new) (runs c t)))))
(assert (forall ((t Thread)) (= (ready* t) (or (= t old) (and (ready t) (distinct t new))))))
(assert (not (and
  (forall ((c Core) (t Thread) (u Thread)) (=> (and (runs* c t) (runs* c u)) (= t u)))
  (forall ((c Core) (d Core) (t Thread)) (=> (and (runs* c t) (runs* d t)) (= c d)))
  (forall ((c Core) (t Thread)) (not (and (runs* c t) (ready* t)))))))
(check-sat)
