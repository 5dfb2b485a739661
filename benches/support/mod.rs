//! What the benches of whole networks share: small statements, and `pop deploy-testnet` in a folder of their own.

#![allow(dead_code)]

use serde_json::Value;
use std::path::Path;
use std::process::{Command, Stdio};

/// Whether only the start is asked for, as `cargo test --benches` does.
pub fn is_a_trial() -> bool {
    std::env::args().any(|argument| argument == "--test")
}

/// A proof that Z3 answers in a few milliseconds; the number makes it a statement of its own.
fn script(number: usize) -> String {
    format!(
        "(declare-const a Int)\n(declare-const b Int)\n(assert (= (+ a b) {number}))\n(assert (= (+ b a) {}))\n(check-sat)\n",
        number + 1
    )
}

pub fn write_proofs(folder: &Path, count: usize) {
    std::fs::create_dir_all(folder).expect("a temporary folder is writable");
    let mut entries = Vec::new();
    for number in 0..count {
        let name = format!("sum-{number}.smt2");
        std::fs::write(folder.join(&name), script(number)).expect("a temporary folder is writable");
        entries.push(serde_json::json!({"file": name, "claim": "unsat"}));
    }
    std::fs::write(folder.join("manifest.json"), Value::from(entries).to_string()).expect("so is this file in it");
}

/// `pop` in a folder, silent.
pub fn pop(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pop"));
    command.current_dir(folder).stdout(Stdio::null()).stderr(Stdio::null());
    command
}

/// A network of four, whose report [`report`] reads when it has ended.
pub fn deploy(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = pop(folder);
    command.args(["deploy-testnet", "--nodes", "4", "--output", "report.json"]).args(arguments);
    command
}

pub fn report(folder: &Path) -> Value {
    let report = std::fs::read(folder.join("report.json")).expect("the testnet wrote its report");
    serde_json::from_slice(&report).expect("which is JSON")
}
