//! A check without a verdict says what ended it and how far it got, for every end that a script can bring about.

mod verifier_support;

use protocol::types::ResourceCount;
use protocol::verdict::{Claim, Job, NoVerdict, Report, Verdict};
use protocol::worker::STACK_BYTES;
use std::os::unix::fs::PermissionsExt;
use verifier_support::{BOMB, ENDLESS, FALSE, Watched, job};

/// Quantifiers that nothing instantiates enough.
const UNKNOWN: &str = "(set-option :auto_config false)\n(set-option :smt.mbqi false)\n(declare-fun f (Int) Int)
(assert (forall ((x Int)) (! (> (f x) x) :pattern ((f x)))))\n(check-sat)\n";
/// A logic that does not fit makes the solver answer sat.
const NOT_REPEATED: &str = "(set-logic QF_BV)\n(declare-const x Int)\n(assert (and (< x 0) (> x 0)))\n(check-sat)\n";
const RECURSIVE: &str =
    "(define-fun-rec f ((x Int)) Int (ite (<= x 0) 0 (f (- x 1))))\n(assert (= (f 3) 0))\n(check-sat)\n";

fn limited(script: &str, cpu_ms: u64, resource_count: u64) -> Job {
    let mut job = job(script, Some(Claim::Unsat));
    job.limits.hard.cpu_ms = cpu_ms;
    job.limits.hard.resource_count = resource_count;
    job.limits.soft = job.limits.hard;
    job
}

fn reason(report: &Report) -> &NoVerdict {
    match &report.verdict {
        Verdict::NoVerdict { reason } => reason,
        other => panic!("a verdict where none was expected: {other:?}"),
    }
}

#[test]
fn the_solvers_own_reason_is_told_with_the_count_that_it_came_to() {
    let pool = Watched::pool(1);
    let report = pool.check(&job(UNKNOWN, None));
    assert!(matches!(reason(&report), NoVerdict::Unknown { why } if why.contains("quantifiers")), "{report:?}");
    assert!(report.resource_count.is_some_and(|count| count > ResourceCount(0)), "{report:?}");
    assert_eq!(pool.check(&job(UNKNOWN, None)).resource_count, report.resource_count, "it is repeatable, too");
}

#[test]
fn a_sat_that_does_not_count_says_why_not_and_what_it_cost() {
    let pool = Watched::pool(1);
    for (script, expected) in [(NOT_REPEATED, NoVerdict::SatNotRepeated), (RECURSIVE, NoVerdict::SatWithRecursion)] {
        let report = pool.check(&job(script, Some(Claim::Sat)));
        assert_eq!(reason(&report), &expected);
        assert!(report.resource_count.is_some_and(|count| count > ResourceCount(0)), "{report:?}");
        assert!(report.peak_memory_bytes > 0 && report.answer.is_none(), "{report:?}");
    }
}

/// Safe, as its invariant 0 <= x <= n shows.
const HORN: &str =
    "(set-logic HORN)\n(declare-fun inv (Int Int) Bool)\n(assert (forall ((n Int)) (=> (>= n 0) (inv 0 n))))
(assert (forall ((x Int) (n Int)) (=> (and (inv x n) (< x n)) (inv (+ x 1) n))))
(assert (forall ((x Int) (n Int)) (=> (and (inv x n) (> x n)) false)))\n(check-sat)\n";

#[test]
fn a_sat_of_horn_clauses_that_was_not_checked_says_so() {
    let pool = Watched::pool(1);
    let count = pool.check(&job(HORN, Some(Claim::Sat))).resource_count.unwrap();
    // Enough for the answer, and not for its checks.
    let mut script = limited(HORN, 20_000, count.0 + 1_000);
    script.claim = Some(Claim::Sat);
    let report = pool.check(&script);
    let told = reason(&report);
    assert!(matches!(told, NoVerdict::SatNotChecked { .. }), "{report:?}");
    assert!(told.to_string().starts_with("answered sat, could not be checked"), "{told}");
    assert_eq!((report.answer, report.resource_count), (None, Some(count)));
}

#[test]
fn at_the_resource_limit_the_count_is_the_limits() {
    let pool = Watched::pool(1);
    let report = pool.check(&limited(ENDLESS, 20_000, 300_000));
    assert_eq!(reason(&report), &NoVerdict::ResourceLimit { limit: 300_000 });
    let count = report.resource_count.unwrap();
    assert!((300_000..400_000).contains(&count.0), "{report:?}");
}

