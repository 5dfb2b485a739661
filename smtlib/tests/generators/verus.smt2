; unsat. In the style of Verus: its prelude's names, boxes, fuel, tilde and at signs, keywords on lines of their own.
(set-option :auto_config false)
(set-option :smt.mbqi false)
(set-option :smt.case_split 3)
(set-option :smt.qi.eager_threshold 100.0)
(set-option :smt.delay_units true)
(set-option :smt.arith.solver 2)
(set-option :smt.arith.nl false)
(set-option :pi.enabled false)
(set-option :rewriter.sort_disjunctions false)

;; Prelude
(declare-sort %%Function%% 0)
(declare-sort FuelId 0)
(declare-sort Fuel 0)
(declare-const zero Fuel)
(declare-fun succ (Fuel) Fuel)
(declare-fun fuel_bool (FuelId) Bool)
(declare-datatypes () ((fndef (fndef_singleton))))
(declare-sort Poly 0)
(declare-fun I (Int) Poly)
(declare-fun %I (Poly) Int)
(declare-sort Type 0)
(declare-const INT Type)
(declare-fun UINT (Int) Type)
(declare-fun has_type (Poly Type) Bool)
(declare-fun uHi (Int) Int)
(declare-fun uClip (Int Int) Int)
(assert
 (= (uHi 8) 256)
)
(assert
 (forall ((x Int)) (!
   (= x (%I (I x)))
   :pattern ((I x))
   :qid
   prelude_unbox_box_int
   :skolemid
   skolem_prelude_unbox_box_int
)))
(assert
 (forall ((bits Int) (i Int)) (!
   (and
    (<= 0 (uClip bits i))
    (< (uClip bits i) (uHi bits))
    (=>
     (and
      (<= 0 i)
      (< i (uHi bits))
     )
     (= i (uClip bits i))
   ))
   :pattern ((uClip bits i))
   :qid
   prelude_u_clip
   :skolemid
   skolem_prelude_u_clip
)))
(declare-datatypes ((core!option.Option. 0) (tuple%0. 0)) (((core!option.Option./None) (core!option.Option./Some
    (core!option.Option./Some/?0 Poly)
   )
  ) ((tuple%0./tuple%0))
))
(declare-fun core!option.Option./Some/0 (core!option.Option.) Poly)
(assert
 (forall ((x@ core!option.Option.)) (!
   (= (core!option.Option./Some/0 x@) (core!option.Option./Some/?0 x@))
   :pattern ((core!option.Option./Some/0 x@))
   :qid
   internal_core!option.Option./Some/0_accessor_definition
   :skolemid
   skolem_internal_core!option.Option./Some/0_accessor_definition
)))
(push)
 (get-info :all-statistics)
 (declare-const a~2@0 Int)
 (declare-const %%location_label%%0 Bool)
 (declare-const %%query%% Bool)
 (assert
  (=>
   %%query%%
   (not (=>
     (and (<= 0 a~2@0) (< a~2@0 256))
     (=>
      %%location_label%%0
      (and
       (= (uClip 8 a~2@0) a~2@0)
       (= (%I (core!option.Option./Some/0 (core!option.Option./Some (I a~2@0)))) a~2@0)
       ((_ is core!option.Option./Some) (core!option.Option./Some (I a~2@0)))
 ))))))
 (get-info :version)
 (assert
  %%query%%
 )
 (set-option :rlimit 30000000)
 (check-sat)
 (set-option :rlimit 0)
(pop)
