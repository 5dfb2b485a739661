//! What a network of n validators costs on this machine, and how fast it is: idle, at the guide's 0.5 proofs a second, and at 20.
//!
//! `cargo bench --bench scale`. Real processes through `pop deploy-testnet`, whose report is read. Every submission is a new
//! statement, so that every validator's solver is asked. `POP_NODES=16,32` chooses sizes, `POP_SECONDS=60` how long each of the
//! three runs takes, `POP_RATES=0,0.5` which runs. A testnet that does not come up is a line of its own, and the next size
//! is tried.

mod support;

use serde_json::Value;
use std::path::Path;
use support::{pop, report};

const NODES: &str = "4,16,32,64,100";
const RATES: &str = "0,0.5,20";
const SEED: &str = "1";

fn list(name: &str, otherwise: &str) -> Vec<String> {
    let text = std::env::var(name).unwrap_or_else(|_| otherwise.into());
    text.split(',').map(|part| part.trim().to_owned()).collect()
}

/// Runs one network, and says what its report says.
fn measure(folder: &Path, nodes: &str, rate: &str, seconds: &str) {
    let proofs = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/proofs");
    let mut command = pop(folder);
    command.args(["deploy-testnet", "--nodes", nodes, "--rate", rate, "--duration"]).arg(format!("{seconds}s"));
    command.args(["--variants", "--seed", SEED, "--output", "report.json", "--proofs"]).arg(proofs);
    command.stderr(std::process::Stdio::inherit());
    let ended = command.status().expect("pop was built beside this bench");
    if !ended.success() {
        return println!("| {nodes} | {rate} | the testnet ended: {ended} |");
    }
    show(nodes, rate, &report(folder));
}

fn show(nodes: &str, rate: &str, report: &Value) {
    let (metrics, figures) = (&report["metrics"], &report["figures"]);
    let part = |name: &str| &figures["by_part"][name];
    println!(
        "| {nodes} | {rate} | {} blocks | {} view changes | final p50 {} p99 {} ms | submitted to final p50 {} ms | {} of {} proofs ended | {} |",
        metrics["consensus_rounds_completed"],
        metrics["view_changes"],
        figures["proposal_to_final_ms"]["p50"],
        figures["proposal_to_final_ms"]["p99"],
        figures["submit_to_final_ms"]["p50"],
        metrics["total_proofs_processed"],
        figures["proofs_submitted"],
        report["stability"]["network_health"].as_str().unwrap_or("?"),
    );
    let parts = figures["by_part"].as_object().into_iter().flatten();
    let cores: Vec<String> = parts.map(|(name, _)| format!("{name} {}", part(name)["cores"])).collect();
    println!("    cores: {}", cores.join(", "));
    println!("    processor time a block, ms, of all together: {}", part("total")["cpu_ms_per_block"]);
    let sent = figures["sent"].as_object().into_iter().flatten();
    let sent: Vec<String> = sent.map(|(kind, sent)| format!("{kind} {}/{}", sent["messages"], sent["bytes"])).collect();
    println!("    sent, messages/bytes: {}", sent.join(", "));
    let signatures = figures["signatures"].as_object().into_iter().flatten();
    let signatures: Vec<String> = signatures.map(|(kind, count)| format!("{kind} {count}")).collect();
    println!("    signatures checked: {}", signatures.join(", "));
    println!("    longest step of a sessions' thread while peers connect, ms: {}", figures["session_step_max_ms"]);
    let memory = figures["validators"].as_array().into_iter().flatten();
    let memory: u64 = memory.filter_map(|validator| validator["memory_peak_mib"].as_u64()).sum();
    println!("    memory, MiB, of all together: {memory}");
}

fn main() {
    if support::is_a_trial() {
        return;
    }
    let folder = tempfile::tempdir().expect("there is a temporary folder");
    let seconds = std::env::var("POP_SECONDS").unwrap_or_else(|_| "60".into());
    for nodes in list("POP_NODES", NODES) {
        for rate in list("POP_RATES", RATES) {
            measure(folder.path(), &nodes, &rate, &seconds);
        }
    }
}
