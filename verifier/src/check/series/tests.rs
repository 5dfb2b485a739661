//! Several queries in one context: each with its own answer and count, and none after one that did not end by itself.

use super::super::tests::alone;
use super::*;
use protocol::verdict::{Claim, Task, VerifierParameters};

fn job(script: &str, task: Task) -> Job {
    Job { script: script.into(), claim: Some(Claim::Unsat), limits: VerifierParameters::default(), task, seed: None }
}

/// The reports of a series, one for each query that is asked.
fn reports(script: &str, limits: VerifierParameters, count: usize) -> Vec<Report> {
    let mut checker = Checker::default();
    let tasks = std::iter::once(Task::Series).chain(std::iter::repeat(Task::Next));
    let ask = |(index, task)| {
        let script = if index == 0 { script } else { "" };
        let report = checker.check(&Job { limits, ..job(script, task) });
        // As a worker does while it waits.
        checker.tidy();
        checker.prepare();
        report
    };
    tasks.take(count).enumerate().map(ask).collect()
}

fn words(reports: &[Report]) -> Vec<&'static str> {
    let word = |report: &Report| match &report.verdict {
        Verdict::Confirmed { .. } => "confirmed",
        Verdict::Refuted { .. } => "refuted",
        Verdict::NoVerdict { reason } => reason.label(),
        Verdict::Rejected { .. } => "rejected",
    };
    reports.iter().map(word).collect()
}

const BASE: &str = "(declare-fun f (Int) Int)(assert (forall ((x Int)) (! (> (f x) x) :pattern ((f x)))))";

#[test]
fn every_query_is_answered_by_what_stands_at_it_and_has_no_statement() {
    let _alone = alone();
    let script = format!(
        "(set-option :smt.mbqi false){BASE}(push)(assert (< (f 1) 1))(check-sat)(pop)(push)(assert (< (f 1) 9))(check-sat)\
         (pop)(push)(assert (= (f 2) 2))(check-sat)(assert true)(check-sat)"
    );
    let reports = reports(&script, VerifierParameters::default(), 5);
    let [first, second, ..] = &words(&reports)[..] else { panic!("{reports:?}") };
    assert_eq!(*first, "confirmed");
    assert!(["unknown", "sat_not_repeated"].contains(second), "{reports:?}");
    assert_eq!(words(&reports)[2..], ["confirmed", "confirmed", "nothing_asked"]);
    assert!(reports.iter().all(|report| report.statement.is_none()));
    assert!(reports[..4].iter().all(|report| report.resource_count.is_some_and(|count| count.0 < 100_000)));
}

#[test]
fn a_sat_counts_only_where_a_second_run_would_repeat_the_first() {
    let _alone = alone();
    let query = "(declare-const x Int)(push)(assert (> x 5))(check-sat)";
    let plain = reports(query, VerifierParameters::default(), 1);
    assert!(matches!(plain[0].verdict, Verdict::Refuted { answer: Answer::Sat, .. }), "{plain:?}");
    for begin in ["(set-logic QF_LIA)", "(set-option :smt.relevancy 0)"] {
        let reports = reports(&format!("{begin}{query}"), VerifierParameters::default(), 1);
        assert_eq!(words(&reports), ["sat_not_repeated"], "{begin}");
        assert_eq!(reports[0].answer, Some(Answer::Sat));
    }
    let bounds = reports("(declare-const x Real)(assert (= (sin x) 5.0))(check-sat)", VerifierParameters::default(), 1);
    assert!(!matches!(bounds[0].verdict, Verdict::Refuted { .. }), "{bounds:?}");
}

#[test]
fn a_warning_is_no_answer_and_an_error_ends_the_series() {
    let _alone = alone();
    let warns = "(declare-fun f (Int Int) Int)(push)(assert (forall ((x Int) (y Int)) (! (> (f x y) x) :pattern ((f x 1)))))\
                 (assert (< (f 1 1) 1))(check-sat)";
    let script = format!("(declare-const p Bool)(push)(assert (and p (not p)))(check-sat)(pop){warns}");
    assert_eq!(words(&reports(&script, VerifierParameters::default(), 2)), ["confirmed", "confirmed"]);
    // What the normaliser cannot see: the sorts of a generic function's arguments.
    let holds = "(push)(assert (and p (not p)))(check-sat)(pop)";
    let script = format!(
        "(declare-const p Bool)(declare-const s (Seq Int))(declare-const t (Seq Bool)){holds}\
         (push)(assert (= (seq.len (seq.++ s t)) 3))(check-sat)(pop){holds}"
    );
    let reports = reports(&script, VerifierParameters::default(), 3);
    assert_eq!(words(&reports), ["confirmed", "solver_error", "nothing_asked"]);
    assert!(
        matches!(&reports[1].verdict, Verdict::NoVerdict { reason: NoVerdict::SolverError { text } } if text.contains("error")),
        "{reports:?}"
    );
}

#[test]
fn the_resource_limit_holds_for_each_query_and_ends_the_series() {
    let _alone = alone();
    let mut limits = VerifierParameters::default();
    let query = "(push)(assert (distinct (f 1) (f (- 2 1)) (f 1)))(assert (> (f (f (f 3))) (f (f 4))))(check-sat)(pop)";
    let count = |reports: &[Report]| reports.iter().map(|report| report.resource_count.unwrap().0).max().unwrap();
    let alone = count(&reports(&format!("{BASE}{query}"), limits, 1));
    limits.hard.resource_count = alone * 3;
    let script = format!("{BASE}{}", query.repeat(20));
    let many = reports(&script, limits, 20);
    assert!(words(&many).iter().all(|word| *word == "confirmed"), "{:?}", words(&many));
    let endless = "(push)(declare-const a (_ BitVec 64))(declare-const b (_ BitVec 64))\
        (assert (= (bvmul (concat #x0000000000000000 a) (concat #x0000000000000000 b)) #xcfa92a1c6559dd55bb75027437309ad3))\
        (assert (bvugt a #x0000000000000001))(assert (bvugt b #x0000000000000001))(check-sat)(pop)";
    limits.hard.resource_count = 200_000;
    let reports = reports(&format!("{BASE}{query}{endless}{query}"), limits, 3);
    assert_eq!(words(&reports), ["confirmed", "resource_limit", "nothing_asked"]);
}

#[test]
fn other_jobs_end_a_series() {
    let _alone = alone();
    let mut checker = Checker::default();
    let script = format!("{BASE}(push)(assert (< (f 1) 1))(check-sat)(pop)(push)(assert (< (f 1) 1))(check-sat)");
    let word = |report: Report| words(&[report])[0];
    assert_eq!(word(checker.check(&job("", Task::Next))), "nothing_asked");
    assert_eq!(word(checker.check(&job(&script, Task::Series))), "confirmed");
    assert_eq!(word(checker.check(&job("(assert false)(check-sat)", Task::Check))), "confirmed");
    assert_eq!(word(checker.check(&job("", Task::Next))), "nothing_asked");
    assert_eq!(word(checker.check(&job("(assert false)(check-sat)(foo)", Task::Series))), "rejected");
    assert_eq!(word(checker.check(&job("", Task::Next))), "nothing_asked");
}
