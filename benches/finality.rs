//! Proposal to final, and submission to final, on a network of four validator processes.
//!
//! Not criterion's kind of measure: real processes, TLS, fsync and the solver, through `pop deploy-testnet`, whose report is
//! read. *Idle*: one small proof at a time, each a new statement, so that every validator's solver is asked. *Remembered*:
//! the same statement again and again, without the solver. *Burst*: 500 proofs at once.

use serde_json::Value;
use std::path::Path;
use std::process::Command;

/// A proof that Z3 answers in about a millisecond; the number makes it a statement of its own.
fn script(number: usize) -> String {
    format!(
        "(declare-const a Int)\n(declare-const b Int)\n(assert (= (+ a b) {number}))\n(assert (= (+ b a) {}))\n(check-sat)\n",
        number + 1
    )
}

fn write_proofs(folder: &Path, count: usize) {
    std::fs::create_dir_all(folder).expect("a temporary folder is writable");
    let mut entries = Vec::new();
    for number in 0..count {
        let name = format!("sum-{number}.smt2");
        std::fs::write(folder.join(&name), script(number)).expect("a temporary folder is writable");
        entries.push(serde_json::json!({"file": name, "claim": "unsat"}));
    }
    std::fs::write(folder.join("manifest.json"), Value::from(entries).to_string()).expect("so is this file in it");
}

fn measure(what: &str, folder: &Path, arguments: &[&str]) {
    let output = Command::new(env!("CARGO_BIN_EXE_pop"))
        .current_dir(folder)
        .args(["deploy-testnet", "--nodes", "4", "--output", "report.json"])
        .args(arguments)
        .output()
        .expect("pop was built beside this bench");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let report = std::fs::read(folder.join("report.json")).expect("it wrote its report");
    let report: Value = serde_json::from_slice(&report).expect("which is JSON");
    let (metrics, figures) = (&report["metrics"], &report["figures"]);
    println!("{what}: {} proofs in {} blocks", figures["proofs_final"], metrics["consensus_rounds_completed"]);
    for measure in ["proposal_to_final_ms", "submit_to_final_ms"] {
        let spread = &figures[measure];
        println!(
            "  {measure:<22} p50 {:>8} p90 {:>8} p99 {:>8} max {:>8}",
            spread["p50"], spread["p90"], spread["p99"], spread["max"]
        );
    }
    println!("  proofs a second {}, view changes {}", metrics["proof_throughput"], metrics["view_changes"]);
}

fn main() {
    // `cargo test --benches` only asks whether it starts.
    if std::env::args().any(|argument| argument == "--test") {
        return;
    }
    let folder = tempfile::tempdir().expect("there is a temporary folder");
    write_proofs(&folder.path().join("many"), 100);
    write_proofs(&folder.path().join("one"), 1);
    write_proofs(&folder.path().join("burst"), 500);
    measure("idle", folder.path(), &["--proofs", "many", "--until-done", "--duration", "0.1", "--rate", "5"]);
    measure("remembered", folder.path(), &["--proofs", "one", "--duration", "0.005", "--rate", "5"]);
    measure("burst", folder.path(), &["--proofs", "burst", "--until-done", "--duration", "0.1"]);
}
