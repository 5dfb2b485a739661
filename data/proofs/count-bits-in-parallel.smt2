; The well-known trick that counts the one bits of a word by adding neighbours (two by two, then four by four, then by
; one multiplication) gives the same as adding the sixteen bits one by one. unsat means that the statement holds.
(set-info :smt-lib-version 2.6)
(set-info :category "crafted")
(set-info :status unsat)
(set-logic QF_BV)
(declare-fun x () (_ BitVec 16))
(define-fun pairs () (_ BitVec 16) (bvsub x (bvand (bvlshr x #x0001) #x5555)))
(define-fun fours () (_ BitVec 16) (bvadd (bvand pairs #x3333) (bvand (bvlshr pairs #x0002) #x3333)))
(define-fun eights () (_ BitVec 16) (bvand (bvadd fours (bvlshr fours #x0004)) #x0f0f))
(define-fun trick () (_ BitVec 16) (bvlshr (bvmul eights #x0101) #x0008))
(define-fun bit ((n (_ BitVec 16))) (_ BitVec 16) (bvand (bvlshr x n) #x0001))
(define-fun slow () (_ BitVec 16) (bvadd
  (bit #x0000) (bit #x0001) (bit #x0002) (bit #x0003) (bit #x0004) (bit #x0005) (bit #x0006) (bit #x0007)
  (bit #x0008) (bit #x0009) (bit #x000a) (bit #x000b) (bit #x000c) (bit #x000d) (bit #x000e) (bit #x000f)))
(assert (distinct trick slow))
(check-sat)
(exit)
