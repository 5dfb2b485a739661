; unsat. define-fun-rec and define-funs-rec, as benchmarks of inductive proofs have them.
(set-logic ALL)
(declare-datatypes ((list 1)) ((par (X) ((nil) (cons (head X) (tail (list X)))))))
(define-fun-rec len ((l (list Int))) Int (match l ((nil 0) ((cons _ t) (+ 1 (len t))))))
(define-funs-rec ((even ((n Int)) Bool) (odd ((n Int)) Bool))
  ((ite (= n 0) true (odd (- n 1)))
   (ite (= n 0) false (even (- n 1)))))
(assert (not (and (= (len (cons 1 (cons 2 (as nil (list Int))))) 2) (even 6) (odd 5))))
(check-sat)
