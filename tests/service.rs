//! The validator as a service: its unit as systemd's own checks see it, and what it tells a service manager, on a real socket.

mod network_support;

use network_support::{End, Network, say, until};
use std::collections::VecDeque;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

/// Tenths of systemd's rating, where 100 is a service without any restriction.
const EXPOSURE_MAX: &str = "29";
/// In the environment; half of it is between two signs of life.
const WATCHDOG_MICROSECONDS: &str = "2000000";
const WATCHDOG: Duration = Duration::from_secs(2);
const DEADLINE: Duration = Duration::from_secs(120);

/// The unit as it is installed, but for the program's place, as the instance of a validator.
fn unit(folder: &Path) -> PathBuf {
    let text = std::fs::read_to_string("config/systemd/proof-of-proof@.service").unwrap();
    assert!(text.contains("ExecStart=/usr/local/bin/pop start-validator"));
    let text = text.replace("/usr/local/bin/pop", env!("CARGO_BIN_EXE_pop"));
    let path = folder.join("proof-of-proof@node_1.service");
    std::fs::write(&path, text).unwrap();
    path
}

fn analyze(arguments: &[&str], unit: &Path) -> Option<Output> {
    let output = Command::new("systemd-analyze").args(arguments).arg(unit).output();
    if output.is_err() {
        say(format_args!("NOT RUN: the check of the systemd unit: there is no systemd-analyze here"));
    }
    output.ok()
}

#[test]
fn systemd_finds_nothing_wrong_with_the_unit() {
    let folder = tempfile::tempdir().unwrap();
    let Some(Output { status, stdout, stderr }) = analyze(&["verify", "--man=no"], &unit(folder.path())) else {
        return;
    };
    let said = String::from_utf8_lossy(&stdout) + String::from_utf8_lossy(&stderr);
    let ours: Vec<&str> = said.lines().filter(|line| line.contains("proof-of-proof")).collect();
    assert!(status.success() && ours.is_empty(), "{said}");
}

#[test]
fn systemd_rates_the_unit_as_little_exposed() {
    let folder = tempfile::tempdir().unwrap();
    let arguments = ["security", "--offline=true", "--no-pager", "--threshold", EXPOSURE_MAX];
    let Some(Output { status, stdout, stderr }) = analyze(&arguments, &unit(folder.path())) else { return };
    let said = String::from_utf8_lossy(&stdout);
    let rated = said.lines().find(|line| line.contains("Overall exposure level"));
    let rated = rated.unwrap_or_else(|| panic!("{said}{}", String::from_utf8_lossy(&stderr)));
    say(format_args!("{rated}"));
    assert!(status.success(), "{said}");
}

/// A service manager's end of the socket.
struct Manager {
    socket: UnixDatagram,
    heard: VecDeque<String>,
}

impl Manager {
    fn hear(&mut self, wait: Duration) -> Option<String> {
        if let Some(line) = self.heard.pop_front() {
            return Some(line);
        }
        self.socket.set_read_timeout(Some(wait)).unwrap();
        let mut buffer = [0; 4096];
        let length = self.socket.recv(&mut buffer).ok()?;
        self.heard.extend(String::from_utf8_lossy(&buffer[..length]).lines().map(str::to_owned));
        self.heard.pop_front()
    }

    /// Everything that has arrived.
    fn rest(&mut self) -> Vec<String> {
        std::iter::from_fn(|| self.hear(Duration::from_millis(1))).collect()
    }

    /// Waits for one line, and gives back those before it.
    fn await_line(&mut self, line: &str) -> Vec<String> {
        let (end, mut before) = (Instant::now() + DEADLINE, Vec::new());
        while Instant::now() < end {
            match self.hear(Duration::from_secs(1)) {
                Some(heard) if heard == line => return before,
                heard => before.extend(heard),
            }
        }
        panic!("{line} was not told within {DEADLINE:?}, but {before:?}");
    }
}

#[test]
fn a_service_manager_hears_that_the_validator_runs_lives_and_stops() {
    let mut network = Network::new(1);
    let path = network.path("notify");
    let mut manager = Manager { socket: UnixDatagram::bind(&path).unwrap(), heard: VecDeque::new() };
    let node = &mut network.nodes[0];
    node.environment = vec![("NOTIFY_SOCKET", path), ("WATCHDOG_USEC", WATCHDOG_MICROSECONDS.into())];
    node.start();
    manager.await_line("READY=1");
    manager.await_line("STATUS=node_1 runs, with 0 peers connected");
    for _ in 0..3 {
        manager.await_line("WATCHDOG=1");
    }

    // A process that stands still gives no sign of life, and systemd would end it.
    node.freeze();
    until("it stands still", || {
        let state = std::fs::read_to_string(format!("/proc/{}/stat", node.pid())).unwrap_or_default();
        (state.contains(") T ") || cfg!(not(target_os = "linux"))).then_some(())
    });
    // What was told before is in the socket still.
    manager.rest();
    let heard = manager.hear(WATCHDOG * 2);
    assert_eq!(heard, None, "a process that stands still says nothing");
    node.thaw();
    manager.await_line("WATCHDOG=1");

    assert!(node.end(End::Terminate).success());
    let rest = manager.rest();
    assert!(rest.contains(&"STOPPING=1".to_owned()) && !rest.contains(&"READY=1".to_owned()), "{rest:?}");
}
