//! Horn clauses through the solver: what is safe is found safe, and nothing else is, whatever the interpretation says.

use super::super::tests::{alone, job};
use super::*;
use crate::form;
use protocol::types::ResourceCount;
use protocol::verdict::{Claim, Job, Report, Verdict};

const SAFE: &str = "(set-logic HORN)
(declare-fun inv (Int Int) Bool)
(assert (forall ((x Int) (n Int)) (=> (and (= x 0) (>= n 0)) (inv x n))))
(assert (forall ((x Int) (n Int) (y Int)) (=> (and (inv x n) (< x n) (= y (+ x 1))) (inv y n))))
(assert (forall ((x Int) (n Int)) (=> (and (inv x n) (> x n)) false)))
(check-sat)
";

fn horn(body: &str) -> Job {
    Job { script: format!("(set-logic HORN)\n{body}\n(check-sat)\n").into_bytes(), ..job(Some(Claim::Sat)) }
}

fn check(job: &Job) -> Report {
    Checker::default().check(job)
}

fn form_of(script: &str) -> Form {
    form::read(script.as_bytes(), &job(None).limits).unwrap()
}

/// Why a planted interpretation does not stand, if it does not.
fn planted(script: &str, model: &str) -> Result<(), Unchecked> {
    let mut budget = Budget { max: COUNT_MIN, spent: 0 };
    Checker::default().contradict_negations(&form_of(script), model, &mut budget)
}

