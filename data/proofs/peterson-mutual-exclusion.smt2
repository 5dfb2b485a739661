; Peterson's lock for two processes: no step of either leads from a state in which the invariant holds to one in which
; it does not, and the invariant keeps both from being in the critical section at once. (That the initial state has
; the invariant is plain: nobody wants in.) unsat means that the statement holds.
(set-info :status unsat)
(set-logic ALL)
; Where a process is: elsewhere, wants to enter, has given way, inside.
(declare-datatypes ((Place 0)) (((elsewhere) (wanting) (waiting) (inside))))
(declare-datatypes ((Process 0)) (((left) (right))))
(declare-datatypes ((State 0)) (((state (place-left Place) (place-right Place) (flag-left Bool) (flag-right Bool) (turn Process)))))

(define-fun place ((s State) (p Process)) Place (ite (= p left) (place-left s) (place-right s)))
(define-fun flag ((s State) (p Process)) Bool (ite (= p left) (flag-left s) (flag-right s)))
(define-fun other ((p Process)) Process (ite (= p left) right left))
(define-fun others-unchanged ((s State) (t State) (p Process)) Bool
  (and (= (place t (other p)) (place s (other p))) (= (flag t (other p)) (flag s (other p)))))

; The four steps of process p.
(define-fun raise-flag ((s State) (t State) (p Process)) Bool
  (and (= (place s p) elsewhere) (= (place t p) wanting) (flag t p) (= (turn t) (turn s)) (others-unchanged s t p)))
(define-fun give-way ((s State) (t State) (p Process)) Bool
  (and (= (place s p) wanting) (= (place t p) waiting) (= (flag t p) (flag s p)) (= (turn t) (other p))
       (others-unchanged s t p)))
(define-fun enter ((s State) (t State) (p Process)) Bool
  (and (= (place s p) waiting) (or (not (flag s (other p))) (= (turn s) p))
       (= (place t p) inside) (= (flag t p) (flag s p)) (= (turn t) (turn s)) (others-unchanged s t p)))
(define-fun leave ((s State) (t State) (p Process)) Bool
  (and (= (place s p) inside) (= (place t p) elsewhere) (not (flag t p)) (= (turn t) (turn s)) (others-unchanged s t p)))
(define-fun step ((s State) (t State)) Bool
  (exists ((p Process)) (or (raise-flag s t p) (give-way s t p) (enter s t p) (leave s t p))))

; A flag is up exactly while its process is not elsewhere; and who is inside has the turn, or the other has not given
; way yet.
(define-fun invariant ((s State)) Bool
  (and (= (flag-left s) (distinct (place-left s) elsewhere))
       (= (flag-right s) (distinct (place-right s) elsewhere))
       (=> (= (place-left s) inside)
           (or (= (turn s) left) (= (place-right s) elsewhere) (= (place-right s) wanting)))
       (=> (= (place-right s) inside)
           (or (= (turn s) right) (= (place-left s) elsewhere) (= (place-left s) wanting)))))
(define-fun safe ((s State)) Bool (not (and (= (place-left s) inside) (= (place-right s) inside))))

(declare-const now State)
(declare-const next State)
(assert (invariant now))
(assert (step now next))
(assert (not (and (safe now) (invariant next) (safe next))))
(check-sat)
