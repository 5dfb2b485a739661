//! What the pinned solver is known to do wrong, line by line as `docs/VERIFIER.md` counts it, through the real worker: each
//! script is refused, or answered as it should be, or has no verdict. None has the solver's false answer.
//!
//! Must never: share a worker between a hostile script and the test of another one, but where that is the test.

mod verifier_support;

use protocol::verdict::{Answer, Claim, NoVerdict, Report, Verdict};
use verifier_support::{ENDLESS, FALSE, TRUE, Watched, job};

fn rejected(report: &Report) -> bool {
    matches!(report.verdict, Verdict::Rejected { .. })
}

/// The solver says `sat` to each of these contradictions. A worker must not.
fn false_sats() -> Vec<(&'static str, String)> {
    let int = "(declare-const i Int)\n(assert (and (< i 0) (> i 0)))\n(check-sat)\n";
    let with_option = |option: &str, body: &str| format!("(set-option :{option})\n{body}");
    let recursive = "(define-fun-rec f ((x Int)) Int (+ 1 (f x)))\n(assert true)\n(check-sat)\n";
    vec![
        ("a positive label", "(assert (! false :lblpos l))\n(check-sat)\n".into()),
        ("a negative label", "(assert (! false :lblneg l))\n(check-sat)\n".into()),
        ("a label within a label", "(assert (not (! (! true :lblneg a) :lblpos b)))\n(check-sat)\n".into()),
        ("bit-vectors' logic with integers", format!("(set-logic QF_BV)\n{int}")),
        (
            "functions' logic with datatypes",
            "(set-logic QF_UF)\n(declare-datatype D ((a) (b)))\n(declare-const d D)\n(assert (not (or (= d a) (= d b))))\n(check-sat)\n"
                .into(),
        ),
        (
            "reals' logic with arrays",
            "(set-logic QF_LRA)\n(declare-const m (Array Int Int))\n(assert (= (select (store m 1 2) 1) 3))\n(check-sat)\n".into(),
        ),
        (
            "no string solver",
            with_option("smt.string_solver none", "(assert (= (str.len \"ab\") 3))\n(check-sat)\n"),
        ),
        (
            "arrays that are not extensional",
            with_option(
                "smt.array.extensional false",
                "(declare-const a (Array Int Int))\n(declare-const b (Array Int Int))\n(assert (forall ((i Int)) (= (select a i) (select b i))))\n(assert (distinct a b))\n(check-sat)\n",
            ),
        ),
        (
            "division by zero as one likes",
            with_option("rewriter.hi_div0 false", "(assert (distinct (bvudiv #x1 #x0) #xf))\n(check-sat)\n"),
        ),
        (
            "no integers of bit-vectors",
            with_option(
                "smt.bv.enable_int2bv false",
                "(declare-const b (_ BitVec 4))\n(assert (> (ubv_to_int b) 15))\n(check-sat)\n",
            ),
        ),
        ("a definition that no function meets", recursive.into()),
    ]
}

#[test]
fn no_contradiction_is_confirmed_as_reachable() {
    let pool = Watched::pool(1);
    for (name, script) in false_sats() {
        let report = pool.check(&job(&script, Some(Claim::Sat)));
        let confirmed = matches!(report.verdict, Verdict::Confirmed { .. });
        assert!(!confirmed && report.answer != Some(Answer::Sat), "{name}: {report:?}");
    }
}

