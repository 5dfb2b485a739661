//! Doubt: what a validator that announces Ready and withholds its vote costs itself.

use crate::types::{Millis, ValidatorIndex};
use alloc::collections::{BTreeMap, BTreeSet};

const SPAN_MIN: Millis = Millis(1_000);
const SPAN_MAX: Millis = Millis(30_000);

/// A pause that starts at 1 s and doubles to 30 s with each repetition, until it is cleared.
#[derive(Debug, Clone, Copy, Default)]
pub struct Pause {
    until: Millis,
    span: Millis,
}

impl Pause {
    pub fn extend(&mut self, now: Millis) {
        self.span = Millis(self.span.times(2).0.clamp(SPAN_MIN.0, SPAN_MAX.0));
        self.until = now.saturating_add(self.span);
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
    pub fn clear(&mut self, validator: ValidatorIndex) -> bool {
        self.0.remove(&validator).is_some()
    }

    pub fn contains(&self, validator: ValidatorIndex) -> bool {
        self.0.contains_key(&validator)
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
    fn doubt_lasts_a_second_and_doubles_until_it_is_cleared() {
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
        doubts.clear(bad);
        doubts.doubt(Millis(50_000), bad);
        assert_eq!(doubts.wakeup(Millis(50_000)), Some(Millis(51_000)));
    }
}
