//! What a peer did wrong, counted, and when that is enough.
//!
//! Only faults that an authenticated peer committed count against it: whoever merely claims a key cannot get its owner
//! banned. Pure: the time is an argument.

use super::frames::FrameError;
use super::rates::Bucket;
use protocol::types::{Hash, ValidatorIndex};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Faults within [`FAULT_WINDOW`] that are borne; one more bans.
pub const FAULTS_MAX: usize = 8;
pub const FAULT_WINDOW: Duration = Duration::from_secs(60);
/// The first ban; each further one doubles, up to [`BAN_MAX`].
pub const BAN_MIN: Duration = Duration::from_secs(10);
pub const BAN_MAX: Duration = Duration::from_secs(600);
/// Without another ban for so long, the next one is short again.
const FORGIVEN_AFTER: Duration = Duration::from_secs(3_600);

/// Connections that one peer may make for long, once its key is proven. Who redials makes about one a second.
pub const CONNECTIONS_PER_SECOND: u32 = 4;
/// Connections that it may make at once.
pub const CONNECTIONS_BURST: u32 = 40;

/// What a peer did wrong. Whoever holds a validator's key signed for all of it, by TLS.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    #[error(transparent)]
    Frame(#[from] FrameError),
    #[error("more than {CONNECTIONS_BURST} connections at once, or {CONNECTIONS_PER_SECOND} a second")]
    ConnectsTooOften,
    #[error("the proof {0}, which its submitter did not sign")]
    UnsignedProof(Hash),
    #[error("a script of {got} bytes, at most {max} are allowed")]
    ScriptTooLong { got: u64, max: u64 },
}

impl Fault {
    /// Names the fault in metrics.
    pub fn label(&self) -> &'static str {
        match self {
            Fault::Frame(error) => error.label(),
            Fault::ConnectsTooOften => "connects_too_often",
            Fault::UnsignedProof(_) => "unsigned_proof",
            Fault::ScriptTooLong { .. } => "script_too_long",
        }
    }
}

/// Counts a fault that was found behind the gate.
pub type Accuse = Arc<dyn Fn(ValidatorIndex, &Fault) + Send + Sync>;

/// The record of one peer.
#[derive(Debug, Default)]
pub struct Record {
    /// All faults so far.
    total: u64,
    /// The newest, in words.
    last: Option<String>,
    /// Made with the first connection.
    connections: Option<Bucket>,
    /// At most [`FAULTS_MAX`] + 1 instants.
    recent: VecDeque<Instant>,
    bans: u32,
    banned_until: Option<Instant>,
}

impl Record {
    /// Counts a fault; returns the length of the ban that it brings, if any.
    pub fn fault(&mut self, fault: &Fault, now: Instant) -> Option<Duration> {
        self.total += 1;
        self.last = Some(fault.to_string());
        self.recent.retain(|&at| now.saturating_duration_since(at) < FAULT_WINDOW);
        self.recent.push_back(now);
        if self.recent.len() <= FAULTS_MAX {
            return None;
        }
        self.recent.clear();
        if self.banned_until.is_some_and(|until| now.saturating_duration_since(until) > FORGIVEN_AFTER) {
            self.bans = 0;
        }
        let ban = BAN_MIN.saturating_mul(1 << self.bans.min(16)).min(BAN_MAX);
        self.bans += 1;
        self.banned_until = Some(now + ban);
        Some(ban)
    }

    /// How much longer it is banned.
    pub fn banned_for(&self, now: Instant) -> Option<Duration> {
        self.banned_until.map(|until| until.saturating_duration_since(now)).filter(|left| !left.is_zero())
    }

    /// Counts a connection that the peer made; says whether it may have it. One that it may not have costs no more.
    pub fn connects(&mut self, now: Instant) -> bool {
        let bucket =
            self.connections.get_or_insert_with(|| Bucket::new(CONNECTIONS_PER_SECOND, CONNECTIONS_BURST, now));
        let may = bucket.peek(1, now).is_zero();
        if may {
            bucket.take(1, now);
        }
        may
    }

    pub fn total(&self) -> u64 {
        self.total
    }

    pub fn last(&self) -> Option<&str> {
        self.last.as_deref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn until_banned(record: &mut Record, now: Instant) -> (usize, Duration) {
        let mut faults = 0;
        loop {
            faults += 1;
            if let Some(ban) = record.fault(&Fault::ConnectsTooOften, now) {
                return (faults, ban);
            }
        }
    }

    #[test]
    fn repeated_faults_ban_for_longer_each_time_and_not_for_ever() {
        let mut now = Instant::now();
        let mut record = Record::default();
        let mut bans = Vec::new();
        for _ in 0..9 {
            let (faults, ban) = until_banned(&mut record, now);
            assert_eq!(faults, FAULTS_MAX + 1);
            assert_eq!(record.banned_for(now), Some(ban));
            now += ban;
            assert_eq!(record.banned_for(now), None);
            bans.push(ban.as_secs());
        }
        assert_eq!(bans, [10, 20, 40, 80, 160, 320, 600, 600, 600]);
        assert_eq!(until_banned(&mut record, now + FORGIVEN_AFTER * 2).1, BAN_MIN);
    }

    #[test]
    fn faults_that_lie_far_apart_never_ban() {
        let start = Instant::now();
        let mut record = Record::default();
        for number in 0..1_000 {
            assert_eq!(record.fault(&Fault::ConnectsTooOften, start + FAULT_WINDOW * number / FAULTS_MAX as u32), None);
        }
        assert_eq!(record.total(), 1_000);
    }

    #[test]
    fn who_redials_for_ever_connects_and_who_connects_a_thousand_times_does_not() {
        let start = Instant::now();
        let mut record = Record::default();
        assert!((0..10_000).all(|number| record.connects(start + Duration::from_millis(900) * number)));
        let later = start + Duration::from_secs(10_000);
        assert_eq!((0..1_000).filter(|_| record.connects(later)).count(), CONNECTIONS_BURST as usize);
        assert!(record.connects(later + Duration::from_secs(1)), "what was refused costs nothing later");
    }
}
