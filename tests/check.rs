//! `pop check` as a user meets it: what it prints, its exit codes, and what it remembers.

mod check_support;

use check_support::{Place, ended, sum};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const DEADLINE: Duration = Duration::from_secs(120);
const HOLDS: &str = "(set-info :status unsat)\n(declare-const p Bool)\n(assert (and p (not p)))\n(check-sat)\n";
const REFUTED: &str = "; File \"m.mlw\", line 6, characters 4-9\n(set-info :status unsat)
(declare-const low Int)\n(assert (> low 5))\n(check-sat)\n";
const UNCLAIMED: &str = "(declare-const p Bool)\n(assert p)\n(check-sat)\n";
const BROKEN: &str = "(set-info :status unsat)\n(declare-const x Int)\n(assert (= x y))\n(check-sat)\n";
/// A `sat` with a recursive definition is never relied upon.
const UNDECIDED: &str = "(set-info :status sat)
(define-fun-rec f ((x Int)) Int (ite (<= x 0) 0 (f (- x 1))))\n(assert (= (f 3) 0))\n(check-sat)\n";

/// A true script of its own for each number.
fn numbered(number: usize) -> String {
    format!(
        "(set-info :status unsat)\n(declare-const x{number} Int)\n(assert (> x{number} {number} x{number}))\n(check-sat)\n"
    )
}

/// Scripts that take about a second each, and hold.
fn slow(number: usize) -> String {
    let mut text = String::from("(set-info :status unsat)\n(set-logic QF_UF)\n(declare-sort S 0)\n");
    // Nine pigeons and eight holes; the number makes each another statement.
    let (pigeons, holes) = (9, 8);
    text += &format!("(declare-const n{number} Bool)\n(assert n{number})\n");
    for pigeon in 0..pigeons {
        let names: Vec<String> = (0..holes).map(|hole| format!("p{pigeon}-{hole}")).collect();
        names.iter().for_each(|name| text += &format!("(declare-const {name} Bool)\n"));
        text += &format!("(assert (or {}))\n", names.join(" "));
    }
    for hole in 0..holes {
        for (left, right) in (0..pigeons).flat_map(|right| (0..right).map(move |left| (left, right))) {
            text += &format!("(assert (or (not p{left}-{hole}) (not p{right}-{hole})))\n");
        }
    }
    text + "(check-sat)\n"
}

#[test]
fn failures_come_last_with_place_and_counterexample_and_one_line_counts() {
    let place = Place::new(&[("a/false.smt2", REFUTED), ("b/true.smt2", HOLDS), ("c.smt2", UNDECIDED)]);
    let (code, text, error) = place.check(&["."]);
    assert_eq!((code, error.as_str()), (5, ""), "{text}");
    let shown = "./a/false.smt2: refuted\n  at m.mlw:6:4\n  claimed unsat (by the script's :status), answered sat
  counter-model (unsigned advice: the solver of this one node found it, and no validator signs it):
    (define-fun low () Int 6)\n";
    let at = text.find(shown).unwrap_or_else(|| panic!("{text}"));
    assert_eq!(text[at + shown.len()..].lines().count(), 1, "nothing but the sum comes after it: {text}");
    assert!(text.starts_with("./c.smt2: no verdict\n"), "{text}");
    assert_eq!(sum(&text), "3 obligations: 1 holds, 1 refuted, 1 no verdict");
    assert!(!text.contains('\u{1b}'), "no colour in a pipe");
}

#[test]
fn the_second_run_knows_what_the_first_one_found_and_says_the_same() {
    let place =
        Place::new(&[("false.smt2", REFUTED), ("true.smt2", HOLDS), ("bad.smt2", BROKEN), ("c.smt2", UNDECIDED)]);
    let (first_code, first, _) = place.check(&["."]);
    let (second_code, second, _) = place.check(&["."]);
    assert_eq!((first_code, second_code), (2, 2));
    let without_sum = |text: &str| text.lines().rev().skip(1).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(without_sum(&first), without_sum(&second));
    assert_eq!(sum(&second), "4 obligations: 1 holds (1 known before), 1 refuted, 1 no verdict, 1 not accepted");
    assert!(place.json(&["."])["obligations"].as_array().unwrap().iter().all(|one| one["known"] == true));
}

