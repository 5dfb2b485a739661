//! What the tests of whole networks share: validators as processes of their own, in one temporary folder.
//!
//! A network is made as an operator makes one, by `pop init-genesis-state` and a configuration file for each validator.
//! Whatever a test does, its processes end with it, and a test that fails shows how each log ends.
// Each test uses a part of it.
#![allow(dead_code, unused_imports)]

pub mod audit;
mod client;
pub mod faults;
pub mod hostile;
pub mod latency;
pub mod misdeeds;
mod processes;
pub mod proofs;
pub mod refusal;
mod validator;

pub use client::Client;
pub use processes::{Stranger, children, is_running, processor_ticks};
pub use validator::{End, Validator};

use serde_json::{Value, json};
use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// The longest that any condition may take on a loaded machine.
pub const PATIENCE: Duration = Duration::from_secs(60);
const LOOK: Duration = Duration::from_millis(5);

/// Four validators keep a small machine busy: one network at a time.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// Validators of one genesis, in one folder.
pub struct Network {
    pub nodes: Vec<Validator>,
    folder: TempDir,
    _turn: MutexGuard<'static, ()>,
}

impl Network {
    /// Makes genesis, keys and configurations for `count` validators of equal stake, and starts nothing.
    pub fn new(count: usize) -> Network {
        Network::with(count, json!({}))
    }

    /// The same, with these sections in everybody's configuration besides the ports.
    pub fn with(count: usize, sections: Value) -> Network {
        // A test that failed while it had its turn harms no other.
        let turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("config")).unwrap();
        let names: Vec<_> = (1..=count).map(|number| format!("node_{number}")).collect();
        // Free a moment ago; all are held until all are chosen.
        let held: Vec<_> = (0..2 * count).map(|_| TcpListener::bind("127.0.0.1:0").unwrap()).collect();
        let ports: Vec<_> = held.iter().map(|listener| listener.local_addr().unwrap().port()).collect();
        let peers: Vec<_> = names.iter().zip(&ports).map(|(name, port)| peer(name, *port)).collect();
        for (index, name) in names.iter().enumerate() {
            let mut config = sections.clone();
            config["node_id"] = json!(name);
            config["network"] =
                json!({"listen_address": "127.0.0.1", "listen_port": ports[index], "bootstrap_peers": peers});
            config["http"] = json!({"port": ports[count + index]});
            fs::write(folder.path().join(format!("config/{name}.json")), config.to_string()).unwrap();
        }
        let agent = client::agent();
        let validator = |(index, name): (usize, &String)| Validator {
            name: name.clone(),
            peer_port: ports[index],
            http: ([127, 0, 0, 1], ports[count + index]).into(),
            folder: folder.path().into(),
            process: None,
            environment: Vec::new(),
            client: Client::new(&agent, ports[count + index]),
        };
        let nodes = names.iter().enumerate().map(validator).collect();
        let network = Network { nodes, folder, _turn: turn };
        network.make_genesis("data/genesis_state.json");
        network
    }

    /// Makes a genesis of these validators; each one made is another network.
    pub fn make_genesis(&self, path: &str) {
        let validator = |node: &Validator| json!({"node_id": node.name, "stake": 10_000, "initial_balance": 0});
        let validators: Vec<_> = self.nodes.iter().map(validator).collect();
        fs::write(self.path("config/validators.json"), json!({"validators": validators}).to_string()).unwrap();
        let made = self.pop(&["init-genesis-state", "--validators", "config/validators.json", "--output", path]);
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    }

    /// Four validators, or so, all of which are connected and sign.
    pub fn running(count: usize, sections: Value) -> Network {
        let mut network = Network::with(count, sections);
        network.start_all();
        network
    }

    /// Starts whoever does not run, and waits until everybody signs and is connected to everybody.
    pub fn start_all(&mut self) {
        self.nodes.iter_mut().filter(|node| node.process.is_none()).for_each(Validator::start);
        let others = self.nodes.len() - 1;
        for node in &mut self.nodes {
            until(&format!("{} signs, connected to all", node.name), || {
                let status = node.poll_status()?;
                (status["waiting_for"].is_null() && status["connected_peers"] == others).then_some(())
            });
        }
    }

    pub fn path(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    /// Runs `pop` in the network's folder.
    pub fn pop(&self, arguments: &[&str]) -> Output {
        self.pop_command(arguments).output().unwrap()
    }

    /// The program in the network's folder, with a user's directories of its own.
    pub fn pop_command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_pop"));
        command.args(arguments).current_dir(self.folder.path()).stdin(Stdio::null());
        command.env("XDG_CACHE_HOME", self.path("user/cache")).env("XDG_DATA_HOME", self.path("user/data"));
        command.env_remove("POP_NODE").env_remove("GITHUB_ACTIONS");
        command
    }

    pub fn chain(&self) -> protocol::types::Hash {
        let genesis: Value = serde_json::from_slice(&fs::read(self.path("data/genesis_state.json")).unwrap()).unwrap();
        genesis["chain_id"].as_str().unwrap().parse().unwrap()
    }

    /// The highest final sequence of everybody who runs, once they all have it.
    pub fn settle(&mut self) -> u64 {
        let mut nodes: Vec<_> = self.nodes.iter_mut().filter(|node| node.process.is_some()).collect();
        let highest = nodes.iter_mut().map(|node| node.sequence()).max().unwrap_or(0);
        for node in nodes {
            until(&format!("{} has block {highest}", node.name), || (node.sequence() >= highest).then_some(()));
        }
        highest
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        let failed = std::thread::panicking();
        for node in &mut self.nodes {
            if let Some(process) = &mut node.process {
                // It may have ended by itself.
                _ = process.kill();
                _ = process.wait();
            }
            if failed {
                eprintln!("--- {} ends with:\n{}", node.name, node.log_tail());
            }
        }
    }
}

fn peer(name: &str, port: u16) -> Value {
    json!({"node_id": name, "address": format!("127.0.0.1:{port}")})
}

/// Waits for a condition, and fails by its name when it never comes.
pub fn until<T>(what: &str, mut condition: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(value) = condition() {
            return value;
        }
        assert!(Instant::now() < deadline, "waited {PATIENCE:?} for: {what}");
        std::thread::park_timeout(LOOK);
    }
}

/// Prints past the test harness, which keeps what a passing test prints.
pub fn say(text: std::fmt::Arguments<'_>) {
    use std::io::Write;
    std::io::stdout().write_all(format!("{text}\n").as_bytes()).unwrap();
}

/// Flips the bits of one byte of a file.
pub fn damage(path: &Path, at: impl FnOnce(&[u8]) -> usize) {
    let mut bytes = fs::read(path).unwrap();
    let at = at(&bytes);
    bytes[at] ^= 0xff;
    fs::write(path, bytes).unwrap();
}
