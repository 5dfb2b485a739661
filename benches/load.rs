//! A network of four validator processes under more load than it takes: proofs and blocks a second, memory, one of four dead.
//!
//! `cargo bench --bench load`. Real processes, TLS, fsync and the solver, through `pop deploy-testnet`, which submits from the
//! same machine. *Remembered*: one statement again and again, under new nonces, so that no solver is asked. *New*: small
//! statements, each another one. Each figure's definition is in `docs/PERFORMANCE.md`.

mod support;

use serde_json::Value;
use std::path::Path;
use std::process::{Child, Command};
use std::time::{Duration, Instant};
use support::{deploy, pop, report, write_proofs};

const SECONDS: f64 = 20.0;
const NEW_PROOFS: usize = 2_000;

/// The validators that a testnet has started, with the name of each.
fn validators(testnet: &Child) -> Vec<(u32, String)> {
    let listed = Command::new("ps").args(["-o", "pid=,args=", "--ppid", &testnet.id().to_string()]).output();
    let listed = String::from_utf8(listed.expect("ps is there").stdout).expect("it prints text");
    let validator = |line: &str| {
        let mut words = line.split_whitespace();
        let pid = words.next()?.parse().ok()?;
        words.find(|word| *word == "--node-id")?;
        Some((pid, words.next()?.to_owned()))
    };
    listed.lines().filter_map(validator).collect()
}

fn resident_mb(pid: u32) -> Option<f64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
    Some(line.split_whitespace().nth(1)?.parse::<f64>().ok()? / 1024.0)
}

/// What a run came to: the report, and the largest memory of any validator.
fn run(mut testnet: Command, folder: &Path, kill_after: Option<Duration>) -> (Value, f64) {
    let mut testnet = testnet.spawn().expect("pop was built beside this bench");
    let began = Instant::now();
    let (mut largest, mut killed) = (0.0f64, false);
    while testnet.try_wait().expect("it is our child").is_none() {
        let running = validators(&testnet);
        largest = running.iter().filter_map(|(pid, _)| resident_mb(*pid)).fold(largest, f64::max);
        let due = kill_after.is_some_and(|after| began.elapsed() >= after && !killed);
        if let (true, Some((pid, _))) = (due, running.iter().find(|(_, name)| name == "node_4")) {
            killed = Command::new("kill").args(["-KILL", &pid.to_string()]).status().is_ok();
        }
        std::thread::sleep(Duration::from_millis(250));
    }
    (report(folder), largest)
}

/// The longest time between two final blocks, by the log of node_1.
fn longest_gap_seconds(folder: &Path) -> f64 {
    let log = std::fs::read_to_string(folder.join("data/testnet/logs/node_1.log")).unwrap_or_default();
    let seconds = |line: &str| {
        let clock = line.split_whitespace().nth(1)?;
        clock.split(':').try_fold(0.0, |sum, part| Some(sum * 60.0 + part.parse::<f64>().ok()?))
    };
    let blocks: Vec<f64> = log.lines().filter(|line| line.contains("block final")).filter_map(seconds).collect();
    blocks.windows(2).map(|pair| pair[1] - pair[0]).fold(0.0, f64::max)
}

fn show(what: &str, (report, largest): &(Value, f64)) -> f64 {
    let (metrics, figures) = (&report["metrics"], &report["figures"]);
    let proofs = metrics["proof_throughput"].as_f64().unwrap_or_default();
    let seconds = figures["proofs_final"].as_f64().unwrap_or_default() / proofs;
    let blocks = metrics["consensus_rounds_completed"].as_f64().unwrap_or_default() / seconds;
    println!("{what}: {} proofs final, {proofs:.0} a second, {blocks:.0} blocks a second", figures["proofs_final"]);
    for measure in ["proposal_to_final_ms", "submit_to_final_ms"] {
        let spread = &figures[measure];
        println!("  {measure:<22} p50 {:>8} p99 {:>8} max {:>8}", spread["p50"], spread["p99"], spread["max"]);
    }
    println!("  view changes {}, largest validator {largest:.0} MB", metrics["view_changes"]);
    proofs
}

/// Seconds of processor time that one idle worker takes for each of these proofs, by `pop check-proof`.
fn checking_seconds(folder: &Path) -> f64 {
    let began = Instant::now();
    let checked = pop(folder).args(["check-proof", "new"]).status().expect("pop was built beside this bench");
    assert!(checked.success());
    began.elapsed().as_secs_f64() / NEW_PROOFS as f64
}

fn main() {
    if support::is_a_trial() {
        return;
    }
    let folder = tempfile::tempdir().expect("there is a temporary folder");
    let folder = folder.path();
    write_proofs(&folder.join("one"), 1);
    write_proofs(&folder.join("new"), NEW_PROOFS);
    let hours = (SECONDS / 3_600.0).to_string();
    for (what, rate) in [("remembered, 200 a second", "200"), ("remembered, all that is taken", "100000")] {
        let testnet = deploy(folder, &["--proofs", "one", "--duration", &hours, "--rate", rate]);
        show(what, &run(testnet, folder, None));
    }
    let alone = checking_seconds(folder);
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let new = ["--proofs", "new", "--until-done", "--duration", "0.2"];
    let all = show("new", &run(deploy(folder, &new), folder, None));
    let efficiency = all * 4.0 * alone / cores as f64;
    println!("  one proof alone {:.2} ms; checking efficiency {efficiency:.2} on {cores} cores", alone * 1e3);
    let mut killed = deploy(folder, &new);
    killed.arg("--no-restart");
    let killed = run(killed, folder, Some(Duration::from_secs(5)));
    let three = show("new, one of four killed after 5 s", &killed);
    println!("  ÷ all alive {:.2}, longest time without a block {:.2} s", three / all, longest_gap_seconds(folder));
}