/// The solver says `unsat` to each of these: the names are its own, or the text is read in another encoding.
#[test]
fn no_script_is_contradictory_because_the_solver_knows_its_names() {
    let pool = Watched::pool(1);
    let of_real = |name: &str| {
        format!(
            "(declare-fun {name} (Real) Real)\n(assert (> ({name} 0.0) 5.0))\n(assert (< ({name} 1.0) (- 5.0)))\n(check-sat)\n"
        )
    };
    let names = ["sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh", "exp", "log", "ln", "|sin|"];
    let mut scripts: Vec<String> = names.iter().map(|name| of_real(name)).collect();
    scripts.push(
        "(declare-datatype D ((a) (b)))\n(declare-fun is-a (D) Bool)\n(assert (is-a b))\n(assert (not (is-a a)))\n(check-sat)\n"
            .into(),
    );
    scripts
        .push("(declare-fun |is-a| (Int) Bool)\n(declare-datatype D ((a)))\n(assert (|is-a| 1))\n(check-sat)\n".into());
    for script in scripts {
        let report = pool.check(&job(&script, None));
        assert_eq!(report.answer, Some(Answer::Sat), "{script}{report:?}");
    }
    let encoded = "(set-option :encoding ascii)\n(assert (= (str.len \"\\u{e9}\") 1))\n(check-sat)\n";
    // The option is ignored, or one character would be six.
    assert_eq!(pool.check(&job(encoded, None)).answer, Some(Answer::Sat));
}

/// The library reports an error for each, goes on, and answers what is left: `sat` where the whole is contradictory.
#[test]
fn what_the_solver_would_pass_over_is_not_passed_over() {
    let pool = Watched::pool(1);
    let with = |line: &str| format!("(declare-const x Int)\n(declare-const p Bool)\n{line}\n(check-sat)\n");
    for line in [
        "(assert (= y 1))",
        "(assert (and p (not p))",
        "(assert (select x 1))",
        "(assert (= x 1) (= x 2))",
        "(assret (= x 1))",
        "(declare-fun f (Nowhere) Int)(assert (= (f x) 1))",
        "(set-logic NO_LOGIC)(assert false)",
        "#| (assert false) |#",
        "(assert (let ((a 1) (a 2)) (= a x)))",
        "(define-fun f ((a Int) (a Bool)) Bool a)(assert (f 1 false))",
        "(assert (= x (+ 1 true)))",
        "(assert (= x 007))",
        "(include \"/etc/passwd\")",
        "(check-sat (not p))",
    ] {
        let report = pool.check(&job(&with(line), None));
        // What only the solver can tell is its error, and no answer.
        let error = matches!(
            report.verdict,
            Verdict::NoVerdict { reason: NoVerdict::SolverError { .. } | NoVerdict::IllSorted { .. } }
        );
        assert!((rejected(&report) || error) && report.answer.is_none(), "{line}: {report:?}");
    }
    // A second declaration is the one error that has a meaning: the same again.
    let twice = with("(declare-const x Int)(assert (and (= x 1) (= x 2)))");
    assert_eq!(pool.check(&job(&twice, None)).answer, Some(Answer::Unsat));
    assert_eq!(pool.check(&job(&with("(assert (= x -1))(assert (= x 1))"), None)).answer, Some(Answer::Unsat));
}

/// Each is told in front of the answer, unless the solver's warnings are off: patterns that miss a variable or hold a
/// connective, and options that do not go together.
#[test]
fn a_warning_of_the_solvers_takes_no_answer_away() {
    let pool = Watched::pool(1);
    let quantified = |pattern: &str| {
        format!(
            "(declare-fun f (Int) Int)\n(assert (forall ((x Int)) (! (and (= (f x) 0) (>= x x)) {pattern} :pattern ((f x)))))
(assert (= (f 1) 1))\n(check-sat)\n"
        )
    };
    let options = "(set-option :auto_config false)\n(set-option :smt.relevancy 0)\n(set-option :smt.case_split 3)\n";
    let scripts = [
        quantified(":pattern ((f 3))"),
        quantified(":pattern ((and (= (f x) 0) (> x 0)))"),
        format!("{options}{}", quantified("")),
    ];
    for script in scripts.iter().chain(&scripts) {
        let report = pool.check(&job(script, Some(Claim::Unsat)));
        assert!(matches!(report.verdict, Verdict::Confirmed { .. }), "{script}: {report:?}");
    }
}

