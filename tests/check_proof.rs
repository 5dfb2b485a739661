//! `pop check-proof` as a user meets it: what it prints, and the exit codes that a program relies on.

use std::path::Path;
use std::process::{Command, Output};

const FALSE: &str = "(set-logic QF_UF)\n(declare-const p Bool)\n(assert (and p (not p)))\n(check-sat)\n";
const TRUE: &str = "(set-info :status sat)\n(declare-const p Bool)\n(assert (or p (not p)))\n(check-sat)\n";
/// A `sat` with a recursive definition is never relied upon.
const UNDECIDED: &str =
    "(define-fun-rec f ((x Int)) Int (ite (<= x 0) 0 (f (- x 1))))\n(assert (= (f 3) 0))\n(check-sat)\n";

fn check(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_pop")).arg("check-proof").args(arguments).output().unwrap()
}

fn code(arguments: &[&str]) -> i32 {
    let output = check(arguments);
    output.status.code().unwrap_or_else(|| panic!("no exit code: {output:?}"))
}

/// Scripts in a folder of their own, and their paths in order.
fn scripts<const N: usize>(texts: [&str; N]) -> (tempfile::TempDir, [String; N]) {
    let folder = tempfile::tempdir().unwrap();
    let mut number = 0;
    let paths = texts.map(|text| {
        number += 1;
        let path = folder.path().join(format!("{number}.smt2"));
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    });
    (folder, paths)
}

#[test]
fn the_exit_code_says_whether_the_claim_holds() {
    let (_folder, [contradiction, tautology, broken]) = scripts([FALSE, TRUE, "(assert"]);
    assert_eq!(code(&[&contradiction, "--claim", "unsat"]), 0);
    assert_eq!(code(&[&contradiction, "--claim", "sat"]), 5);
    assert_eq!(code(&[&contradiction]), 0, "without a claim any answer will do");
    assert_eq!(code(&[&tautology]), 0, "the script's own status is the claim");
    assert_eq!(code(&[&broken]), 2);
    assert_eq!(code(&["there-is-no-such-file.smt2"]), 2);
    assert_eq!(code(&[&contradiction, "--claim", "maybe"]), 2);
}

#[test]
fn for_several_files_bad_input_goes_before_refuted() {
    let (_folder, [contradiction, tautology, broken]) = scripts([FALSE, TRUE, "(assert"]);
    assert_eq!(code(&[&contradiction, &tautology, "--claim", "unsat"]), 5);
    assert_eq!(code(&[&contradiction, &broken, &tautology, "--claim", "unsat"]), 2);
}

#[test]
fn an_answer_that_does_not_count_is_no_verdict() {
    let (_folder, [undecided, tautology]) = scripts([UNDECIDED, TRUE]);
    assert_eq!(code(&[&undecided]), 6);
    assert_eq!(code(&[&undecided, &tautology, "--claim", "unsat"]), 5, "refuted goes before no verdict");
}

#[test]
fn a_refusal_names_line_and_column() {
    let (_folder, [broken]) = scripts(["(declare-const x Int)\n(assert (= x y))\n(check-sat)\n"]);
    let text = String::from_utf8(check(&[&broken]).stdout).unwrap();
    assert!(text.contains("line 2, column"), "{text}");
}

/// Line 6 holds what does not fit; only the solver can tell.
const ILL_SORTED: &str = "; a comment\n\n(declare-const s (Seq Int))\n(declare-const unused Int)
(declare-const t (Seq Bool))\n(assert (= (seq.len   (seq.++ s t)) 3))\n(check-sat)\n";

#[test]
fn what_the_solver_does_not_accept_is_not_accepted_with_its_place_in_the_file() {
    let (_folder, [ill_sorted]) = scripts([ILL_SORTED]);
    let output = check(&[&ill_sorted, "--claim", "unsat"]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(2), "{text}");
    assert!(text.contains(": not accepted\n  line 6, column 23: Sort of function 'seq.++'"), "{text}");
    let document: serde_json::Value =
        serde_json::from_slice(&check(&[&ill_sorted, "--claim", "unsat", "--json"]).stdout).unwrap();
    let reason = &document["results"][0]["report"]["verdict"]["reason"];
    assert_eq!((&reason["kind"], &reason["line"], &reason["column"]), (&"ill_sorted".into(), &6.into(), &23.into()));
    assert_eq!(document["results"][0]["no_verdict"]["reason"], "ill_sorted");
}

