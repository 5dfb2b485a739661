//! What a first user does, in the order in which it goes wrong: the advice that is printed is followed, a key is used twice,
//! proofs are submitted before there is a node, a folder, a pipe.

use serde_json::Value;
use std::fs::{self, File};
use std::io::Write;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

const TRUE: &str = "(set-info :status unsat)\n(declare-const p Bool)\n(assert (and p (not p)))\n(check-sat)\n";
const FALSE: &str = "(set-info :status unsat)\n(declare-const low Int)\n(declare-const high Int)\n(assert (= low 6))
(assert (= high (+ low 1)))\n(check-sat)\n";
/// Wide: a loaded machine must not fail a test.
const LONG: Duration = Duration::from_secs(90);

struct Folder {
    folder: TempDir,
    http: u16,
    running: Vec<Child>,
}

impl Drop for Folder {
    fn drop(&mut self) {
        for child in &mut self.running {
            _ = child.kill();
            _ = child.wait();
        }
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// The system gives a port out again that nobody listens on any more.
fn free_port_but(other: u16) -> u16 {
    std::iter::repeat_with(free_port).find(|port| *port != other).unwrap()
}

impl Folder {
    /// A network of one, which is a quorum by itself; no genesis is made yet.
    fn new() -> Folder {
        let folder = Folder { folder: tempfile::tempdir().unwrap(), http: free_port(), running: Vec::new() };
        fs::create_dir(folder.path().join("config")).unwrap();
        folder.write("config/validators.json", r#"{"validators": [{"node_id": "node_1", "stake": 10000}]}"#);
        let (port, http) = (free_port_but(folder.http), folder.http);
        folder.configure("node_1", port, http);
        folder.write("true.smt2", TRUE);
        folder.write("false.smt2", FALSE);
        folder
    }

    fn configure(&self, file: &str, port: u16, http: u16) {
        let config = format!(
            r#"{{"node_id": "node_1", "network": {{"listen_port": {port}}}, "http": {{"port": {http}}},
                "consensus": {{"idle_block_interval": 600}}}}"#
        );
        self.write(&format!("config/{file}.json"), &config);
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path().join(name), text).unwrap();
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path().join(name)).unwrap_or_default()
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_pop"));
        command.args(arguments).current_dir(self.path()).stdin(Stdio::null());
        command.env_remove("RUST_LOG").env("XDG_DATA_HOME", self.path().join("user"));
        command
    }

    /// Runs it, expects this exit code, and gives what it printed, both ways.
    fn says(&self, arguments: &[&str], code: i32) -> String {
        text_of(self.command(arguments).output().unwrap(), code)
    }

    /// Starts a validator, with its standard output in a file.
    fn starts(&mut self, arguments: &[&str]) {
        let log = File::create(self.path().join("log")).unwrap();
        let out = File::create(self.path().join("out")).unwrap();
        let child = self.command(arguments).stderr(log).stdout(out).spawn().unwrap();
        self.running.push(child);
    }

    fn runs(&self) {
        self.until("it runs", |folder| folder.read("out").contains("Current sequence"));
    }

    fn until(&self, what: &str, condition: impl Fn(&Folder) -> bool) {
        let deadline = Instant::now() + LONG;
        while !condition(self) {
            assert!(Instant::now() < deadline, "{what}: {}\n{}", self.read("out"), self.read("log"));
            std::thread::park_timeout(Duration::from_millis(20));
        }
    }
}

fn text_of(output: Output, code: i32) -> String {
    let text = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    assert_eq!(output.status.code(), Some(code), "{text}");
    text
}

#[test]
fn what_init_genesis_state_says_next_starts_the_validator_also_with_keys_elsewhere() {
    let mut folder = Folder::new();
    let said = folder.says(&["init-genesis-state", "--keys", "elsewhere"], 0);
    let next = said.lines().find_map(|line| line.strip_prefix("  pop ")).expect("a next step");
    // Without its key it says what to do; a stake that contradicts the genesis, too.
    let without = folder.says(&["start-validator", "--node-id", "node_1"], 3);
    assert!(without.contains("give --key-file"), "{without}");
    for stake in ["1", "2000"] {
        let refused = folder.says(&["start-validator", "--node-id", "node_1", "--stake", stake], 3);
        assert!(refused.contains("the genesis binds 10000: give that, or leave the stake out"), "{refused}");
    }
    folder.starts(&next.split(' ').collect::<Vec<_>>());
    folder.runs();
    let (out, http) = (folder.read("out"), folder.http);
    for words in [
        format!("pop {}: validator node_1\n  Data:    data/node_1\n  Peers:   0.0.0.0:", env!("CARGO_PKG_VERSION")),
        format!("  API:     http://127.0.0.1:{http}/v1/status\n  Page:    http://127.0.0.1:{http}/\n"),
        format!("  Metrics: http://127.0.0.1:{http}/metrics\n"),
    ] {
        assert!(out.contains(&words), "{words:?} is not in\n{out}");
    }
    let log = folder.read("log");
    assert!(log.contains("INFO first start: signing begins") && log.contains("vote history confirmed"), "{log}");
    assert!(!log.contains(" WARN "), "a healthy first start: {log}");

    // One that was restarted after another genesis is told to move its data away, and then starts.
    let mut child = folder.running.remove(0);
    interrupt(&child);
    assert!(child.wait().unwrap().success());
    assert!(folder.read("out").contains("Ctrl-C: stopping\n"), "{}", folder.read("out"));
    folder.says(&["init-genesis-state", "--keys", "elsewhere", "--force"], 0);
    let start = ["start-validator", "--node-id", "node_1", "--key-file", "elsewhere/node_1.key"];
    let refused = folder.says(&start, 3);
    assert!(refused.contains("or move the folder away"), "{refused}");
    fs::rename(folder.path().join("data/node_1"), folder.path().join("old")).unwrap();
    folder.starts(&start);
    folder.runs();
}