#[test]
fn a_script_is_known_again_however_it_is_written() {
    let place = Place::new(&[("a.smt2", HOLDS)]);
    place.check(&["."]);
    place.write("b.smt2", &format!("; the same with a comment\n{}", HOLDS.replace('\n', "\n\n")));
    place.write("c.smt2", &HOLDS.replace("unsat", "sat"));
    let document = place.json(&["."]);
    let known = |index: usize| document["obligations"][index]["known"].as_bool().unwrap();
    assert_eq!([known(0), known(1), known(2)], [true, true, false], "{document:#}");
    assert_eq!(document["obligations"][2]["outcome"], "refuted", "another claim is another statement");
}

#[test]
fn other_limits_and_another_claim_are_not_known() {
    let place = Place::new(&[("a.smt2", HOLDS)]);
    let known = |arguments: &[&str]| place.json(arguments)["counts"]["known_before"].as_u64().unwrap();
    for arguments in
        [&["a.smt2"][..], &["a.smt2", "--time", "7"], &["a.smt2", "--memory", "512"], &["a.smt2", "--claim", "unsat"]]
    {
        assert_eq!(
            known(arguments),
            u64::from(arguments.contains(&"--claim")),
            "{arguments:?}: the statement is the same"
        );
        assert_eq!(known(arguments), 1, "{arguments:?}");
    }
    assert_eq!(place.check(&["a.smt2", "--claim", "sat"]).0, 5);
}

#[test]
fn exit_codes_are_those_of_all_commands() {
    let place = Place::new(&[
        ("t.smt2", HOLDS),
        ("f.smt2", REFUTED),
        ("u.smt2", UNDECIDED),
        ("n.smt2", UNCLAIMED),
        ("b.smt2", BROKEN),
    ]);
    for (arguments, code) in [
        (&["t.smt2"][..], 0),
        (&["t.smt2", "f.smt2", "u.smt2"], 5),
        (&["t.smt2", "u.smt2"], 6),
        (&["t.smt2", "u.smt2", "--no-verdict", "pass"], 0),
        (&["t.smt2", "f.smt2", "n.smt2"], 2),
        (&["f.smt2", "b.smt2"], 2),
        (&["t.smt2", "missing.smt2"], 2),
        (&["t.smt2", "--exclude", "t*"], 2),
        (&["t.smt2", "--time", "0"], 2),
        (&["t.smt2", "--memory", "255"], 2),
        (&["t.smt2", "--jobs", "0"], 2),
        (&[], 2),
    ] {
        assert_eq!(place.check(arguments).0, code, "{arguments:?}");
    }
}

#[test]
fn what_claims_nothing_says_what_to_give_and_is_counted_apart() {
    let place = Place::new(&[("n.smt2", UNCLAIMED), ("t.smt2", HOLDS)]);
    let (_, text, _) = place.check(&["."]);
    assert!(text.contains("./n.smt2: nothing is claimed\n  it has no :status, no manifest.json names it, and no tool is recognised: say --claim unsat or --claim sat"), "{text}");
    assert_eq!(sum(&text), "2 obligations: 1 holds, 1 claims nothing");
}

#[test]
fn a_time_that_is_too_short_is_no_verdict_and_is_not_remembered() {
    let place = Place::new(&[("slow.smt2", &slow(0))]);
    for _ in 0..2 {
        let document = place.json(&["slow.smt2", "--time", "0.01"]);
        assert_eq!(document["obligations"][0]["outcome"], "no_verdict", "{document:#}");
        assert_eq!(document["obligations"][0]["known"], false);
    }
    assert_eq!(place.json(&["slow.smt2"])["obligations"][0]["outcome"], "holds");
}

#[test]
fn the_same_file_twice_is_checked_once_and_counted_twice() {
    let files: Vec<(String, &str)> = (0..20).map(|number| (format!("{number}.smt2"), HOLDS)).collect();
    let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (name.as_str(), *text)).collect();
    let place = Place::new(&files);
    assert_eq!(sum(&place.check(&["."]).1), "20 obligations: 20 hold");
    let bytes: u64 = place.segments().iter().map(|path| path.metadata().unwrap().len()).sum();
    assert!(bytes < 600, "one finding: {bytes}");
}

