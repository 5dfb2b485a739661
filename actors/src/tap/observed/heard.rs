//! When each validator's votes of each kind were last heard. Written for every vote: without a lock.

use protocol::types::ValidatorIndex;
use protocol::vote::VoteKind;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

pub(super) struct Heard {
    started: Instant,
    /// Nanoseconds after the start; 0 before the first.
    at: Vec<[AtomicU64; 3]>,
}

impl Heard {
    pub(super) fn new(validators: usize, started: Instant) -> Heard {
        Heard { started, at: (0..validators).map(|_| Default::default()).collect() }
    }

    pub(super) fn note(&self, voter: ValidatorIndex, kind: VoteKind, at: Instant) {
        if let Some(kinds) = self.at.get(voter.as_usize()) {
            let nanos = at.saturating_duration_since(self.started).as_nanos();
            kinds[kind_place(kind)].store(u64::try_from(nanos).unwrap_or(u64::MAX), Ordering::Relaxed);
        }
    }

    /// Before the first vote, since the start.
    pub(super) fn age(&self, voter: ValidatorIndex, kind: VoteKind, now: Instant) -> Duration {
        let nanos = self.at.get(voter.as_usize()).map_or(0, |kinds| kinds[kind_place(kind)].load(Ordering::Relaxed));
        now.saturating_duration_since(self.started).saturating_sub(Duration::from_nanos(nanos))
    }
}

/// The place of a kind in an array of three.
pub(in crate::tap) fn kind_place(kind: VoteKind) -> usize {
    match kind {
        VoteKind::Prepare => 0,
        VoteKind::Commit => 1,
        VoteKind::ViewChange => 2,
    }
}
