//! `pop check` on what Dafny, Boogie, Why3 and Solidity's SMTChecker write about a true and a false program: what is true holds,
//! and what is false fails with its place in the source.
//!
//! Must never: store what a tool wrote, or pass silently where a tool is missing.

use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A user's project: programs, and the obligations that a tool writes about them.
struct Project {
    folder: tempfile::TempDir,
}

impl Project {
    /// With a copy of this program of ours.
    fn new(programs: &[&str]) -> Project {
        let project = Project { folder: tempfile::tempdir().unwrap() };
        fs::create_dir(project.obligations()).unwrap();
        for program in programs {
            let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/generators").join(program);
            fs::copy(&from, project.folder.path().join(from.file_name().unwrap())).unwrap();
        }
        project
    }

    fn obligations(&self) -> PathBuf {
        self.folder.path().join("obligations")
    }

    /// Runs a tool; false if it is not here. Most end with an error where a program is false, as ours are.
    fn run(&self, program: &str, arguments: &[&str]) -> bool {
        let ran = Command::new(program).args(arguments).current_dir(self.folder.path()).stdin(Stdio::null()).output();
        if ran.is_err() {
            println!("NOT RUN: pop check on what {program} writes: there is no {program} on the PATH");
        }
        ran.is_ok()
    }

    /// What is told of each obligation: its name, the outcome, and the place.
    fn check(&self) -> Vec<(String, String, Value)> {
        let mut command = Command::new(env!("CARGO_BIN_EXE_pop"));
        command.args(["check", "obligations", "--json", "--time", "3", "--local"]).current_dir(self.folder.path());
        command.env("XDG_CACHE_HOME", self.folder.path().join("c")).env("XDG_DATA_HOME", self.folder.path().join("d"));
        let output = command.stdin(Stdio::null()).output().unwrap();
        let document: Value = serde_json::from_slice(&output.stdout).unwrap();
        let obligations = document["obligations"].as_array().unwrap();
        assert!(!obligations.is_empty(), "{document}");
        let told = |one: &Value| {
            let text = |value: &Value| value.as_str().unwrap().to_owned();
            (text(&one["file"]), text(&one["outcome"]), one["place"].clone())
        };
        obligations.iter().map(told).collect()
    }

    /// Of each part of the programs, by its name: one that is false fails, at its place, and nothing else does.
    fn only_what_is_false_fails(&self, place_of: impl Fn(&str, &Value) -> bool) {
        let told = self.check();
        let is_false = |file: &str| file.to_lowercase().contains("false");
        assert!(told.iter().any(|(file, ..)| is_false(file)) && told.iter().any(|(file, ..)| !is_false(file)));
        let mut failed = 0;
        for (file, outcome, place) in &told {
            match outcome.as_str() {
                "holds" => {}
                // What Dafny's solver does not refute it does not prove either.
                "refuted" | "no_verdict" if is_false(file) => {
                    failed += 1;
                    assert!(place_of(file, place), "{file}: {place}");
                }
                _ => panic!("{file}: {outcome}"),
            }
        }
        assert!(failed > 0, "{told:?}");
    }
}

#[test]
fn dafnys_false_methods_fail_at_their_names_and_lines() {
    let project = Project::new(&["dafny/arithmetic.dfy"]);
    let limits = ["/compile:0", "/timeLimit:10", "/proverLog:obligations/@PROC@.smt2", "arithmetic.dfy"];
    if project.run("dafny", &limits) {
        let text = fs::read_to_string(project.folder.path().join("arithmetic.dfy")).unwrap();
        let first = |name: &str| 1 + text.lines().position(|line| line.contains(name)).unwrap() as u64;
        project.only_what_is_false_fails(|file, place| {
            let name = if file.contains("FalseFib") { "FalseFib" } else { "FalseRemainder" };
            let is_named = place["name"].as_str().is_some_and(|place| place.ends_with(name));
            // The line is there where the method has a quantifier of its own.
            let source = &place["source"];
            let is_inside = |line: u64| (first(name)..first(name) + 14).contains(&line);
            is_named
                && (source.is_null()
                    || source["file"] == "arithmetic.dfy" && source["line"].as_u64().is_some_and(is_inside))
        });
    }
}

#[test]
fn boogies_false_procedures_fail_at_their_names() {
    let project = Project::new(&["boogie/loops.bpl"]);
    if project.run("boogie", &["/timeLimit:10", "/proverLog:obligations/@PROC@.smt2", "loops.bpl"]) {
        project.only_what_is_false_fails(|file, place| {
            place["name"].as_str().is_some_and(|name| file.ends_with(&format!("{name}.smt2")))
        });
    }
}

#[test]
fn why3s_false_goals_fail_at_their_lines() {
    let project = Project::new(&["why3/bit_vectors.mlw"]);
    let Ok(data) = Command::new("why3").arg("--print-datadir").output() else {
        return println!("NOT RUN: pop check on what why3 writes: there is no why3 on the PATH");
    };
    let driver = Path::new(String::from_utf8_lossy(&data.stdout).trim()).join("drivers/z3_471.drv");
    let driver = driver.to_str().unwrap();
    assert!(project.run("why3", &["prove", "-D", driver, "-a", "split_vc", "-o", "obligations", "bit_vectors.mlw"]));
    let text = fs::read_to_string(project.folder.path().join("bit_vectors.mlw")).unwrap();
    project.only_what_is_false_fails(|file, place| {
        let line = place["source"]["line"].as_u64().unwrap_or_default() as usize;
        let goal = text.lines().nth(line.saturating_sub(1)).unwrap_or_default();
        let is_its_own = ["false_wrap", "false_half"].iter().any(|name| goal.contains(name) && file.contains(name));
        is_its_own && place["source"]["file"].as_str().is_some_and(|file| file.ends_with("bit_vectors.mlw"))
    });
}

/// The SMTChecker writes no place: which contract it is, the file's name says.
#[test]
fn soliditys_false_contract_fails() {
    let project = Project::new(&["solidity/Counter.sol", "solidity/FalseCounter.sol"]);
    let module = Path::new(env!("CARGO_MANIFEST_DIR")).join(".solc/node_modules/solc");
    let module = std::env::var_os("POP_SOLC").map_or(module, PathBuf::from);
    if !module.is_dir() {
        return println!("NOT RUN: pop check on what solc writes: it is not there (make setup fetches it)");
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/generators/solidity.js");
    if project.run("node", &[script.to_str().unwrap(), module.to_str().unwrap(), ".", "obligations"]) {
        project.only_what_is_false_fails(|_, _| true);
    }
}