#[test]
fn a_refusal_shows_the_line_and_points_at_the_place() {
    let (_folder, [broken, hostile, long]) = scripts([
        "(declare-const x Int)\n(assert (= x y))\n(check-sat)\n",
        "(assert \u{1b}[2J(= x y))\n",
        &format!("(assert (and {} y))\n(check-sat)\n", "true ".repeat(100_000)),
    ]);
    let text = |path: &str| String::from_utf8(check(&[path]).stdout).unwrap();
    let shown = "  line 2, column 14: y is not declared\n    (assert (= x y))\n                 ^\n";
    assert!(text(&broken).ends_with(shown), "{}", text(&broken));
    assert!(
        !text(&hostile).contains('\u{1b}') && text(&hostile).contains("(assert \u{fffd}[2J("),
        "{}",
        text(&hostile)
    );
    let long = text(&long);
    assert!(long.contains("…") && long.lines().all(|line| line.chars().count() < 300), "{long}");
    let mut last = long.lines().rev();
    let (caret, line) = (last.next().unwrap(), last.next().unwrap());
    assert_eq!(line.chars().nth(caret.len() - 1), Some('y'), "{long}");
}

/// Two commands and two options that the solver is not shown; the status is the claim, and the renaming changes nothing.
const WITH_IGNORED: &str = "(set-option :print-success false)\n(set-option :produce-models true)
(set-info :source |a test|)\n(set-info :status unsat)\n(declare-fun exp (Int) Int)
(assert (not (= (exp 2) (exp 2))))\n(check-sat)\n(get-model)\n";

#[test]
fn what_was_ignored_is_one_line_and_listed_for_who_asks() {
    let (_folder, [script, clean]) = scripts([WITH_IGNORED, TRUE]);
    let text = |arguments: &[&str]| String::from_utf8(check(arguments).stdout).unwrap();
    let short = text(&[&script]);
    assert!(short.contains("\n  4 commands and options ignored; --verbose\n"), "{short}");
    assert!(!short.contains("line ") && !short.contains("produce-models"), "{short}");
    let long = text(&[&script, "--verbose"]);
    for words in [
        "  4 commands and options ignored\n",
        "line 1, column 13: ",
        "line 3, column 2: ",
        "renamed",
        "line 8, column 1: ignored, it comes after the check: get-model",
    ] {
        assert!(long.contains(words), "{words:?} is not in\n{long}");
    }
    assert!(!text(&[&clean]).contains("ignored"), "its status is read: {}", text(&[&clean]));
    let document: serde_json::Value = serde_json::from_slice(&check(&[&script, "--json"]).stdout).unwrap();
    let report = &document["results"][0]["report"];
    assert_eq!(report["ignored"], serde_json::json!({ "commands": 2, "options": 2 }));
    assert_eq!(report["notes"].as_array().map(Vec::len), Some(6), "{report}");
}

#[test]
fn the_json_and_verbose_list_everything_however_much_it_is() {
    let echoes: String = (0..400).map(|number| format!("(echo \"{number}\")\n")).collect();
    let (_folder, [script]) = scripts([&format!("{echoes}{TRUE}")]);
    let document: serde_json::Value = serde_json::from_slice(&check(&[&script, "--json"]).stdout).unwrap();
    let report = &document["results"][0]["report"];
    assert_eq!((report["notes"].as_array().map(Vec::len), &report["notes_omitted"]), (Some(401), &0.into()));
    assert_eq!(report["ignored"]["commands"], 400);
    let text = String::from_utf8(check(&[&script, "--verbose"]).stdout).unwrap();
    assert!(text.contains("  400 commands ignored\n") && text.contains("  line 400, column 1: "), "{text}");
}

