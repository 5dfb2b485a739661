//! Models as the pinned solver writes them.

use super::*;
use crate::normalise;

fn vocabulary(script: &str) -> Vocabulary {
    let normalised = normalise(script.as_bytes(), &Limits::default()).unwrap();
    Vocabulary::of(&normalised.text, &normalised.renamed).unwrap()
}

fn printed(script: &str, model: &str, values: &str) -> String {
    let (text, cut) = vocabulary(script).print(model, values, 10_000).unwrap();
    assert!(!cut, "{text}");
    text
}

#[test]
fn the_scripts_own_come_first_and_in_its_order() {
    let script = "(declare-fun f (Int) Int)(declare-const b Int)(declare-const a Int)(define-fun c () Int (+ a b))
        (assert (> (f a) c))(check-sat)";
    let vocabulary = vocabulary(script);
    assert_eq!(vocabulary.question().as_deref(), Some("(get-value (c))"));
    let model = "(
  (define-fun a () Int
    1)
  (define-fun c () Int
    (+ a b))
  (define-fun k!0 ((x!0 Int)) Int (ite (= x!0 1) 1 0))
  (define-fun b () Int
    (- 2))
  (define-fun f ((x!0 Int)) Int
    (k!0 x!0))
)";
    let text = "(define-fun f ((x!0 Int)) Int (k!0 x!0))
(define-fun b () Int (- 2))
(define-fun a () Int 1)
; c is (- 1)
; the solver's own names
(define-fun k!0 ((x!0 Int)) Int (ite (= x!0 1) 1 0))
";
    assert_eq!(printed(script, model, "((c (- 1)))"), text);
}

#[test]
fn a_name_that_was_changed_for_the_solver_is_the_scripts_again() {
    let script =
        "(declare-sort List 0)(declare-fun sin (List) Real)(declare-const l List)(define-fun exp () Real (sin l))
        (assert (> (sin l) 5.0))(check-sat)";
    let renamed = normalise(script.as_bytes(), &Limits::default()).unwrap().renamed;
    assert_eq!(renamed.len(), 3, "this shows nothing if the solver's names have changed: {renamed:?}");
    let model = "(
  ;; universe for List~1:
  ;;   List~1!val!0
  (declare-fun List~1!val!0 () List~1)
  (forall ((x List~1)) (= x List~1!val!0))
  (define-fun l () List~1
    List~1!val!0)
  (define-fun exp~1 () Real
    (sin~1 l))
  (define-fun sin~1 ((x!0 List~1)) Real
    6.0)
)";
    let text = "(define-fun sin ((x!0 List)) Real 6.0)
(define-fun l () List List!val!0)
; exp is 6.0
; the solver's own names
(forall ((x List)) (= x List!val!0))
";
    assert_eq!(printed(script, model, "((exp~1 6.0))"), text);
}

#[test]
fn what_does_not_fit_on_a_line_is_broken_and_what_does_not_fit_at_all_is_cut() {
    let script = "(declare-fun f (Int) Int)(declare-const a Int)(assert (> (f 1) a))(check-sat)";
    let deep = "(ite (= x!0 111111111111) 2222222222 ".repeat(500);
    let model = format!("((define-fun f ((x!0 Int)) Int {deep} 0{})(define-fun a () Int 7))", ")".repeat(500));
    let (text, cut) = vocabulary(script).print(&model, "", 1_000_000).unwrap();
    assert!(!cut && text.lines().count() >= 500, "{text}");
    assert!(text.lines().all(|line| line.trim_end_matches(')').len() <= 140), "{text}");
    assert!(
        text.starts_with("(define-fun f ((x!0 Int)) Int\n  (ite (= x!0 111111111111) 2222222222\n    (ite"),
        "{text}"
    );
    // One definition is too long for all of the room; the other one is still told.
    let (text, cut) = vocabulary(script).print(&model, "", 1_000).unwrap();
    assert!(cut && text.len() <= 1_000 && text.contains("\n  ; cut here: this definition is longer\n"), "{text}");
    assert!(text.ends_with("(define-fun a () Int 7)\n"), "{text}");
    let digits = format!("((define-fun a () Int {}))", "9".repeat(100_000));
    let (text, cut) = vocabulary(script).print(&digits, "", 10_000).unwrap();
    assert!(cut && text.len() < 1_000 && text.ends_with("9…)\n"), "{text}");
}

#[test]
fn a_name_with_a_line_end_or_an_escape_makes_no_line_and_no_colour() {
    let script = "(declare-const |a\nb| Int)(declare-const |c\u{9b}d| Int)(assert (= |a\nb| |c\u{9b}d|))(check-sat)";
    let model = "((define-fun |a\nb| () Int 1)(define-fun |c\u{9b}d| () Int 1))";
    let text = printed(script, model, "");
    assert_eq!(text, "(define-fun |a\\u{a}b| () Int 1)\n(define-fun |c\\u{9b}d| () Int 1)\n");
}

#[test]
fn what_is_no_model_is_an_error_or_nothing() {
    let vocabulary = vocabulary("(declare-const a Int)(assert (> a 0))(check-sat)");
    for broken in ["(", ")", "((define-fun a () Int 1)", "((define-fun a () Int \"))", "\u{1}"] {
        assert!(vocabulary.print(broken, "", 100).is_err(), "{broken}");
    }
    for empty in ["", "x", "()", "(() x ((y)))", "unsat"] {
        assert_eq!(vocabulary.print(empty, ")", 100).unwrap(), (String::new(), false), "{empty}");
    }
}

#[test]
fn functions_of_one_name_keep_it_and_their_places() {
    let script = "(declare-fun f (Int) Int)(declare-const b Int)(declare-fun f (Bool) Int)(assert (= (f b) (f true)))(check-sat)";
    let model = "(
  (define-fun f~1 ((x!0 Bool)) Int
    7)
  (define-fun b () Int
    0)
  (define-fun f ((x!0 Int)) Int
    7)
)";
    let text = "(define-fun f ((x!0 Int)) Int 7)\n(define-fun b () Int 0)\n(define-fun f ((x!0 Bool)) Int 7)\n";
    assert_eq!(printed(script, model, ""), text);
}
