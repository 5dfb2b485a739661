//! The rules, on hand-made text: what the normaliser lets through is its own matter.

use super::*;
use protocol::types::Hash;
use protocol::verdict::{Assumptions, Claim, Task, VerifierParameters};
use std::sync::{Mutex, MutexGuard};

/// Options are global to the process, and tests are threads of one: only one of them may use the solver at a time.
static SOLVER: Mutex<()> = Mutex::new(());

fn alone() -> MutexGuard<'static, ()> {
    SOLVER.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

fn form(text: &str) -> Form {
    Form {
        text: text.to_owned(),
        logic_bytes: 0,
        options: Vec::new(),
        status: None,
        notes: Vec::new(),
        notes_omitted: 0,
        ignored: protocol::verdict::Ignored::default(),
        assumptions: Assumptions { assertions: 1, ..Assumptions::default() },
        approximated: false,
        identity: Hash([1; 32]),
        renamed: Vec::new(),
    }
}

fn job(claim: Option<Claim>) -> Job {
    Job { script: Vec::new(), claim, limits: VerifierParameters::default(), task: Task::Check }
}

fn verdict_of(form: &Form, claim: Option<Claim>) -> Verdict {
    Checker::default().check_form(form, &job(claim)).verdict
}

fn no_verdict(form: &Form) -> NoVerdict {
    match verdict_of(form, None) {
        Verdict::NoVerdict { reason } => reason,
        other => panic!("a verdict where none was expected: {other:?}"),
    }
}

const FALSE: &str = "(declare-const p Bool)(assert (and p (not p)))(check-sat)";
const TRUE: &str = "(declare-const p Bool)(assert (or p (not p)))(check-sat)";

#[test]
fn the_claimed_answer_confirms_and_the_other_one_refutes() {
    let _alone = alone();
    assert!(matches!(
        verdict_of(&form(FALSE), Some(Claim::Unsat)),
        Verdict::Confirmed { within_soft_limits: true, .. }
    ));
    assert!(matches!(verdict_of(&form(FALSE), Some(Claim::Sat)), Verdict::Refuted { answer: Answer::Unsat, .. }));
    assert!(matches!(verdict_of(&form(TRUE), Some(Claim::Unsat)), Verdict::Refuted { answer: Answer::Sat, .. }));
    assert!(matches!(verdict_of(&form(TRUE), None), Verdict::Confirmed { .. }));
}

#[test]
fn what_is_not_exactly_one_answer_is_none() {
    let _alone = alone();
    for text in ["", "(check-sat)(check-sat)", "(assert", "(check-sat)(foo)", "(assert q)(check-sat)", "(check-sat\0)"]
    {
        let verdict = verdict_of(&form(text), None);
        let none = matches!(verdict, Verdict::NoVerdict { reason: NoVerdict::SolverError { .. } });
        assert!(none, "{text:?} was answered: {verdict:?}");
    }
}

#[test]
fn a_count_is_the_same_in_every_context_and_order() {
    let _alone = alone();
    let mut checker = Checker::default();
    let mut count = |text: &str| {
        checker.prepare();
        checker.check_form(&form(text), &job(None)).resource_count.unwrap()
    };
    let (first, other) = (count(FALSE), count(TRUE));
    assert_eq!((count(TRUE), count(FALSE)), (other, first));
}

#[test]
fn an_option_does_not_outlive_its_script() {
    let _alone = alone();
    let mut checker = Checker::default();
    // Without quantifier instantiation this has no answer; the option says so, and is gone for the next script.
    let text = "(declare-fun f (Int) Int)(assert (forall ((x Int)) (! (> (f x) x) :pattern ((f x)))))(assert (< (f 1) 0))(check-sat)";
    let plain = checker.check_form(&form(text), &job(None));
    let options = vec![
        ("smt.mbqi".to_owned(), "false".to_owned()),
        ("smt.ematching".to_owned(), "false".to_owned()),
        ("auto_config".to_owned(), "false".to_owned()),
    ];
    let crippled = checker.check_form(&Form { options, ..form(text) }, &job(None));
    let again = checker.check_form(&form(text), &job(None));
    assert_ne!(crippled.answer, Some(Answer::Unsat), "the options had no effect, so this shows nothing");
    assert_eq!((plain.answer, again.answer), (Some(Answer::Unsat), Some(Answer::Unsat)));
    assert_eq!(plain.resource_count, again.resource_count);
}

#[test]
fn a_sat_that_only_a_wrong_logic_gives_is_none() {
    let _alone = alone();
    let body = "(declare-const x Int)(assert (and (< x 0) (> x 0)))(check-sat)";
    let logic = "(set-logic QF_BV)";
    let form = Form { text: format!("{logic}{body}"), logic_bytes: logic.len(), ..form("") };
    assert!(matches!(verdict_of(&form, Some(Claim::Sat)), Verdict::NoVerdict { .. } | Verdict::Refuted { .. }));
}

#[test]
fn a_sat_with_recursive_definitions_is_none_and_an_unsat_is_one() {
    let _alone = alone();
    let assumptions = Assumptions { assertions: 1, recursive_definitions: 1, ..Assumptions::default() };
    assert_eq!(no_verdict(&Form { assumptions, ..form(TRUE) }), NoVerdict::SatWithRecursion);
    assert!(matches!(verdict_of(&Form { assumptions, ..form(FALSE) }, None), Verdict::Confirmed { .. }));
}

#[test]
fn a_sat_with_a_function_known_by_bounds_is_none_and_an_unsat_is_one() {
    let _alone = alone();
    let approximated = |text: &str| Form { approximated: true, ..form(text) };
    // exp(1000) is above a million: the library answers sat.
    let wrong = approximated("(assert (< (exp 1000.0) 1000000.0))(check-sat)");
    assert!(matches!(no_verdict(&wrong), NoVerdict::Unknown { why } if why == SAT_OF_BOUNDS));
    let right = approximated("(declare-const x Real)(assert (> (sin x) 1.5))(check-sat)");
    assert!(matches!(verdict_of(&right, None), Verdict::Confirmed { .. }));
}

#[test]
fn the_resource_limit_ends_a_run_by_its_name() {
    let _alone = alone();
    let hard = "(declare-const a (_ BitVec 64))(declare-const b (_ BitVec 64))(assert (= (bvmul a b) #x00000001fffffff5))
        (assert (bvugt a #x0000000000000001))(assert (bvugt b #x0000000000000001))(assert (bvult a #x0000000100000000))(check-sat)";
    let mut job = job(None);
    job.limits.hard.resource_count = 100_000;
    let verdict = Checker::default().check_form(&form(hard), &job).verdict;
    assert_eq!(verdict, Verdict::NoVerdict { reason: NoVerdict::ResourceLimit { limit: 100_000 } });
}

#[test]
fn contradictory_assumptions_are_told_apart_from_a_proof() {
    let _alone = alone();
    let vacuous =
        form("(declare-const x Int)\n(assert (< x 0))\n(assert (> x 0))\n(assert (not (= x x)))\n(check-sat)\n");
    let sound = form("(declare-const x Int)\n(assert (< x 0))\n(assert (> x 0))\n(check-sat)\n");
    let without_goal = |form: Form| Checker::default().check_form(&form.without_goal().unwrap(), &job(None)).answer;
    assert_eq!(without_goal(vacuous), Some(Answer::Unsat));
    assert_eq!(without_goal(sound), Some(Answer::Sat));
    assert!(form("(declare-const x Int)\n(assert (< x 0))\n(check-sat)\n").without_goal().is_none());
}
