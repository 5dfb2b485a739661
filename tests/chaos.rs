//! `pop chaos`, as an operator runs it: on a network of its own for a minute, on one that runs, and with what is no schedule
//! and no network.

mod network_support;

use network_support::{Network, Stranger, say, until};
use serde_json::{Value, json};
use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

fn chaos(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pop"));
    // A backtrace for each of hundreds of panics would be measured in their place.
    command.env("RUST_BACKTRACE", "0").current_dir(folder);
    command.arg("chaos").args(arguments).output().unwrap()
}

#[track_caller]
fn refused(output: &Output, code: i32, words: &[&str]) {
    let said = String::from_utf8_lossy(&output.stderr);
    words.iter().for_each(|word| assert!(said.contains(word), "{word:?} is not in: {said}"));
    assert_eq!((output.status.code(), output.stdout.as_slice()), (Some(code), &[][..]), "{said}");
}

fn invariants(report: &Value) -> Vec<(String, Option<bool>, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let invariants = report["invariants"].as_array().unwrap().iter();
    invariants.map(|one| (text(&one["name"]), one["held"].as_bool(), text(&one["detail"]))).collect()
}

/// The report, after everything that must hold on every machine was looked at.
#[track_caller]
fn held(output: &Output, folder: &Path) -> Value {
    let said = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{said}\n{errors}");
    let report: Value = serde_json::from_slice(&fs::read(folder.join("data/chaos_report.json")).unwrap()).unwrap();
    assert_eq!(report["held"], true, "{said}");
    assert!(report["schedule"]["healed_after_seconds"].is_number(), "everything heals within the quiet period: {said}");
    assert_eq!(report["faults"]["not_recovered"], 0, "{said}");
    assert_eq!(report["proofs"]["unended"], 0, "{said}");
    report
}

/// Panics and terminations every 200 ms, floods, a hang or block now and then, workers and whole validators killed and stopped.
#[test]
fn a_minute_of_chaos_breaks_nothing() {
    let folder = tempfile::tempdir().unwrap();
    // A minute of faults; the rest is the longest that healing may take on a machine that does other things too.
    let hours = (150.0f64 / 3_600.0).to_string();
    let output = chaos(folder.path(), &["--seed", "1", "--duration", &hours, "--quiet", "90"]);
    let report = held(&output, folder.path());
    say(format_args!("{}", String::from_utf8_lossy(&output.stdout)));
    for (name, held, detail) in invariants(&report) {
        assert_eq!(held, Some(true), "{name}: {detail}");
    }
    let done = |fault: &str| {
        let rows = report["recovery"].as_array().unwrap().iter().filter(|row| row["fault"] == fault);
        rows.map(|row| row["injected"].as_u64().unwrap()).sum::<u64>()
    };
    assert!(
        done("panic") > 80 && done("terminate") > 80,
        "{} panics, {} terminations",
        done("panic"),
        done("terminate")
    );
    for fault in ["flood", "kill", "stop"] {
        assert!(done(fault) > 0, "no {fault} was done");
    }
    assert!(done("hang") + done("block") > 0, "nothing hung and nothing blocked");
    assert!(report["proofs"]["final"].as_u64() > Some(50), "{}", report["proofs"]);
}

#[test]
fn a_network_that_runs_is_disturbed_by_a_schedule_from_a_file_and_goes_on() {
    let mut network = Network::running(4, json!({"admin": {"enabled": true}}));
    let faults = json!([
        {"at": 0.5, "target": "node_1/mempool", "fault": "panic"},
        {"at": 1.0, "target": "node_2/worker", "fault": "kill"},
        {"at": 1.5, "target": "node_3", "fault": "stop", "hold": 1.5},
        {"at": 2.0, "target": "node_3/state", "fault": "panic"},
        {"at": 2.0, "target": "node_4/state", "fault": "terminate"},
        {"at": 2.5, "target": "node_1/consensus", "fault": "panic"},
    ]);
    fs::write(network.path("faults.json"), faults.to_string()).unwrap();
    let output = network.pop(&[
        "chaos",
        "--network",
        "config",
        "--schedule",
        "faults.json",
        "--quiet",
        "90",
        "--rate",
        "10",
        "--json",
    ]);
    let report = held(&output, &network.path(""));
    assert_eq!(serde_json::from_slice::<Value>(&output.stdout).unwrap(), report, "standard output is the report");
    let outcomes: Vec<_> =
        report["events"].as_array().unwrap().iter().map(|event| event["outcome"].as_str().unwrap()).collect();
    let expected = ["recovered", "recovered", "recovered", "not_injected", "recovered", "recovered"];
    assert_eq!(outcomes, expected, "what is stopped is not hit: {report:#}");
    for (name, held, detail) in invariants(&report) {
        let expected = (name != "processes end as they may").then_some(true);
        assert_eq!(held, expected, "{name}: {detail}");
    }
    network_support::audit::agree(&mut network);

    // The report leads to the network again.
    let printed = network.pop(&["chaos", "--network", "data/chaos_report.json", "--seed", "3", "--print-schedule"]);
    assert_eq!(printed.status.code(), Some(0), "{printed:?}");
    let nowhere = network.pop(&["chaos", "--network", "config", "--targets", "node_9"]);
    refused(&nowhere, 2, &["\"node_9\" is no target", "node_1, node_2, node_3, node_4", "mempool"]);
}

