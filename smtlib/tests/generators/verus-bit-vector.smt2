; unsat. In the style of Verus's bit-vector mode: strategies that are the solver's to choose here.
(set-option :auto_config false)
(set-option :smt.mbqi false)
(set-option :smt.case_split 3)
(set-option :smt.qi.eager_threshold 100.0)
(set-option :smt.delay_units true)
(set-option :smt.arith.solver 2)
(set-option :smt.arith.nl false)
(declare-datatypes () ((fndef (fndef_singleton))))
(set-option :sat.euf true)
(set-option :tactic.default_tactic sat)
(set-option :smt.ematching false)
(set-option :smt.case_split 0)
(declare-const a~2@0 (_ BitVec 32))
(declare-const b~4@0 (_ BitVec 32))
(assert
 true
)
;; bitvector ensures not satisfied
(declare-const %%location_label%%0 Bool)
(assert
 (not (=>
  %%location_label%%0
  (= (bvxor a~2@0 b~4@0) (bvsub (bvor a~2@0 b~4@0) (bvand a~2@0 b~4@0)))
)))
(get-info :version)
(set-option :rlimit 30000000)
(check-sat)
(set-option :rlimit 0)
