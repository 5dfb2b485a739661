//! What hostile scripts cost: a refusal, or a worker; never a false answer, a file, or another proof's verdict.

mod verifier_support;

use protocol::verdict::{Answer, NoVerdict, Report, Verdict};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use verifier_support::{ENDLESS, FALSE, TRUE, Watched, children, is_running, job, wait_until};

/// Scripts that must be refused before the solver sees them.
fn refused() -> Vec<(&'static str, String)> {
    let asserted =
        |term: &str| format!("(declare-const x Int)\n(declare-const p Bool)\n(assert {term})\n(check-sat)\n");
    vec![
        ("nothing at all", String::new()),
        ("an open parenthesis", "(assert".into()),
        ("one parenthesis too many", format!("{TRUE})")),
        ("no command", "hello".into()),
        ("a NUL", format!("{TRUE}\0")),
        ("a check by a quoted name", format!("{TRUE}(|check-sat|)")),
        ("two checks", format!("{TRUE}(check-sat)")),
        ("no check", "(assert false)".into()),
        ("an included file", format!("(include \"/etc/passwd\")\n{TRUE}")),
        ("an unknown command", format!("(frobnicate)\n{TRUE}")),
        ("a huge bit-vector", "(declare-const x (_ BitVec 2147483648))\n(check-sat)".into()),
        ("four thousand million scopes", format!("(push 4000000000)\n{TRUE}")),
        ("an ill-sorted sum", asserted("(= x (+ 1 true))")),
        ("a leading zero", asserted("(= x 007)")),
        ("an unbound symbol", asserted("(= x y)")),
        ("a name bound twice", asserted("(let ((a 1) (a 2)) (= x a))")),
        ("a parameter named twice", format!("(define-fun f ((a Int) (a Int)) Int a)\n{TRUE}")),
        ("a hundred thousand digits", asserted(&format!("(= x {})", "9".repeat(100_000)))),
        ("three million parentheses", "(".repeat(3_000_000)),
        ("half a million negations", asserted(&format!("{}p{}", "(not ".repeat(500_000), ")".repeat(500_000)))),
        ("definitions that double", doubling_definitions()),
        ("datatypes that double", doubling_datatypes()),
    ]
}

fn doubling_definitions() -> String {
    let step = |n: usize| format!("(define-fun f{n} ((x Int)) Int (+ (f{0} x) (f{0} x)))\n", n - 1);
    let steps: String = (1..=40).map(step).collect();
    format!("(define-fun f0 ((x Int)) Int x)\n{steps}(declare-const x Int)\n(assert (> (f40 x) 0))\n(check-sat)\n")
}

fn doubling_datatypes() -> String {
    let step = |n: usize| format!("(declare-datatypes ((D{n} 0)) (((c{n} (l{n} D{0}) (r{n} D{0})))))\n", n - 1);
    let steps: String = (1..=40).map(step).collect();
    format!("(declare-datatypes ((D0 0)) (((c0))))\n{steps}(declare-const x D40)\n(assert (= x x))\n(check-sat)\n")
}

#[test]
fn malformed_and_forbidden_scripts_are_refused_by_position() {
    let pool = Watched::pool(1);
    let honest = pool.check(&job(TRUE, None)).resource_count;
    let mut answered = Vec::new();
    for (name, script) in refused() {
        let begun = Instant::now();
        let report = pool.check(&job(&script, None));
        match &report.verdict {
            Verdict::Rejected { line, column, text } => {
                assert!(*line >= 1 && *column >= 1 && !text.is_empty(), "{name}: {report:?}");
            }
            other => answered.push(format!("{name}: {other:?} after {:?}", begun.elapsed())),
        }
    }
    assert!(answered.is_empty(), "not refused:\n{}", answered.join("\n"));
    assert_eq!(pool.ended("crashed"), 0, "a refusal costs no worker");
    assert_eq!(pool.check(&job(TRUE, None)).resource_count, honest, "a refused script left something behind");
}

#[test]
fn three_million_parentheses_are_refused_in_milliseconds() {
    let pool = Watched::pool(1);
    pool.check(&job(TRUE, None));
    let report = pool.check(&job(&"(".repeat(3_000_000), None));
    assert!(matches!(report.verdict, Verdict::Rejected { .. }), "{report:?}");
    assert!(report.cpu.0 < 1_000, "it took {} ms of processor time", report.cpu);
}

#[test]
fn bytes_that_are_no_text_are_refused() {
    let pool = Watched::pool(1);
    let mut bytes = job(TRUE, None);
    bytes.script = vec![0xff; 1000];
    assert!(matches!(pool.check(&bytes).verdict, Verdict::Rejected { .. }));
    bytes.script = TRUE.as_bytes().repeat(1 + (4 << 20) / TRUE.len());
    assert!(matches!(pool.check(&bytes).verdict, Verdict::Rejected { .. }), "longer than the genesis allows");
}

#[test]
fn what_a_script_prints_or_says_after_its_check_is_not_its_answer() {
    let pool = Watched::pool(1);
    let answer = |script: &str| pool.check(&job(script, None)).answer;
    assert_eq!(answer(&format!("(echo \"unsat\")\n{TRUE}")), Some(Answer::Sat));
    assert_eq!(answer(&format!("{TRUE}(exit)\n(assert false)\n")), Some(Answer::Sat));
    assert_eq!(answer(&format!("{TRUE}(get-model)\n")), Some(Answer::Sat));
    assert_eq!(answer(&format!("; a note\r(assert false)\n{TRUE}")), Some(Answer::Unsat), "a comment ends at CR");
    assert_eq!(answer(&format!("(set-info :status unsat)\n{TRUE}")), Some(Answer::Sat), "a wrong status is only told");
}