#[test]
fn who_interrupts_it_gets_a_healed_network_and_a_report() {
    let network = Network::running(4, json!({}));
    let faults = json!([{"at": 0, "target": "node_3", "fault": "stop", "hold": 600}]);
    fs::write(network.path("faults.json"), faults.to_string()).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_pop"));
    command.current_dir(network.path("")).args(["chaos", "--network", "config", "--schedule", "faults.json"]);
    let mut running = Stranger(command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap());
    let stopped = network.nodes[2].pid();
    until("node_3 is stopped", || is_stopped(stopped).then_some(()));
    let pid = i32::try_from(running.0.id()).unwrap();
    // SAFETY: a plain system call; the process is our child and not reaped yet.
    assert_eq!(unsafe { libc::kill(pid, libc::SIGINT) }, 0);
    until("it goes on", || (!is_stopped(stopped)).then_some(()));
    let status = until("chaos ends", || running.0.try_wait().unwrap());
    assert_eq!(status.code(), Some(0));
    let report: Value = serde_json::from_slice(&fs::read(network.path("data/chaos_report.json")).unwrap()).unwrap();
    assert_eq!((&report["schedule"]["interrupted"], &report["held"]), (&json!(true), &json!(true)), "{report:#}");
    assert!(report["schedule"]["healed_after_seconds"].is_number(), "{report:#}");
}

fn is_stopped(pid: i32) -> bool {
    let status = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    status.rsplit_once(')').is_some_and(|(_, rest)| rest.trim_start().starts_with('T'))
}

#[test]
fn the_same_seed_prints_the_same_schedule_and_the_print_is_a_schedule() {
    let folder = tempfile::tempdir().unwrap();
    let print = |arguments: &[&str]| {
        let output = chaos(folder.path(), &[arguments, &["--print-schedule"]].concat());
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let drawn = print(&["--seed", "7"]);
    assert_eq!(drawn, print(&["--seed", "7"]));
    assert_ne!(drawn, print(&["--seed", "8"]));
    fs::write(folder.path().join("drawn.json"), &drawn).unwrap();
    assert_eq!(print(&["--schedule", "drawn.json"]), drawn);
    assert!(print(&["--targets", "worker", "--faults", "kill"]).lines().skip(3).all(|line| !line.contains("mempool")));
}

#[test]
fn what_is_no_schedule_is_refused_before_anything_is_started() {
    let folder = tempfile::tempdir().unwrap();
    let refuses = |text: &str, words: &[&str]| {
        fs::write(folder.path().join("faults.json"), text).unwrap();
        refused(&chaos(folder.path(), &["--schedule", "faults.json"]), 2, &[&["faults.json"], words].concat());
    };
    refuses(
        "[\n{\"at\": 1, \"target\": \"node_1\", \"fault\": \"kill\", \"why\": 1}]",
        &["unknown field `why`", "line 2"],
    );
    refuses("[{\"at\": 1, \"target\": \"node_1/kitchen\", \"fault\": \"panic\"}]", &["no such part", "mempool"]);
    refuses(
        "[{\"at\": 1, \"target\": \"node_1/state\", \"fault\": \"stop\"}]",
        &["cannot be done", "panic, terminate"],
    );
    refuses("[{\"at\": 1, \"target\": \"node_7\", \"fault\": \"kill\"}]", &["no validator node_7", "node_1, node_2"]);
    refused(&chaos(folder.path(), &["--schedule", "nowhere.json"]), 2, &["nowhere.json"]);
    refused(&chaos(folder.path(), &["--faults", "explode"]), 2, &["explode", "panic, terminate, hang"]);
    refused(&chaos(folder.path(), &["--targets", "kitchen"]), 2, &["\"kitchen\" is no target", "node_4", "worker"]);
    refused(&chaos(folder.path(), &["--targets", "worker", "--faults", "panic"]), 2, &["the schedule is empty"]);
    refused(&chaos(folder.path(), &["--duration", "0.01", "--quiet", "60"]), 2, &["no time is left for faults"]);
    refused(&chaos(folder.path(), &["--duration", "-1"]), 2, &["--duration", "90s, 10m or 1h"]);
    refused(&chaos(folder.path(), &["--rate", "0"]), 2, &["--rate is 0"]);
    assert!(!folder.path().join("data").exists(), "nothing was made");
}

#[test]
fn a_network_that_cannot_be_disturbed_is_told_what_is_missing() {
    let network = Network::new(4);
    let run = |arguments: &[&str]| network.pop(&[&["chaos", "--network", "config"], arguments].concat());
    refused(&run(&[]), 3, &["node_1", "\"admin\": {\"enabled\": true}", "config/node_1.json"]);
    refused(&run(&["--faults", "kill,stop"]), 3, &["node_1", "no validator's process", "this machine"]);
    drop(network);
    let on = Network::with(4, json!({"admin": {"enabled": true}}));
    refused(&on.pop(&["chaos", "--network", "config"]), 3, &["no token at data/node_1/admin_token"]);
    refused(&on.pop(&["chaos", "--network", "data"]), 3, &["data holds no configuration of a validator"]);
    refused(&on.pop(&["chaos", "--network", "nowhere"]), 3, &["nowhere", "--network takes a folder"]);
    fs::remove_file(on.path("data/genesis_state.json")).unwrap();
    refused(&on.pop(&["chaos", "--network", "config"]), 3, &["no genesis", "--genesis names"]);
}
