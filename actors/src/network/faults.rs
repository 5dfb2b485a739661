//! What a peer did wrong, counted, and when that is enough.
//!
//! Only faults that an authenticated peer committed count against it: whoever merely claims a key cannot get its owner
//! banned. Pure: the time is an argument.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Faults within [`FAULT_WINDOW`] that are borne; one more bans.
pub const FAULTS_MAX: usize = 8;
pub const FAULT_WINDOW: Duration = Duration::from_secs(60);
/// The first ban; each further one doubles, up to [`BAN_MAX`].
pub const BAN_MIN: Duration = Duration::from_secs(10);
pub const BAN_MAX: Duration = Duration::from_secs(600);
/// Without another ban for so long, the next one is short again.
const FORGIVEN_AFTER: Duration = Duration::from_secs(3_600);

/// The record of one peer.
#[derive(Debug, Default)]
pub struct Record {
    /// All faults so far.
    total: u64,
    /// At most [`FAULTS_MAX`] + 1 instants.
    recent: VecDeque<Instant>,
    bans: u32,
    banned_until: Option<Instant>,
}

impl Record {
    /// Counts a fault; returns the length of the ban that it brings, if any.
    pub fn fault(&mut self, now: Instant) -> Option<Duration> {
        self.total += 1;
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

    pub fn total(&self) -> u64 {
        self.total
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn until_banned(record: &mut Record, now: Instant) -> (usize, Duration) {
        let mut faults = 0;
        loop {
            faults += 1;
            if let Some(ban) = record.fault(now) {
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
            assert_eq!(record.fault(start + FAULT_WINDOW * number / FAULTS_MAX as u32), None);
        }
        assert_eq!(record.total(), 1_000);
    }
}
