//! Reports to the service manager that the node runs, is well, and stops: systemd's notifications, where it asks for
//! them.
//!
//! *Well* is what the caller's `healthy` says, at half of the span after which systemd would end the process. A node
//! whose actors hang sends nothing, nor does one whose process is stopped: then the service manager ends it, and does
//! what it does after any failure. Without `NOTIFY_SOCKET` all of this does nothing.

use sd_notify::NotifyState;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::time::Duration;

/// The start is over; `systemctl start` returns.
pub fn ready(status: &str) {
    notify(&[NotifyState::Ready, NotifyState::Status(status)]);
}

/// The node stops because it was asked to.
pub fn stopping() {
    notify(&[NotifyState::Stopping]);
}

fn notify(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::warn!(%error, "the service manager cannot be notified");
    }
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