fn interrupt(child: &Child) {
    let killed = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(killed.success());
}

#[test]
fn a_second_process_with_the_same_key_is_refused_and_the_first_goes_on() {
    let mut folder = Folder::new();
    folder.says(&["init-genesis-state"], 0);
    folder.starts(&["start-validator", "--node-id", "node_1"]);
    folder.runs();
    let first = folder.running[0].id();
    let port = free_port();
    folder.configure("second", port, free_port_but(port));
    let second =
        ["start-validator", "--node-id", "node_1", "--config", "config/second.json", "--data-dir", "data/second"];
    let refused = folder.says(&second, 3);
    let expected = format!("error: another process ({first}) uses node_1's key, data/keys/node_1.key: stop that one");
    assert!(refused.contains(&expected), "{refused}");
    assert!(!folder.path().join("data/second").exists(), "nothing was made");
    // A killed process leaves nothing that keeps its successor out.
    let mut killed = folder.running.remove(0);
    killed.kill().unwrap();
    killed.wait().unwrap();
    folder.starts(&second);
    folder.runs();
}

#[test]
fn a_submission_waits_for_a_node_that_has_just_been_started_and_ends_with_a_sum() {
    let mut folder = Folder::new();
    folder.says(&["init-genesis-state"], 0);
    fs::create_dir(folder.path().join("proofs")).unwrap();
    folder.write("proofs/a.smt2", TRUE);
    folder.write("proofs/b.smt2", FALSE);
    folder.write("proofs/c.smt2", "(set-info :status sat)\n(declare-const p Bool)\n(assert p)\n(check-sat)\n");
    let url = format!("http://127.0.0.1:{}/", folder.http);
    let mut command = folder.command(&["submit-proof", "proofs", "--wait", "--node", &url]);
    let early = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    folder.starts(&["start-validator", "--node-id", "node_1"]);
    let said = text_of(early.wait_with_output().unwrap(), 5);
    let places = [
        "proofs/a.smt2: final in block ",
        "REFUSED proofs/b.smt2: false. 1 of 1 validators found a \
         counterexample: low = 6, high = 7\n",
        "proofs/c.smt2: final in block ",
        "2 final, 1 refused in ",
    ]
    .map(|words| said.find(words).unwrap_or_else(|| panic!("{words:?} is not in\n{said}")));
    assert!(places.is_sorted(), "in the order of the files: {said}");
    assert!(said.contains(" s (exit 5: 1 refused)\n"), "{said}");

    // What is known already is told so; as data, too.
    let again = folder.says(&["submit-proof", "proofs", "--json"], 5);
    let document: Value = serde_json::from_str(&again).unwrap();
    let states: Vec<_> = document["proofs"].as_array().unwrap().iter().map(|proof| &proof["state"]).collect();
    assert_eq!(states, ["final", "refused", "final"], "{document}");
    assert_eq!((&document["exit"], &document["counts"]["already_known"]), (&5.into(), &2.into()), "{document}");
    let id = document["proofs"][1]["proof"].as_str().unwrap();
    assert_eq!(id.len(), 64, "as data it is whole");

    // The script itself, or the beginning of an id, finds it again.
    let refusal = "false. 1 of 1 validators found a counterexample: low = 6, high = 7";
    let shown = folder.says(&["proof", "proofs/b.smt2"], 0);
    assert!(shown.starts_with(&format!("REFUSED proofs/b.smt2: {refusal}\n  proof: {}\n", &id[..12])), "{shown}");
    let shown = folder.says(&["proof", &id[..6]], 0);
    assert!(shown.starts_with(&format!("REFUSED {}: {refusal}\n", &id[..12])), "{shown}");
    let none = folder.says(&["proof", "000000"], 2);
    assert!(none.contains("no proof whose id begins with 000000 is known to node_1"), "{none}");
    let latest: Value = serde_json::from_str(&folder.says(&["block", "latest", "--json"], 0)).unwrap();
    let id = latest["id"].as_str().unwrap();
    // So many that they are no number.
    let block = folder.says(&["block", &id[..24]], 0);
    assert!(block.contains(&format!("  Id:         {}\n", &id[..12])), "{block}");

    // A pipe.
    let mut command = folder.command(&["submit-proof", "-", "--wait", "--nonce", "7"]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(TRUE.as_bytes()).unwrap();
    let said = text_of(child.wait_with_output().unwrap(), 0);
    assert!(said.contains("-: final in block "), "{said}");
}
