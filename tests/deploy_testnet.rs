//! `pop deploy-testnet`, as an operator runs it: real processes, a real report, nothing left running.

use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

const DEADLINE: Duration = Duration::from_secs(120);

/// A folder with one true and one false obligation, and a manifest.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let proofs = folder.path().join("proofs");
    std::fs::create_dir(&proofs).unwrap();
    let script = |name: &str, body: &str| {
        std::fs::write(proofs.join(name), format!("(declare-const x Int)\n{body}\n(check-sat)\n")).unwrap();
    };
    script("true.smt2", "(assert (and (> x 1) (< x 1)))");
    script("false.smt2", "(assert (> x 1))");
    let manifest = r#"[{"file": "true.smt2", "claim": "unsat"}, {"file": "false.smt2", "claim": "unsat"}]"#;
    std::fs::write(proofs.join("manifest.json"), manifest).unwrap();
    folder
}

fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pop"));
    command.current_dir(folder).arg("deploy-testnet").args(["--proofs", "proofs", "--output", "report.json"]);
    command.args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn run(folder: &Path, arguments: &[&str]) -> (i32, String, String) {
    let Output { status, stdout, stderr } = command(folder, arguments).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (status.code().unwrap(), text(stdout), text(stderr))
}

fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let end = Instant::now() + DEADLINE;
    while !holds() {
        assert!(Instant::now() < end, "not within {DEADLINE:?}: {what}");
        std::thread::park_timeout(Duration::from_millis(20));
    }
}

