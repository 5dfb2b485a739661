//! How fast proofs end here, and the `retry_after` of submitters that found no capacity.
//!
//! It decides nothing about a proof. Every `retry_after` is counted: the next submitter gets a later one, so that they
//! do not all return at once for the one place that has become free.

use crate::types::Millis;
use alloc::collections::VecDeque;

/// The rate is that of the last so many milliseconds.
const WINDOW: Millis = Millis(30_000);
/// Ends are counted by the second.
const SLOT: u64 = 1_000;
/// No `retry_after` is shorter, or longer, than this.
pub const COME_BACK_MIN: Millis = Millis(1_000);
pub const COME_BACK_MAX: Millis = Millis(60_000);
/// Where nothing has ended of late, nobody knows when something will.
const UNKNOWN: Millis = Millis(10_000);

#[derive(Debug, Clone, Default)]
pub(super) struct Pace {
    /// Seconds in which proofs ended, with how many: at most one more than the window has.
    slots: VecDeque<(u64, u64)>,
    /// The room that was promised last is expected at this time.
    promised: Millis,
}

impl Pace {
    pub(super) fn ended(&mut self, now: Millis, proofs: usize) {
        if proofs == 0 {
            return;
        }
        let second = now.0 / SLOT;
        match self.slots.back_mut() {
            Some((last, count)) if *last == second => *count = count.saturating_add(proofs as u64),
            Some(_) | None => self.slots.push_back((second, proofs as u64)),
        }
        self.forget(now);
    }

    /// When, from now, one more place is free that was promised to nobody; of `all` proofs, `own` leave such a place.
    pub(super) fn next_place(&mut self, now: Millis, own: usize, all: usize) -> Millis {
        let Some(interval) = self.interval(now).map(|interval| of_share(interval, own, all)) else { return UNKNOWN };
        let latest = now.saturating_add(COME_BACK_MAX);
        self.promised = self.promised.max(now).saturating_add(interval).min(latest);
        bounded(self.promised.since(now))
    }

    /// When, from now, one of `own` proofs among `all` has ended.
    pub(super) fn next_of(&mut self, now: Millis, own: usize, all: usize) -> Millis {
        self.interval(now).map_or(UNKNOWN, |interval| bounded(of_share(interval, own, all)))
    }

    /// The mean time between two ends. None if nothing has ended within the window.
    fn interval(&mut self, now: Millis) -> Option<Millis> {
        self.forget(now);
        let ended: u64 = self.slots.iter().map(|(_, count)| *count).sum();
        let (oldest, _) = self.slots.front()?;
        // The slot that is not over yet counts in full: a rate that has just begun is not overestimated.
        let span = (now.0 / SLOT).saturating_sub(*oldest).saturating_add(1).saturating_mul(SLOT);
        Some(Millis(span.div_ceil(ended.max(1))))
    }

    fn forget(&mut self, now: Millis) {
        let oldest = now.0.saturating_sub(WINDOW.0) / SLOT;
        while self.slots.front().is_some_and(|(second, _)| *second < oldest) {
            self.slots.pop_front();
        }
    }
}

/// The time between two ends of `own` proofs, if those of `all` end at this interval.
fn of_share(interval: Millis, own: usize, all: usize) -> Millis {
    Millis(interval.0.saturating_mul(all as u64) / (own as u64).max(1))
}

fn bounded(span: Millis) -> Millis {
    span.clamp(COME_BACK_MIN, COME_BACK_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_promised_a_place_of_its_own_at_the_rate_at_which_places_become_free() {
        let mut pace = Pace::default();
        // Two a second, for ten seconds.
        (0..10).for_each(|second| pace.ended(Millis(second * 1_000), 2));
        let now = Millis(9_999);
        let told: alloc::vec::Vec<_> = (0..4).map(|_| pace.next_place(now, 1, 1).0).collect();
        assert_eq!(told, [1_000, 1_000, 1_500, 2_000]);
        assert_eq!(pace.next_place(now.saturating_add(Millis(60_000)), 1, 1), UNKNOWN, "nothing ended for a minute");
        assert_eq!(pace.slots.len(), 0, "what is past is forgotten");
    }

    #[test]
    fn nobody_is_told_to_wait_longer_than_a_minute() {
        let mut pace = Pace::default();
        pace.ended(Millis(0), 1);
        let told = (0..1_000).map(|_| pace.next_place(Millis(0), 1, 1)).max();
        assert_eq!(told, Some(COME_BACK_MAX));
        pace.ended(Millis(1_000), 1_000_000);
        assert!(pace.next_place(Millis(70_000), 1, 1) <= COME_BACK_MAX);
    }

    #[test]
    fn one_source_waits_for_its_own_share_of_the_ends() {
        let mut pace = Pace::default();
        (0..10).for_each(|second| pace.ended(Millis(second * 1_000), 1));
        assert_eq!(pace.next_of(Millis(9_999), 5, 10), Millis(2_000));
        assert_eq!(pace.next_of(Millis(9_999), 0, 10), Millis(10_000));
        assert_eq!(Pace::default().next_of(Millis(0), 5, 10), UNKNOWN);
    }
}