#[test]
fn the_sum_says_what_each_file_came_to_and_nothing_holds_that_claimed_nothing() {
    let (folder, [_, _, _, _]) = scripts([TRUE, FALSE, "(assert", UNDECIDED]);
    let missing = folder.path().join("none.smt2");
    let output = check(&[folder.path().to_str().unwrap(), missing.to_str().unwrap()]);
    let text = String::from_utf8(output.stdout).unwrap();
    let sum = "5 files: 1 holds, 1 answered, 1 without a verdict, 1 not accepted, 1 not read\n";
    assert!(text.ends_with(sum), "{text}");
    assert!(text.contains("none.smt2: not read\n  No such file"), "{text}");
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn a_script_may_come_by_the_standard_input() {
    use std::io::Write;
    use std::process::Stdio;
    let mut command = Command::new(env!("CARGO_BIN_EXE_pop"));
    command.args(["check-proof", "-"]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(TRUE.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.starts_with("-: holds\n  claimed sat (by the script's :status), answered sat\n"), "{text}");
}

#[test]
fn a_program_reads_the_same_as_a_person() {
    let (_folder, [tautology]) = scripts([TRUE]);
    let output = check(&[&tautology, "--claim", "unsat", "--json"]);
    let document: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let result = &document["results"][0];
    assert_eq!(result["claim"], "unsat");
    assert_eq!(result["report"]["verdict"]["kind"], "refuted");
    assert_eq!(result["report"]["answer"], "sat");
    assert!(result["report"]["resource_count"].as_u64().is_some_and(|count| count > 0));
    assert_eq!(document["solver"]["pin"]["library"].as_str().map(str::len), Some(64));
    let text = String::from_utf8(check(&[&tautology, "--claim", "unsat"]).stdout).unwrap();
    for words in
        ["refuted", "claimed unsat (by --claim), answered sat", "warning: the script says of itself that it is sat"]
    {
        assert!(text.contains(words), "{words:?} is not in\n{text}");
    }
}

#[test]
fn a_vacuous_theorem_is_told_to_who_asks() {
    let (_folder, [vacuous, sound, alone, inside]) = scripts([
        "(declare-const x Int)\n(assert (< x 0))\n(assert (> x 0))\n(assert (not (= x 7)))\n(check-sat)\n",
        "(declare-const x Int)\n(assert (< x 0))\n(assert (not (< x 1)))\n(check-sat)\n",
        FALSE,
        // As verifiers write it: what is assumed stands in the goal.
        "(declare-const x Int)\n(assert (not (=> (and (> x 3) (< x 2)) (= x 7))))\n(check-sat)\n",
    ]);
    let text = |path: &str, more: &[&str]| String::from_utf8(check(&[&[path], more].concat()).stdout).unwrap();
    let explained = text(&vacuous, &["--explain"]);
    assert!(
        explained.contains("warning: what is assumed contradicts itself: it would hold with any goal"),
        "{explained}"
    );
    assert!(!text(&vacuous, &[]).contains("contradict"), "nobody asked: {}", text(&vacuous, &[]));
    let explained = text(&sound, &["--explain"]);
    assert!(explained.contains("  not vacuous: what is assumed does not contradict itself\n"), "{explained}");
    let explained = text(&alone, &["--explain"]);
    assert!(explained.contains("  not vacuous: "), "what assumes nothing does not contradict itself: {explained}");
    let vacuous = |path: &str, more: &[&str]| {
        let output = check(&[&[path, "--json"], more].concat());
        let document: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        document["results"][0]["vacuous"].clone()
    };
    assert_eq!(vacuous(&sound, &["--explain"]), false);
    assert_eq!(vacuous(&inside, &["--explain"]), true);
    assert!(vacuous(&sound, &[]).is_null());
}

#[test]
fn a_refuted_claim_comes_with_its_counter_model() {
    let (_folder, [refuted, unreachable]) = scripts([
        "(set-logic QF_LIA)\n(declare-fun exp (Int) Int)\n(declare-const few Int)\n(define-fun many () Int (* 3 few))
(assert (and (= many 12) (= (exp few) 5)))\n(check-sat)\n",
        FALSE,
    ]);
    let output = check(&[&refuted, "--claim", "unsat"]);
    let text = String::from_utf8(output.stdout).unwrap();
    for words in [
        "  counter-model (unsigned advice: the solver of this one node found it, and no validator signs it):\n",
        "    (define-fun exp ((x!0 Int)) Int 5)\n    (define-fun few () Int 4)\n    ; many is 12\n",
    ] {
        assert!(text.contains(words), "{words:?} is not in\n{text}");
    }
    let output = check(&[&refuted, &unreachable, "--claim", "sat", "--json"]);
    let document: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(document["results"][0]["counter_model"].is_null(), "it holds: {document}");
    let none = &document["results"][1]["counter_model"];
    assert!(none["text"].is_null() && none["note"].as_str().unwrap().contains("nothing satisfies"), "{none}");
}

#[test]
fn a_check_without_verdict_says_how_far_it_got() {
    let (_folder, [undecided]) = scripts([UNDECIDED]);
    let text = String::from_utf8(check(&[&undecided]).stdout).unwrap();
    let line = text.lines().find(|line| line.starts_with("  got as far as resource count ")).unwrap_or_default();
    assert!(line.contains(" of 200,000,000, ") && line.ends_with(" of 1,024 MiB"), "{text}");
    let document: serde_json::Value = serde_json::from_slice(&check(&[&undecided, "--json"]).stdout).unwrap();
    assert_eq!(document["results"][0]["no_verdict"]["reason"], "sat_with_recursion");
}

/// One row of the examples' index: file, claim, and whether it is called true.
fn index_row(line: &str) -> Option<(String, String, bool)> {
    let cells: Vec<&str> = line.strip_prefix("| [")?.split('|').map(str::trim).collect();
    let [link, states, theory, style, claim, is, ""] = cells[..] else { panic!("not a row of six cells: {line}") };
    let file = link.split_once("](").and_then(|(_, rest)| rest.strip_suffix(')')).unwrap().to_owned();
    assert!([states, theory, style].iter().all(|cell| !cell.is_empty()), "an empty cell: {line}");
    let truth = match is {
        "true" => true,
        "**false**" => false,
        other => panic!("{file} is said to be {other:?}"),
    };
    Some((file, claim.trim_matches('`').to_owned(), truth))
}

#[test]
fn the_example_proofs_are_what_their_index_manifest_and_comments_say() {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/proofs");
    let index: Vec<_> =
        std::fs::read_to_string(examples.join("README.md")).unwrap().lines().filter_map(index_row).collect();
    let mut files: Vec<String> = std::fs::read_dir(&examples)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".smt2"))
        .collect();
    files.sort();
    let mut indexed: Vec<_> = index.iter().map(|(file, ..)| file.clone()).collect();
    indexed.sort();
    assert_eq!(indexed, files, "the index and the folder differ");
    let manifest: serde_json::Value =
        serde_json::from_slice(&std::fs::read(examples.join("manifest.json")).unwrap()).unwrap();
    let claimed = |entry: &serde_json::Value| {
        (entry["file"].as_str().unwrap().to_owned(), entry["claim"].as_str().unwrap().to_owned())
    };
    let listed: Vec<_> = manifest.as_array().unwrap().iter().map(claimed).collect();
    let wanted: Vec<_> = index.iter().map(|(file, claim, _)| (file.clone(), claim.clone())).collect();
    assert_eq!(listed, wanted, "the index and the manifest differ");

    let output = check(&[examples.to_str().unwrap(), "--json"]);
    assert_eq!(output.status.code(), Some(5));
    let document: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    for ((file, claim, truth), result) in index.iter().zip(document["results"].as_array().unwrap()) {
        let report = &result["report"];
        assert!(result["file"].as_str().unwrap().ends_with(file.as_str()) && result["claim"] == **claim, "{result}");
        assert_eq!(report["verdict"]["kind"], if *truth { "confirmed" } else { "refuted" }, "{file}: {report}");
        let soft = &report["verdict"]["within_soft_limits"];
        assert!(!truth || *soft == true, "{file} is beyond the soft limits: {report}");
        let text = std::fs::read_to_string(examples.join(file)).unwrap();
        assert!(text.starts_with("; "), "{file} does not begin with what it states");
        assert_eq!(text.starts_with("; FALSE"), !truth, "the comment of {file} and the index differ");
    }
}
