//! `pop check --incremental`: the same outcomes as without it, each marked and remembered apart, whatever a log holds.

mod check_support;

use check_support::{Place, ended, sum};
use serde_json::Value;
use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const DEADLINE: Duration = Duration::from_secs(120);

/// Both ways, with nothing known; what differs in nothing but marks and costs is the same.
fn both(place: &Place, arguments: &[&str]) -> Value {
    let incremental = place.json(&[arguments, &["--incremental"]].concat());
    let _ = fs::remove_dir_all(place.path().join("cache"));
    let alone = place.json(arguments);
    assert_eq!(outcomes(&incremental), outcomes(&alone));
    assert!(all(&alone, "incremental").iter().all(|mark| mark == false), "{alone:#}");
    incremental
}

fn all(document: &Value, key: &str) -> Vec<Value> {
    document["obligations"].as_array().unwrap().iter().map(|one| one[key].clone()).collect()
}

/// What is told of each obligation, but for costs, marks, and the words of solvers that went another way.
fn outcomes(document: &Value) -> Vec<Value> {
    let told = |one: &Value| {
        let mut one = one.clone();
        let fields = one.as_object_mut().unwrap();
        ["cpu_ms", "incremental", "known", "incremental_answer"].iter().for_each(|key| drop(fields.remove(*key)));
        if let Some(none) = fields.get_mut("no_verdict") {
            none.as_object_mut().unwrap().remove("progress");
        }
        one
    };
    document["obligations"].as_array().unwrap().iter().map(told).collect()
}

/// Claims nothing by itself: Boogie's mark is in it.
const BASE: &str = "(set-option :smt.mbqi false)\n(declare-fun tickleBool (Bool) Bool)\n(declare-fun f (Int) Int)
(assert (forall ((x Int)) (! (> (f x) x) :pattern ((f x)))))\n(declare-const n Int)\n";
const TRUE: &str = "(push 1)\n(set-info :boogie-vc-id True)\n(assert (not (> (f n) n)))\n(check-sat)\n(pop 1)\n";
const FALSE: &str = "(push 1)\n(set-info :boogie-vc-id False)\n(assert (not (> n 5)))\n(check-sat)\n(pop 1)\n";
/// The factors of a product of two primes: nobody finds them in time.
const ENDLESS: &str =
    "(push 1)\n(set-info :boogie-vc-id Endless)\n(declare-const a (_ BitVec 64))\n(declare-const b (_ BitVec 64))
