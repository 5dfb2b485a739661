; Rotating a search tree to the right and back keeps the order of its keys: read from left to right, the tree and the rotated
; one give the same sequence, so one is sorted if the other is; and rotating back gives the first tree. unsat means
; that the statement holds.
(set-info :status unsat)
(declare-datatypes ((Tree 0)) (((leaf) (node (left Tree) (key Int) (right Tree)))))
(declare-fun keys (Tree) (Seq Int))
(declare-fun sorted ((Seq Int)) Bool)
(assert (= (keys leaf) (as seq.empty (Seq Int))))
(assert (forall ((l Tree) (k Int) (r Tree))
  (! (= (keys (node l k r)) (seq.++ (keys l) (seq.unit k) (keys r))) :pattern ((keys (node l k r))))))
(define-fun rotate-right ((t Tree)) Tree
  (match t ((leaf leaf) ((node l k r)
    (match l ((leaf t) ((node a x b) (node a x (node b k r)))))))))
(define-fun rotate-left ((t Tree)) Tree
  (match t ((leaf leaf) ((node l k r)
    (match r ((leaf t) ((node b y c) (node (node l k b) y c))))))))
(declare-const tree Tree)
(assert ((_ is node) tree))
(assert ((_ is node) (left tree)))
(assert (not (and
  (= (keys (rotate-right tree)) (keys tree))
  (= (sorted (keys (rotate-right tree))) (sorted (keys tree)))
  (= (rotate-left (rotate-right tree)) tree))))
(check-sat)
