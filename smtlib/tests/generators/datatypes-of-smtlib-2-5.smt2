; unsat. Datatypes as they were declared before SMT-LIB 2.6: parameters in front, testers by name.
(declare-datatypes (T) ((Lst nil (cons (hd T) (tl Lst)))))
(declare-datatypes () ((Color red green (mixed (of Color) (with (Lst Int))))))
(declare-fun c () Color)
(declare-fun l () (Lst Int))
(assert (is-mixed c))
(assert (= l (with c)))
(assert (or (and (is-cons l) (not (= l (cons (hd l) (tl l))))) (= (of c) c) (is-red c)))
(check-sat)