#[test]
fn nothing_that_a_cloned_repository_brings_along_is_believed() {
    let place = Place::new(&[("true.smt2", HOLDS)]);
    place.check(&["."]);
    // The attacker's own cache, put where this user's would be, with another key than this user's.
    fs::remove_dir_all(place.path().join("data")).unwrap();
    assert_eq!(place.json(&["."])["counts"]["known_before"], 0);
    // And in the project's own folder.
    place.check(&["."]);
    fs::rename(place.path().join("cache"), place.project().join(".cache")).unwrap();
    let mut command = place.command(&["."]);
    let output = command.env("HOME", place.path().join("home")).env("XDG_CACHE_HOME", ".cache").output().unwrap();
    assert!(ended(output).1.contains("1 holds, in "));
}

#[test]
fn a_damaged_cache_is_checked_again_and_mended() {
    let files: Vec<(String, String)> = (0..30).map(|number| (format!("{number}.smt2"), numbered(number))).collect();
    let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    let place = Place::new(&files);
    let known = || {
        let document = place.json(&["."]);
        assert_eq!(document["counts"]["hold"], 30, "{document:#}");
        document["counts"]["known_before"].as_u64().unwrap()
    };
    assert_eq!((known(), known()), (0, 30));
    type Damage = fn(Vec<u8>) -> Vec<u8>;
    let damage: [(&str, Damage); 3] = [
        ("flipped bits", |mut bytes| {
            (0..bytes.len()).step_by(400).for_each(|at| bytes[at] ^= 4);
            bytes
        }),
        ("cut", |mut bytes| {
            bytes.truncate(bytes.len() / 2);
            bytes
        }),
        ("emptied", |_| Vec::new()),
    ];
    for (what, damage) in damage {
        for path in place.segments() {
            let bytes = fs::read(&path).unwrap();
            fs::write(&path, damage(bytes)).unwrap();
        }
        assert!(known() < 30, "{what}");
        assert_eq!(known(), 30, "{what}");
    }
}

#[test]
fn two_processes_share_one_cache() {
    let files: Vec<(String, String)> = (0..60).map(|number| (format!("{number}.smt2"), numbered(number))).collect();
    let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    let place = Place::new(&files);
    let both: Vec<Child> = (0..2).map(|_| place.command(&["."]).spawn().unwrap()).collect();
    for child in both {
        let (code, text, error) = ended(child.wait_with_output().unwrap());
        assert_eq!((code, error.as_str()), (0, ""), "{text}");
        assert!(sum(&text).starts_with("60 obligations: 60 hold"), "{text}");
    }
    assert_eq!(place.json(&["."])["counts"]["known_before"], 60);
}

/// Waits until so many bytes are kept, while the process runs.
fn await_findings(place: &Place, child: &mut Child, bytes: u64) {
    let deadline = Instant::now() + DEADLINE;
    loop {
        let kept: u64 = place.segments().iter().map(|path| path.metadata().map_or(0, |metadata| metadata.len())).sum();
        if kept >= bytes {
            return;
        }
        assert!(child.try_wait().unwrap().is_none(), "it ended before anything was kept");
        assert!(Instant::now() < deadline, "nothing is kept");
        std::thread::yield_now();
    }
}

fn slow_project() -> Place {
    let files: Vec<(String, String)> = (0..40).map(|number| (format!("{number:02}.smt2"), slow(number))).collect();
    let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    Place::new(&files)
}

#[test]
fn after_kill_9_a_second_start_goes_on() {
    let place = slow_project();
    let mut child = place.command(&[".", "--jobs", "1"]).spawn().unwrap();
    await_findings(&place, &mut child, 200);
    child.kill().unwrap();
    child.wait().unwrap();
    let document = place.json(&["00.smt2"]);
    let first = &document["obligations"][0];
    assert_eq!((&first["outcome"], &first["known"]), (&"holds".into(), &true.into()), "{document:#}");
}

#[test]
fn ctrl_c_says_what_is_done_and_keeps_it() {
    let place = slow_project();
    let mut child = place.command(&[".", "--jobs", "1"]).spawn().unwrap();
    await_findings(&place, &mut child, 200);
    let process = i32::try_from(child.id()).unwrap();
    // SAFETY: a signal to a process that this test started and has not waited for.
    assert_eq!(unsafe { libc::kill(process, libc::SIGINT) }, 0);
    let (code, text, error) = ended(child.wait_with_output().unwrap());
    assert_eq!((code, error.as_str()), (130, ""), "{text}");
    assert!(text.starts_with("interrupted: ") && text.contains(" of 40 obligations done: "), "{text}");
    assert!(text.ends_with("; what is done is remembered: the same command goes on from there\n"), "{text}");
    let document = place.json(&["00.smt2"]);
    assert_eq!(document["counts"]["known_before"], 1, "{document:#}");
}

