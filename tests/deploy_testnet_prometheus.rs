//! `pop deploy-testnet --prometheus`: the files that it writes, and the real Prometheus that it starts, which looks at every
//! validator, knows the project's rules, and is gone with the testnet however that ends.

mod network_support;
mod observability_support;
mod yaml;

use network_support::{Stranger, is_running, say, until};
use observability_support::servers::{Api, Program, free_port};
use serde_json::Value;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

const DEADLINE: Duration = Duration::from_secs(60);
const PROOF: &str = "(set-info :status unsat)\n(declare-const x Int)\n(assert (and (> x 1) (< x 1)))\n(check-sat)\n";

/// A folder in which a testnet is run, with the project's rules in their place.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("true.smt2"), PROOF).unwrap();
    let rules = Path::new(env!("CARGO_MANIFEST_DIR")).join("grafana");
    std::os::unix::fs::symlink(rules, folder.path().join("grafana")).unwrap();
    folder
}

fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pop"));
    command.current_dir(folder).args(["deploy-testnet", "--nodes", "4", "--proofs", "true.smt2", "--rate", "5"]);
    command.args(["--output", "report.json", "--prometheus"]).args(arguments);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Puts the real program where a testnet looks for it.
fn install(folder: &Path, test: &str) -> bool {
    match Program::Prometheus.find() {
        Ok(program) => {
            std::fs::create_dir_all(folder.join(".prometheus/bin")).unwrap();
            std::os::unix::fs::symlink(program, folder.join(".prometheus/bin/prometheus")).unwrap();
            true
        }
        Err(why) => {
            say(format_args!("NOT RUN: {test}: {why}"));
            false
        }
    }
}

/// A testnet that runs for an hour unless it is ended, and what it says.
struct Testnet {
    process: Stranger,
    lines: Receiver<String>,
}

