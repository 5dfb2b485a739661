; FALSE. A parser reads a packet of count records, 12 bytes each, behind a header of 8 bytes, and checks in 32 bits that
; 8 + 12 * count is no more than the buffer's size; the last record's last byte is then said to lie in the buffer. A
; large count overflows the product. Written as CBMC names what it has turned into single assignments.
(set-info :status unsat)
(set-logic QF_BV)
(declare-fun |parse::1::size!0@1#1| () (_ BitVec 32))
(declare-fun |parse::1::count!0@1#1| () (_ BitVec 32))
(declare-fun |parse::1::needed!0@1#2| () (_ BitVec 32))
(declare-fun |parse::1::1::i!0@1#2| () (_ BitVec 32))
(declare-fun |symex::guard#1| () Bool)
(assert (= |parse::1::needed!0@1#2| (bvadd #x00000008 (bvmul #x0000000c |parse::1::count!0@1#1|))))
(assert (= |symex::guard#1| (bvule |parse::1::needed!0@1#2| |parse::1::size!0@1#1|)))
(assert |symex::guard#1|)
(assert (bvule |parse::1::size!0@1#1| #x00010000))
(assert (bvult |parse::1::1::i!0@1#2| |parse::1::count!0@1#1|))
; The pointer's offset, in 64 bits: header, records before this one, and its last byte.
(define-fun |offset#1| () (_ BitVec 64)
  (bvadd #x0000000000000008 (bvmul #x000000000000000c ((_ zero_extend 32) |parse::1::1::i!0@1#2|)) #x000000000000000b))
(assert (not (bvult |offset#1| ((_ zero_extend 32) |parse::1::size!0@1#1|))))
(check-sat)