#[test]
fn what_a_script_says_about_limits_and_signs_is_told_and_not_obeyed() {
    let pool = Watched::pool(1);
    // The first of these makes Z3 crash; "-1" is a symbol for the standard, and a number for Z3.
    for script in [format!("(set-option :memory_max_size 1)\n{TRUE}"), "(assert (= -1 (- 1)))\n(check-sat)\n".into()] {
        let report = pool.check(&job(&script, None));
        let told = report.answer == Some(Answer::Sat) && !report.notes.is_empty();
        assert!(told || matches!(report.verdict, Verdict::Rejected { .. }), "{report:?}");
    }
}

#[test]
fn a_name_that_the_solver_takes_for_its_own_is_uninterpreted() {
    let pool = Watched::pool(1);
    for name in ["sin", "exp", "is-cons", "|cos|"] {
        let script = format!("(declare-fun {name} (Real) Real)\n(assert (> ({name} 0.0) 5.0))\n(check-sat)\n");
        let report = pool.check(&job(&script, None));
        let sound = report.answer == Some(Answer::Sat) || matches!(report.verdict, Verdict::Rejected { .. });
        assert!(sound, "{name}: {report:?}");
    }
}

#[test]
fn a_script_cannot_lift_its_own_limits() {
    let pool = Watched::pool(1);
    let mut job = job(&format!("(set-option :rlimit 0)\n(set-option :timeout 0)\n{ENDLESS}"), None);
    job.limits.hard.resource_count = 1_000_000;
    job.limits.soft.resource_count = 250_000;
    let report = pool.check(&job);
    let limited = NoVerdict::ResourceLimit { limit: 1_000_000 };
    assert_eq!(report.verdict, Verdict::NoVerdict { reason: limited }, "{report:?}");
}

#[test]
fn the_options_of_one_script_do_not_reach_the_next() {
    let pool = Watched::pool(1);
    let script =
        "(declare-fun f (Int) Int)\n(assert (forall ((x Int)) (> (f x) x)))\n(assert (< (f 1) 0))\n(check-sat)\n";
    let plain = pool.check(&job(script, None));
    let options = "(set-option :auto_config false)\n(set-option :smt.mbqi false)\n(set-option :smt.case_split 3)\n";
    let with_options = pool.check(&job(&format!("{options}{script}"), None));
    assert!(!matches!(with_options.verdict, Verdict::Rejected { .. }), "{with_options:?}");
    let again = pool.check(&job(script, None));
    assert_eq!((plain.answer, plain.resource_count), (again.answer, again.resource_count));
}

#[test]
fn hostile_scripts_that_are_let_through_cost_a_worker_at_most() {
    let pool = Watched::pool(1);
    let wide = "(declare-const a (_ BitVec 60000))\n(declare-const b (_ BitVec 60000))\n(assert (= (bvmul a b) (bvudiv b a)))\n(check-sat)\n";
    let powers = "(declare-const x Int)\n(assert (= (* x x x x x x x x x) (+ 7 (* x x x x x x x))))\n(check-sat)\n";
    for script in [wide, powers, verifier_support::BOMB, ENDLESS] {
        let mut job = job(script, None);
        job.limits.hard.cpu_ms = 3_000;
        job.limits.soft.cpu_ms = 1_000;
        let report: Report = pool.check(&job);
        assert!(report.cpu.0 < 10_000, "{report:?}");
        assert!(report.peak_memory_bytes <= job.limits.hard.memory_bytes, "{report:?}");
        assert_eq!(pool.check(&verifier_support::job(FALSE, None)).answer, Some(Answer::Unsat));
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_node_that_is_killed_leaves_no_solver_running() {
    let folder = tempfile::tempdir().unwrap();
    let script = folder.path().join("endless.smt2");
    std::fs::write(&script, ENDLESS).unwrap();
    let mut node = Command::new(env!("CARGO_BIN_EXE_pop"))
        .args(["check-proof", script.to_str().unwrap(), "--claim", "unsat"])
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let workers = wait_until("a worker of the node", || Some(children(node.id())).filter(|found| !found.is_empty()));
    wait_until("a busy worker", || {
        workers.iter().find(|&&pid| verifier_support::processor_ticks(pid).is_some_and(|ticks| ticks > 50)).copied()
    });
    // SIGKILL: the node has no chance to end anything.
    node.kill().unwrap();
    node.wait().unwrap();
    for pid in workers {
        wait_until("the end of a worker", || (!is_running(pid)).then_some(()));
    }
}

#[test]
fn nothing_that_a_script_names_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("escaped");
    let pool = Watched::pool(1);
    let begun = Instant::now();
    for option in ["regular-output-channel", "diagnostic-output-channel", "sat.drat.file"] {
        pool.check(&job(&format!("(set-option :{option} \"{}\")\n{TRUE}", path.display()), None));
    }
    assert!(!path.exists() && begun.elapsed() < Duration::from_secs(60));
}
