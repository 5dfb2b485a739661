//! `pop split`: logs of real verifiers become obligations that `pop check-proof` answers as it should, and wrong use says
//! what is wrong.
//!
//! The tools write their logs while the test runs; where one is not installed, that is said.

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::Value;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use tempfile::TempDir;

/// A false method, as Boogie writes it: three checks in one scope, of which the last one is `unsat`; then a true one.
const LOG: &str = "(set-option :print-success false)
; done setting options
(declare-fun %lbl%@1 () Bool)
(declare-fun %lbl%@2 () Bool)
(declare-fun x () Int)
(push 1)
(set-info :boogie-vc-id Impl$$False)
(assert (not (and (! (or %lbl%@1 (> x 0)) :lblneg @1) (! (or %lbl%@2 (< x 9)) :lblneg @2))))
(check-sat)
(labels)
(assert %lbl%@1)
(check-sat)
(labels)
(assert %lbl%@2)
(check-sat)
(pop 1)
; Invalid
(push 1)
(set-info :boogie-vc-id Impl$$True)
(assert (not (! (or %lbl%@1 (= x x)) :lblneg @1)))
(check-sat)
(pop 1)
; Valid
";

fn pop(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_pop")).args(arguments).current_dir(folder).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// Splits, and expects this exit code; what was printed.
fn split(folder: &Path, arguments: &[&str], code: i32) -> String {
    let output = pop(folder, &[&["split"], arguments].concat());
    let printed = text(&output.stdout) + &text(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {printed}");
    assert!(!printed.contains("panicked"), "{printed}");
    printed
}

/// The verdict of each obligation in a folder, by its file.
fn verdicts(folder: &Path, out: &str) -> Vec<(String, String)> {
    let output = pop(folder, &["check-proof", out, "--json", "--sandbox", "off"]);
    let document: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"));
    let word = |value: &Value| value.as_str().unwrap_or("none").to_owned();
    let results = document["results"].as_array().unwrap();
    results.iter().map(|result| (word(&result["file"]), word(&result["report"]["verdict"]["kind"]))).collect()
}

fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    files.iter().for_each(|(name, text)| fs::write(folder.path().join(name), text).unwrap());
    folder
}

#[test]
fn a_false_method_is_one_obligation_and_does_not_hold() {
    let folder = folder(&[("a.log", LOG)]);
    let printed = split(folder.path(), &["a.log", "--out", "out"], 0);
    for words in [
        "a.log: Boogie, 2 queries; 2 commands for output ignored",
        "2 checks look for further errors of an obligation before (the first in line 12): no obligations",
        "the log's own answer is not what is claimed for 1 of 2 queries; the first: #1 in line 9, sat",
        "2 obligations in out",
    ] {
        assert!(printed.contains(words), "{words:?} is not in: {printed}");
    }
    let first = fs::read_to_string(folder.path().join("out/a-0001-Impl_False.smt2")).unwrap();
    assert!(first.starts_with("; a.log, query 1 of 2, line 9: Impl$$False\n"), "{first}");
    let manifest: Value = serde_json::from_slice(&fs::read(folder.path().join("out/manifest.json")).unwrap()).unwrap();
    assert_eq!(manifest[1]["claim"], "unsat");
    assert_eq!((&manifest[1]["line"], &manifest[1]["name"]), (&Value::from(21), &Value::from("Impl$$True")));
    let verdicts: Vec<String> = verdicts(folder.path(), "out").into_iter().map(|(_, verdict)| verdict).collect();
    assert_eq!(verdicts, ["refuted", "confirmed"]);
}

#[test]
fn packed_logs_and_the_standard_input_are_read_as_well() {
    let folder = folder(&[]);
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(LOG.as_bytes()).unwrap();
    let packed = encoder.finish().unwrap();
    fs::write(folder.path().join("named as it likes"), &packed).unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_pop"))
        .args(["split", "named as it likes", "-", "--claim", "logged", "--out", "out"])
        .current_dir(folder.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(&packed).unwrap();
    assert!(child.wait().unwrap().success());
    let manifest: Value = serde_json::from_slice(&fs::read(folder.path().join("out/manifest.json")).unwrap()).unwrap();
    let entries = manifest.as_array().unwrap();
    let claims: Vec<&str> = entries.iter().map(|entry| entry["claim"].as_str().unwrap()).collect();
    assert_eq!(claims, ["sat", "unsat", "sat", "unsat"]);
    assert_eq!(entries[2]["file"], "input-0001-Impl_False.smt2");
}

#[test]
fn wrong_use_says_what_is_wrong_and_writes_nothing() {
    let folder = folder(&[("a.log", LOG), ("none.smt2", "(assert true)\n"), ("text", "hello\n")]);
    for (arguments, words) in [
        (&["a.log"][..], "--out"),
        (&["a.log", "--out", "out", "--claim", "maybe"], "invalid value"),
        (&["missing.log", "--out", "out"], "missing.log"),
        (&[".", "--out", "out"], "cannot read"),
        (&["none.smt2", "--out", "out"], "no check-sat"),
        (&["text", "--out", "out"], "line 1: this is no command"),
        (&["a.log", "--out", "."], "not empty"),
        (&["a.log", "--out", "text"], "cannot write to text"),
    ] {
        let printed = split(folder.path(), arguments, 2);
        assert!(printed.contains(words), "{arguments:?}: {words:?} is not in: {printed}");
    }
    assert!(!folder.path().join("out").exists());
}

#[test]
fn what_others_wrote_is_overwritten_only_if_told_so() {
    let folder = folder(&[("a.log", LOG)]);
    fs::create_dir(folder.path().join("out")).unwrap();
    let foreign = folder.path().join("out/a-0001-Impl_False.smt2");
    fs::write(&foreign, "mine").unwrap();
    split(folder.path(), &["a.log", "--out", "out"], 2);
    assert_eq!(fs::read_to_string(&foreign).unwrap(), "mine");
    split(folder.path(), &["a.log", "--out", "out", "--force"], 0);
    assert!(fs::read_to_string(&foreign).unwrap().contains("(check-sat)"));
}

#[test]
fn of_a_log_that_breaks_off_the_rest_is_said_to_be_missing() {
    let cut = format!("{LOG}(push 1)\n(assert (and\n");
    let folder = folder(&[("a.log", &cut), ("b.log", "(assert true)(check-sat)")]);
    let printed = split(folder.path(), &["a.log", "b.log", "--out", "out"], 2);
    assert!(printed.contains("line 25: the log breaks off"), "{printed}");
    assert!(printed.contains("1 of 1 query without a claim") && printed.contains("--claim unsat"), "{printed}");
    assert!(printed.contains("3 obligations in out"), "{printed}");
}

/// Runs a tool in a folder. False, with a line, where it is not installed.
fn made(folder: &Path, test: &str, program: &str, arguments: &[&str]) -> bool {
    let mut command = Command::new(program);
    // Where make setup puts npm's package solc; POP_SOLC names another folder of it.
    let solc = std::env::var_os("POP_SOLC").map(PathBuf::from);
    let solc = solc.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join(".solc/node_modules/solc"));
    command.env("NODE_PATH", solc.parent().unwrap_or(&solc));
    match command.args(arguments).current_dir(folder).stdout(Stdio::null()).stderr(Stdio::null()).status() {
        Ok(_) => true,
        Err(error) => {
            println!("NOT RUN: {test}: {program}: {error}");
            false
        }
    }
}

/// Splits every `.smt2` of a folder, and expects that exactly the obligations whose name holds this word do not hold.
fn only_false_ones_fail(folder: &Path, tool: &str, falsely: &str) {
    let mut logs: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".smt2"))
        .collect();
    logs.sort();
    let arguments: Vec<&str> = logs.iter().map(String::as_str).chain(["--out", "out"]).collect();
    let printed = split(folder, &arguments, 0);
    assert!(printed.contains(tool), "{printed}");
    let verdicts = verdicts(folder, "out");
    assert!(verdicts.iter().any(|(_, verdict)| verdict == "confirmed"), "{verdicts:?}");
    for (file, verdict) in &verdicts {
        let expected = if file.contains(falsely) { "not confirmed" } else { "confirmed" };
        let got = if verdict == "confirmed" { "confirmed" } else { "not confirmed" };
        assert_eq!(got, expected, "{file}: {verdict}; {verdicts:?}");
    }
}

