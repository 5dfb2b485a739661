; Appending two lists adds their lengths: the step of the induction over the first list. length and append are given by
; their equations, and the statement is assumed for the tail. unsat means that the step holds.
(set-info :status unsat)
(declare-datatypes ((IntList 0)) (((nil) (cons (head Int) (tail IntList)))))
(declare-fun length (IntList) Int)
(declare-fun append (IntList IntList) IntList)
(assert (= (length nil) 0))
(assert (forall ((x Int) (l IntList)) (! (= (length (cons x l)) (+ 1 (length l))) :pattern ((length (cons x l))))))
(assert (forall ((l IntList)) (! (= (append nil l) l) :pattern ((append nil l)))))
(assert (forall ((x Int) (k IntList) (l IntList))
  (! (= (append (cons x k) l) (cons x (append k l))) :pattern ((append (cons x k) l)))))
(declare-const x Int)
(declare-const k IntList)
(declare-const l IntList)
; The statement for the tail, and for the empty list.
(assert (= (length (append k l)) (+ (length k) (length l))))
(assert (not (and
  (= (length (append nil l)) (+ (length nil) (length l)))
  (= (length (append (cons x k) l)) (+ (length (cons x k)) (length l))))))
(check-sat)
