; FALSE. A token contract reads both balances, then writes both back changed by the amount; the sum over three accounts
; is said to stay the same. It does not when sender and receiver are one account: the second write undoes the first, and
; money appears. Real contracts were emptied this way.
(set-info :status unsat)
(set-logic QF_ALIA)
(declare-const balances (Array Int Int))
(declare-const from Int)
(declare-const to Int)
(declare-const amount Int)
(define-fun is-account ((a Int)) Bool (and (<= 1 a) (<= a 3)))
(define-fun total ((m (Array Int Int))) Int (+ (select m 1) (select m 2) (select m 3)))
(define-fun from-balance () Int (select balances from))
(define-fun to-balance () Int (select balances to))
(define-fun after () (Array Int Int)
  (store (store balances from (- from-balance amount)) to (+ to-balance amount)))
(assert (and (is-account from) (is-account to)))
(assert (and (< 0 amount) (<= amount from-balance)))
(assert (not (= (total after) (total balances))))
(check-sat)
