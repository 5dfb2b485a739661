//! What is accepted, and the one text that comes of it.
//!
//! Must never: compare with what the solver says; only `verifier/` can ask it.

use smtlib::{Limits, Normalised, NoteKind, Status, normalise};

#[track_caller]
fn accepted(script: &str) -> Normalised {
    match normalise(script.as_bytes(), &Limits::default()) {
        Ok(normalised) => normalised,
        Err(error) => panic!("{error}\nin: {script}"),
    }
}

/// The text without its last line, the check.
#[track_caller]
fn text(script: &str) -> String {
    let script = format!("{script}\n(check-sat)");
    let text = accepted(&script).text;
    text.strip_suffix("(check-sat)\n").expect("the check comes last").to_owned()
}

fn notes(normalised: &Normalised) -> Vec<(NoteKind, &str, u32, u32)> {
    normalised.notes.iter().map(|note| (note.kind, note.name.as_str(), note.line, note.column)).collect()
}

#[test]
fn space_comments_and_bars_make_no_difference() {
    let left = accepted("(declare-const |p| Bool);c\n(assert\t( not |p| ) )\r\n(check-sat)");
    let right = accepted("(declare-fun p () Bool) (assert (not p)) (check-sat)");
    assert_eq!(left.text, "(declare-fun p () Bool)\n(assert (not p))\n(check-sat)\n");
    assert_eq!(left.identity, right.identity);
}

#[test]
fn the_identity_covers_text_and_options() {
    let plain = accepted("(assert true)(check-sat)");
    let with_option = accepted("(set-option :smt.mbqi false)(assert true)(check-sat)");
    let with_logic = accepted("(set-logic ALL)(assert true)(check-sat)");
    assert_eq!(plain.text, with_option.text);
    assert_ne!(plain.identity, with_option.identity);
    assert_ne!(plain.identity, with_logic.identity);
    assert_eq!(plain.identity, accepted("(assert true)(check-sat)(get-model)").identity);
}

#[test]
fn output_and_information_are_ignored_and_told() {
    let normalised = accepted(
        "(set-info :status unsat)\n(echo \"unsat\")\n(assert true)(get-info :version)\n(check-sat)\n(get-model)\n(exit)\n",
    );
    assert_eq!(normalised.text, "(assert true)\n(check-sat)\n");
    assert_eq!(normalised.status, Some(Status::Unsat));
    assert_eq!(
        notes(&normalised),
        [
            (NoteKind::CommandIgnored, "set-info :status", 1, 2),
            (NoteKind::CommandIgnored, "echo", 2, 1),
            (NoteKind::CommandIgnored, "get-info", 3, 14),
            (NoteKind::AfterCheck, "get-model", 5, 1),
        ]
    );
    assert_eq!(normalised.notes[1].to_string(), "line 2, column 1: ignored echo");
}

#[test]
fn the_last_status_before_the_check_counts() {
    let script = "(set-info :status sat)(set-info :status unknown)(assert true)(check-sat)(set-info :status unsat)";
    assert_eq!(accepted(script).status, Some(Status::Unknown));
    assert_eq!(accepted("(assert true)(check-sat)").status, None);
}

#[test]
fn what_was_ignored_is_counted_and_a_status_that_is_read_is_not() {
    for (script, commands, options) in [
        ("(set-info :status sat)(assert true)(check-sat)", 0, 0),
        ("(set-info :source a)(echo \"a\")(assert true)(check-sat)(get-model)(pop)(exit)", 4, 0),
        ("(set-option :print-success true)(set-option :smt.mbqi false)(assert true)(check-sat)", 0, 1),
        ("(set-logic NO_SUCH)(declare-const a Int)(declare-const a Int)(assert (! true :lblpos a))(check-sat)", 2, 0),
        ("(reset)(assert true)(check-sat)", 1, 0),
        ("(declare-const a Int)(assert (> a 0))(reset)(assert true)(check-sat)", 3, 0),
    ] {
        let ignored = normalise(script.as_bytes(), &Limits::default()).unwrap().ignored;
        assert_eq!((ignored.commands, ignored.options), (commands, options), "{script}");
    }
    let echoes = "(echo \"a\")".repeat(1_000) + "(assert true)(check-sat)";
    let many = normalise(echoes.as_bytes(), &Limits::default()).unwrap();
    assert!(many.notes_left_out > 0 && many.ignored.commands == 1_000, "{:?}", many.ignored);
}

