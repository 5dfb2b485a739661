; FALSE. One turn of a binary search over the half-open stretch from low to high-1 is said to keep the key inside when the
; middle element is greater than the key and the search goes on with high = middle - 1. That end is not inclusive, so the
; element just before the middle is lost.
(set-info :status unsat)
(set-logic QF_ALIA)
(declare-const a (Array Int Int))
(declare-const key Int)
(declare-const low Int)
(declare-const high Int)
(declare-const place Int)
(define-fun middle () Int (div (+ low high) 2))
(define-fun next-high () Int (- middle 1))
; The key stands in the stretch, and the array is sorted as far as these places tell.
(assert (and (<= 0 low) (<= low place) (< place high) (<= high 100)))
(assert (= (select a place) key))
(assert (=> (<= place middle) (<= (select a place) (select a middle))))
(assert (=> (<= middle place) (<= (select a middle) (select a place))))
(assert (> (select a middle) key))
(assert (not (and (<= low place) (< place next-high))))
(check-sat)
