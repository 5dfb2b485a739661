//! Who leads which view: a fixed, stake-weighted rotation, a pure function of (epoch seed, set, view).
//!
//! Smooth weighted round robin (the algorithm of nginx's upstream balancer): each turn every validator gains its
//! weight, the richest leads and pays the total. A validator with less than half of the stake has at most two turns
//! in a row, and everybody leads within one period. Independent draws would give a bad leader long runs; rounds of
//! length n would never let the smallest lead. Nothing here depends on final history, which validators reach at
//! different times.

use crate::bytes::Layout;
use crate::quorum::ValidatorSet;
use crate::types::{Hash, ValidatorIndex, View};
use alloc::vec;
use alloc::vec::Vec;

/// Turns after which a rotation repeats, at most. Stakes whose common period is longer are rounded to shares of it.
const PERIOD_MAX: u64 = 65_536;

/// The rotation of one epoch.
#[derive(Debug, Clone)]
pub struct Schedule {
    turns: Vec<ValidatorIndex>,
}

impl Schedule {
    /// Cost: O(period × validators), once.
    pub fn new(set: &ValidatorSet, seed: &Hash) -> Schedule {
        let weights = weights(set);
        let period: u64 = weights.iter().sum();
        let mut order: Vec<(Hash, ValidatorIndex)> = set
            .iter()
            .map(|(index, validator)| {
                let tie = Layout::new("pop/schedule/1").hash(seed).hash(&Hash(validator.key.0)).u32(index.0.into());
                (tie.digest(), index)
            })
            .collect();
        order.sort();
        let mut credit = vec![0i64; set.len()];
        let turns = (0..period).map(|_| {
            for (credit, weight) in credit.iter_mut().zip(&weights) {
                *credit += *weight as i64;
            }
            // Ties go to the first in the seed's order.
            let leader = order
                .iter()
                .map(|(_, index)| *index)
                .reduce(|best, next| if credit[next.as_usize()] > credit[best.as_usize()] { next } else { best })
                .unwrap_or_default();
            credit[leader.as_usize()] -= period as i64;
            leader
        });
        Schedule { turns: turns.collect() }
    }

    /// The leader of a view; view 1 takes the first turn. O(1).
    pub fn leader(&self, view: View) -> ValidatorIndex {
        let turn = view.0.saturating_sub(1) % self.turns.len() as u64;
        self.turns[turn as usize]
    }
}

/// Turns of each validator in one period: its stake over the common divisor, or its rounded share, at least one.
fn weights(set: &ValidatorSet) -> Vec<u64> {
    let stakes = || set.iter().map(|(_, validator)| validator.stake.0);
    let divisor = stakes().fold(0, gcd).max(1);
    if set.total().0 / divisor <= PERIOD_MAX {
        return stakes().map(|stake| stake / divisor).collect();
    }
    let share = |stake: u64| (u128::from(stake) * u128::from(PERIOD_MAX) / u128::from(set.total().0)) as u64;
    stakes().map(|stake| share(stake).max(u64::from(stake > 0))).collect()
}

fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::quorum::Validator;
    use crate::types::{Epoch, NodeId, PublicKey, Stake};
    use alloc::format;
    use proptest::prelude::*;

    fn set(stakes: &[u64]) -> ValidatorSet {
        let validators = stakes.iter().enumerate().map(|(index, stake)| Validator {
            node_id: NodeId::new(&format!("node_{index}")).unwrap(),
            key: PublicKey([index as u8; 32]),
            stake: Stake(*stake),
        });
        ValidatorSet::new(Hash::ZERO, Epoch(0), validators.collect()).unwrap()
    }

    #[test]
    fn equal_stakes_take_turns() {
        let schedule = Schedule::new(&set(&[10_000; 4]), &Hash([1; 32]));
        let first: Vec<_> = (1..=4).map(|view| schedule.leader(View(view))).collect();
        let mut sorted = first.clone();
        sorted.sort();
        assert_eq!(sorted, [0, 1, 2, 3].map(ValidatorIndex));
        assert_eq!(first, (5..=8).map(|view| schedule.leader(View(view))).collect::<Vec<_>>());
    }

    #[test]
    fn another_seed_gives_another_order() {
        let set = set(&[1; 16]);
        let orders = [1u8, 2].map(|seed| Schedule::new(&set, &Hash([seed; 32])).turns);
        assert_ne!(orders[0], orders[1]);
    }

    proptest! {
        #[test]
        fn everybody_leads_and_no_minority_leads_three_times_in_a_row(stakes in prop::collection::vec(1u64..300, 2..9)) {
            let set = set(&stakes);
            let turns = Schedule::new(&set, &Hash([3; 32])).turns;
            for (index, validator) in set.iter() {
                prop_assert!(turns.contains(&index));
                if 2 * validator.stake.0 < set.total().0 {
                    let twice_round = || turns.iter().chain(&turns);
                    let runs = twice_round().zip(twice_round().skip(1)).zip(twice_round().skip(2));
                    prop_assert!(runs.into_iter().all(|((a, b), c)| !(*a == index && *b == index && *c == index)));
                }
            }
        }
    }
}