/// Processes whose command line names the folder: validators, and (by their parent) nothing else.
fn processes(folder: &Path) -> Vec<u32> {
    let name = folder.file_name().unwrap().to_str().unwrap().to_owned();
    let named = |process: &u32| {
        let line = std::fs::read(format!("/proc/{process}/cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&line).contains(&name)
    };
    let all = std::fs::read_dir("/proc").unwrap().filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    all.filter(named).collect()
}

fn kill(process: u32) {
    assert!(Command::new("kill").args(["-KILL", &process.to_string()]).status().unwrap().success());
}

#[test]
fn a_testnet_runs_until_every_proof_has_ended_and_reports_in_the_guides_objects() {
    let folder = folder();
    let (code, out, error) = run(folder.path(), &["--nodes", "4", "--until-done", "--duration", "0.05"]);
    assert_eq!(code, 0, "{out}\n{error}");
    assert!(out.contains("final    true.smt2  in block "), "{out}");
    assert!(out.contains("REFUSED  false.smt2: false. "), "{out}");
    let report: Value = serde_json::from_slice(&std::fs::read(folder.path().join("report.json")).unwrap()).unwrap();
    let keys = |value: &Value| -> Vec<String> { value.as_object().unwrap().keys().cloned().collect() };
    let sorted = |mut keys: Vec<String>| {
        keys.sort();
        keys
    };
    let expected = ["deployment", "figures", "issues", "metrics", "stability"];
    assert_eq!(sorted(keys(&report)), expected);
    assert_eq!(sorted(keys(&report["deployment"])), ["duration_hours", "num_nodes", "stake_per_node"]);
    let metrics = [
        "average_consensus_time",
        "consensus_rounds_completed",
        "node_failures",
        "proof_throughput",
        "total_proofs_processed",
        "view_changes",
    ];
    assert_eq!(sorted(keys(&report["metrics"])), metrics);
    let stability = ["consensus_success_rate", "network_health", "uptime_percentage"];
    assert_eq!(sorted(keys(&report["stability"])), stability);
    assert_eq!(report["deployment"]["num_nodes"], 4);
    assert_eq!(report["metrics"]["total_proofs_processed"], 2);
    assert_eq!(report["metrics"]["node_failures"], 0);
    assert_eq!(report["figures"]["proofs_final"], 1);
    assert_eq!(report["figures"]["proofs_refused"], 1);
    assert!(report["figures"]["submit_to_final_ms"]["p50"].as_f64().unwrap() > 0.0);
    if cfg!(target_os = "linux") {
        let used = |value: &Value| value["by_part"]["votes"]["cpu_seconds"].as_f64().unwrap();
        assert!(used(&report["figures"]) >= 0.0 && report["figures"]["sent"]["vote"]["messages"].as_u64() > Some(0));
        let validators = report["figures"]["validators"].as_array().unwrap();
        assert_eq!(validators.len(), 4);
        assert!(validators.iter().all(|validator| validator["memory_peak_mib"].as_u64() > Some(0)), "{validators:?}");
        assert_eq!(processes(folder.path()), [] as [u32; 0], "nothing is left running");
    }
}

#[test]
fn a_killed_validator_that_is_not_to_be_restarted_is_counted_and_the_others_go_on() {
    if !cfg!(target_os = "linux") {
        println!("NOT RUN: a killed validator of a testnet: finding its process needs /proc");
        return;
    }
    let folder = folder();
    let arguments = ["--nodes", "4", "--duration", "0.003", "--rate", "2", "--no-restart"];
    let mut child = command(folder.path(), &arguments).spawn().unwrap();
    let report = folder.path().join("report.json");
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    lines.find(|line| line.starts_with("A quorum is connected")).expect("the network starts");
    kill(*processes(folder.path()).iter().find(|process| names_node_4(**process)).expect("node_4 runs"));
    let out = lines.collect::<Vec<_>>().join("\n");
    assert!(child.wait().unwrap().success(), "{out}");
    assert!(out.contains("validator node_4 has ended: signal: 9"), "{out}");
    let report: Value = serde_json::from_slice(&std::fs::read(report).unwrap()).unwrap();
    assert_eq!(report["metrics"]["node_failures"], 1);
    assert_eq!(report["figures"]["restarts"], 0);
    assert_eq!(report["stability"]["network_health"], "DEGRADED");
    assert!(report["figures"]["proofs_final"].as_u64().unwrap() > 0, "{out}");
}

fn names_node_4(process: u32) -> bool {
    let line = std::fs::read(format!("/proc/{process}/cmdline")).unwrap_or_default();
    String::from_utf8_lossy(&line).contains("start-validator\0--until-stdin-ends\0--node-id\0node_4")
}

#[test]
fn a_testnet_that_is_killed_leaves_no_validator_behind_and_one_folder_holds_one_testnet() {
    if !cfg!(target_os = "linux") {
        println!("NOT RUN: a killed testnet: finding its processes needs /proc");
        return;
    }
    let folder = folder();
    let mut child: Child = command(folder.path(), &["--nodes", "4", "--duration", "1"]).spawn().unwrap();
    until("four validators run", || processes(folder.path()).len() >= 4);
    let (code, _, error) = run(folder.path(), &["--nodes", "4", "--until-done"]);
    assert_eq!(code, 3, "{error}");
    assert!(error.contains("another testnet is running in data/testnet"), "{error}");
    child.kill().unwrap();
    child.wait().unwrap();
    until("its validators have ended", || processes(folder.path()).is_empty());
}

#[test]
fn what_is_asked_wrongly_is_named_and_nothing_is_deleted() {
    let folder = folder();
    let text = |arguments: &[&str]| {
        let (code, _, error) = run(folder.path(), arguments);
        (code, error)
    };
    let (code, error) = text(&["--duration", "-1"]);
    assert!(code == 2 && error.contains("--duration"), "{code} {error}");
    let (code, error) = text(&["--duration", "nan"]);
    assert!(code == 2 && error.contains("--duration") && error.contains("90s, 10m or 1h"), "{code} {error}");
    let (code, error) = text(&["--nodes", "0"]);
    assert!(code == 2 && error.contains("--nodes"), "{code} {error}");
    let (code, error) = text(&["--rate", "-1"]);
    assert!(code == 2 && error.contains("--rate is -1"), "{code} {error}");
    let (code, error) = text(&["--rate", "0", "--until-done"]);
    assert!(code == 2 && error.contains("nothing would ever be done"), "{code} {error}");
    let (code, error) = text(&["--nodes", "4", "--stake", "999"]);
    assert!(code == 3 && error.contains("Insufficient stake"), "{code} {error}");
    let (code, error) = text(&["--nodes", "4", "--data-dir", "proofs"]);
    assert!(code == 3 && error.contains("proofs is not a testnet folder"), "{code} {error}");
    assert!(folder.path().join("proofs/true.smt2").is_file());
}

#[test]
fn an_obligation_without_a_claim_is_named_and_the_others_go_on() {
    let folder = folder();
    let manifest = r#"[{"file": "false.smt2"}, {"file": "true.smt2", "claim": "unsat"}]"#;
    std::fs::write(folder.path().join("proofs/manifest.json"), manifest).unwrap();
    let (code, out, error) = run(folder.path(), &["--nodes", "1", "--until-done"]);
    assert_eq!(code, 0, "{out}\n{error}");
    assert!(out.contains("not taken  false.smt2: it claims no answer"), "{out}");
    assert!(out.contains("final    true.smt2"), "{out}");
}
