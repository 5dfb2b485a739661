//! What an operator asks when nothing moves: `pop why`, `pop status`, `pop doctor` and the probes, of real validators that are
//! stopped and killed; and a demo from its start to Ctrl-C.

mod network_support;

use network_support::{End, Network, PATIENCE, Stranger, is_running, until};
use serde_json::{Value, json};
use std::fs;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::mpsc::channel;
use std::time::Instant;

fn text(output: &Output) -> String {
    [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes).into_owned()).concat()
}

/// What `pop` prints once it ends with this code.
fn ends_with(network: &Network, code: i32, arguments: &[&str]) -> String {
    until(&format!("pop {arguments:?} ends with {code}"), || {
        let output = network.pop(arguments);
        (output.status.code() == Some(code)).then(|| text(&output))
    })
}

/// A probe's status and answer.
fn probe(network: &Network, node: usize, path: &str) -> (u16, Value) {
    let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
    let mut answer = agent.get(format!("http://{}{path}", network.nodes[node].http)).call().unwrap();
    (answer.status().as_u16(), answer.body_mut().read_json().unwrap())
}

#[test]
fn a_network_that_halts_says_why_and_a_validator_that_is_stopped_holds_nobody_up() {
    let mut network = Network::running(4, json!({}));
    let well = ends_with(&network, 0, &["why"]);
    assert!(well.starts_with("OK: block ") && well.contains("4 of 4 validators vote\n"), "{well}");
    assert_eq!((probe(&network, 0, "/health").0, probe(&network, 0, "/ready").0), (200, 200));
    let doctor = ends_with(&network, 0, &["doctor"]);
    let pid = network.nodes[0].pid();
    for words in
        [&format!("node_1 runs, process {pid}"), "peers          3 of 3 reached", "ms from the median of 3 peers'"]
    {
        assert!(doctor.contains(words), "{words:?} is not in\n{doctor}");
    }

    network.nodes[3].freeze();
    let began = Instant::now();
    let silent = network.pop(&["status", "--node", "node_4"]);
    let took = began.elapsed();
    assert_eq!(silent.status.code(), Some(4));
    assert!(
        text(&silent).contains("takes connections but does not answer within 3 s: hung or stopped"),
        "{}",
        text(&silent)
    );
    assert!(took < PATIENCE / 2, "it took {took:?}");
    let doctor = ends_with(&network, 3, &["doctor", "--node-id", "node_4"]);
    assert!(doctor.contains("is stopped (SIGSTOP)") && doctor.contains("kill -CONT"), "{doctor}");

    network.nodes[2].end(End::Kill);
    let halted = until("it halts for want of both", || {
        let output = network.pop(&["why"]);
        let text = text(&output);
        let both =
            text.starts_with("HALTED: 20000 of 40000 stake votes; missing node_") && text.contains("node_4 (since");
        (output.status.code() == Some(4) && both).then_some(text)
    });
    assert!(halted.contains("node_3 (since ") && halted.contains("What to do: on the machine of node_"), "{halted}");
    // Each node finds out by itself that node_4 is silent.
    let words = ["HALTED: ", "  node_2     halted", "  node_4     silent    node_4 at", "  node_3     silent"];
    until("all of them say so", || {
        let all = text(&network.pop(&["why", "--network", "."]));
        words.iter().all(|words| all.contains(words)).then_some(())
    });
    let (status, ready) = probe(&network, 0, "/ready");
    assert_eq!((status, &ready["ready"], &ready["health"]["state"]), (503, &json!(false), &json!("halted")));
    let missing = ready["health"]["missing"].as_array().unwrap();
    assert!(
        missing.iter().all(|one| one["stake"] == 10_000 && one["since"].as_str().unwrap().ends_with('Z')),
        "{ready}"
    );
    assert_eq!(probe(&network, 0, "/health").0, 200, "a network that halts is no reason to end a process");
    assert!(text(&network.pop(&["status"])).starts_with("HALTED: "));

    network.nodes[3].thaw();
    let again = ends_with(&network, 0, &["why"]);
    assert!(again.starts_with("DEGRADED: block ") && again.contains("missing node_3 (since "), "{again}");
}