#[test]
fn what_follows_the_check_is_ignored_and_told_in_one_line() {
    // As logs have it: the end of the scope, a reset, a preamble without a query, which would not be let through itself.
    let normalised = accepted(
        "(push)(assert true)(check-sat)\n(assert false)(pop)(pop 7)(reset)(set-option :x 1)(declare-const x (New))(exit)",
    );
    assert_eq!(normalised.text, "(push 1)\n(assert true)\n(check-sat)\n");
    assert_eq!(normalised.assumptions.assertions, 1);
    assert_eq!(normalised.assumptions.uninterpreted, 0);
    assert_eq!(notes(&normalised), [(NoteKind::AfterCheck, "6 commands (assert, pop, pop, reset, …)", 2, 1)]);
}

#[test]
fn options_leave_the_text_under_canonical_names() {
    let normalised = accepted(
        "(set-option :AUTO-CONFIG false)(set-option :smt.RESTART_FACTOR |1.5|)(set-option :smt.qi.eager_threshold 100)
         (set-option :smt.Random-Seed 7)(set-option :smt.relevancy 1)(set-option :smt.relevancy 2)
         (assert true)(check-sat)(set-option :smt.mbqi false)",
    );
    let options: Vec<(&str, &str)> =
        normalised.options.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(
        options,
        [
            ("auto_config", "false"),
            ("smt.qi.eager_threshold", "100.0"),
            ("smt.relevancy", "2"),
            ("smt.restart_factor", "1.5")
        ]
    );
    assert_eq!(
        notes(&normalised),
        [
            (NoteKind::OptionIgnored, "smt.Random-Seed", 2, 22),
            (NoteKind::OptionReplaced, "smt.relevancy", 2, 82),
            (NoteKind::AfterCheck, "set-option", 3, 34),
        ]
    );
    assert_eq!(normalised.text, "(assert true)\n(check-sat)\n");
}

#[test]
fn the_logic_can_be_left_out_for_a_second_run() {
    let normalised = accepted("(set-info :x 1)(set-logic QF_LIA)(assert true)(check-sat)");
    assert_eq!(normalised.text, "(set-logic QF_LIA)\n(assert true)\n(check-sat)\n");
    assert_eq!(normalised.text_without_logic(), "(assert true)\n(check-sat)\n");
    assert_eq!(normalised.logic.as_deref(), Some("QF_LIA"));
    let without = accepted("(assert true)(check-sat)");
    assert_eq!(without.text_without_logic(), without.text);
}

#[test]
fn names_that_the_solver_takes_for_its_own_are_renamed() {
    assert_eq!(
        text("(declare-fun sin (Real) Real)(declare-const |sin~1| Real)(assert (= (sin 1.0) |sin~1|))"),
        "(declare-fun sin~2 (Real) Real)\n(declare-fun sin~1 () Real)\n(assert (= (sin~2 1.0) sin~1))\n"
    );
    assert_eq!(
        text("(declare-fun is-a (Int) Bool)(declare-datatype D ((a) (b)))(assert (is-a 1))"),
        "(declare-fun is-a~1 (Int) Bool)\n(declare-datatypes ((D 0)) (((a) (b))))\n(assert (is-a~1 1))\n"
    );
    assert_eq!(
        text("(declare-sort Set 1)(declare-sort List 0)(declare-const s (Set List))(assert (= s s))"),
        "(declare-sort Set~1 1)\n(declare-sort List~1 0)\n(declare-fun s () (Set~1 List~1))\n(assert (= s s))\n"
    );
    assert_eq!(
        text("(assert (forall ((log Int)) (let ((exp log)) (= exp log))))"),
        "(assert (forall ((log~1 Int)) (let ((exp~1 log~1)) (= exp~1 log~1))))\n"
    );
    // What the solver leaves alone keeps its name.
    assert_eq!(
        text("(declare-fun is-a (Int) Bool)(assert (is-a 1))"),
        "(declare-fun is-a (Int) Bool)\n(assert (is-a 1))\n"
    );
}

