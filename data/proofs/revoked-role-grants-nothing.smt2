; Access rights as sets. A user's rights are those of both roles; revoking the second role takes its rights away but for those
; that the first one grants too. Then no right is left that only the second one granted, nothing of the first one is
; lost, and revoking again changes nothing. Sets are arrays with mapped connectives. unsat means that it holds.
(set-info :status unsat)
(declare-sort Right 0)
(define-sort Rights () (Array Right Bool))
(define-fun union-of ((a Rights) (b Rights)) Rights ((_ map or) a b))
(define-fun common ((a Rights) (b Rights)) Rights ((_ map and) a b))
(define-fun without ((a Rights) (b Rights)) Rights ((_ map and) a ((_ map not) b)))
(define-fun included ((a Rights) (b Rights)) Bool (= (common a b) a))
(declare-const editor Rights)
(declare-const auditor Rights)
(declare-const right Right)
(define-fun before () Rights (union-of editor auditor))
(define-fun revoke ((held Rights)) Rights (without held (without auditor editor)))
(define-fun after () Rights (revoke before))
(assert (not (and
  (included editor after)
  (= after editor)
  (= (revoke after) after)
  (=> (and (select auditor right) (not (select editor right))) (not (select after right))))))
(check-sat)
