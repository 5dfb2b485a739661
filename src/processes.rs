//! Processes on this machine, as far as faults are done to them: a validator's, and its workers'. Linux only.
//!
//! A signal goes through a handle of the process and never by its number alone: the handle is opened first, then it is looked
//! again whether the process is the one that is meant, and a number that was given to another process since reaches nobody.

use std::fs;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::sync::Arc;

/// The worker's program, as the kernel shows its name.
const WORKER_NAME: &str = "pop-verifier";
/// What every validator's process has among its arguments.
const VALIDATOR_WORD: &str = "start-validator";
/// A listening socket in `/proc/net/tcp`.
const LISTENING: &str = "0A";

/// What is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    Kill,
    Terminate,
    Stop,
    Continue,
}

impl Signal {
    fn number(self) -> i32 {
        match self {
            Signal::Kill => libc::SIGKILL,
            Signal::Terminate => libc::SIGTERM,
            Signal::Stop => libc::SIGSTOP,
            Signal::Continue => libc::SIGCONT,
        }
    }
}

/// No process was found that may be signalled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "no validator's process that this user may signal listens on port {http_port} of this machine; faults of processes and \
     workers need one, on Linux"
)]
pub struct NobodyListens {
    http_port: u16,
}

/// A process that is the one that was meant, whatever becomes of its number.
#[derive(Debug)]
pub struct Process {
    pub pid: i32,
    handle: OwnedFd,
}

impl Process {
    /// The validator that listens for HTTP on this port of this machine.
    ///
    /// # Errors
    /// Why no process was found that may be signalled.
    pub fn validator(http_port: u16) -> Result<Process, NobodyListens> {
        let nobody = NobodyListens { http_port };
        let sockets = sockets_listening_on(http_port);
        let listens = |pid: i32| is_validator(pid) && has_socket(pid, &sockets);
        let pid = all().into_iter().find(|pid| listens(*pid)).ok_or(nobody)?;
        Process::open(pid, listens).ok_or(nobody)
    }

    /// The workers of a validator, oldest first.
    pub fn workers_of(validator: &Process) -> Vec<Process> {
        let is_worker =
            |pid: i32| parent_of(pid) == Some(validator.pid) && name_of(pid).as_deref() == Some(WORKER_NAME);
        let mut pids: Vec<i32> = all().into_iter().filter(|pid| is_worker(*pid)).collect();
        pids.sort_unstable();
        pids.into_iter().filter_map(|pid| Process::open(pid, is_worker)).filter(|worker| !worker.has_ended()).collect()
    }

    /// Opens the handle, and only then looks whether the process is what it should be.
    #[cfg(target_os = "linux")]
    fn open(pid: i32, is: impl Fn(i32) -> bool) -> Option<Process> {
        // SAFETY: a plain system call; what it returns is a new descriptor of our own, or negative.
        let descriptor = unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) };
        let descriptor = i32::try_from(descriptor).ok().filter(|descriptor| *descriptor >= 0)?;
        // SAFETY: it was made just now and belongs to nobody else.
        let handle = unsafe { OwnedFd::from_raw_fd(descriptor) };
        is(pid).then_some(Process { pid, handle })
    }

    #[cfg(not(target_os = "linux"))]
    fn open(_: i32, _: impl Fn(i32) -> bool) -> Option<Process> {
        None
    }

    /// # Errors
    /// If it has ended, or is another user's.
    #[cfg(target_os = "linux")]
    pub fn signal(&self, signal: Signal) -> io::Result<()> {
        let no_info = std::ptr::null::<libc::siginfo_t>();
        let handle = self.handle.as_raw_fd();
        // SAFETY: a plain system call with a descriptor that lives; without information the kernel fills it in.
        let sent = unsafe { libc::syscall(libc::SYS_pidfd_send_signal, handle, signal.number(), no_info, 0) };
        if sent == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
    }

    #[cfg(not(target_os = "linux"))]
    pub fn signal(&self, signal: Signal) -> io::Result<()> {
        _ = signal.number();
        Err(io::Error::from(io::ErrorKind::Unsupported))
    }

    /// Whether it has ended, reaped or not.
    pub fn has_ended(&self) -> bool {
        let mut poll = libc::pollfd { fd: self.handle.as_raw_fd(), events: libc::POLLIN, revents: 0 };
        // SAFETY: one descriptor that lives, and no waiting. A handle is readable once its process has ended.
        let ready = unsafe { libc::poll(&mut poll, 1, 0) };
        ready == 1 && poll.revents & libc::POLLIN != 0
    }
}

/// A process that is stopped, and goes on whatever becomes of who stopped it, as long as that unwinds.
#[derive(Debug)]
pub struct Stopped(Arc<Process>);

