//! Reports to the service manager that the node runs, is well, and stops: systemd's notifications, where it asks for
//! them.
//!
//! *Well* is what the caller's `healthy` says, at half of the span after which systemd would end the process. A node
//! whose actors hang sends nothing, nor does one whose process is stopped: then the service manager ends it, and does
//! what it does after any failure. Without `NOTIFY_SOCKET` all of this does nothing.

use sd_notify::NotifyState;
use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::UnixDatagram;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::time::Duration;

/// Before what a service manager had no room for is sent again.
const AGAIN: Duration = Duration::from_millis(200);

/// The start is over; `systemctl start` returns. That is said again until there is room for it: a service manager that does
/// not hear it takes the start for failed.
pub fn ready(status: &str) {
    let text = text(&[NotifyState::Ready, NotifyState::Status(status)]);
    let Err(error) = send(text.as_bytes()) else { return };
    if error.kind() != io::ErrorKind::WouldBlock {
        return warn(&error);
    }
    let again = move || {
        while send(text.as_bytes()).is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock) {
            std::thread::sleep(AGAIN);
        }
    };
    if let Err(error) = std::thread::Builder::new().name("notify".into()).spawn(again) {
        warn(&error);
    }
}

/// The node stops because it was asked to.
pub fn stopping() {
    notify(&[NotifyState::Stopping]);
}

fn notify(states: &[NotifyState<'_>]) {
    if let Err(error) = send(text(states).as_bytes()) {
        warn(&error);
    }
}

fn warn(error: &io::Error) {
    tracing::warn!(%error, "the service manager cannot be notified");
}

fn text(states: &[NotifyState<'_>]) -> String {
    states.iter().map(|state| format!("{state}\n")).collect()
}

/// Sends a datagram, if somebody is to be notified; never waits, as the system would where nobody reads.
fn send(bytes: &[u8]) -> io::Result<()> {
    std::env::var_os("NOTIFY_SOCKET").map_or(Ok(()), |name| send_to(&name, bytes))
}

fn send_to(name: &OsStr, bytes: &[u8]) -> io::Result<()> {
    let socket = UnixDatagram::unbound()?;
    socket.set_nonblocking(true)?;
    match name.as_bytes().strip_prefix(b"@") {
        #[cfg(target_os = "linux")]
        Some(name) => {
            use std::os::linux::net::SocketAddrExt;
            let address = std::os::unix::net::SocketAddr::from_abstract_name(name)?;
            socket.send_to_addr(bytes, &address)?;
        }
        _ => _ = socket.send_to(bytes, name)?,
    }
    Ok(())
}

/// How long the service manager waits for a sign of life, if it waits for any.
pub fn span() -> Option<Duration> {
    sd_notify::watchdog_enabled().filter(|span| !span.is_zero())
}

/// Signs of life, until this is dropped.
pub struct Watchdog(#[expect(dead_code, reason = "its end ends the thread")] Sender<()>);

impl Watchdog {
    /// Gives one now and then one at each half of the span, as long as the node is healthy. The thread is its own: whatever keeps
    /// the node's threads busy is what this is to notice.
    ///
    /// # Errors
    /// If there is no thread to be had.
    pub fn start(span: Duration, mut healthy: impl FnMut() -> bool + Send + 'static) -> std::io::Result<Watchdog> {
        let (running, end) = channel::<()>();
        let watch = move || {
            let mut was_healthy = true;
            while let Err(RecvTimeoutError::Timeout) = end.recv_timeout(span / 2) {
                let is_healthy = healthy();
                if is_healthy {
                    notify(&[NotifyState::Watchdog]);
                } else if was_healthy {
                    tracing::error!("an actor does not respond: the service manager is not notified until it does");
                }
                was_healthy = is_healthy;
            }
        };
        notify(&[NotifyState::Watchdog]);
        std::thread::Builder::new().name("watchdog".into()).spawn(watch)?;
        Ok(Watchdog(running))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_manager_that_reads_nothing_holds_nobody_up() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        let manager = UnixDatagram::bind(&path).unwrap();
        let send = || send_to(path.as_os_str(), b"WATCHDOG=1\n");
        let mut sent = 0;
        let full = loop {
            match send() {
                Ok(()) => sent += 1,
                Err(error) => break error,
            }
        };
        assert_eq!(full.kind(), io::ErrorKind::WouldBlock, "after {sent}");
        // Once it reads, it hears of the next.
        let mut buffer = [0; 64];
        let length = manager.recv(&mut buffer).unwrap();
        assert_eq!(&buffer[..length], b"WATCHDOG=1\n");
        send().unwrap();
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_name_that_is_no_path_is_understood() {
        use std::os::linux::net::SocketAddrExt;
        let name = format!("pop-watchdog-test-{}", std::process::id());
        let address = std::os::unix::net::SocketAddr::from_abstract_name(&name).unwrap();
        let manager = UnixDatagram::bind_addr(&address).unwrap();
        send_to(OsStr::new(&format!("@{name}")), b"READY=1\n").unwrap();
        let mut buffer = [0; 64];
        let length = manager.recv(&mut buffer).unwrap();
        assert_eq!(&buffer[..length], b"READY=1\n");
    }

    #[test]
    fn health_is_asked_again_and_again_and_no_more_after_the_end() {
        let (asked, asks) = channel();
        let watchdog = Watchdog::start(Duration::from_millis(2), move || asked.send(()).is_ok()).unwrap();
        for _ in 0..3 {
            asks.recv_timeout(Duration::from_secs(60)).unwrap();
        }
        drop(watchdog);
        // The thread's end drops what it asks with.
        let last = std::iter::from_fn(|| asks.recv_timeout(Duration::from_secs(60)).err().is_none().then_some(()));
        assert!(last.count() < 1_000);
        assert_eq!(asks.try_recv(), Err(std::sync::mpsc::TryRecvError::Disconnected));
    }
}