/// A loop that stays within its bound, and one that does not; a system whose predicate is taken out by the preprocessing, after
/// which the solver's own interpretation of it is wrong; one whose definition contradicts itself.
#[test]
fn a_sat_of_horn_clauses_counts_if_its_interpretation_was_checked() {
    let pool = Watched::pool(1);
    let counter = |last: &str| {
        format!(
            "(set-logic HORN)\n(declare-fun inv (Int Int) Bool)\n(assert (forall ((n Int)) (=> (>= n 0) (inv 0 n))))
(assert (forall ((x Int) (n Int)) (=> (and (inv x n) (< x n)) (inv (+ x 1) n))))
(assert (forall ((x Int) (n Int)) (=> (and (inv x n) ({last} x n)) false)))\n(check-sat)\n"
        )
    };
    let taken_out = "(set-logic HORN)\n(declare-fun p (Int Int) Bool)\n(assert (not (p 1 1)))\n(assert (p 8 8))
(assert (forall ((n Int)) (=> (p 1 9) (p 1 n))))\n(assert (forall ((n Int)) (=> (p 2 2) false)))\n(check-sat)\n";
    let recursive = "(set-logic HORN)\n(declare-fun p (Int) Bool)\n(define-fun-rec f ((x Int)) Int (+ 1 (f x)))
(assert (p 0))\n(assert (=> (p 1) false))\n(check-sat)\n";
    assert_eq!(pool.check(&job(&counter(">"), Some(Claim::Sat))).answer, Some(Answer::Sat));
    assert_eq!(pool.check(&job(&counter(">="), Some(Claim::Sat))).answer, Some(Answer::Unsat));
    assert_eq!(pool.check(&job(taken_out, Some(Claim::Sat))).answer, Some(Answer::Sat));
    let report = pool.check(&job(recursive, Some(Claim::Sat)));
    assert!(matches!(report.verdict, Verdict::NoVerdict { .. }), "{report:?}");
    assert!(pool.check(&job(&counter(">"), None)).cpu.0 < 5_000, "no second run");
}

/// Every option that a script may set, at both ends of its range, and then the same scripts as before.
#[test]
fn no_option_changes_what_the_next_script_is_answered() {
    let pool = Watched::pool(1);
    let next = [
        "(declare-fun f (Int) Int)\n(assert (forall ((x Int)) (> (f x) x)))\n(assert (< (f 1) 0))\n(check-sat)\n",
        "(declare-const s String)\n(assert (= (str.len s) 3))\n(assert (str.prefixof \"ab\" s))\n(check-sat)\n",
        "(declare-const b (_ BitVec 8))\n(assert (= (bvmul b b) #x31))\n(assert (bvugt b #x10))\n(check-sat)\n",
    ];
    let answers = |pool: &Watched| {
        next.map(|script| {
            let report = pool.check(&job(script, None));
            (report.answer, report.resource_count)
        })
    };
    let alone = answers(&pool);
    assert!(alone.iter().all(|(answer, count)| answer.is_some() && count.is_some()), "{alone:?}");
    let accepted = smtlib::accepted_options().flat_map(|(name, values, _)| {
        values
            .into_iter()
            .map(move |value| format!("{name} {}", if value.contains(' ') { format!("\"{value}\"") } else { value }))
    });
    let others =
        ["rlimit 0", "rlimit 1", "timeout 1", "verbosity 10", "smt.threads 4", "random-seed 7", "smt.random_seed 7"];
    for option in accepted.chain(others.map(str::to_owned)) {
        let report = pool.check(&job(&format!("(set-option :{option})\n{FALSE}"), None));
        assert_eq!(report.answer, Some(Answer::Unsat), "{option}: {report:?}");
        let after = pool.check(&job(next[0], None));
        assert_eq!((after.answer, after.resource_count), alone[0], "after {option}");
    }
    assert_eq!(answers(&pool), alone);
    assert_eq!(pool.ended("crashed"), 0);
}