#[test]
fn dafny_s_methods_are_obligations() {
    let source = "method False1(x: int) returns (y: int) ensures y >= 0 ensures y == x || y == -x\n\
                  { if x < 0 { y := x; } else { y := 0; } }\n\
                  method False2(a: array<int>, i: int) returns (y: int) ensures y > 0 ensures y < 10 ensures y != 5\n\
                  { y := a[i]; assert y == 3; assert i == 7; }\n\
                  method Good(x: int) returns (y: int) ensures y >= x { y := x + 1; }\n";
    let folder = folder(&[("a.dfy", source)]);
    let arguments = ["/compile:0", "/errorLimit:5", "/proverLog:@PROC@.smt2", "a.dfy"];
    if made(folder.path(), "dafny's logs", "dafny", &arguments) {
        only_false_ones_fail(folder.path(), "Dafny", "False");
    }
}

#[test]
fn boogie_s_procedures_are_obligations() {
    let source = "procedure False1(x: int) returns (y: int) ensures y > 0; ensures y != 5;\n\
                  { y := x; assert x > 3; assert x < 10; assert x != 7; if (x == 6) { assert false; } }\n\
                  procedure Good(x: int) returns (y: int) ensures y > x; { y := x + 1; }\n\
                  procedure False2(x: int) returns (y: int) ensures y > x; { y := x - 1; assert x == 3; }\n";
    let folder = folder(&[("a.bpl", source)]);
    if made(folder.path(), "boogie's logs", "boogie", &["/errorLimit:5", "/proverLog:all.smt2", "a.bpl"]) {
        only_false_ones_fail(folder.path(), "Boogie", "False");
    }
}

