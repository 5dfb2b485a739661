//! One validator of a network: its process, its log and its files.

use super::client::Client;
use super::processes::children;
use super::until;
use serde_json::Value;
use std::fs::{self, File};
use std::net::SocketAddr;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus};

/// What is shown of each log when a test fails.
const TAIL_LINES: usize = 40;

/// One validator: its files, and its process while it runs.
pub struct Validator {
    pub name: String,
    pub peer_port: u16,
    pub http: SocketAddr,
    pub(super) folder: PathBuf,
    pub(super) process: Option<Child>,
    pub(super) client: Client,
    /// Variables that its processes get besides.
    pub environment: Vec<(&'static str, PathBuf)>,
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

    pub(super) fn log_tail(&self) -> String {
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
