; A queue as a sequence: what is appended to a queue that is not empty does not change what is taken out next, the rest
; keeps its order, and lengths are right. Written with the sequences to which Dafny's are often translated. unsat means
; that the statement holds.
(set-option :auto_config false)
(set-info :status unsat)
(declare-sort Job 0)
(define-sort Queue () (Seq Job))
(define-fun Push ((q Queue) (j Job)) Queue (seq.++ q (seq.unit j)))
(define-fun First ((q Queue)) Job (seq.nth q 0))
(define-fun Rest ((q Queue)) Queue (seq.extract q 1 (- (seq.len q) 1)))
(declare-const q Queue)
(declare-const j Job)
(declare-const i Int)
(assert (> (seq.len q) 0))
(assert (and (<= 0 i) (< i (- (seq.len q) 1))))
(assert (not (and
  (= (First (Push q j)) (First q))
  (= (Rest (Push q j)) (Push (Rest q) j))
  (= (seq.nth (Rest (Push q j)) i) (seq.nth q (+ i 1)))
  (= (seq.len (Rest (Push q j))) (seq.len q)))))
(check-sat)