/// Seeds, threads and timeouts change the resource count: they are the network's to set.
#[test]
fn a_script_cannot_change_its_own_count_by_seeds_threads_or_timeouts() {
    let pool = Watched::pool(1);
    let script = "(declare-const b (_ BitVec 16))\n(assert (= (bvmul b b) #x3109))\n(check-sat)\n";
    let plain = pool.check(&job(script, None)).resource_count;
    assert!(plain.is_some());
    for option in [
        "smt.random_seed 5",
        "sat.random_seed 5",
        "smt.threads 2",
        "sat.threads 2",
        "timeout 7000",
        "parallel.enable true",
    ] {
        let report = pool.check(&job(&format!("(set-option :{option})\n{script}"), None));
        assert_eq!(report.resource_count, plain, "{option}: {report:?}");
        assert_eq!(report.notes.len(), 1, "{option} is told");
    }
    assert!(rejected(&pool.check(&job("(assert true)\n(check-sat-using (par-or smt smt))\n", None))));
}

#[test]
fn no_script_writes_anything_anywhere() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("escaped");
    let pool = Watched::pool(1);
    let name = format!("\"{}\"", path.display());
    for option in [
        format!("regular-output-channel {name}"),
        format!("diagnostic-output-channel {name}"),
        format!("sat.drat.file {name}"),
        format!("solver.proof.log {name}"),
        format!("trace_file_name {name}"),
        "trace true".into(),
        "solver.axioms2files true".into(),
        "smt.arith.dump_bound_lemmas true".into(),
        "smt.arith.dump_lemmas true".into(),
        "solver.lemmas2console true".into(),
        "solver.smtlib2_log escaped".into(),
        "smt.candidate_models true".into(),
        "dump_models true".into(),
        "verbose 10".into(),
    ] {
        let report = pool.check(&job(&format!("(set-option :{option})\n{FALSE}"), None));
        assert_eq!(report.answer, Some(Answer::Unsat), "{option} is ignored: {report:?}");
        assert_eq!(report.notes.len(), 1, "{option} is told: {report:?}");
    }
    assert!(!path.exists());
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn what_ends_the_solvers_process_is_refused_or_has_no_verdict() {
    let pool = Watched::pool(1);
    let with_option = |option: &str| format!("(set-option :{option})\n{ENDLESS}");
    for script in [
        with_option("smt.restart_strategy 5"),
        with_option("smt.core.validate true"),
        with_option("smt.arith.nl.horner_frequency 0"),
        with_option("smt.qi.profile_freq 0"),
        with_option("error-behavior immediate-exit"),
    ] {
        // A limit that the worker lives to tell of: notes end with it.
        let mut limited = bounded(&script);
        limited.limits.hard.resource_count = 300_000;
        limited.limits.soft.resource_count = 100_000;
        let report = pool.check(&limited);
        let lived = !matches!(report.verdict, Verdict::NoVerdict { reason: NoVerdict::Crashed { .. } });
        assert!(lived && report.notes.len() == 1, "the option is ignored: {script}: {report:?}");
    }
    let without_logic = pool.check(&job(&format!("(set-logic SMTFD)\n{TRUE}"), None));
    assert_eq!(without_logic.answer, Some(Answer::Sat), "{without_logic:?}");
    let wide = pool.check(&job("(declare-const x (_ BitVec 2147483648))\n(check-sat)\n", None));
    assert!(rejected(&wide), "{wide:?}");
    // Let through: a sequence's element within an element, over a datatype.
    let nested = "(declare-datatypes ((T 0)) (((leaf) (node (kids (Seq T))))))\n(declare-const t T)\n(assert (= t (seq.nth (kids (seq.nth (kids t) 0)) 0)))\n(assert (not (= t leaf)))\n(check-sat)\n";
    let report = pool.check(&bounded(nested));
    assert!(!matches!(report.verdict, Verdict::Rejected { .. }), "{report:?}");
    assert_eq!(pool.check(&job(FALSE, None)).answer, Some(Answer::Unsat), "one proof costs one worker");
}

