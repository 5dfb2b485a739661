//! Waiting that ends when it is told to, and what tells this program to end.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Before what was not taken is tried again.
pub(super) const AGAIN: Duration = Duration::from_millis(200);

/// Waits, but no longer than until one of these is set. Tells whether one is.
pub(super) fn pause(span: Duration, over: &[Arc<AtomicBool>]) -> bool {
    const STEP: Duration = Duration::from_millis(50);
    let until = Instant::now() + span;
    loop {
        if over.iter().any(|over| over.load(Ordering::Relaxed)) {
            return true;
        }
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return false;
        }
        std::thread::sleep(left.min(STEP));
    }
}

/// Whether this program is asked to end, from now on.
pub fn interruption() -> Arc<AtomicBool> {
    let interrupted = Arc::new(AtomicBool::new(false));
    let caught = interrupted.clone();
    std::thread::spawn(move || on_signal(|| caught.store(true, Ordering::Relaxed)));
    interrupted
}

/// Waits until this program is asked to end, and does that.
pub fn on_signal(then: impl FnOnce()) {
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else { return };
    runtime.block_on(async {
        let terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate());
        let hangup = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::hangup());
        let (Ok(mut terminate), Ok(mut hangup)) = (terminate, hangup) else { return };
        tokio::select! {
            _ = terminate.recv() => {}
            // The terminal has gone.
            _ = hangup.recv() => {}
            _ = tokio::signal::ctrl_c() => {}
        }
    });
    then();
}