#[test]
fn at_the_limit_of_processor_time_the_count_died_with_the_solver_and_time_and_memory_are_told() {
    let pool = Watched::pool(1);
    let report = pool.check(&limited(ENDLESS, 1_000, 200_000_000));
    assert_eq!(reason(&report), &NoVerdict::ProcessorTime { limit_ms: 1_000 });
    assert_eq!(report.resource_count, None);
    assert!(report.cpu.0 >= 700 && report.peak_memory_bytes > 10 << 20, "{report:?}");
}

#[test]
fn at_the_limit_of_memory_the_peak_is_told() {
    let pool = Watched::pool(1);
    let mut bomb = limited(BOMB, 20_000, 200_000_000);
    bomb.limits.hard.memory_bytes = 256 << 20;
    let report = pool.check(&bomb);
    assert_eq!(reason(&report), &NoVerdict::Memory { limit_bytes: 256 << 20 }, "{report:?}");
    assert!(report.peak_memory_bytes > 64 << 20, "{report:?}");
}

/// A sort that is nested so deeply that the solver, which goes through it by recursion, needs half a megabyte of stack.
fn deep() -> String {
    let sort = format!("{}Int{}", "(Array Int ".repeat(9_000), ")".repeat(9_000));
    format!("(declare-const a {sort})\n(declare-const b {sort})\n(assert (distinct a b))\n(check-sat)\n")
}

/// Nested this deeply, a term needs megabytes of stack.
const LEVELS: usize = 90_000;

#[test]
fn the_deepest_terms_are_answered_or_have_no_verdict_and_never_crash_a_worker() {
    if smtlib::Limits::default().depth_max < 100_000 {
        verifier_support::say(format_args!("NOT RUN: this normaliser does not let such terms through"));
        return;
    }
    let nested = |before: &str, inner: &str, after: &str| {
        [before.repeat(LEVELS).as_str(), inner, after.repeat(LEVELS).as_str()].concat()
    };
    let lets: String = (1..LEVELS).map(|level| format!("(let ((v{level} (not v{}))) ", level - 1)).collect();
    let scripts = [
        ("nots", format!("(declare-const p Bool)\n(assert {})\n", nested("(not ", "p", ")"))),
        ("lets", format!("(declare-const v0 Bool)\n(assert {lets}v{}{})\n", LEVELS - 1, ")".repeat(LEVELS - 1))),
        ("sums", format!("(declare-const x Int)\n(assert (= 0 {}))\n", nested("(+ 1 ", "x", ")"))),
        ("choices", format!("(declare-const p Bool)\n(assert (= 0 {}))\n", nested("(ite p ", "0", " 1)"))),
        ("calls", format!("(declare-fun f (Int) Int)\n(assert (= 0 {}))\n", nested("(f ", "0", ")"))),
    ];
    let pool = Watched::pool(1);
    for (what, script) in scripts {
        let report = pool.check(&limited(&format!("{script}(check-sat)\n"), 20_000, 200_000_000));
        let is_told = match &report.verdict {
            Verdict::Confirmed { .. } | Verdict::Refuted { .. } => true,
            Verdict::NoVerdict { reason } => matches!(
                reason,
                NoVerdict::Stack { .. }
                    | NoVerdict::Memory { .. }
                    | NoVerdict::ProcessorTime { .. }
                    | NoVerdict::ResourceLimit { .. }
                    | NoVerdict::Unknown { .. }
            ),
            Verdict::Rejected { .. } => false,
        };
        assert!(is_told, "{what}: {report:?}");
    }
    assert_eq!(pool.ended("crashed"), 0);
}

#[cfg(target_os = "linux")]
#[test]
fn a_solver_that_runs_out_of_stack_is_named_by_it() {
    // Under a small limit, set as an operator's shell would: no script is known that needs the usual one.
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("pop-verifier");
    let script = format!("#!/bin/sh\nulimit -s 192\nexec {} \"$@\"\n", env!("CARGO_BIN_EXE_pop-verifier"));
    std::fs::write(&program, script).unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    let pool = Watched::with(1, |config| config.program = program);
    let report = pool.check(&limited(&deep(), 20_000, 200_000_000));
    assert_eq!(reason(&report), &NoVerdict::Stack { limit_bytes: STACK_BYTES }, "{report:?}");
    assert_eq!(pool.ended("stack"), 1);
    assert!(matches!(pool.check(&job(FALSE, None)).verdict, Verdict::Confirmed { .. }), "it cost one worker");
}
