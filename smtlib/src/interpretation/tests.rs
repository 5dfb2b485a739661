//! What is composed of a script and a model, and what is refused: above all that no text of a model's can change what the
//! script says.

use super::*;

const INV: &str = "(set-logic HORN)\n(declare-fun inv (Int) Bool)\n(assert (inv 0))\n(check-sat)\n";

fn interpretation(script: &str, model: &str) -> Result<Interpretation, InterpretationError> {
    let text = normalise(script.as_bytes(), &Limits::default()).unwrap().text;
    Interpretation::new(&text, model)
}

/// The texts of all assertions.
fn texts(script: &str, model: &str) -> Result<Vec<String>, InterpretationError> {
    let interpretation = interpretation(script, model)?;
    (0..interpretation.assertions()).map(|index| interpretation.negation(index)).collect()
}

fn text(script: &str, model: &str) -> String {
    let [text] = &texts(script, model).unwrap()[..] else { panic!("not one assertion") };
    text.clone()
}

#[test]
fn an_assertion_is_negated_under_the_models_definitions_without_the_logic() {
    let model = "(\n  (define-fun inv ((x!0 Int)) Bool\n    (not (<= x!0 (- 1))))\n)\n";
    let expected = "(define-fun inv ((x!0 Int)) Bool (not (<= x!0 (- 1))))\n(assert (not (inv 0)))\n(check-sat)\n";
    assert_eq!(text(INV, model), expected);
}

#[test]
fn what_the_model_omits_stays_declared() {
    let script = "(declare-fun p (Int) Bool)(declare-const c Int)(declare-fun other () Bool)
        (assert (p c))(assert (p 1))(check-sat)";
    let texts = texts(script, "((define-fun c () Int 7))").unwrap();
    let declared = "(declare-fun p (Int) Bool)\n";
    assert_eq!(texts[0], format!("{declared}(define-fun c () Int 7)\n(assert (not (p c)))\n(check-sat)\n"));
    assert_eq!(texts[1], format!("{declared}(assert (not (p 1)))\n(check-sat)\n"), "only what it refers to");
}