#[test]
fn scripts_come_from_manifests_patterns_and_the_standard_input() {
    let manifest = r#"[{"file": "b.smt2", "claim": "sat"}, {"file": "gone.smt2", "claim": "sat"}]"#;
    let place = Place::new(&[("m/b.smt2", UNCLAIMED), ("m/other.smt2", HOLDS), ("m/manifest.json", manifest)]);
    let (code, text, _) = place.check(&["m"]);
    assert_eq!((code, sum(&text)), (2, "2 obligations: 1 holds, 1 not read"), "{text}");
    assert!(text.starts_with("m/gone.smt2: not read\n  No such file"), "{text}");
    assert_eq!(sum(&place.check(&["m", "--exclude", "gone*"]).1), "1 obligation: 1 holds (1 known before)");
    let mut child = place.command(&["-"]).stdin(Stdio::piped()).spawn().unwrap();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), HOLDS.as_bytes()).unwrap();
    assert_eq!(ended(child.wait_with_output().unwrap()).0, 0);
}

#[test]
fn without_directories_of_the_users_own_it_checks_and_says_that_nothing_is_remembered() {
    let place = Place::new(&[("a.smt2", HOLDS)]);
    let output =
        place.command(&["a.smt2"]).env_remove("HOME").env_remove("XDG_CACHE_HOME").env_remove("XDG_DATA_HOME").output();
    let (code, text, error) = ended(output.unwrap());
    assert_eq!((code, sum(&text)), (0, "1 obligation: 1 holds"));
    assert!(error.starts_with("warning: nothing is remembered: neither HOME nor "), "{error}");
}

#[test]
fn in_githubs_ci_each_failure_is_annotated() {
    let place = Place::new(&[("a,b.smt2", REFUTED), ("t.smt2", HOLDS)]);
    let output = place.command(&["."]).env("GITHUB_ACTIONS", "true").output().unwrap();
    let (_, text, _) = ended(output);
    let begin = "::error file=m.mlw,line=6,col=4,title=./a%2Cb.smt2::refuted: claimed unsat";
    assert!(text.starts_with(begin) && text.lines().filter(|line| line.starts_with("::")).count() == 1, "{text}");
}

/// As Boogie writes a false procedure and a true one: the second check of a scope looks for the next error.
const LOG: &str = "(set-option :MODEL.V2 true)\n(set-option :smt.RESTART_FACTOR |1.5|)\n; done setting options\n
(declare-fun tickleBool (Bool) Bool)\n(assert (and (tickleBool true) (tickleBool false)))
(declare-fun %lbl%@1 () Bool)\n(declare-fun n () Int)\n(push 1)\n(set-info :boogie-vc-id Bad)
(assert (not (! (or %lbl%@1 (> n 0)) :lblneg @1)))\n(check-sat)\n(labels)\n(assert %lbl%@1)\n(check-sat)\n(pop 1)\n; Invalid
(push 1)\n(set-info :boogie-vc-id Good)\n(assert (not (=> (> n 1) (> n 0))))\n(check-sat)\n(pop 1)\n; Valid\n";

#[test]
fn each_query_of_a_log_is_an_obligation_and_a_search_for_the_next_error_is_none() {
    let place = Place::new(&[("a.log", LOG)]);
    for known in [0, 1] {
        let (code, text, error) = place.check(&["."]);
        assert_eq!((code, error.as_str()), (5, ""), "{text}");
        assert!(text.starts_with("1 log written by Boogie\n./a.log: 1 check looks for further errors"), "{text}");
        assert!(
            text.contains(
                "a.log#1 (line 12, Bad): refuted\n  in Bad\n  claimed unsat (by the tool that wrote it), answered sat\n"
            ),
            "{text}"
        );
        let before = if known == 0 { "" } else { " (1 known before)" };
        assert_eq!(sum(&text), format!("2 obligations: 1 holds{before}, 1 refuted"));
    }
    let document = place.json(&["."]);
    assert_eq!(document["logs"][0]["tool"], "Boogie");
    assert_eq!(document["obligations"][1]["query"], serde_json::json!({ "number": 2, "line": 21, "label": "Good" }));
}

