//! `pop deploy-testnet` starts validator processes that die again, and those that a restart cannot mend not: real processes,
//! real signals, real damage.

use serde_json::Value;
use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

const DEADLINE: Duration = Duration::from_secs(120);

/// A running testnet of four with one proof, again and again; node_4 is the one that things happen to.
struct Testnet {
    folder: tempfile::TempDir,
    process: Child,
    lines: Receiver<String>,
    said: Vec<String>,
}

impl Testnet {
    /// None, and a line that says so, where it cannot be run.
    fn start(test: &str) -> Option<Testnet> {
        if !cfg!(target_os = "linux") {
            println!("NOT RUN: {test}: finding a validator's process needs /proc");
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let proof = "(set-info :status unsat)\n(declare-const x Int)\n(assert (and (> x 1) (< x 1)))\n(check-sat)\n";
        std::fs::write(folder.path().join("true.smt2"), proof).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_pop"));
        command.current_dir(folder.path()).args([
            "deploy-testnet",
            "--nodes",
            "4",
            "--proofs",
            "true.smt2",
            "--rate",
            "5",
        ]);
        command.args(["--duration", "1", "--output", "report.json"]);
        let mut process = command.stdout(Stdio::piped()).spawn().unwrap();
        let (sender, lines) = channel();
        let out = BufReader::new(process.stdout.take().unwrap());
        // It ends with the testnet's output.
        std::thread::spawn(move || out.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
        let mut testnet = Testnet { folder, process, lines, said: Vec::new() };
        testnet.hear("A quorum is connected");
        Some(testnet)
    }

    /// Waits for a line with these words.
    fn hear(&mut self, words: &str) -> String {
        let end = Instant::now() + DEADLINE;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            let line = self.lines.recv_timeout(left);
            let line = line.unwrap_or_else(|_| panic!("{words:?} was not said:\n{}", self.said.join("\n")));
            self.said.push(line.clone());
            if line.contains(words) {
                return line;
            }
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join("data/testnet").join(name)
    }

    /// The process of node_4.
    fn node_4(&self) -> u32 {
        let folder = self.folder.path().file_name().unwrap().to_str().unwrap().to_owned();
        let is_it = |pid: &u32| {
            let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            let line = String::from_utf8_lossy(&line);
            line.contains("start-validator\0--until-stdin-ends\0--node-id\0node_4") && line.contains(&folder)
        };
        let number = |entry: std::io::Result<std::fs::DirEntry>| entry.ok()?.file_name().to_str()?.parse().ok();
        // The kernel shows the arguments a moment after the program was started.
        let mut found = None;
        until("node_4 runs", || {
            found = std::fs::read_dir("/proc").unwrap().filter_map(number).find(is_it);
            found.is_some()
        });
        found.unwrap()
    }

    fn kill_node_4(&self) {
        signal("-KILL", self.node_4());
    }

    fn api(&self, node: &str, what: &str) -> Option<Value> {
        let config: Value = read_json(&self.path(&format!("config/{node}.json")));
        let url = format!("http://127.0.0.1:{}{what}", config["http"]["port"]);
        // A node that is just starting does not answer.
        ureq::get(url).call().ok()?.body_mut().read_json().ok()
    }

    fn height(&self) -> u64 {
        self.api("node_1", "/v1/status").unwrap()["current_sequence"].as_u64().unwrap()
    }

    /// Ends it as Ctrl-C would, and reads its report.
    fn end(&mut self) -> Value {
        signal("-INT", self.process.id());
        while let Ok(line) = self.lines.recv_timeout(DEADLINE) {
            self.said.push(line);
        }
        assert!(self.process.wait().unwrap().success(), "{}", self.said.join("\n"));
        read_json(&self.folder.path().join("report.json"))
    }

    fn log_of_node_4(&self) -> String {
        std::fs::read_to_string(self.path("logs/node_4.log")).unwrap()
    }
}

impl Drop for Testnet {
    fn drop(&mut self) {
        // Its validators end with it.
        _ = self.process.kill();
        _ = self.process.wait();
    }
}

fn signal(signal: &str, process: u32) {
    assert!(Command::new("kill").args([signal, &process.to_string()]).status().unwrap().success());
}

fn read_json(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let end = Instant::now() + DEADLINE;
    while !holds() {
        assert!(Instant::now() < end, "not within {DEADLINE:?}: {what}");
        std::thread::park_timeout(Duration::from_millis(20));
    }
}

#[test]
fn a_killed_validator_comes_back_and_signs_again() {
    let Some(mut testnet) = Testnet::start("a killed validator comes back") else { return };
    let before = testnet.node_4();
    testnet.kill_node_4();
    testnet.hear("validator node_4 has ended: signal: 9 (SIGKILL); started again in ");
    testnet.hear("validator node_4 is started again: process ");
    assert_ne!(testnet.node_4(), before);
    let height = testnet.height();
    let mut proposers = BTreeSet::new();
    let mut next = height + 1;
    until("it proposes a block that becomes final, which its own signature is needed for", || {
        let answer = testnet.api("node_1", &format!("/v1/blocks?from={next}&wait=1")).unwrap();
        next = answer["next"].as_u64().unwrap();
        let blocks = answer["blocks"].as_array().unwrap();
        proposers.extend(blocks.iter().filter_map(|block| block["proposer"].as_str().map(str::to_owned)));
        proposers.contains("node_4")
    });
    let report = testnet.end();
    assert_eq!(report["metrics"]["node_failures"], 1);
    assert_eq!(report["figures"]["restarts"], 1);
    let issue = "node_4 ended unasked: signal: 9 (SIGKILL); started again; its log says why";
    assert_eq!(report["issues"][0], issue);
    let log = testnet.log_of_node_4();
    assert!(log.contains("--- validator node_4 has ended: signal: 9 (SIGKILL); started again in "), "{log}");
    assert!(log.contains("--- started again as process ") && log.contains(", restart 1"), "{log}");
}

#[test]
fn a_validator_whose_configuration_was_damaged_meanwhile_is_not_started_for_ever() {
    let Some(mut testnet) = Testnet::start("a validator with a damaged configuration") else { return };
    std::fs::write(testnet.path("config/node_4.json"), "{").unwrap();
    testnet.kill_node_4();
    testnet.hear("validator node_4 is started again");
    let stays = "exit status: 3; not started again: a restart does not mend exit code 3";
    testnet.hear(&format!("validator node_4 has ended: {stays}"));
    // The others go on.
    let height = testnet.height();
    until("blocks become final", || testnet.height() > height + 2);
    let report = testnet.end();
    assert_eq!(report["metrics"]["node_failures"], 2);
    assert_eq!(report["figures"]["restarts"], 1);
    let issue = format!("node_4 ended unasked 2 times, the last time: {stays}; its log says why");
    assert_eq!(report["issues"][0], issue);
}

#[test]
fn a_validator_whose_data_are_damaged_is_not_started_for_ever() {
    let Some(mut testnet) = Testnet::start("a validator with damaged data") else { return };
    let height = testnet.height();
    until("there is something to damage", || testnet.height() > height + 2);
    // Stopped, it writes nothing meanwhile; it is killed before it could.
    signal("-STOP", testnet.node_4());
    let log = testnet.path("node_4/votes.log");
    let mut bytes = std::fs::read(&log).unwrap();
    // In the first record, which is never torn.
    bytes[20] ^= 0xff;
    std::fs::write(log, bytes).unwrap();
    testnet.kill_node_4();
    testnet.hear("has ended: exit status: 8; not started again: a restart does not mend exit code 8");
    let report = testnet.end();
    let issue = report["issues"][0].as_str().unwrap();
    assert!(issue.contains("exit status: 8; not started again: a restart does not mend exit code 8"), "{issue}");
}

#[test]
fn a_validator_that_ends_again_and_again_is_given_up() {
    let Some(mut testnet) = Testnet::start("the limit of restarts") else { return };
    for restart in 1..=5 {
        testnet.kill_node_4();
        testnet.hear(&format!(", restart {restart}"));
    }
    testnet.kill_node_4();
    let given_up = "signal: 9 (SIGKILL); given up after 5 restarts within 60 s";
    testnet.hear(&format!("validator node_4 has ended: {given_up}"));
    let report = testnet.end();
    assert_eq!(report["metrics"]["node_failures"], 6);
    assert_eq!(report["figures"]["restarts"], 5);
    let issue = format!("node_4 ended unasked 6 times, the last time: {given_up}; its log says why");
    assert_eq!(report["issues"][0], issue);
    assert_eq!(report["stability"]["network_health"], "DEGRADED");
}

#[test]
fn a_validator_that_somebody_stops_stays_stopped() {
    let Some(mut testnet) = Testnet::start("a validator that somebody stops") else { return };
    // Without one proof's verdict the testnet itself would say that it came to none.
    let height = testnet.height();
    until("the proof has ended", || testnet.height() > height + 2);
    signal("-TERM", testnet.node_4());
    testnet.hear("validator node_4 has ended: exit status: 0; not started again: somebody asked it to stop");
    assert_eq!(testnet.end()["figures"]["restarts"], 0);
}
