; A name of small letters, digits and single dots between them, joined to a folder's path with a slash, stays in that
; folder: no step of the path is "..", and there is no second slash after the folder. unsat means that the statement holds.
(set-info :status unsat)
(set-logic QF_S)
(declare-const name String)
(define-fun path () String (str.++ "proofs/" name))
(define-fun word () RegLan (re.+ (re.union (re.range "a" "z") (re.range "0" "9"))))
(define-fun anything () RegLan (re.* re.allchar))
(assert (str.in_re name (re.++ word (re.* (re.++ (str.to_re ".") word)))))
(assert (str.in_re path (re.union
  (re.++ anything (str.to_re "..") anything)
  (re.++ (str.to_re "proofs/") anything (str.to_re "/") anything)
  (re.comp (re.++ (str.to_re "proofs/") anything)))))
(check-sat)
