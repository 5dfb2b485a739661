//! What the benches of whole networks share: small statements, and `pop deploy-testnet` in a folder of their own.

#![allow(dead_code)]

use serde_json::Value;
use std::path::Path;
use std::process::{Command, Stdio};

/// Whether only the start is asked for, as `cargo test --benches` does.
pub fn is_a_trial() -> bool {
    std::env::args().any(|argument| argument == "--test")
}

/// Whether a row is to be measured: `POP_ROWS=new,killed` names some, and without it all are.
pub fn is_asked_for(row: &str) -> bool {
    let rows = std::env::var("POP_ROWS").unwrap_or_default();
    rows.is_empty() || rows.split(',').any(|asked| asked.trim() == row)
}

/// A proof that Z3 answers in a few milliseconds; the number makes it a statement of its own.
pub fn script(number: usize) -> String {
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

/// How many of this machine's cores each part of the validators used, as one line.
pub fn cores_used(report: &Value) -> String {
    let parts = report["figures"]["by_part"].as_object().into_iter().flatten();
    let parts: Vec<String> = parts.map(|(part, used)| format!("{part} {}", used["cores"])).collect();
    parts.join(", ")
}

/// This machine's cores.
pub fn cores() -> f64 {
    std::thread::available_parallelism().map_or(1, usize::from) as f64
}

/// Validators of [`deploy`]: each checks each proof.
pub const VALIDATORS: f64 = 4.0;

/// Seconds of processor time that all workers used.
pub fn workers_seconds(report: &Value) -> f64 {
    report["figures"]["by_part"]["workers"]["cpu_seconds"].as_f64().unwrap_or_default()
}

/// Milliseconds of processor time that a worker used for a check, what it does ahead of time included.
pub fn check_ms(report: &Value) -> f64 {
    let proofs = report["figures"]["proofs_final"].as_f64().unwrap_or_default();
    workers_seconds(report) * 1e3 / (proofs * VALIDATORS)
}

pub fn report(folder: &Path) -> Value {
    let report = std::fs::read(folder.join("report.json")).expect("the testnet wrote its report");
    serde_json::from_slice(&report).expect("which is JSON")
}