impl Testnet {
    fn start(folder: &Path, port: u16) -> Testnet {
        let mut process = command(folder, &["--duration", "1", "--prometheus-port", &port.to_string()]);
        let mut process = process.spawn().unwrap();
        let (sender, lines) = channel();
        let out = BufReader::new(process.stdout.take().unwrap());
        // It ends with the testnet's output.
        std::thread::spawn(move || out.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
        Testnet { process: Stranger(process), lines }
    }

    fn hear(&self, words: &str) -> String {
        let mut said = Vec::new();
        while let Ok(line) = self.lines.recv_timeout(DEADLINE) {
            if line.contains(words) {
                return line;
            }
            said.push(line);
        }
        panic!("{words:?} was not said:\n{}", said.join("\n"));
    }

    fn pid(&self) -> i32 {
        i32::try_from(self.process.0.id()).unwrap()
    }

    /// Its Prometheus' process.
    fn prometheus(&self) -> i32 {
        let name = |pid: &i32| std::fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
        let children = network_support::children(self.pid());
        children.into_iter().find(|pid| name(pid).trim() == "prometheus").expect("its Prometheus runs")
    }
}

fn signal(signal: i32, pid: i32) {
    // SAFETY: a plain system call.
    assert_eq!(unsafe { libc::kill(pid, signal) }, 0);
}

fn texts(value: &Value) -> Vec<String> {
    let mut texts: Vec<_> = value.as_array().unwrap().iter().map(|text| text.as_str().unwrap().to_owned()).collect();
    texts.sort();
    texts
}

#[test]
fn where_there_is_no_prometheus_a_line_says_so_and_the_files_are_written_all_the_same() {
    let folder = folder();
    // Nothing of it is on this path.
    let output = command(folder.path(), &["--until-done"]).env("PATH", folder.path()).output().unwrap();
    let (out, error) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{out}\n{error}");
    let said: Vec<_> = out.lines().filter(|line| line.contains("Prometheus")).collect();
    let config = "data/testnet/prometheus/prometheus.yml";
    let expected = "There is no Prometheus here (no .prometheus/bin/prometheus, none on the PATH; make setup fetches one on Debian and Ubuntu); \
         its configuration is ";
    assert_eq!(said, [format!("{expected}{config}")]);

    let path = |name: &str| folder.path().join("data/testnet").join(name);
    let read = |name: &str| serde_json::from_slice::<Value>(&std::fs::read(path(name)).unwrap()).unwrap();
    let http = |node| format!("127.0.0.1:{}", read(&format!("config/node_{node}.json"))["http"]["port"]);
    let mut expected: Vec<_> = (1..=4).map(http).collect();
    expected.sort();
    assert_eq!(texts(&read("prometheus/targets.json")[0]["targets"]), expected);
    let text = std::fs::read_to_string(folder.path().join(config)).unwrap();
    assert!(text.contains("job_name: pop\n") && text.contains("scrape_interval: 1s\n"), "{text}");
}

#[test]
fn one_command_shows_a_live_system_and_leaves_nothing_running() {
    let folder = folder();
    if !install(folder.path(), "a testnet beside a Prometheus") {
        return;
    }
    let port = free_port();
    let testnet = Testnet::start(folder.path(), port);
    let url = format!("http://127.0.0.1:{port}");
    testnet.hear(&format!("Prometheus: {url} (data/testnet/prometheus/prometheus.yml)"));
    let api = Api::at(&url);
    until("Prometheus has looked at four validators whose blocks become final", || {
        let up = api.query("sum(up{job=\"pop\"})").ok()?.first()?.value;
        let blocks = api.query("min(pop_consensus_blocks_final_total{job=\"pop\"})").ok()?.first()?.value;
        (up == 4.0 && blocks > 2.0).then_some(())
    });
    let rules = api.rules();
    let alerts = rules.iter().filter(|rule| rule.alert).count();
    assert!(alerts > 0 && rules.len() > alerts, "the project's rules are there: {rules:?}");

    let prometheus = testnet.prometheus();
    signal(libc::SIGINT, testnet.pid());
    testnet.hear("The network is stopped");
    assert!(!is_running(prometheus), "it is stopped before the report");
}

#[test]
fn a_prometheus_ends_with_a_testnet_that_is_killed() {
    if !cfg!(target_os = "linux") {
        return say(format_args!("NOT RUN: a killed testnet's Prometheus: it is Linux that ends it"));
    }
    let folder = folder();
    if !install(folder.path(), "a killed testnet's Prometheus") {
        return;
    }
    let testnet = Testnet::start(folder.path(), free_port());
    testnet.hear("Prometheus: http");
    let prometheus = testnet.prometheus();
    signal(libc::SIGKILL, testnet.pid());
    until("its Prometheus has ended, too", || (!is_running(prometheus)).then_some(()));
}

#[test]
fn a_prometheus_that_ends_early_is_told_of_and_the_network_goes_on() {
    let folder = folder();
    if !install(folder.path(), "a Prometheus that ends early") {
        return;
    }
    let testnet = Testnet::start(folder.path(), free_port());
    testnet.hear("Prometheus: http");
    signal(libc::SIGKILL, testnet.prometheus());
    let line = testnet.hear("Prometheus has ended");
    let log = "its log is data/testnet/prometheus/prometheus.log";
    assert_eq!(line, format!("Prometheus has ended: signal: 9 (SIGKILL); {log}"));
    testnet.hear("final    true.smt2");
}

/// Takes connections and never answers, and notes that it was asked.
const SILENT: &str = r#"#!/usr/bin/env python3
import socket, sys
address = next(word for word in sys.argv if word.startswith("--web.listen-address=")).split("=")[1]
server = socket.create_server((address.split(":")[0], int(address.split(":")[1])))
connections = []
while True:
    connections.append(server.accept())
    open("asked", "w").close()
"#;

#[test]
fn ctrl_c_while_prometheus_starts_ends_everything() {
    if Command::new("python3").arg("--version").output().is_err() {
        return say(format_args!("NOT RUN: Ctrl-C while Prometheus starts: there is no python3 to stand in for it"));
    }
    let folder = folder();
    let program = folder.path().join(".prometheus/bin/prometheus");
    std::fs::create_dir_all(program.parent().unwrap()).unwrap();
    std::fs::write(&program, SILENT).unwrap();
    std::fs::set_permissions(&program, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let mut testnet = Testnet::start(folder.path(), free_port());
    until("Prometheus is asked whether it is ready", || folder.path().join("asked").exists().then_some(()));
    let children = network_support::children(testnet.pid());
    assert_eq!(children.len(), 5, "four validators and Prometheus");
    let asked = Instant::now();
    signal(libc::SIGINT, testnet.pid());
    let status = until("the testnet has ended", || testnet.process.0.try_wait().unwrap());
    let took = asked.elapsed();
    let mut error = String::new();
    testnet.process.0.stderr.take().unwrap().read_to_string(&mut error).unwrap();
    assert_eq!(status.code(), Some(130), "{error}");
    assert!(error.contains("interrupted while Prometheus started; the network is stopped"), "{error}");
    assert!(took < Duration::from_secs(30), "it waits for no answer: {took:?}");
    assert!(!children.into_iter().any(is_running), "nothing is left running");
}

#[test]
fn a_taken_port_and_a_prometheus_that_does_not_start_are_named() {
    let folder = folder();
    if !install(folder.path(), "a Prometheus that cannot start") {
        return;
    }
    let refused = |port: u16, words: &[&str]| {
        let output =
            command(folder.path(), &["--until-done", "--prometheus-port", &port.to_string()]).output().unwrap();
        let Output { status, stdout, stderr } = output;
        let (out, error) = (String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
        assert_eq!(status.code(), Some(3), "{out}\n{error}");
        words.iter().for_each(|word| assert!(error.contains(word), "{word:?} is not in: {error}"));
    };
    let held = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = held.local_addr().unwrap().port();
    refused(port, &[&format!("port {port} of 127.0.0.1 is taken"), "--prometheus-port"]);
    assert!(!folder.path().join("data/testnet").exists(), "nothing was made");
    drop(held);

    // A rule that is none.
    std::fs::remove_file(folder.path().join("grafana")).unwrap();
    std::fs::create_dir_all(folder.path().join("grafana/prometheus")).unwrap();
    std::fs::write(folder.path().join("grafana/prometheus/alerts.yml"), "groups: none\n").unwrap();
    refused(free_port(), &["Prometheus ended at its start (exit status: ", "alerts.yml"]);
}
