//! A network of four validator processes under more load than it takes: proofs and blocks a second, memory, one of four dead.
//!
//! `cargo bench --bench load`. Real processes, TLS, fsync and the solver, through `pop deploy-testnet`, which submits from the
//! same machine. *Remembered*: one statement again and again, under new nonces, so that no solver is asked. *New*: small
//! statements, each another one. Each figure's definition is in `docs/PERFORMANCE.md`. `POP_ROWS` chooses some of the rows:
//! `remembered-200`, `saturated`, `new`, `killed`, `dead-leader`, `corpus`. The last needs the solver's program, `z3` or what `Z3` names.

mod support;

use actors::verifier_pool::{PoolConfig, VerifierPool};
use protocol::verdict::{Claim, Job, Task, VerifierParameters};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use support::{
    VALIDATORS, check_ms, cores, cores_used, deploy, is_asked_for, report, script, workers_seconds, write_proofs,
};

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
    println!("  cores: {}", cores_used(report));
    proofs
}

/// Seconds of processor time of all children that have ended.
fn children_seconds() -> f64 {
    // SAFETY: the structure is plain data that the call fills.
    let usage = unsafe {
        let mut usage: libc::rusage = std::mem::zeroed();
        libc::getrusage(libc::RUSAGE_CHILDREN, &mut usage);
        usage
    };
    let seconds = |time: libc::timeval| time.tv_sec as f64 + time.tv_usec as f64 / 1e6;
    seconds(usage.ru_utime) + seconds(usage.ru_stime)
}

/// Milliseconds of processor time that one worker takes for each of these proofs, one after the other, its start included.
fn one_alone_ms() -> f64 {
    let before = children_seconds();
    let limits = VerifierParameters::default();
    let program = env!("CARGO_BIN_EXE_pop-verifier").into();
    let config = PoolConfig { workers: 1, spare: false, ..PoolConfig::new(program, limits) };
    let pool = VerifierPool::start(config).expect("the solver is set up");
    let job = |number| Job {
        script: script(number).into_bytes(),
        claim: Some(Claim::Unsat),
        limits,
        task: Task::Check,
        seed: None,
    };
    for number in 0..NEW_PROOFS {
        pool.check_blocking(&job(number)).expect("the pool works");
    }
    pool.close();
    (children_seconds() - before) * 1e3 / NEW_PROOFS as f64
}

fn new(folder: &Path, new: &[&str]) -> f64 {
    let before = one_alone_ms();
    let ran = run(deploy(folder, new), folder, None);
    let all = show("new", &ran);
    // The machine may be a virtual one, whose speed changes.
    let alone = (before + one_alone_ms()) / 2.0;
    let efficiency = all * VALIDATORS * alone / 1e3 / cores();
    println!("  one worker alone needs {alone:.2} ms of processor time for a check: efficiency {efficiency:.2}");
    println!("  in the network a worker needs {:.2} ms", check_ms(&ran.0));
    all
}

fn killed(folder: &Path, new: &[&str], all: Option<f64>) {
    let mut killed = deploy(folder, new);
    killed.arg("--no-restart");
    let three = show("new, one of four killed after 5 s", &run(killed, folder, Some(Duration::from_secs(5))));
    let gap = longest_gap_seconds(folder);
    let ratio = all.map(|all| format!("÷ all alive {:.2}, ", three / all)).unwrap_or_default();
    println!("  {ratio}longest time without a block {gap:.2} s");
}

/// `… vote_way: at_us=1 place=Entered what=view 7 of 2`
fn mark<'a>(line: &'a str, place: &str) -> Option<(i64, &'a str)> {
    let (at, rest) = line.split_once("at_us=")?.1.split_once(" place=")?;
    let what = rest.strip_prefix(place)?.strip_prefix(" what=")?;
    Some((at.parse().ok()?, what.trim()))
}