#[test]
fn the_sorts_of_a_definition_are_the_scripts() {
    let script = "(define-sort Word () (_ BitVec 8))(declare-fun f (Word Real) Word)
        (assert (= (f #x00 1.0) #x01))(check-sat)";
    let text = text(script, "((define-fun f ((x!0 Bool) (x!1 Nowhere)) Int x!0))");
    assert!(text.contains("(define-fun f ((x!0 Word) (x!1 Real)) Word x!0)\n"), "{text}");
}

#[test]
fn definitions_stand_behind_what_they_refer_to() {
    let script = "(declare-fun a (Int) Int)(define-fun twice ((x Int)) Int (* 2 (a x)))(declare-fun b (Int) Int)
        (assert (= (twice 1) (b 1)))(check-sat)";
    let model = "((define-fun a ((x!0 Int)) Int (b (k!1 x!0)))(define-fun b ((x!0 Int)) Int (k!1 x!0))
        (define-fun k!1 ((x!0 Int)) Int (+ x!0 1)))";
    let text = text(script, model);
    let lines: Vec<&str> = text.lines().map(|line| &line[..line.len().min(18)]).collect();
    let expected = ["(define-fun k!1 ((", "(define-fun b ((x!", "(define-fun a ((x!", "(define-fun twice "];
    assert_eq!(lines[..4], expected, "{text}");
}

#[test]
fn definitions_in_a_circle_are_refused() {
    for model in [
        "((define-fun inv ((x!0 Int)) Bool (not (inv x!0))))",
        "((define-fun inv ((x!0 Int)) Bool (k x!0))(define-fun k ((x!0 Int)) Bool (not (inv x!0))))",
        // Through a binder's name: more is refused than need be.
        "((define-fun inv ((inv Int)) Bool (< inv 0)))",
    ] {
        let refused = texts(INV, model).unwrap_err();
        assert!(matches!(refused, InterpretationError::Circular { .. }), "{model}: {refused}");
    }
    // Through a definition of the script's.
    let script = "(declare-fun p (Int) Bool)(define-fun q ((x Int)) Bool (p x))(assert (q 1))(check-sat)";
    let refused = texts(script, "((define-fun p ((x!0 Int)) Bool (not (q x!0))))").unwrap_err();
    assert!(matches!(refused, InterpretationError::Circular { .. }), "{refused}");
}

#[test]
fn a_long_chain_of_definitions_costs_no_stack() {
    let mut model = "((define-fun inv ((x!0 Int)) Bool (> x!0 k0))".to_owned();
    for link in 0..20_000 {
        model.push_str(&format!("(define-fun k{link} () Int k{})", link + 1));
    }
    model.push_str("(define-fun k20000 () Int 0))");
    let text = text(INV, &model);
    assert!(text.starts_with("(define-fun k20000 "));
}

#[test]
fn a_model_says_nothing_of_names_to_which_the_script_gives_a_meaning() {
    let script = "(declare-datatypes ((L 0)) (((nil) (cons (hd Int) (tl L)))))(declare-fun p (L) Bool)
        (define-fun one () Int 1)
        (assert (forall ((l L)) (=> (p l) (= (mod (hd l) 2) one))))(check-sat)";
    let p = "(define-fun p ((x!0 L)) Bool (= (hd x!0) 1))";
    let alone = text(script, &format!("({p})"));
    for other in [
        "(define-fun one () Int 2)",
        "(define-fun mod ((x!0 Int) (x!1 Int)) Int 1)",
        "(define-fun hd ((x!0 L)) Int 1)",
        "(define-fun = ((x!0 Int) (x!1 Int)) Bool true)",
        "(define-fun => ((x!0 Bool) (x!1 Bool)) Bool true)",
        "(define-fun l () Int 1)",
        "(define-fun L () Int 1)",
        "(define-fun forall () Int 1)",
        "(define-fun |assert| () Int 1)",
        "(define-fun unused ((x!0 Int)) Bool false)",
    ] {
        for model in [format!("({p}{other})"), format!("({other}{p})")] {
            assert_eq!(text(script, &model), alone, "{model}");
        }
    }
    // Its own definitions may not refer to what it would have taken, but for what the script has.
    let refers = "((define-fun p ((x!0 L)) Bool (= (mod (hd x!0) 2) one))(define-fun one () Int 2))";
    assert!(text(script, refers).contains("(define-fun one () Int 1)\n"));
    let refers = "((define-fun p ((x!0 L)) Bool (l x!0))(define-fun l ((x!0 L)) Bool true))";
    assert!(matches!(texts(script, refers), Err(InterpretationError::Form(_))));
}

#[test]
fn a_function_with_a_name_of_a_datatypes_is_refused() {
    let text =
        "(declare-datatypes ((L 0)) (((nil) (cons (hd Int) (tl L)))))\n(declare-fun hd (Int) Int)\n(check-sat)\n";
    let refused = Interpretation::new(text, "()").unwrap_err();
    assert_eq!(refused, InterpretationError::Ambiguous { name: "hd".to_owned() });
    let text = "(declare-fun f (Int) Int)\n(declare-fun f (Real) Int)\n(check-sat)\n";
    let refused = Interpretation::new(text, "()").unwrap_err();
    assert_eq!(refused, InterpretationError::Ambiguous { name: "f".to_owned() });
}

#[test]
fn a_bound_variable_hides_a_function_as_before() {
    let script = "(declare-fun c () Int)(declare-fun p (Int) Bool)
        (assert (forall ((c Int)) (=> (p c) (> c 0))))(check-sat)";
    let text = text(script, "((define-fun c () Int 7)(define-fun p ((c Int)) Bool (> c 3)))");
    assert!(text.contains("(define-fun p ((c Int)) Bool (> c 3))\n"), "{text}");
    assert!(text.contains("(assert (not (forall ((c Int)) (=> (p c) (> c 0)))))\n"), "{text}");
}

#[test]
fn only_what_is_in_force_at_the_check_is_checked_and_all_of_it() {
    let script = "(declare-fun p (Int) Bool)(assert (p 0))(push 2)(declare-fun q (Int) Bool)(assert (q 1))(pop)
        (assert (p 2))(pop 1)(push)(declare-fun q (Real) Bool)(assert (q 3.0))(check-sat)";
    let model = "((define-fun p ((x!0 Int)) Bool true)(define-fun q ((x!0 Real)) Bool true))";
    let texts = texts(script, model).unwrap();
    let asserted = |text: &String| text.lines().rev().nth(1).unwrap().to_owned();
    let asserted: Vec<String> = texts.iter().map(asserted).collect();
    assert_eq!(asserted, ["(assert (not (p 0)))", "(assert (not (q 3.0)))"]);
    assert!(texts[1].starts_with("(define-fun q ((x!0 Real)) Bool true)\n"), "{}", texts[1]);
}

#[test]
fn a_named_term_keeps_its_meaning_for_others() {
    let script = "(declare-fun p (Int) Bool)(assert (! (p 0) :named first))
        (assert (=> first (! (p 1) :named second)))(define-fun both () Bool (and first second))(assert both)(check-sat)";
    let model =
        "((define-fun p ((x!0 Int)) Bool true)(define-fun first () Bool false)(define-fun second () Bool true))";
    let texts = texts(script, model).unwrap();
    let p = "(define-fun p ((x!0 Int)) Bool true)\n";
    let (first, second) = ("(! (p 0) :named first)", "(=> first (! (p 1) :named second))");
    let said = |term: &str| format!("(assert (or {term} true))\n");
    let negated = |term: &str| format!("(assert (not {term}))\n(check-sat)\n");
    assert_eq!(texts[0], format!("{p}{}", negated(first)));
    assert_eq!(texts[1], format!("{p}{}{}", said(first), negated(second)));
    let both = "(define-fun both () Bool (and first second))\n";
    assert_eq!(texts[2], format!("{p}{}{}{both}{}", said(first), said(second), negated("both")));
}

#[test]
fn elements_of_sorts_stay_open() {
    let script = "(declare-sort S 0)(declare-fun c () S)(declare-fun p (S) Bool)(assert (p c))(check-sat)";
    let model = "(;; universe for S:\n(declare-fun S!val!0 () S)\n(forall ((x S)) (= x S!val!0))
        (define-fun c () S S!val!0)(define-fun p ((x!0 S)) Bool (= x!0 S!val!0)))";
    let expected = "(declare-sort S 0)\n(declare-fun S!val!0 () S)\n(define-fun p ((x!0 S)) Bool (= x!0 S!val!0))
(define-fun c () S S!val!0)\n(assert (not (p c)))\n(check-sat)\n";
    assert_eq!(text(script, model), expected);
}

#[test]
fn arrays_lets_and_auxiliary_functions_are_read() {
    let script = "(declare-fun a () (Array Int Int))(declare-fun f (Int) Int)
        (assert (= (select a 1) (f 1)))(check-sat)";
    for model in [
        "((define-fun a () (Array Int Int) ((as const (Array Int Int)) 0)))",
        "((define-fun a () (Array Int Int) (_ as-array k!3))(define-fun k!3 ((x!0 Int)) Int 4))",
        "((define-fun f ((x!0 Int)) Int (let ((a!1 (+ x!0 1))) (* a!1 a!1))))",
        "((define-fun a () (Array Int Int) (lambda ((x!0 Int)) (ite (= x!0 1) 2 3))))",
    ] {
        assert!(texts(script, model).is_ok(), "{model}: {:?}", texts(script, model));
    }
}

#[test]
fn what_is_no_definition_is_refused() {
    for model in [
        "",
        "sat",
        "() ()",
        "(model)",
        "((define-fun-rec inv ((x!0 Int)) Bool (inv x!0)))",
        "((define-funs-rec ((inv ((x!0 Int)) Bool)) (true)))",
        "((declare-fun inv (Int) Bool))",
        "((declare-fun k!0 () Int))",
        "((declare-fun S!val!0 (Int) S))",
        "((declare-datatypes ((T 0)) (((t)))))",
        "((assert false))",
        "((define-fun inv ((x!0 Int)) Bool))",
        "((define-fun inv (x!0) Bool true))",
        "((define-fun inv x!0 Bool true))",
        "((define-fun inv () (x!0 Int) Bool true))",
        "((|define-fun-rec| inv ((x!0 Int)) Bool (inv x!0)))",
        "(error \"line 1 column 10: model is not available\")",
    ] {
        let refused = texts(INV, model).unwrap_err();
        assert!(matches!(refused, InterpretationError::NoDefinition { .. }), "{model:?}: {refused}");
    }
    let twice = "((define-fun inv ((x!0 Int)) Bool true)(define-fun inv ((x!0 Int)) Bool false))";
    assert_eq!(texts(INV, twice).unwrap_err(), InterpretationError::Ambiguous { name: "inv".to_owned() });
    let arity = InterpretationError::Arity { name: "inv".to_owned(), takes: 1, got: 0 };
    assert_eq!(texts(INV, "((define-fun inv () Bool true))").unwrap_err(), arity);
    assert!(matches!(texts(INV, "((define-fun"), Err(InterpretationError::Unreadable(_))));
    let long = format!("({})", " ".repeat(Interpretation::MODEL_BYTES_MAX));
    assert!(matches!(texts(INV, &long), Err(InterpretationError::Unreadable(_))));
}

#[test]
fn a_definition_has_only_what_a_script_may_have() {
    for body in [
        "(undeclared x!0)",
        "free",
        "(forall ((x!0 Nowhere)) true)",
        "(! true :foreign l)",
        "(let ((a 1) (a 2)) true)",
        "(root-obj (+ (^ x 2) (- 2)) 1)",
        "1 true) (assert (inv 1)) (define-fun other () Bool",
        "(+ x!0 true)",
        "\"\u{7f}\"",
    ] {
        let model = format!("((define-fun inv ((x!0 Int)) Bool {body}))");
        assert!(texts(INV, &model).is_err(), "{body}: {:?}", texts(INV, &model));
    }
    // Labels are taken off: with one the solver would answer falsely.
    assert!(text(INV, "((define-fun inv ((x!0 Int)) Bool (! false :lblpos l)))").contains(" Bool false)\n"));
}

#[test]
fn a_text_with_other_commands_than_these_is_not_checked() {
    for command in [
        "(define-fun-rec f ((x Int)) Int (f x))",
        "(define-funs-rec ((f ((x Int)) Int)) ((f x)))",
        "(check-sat p)",
        "(check-sat-assuming (p))",
        "(reset)",
        "(declare-const p Bool)",
        "(push)",
        "(pop 1)",
        "(rule (p))",
        "()",
    ] {
        let text = format!("(declare-fun p () Bool)\n{command}\n(check-sat)\n");
        let refused = Interpretation::new(&text, "()").unwrap_err();
        assert!(matches!(refused, InterpretationError::Command { .. }), "{command}: {refused}");
    }
    assert!(Interpretation::new("(declare-fun p () Bool)\n", "()").is_err(), "nothing is asked");
}

#[test]
fn any_text_at_all_is_read_or_refused() {
    use proptest::prelude::*;
    let words = [
        "(",
        ")",
        "define-fun",
        "inv",
        "x!0",
        "Int",
        "Bool",
        "((x!0 Int))",
        "true",
        "declare-fun",
        "S!val!0",
        "()",
        "forall",
        "|a b|",
        "\"s\"",
        ":named",
        "let",
        "!",
        "_",
        "as",
        "0",
        "#x0",
        "(define-fun inv ((x!0 Int)) Bool true)",
    ];
    let text = proptest::collection::vec(proptest::sample::select(words.to_vec()), 0..40);
    let script = "(declare-fun inv (Int) Bool)(assert (! (inv 0) :named a))(assert (=> a (inv 1)))(check-sat)";
    proptest!(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() }, |(words in text)| {
        let model = format!("({})", words.join(" "));
        if let Ok(texts) = texts(script, &model) {
            for text in texts {
                prop_assert!(text.ends_with("(check-sat)\n") && !text.contains("define-fun-rec"));
                prop_assert!(normalise(text.as_bytes(), &Limits::default()).is_ok());
            }
        }
    });
}