impl Stopped {
    /// # Errors
    /// As [`Process::signal`].
    pub fn stop(process: Arc<Process>) -> io::Result<Stopped> {
        process.signal(Signal::Stop)?;
        Ok(Stopped(process))
    }
}

impl Drop for Stopped {
    fn drop(&mut self) {
        // It may have been killed meanwhile; then there is nothing to wake.
        _ = self.0.signal(Signal::Continue);
    }
}

/// Who listens on a port of this machine.
#[derive(Debug)]
pub struct Listener {
    pub pid: i32,
    /// The program's name, as the kernel shows it.
    pub name: String,
    pub arguments: Vec<String>,
    /// By SIGSTOP, or by a terminal.
    pub is_stopped: bool,
}

impl Listener {
    /// Whether it is the validator of this name.
    pub fn is_validator(&self, node_id: &str) -> bool {
        let named = self.arguments.windows(2).any(|pair| pair[0] == "--node-id" && pair[1] == node_id)
            || self.arguments.iter().any(|word| word.strip_prefix("--node-id=") == Some(node_id));
        named && self.arguments.iter().any(|word| word == VALIDATOR_WORD)
    }
}

/// Who listens on a port; none if nobody does whose descriptors this user may see.
pub fn listener(port: u16) -> Option<Listener> {
    let sockets = sockets_listening_on(port);
    let pid = all().into_iter().find(|pid| has_socket(*pid, &sockets))?;
    let arguments = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let arguments = arguments.split(|byte| *byte == 0).map(|word| String::from_utf8_lossy(word).into_owned()).collect();
    let status = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let state = status.rsplit_once(')').and_then(|(_, rest)| rest.trim_start().chars().next());
    Some(Listener {
        pid,
        name: name_of(pid).unwrap_or_default(),
        arguments,
        is_stopped: matches!(state, Some('T' | 't')),
    })
}

fn all() -> Vec<i32> {
    let entries = fs::read_dir("/proc").into_iter().flatten();
    entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok()).collect()
}

fn name_of(pid: i32) -> Option<String> {
    Some(fs::read_to_string(format!("/proc/{pid}/comm")).ok()?.trim_end().to_owned())
}

fn is_validator(pid: i32) -> bool {
    let arguments = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    arguments.split(|byte| *byte == 0).any(|word| word == VALIDATOR_WORD.as_bytes())
}

fn parent_of(pid: i32) -> Option<i32> {
    let status = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name is in brackets and may hold anything; the state follows, then the parent.
    status.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()
}

/// The numbers of the sockets that listen on a port, as links in `/proc/<pid>/fd` name them.
fn sockets_listening_on(port: u16) -> Vec<String> {
    let tables = ["/proc/net/tcp", "/proc/net/tcp6"].map(|path| fs::read_to_string(path).unwrap_or_default());
    let lines = tables.iter().flat_map(|table| table.lines().skip(1));
    let socket = |line: &str| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let (_, at) = fields.get(1)?.rsplit_once(':')?;
        let listens = *fields.get(3)? == LISTENING && u16::from_str_radix(at, 16).ok()? == port;
        listens.then(|| fields.get(9).map(|inode| format!("socket:[{inode}]"))).flatten()
    };
    lines.filter_map(socket).collect()
}

fn has_socket(pid: i32, sockets: &[String]) -> bool {
    let open = fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten();
    let links = open.filter_map(|entry| fs::read_link(entry.ok()?.path()).ok());
    links.into_iter().any(|link| sockets.iter().any(|socket| link.as_os_str() == socket.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::{Command, Stdio};

    fn state_of(pid: i32) -> Option<char> {
        let status = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        status.rsplit_once(')')?.1.trim_start().chars().next()
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_handle_reaches_its_process_and_no_other() {
        let mut child = Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
        let pid = i32::try_from(child.id()).unwrap();
        assert!(Process::open(pid, |_| false).is_none(), "who is not what was meant is not opened");
        let process = Process::open(pid, |pid| parent_of(pid) == i32::try_from(std::process::id()).ok()).unwrap();
        assert!(!process.has_ended());
        let process = Arc::new(process);
        let stopped = Stopped::stop(process.clone()).unwrap();
        // A signal that was sent takes effect a moment later.
        let until = |wanted: fn(char) -> bool| while !state_of(pid).is_some_and(wanted) {};
        until(|state| state == 'T');
        drop(stopped);
        until(|state| state != 'T');
        process.signal(Signal::Kill).unwrap();
        assert!(!child.wait().unwrap().success());
        assert!(process.has_ended());
        assert!(process.signal(Signal::Kill).is_err(), "its number may be another's by now");
    }

    #[test]
    fn who_listens_but_is_no_validator_is_left_alone() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let error = Process::validator(port).unwrap_err().to_string();
        assert!(error.contains(&port.to_string()) && error.contains("this machine"), "{error}");
    }
}