/// Each with what it is about.
const SYSTEMS: [(&str, &str); 12] = [
    ("facts without quantifiers", "(declare-fun p (Int) Bool)(assert (p 0))(assert (=> (p (- 1)) false))"),
    (
        "two predicates that need each other",
        "(declare-fun even (Int) Bool)(declare-fun odd (Int) Bool)(assert (even 0))
        (assert (forall ((x Int)) (=> (even x) (odd (+ x 1)))))(assert (forall ((x Int)) (=> (odd x) (even (+ x 1)))))
        (assert (forall ((x Int)) (=> (and (even x) (< x 0)) false)))",
    ),
    (
        "three in a row, and functions of the script's",
        "(declare-fun a (Int) Bool)(declare-fun b (Int) Bool)(declare-fun c (Int) Bool)
        (define-fun next ((x Int)) Int (+ x 2))(define-fun bound () Int 0)
        (assert (a 1))(assert (forall ((x Int)) (=> (a x) (b (next x)))))(assert (forall ((x Int)) (=> (b x) (c (next x)))))
        (assert (forall ((x Int)) (=> (c x) (a x))))(assert (forall ((x Int)) (=> (and (c x) (< x bound)) false)))",
    ),
    (
        "datatypes",
        "(declare-datatypes ((L 0)) (((nil) (cons (hd Int) (tl L)))))(declare-fun p (L Int) Bool)(assert (p nil 0))
        (assert (forall ((l L) (n Int)) (=> (p l n) (p (cons n l) (+ n 1)))))
        (assert (forall ((l L) (n Int)) (=> (and (p l n) (< n 0)) false)))",
    ),
    (
        "arrays",
        "(declare-fun q ((Array Int Int) Int) Bool)
        (assert (forall ((a (Array Int Int))) (=> (= (select a 0) 1) (q a 1))))
        (assert (forall ((a (Array Int Int)) (i Int)) (=> (q a i) (q (store a i 5) (+ i 1)))))
        (assert (forall ((a (Array Int Int)) (i Int)) (=> (and (q a i) (= (select a 0) 7)) false)))",
    ),
    (
        "bit-vectors",
        "(declare-fun r ((_ BitVec 8)) Bool)(assert (r #x00))
        (assert (forall ((x (_ BitVec 8))) (=> (and (r x) (bvult x #x10)) (r (bvadd x #x02)))))
        (assert (forall ((x (_ BitVec 8))) (=> (and (r x) (= x #x31)) false)))",
    ),
    (
        "reals",
        "(declare-fun s (Real Int) Bool)(assert (forall ((x Real)) (=> (> x 0.5) (s x 0))))
        (assert (forall ((x Real) (n Int)) (=> (s x n) (s (* 2.0 x) (+ n 1)))))
        (assert (forall ((x Real) (n Int)) (=> (and (s x n) (< x 0.25)) false)))",
    ),
    (
        "predicates without arguments",
        "(declare-fun start () Bool)(declare-fun done () Bool)(assert start)(assert (=> start done))
        (declare-fun failed () Bool)(assert (=> (and done failed) false))",
    ),
    (
        "a predicate that nothing asks for",
        "(declare-fun p (Int) Bool)(declare-fun unused ((Array Int Bool)) Bool)(assert (p 1))
        (assert (forall ((x Int)) (=> (and (p x) (> x 1)) false)))",
    ),
    (
        "scopes that were closed",
        "(declare-fun p (Int) Bool)(assert (p 1))(push 1)(assert (forall ((x Int)) (=> (p x) false)))(pop 1)
        (assert (forall ((x Int)) (=> (and (p x) (> x 1)) false)))",
    ),
    (
        "named clauses",
        "(declare-fun p (Int) Bool)(assert (! (p 1) :named fact))
        (assert (! (forall ((x Int)) (=> (and (p x) (> x 1)) false)) :named query))",
    ),
    (
        "a Boolean in a loop",
        "(declare-fun b (Int) Bool)(declare-fun d (Int) Bool)
        (assert (forall ((g Int) (l Bool) (o Int)) (=> (and (d o) (= g (ite l 1 o))) (d g))))
        (assert (forall ((g Int) (l Bool)) (=> (= g (ite l 1 0)) (d g))))
        (assert (forall ((g Int) (l Bool)) (=> (d g) (b g))))(assert (=> (b (- 1)) false))",
    ),
];

#[test]
fn what_is_safe_is_confirmed_at_the_count_of_its_one_answer() {
    let _alone = alone();
    for (about, body) in SYSTEMS {
        let report = check(&horn(body));
        assert!(matches!(report.verdict, Verdict::Confirmed { within_soft_limits: true, .. }), "{about}: {report:?}");
        let form = form_of(std::str::from_utf8(&horn(body).script).unwrap());
        let first = Checker::default().run(&form.text, &form.options, 200_000_000);
        let count = first.map(|run| run.count).map_err(|unanswered| unanswered.reason);
        assert_eq!(Ok(report.resource_count.unwrap().0), count, "{about}");
    }
}

#[test]
fn what_is_unsafe_is_refuted() {
    let _alone = alone();
    for (about, body) in SYSTEMS {
        // What must not be reached is: a clause more makes it so.
        let broken =
            body.replacen("(assert", "(declare-fun reach () Bool)(assert reach)(assert (=> reach false))(assert", 1);
        let report = check(&horn(&broken));
        assert!(matches!(report.verdict, Verdict::Refuted { answer: Answer::Unsat, .. }), "{about}: {report:?}");
    }
    let unsafe_loop = SAFE.replace("(> x n)", "(>= x n)");
    let report = check(&Job { script: unsafe_loop.into_bytes(), ..job(Some(Claim::Unsat)) });
    assert!(matches!(report.verdict, Verdict::Confirmed { .. }), "{report:?}");
}

#[test]
fn a_planted_interpretation_stands_only_if_it_is_a_model() {
    let _alone = alone();
    let model = |body: &str| format!("((define-fun inv ((x!0 Int) (x!1 Int)) Bool {body}))");
    for right in
        ["(<= x!0 x!1)", "(and (<= x!0 x!1) (>= x!0 0))", "(not (> x!0 x!1))", "(let ((a (- x!1 x!0))) (>= a 0))"]
    {
        assert!(planted(SAFE, &model(right)).is_ok(), "{right}: {:?}", planted(SAFE, &model(right)));
    }
    for wrong in ["true", "false", "(< x!0 x!1)", "(<= x!0 (+ x!1 1))", "(= x!0 0)", "(>= x!1 0)", "(= (mod x!0 1) 0)"]
    {
        let why = planted(SAFE, &model(wrong)).unwrap_err();
        assert!(matches!(why, Unchecked::DoesNotHold { .. }), "{wrong}: {why}");
    }
    // Nothing is said of inv: not for all that it might be.
    assert!(matches!(planted(SAFE, "()"), Err(Unchecked::DoesNotHold { .. })));
}

#[test]
fn no_text_of_a_model_makes_the_unsafe_safe() {
    let _alone = alone();
    let script = "(set-logic HORN)\n(declare-datatypes ((T 0)) (((mk (num Int)))))\n(declare-fun p (Int) Bool)
(define-fun limit () Int 5)\n(assert (! (p 1) :named start))\n(assert (forall ((x Int)) (=> (p x) (p (+ (mod x 10) 1)))))
(assert (forall ((x Int)) (=> (and (p x) (> (num (mk x)) limit)) false)))\n(check-sat)\n";
    assert_eq!(check(&Job { script: script.into(), ..job(None) }).answer, Some(Answer::Unsat));
    let bodies = ["true", "false", "(<= x!0 5)", "(< x!0 limit)", "(not start)", "(<= (num (mk x!0)) 5)", "(p x!0)"];
    let others = [
        "",
        "(define-fun limit () Int 50)",
        "(define-fun mod ((x!0 Int) (x!1 Int)) Int 0)",
        "(define-fun mod0 ((x!0 Int)) Int 0)",
        "(define-fun num ((x!0 T)) Int 0)",
        "(define-fun mk ((x!0 Int)) T (mk 0))",
        "(define-fun start () Bool false)",
        "(define-fun > ((x!0 Int) (x!1 Int)) Bool false)",
        "(define-fun is-mk ((x!0 T)) Bool false)",
        "(define-fun => ((x!0 Bool) (x!1 Bool)) Bool true)",
        "(define-fun not ((x!0 Bool)) Bool false)",
        "(define-fun x () Int 0)",
        "(define-fun-rec k ((x!0 Int)) Int (+ 1 (k x!0)))",
        "(define-fun k ((x!0 Int)) Int (+ 1 (k x!0)))",
        "(assert false)",
        "(declare-fun T!val!0 () T)",
        "(forall ((x T)) false)",
    ];
    for body in bodies {
        for other in others {
            let definition = format!("(define-fun p ((x!0 Int)) Bool {body})");
            for model in [format!("({definition}{other})"), format!("({other}{definition})")] {
                assert!(planted(script, &model).is_err(), "{model}");
            }
        }
    }
}

#[test]
fn what_the_solver_makes_up_besides_is_part_of_the_interpretation() {
    let _alone = alone();
    let model = "((define-fun inv ((x!0 Int) (x!1 Int)) Bool (below!1 x!0 x!1))
        (define-fun below!1 ((x!0 Int) (x!1 Int)) Bool (<= x!0 (+ x!1 zero!2)))(define-fun zero!2 () Int 0))";
    assert!(planted(SAFE, model).is_ok(), "{:?}", planted(SAFE, model));
    assert!(planted(SAFE, &model.replace("Int 0", "Int 1")).is_err());
    let elements =
        "(set-logic HORN)\n(declare-sort S 0)\n(declare-fun c () S)\n(declare-fun p (S) Bool)\n(assert (p c))
(assert (forall ((x S)) (=> (p x) (= x c))))\n(check-sat)\n";
    let model = "((declare-fun S!val!0 () S)(declare-fun S!val!1 () S)(forall ((x S)) (or (= x S!val!0) (= x S!val!1)))
        (define-fun c () S S!val!0)(define-fun p ((x!0 S)) Bool (= x!0 S!val!0)))";
    assert!(planted(elements, model).is_ok(), "{:?}", planted(elements, model));
    // That the two elements differ is the model's word, on which nothing rests.
    assert!(planted(elements, &model.replace("Bool (= x!0 S!val!0)", "Bool (not (= x!0 S!val!1))")).is_err());
}

#[test]
fn a_check_that_does_not_succeed_is_no_verdict_at_once_and_says_so() {
    let _alone = alone();
    let mut job = Job { script: SAFE.into(), ..job(Some(Claim::Sat)) };
    let count = check(&job).resource_count.unwrap();
    job.limits.hard.resource_count = count.0 + RUN_COUNT / 2;
    let report = check(&job);
    let Verdict::NoVerdict { reason } = &report.verdict else { panic!("{report:?}") };
    assert!(matches!(reason, NoVerdict::SatNotChecked { .. }), "{reason:?}");
    assert!(reason.to_string().starts_with("answered sat, could not be checked"), "{reason}");
    assert_eq!((report.answer, report.resource_count), (None, Some(count)), "the answer's own count is told");
}

/// The solver is right that this is safe, and takes out a predicate that nothing reaches: its interpretation of that is none.
const TAKEN_OUT: &str = "(set-logic HORN)\n(declare-fun p (Int Int) Bool)\n(assert (not (p 1 1)))\n(assert (p 8 8))
(assert (forall ((n Int)) (=> (p 1 9) (p 1 n))))\n(assert (forall ((n Int)) (=> (p 2 2) false)))\n(check-sat)\n";

#[test]
fn a_wrong_interpretation_is_found_out_and_another_one_is_asked_for() {
    let _alone = alone();
    let form = form_of(TAKEN_OUT);
    let mut checker = Checker::default();
    let (_, context) =
        checker.run_on(&form.text, &form.options, 200_000_000).map_err(|reason| reason.to_string()).unwrap();
    let first = model_of(context).unwrap();
    let why =
        planted(TAKEN_OUT, &first).expect_err("the solver mends its interpretation now: another example is needed");
    assert!(matches!(why, Unchecked::DoesNotHold { .. }), "{why}");
    let mut budget = Budget { max: COUNT_MIN, spent: 0 };
    let second = checker.interpretation_without_preprocessing(&form, &mut budget).unwrap();
    assert_eq!(planted(TAKEN_OUT, &second), Ok(()));
    let report = check(&Job { script: TAKEN_OUT.into(), ..job(Some(Claim::Sat)) });
    assert!(matches!(report.verdict, Verdict::Confirmed { .. }), "{report:?}");
}

/// Reached is a state that must not be: from (false, false, 0) by the way of n = 2.
const REACHED: &str = "(set-logic HORN)\n(declare-fun state (Bool Bool Int) Bool)
(assert (forall ((x Bool) (y Bool) (n Int)) (=> (= x y false) (= n 0) (state x y n))))
(assert (forall ((x Bool) (y Bool) (n Int) (u Bool) (v Bool) (m Int)) (=> (state x y n) (or (= u x) (= n 2)) (state u v m))))
(assert (forall ((x Bool) (y Bool) (n Int)) (=> (state x y n) (or x y) false)))\n(check-sat)\n";

#[test]
fn a_false_sat_of_the_solvers_is_no_answer() {
    let _alone = alone();
    let plain = form_of(REACHED);
    assert_eq!(Checker::default().check_form(&plain, &job(None)).answer, Some(Answer::Unsat));
    // No script may set this option, under which the pinned solver answers falsely.
    let options = vec![("fp.spacer.gpdr".to_owned(), "true".to_owned())];
    let form = Form { options, ..plain };
    let (first, _) =
        Checker::default().run_on(&form.text, &form.options, 200_000_000).map_err(|reason| reason.to_string()).unwrap();
    let is_false = matches!(first.output, Output::Answer(Answer::Sat));
    assert!(is_false, "the solver is right now: another false answer is needed");
    for claim in [None, Some(Claim::Sat), Some(Claim::Unsat)] {
        let report = Checker::default().check_form(&form, &job(claim));
        let unchecked = matches!(report.verdict, Verdict::NoVerdict { reason: NoVerdict::SatNotChecked { .. } });
        assert!(unchecked && report.answer.is_none(), "{report:?}");
    }
}

#[test]
fn readiness_takes_the_checks_in_and_the_count_does_not() {
    let _alone = alone();
    let mut job = Job { script: SAFE.into(), ..job(Some(Claim::Sat)) };
    let count = check(&job).resource_count.unwrap();
    job.limits.soft.resource_count = count.0;
    let report = check(&job);
    assert_eq!(report.verdict, Verdict::Confirmed { resource_count: count, within_soft_limits: false });
    job.limits.soft.resource_count = count.0 + 3 * RUN_COUNT + 100_000;
    let report = check(&job);
    assert_eq!(report.verdict, Verdict::Confirmed { resource_count: count, within_soft_limits: true });
}

#[test]
fn recursive_definitions_are_never_checked() {
    let _alone = alone();
    // It contradicts itself, so every negation under it is unsat.
    let body = "(declare-fun p (Int) Bool)(define-fun-rec f ((x Int)) Int (+ 1 (f x)))(assert (p 0))";
    let report = check(&horn(body));
    let expected = [NoVerdict::SatWithRecursion, NoVerdict::Unknown { why: String::new() }];
    let Verdict::NoVerdict { reason } = &report.verdict else { panic!("{report:?}") };
    assert!(expected.iter().any(|expected| expected.label() == reason.label()), "{report:?}");
    assert!(Interpretation::new(&form_of(std::str::from_utf8(&horn(body).script).unwrap()).text, "()").is_err());
}

#[test]
fn the_same_system_under_another_logic_is_answered_a_second_time_as_before() {
    let _alone = alone();
    let script = "(set-logic QF_LIA)\n(declare-const x Int)\n(assert (> x 0))\n(check-sat)\n";
    let plain = check(&Job { script: script.replace("(set-logic QF_LIA)\n", "").into(), ..job(None) });
    let twice = check(&Job { script: script.into(), ..job(None) });
    assert_eq!((plain.answer, twice.answer), (Some(Answer::Sat), Some(Answer::Sat)));
    assert!(twice.resource_count > plain.resource_count && plain.resource_count > Some(ResourceCount(0)));
}

#[test]
fn a_counter_model_is_of_the_run_that_was_checked() {
    let _alone = alone();
    let job = Job { script: SAFE.into(), task: protocol::verdict::Task::Model, ..job(None) };
    let report = check(&job);
    let model = report.model.unwrap_or_else(|| panic!("no model: {:?}", report.verdict));
    assert!(model.text.starts_with("(define-fun inv ("), "{}", model.text);
}
