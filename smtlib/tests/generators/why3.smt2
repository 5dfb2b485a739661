; unsat. In the style of Why3: its logic, sorts of its own for tuples and maps, one goal at the end with its name.
;; produced by local "z3.drv" ;;
(set-logic AUFDTLIRA)
(set-info :smt-lib-version 2.6)
(set-option :produce-models true)
;;; SMT-LIB2 driver: bit-vectors, common part
;;; SMT-LIB2: integer arithmetic
;; "Tuple2"
(declare-datatypes ((tuple2 2))
(( par (a1 a2) ( (Tuple2 (Tuple2_proj_1 a1)(Tuple2_proj_2 a2))) )))
(declare-datatypes ((list 1))
(( par (a) ( (Nil) (Cons (Cons_proj_1 a)(Cons_proj_2 (list a)))) )))
(declare-fun length ((list Int)) Int)
;; "length'def"
(assert
  (forall ((l (list Int)))
    (ite ((_ is Nil) l)
      (= (length l) 0)
      (= (length l) (+ 1 (length (Cons_proj_2 l)))))))
(define-fun fst1 ((p (tuple2 Int Bool))) Int (Tuple2_proj_1 p))
;; "in_range"
(define-fun in_range ((x Int)) Bool
  (and (<= (- 2147483648) x) (<= x 2147483647)))
;; Goal "two'vc"
;; File "two.mlw", line 4, characters 6-9
(assert
  (not
  (and (= (length (Cons 1 (Cons 2 (as Nil (list Int))))) 2)
  (in_range (fst1 (Tuple2 (- 7) true))))))
(check-sat)
(get-info :reason-unknown)
(get-model)
