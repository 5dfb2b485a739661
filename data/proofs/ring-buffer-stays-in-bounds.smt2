; A ring buffer of 64 places whose head and tail count up for ever in 32 bits and wrap round: if at most 64 elements are in
; it, putting one into a buffer that is not full and taking one from a buffer that is not empty write and read inside the
; array, keep the number of elements right, and never overwrite one that was not read. Written as CBMC does.
(set-info :status unsat)
(set-logic QF_AUFBV)
(declare-fun |ring::head#1| () (_ BitVec 32))
(declare-fun |ring::tail#1| () (_ BitVec 32))
(declare-fun |ring::data#1| () (Array (_ BitVec 32) (_ BitVec 8)))
(declare-fun |main::1::value#1| () (_ BitVec 8))
(declare-fun |main::1::other#1| () (_ BitVec 32))
(define-fun |main::used#1| () (_ BitVec 32) (bvsub |ring::head#1| |ring::tail#1|))
(define-fun |put::slot#1| () (_ BitVec 32) (bvand |ring::head#1| #x0000003f))
(define-fun |get::slot#1| () (_ BitVec 32) (bvand |ring::tail#1| #x0000003f))
(define-fun |ring::data#2| () (Array (_ BitVec 32) (_ BitVec 8)) (store |ring::data#1| |put::slot#1| |main::1::value#1|))
(assert (bvule |main::used#1| #x00000040))
(assert (not (and
  (bvult |put::slot#1| #x00000040)
  (bvult |get::slot#1| #x00000040)
  ; put, when it is not full
  (=> (bvult |main::used#1| #x00000040)
      (and (= (bvsub (bvadd |ring::head#1| #x00000001) |ring::tail#1|) (bvadd |main::used#1| #x00000001))
           ; the element at any distance from the tail stays what it was
           (=> (bvult |main::1::other#1| |main::used#1|)
               (= (select |ring::data#2| (bvand (bvadd |ring::tail#1| |main::1::other#1|) #x0000003f))
                  (select |ring::data#1| (bvand (bvadd |ring::tail#1| |main::1::other#1|) #x0000003f))))))
  ; get, when it is not empty
  (=> (distinct |main::used#1| #x00000000)
      (= (bvsub |ring::head#1| (bvadd |ring::tail#1| #x00000001)) (bvsub |main::used#1| #x00000001))))))
(check-sat)