/// How long the turns of a validator that was killed under load lasted, by the log of node_1: from its view to the next one.
fn dead_leader(folder: &Path) {
    let mut testnet = deploy(folder, &["--proofs", "one", "--duration", "20s", "--rate", "50", "--no-restart"]);
    testnet.env("RUST_LOG", "info,vote_way=trace");
    let killed = show("one of four killed after 5 s", &run(testnet, folder, Some(Duration::from_secs(5))));
    let log = std::fs::read_to_string(folder.join("data/testnet/logs/node_1.log")).expect("node_1 has a log");
    let views = log.lines().filter_map(|line| {
        let (at, what) = mark(line, "Entered")?;
        let (view, leader) = what.strip_prefix("view ")?.split_once(" of ")?;
        Some((view.parse::<u64>().ok()?, (at, leader.to_owned())))
    });
    let views: BTreeMap<u64, (i64, String)> = views.collect();
    let changed = log.lines().filter_map(|line| mark(line, "Sent")?.1.strip_prefix("view_change ")?.split_once(" by "));
    let changed: Vec<u64> = changed.filter_map(|(view, _)| view.parse().ok()).collect();
    let dead = |view: &u64| views.get(view).is_some_and(|(_, leader)| leader == "3");
    let mut turns: Vec<i64> = changed
        .iter()
        .filter(|view| dead(view))
        .filter_map(|view| Some(views.get(&(view + 1))?.0 - views[view].0))
        .collect();
    let first = turns.first().copied();
    turns.sort_unstable();
    let Some(first) = first else { return println!("  nobody's turn was skipped: {killed:.0} proofs a second") };
    let at = |percent: usize| turns[turns.len() * percent / 100] as f64 / 1e3;
    let by_timer = log.matches("Consensus timeout").count();
    println!(
        "  {} turns of the dead leader: the first {:.1} ms, p50 {:.1}, p99 {:.1}; by the timer {by_timer}",
        turns.len(),
        first as f64 / 1e3,
        at(50),
        at(99)
    );
}

/// Seconds for the public corpus, by the network and by the solver's program, one file after another.
fn corpus(folder: &Path) {
    let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus/smt2");
    let Ok(entries) = std::fs::read_dir(&scripts) else {
        return println!("NOT RUN: the corpus of public scripts is not at ../shared/corpus");
    };
    let files: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    let z3 = std::env::var_os("Z3").unwrap_or_else(|| "z3".into());
    let began = Instant::now();
    for file in &files {
        let run = Command::new(&z3).arg("-T:20").arg(file).stdin(Stdio::null()).stdout(Stdio::null()).status();
        if let Err(error) = run {
            return println!("NOT RUN: {} ({error}); Z3 names the solver's program", z3.display());
        }
    }
    let other = began.elapsed().as_secs_f64();
    let mut testnet = deploy(folder, &["--until-done", "--duration", "0.05", "--proofs"]);
    testnet.arg(&scripts);
    let ran = run(testnet, folder, None);
    show("the public corpus", &ran);
    let seconds = ran.0["deployment"]["duration_hours"].as_f64().unwrap_or_default() * 3_600.0;
    let floor = workers_seconds(&ran.0) / cores();
    println!(
        "  {seconds:.2} s ÷ {other:.2} s of z3 for {} files, one after another: {:.2}",
        files.len(),
        seconds / other
    );
    println!("  the workers alone need {floor:.2} s of all cores: {:.2}", floor / other);
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
    let remembered = [("remembered-200", "200"), ("saturated", "100000")];
    for (row, rate) in remembered.into_iter().filter(|(row, _)| is_asked_for(row)) {
        let testnet = deploy(folder, &["--proofs", "one", "--duration", &hours, "--rate", rate]);
        show(&format!("{row}, the same statement again and again"), &run(testnet, folder, None));
    }
    let statements = ["--proofs", "new", "--until-done", "--duration", "0.2"];
    let all = is_asked_for("new").then(|| new(folder, &statements));
    if is_asked_for("killed") {
        killed(folder, &statements, all);
    }
    if is_asked_for("dead-leader") {
        dead_leader(folder);
    }
    if is_asked_for("corpus") {
        corpus(folder);
    }
}
