; A transfer between two different accounts conserves the sum of both balances, leaves every other account alone, and
; makes no balance negative, provided that the amount is not negative and the sender has it.
; We assert that it does not: unsat means that the statement holds.
(set-info :status unsat)
(set-logic ALL)
(declare-sort Account 0)
(declare-fun before (Account) Int)
(declare-fun after (Account) Int)
(declare-const sender Account)
(declare-const receiver Account)
(declare-const amount Int)

; What holds before: no balance is negative, and the transfer is a legal one.
(assert (forall ((a Account)) (! (>= (before a) 0) :pattern ((before a)))))
(assert (distinct sender receiver))
(assert (and (<= 0 amount) (<= amount (before sender))))

; What the transfer does.
(assert (= (after sender) (- (before sender) amount)))
(assert (= (after receiver) (+ (before receiver) amount)))
(assert (forall ((a Account))
  (! (=> (and (distinct a sender) (distinct a receiver)) (= (after a) (before a))) :pattern ((after a)))))

; What must hold then.
(declare-const other Account)
(assert (not (and
  (= (+ (after sender) (after receiver)) (+ (before sender) (before receiver)))
  (=> (and (distinct other sender) (distinct other receiver)) (= (after other) (before other)))
  (>= (after other) 0))))
(check-sat)
