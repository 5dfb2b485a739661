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
fn a_vacuous_theorem_is_told() {
    let (_folder, [vacuous, sound]) = scripts([
        "(declare-const x Int)\n(assert (< x 0))\n(assert (> x 0))\n(assert (not (= x 7)))\n(check-sat)\n",
        "(declare-const x Int)\n(assert (< x 0))\n(assert (not (< x 1)))\n(check-sat)\n",
    ]);
    let text = |path| String::from_utf8(check(&[path]).stdout).unwrap();
    assert!(text(&vacuous).contains("contradict each other"), "{}", text(&vacuous));
    assert!(!text(&sound).contains("contradict each other"), "{}", text(&sound));
}

#[test]
fn the_example_proofs_hold_but_for_the_two_false_ones() {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/proofs");
    let output = check(&[examples.to_str().unwrap(), "--json"]);
    assert_eq!(output.status.code(), Some(5));
    let document: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let results = document["results"].as_array().unwrap();
    let with = |kind: &str| {
        let found = results.iter().filter(|result| result["report"]["verdict"]["kind"] == kind);
        found.map(|result| result["file"].as_str().unwrap().rsplit('/').next().unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(with("refuted"), ["midpoint-overflow.smt2", "sensor-offset-cancels.smt2"]);
    assert_eq!((with("confirmed").len(), results.len()), (8, 10));
}