#[test]
fn renaming_is_told_once() {
    let normalised = accepted("\n(declare-fun cos (Real) Real)(assert (= (cos 1.0) (cos 2.0)))(check-sat)");
    assert_eq!(notes(&normalised), [(NoteKind::Renamed, "cos", 2, 14)]);
}

#[test]
fn testers_are_written_as_the_standard_has_them() {
    assert_eq!(
        text("(declare-datatype D ((a (f Int)) (b)))(declare-const d D)(assert (and (is-a d) ((_ is b) d)))"),
        "(declare-datatypes ((D 0)) (((a (f Int)) (b))))\n(declare-fun d () D)\n\
         (assert (and ((_ is a) d) ((_ is b) d)))\n"
    );
}

#[test]
fn datatypes_of_both_styles_give_one_text() {
    let new = "(declare-datatypes ((L 1)) ((par (T) ((n) (c (h T) (t (L T)))))))";
    let old = "(declare-datatypes (T) ((L n (c (h T) (t L)))))";
    let single = "(declare-datatype L (par (T) ((n) (c (h T) (t (L T))))))";
    let rest = "(declare-const l (L Int))(assert (= l (as n (L Int))))";
    let expected = "(declare-datatypes ((L 1)) ((par (T) ((n) (c (h T) (t (L T)))))))\n\
                    (declare-fun l () (L Int))\n(assert (= l (as n (L Int))))\n";
    for declaration in [new, old, single] {
        assert_eq!(text(&format!("{declaration}{rest}")), expected);
    }
    assert_eq!(
        text("(declare-datatypes () ((A (a (b B))) (B (c (d A)) e)))(assert true)"),
        "(declare-datatypes ((A 0) (B 0)) (((a (b B))) ((c (d A)) (e))))\n(assert true)\n"
    );
}

#[test]
fn match_binds_what_its_patterns_name() {
    assert_eq!(
        text(
            "(declare-datatype L ((n) (c (h Int) (t L))))(declare-const l L)
             (assert (match l ((n true) ((c x _) (= x 1)))))(assert (match l (((c sin y) (= sin 1)) (z (= z n)))))"
        ),
        "(declare-datatypes ((L 0)) (((n) (c (h Int) (t L)))))\n(declare-fun l () L)\n\
         (assert (match l ((n true) ((c x _) (= x 1)))))\n\
         (assert (match l (((c sin~1 y) (= sin~1 1)) (z (= z n)))))\n"
    );
}

#[test]
fn identical_declarations_are_ignored_and_told() {
    let normalised = accepted(
        "(declare-fun f (Int) Int)\n(declare-fun f (Int) Int)\n(declare-const c Int)\n(declare-fun c () Int)
(declare-sort S)\n(declare-sort S 0)\n(define-fun g ((x Int)) Int x)\n(define-fun  g ((x Int)) Int x) (assert true)(check-sat)",
    );
    assert_eq!(
        normalised.text,
        "(declare-fun f (Int) Int)\n(declare-fun c () Int)\n(declare-sort S 0)\n(define-fun g ((x Int)) Int x)\n\
         (assert true)\n(check-sat)\n"
    );
    let ignored: Vec<(&str, u32)> = normalised.notes.iter().map(|note| (note.name.as_str(), note.line)).collect();
    assert_eq!(ignored, [("f", 2), ("c", 4), ("S", 6), ("g", 8)]);
    assert_eq!(normalised.assumptions.uninterpreted, 3);
}

#[test]
fn a_definition_that_is_no_sort_is_ignored_while_nothing_uses_it() {
    let unused = accepted("(define-sort a () (FloatingPoint))(assert true)(check-sat)");
    assert_eq!(unused.text, "(assert true)\n(check-sat)\n");
    assert_eq!(notes(&unused), [(NoteKind::NoSortIgnored, "a", 1, 14)]);
    for script in ["(declare-const x a)(assert true)(check-sat)", "(define-sort b () (Array Int a))(declare-const x b)"]
    {
        let script = format!("(define-sort a () (FloatingPoint))\n{script}");
        let error = normalise(script.as_bytes(), &Limits::default()).unwrap_err();
        assert!(error.to_string().starts_with("line 1, column 20: FloatingPoint has the form"), "{error}");
    }
}