(assert (= (bvmul (concat #x0000000000000000 a) (concat #x0000000000000000 b)) #xcfa92a1c6559dd55bb75027437309ad3))
(assert (bvugt a #x0000000000000001))\n(assert (bvugt b #x0000000000000001))\n(check-sat)\n(pop 1)\n";

#[test]
fn what_holds_is_marked_and_remembered_apart() {
    let base = "(declare-fun tickleBool (Bool) Bool)\n(declare-const n Int)\n(assert (> n 1))\n";
    let holds = TRUE.replace("(f n)", "(+ n 1)");
    let place = Place::new(&[("a.log", &format!("{base}{}{FALSE}{holds}", holds.repeat(3)))]);
    let (code, text, error) = place.check(&["a.log", "--incremental", "--verbose"]);
    assert_eq!((code, error.as_str()), (5, ""), "{text}");
    assert!(text.contains("a.log#1 (line 7, True): holds (incremental)\n"), "{text}");
    let refuted = "a.log#4 (line 22, False): refuted\n  in False\n  claimed unsat (by the tool that wrote it), answered sat\n  counter-model";
    assert!(text.contains(refuted), "{text}");
    assert_eq!(sum(&text), "5 obligations: 4 hold (4 incremental), 1 refuted");
    let (_, text, _) = place.check(&["a.log", "--incremental"]);
    assert_eq!(sum(&text), "5 obligations: 4 hold (4 known before, 4 incremental), 1 refuted");
    let alone = place.json(&["a.log"]);
    assert_eq!((&alone["counts"]["known_before"], &alone["counts"]["incremental"]), (&0.into(), &0.into()));
    // What was checked alone is worth more, and goes first.
    let after = place.json(&["a.log", "--incremental"]);
    assert_eq!((&after["counts"]["known_before"], &after["counts"]["incremental"]), (&4.into(), &0.into()));
    let (code, _, error) = place.check(&["a.log", "--incremental", "--node", "127.0.0.1:1"]);
    assert_eq!(code, 2);
    assert!(error.contains("cannot be used with"), "{error}");
}

#[test]
fn what_one_solver_cannot_be_asked_for_is_checked_alone() {
    let datatype = |constructor: &str| {
        format!(
            "(push 1)\n(declare-datatypes ((T 0)) ((({constructor}))))\n(declare-const t T)\n(assert (not (= t {constructor})))\n(check-sat)\n(pop 1)\n"
        )
    };
    let recursive = "(push 1)\n(define-fun-rec g ((x Int)) Int (ite (<= x 0) 0 (g (- x 1))))\n(assert (= (g 3) 1))\n(check-sat)\n(pop 1)\n";
    let assuming =
        "(declare-const q Bool)\n(check-sat-assuming (q (not q)))\n(check-sat-assuming ((not (> (f n) n))))\n";
    let unknown_name = "(push 1)\n(assert (not (= (h n) n)))\n(check-sat)\n(pop 1)\n";
    let ill_sorted =
        "(push 1)\n(assert (= (select ((as const (Array Int Int)) 1) n) (seq.unit n)))\n(check-sat)\n(pop 1)\n";
    let global = format!("(set-option :global-declarations true)\n{BASE}{}", TRUE.repeat(2));
    let changed = format!("{BASE}{TRUE}(set-option :smt.mbqi true)\n{}", TRUE.repeat(3));
    let horn = "(set-logic HORN)\n(declare-fun p (Int) Bool)\n(assert (forall ((x Int)) (=> (= x 0) (p x))))\n(push)
(assert (forall ((x Int)) (=> (and (p x) (> x 5)) false)))\n(check-sat)\n(pop)\n(push)\n(assert (forall ((x Int)) (=> (p x) false)))\n(check-sat)\n(pop)\n";
    let reset = format!("{BASE}{TRUE}(reset)\n{BASE}(declare-const m Int)\n{TRUE}{FALSE}(reset)\n{BASE}{TRUE}");
    let forgot = format!("{BASE}{TRUE}(reset-assertions)\n{}{TRUE}", &BASE[BASE.find("(declare-fun f").unwrap()..]);
    let mixed = [BASE, &TRUE.repeat(2), unknown_name, TRUE, ill_sorted, &TRUE.repeat(2), assuming, recursive, TRUE];
    let place = Place::new(&[
        ("assuming.log", &format!("{BASE}{TRUE}{assuming}{TRUE}")),
        ("changed.log", &changed),
        ("datatypes.log", &format!("{BASE}{TRUE}{}{}{TRUE}", datatype("c"), datatype("d"))),
        ("forgot.log", &forgot),
        ("global.log", &global),
        ("horn.log", horn),
        ("mixed.log", &mixed.concat()),
        ("recursive.log", &format!("{BASE}{TRUE}{recursive}{TRUE}")),
        ("reset.log", &reset),
    ]);
    let document = both(&place, &["."]);
    let marked: Vec<(String, u64)> = document["obligations"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|one| one["incremental"] == true)
        .map(|one| (one["file"].as_str().unwrap().replace("./", ""), one["query"]["number"].as_u64().unwrap()))
        .collect();
    let count = |file: &str| marked.iter().filter(|(name, _)| name == file).count();
    assert!(count("changed.log") >= 3 && count("reset.log") >= 2 && count("assuming.log") >= 3, "{marked:?}");
    assert_eq!((count("global.log"), count("horn.log")), (0, 0), "{marked:?}");
    assert!(count("mixed.log") >= 3, "{marked:?}");
    let not_accepted = document["obligations"].as_array().unwrap().iter().find(|one| one["outcome"] == "not_accepted");
    assert!(not_accepted.is_some(), "{document:#}");
}

#[test]
fn a_query_that_runs_into_its_limit_takes_no_other_with_it() {
    let place = Place::new(&[("a.log", &format!("{BASE}{}{ENDLESS}{}", TRUE.repeat(20), TRUE.repeat(20)))]);
    let document = place.json(&["a.log", "--incremental", "--time", "2"]);
    assert_eq!(document["counts"]["hold"], 40, "{document:#}");
    assert_eq!(document["obligations"][20]["no_verdict"]["reason"], "processor_time");
    assert!(document["counts"]["incremental"].as_u64().unwrap() >= 36, "{document:#}");
    let again = place.json(&["a.log", "--incremental", "--time", "2"]);
    assert_eq!(again["counts"]["known_before"], 40, "what time ended is not remembered, and nothing else is lost");
}

/// Waits until something is kept, while the process runs.
fn await_findings(place: &Place, child: &mut Child) {
    let segments = place.path().join("cache/proof-of-proof/check");
    let deadline = Instant::now() + DEADLINE;
    loop {
        let entries = fs::read_dir(&segments).into_iter().flatten().flatten();
        if entries.filter_map(|entry| entry.metadata().ok()).any(|metadata| metadata.len() > 200) {
            return;
        }
        assert!(child.try_wait().unwrap().is_none(), "it ended before anything was kept");
        assert!(Instant::now() < deadline, "nothing is kept");
        std::thread::yield_now();
    }
}

#[test]
fn after_ctrl_c_a_second_start_goes_on() {
    let place = Place::new(&[("a.log", &format!("{BASE}{}{ENDLESS}", TRUE.repeat(20)))]);
    let mut child = place.command(&["a.log", "--incremental", "--jobs", "1"]).spawn().unwrap();
    await_findings(&place, &mut child);
    let process = i32::try_from(child.id()).unwrap();
    // SAFETY: a signal to a process that this test started and has not waited for.
    assert_eq!(unsafe { libc::kill(process, libc::SIGINT) }, 0);
    let (code, text, error) = ended(child.wait_with_output().unwrap());
    assert_eq!((code, error.as_str()), (130, ""), "{text}");
    assert!(text.contains(" of 21 obligations done: "), "{text}");
    let document = place.json(&["a.log", "--incremental", "--time", "1"]);
    assert_eq!(document["counts"]["hold"], 20, "{document:#}");
}

/// Runs a tool in the folder. False, with a line, where it is not installed.
fn made(place: &Place, program: &str, arguments: &[&str]) -> bool {
    let mut command = Command::new(program);
    match command.args(arguments).current_dir(place.project()).stdout(Stdio::null()).stderr(Stdio::null()).status() {
        Ok(_) => true,
        Err(error) => {
            println!("NOT RUN: {program}'s logs: {error}");
            false
        }
    }
}

#[test]
fn logs_of_dafny_and_boogie_are_answered_as_without_it() {
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/generators");
    let place = Place::new(&[]);
    let mut logs = 0;
    for (program, folder, ending) in [("boogie", "boogie", "bpl"), ("dafny", "dafny", "dfy")] {
        // One of Dafny's takes as long as all of Boogie's.
        let names: &[&str] = if program == "dafny" { &["arithmetic"] } else { &["loops", "maps", "theory"] };
        for name in names {
            let file = format!("{name}.{ending}");
            fs::copy(sources.join(folder).join(&file), place.project().join(&file)).unwrap();
            let log = format!("/proverLog:{name}.smt2");
            let options: &[&str] = if program == "dafny" { &["/compile:0"] } else { &[] };
            if !made(&place, program, &[options, &[&log, &file]].concat()) {
                break;
            }
            logs += 1;
        }
    }
    if logs == 0 {
        return;
    }
    let document = both(&place, &["."]);
    let (hold, marked) = (&document["counts"]["hold"], &document["counts"]["incremental"]);
    assert!(marked.as_u64() > hold.as_u64().map(|hold| hold / 2), "{hold} hold, {marked} of them incremental");
    let falsely = document["obligations"].as_array().unwrap().iter().filter(|one| {
        one["query"]["label"].as_str().is_some_and(|label| label.contains("False")) && one["outcome"] == "holds"
    });
    assert_eq!(falsely.count(), 0, "{document:#}");
}

#[test]
fn what_other_tools_write_is_answered_as_without_it() {
    let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("smtlib/tests/generators");
    let place = Place::new(&[]);
    for entry in fs::read_dir(samples).unwrap().map(Result::unwrap) {
        let name = entry.file_name().into_string().unwrap();
        let Ok(text) = fs::read_to_string(entry.path()) else { continue };
        // As a tool does that tells its solver everything anew for each query.
        fs::write(place.project().join(name), format!("{text}\n(reset)\n{text}")).unwrap();
    }
    let document = both(&place, &[".", "--claim", "unsat", "--time", "5"]);
    assert!(document["counts"]["incremental"].as_u64().unwrap() > 0, "{document:#}");
}
