; unsat. In the style of Viper's symbolic execution: its options, snapshots, permissions, sort wrappers, define-const.
(get-info :version)
(set-option :print-success true) ; Boogie: false
(set-option :global-decls true) ; Necessary for push pop mode
(set-option :auto_config false)
(set-option :smt.case_split 3)
(set-option :smt.delay_units true)
(set-option :type_check true)
(set-option :smt.mbqi false)
(set-option :pp.bv_literals false)
(set-option :smt.qi.eager_threshold 100)
(set-option :smt.arith.solver 2)
(set-option :model.v2 true)
(set-option :model.partial true)
(set-option :smt.qi.max_multi_patterns 1000)
;
; ; /preamble.smt2
(declare-datatypes (($Snap 0)) ((
    ($Snap.unit)
    ($Snap.combine ($Snap.first $Snap) ($Snap.second $Snap)))))
(declare-sort $Ref 0)
(declare-const $Ref.null $Ref)
(define-sort $Perm () Real)
(define-const $Perm.Write $Perm 1.0)
(define-const $Perm.No $Perm 0.0)
(define-fun $Perm.isReadVar ((p $Perm)) Bool
    (and (<= $Perm.No p)
         (not (= p $Perm.No))))
(define-fun $Perm.min ((p1 $Perm) (p2 $Perm)) Real
    (ite (<= p1 p2) p1 p2))
(define-fun $Math.clip ((a Int)) Int (ite (< a 0) 0 a))
(declare-sort Seq<Int> 0)
(declare-fun $SortWrappers.IntTo$Snap (Int) $Snap)
(declare-fun $SortWrappers.$SnapToInt ($Snap) Int)
(assert (forall ((x Int)) (!
    (= x ($SortWrappers.$SnapToInt($SortWrappers.IntTo$Snap x)))
    :pattern (($SortWrappers.IntTo$Snap x))
    :qid |$Snap.$SnapToIntTo$Snap|
    )))
(declare-fun Seq_length (Seq<Int>) Int)
(declare-fun fun01%limited ($Snap $Ref) Int)
(push) ; 1
(set-option :timeout 0)
(push) ; 2
(declare-const x@1@01 $Ref)
(declare-const $k@2@01 $Perm)
(declare-const $t@3@01 $Snap)
(assert ($Perm.isReadVar $k@2@01))
(assert (= $t@3@01 ($Snap.combine ($Snap.first $t@3@01) ($Snap.second $t@3@01))))
(assert (= ($Snap.second $t@3@01) $Snap.unit))
(assert (not (= x@1@01 $Ref.null)))
(push) ; 3
(assert (not (and (> ($Perm.min $k@2@01 $Perm.Write) $Perm.No) (>= ($Math.clip (- 3)) 0)
  (= ($SortWrappers.$SnapToInt ($SortWrappers.IntTo$Snap 7)) 7))))
(check-sat)
; unsat
(pop) ; 3