/// A job that is given little time.
fn bounded(script: &str) -> protocol::verdict::Job {
    let mut job = job(script, None);
    job.limits.hard.cpu_ms = 2_000;
    job.limits.soft.cpu_ms = 500;
    job.limits.hard.memory_bytes = 512 << 20;
    job.limits.soft.memory_bytes = 128 << 20;
    job
}

/// Each of these instantiates for ever, or takes memory for ever; the resource limit alone would not stop all.
#[test]
fn endless_instantiation_and_memory_bombs_end_at_a_limit() {
    let pool = Watched::pool(2);
    let loops = "(declare-fun f (Int) Int)\n(declare-fun g (Int) Int)\n(assert (forall ((x Int)) (! (< (f x) (f (g (f x)))) :pattern ((f x)))))\n(assert (= (f 0) 0))\n";
    let scripts = [
        format!("(set-option :smt.mbqi false)\n(set-option :auto_config false)\n{loops}(check-sat)\n"),
        format!("{loops}(check-sat)\n"),
        "(declare-fun m (Int) (Array Int Int))\n(assert (forall ((x Int)) (! (= (m (+ x 1)) (store (m x) x x)) :pattern ((m x)))))\n(assert (= (select (m 0) 5) 1))\n(check-sat)\n".to_owned(),
        "(declare-sort S 0)\n(declare-fun h (S S) S)\n(declare-const a S)\n(assert (forall ((x S) (y S)) (! (not (= (h x y) (h y (h x x)))) :pattern ((h x y)))))\n(assert (= a (h a (h a a))))\n(check-sat)\n".to_owned(),
        "(declare-const s String)\n(assert (= (str.len s) 900000000))\n(assert (str.in_re s (re.+ (re.union (str.to_re \"ab\") (str.to_re \"ba\")))))\n(check-sat)\n".to_owned(),
        verifier_support::BOMB.to_owned(),
        ENDLESS.to_owned(),
    ];
    let pending: Vec<_> = scripts.iter().map(|script| pool.inner().submit(&bounded(script)).unwrap()).collect();
    for (script, pending) in scripts.iter().zip(pending) {
        let report = pending.blocking_recv().unwrap().unwrap();
        assert!(report.cpu.0 < 6_000, "{script}: {report:?}");
        // The strings' script may be answered at once: what counts is that nothing runs on.
        let ended = matches!(report.verdict, Verdict::NoVerdict { .. }) || script.contains("str.len");
        assert!(ended, "{script}: {report:?}");
        assert!(report.peak_memory_bytes <= 512 << 20, "{script}: {report:?}");
    }
    assert_eq!(pool.check(&job(FALSE, None)).answer, Some(Answer::Unsat));
}

#[test]
fn a_million_tokens_are_read_and_more_than_two_are_refused() {
    let pool = Watched::pool(1);
    let of = |tokens: usize| format!("(declare-const p Bool)\n(assert (and {}))\n(check-sat)\n", "p ".repeat(tokens));
    let million = pool.check(&job(&of(1_000_000), None));
    assert_eq!(million.answer, Some(Answer::Sat), "{million:?}");
    let more = pool.check(&job(&of(2_000_000), None));
    assert!(rejected(&more), "{more:?}");
    assert!(more.cpu.0 < 5_000, "{more:?}");
}

#[test]
fn a_limit_that_a_script_writes_before_the_networks_or_after_it_does_not_bind() {
    let pool = Watched::pool(1);
    for options in [
        "(set-option :rlimit 0)",
        "(set-option :rlimit 4000000000)",
        "(set-option :smt.rlimit 0)",
        "(set-option :memory_max_size 0)",
    ] {
        let mut job = job(&format!("{options}\n{ENDLESS}{options}\n"), None);
        job.limits.hard.resource_count = 500_000;
        job.limits.soft.resource_count = 100_000;
        let report = pool.check(&job);
        let limited = NoVerdict::ResourceLimit { limit: 500_000 };
        assert_eq!(report.verdict, Verdict::NoVerdict { reason: limited }, "{options}: {report:?}");
    }
}