#[test]
fn a_doctor_names_what_is_wrong_before_the_first_start() {
    let network = Network::new(4);
    let key = network.path("data/keys/node_1.key");
    let config: Value = serde_json::from_slice(&fs::read(network.path("config/node_1.json")).unwrap()).unwrap();
    let port = config["http"]["port"].as_u64().unwrap();
    let taken = TcpListener::bind(("127.0.0.1", u16::try_from(port).unwrap())).unwrap();
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
    let output = network.pop(&["doctor", "--config", "config/node_1.json"]);
    assert_eq!(output.status.code(), Some(3));
    let wrong = text(&output);
    let process = format!("127.0.0.1:{port} is taken by process {} (", std::process::id());
    for words in [
        "run `chmod 600 data/keys/node_1.key`",
        "mode 0644",
        &process,
        "0 of 3 reached",
        "is free: node_1 does not run",
    ] {
        assert!(wrong.contains(words), "{words:?} is not in\n{wrong}");
    }
    drop(taken);
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
    let output = network.pop(&["doctor", "--json"]);
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let failed: Vec<_> =
        report["checks"].as_array().unwrap().iter().filter(|check| check["level"] == "failure").collect();
    // Nobody else runs; all that is this machine's own is well.
    assert!(failed.len() == 1 && failed[0]["name"] == "peers", "{report:#}");
    assert_eq!((output.status.code(), &report["failures"], &report["running"]), (Some(3), &json!(1), &json!(false)));
    assert!(!network.path("data/node_1").exists(), "it makes nothing");
}

#[test]
fn a_demo_runs_until_it_is_interrupted_and_leaves_nothing_behind() {
    let temporary = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_pop"));
    command.args(["demo", "--any-ports"]).env("TMPDIR", temporary.path()).current_dir(temporary.path());
    let mut demo = Stranger(command.stdout(Stdio::piped()).spawn().unwrap());
    let (lines, said) = channel();
    let out = BufReader::new(demo.0.stdout.take().unwrap());
    std::thread::spawn(move || out.lines().map_while(Result::ok).try_for_each(|line| lines.send(line)));
    let mut all = Vec::new();
    let mut await_line = |what: &str| {
        until(what, || {
            all.extend(said.try_iter());
            all.iter().position(|line: &String| line.contains(what)).map(|_| all.join("\n"))
        })
    };
    let told = await_line("Ctrl-C ends it");
    assert!(told.contains("Pages: http://127.0.0.1:") && told.contains("  2. kill "), "{told}");
    let (_, monitor) = told.split_once("On a terminal: ").unwrap();
    let words: Vec<&str> = monitor.lines().next().unwrap().split(' ').collect();
    // What is to be typed next is typed: by the path by which this was.
    let screen = Command::new(words[0]).args(&words[1..]).output().unwrap();
    assert!(text(&screen).contains("Active Nodes: 4/4"), "{monitor}: {}", text(&screen));
    let pids: Vec<i32> = network_support::children(i32::try_from(demo.0.id()).unwrap());
    assert_eq!(pids.len(), 4);
    await_line("final    ");
    // SAFETY: a plain system call; the process is our child and not reaped yet.
    assert_eq!(unsafe { libc::kill(i32::try_from(demo.0.id()).unwrap(), libc::SIGINT) }, 0);
    await_line("The network is stopped, and its folder removed.");
    let status = until("it ends", || demo.0.try_wait().unwrap());
    assert!(status.success(), "{status}");
    assert!(pids.iter().all(|pid| !is_running(*pid)));
    assert_eq!(entries(temporary.path()), 0);
}

fn entries(folder: &Path) -> usize {
    fs::read_dir(folder).unwrap().count()
}
