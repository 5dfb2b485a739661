; FALSE. A query is built from a user's name between quotes, after str.replace has taken a quote out of the name: the
; name is said to hold no quote then. str.replace takes out only the first one, so a second one ends the text early.
(set-info :status unsat)
(set-logic QF_S)
(declare-const name String)
(define-fun cleaned () String (str.replace name "'" ""))
(define-fun query () String (str.++ "select * from users where name = '" cleaned "'"))
(assert (<= (str.len name) 12))
(assert (str.contains cleaned "'"))
(check-sat)
