//! Doubt: what a validator that announces Ready and withholds its vote costs itself.
//!
//! A doubt that ends by a vote in time halves the span of the next one, and does not erase it: who withholds every second vote is
//! not believed for a second each time, for ever. Spans decay with time, so that an honest validator's bad hour is forgotten.

use crate::types::{Millis, ValidatorIndex};
use alloc::collections::{BTreeMap, BTreeSet};

const SPAN_MIN: Millis = Millis(1_000);
const SPAN_MAX: Millis = Millis(30_000);
/// Without a further one, the span of the next halves after each of these.
const DECAY: Millis = Millis(60_000);

/// A pause that starts at 1 s and doubles to 30 s with each repetition, until it is cleared.
#[derive(Debug, Clone, Copy, Default)]
pub struct Pause {
    until: Millis,
    span: Millis,
}

impl Pause {
    pub fn extend(&mut self, now: Millis) {
        let halvings = now.since(self.until).0 / DECAY.0;
        let span = self.span.0.checked_shr(u32::try_from(halvings).unwrap_or(u32::MAX)).unwrap_or(0);
        self.span = Millis(span.saturating_mul(2).clamp(SPAN_MIN.0, SPAN_MAX.0));
        self.until = now.saturating_add(self.span);
    }

    /// Ends it, if it lasts, and halves the span of the next.
    fn end(&mut self, now: Millis) {
        if !self.is_over(now) {
            (self.until, self.span) = (now, Millis(self.span.0 / 2));
        }
    }

    pub fn is_over(&self, now: Millis) -> bool {
        now >= self.until
    }

    pub fn until(&self) -> Millis {
        self.until
    }
}

/// The suspected validators, and for how long.
#[derive(Debug, Default)]
pub struct Doubts(BTreeMap<ValidatorIndex, Pause>);

impl Doubts {
    pub fn doubt(&mut self, now: Millis, validator: ValidatorIndex) {
        self.0.entry(validator).or_default().extend(now);
    }

    /// It voted for proofs that it had announced and on which Ready was not unanimous: the suspicion ends.
    pub fn clear(&mut self, now: Millis, validator: ValidatorIndex) {
        if let Some(pause) = self.0.get_mut(&validator) {
            pause.end(now);
        }
    }

    pub fn is_doubted(&self, now: Millis, validator: ValidatorIndex) -> bool {
        self.0.get(&validator).is_some_and(|pause| !pause.is_over(now))
    }

    pub fn doubted(&self, now: Millis) -> BTreeSet<ValidatorIndex> {
        self.0.iter().filter(|(_, pause)| !pause.is_over(now)).map(|(validator, _)| *validator).collect()
    }

    /// When the next suspicion ends.
    pub fn wakeup(&self, now: Millis) -> Option<Millis> {
        self.0.values().filter(|pause| !pause.is_over(now)).map(Pause::until).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubt_lasts_a_second_and_doubles_with_each_repetition() {
        let (mut doubts, bad) = (Doubts::default(), ValidatorIndex(2));
        doubts.doubt(Millis(0), bad);
        assert_eq!(doubts.doubted(Millis(999)), BTreeSet::from([bad]));
        assert_eq!(doubts.doubted(Millis(1_000)), BTreeSet::new());
        doubts.doubt(Millis(5_000), bad);
        assert_eq!(doubts.wakeup(Millis(5_000)), Some(Millis(7_000)));
        for _ in 0..10 {
            doubts.doubt(Millis(10_000), bad);
        }
        assert_eq!(doubts.wakeup(Millis(10_000)), Some(Millis(40_000)));
    }

    /// One that withholds every second vote would otherwise be believed after each.
    #[test]
    fn a_doubt_that_a_vote_ends_halves_the_next_and_time_forgets_it() {
        let (mut doubts, bad) = (Doubts::default(), ValidatorIndex(2));
        for at in [0, 1_000, 3_000, 7_000] {
            doubts.doubt(Millis(at), bad);
        }
        assert_eq!(doubts.wakeup(Millis(7_000)), Some(Millis(15_000)));
        doubts.clear(Millis(8_000), bad);
        assert!(!doubts.is_doubted(Millis(8_000), bad));
        doubts.clear(Millis(8_001), bad);
        doubts.doubt(Millis(9_000), bad);
        assert_eq!(doubts.wakeup(Millis(9_000)), Some(Millis(17_000)), "16 s, halved once");
        doubts.doubt(Millis(17_000 + 2 * 60_000), bad);
        assert_eq!(doubts.wakeup(Millis(137_000)), Some(Millis(141_000)), "16 s, halved twice");
        doubts.doubt(Millis(u64::MAX), bad);
        assert!(doubts.0[&bad].span == SPAN_MIN);
    }
}
