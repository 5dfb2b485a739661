//! A connection that is, or is becoming, the session with a peer, as the rest of the node sees it.
//!
//! Shared between the session's task, the table and whoever sends; it must never hold the connection itself.

use super::handshake::LinkError;
use super::outbox::Outbox;
use protocol::types::ValidatorIndex;
use protocol::validator::sessions::{Session, SessionNumber};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// Counters of one peer, over all of its sessions.
#[derive(Debug, Default)]
pub(super) struct Traffic {
    pub(super) bytes_in: AtomicU64,
    pub(super) bytes_out: AtomicU64,
    pub(super) messages_in: AtomicU64,
    pub(super) messages_out: AtomicU64,
    pub(super) dropped: AtomicU64,
    pub(super) throttled: AtomicU64,
}

/// No clock is so far behind: differences are bounded.
const UNHEARD: i64 = i64::MIN;

/// A connection that is, or is becoming, the session with a peer.
pub(super) struct Live {
    number: SessionNumber,
    pub(super) peer: ValidatorIndex,
    pub(super) outbox: Outbox,
    /// Which run of the peer it is of.
    pub(super) boot: u64,
    pub(super) since: Instant,
    /// When the peer was last heard, in milliseconds from `since`.
    heard_ms: AtomicU64,
    /// Messages are queued only from the moment when the sink has heard of the session.
    open: AtomicBool,
    round_trip_micros: AtomicU64,
    /// By how much the peer's wall clock is ahead of ours; [`UNHEARD`] until it told it.
    clock_ahead_ms: AtomicI64,
    pub(super) cancel: watch::Sender<Option<LinkError>>,
    pub(super) ended: watch::Sender<bool>,
}

/// A connection that has the slot, and the one that had it before.
pub(super) struct Admitted {
    pub(super) live: Arc<Live>,
    pub(super) before: Option<Arc<Live>>,
}

impl Live {
    pub(super) fn new(Session { peer, number }: Session, boot: u64) -> Self {
        Live {
            number,
            peer,
            outbox: Outbox::default(),
            boot,
            since: Instant::now(),
            heard_ms: AtomicU64::new(0),
            open: AtomicBool::new(false),
            round_trip_micros: AtomicU64::new(0),
            clock_ahead_ms: AtomicI64::new(UNHEARD),
            cancel: watch::Sender::new(None),
            ended: watch::Sender::new(false),
        }
    }

    pub(super) fn session(&self) -> Session {
        Session { peer: self.peer, number: self.number }
    }

    /// Whether this is the session of another run of the peer than `boot`, and that one still answers: two processes use one
    /// key. A peer that started anew has closed its old session, or is not heard in it any more, for longer than `within`.
    pub(super) fn is_another_that_answers(&self, boot: u64, within: Duration) -> bool {
        self.boot != boot && self.is_open() && self.since_heard() < within
    }

    pub(super) fn heard(&self) {
        self.heard_ms.store(self.age_ms(), Ordering::Relaxed);
    }

    pub(super) fn since_heard(&self) -> Duration {
        Duration::from_millis(self.age_ms().saturating_sub(self.heard_ms.load(Ordering::Relaxed)))
    }

    fn age_ms(&self) -> u64 {
        u64::try_from(self.since.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    pub(super) fn set_open(&self, open: bool) {
        self.open.store(open, Ordering::Release);
    }

    pub(super) fn is_open(&self) -> bool {
        self.open.load(Ordering::Acquire)
    }

    pub(super) fn round_trip(&self) -> Duration {
        Duration::from_micros(self.round_trip_micros.load(Ordering::Relaxed))
    }

    /// The newest counts: a clock that jumps is seen at the next ping.
    pub(super) fn heard_clock(&self, ahead_ms: Option<i64>) {
        if let Some(ahead_ms) = ahead_ms {
            self.clock_ahead_ms.store(ahead_ms, Ordering::Relaxed);
        }
    }

    pub(super) fn clock_ahead_ms(&self) -> Option<i64> {
        Some(self.clock_ahead_ms.load(Ordering::Relaxed)).filter(|ahead| *ahead != UNHEARD)
    }

    /// Takes a measurement; the first counts fully, each further one an eighth.
    pub(super) fn measured(&self, sample: Duration) {
        let sample = u64::try_from(sample.as_micros()).unwrap_or(u64::MAX).max(1);
        let old = self.round_trip_micros.load(Ordering::Relaxed);
        let smoothed = if old == 0 { sample } else { (old.saturating_mul(7).saturating_add(sample)) / 8 };
        self.round_trip_micros.store(smoothed.max(1), Ordering::Relaxed);
    }
}
