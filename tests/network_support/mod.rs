//! What the tests of whole networks share: validators as processes of their own, in one temporary folder.
//!
//! A network is made as an operator makes one, by `pop init-genesis-state` and a configuration file for each validator.
//! Whatever a test does, its processes end with it, and a test that fails shows how each log ends.
#![allow(dead_code)]

pub mod audit;
pub mod faults;
pub mod hostile;
pub mod latency;
pub mod misdeeds;
pub mod proofs;
pub mod refusal;

use serde_json::{Value, json};
use std::fs::{self, File};
use std::net::{SocketAddr, TcpListener};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// The longest that any condition may take on a loaded machine.
pub const PATIENCE: Duration = Duration::from_secs(60);
const REQUEST: Duration = Duration::from_secs(70);
const LOOK: Duration = Duration::from_millis(5);
/// What is shown of each log when a test fails.
const TAIL_LINES: usize = 40;

/// Four validators keep a small machine busy: one network at a time.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// Validators of one genesis, in one folder.
pub struct Network {
    pub nodes: Vec<Validator>,
    folder: TempDir,
    _turn: MutexGuard<'static, ()>,
}

/// One validator: its files, and its process while it runs.
pub struct Validator {
    pub name: String,
    pub peer_port: u16,
    pub http: SocketAddr,
    folder: PathBuf,
    process: Option<Child>,
    client: Client,
    /// Variables that its processes get besides.
    pub environment: Vec<(&'static str, PathBuf)>,
}

/// A validator's HTTP API; it may be asked from any thread.
#[derive(Clone)]
pub struct Client {
    agent: ureq::Agent,
    base: String,
}

/// A process that is no validator of the network; it ends with the test, too.
pub struct Stranger(pub Child);

impl Drop for Stranger {
    fn drop(&mut self) {
        // It may have ended by itself.
        _ = self.0.kill();
        _ = self.0.wait();
    }
}

/// How a validator may be ended.
#[derive(Debug, Clone, Copy)]
pub enum End {
    /// What Ctrl-C in a terminal sends.
    Interrupt,
    /// What a service manager sends.
    Terminate,
    /// What nobody can catch.
    Kill,
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
        let agent = ureq::Agent::config_builder().http_status_as_error(false).timeout_global(Some(REQUEST)).build();
        let agent: ureq::Agent = agent.into();
        let validator = |(index, name): (usize, &String)| Validator {
            name: name.clone(),
            peer_port: ports[index],
            http: ([127, 0, 0, 1], ports[count + index]).into(),
            folder: folder.path().into(),
            process: None,
            environment: Vec::new(),
            client: Client { agent: agent.clone(), base: format!("http://127.0.0.1:{}", ports[count + index]) },
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

impl Validator {
    /// Starts the process and waits until it answers.
    pub fn start(&mut self) {
        self.start_with(&[]);
        until(&format!("{} answers", self.name), || self.poll_status());
    }

    /// Starts the process and waits for nothing.
    pub fn start_with(&mut self, more: &[&str]) {
        assert!(self.process.is_none(), "{} runs already", self.name);
        let mut command = self.command(more);
        self.process = Some(command.spawn().unwrap());
    }

    fn command(&self, more: &[&str]) -> Command {
        let log = File::options().append(true).create(true).open(self.log_path()).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_pop"));
        command.args(["start-validator", "--node-id", &self.name]).args(more);
        command.env("NO_COLOR", "1").envs(self.environment.clone()).current_dir(&self.folder);
        command.stdout(log.try_clone().unwrap()).stderr(log);
        reset_file_size_signal(&mut command);
        command
    }

    /// Starts the process, expects it to end by itself, and returns its exit code and what it said.
    pub fn refuses_to_start(&mut self, more: &[&str]) -> (Option<i32>, String) {
        let before = self.log().len();
        self.start_with(more);
        let status = self.wait_for_end();
        (status.code(), self.log().split_off(before))
    }

    pub fn pid(&self) -> i32 {
        i32::try_from(self.process.as_ref().expect("it runs").id()).unwrap()
    }

    /// Ends the process and waits for its end.
    pub fn end(&mut self, how: End) -> ExitStatus {
        self.signal(how);
        self.wait_for_end()
    }

    /// Sends the signal only: several can so be ended at once.
    pub fn signal(&self, how: End) {
        self.send(match how {
            End::Interrupt => libc::SIGINT,
            End::Terminate => libc::SIGTERM,
            End::Kill => libc::SIGKILL,
        });
    }

    /// The process does nothing any more, but keeps its sockets: so a machine is that swaps, or is moved to another host.
    pub fn freeze(&self) {
        self.send(libc::SIGSTOP);
    }

    pub fn thaw(&self) {
        self.send(libc::SIGCONT);
    }

    fn send(&self, signal: i32) {
        // SAFETY: a plain system call; the process is our child and not reaped yet.
        assert_eq!(unsafe { libc::kill(self.pid(), signal) }, 0);
    }

    /// Whether the process has ended by itself; [`Validator::wait_for_end`] says how.
    pub fn has_ended(&mut self) -> bool {
        self.process.as_mut().expect("it was started").try_wait().unwrap().is_some()
    }

    pub fn wait_for_end(&mut self) -> ExitStatus {
        let name = self.name.clone();
        let process = self.process.as_mut().expect("it runs");
        let status = until(&format!("{name} ends"), || process.try_wait().unwrap());
        self.process = None;
        status
    }

    /// Its worker processes.
    pub fn workers(&self) -> Vec<i32> {
        children(self.pid())
    }

    pub fn data(&self, file: &str) -> PathBuf {
        self.folder.join("data").join(&self.name).join(file)
    }

    fn log_path(&self) -> PathBuf {
        self.folder.join(format!("{}.log", self.name))
    }

    pub fn log(&self) -> String {
        String::from_utf8_lossy(&fs::read(self.log_path()).unwrap_or_default()).into_owned()
    }

    fn log_tail(&self) -> String {
        let log = self.log();
        let lines: Vec<_> = log.lines().collect();
        lines[lines.len().saturating_sub(TAIL_LINES)..].join("\n")
    }

    pub fn client(&self) -> Client {
        self.client.clone()
    }

    pub fn try_get(&self, path: &str) -> Option<Value> {
        self.client.try_get(path)
    }

    pub fn get(&self, path: &str) -> Value {
        self.client.get(path)
    }

    pub fn post(&self, path: &str, body: &Value) -> Option<(u16, Value)> {
        self.client.post(path, body)
    }

    /// Its status, or nothing yet; a validator that has ended meanwhile fails the test.
    pub fn poll_status(&mut self) -> Option<Value> {
        if let Some(status) = self.process.as_mut().expect("it runs").try_wait().unwrap() {
            let code = (status.code(), status.signal());
            self.process = None;
            panic!("{} has ended by itself: {code:?}", self.name);
        }
        self.try_get("/v1/status")
    }

    pub fn status(&mut self) -> Value {
        let name = self.name.clone();
        until(&format!("{name} tells its status"), || self.poll_status())
    }

    pub fn waiting_for(&mut self) -> Option<String> {
        self.status()["waiting_for"].as_str().map(str::to_owned)
    }

    pub fn sequence(&mut self) -> u64 {
        self.status()["current_sequence"].as_u64().unwrap()
    }

    pub fn metric(&self, name: &str) -> f64 {
        self.client.metric(name)
    }

    /// Every final block from a sequence on.
    pub fn blocks(&self, from: u64) -> Vec<Value> {
        let mut blocks = Vec::new();
        let mut next = from;
        loop {
            let answer = self.get(&format!("/v1/blocks?from={next}"));
            let some = answer["blocks"].as_array().unwrap();
            if some.is_empty() {
                return blocks;
            }
            blocks.extend(some.iter().cloned());
            next = answer["next"].as_u64().unwrap();
        }
    }
}

impl Client {
    /// The answer of the API, unless nobody answers.
    pub fn try_get(&self, path: &str) -> Option<Value> {
        let mut answer = self.agent.get(format!("{}{path}", self.base)).call().ok()?;
        answer.status().is_success().then(|| answer.body_mut().read_json().unwrap())
    }

    pub fn get(&self, path: &str) -> Value {
        self.try_get(path).unwrap_or_else(|| panic!("{}{path} does not answer", self.base))
    }

    pub fn post(&self, path: &str, body: &Value) -> Option<(u16, Value)> {
        let mut answer = self.agent.post(format!("{}{path}", self.base)).send_json(body).ok()?;
        Some((answer.status().as_u16(), answer.body_mut().read_json().ok()?))
    }

    /// A counter of `/metrics`, 0 while it has not counted.
    pub fn metric(&self, name: &str) -> f64 {
        self.metric_with(name, "")
    }

    /// The same, of those series only that have this label.
    pub fn metric_with(&self, name: &str, label: &str) -> f64 {
        let mut answer = self.agent.get(format!("{}/metrics", self.base)).call().unwrap();
        let text = answer.body_mut().read_to_string().unwrap();
        let lines = text.lines().filter(|line| line.starts_with(name) && line.contains(label));
        lines.filter_map(|line| line.rsplit_once(' ')?.1.parse::<f64>().ok()).sum()
    }
}

/// A write beyond the limit on file sizes then fails, as on a full disk, instead of ending the process.
fn reset_file_size_signal(command: &mut Command) {
    use std::os::unix::process::CommandExt;
    // SAFETY: between fork and exec, a call that is safe there.
    unsafe {
        command.pre_exec(|| {
            libc::signal(libc::SIGXFSZ, libc::SIG_IGN);
            Ok(())
        });
    }
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

/// The processes that one started and that have not ended.
pub fn children(parent: i32) -> Vec<i32> {
    let processes = fs::read_dir("/proc").unwrap();
    let numbers = processes.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    numbers.filter(|&pid| is_running(pid) && field(pid, 1) == u64::try_from(parent).ok()).collect()
}

/// Whether a process is there and has not ended: one that nobody has reaped yet has.
pub fn is_running(pid: i32) -> bool {
    let status = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    status.rsplit_once(')').is_some_and(|(_, rest)| !rest.trim_start().starts_with(['Z', 'X']))
}

/// User and system time of a process, in hundredths of a second.
pub fn processor_ticks(pid: i32) -> Option<u64> {
    Some(field(pid, 11)? + field(pid, 12)?)
}

fn field(pid: i32, index: usize) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    status.rsplit_once(')')?.1.split_whitespace().nth(index)?.parse().ok()
}

/// Flips the bits of one byte of a file.
pub fn damage(path: &Path, at: impl FnOnce(&[u8]) -> usize) {
    let mut bytes = fs::read(path).unwrap();
    let at = at(&bytes);
    bytes[at] ^= 0xff;
    fs::write(path, bytes).unwrap();
}