#[test]
fn a_script_that_asserts_nothing_is_for_its_reader_to_judge() {
    assert_eq!(accepted("(check-sat)").assumptions.assertions, 0);
}

#[test]
fn names_live_as_long_as_their_scope() {
    assert_eq!(
        text("(push)(declare-const x Int)(assert (= x 1))(pop)(declare-const x Bool)(assert x)"),
        "(push 1)\n(declare-fun x () Int)\n(assert (= x 1))\n(pop 1)\n(declare-fun x () Bool)\n(assert x)\n"
    );
}

#[test]
fn assumptions_are_counted_where_they_hold() {
    let normalised = accepted(
        "(declare-sort S 0)(declare-fun f (S) Bool)(define-fun-rec g ((n Int)) Int (g n))
         (assert (forall ((x S)) (exists ((y S)) (= x y))))
         (push)(declare-const c S)(assert (forall ((x S)) (f x)))(pop)(assert (= 1 (g 1)))(check-sat)",
    );
    let counts = normalised.assumptions;
    assert_eq!((counts.assertions, counts.quantifiers), (2, 2));
    assert_eq!((counts.uninterpreted, counts.recursive_definitions), (2, 1));
}

#[test]
fn labels_are_taken_off_and_other_attributes_kept() {
    assert_eq!(
        text(
            "(declare-fun f (Int) Int)(assert (! (! false :lblpos a) :lblneg |+2|))
             (assert (! (forall ((x Int)) (! (= (f x) x) :lblneg l :pattern ((f x)) :qid |a b| :weight 3)) :named n))
             (assert (forall ((x Int)) (! (= (f x) x) :pattern (f x) :skolemid s :no-pattern (f (f x)))))
             (assert n)"
        ),
        "(declare-fun f (Int) Int)\n(assert false)\n\
         (assert (! (forall ((x Int)) (! (= (f x) x) :pattern ((f x)) :qid |a b| :weight 3)) :named n))\n\
         (assert (forall ((x Int)) (! (= (f x) x) :pattern ((f x)) :skolemid s :no-pattern (f (f x)))))\n\
         (assert n)\n"
    );
}

#[test]
fn negative_numbers_are_written_out() {
    assert_eq!(
        text("(assert (= (- 1) -1))(assert (< -0.5 -2))"),
        "(assert (= (- 1) (- 1)))\n(assert (< (- 0.5) (- 2.0)))\n"
    );
    assert_eq!(
        text("(declare-const |-1| Int)(assert (= -1 (- 1)))"),
        "(declare-fun |-1| () Int)\n(assert (= |-1| (- 1)))\n"
    );
}

#[test]
fn theories_are_known_by_their_forms() {
    for term in [
        "(= ((_ extract 3 0) #xAB) (_ bv11 4))",
        "(= (concat #b1 #b0) ((_ zero_extend 1) #b1))",
        "(fp.eq ((_ to_fp 8 24) RNE 1.5) (fp #b0 #x7F #b00000000000000000000000))",
        "(fp.isNaN (_ NaN 5 11))",
        "(= (select ((as const (Array Int Int)) 3) 1) 3)",
        "(= (store ((as const (Array Int Bool)) true) 1 false) (lambda ((x Int)) (distinct x 1)))",
        "(str.in_re \"a\"\"\\u{e9}\" (re.++ (re.* re.allchar) ((_ re.loop 1 3) (str.to_re \"x\"))))",
        "(= (seq.len (seq.++ (seq.unit 1) (as seq.empty (Seq Int)))) 1)",
        "((_ at-most 1) true false)",
        "(iff (implies true false) (if true false true))",
        "(= ((_ map and) ((as const (Array Int Bool)) true) ((as const (Array Int Bool)) true)) ((as const (Array Int Bool)) true))",
        "(= (bv2int ((_ int2bv 8) 3)) 3)",
        "(= 1.5 (/ 3.0 2.0))",
        "(= (_ char #x41) \"A\")",
        "(let ((x 1) (y 2)) (= x y))",
    ] {
        assert_eq!(text(&format!("(assert {term})")), format!("(assert {term})\n"));
    }
}