#[test]
fn a_logs_own_answer_is_compared_and_claimed_only_if_that_is_asked_for() {
    let lying = LOG.replace("; Valid", "; Invalid");
    let place = Place::new(&[("a.log", &lying)]);
    let (_, text, _) = place.check(&["."]);
    let told = "a.log#2 (line 21, Good): holds\n  the log's own answer is sat\n";
    assert!(text.contains(told), "{text}");
    assert_eq!(place.check(&[".", "--claim", "logged"]).0, 5, "what the log says is claimed, and it is false");
    let place = Place::new(&[("a.log", LOG)]);
    assert_eq!(place.check(&[".", "--claim", "logged"]).0, 0);
}

#[test]
fn a_log_that_breaks_off_or_is_packed_is_read_as_far_as_it_goes() {
    let place = Place::new(&[("a.log", &LOG[..LOG.len() - 30])]);
    let (code, text, _) = place.check(&["a.log"]);
    assert_eq!((code, sum(&text)), (2, "2 obligations: 1 refuted, 1 not read"), "{text}");
    assert!(text.contains("a.log: not read\n  line 20: the log breaks off in the command that begins here"), "{text}");
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    std::io::Write::write_all(&mut packed, LOG.as_bytes()).unwrap();
    let packed = packed.finish().unwrap();
    fs::write(place.project().join("b.log.gz"), &packed).unwrap();
    assert_eq!(sum(&place.check(&["b.log.gz"]).1), "2 obligations: 1 holds, 1 refuted");
    fs::write(place.project().join("b.log.gz"), &packed[..packed.len() - 4]).unwrap();
    let (code, text, _) = place.check(&["b.log.gz"]);
    assert_eq!((code, sum(&text)), (2, "3 obligations: 1 holds (1 known before), 1 refuted, 1 not read"), "{text}");
    assert!(text.contains("b.log.gz: not read\n  the gzipped file breaks off"), "{text}");
}

#[test]
fn a_log_that_grows_while_it_is_read_gives_what_was_there() {
    let place = Place::new(&[("a.log", "; begun\n")]);
    let path = place.project().join("a.log");
    let ended_at = Instant::now() + DEADLINE;
    std::thread::scope(|scope| {
        let (stop, stopped) = std::sync::mpsc::channel::<()>();
        scope.spawn(move || {
            let mut file = fs::OpenOptions::new().append(true).open(path).unwrap();
            while stopped.try_recv() == Err(std::sync::mpsc::TryRecvError::Empty) && Instant::now() < ended_at {
                std::io::Write::write_all(&mut file, LOG.as_bytes()).unwrap();
                std::thread::yield_now();
                if file.metadata().unwrap().len() > 200_000 {
                    return;
                }
            }
        });
        loop {
            let (code, text, error) = place.check(&["."]);
            assert!([2, 5].contains(&code) && !error.contains("panicked"), "{code} {text}{error}");
            if text.contains("refuted") {
                break;
            }
        }
        drop(stop);
    });
}

/// A folder of the project's own, so that reports are checked where they are validated.
fn reports(place: &Place) -> (PathBuf, PathBuf) {
    let (junit, sarif) = (place.project().join("junit.xml"), place.project().join("out.sarif"));
    place.check(&[".", "missing", "--junit", junit.to_str().unwrap(), "--sarif", sarif.to_str().unwrap()]);
    (junit, sarif)
}

#[test]
fn the_reports_follow_their_schemas() {
    let place = Place::new(&[
        ("t.smt2", HOLDS),
        ("f <&\">.smt2", REFUTED),
        ("u.smt2", UNDECIDED),
        ("n.smt2", UNCLAIMED),
        ("b.smt2", BROKEN),
    ]);
    let (junit, sarif) = reports(&place);
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/report_schemas/validate.py");
    let output = Command::new("python3").arg(script).arg(&junit).arg(&sarif).output();
    let Ok(output) = output else { return println!("NOT RUN: there is no python3 to validate reports with") };
    let text = String::from_utf8_lossy(&output.stdout);
    if output.status.code() == Some(77) {
        return println!("NOT RUN: the reports are not validated: {}", text.trim());
    }
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
}
