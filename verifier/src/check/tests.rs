//! The rules, on hand-made text: what the normaliser lets through is its own matter.

use super::*;
use protocol::explanation::found_core;
use protocol::types::Hash;
use protocol::verdict::{Assumptions, Claim, Task, VerifierParameters};
use std::sync::{Mutex, MutexGuard};

/// Options are global to the process, and tests are threads of one: only one of them may use the solver at a time.
static SOLVER: Mutex<()> = Mutex::new(());

pub(super) fn alone() -> MutexGuard<'static, ()> {
    SOLVER.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

fn form(text: &str) -> Form {
    Form {
        text: text.to_owned(),
        logic_bytes: 0,
        is_horn: false,
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

pub(super) fn job(claim: Option<Claim>) -> Job {
    Job { script: Vec::new(), claim, limits: VerifierParameters::default(), task: Task::Check, seed: None }
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
fn a_context_that_was_prepared_counts_under_options_as_a_fresh_one_does() {
    let _alone = alone();
    let text = "(declare-const a Int)(declare-const b Int)(assert (= a (+ b 3)))(assert (> a 5))(check-sat)";
    let count = |prepared: bool, options: &[(&str, &str)]| {
        let options = options.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let mut checker = Checker::default();
        if prepared {
            checker.prepare();
        }
        checker.check_form(&Form { options, ..form(text) }, &job(None)).resource_count.unwrap()
    };
    // The solver reads this option when it begins to read a text.
    let without_models = [("model", "false")];
    assert_eq!(count(true, &[]), count(false, &[]));
    assert_eq!(count(true, &without_models), count(false, &without_models));
    assert_ne!(
        count(false, &[]).0 * 2,
        count(false, &without_models).0,
        "the option has no effect, so this shows nothing"
    );
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
fn a_core_names_what_an_answer_rests_on_and_says_nothing_where_there_is_none() {
    let _alone = alone();
    let core = |script: &str| {
        let job = Job { script: script.into(), task: Task::Core, ..job(None) };
        found_core(Checker::default().check(&job))
    };
    let theorem = "(set-logic QF_LIA)(declare-const x Int)(assert (! (< x 9) :named high))(push)(assert (> x 3))(pop)
        (assert (< x 0))(push)(assert (not (< x 1)))(check-sat)";
    assert_eq!(core(theorem), Ok(Core::new(3, vec![1, 2]).unwrap()));
    let bits = "(set-logic QF_BV)(declare-const a (_ BitVec 8))(assert (bvult a #x03))(assert (= a a))(assert (= a #x07))(check-sat)";
    assert_eq!(core(bits), Ok(Core::new(3, vec![0, 2]).unwrap()));
    assert!(core(TRUE).is_err_and(|why| why.to_string().contains("answered sat")));
    assert!(core("(check-sat)").is_err());
}

#[test]
fn a_seed_changes_the_search_and_leaves_nothing_behind() {
    let _alone = alone();
    // A state that is found by search, with luck or without.
    let mut script = String::from("(declare-fun f (Int) Int)");
    (0..12)
        .for_each(|n| script += &format!("(declare-const p{n} Bool)(declare-const q{n} Bool)(assert (or p{n} q{n}))"));
    (0..11).for_each(|n| script += &format!("(assert (or (not p{n}) (not q{})))(assert (distinct p{n} q{n}))", n + 1));
    script += "(check-sat)";
    let mut checker = Checker::default();
    let mut count = |seed: Option<u32>| {
        let seed = seed.map(|number| Seed::try_from(number).unwrap());
        let report = checker.check(&Job { script: script.clone().into(), seed, ..job(Some(Claim::Sat)) });
        assert!(matches!(report.verdict, Verdict::Confirmed { .. }), "{report:?}");
        checker.prepare();
        report.resource_count
    };
    let without = count(None);
    let seeded: Vec<_> = (1..=8).map(|number| count(Some(number))).collect();
    assert!(seeded.iter().any(|other| *other != without), "{without:?} {seeded:?}");
    assert_eq!(seeded, (1..=8).map(|number| count(Some(number))).collect::<Vec<_>>(), "each is repeatable");
    assert_eq!(count(None), without);
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
    // A conclusion that is a condition as well, by its name: replaced, it would contradict the condition beside it.
    let named = form(
        "(declare-const a Bool)(declare-const c Bool)(declare-const p Bool)(declare-const q Bool)\n\
         (assert (not (and a p)))(assert (=> q c))\n\
         (assert (not (and (=> a (! (=> p q) :named g)) (=> (and g p) c))))\n(check-sat)\n",
    );
    assert_eq!(Checker::default().check_form(&named, &job(None)).answer, Some(Answer::Unsat));
    assert_eq!(without_goal(named), Some(Answer::Sat));
    assert!(form("(declare-const x Int)\n(assert (< x 0))\n(check-sat)\n").without_goal().is_none());
}

#[test]
fn a_warning_of_the_solvers_does_not_stand_in_front_of_its_answer() {
    let _alone = alone();
    let missing =
        "(declare-fun f (Int) Int)(assert (forall ((x Int)) (! (= (f x) 0) :pattern ((f 3)) :pattern ((f x)))))";
    let connective =
        "(declare-fun f (Int) Int)(assert (forall ((x Int)) (! (= (f x) 0) :pattern ((and (= (f x) 1) (> x 0))))))";
    let options = [("auto_config", "false"), ("smt.relevancy", "0"), ("smt.case_split", "3")];
    let options: Vec<(String, String)> = options.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
    let mut checker = Checker::default();
    // The second time each runs in a context that was made ahead, after another script's.
    for _ in 0..2 {
        for (body, options) in [(missing, &[][..]), (connective, &[]), (missing, &options)] {
            let text = format!("{body}(assert (= (f 1) 1))(check-sat)");
            let report = checker.check_form(&Form { options: options.to_vec(), ..form(&text) }, &job(None));
            assert_eq!(report.answer, Some(Answer::Unsat), "{text}: {report:?}");
            checker.prepare();
        }
    }
    // In the run that a model is asked of, too.
    let text = format!("{missing}(check-sat)");
    let report = checker.find_model(&form(&text), &job(None));
    assert_eq!(report.answer, Some(Answer::Sat), "{report:?}");
    assert!(report.model.unwrap().text.starts_with("(define-fun f "));
}

/// Each text with what is refused in it, once.
#[test]
fn the_solvers_places_are_those_of_what_it_refuses() {
    let _alone = alone();
    for (text, refused) in [
        ("(assert (= y 1))\n(check-sat)\n", "y"),
        ("(declare-const x Int)\n(assert (and true (or false (select x 1))))\n(check-sat)\n", "(select x 1)"),
        ("(declare-const x Int)\n(assert (+ x 1))\n(check-sat)\n", "(assert (+ x 1))"),
        ("(assert (forall ((x Int)) (= x #b1)))\n(check-sat)\n", "(= x #b1)"),
        ("(assert (= |ä b| |ä b| 1))\n(check-sat)\n", "|ä b| |ä"),
        ("(declare-const |a\nb| Int)\n(assert (= |a\nb| (+ |a\nb| q)))\n(check-sat)\n", "q"),
        ("(declare-fun f (Int) Int)\n(assert (= (f 1 2) 1))\n(check-sat)\n", "(f 1 2)"),
        ("(assert (let ((s (as seq.empty (Seq Int)))) (= s (seq.unit true))))\n(check-sat)\n", "(= s (seq.unit true))"),
        ("(define-fun f ((x Int)) Bool (+ x 1))\n(check-sat)\n", "(define-fun f ((x Int)) Bool (+ x 1))"),
    ] {
        let Verdict::NoVerdict { reason: NoVerdict::SolverError { text: reported } } = verdict_of(&form(text), None)
        else {
            panic!("no error: {text}")
        };
        let place = place::in_text(&reported, text).map(|(line, column, _)| (line, column));
        let before = &text[..text.find(refused).unwrap()];
        let line = before.matches('\n').count() as u32 + 1;
        let column = before.rsplit('\n').next().unwrap().chars().count() as u32 + 1;
        assert_eq!(place, Some((line, column)), "{text}: {reported}");
    }
    // What the check itself reports is no fault of a term's.
    assert_eq!(place::in_text("(error \"line 3 column 10: something\")\n", "(assert true)\n(check-sat)\n"), None);
}