#[test]
fn divisibility_is_written_as_the_standard_defines_it() {
    assert_eq!(
        text("(declare-const x Int)(assert (not ((_ divisible 3) (+ x 1))))"),
        "(declare-fun x () Int)\n(assert (not (= (mod (+ x 1) 3) 0)))\n"
    );
}

#[test]
fn notes_are_bounded() {
    let script = "(echo \"\")".repeat(1_000) + "(assert true)(check-sat)";
    let normalised = accepted(&script);
    assert_eq!((normalised.notes.len(), normalised.notes_left_out), (256, 744));
}

#[test]
fn shared_terms_are_no_explosion() {
    // A chain of lets or of constants doubles only on paper: the solver keeps one copy.
    let mut lets = String::from("(assert (forall ((a0 Int)) ");
    let mut constants = String::from("(declare-const c0 Int)");
    for level in 1..200 {
        lets += &format!("(let ((a{level} (+ a{0} a{0})))", level - 1);
        constants += &format!("(define-fun c{level} () Int (+ c{0} c{0}))", level - 1);
    }
    accepted(&format!("{lets} (= a199 0){}(check-sat)", ")".repeat(201)));
    accepted(&format!("{constants} (assert (= c199 0))(check-sat)"));
}

#[test]
fn parametric_datatypes_are_used_as_their_sorts_allow() {
    let declared = "(declare-datatypes ((Pair 2)) ((par (A B) ((mk (first A) (second B)))))) \
        (declare-datatypes ((L 1)) ((par (T) ((nil) (cons (hd T) (tl (L T))))))) \
        (declare-datatypes ((Tree 1) (Trees 1)) ((par (X) ((leaf) (node (value X) (below (Trees X))))) \
        (par (Y) ((none) (more (one (Tree Y)) (rest (Trees Y))))))) \
        (declare-const p (Pair Bool Int)) (declare-const r (Pair Real Bool)) (declare-const li (L Int)) \
        (declare-const lr (L Real)) (declare-const lp (L (Pair Real Bool))) (declare-const t (Tree Int))";
    let used = [
        "(= 3 (+ 1 (second p)))",
        "(first p)",
        // An Int may stand for a Real, inside of what is made, too.
        "(= r (mk 1 true))",
        "(= (first r) 1)",
        "(= lr (cons 1 lr))",
        "(= lr (cons 1 (cons 1.5 (as nil (L Real)))))",
        "(= lp (cons (mk 1 true) lp))",
        "(= lp (cons (mk 1 true) (as nil (L (Pair Real Bool)))))",
        "(= r (ite true (mk 1 true) r))",
        "(= li ((as cons (L Int)) 1 nil))",
        "(= li (cons 1 nil))",
        "(= 1 (hd (tl (cons 1 nil))))",
        "(match p (((mk a b) (and a (= b 1)))))",
        "(match li ((nil true) ((cons x y) (= (+ x 1) (hd y)))))",
        "(= 1 (+ 1 (value (one (below t)))))",
        "((_ is cons) li)",
    ];
    for term in used {
        let script = format!("{declared}\n(assert {term})\n(check-sat)\n");
        assert!(
            normalise(script.as_bytes(), &Limits::default()).is_ok(),
            "{term}: {:?}",
            normalise(script.as_bytes(), &Limits::default()).err()
        );
    }
}

#[test]
fn many_uses_of_one_instance_cost_no_more_than_one() {
    let uses = "(= (hd (tl (cons 1 l))) 1) ".repeat(60_000);
    let script = format!(
        "(declare-datatypes ((L 1)) ((par (T) ((nil) (cons (hd T) (tl (L T)))))))\n(declare-const l (L Int))\n(assert (and {uses}))\n(check-sat)\n"
    );
    assert!(normalise(script.as_bytes(), &Limits::default()).is_ok());
}
