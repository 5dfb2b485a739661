; The sum of a message's sixteen-bit words, with carries added back in, does not notice every change: two different messages
; of three words have one checksum, even if they are no rearrangement of each other. sat means that such messages
; exist: the checksum is no proof of integrity.
(set-info :status sat)
(set-logic QF_BV)
(declare-fun a0 () (_ BitVec 16))
(declare-fun a1 () (_ BitVec 16))
(declare-fun a2 () (_ BitVec 16))
(declare-fun b0 () (_ BitVec 16))
(declare-fun b1 () (_ BitVec 16))
(declare-fun b2 () (_ BitVec 16))
(define-fun wide ((w (_ BitVec 16))) (_ BitVec 32) ((_ zero_extend 16) w))
(define-fun fold ((s (_ BitVec 32))) (_ BitVec 32) (bvadd (bvand s #x0000ffff) (bvlshr s #x00000010)))
(define-fun checksum ((x (_ BitVec 16)) (y (_ BitVec 16)) (z (_ BitVec 16))) (_ BitVec 16)
  (bvnot ((_ extract 15 0) (fold (fold (bvadd (wide x) (wide y) (wide z)))))))
(define-fun among-b ((w (_ BitVec 16))) Bool (or (= w b0) (= w b1) (= w b2)))
(assert (= (checksum a0 a1 a2) (checksum b0 b1 b2)))
(assert (not (or (among-b a0) (among-b a1) (among-b a2))))
(check-sat)
