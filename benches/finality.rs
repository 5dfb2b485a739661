//! Proposal to final, and submission to final, on a network of four validator processes.
//!
//! Not criterion's kind of measure: real processes, TLS, fsync and the solver, through `pop deploy-testnet`, whose report is
//! read. *Idle*: one small proof at a time, each a new statement, so that every validator's solver is asked. *Remembered*:
//! the same statement again and again, without the solver. *Burst*: 500 proofs at once. `POP_ROWS=idle,remembered,burst` chooses.

mod support;

use std::path::Path;
use support::{VALIDATORS, check_ms, cores, cores_used, deploy, is_asked_for, report, write_proofs};

fn measure(what: &str, folder: &Path, arguments: &[&str]) {
    if !is_asked_for(what) {
        return;
    }
    let ended = deploy(folder, arguments).status().expect("pop was built beside this bench");
    assert!(ended.success(), "{what}: {ended}");
    let report = report(folder);
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
    println!("  cores: {}", cores_used(&report));
    let check = check_ms(&report);
    println!(
        "  a check takes {check:.2} ms of its worker; four validators' checks on these cores at least {:.2} ms",
        check * VALIDATORS / cores()
    );
}

fn main() {
    if support::is_a_trial() {
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