#[test]
fn why3_s_goals_are_obligations() {
    let source = "module M\nuse int.Int\ngoal good: forall x: int. x > 2 -> x * 2 > 4\n\
                  goal false_one: forall x: int. x > 2 -> x > 3\nend\n";
    let folder = folder(&[("a.mlw", source)]);
    let driver = "/usr/share/why3/drivers/z3_471.drv";
    if made(folder.path(), "why3's goals", "why3", &["prove", "-D", driver, "-o", ".", "a.mlw"]) {
        only_false_ones_fail(folder.path(), "Why3", "false_one");
    }
}

#[test]
fn solidity_s_queries_are_obligations() {
    let script = r#"
const solc = require('solc'), fs = require('fs');
const content = `pragma solidity >=0.8.0; contract C {
  function good(uint8 x) public pure { require(x < 9); assert(x < 10); }
  function bad(uint8 x) public pure { require(x < 9); assert(x < 5); } }`;
for (const engine of ['bmc', 'chc']) {
  const modelChecker = { engine, printQuery: true, solvers: ['smtlib2'], targets: ['assert'] };
  const input = { language: 'Solidity', sources: { 'C.sol': { content } }, settings: { modelChecker } };
  const said = JSON.parse(solc.compile(JSON.stringify(input))).errors.map((error) => error.message);
  const queries = said.filter((message) => message.includes('Requested query:'));
  queries.forEach((message, index) =>
    fs.writeFileSync(`${engine}-${index}.smt2`, message.slice(message.indexOf('Requested query:') + 16)));
}"#;
    let folder = folder(&[("queries.js", script)]);
    if !made(folder.path(), "solidity's queries", "node", &["queries.js"]) {
        return;
    }
    if !folder.path().join("chc-0.smt2").exists() {
        return println!("NOT RUN: solidity's queries: node finds no solc");
    }
    for (engine, claim) in [("bmc", "unsat"), ("chc", "sat")] {
        let names = [0, 1].map(|index| format!("{engine}-{index}.smt2"));
        let printed = split(folder.path(), &[&names[0], &names[1], "--out", engine], 0);
        assert!(printed.contains("Solidity's SMTChecker, 1 query"), "{printed}");
        let manifest = fs::read(folder.path().join(engine).join("manifest.json")).unwrap();
        let manifest: Value = serde_json::from_slice(&manifest).unwrap();
        let claims: Vec<&Value> = manifest.as_array().unwrap().iter().map(|entry| &entry["claim"]).collect();
        assert_eq!(claims, [claim, claim], "{engine}");
    }
    // What the clauses of a contract take is the solver's matter, and too much for a test.
    let verdicts: Vec<String> = verdicts(folder.path(), "bmc").into_iter().map(|(_, verdict)| verdict).collect();
    assert_eq!(verdicts, ["confirmed", "refuted"]);
}
