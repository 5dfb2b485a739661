; Two-phase commit: no participant commits while another one aborts. The invariant (commits come from the coordinator's
; decision, which needs everybody's yes, and who said yes aborts only on its decision) is kept by every step. Written as
; protocol checkers write it: relations before and after, nothing but quantifiers. unsat means that it holds.
(set-info :status unsat)
(set-logic UF)
(declare-sort node 0)
(declare-fun yes (node) Bool)
(declare-fun no (node) Bool)
(declare-fun committed (node) Bool)
(declare-fun aborted (node) Bool)
(declare-fun go () Bool)
(declare-fun stop () Bool)
(declare-fun |yes'| (node) Bool)
(declare-fun |no'| (node) Bool)
(declare-fun |committed'| (node) Bool)
(declare-fun |aborted'| (node) Bool)
(declare-fun |go'| () Bool)
(declare-fun |stop'| () Bool)
(declare-fun n () node)
(assert (! (not (and go stop)) :named one-decision))
(assert (! (=> go (forall ((N node)) (yes N))) :named go-needs-all))
(assert (! (forall ((N node)) (=> (committed N) go)) :named commit-needs-go))
(assert (! (forall ((N node)) (=> (aborted N) (or (no N) stop))) :named abort-needs-no))
(assert (! (forall ((N node)) (not (and (yes N) (no N)))) :named one-vote))
(define-fun same-votes () Bool (forall ((N node)) (and (= (|yes'| N) (yes N)) (= (|no'| N) (no N)))))
(define-fun same-ends () Bool
  (forall ((N node)) (and (= (|committed'| N) (committed N)) (= (|aborted'| N) (aborted N)))))
(define-fun same-decision () Bool (and (= |go'| go) (= |stop'| stop)))
(define-fun vote-yes () Bool (and (not (no n)) (not (yes n)) same-ends same-decision
  (forall ((N node)) (and (= (|yes'| N) (or (yes N) (= N n))) (= (|no'| N) (no N))))))
(define-fun vote-no () Bool (and (not (yes n)) same-decision
  (forall ((N node)) (and (= (|yes'| N) (yes N)) (= (|no'| N) (or (no N) (= N n)))))
  (forall ((N node)) (and (= (|committed'| N) (committed N)) (= (|aborted'| N) (or (aborted N) (= N n)))))))
(define-fun decide-go () Bool (and (not stop) (forall ((N node)) (yes N)) |go'| (= |stop'| stop) same-votes same-ends))
(define-fun decide-stop () Bool (and (not go) |stop'| (= |go'| go) same-votes same-ends))
(define-fun commit () Bool (and go same-votes same-decision
  (forall ((N node)) (and (= (|committed'| N) (or (committed N) (= N n))) (= (|aborted'| N) (aborted N))))))
(define-fun abort () Bool (and stop same-votes same-decision
  (forall ((N node)) (and (= (|committed'| N) (committed N)) (= (|aborted'| N) (or (aborted N) (= N n)))))))
(assert (! (or vote-yes vote-no decide-go decide-stop commit abort) :named step))
(assert (! (not (and
  (not (and |go'| |stop'|))
  (=> |go'| (forall ((N node)) (|yes'| N)))
  (forall ((N node)) (=> (|committed'| N) |go'|))
  (forall ((N node)) (=> (|aborted'| N) (or (|no'| N) |stop'|)))
  (forall ((N node)) (not (and (|yes'| N) (|no'| N))))
  (forall ((N node) (M node)) (not (and (|committed'| N) (|aborted'| M)))))) :named safety))
(check-sat)
