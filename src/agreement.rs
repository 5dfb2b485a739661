//! What nodes agree on: each weighs as much as its stake, and a figure is believed once nodes with more than a third of the
//! stake say at least as much.
//!
//! Validators with less than a third may lie, so one that does not is among them. Where fewer are asked, more than half
//! of the stake that answers has to say so: of a single node its own word is all there is. Pure. Must never: let one node
//! of four, or a third of the stake, move a figure.

use std::cmp::Reverse;
use std::collections::BTreeMap;

/// How much each node weighs that was asked.
#[derive(Debug, Clone, Default)]
pub struct Weights {
    of: Vec<u64>,
    answering: u128,
    /// Of all validators, asked or not.
    total: u128,
}

impl Weights {
    /// Of nodes in their order; 0 for one that does not answer. Where none of those that answer has stake, each weighs the
    /// same.
    pub fn new(stakes: Vec<Option<u64>>, total: u128) -> Weights {
        let with_stake = stakes.iter().any(|stake| stake.is_some_and(|stake| stake > 0));
        let weight = |stake: &Option<u64>| stake.map_or(0, |stake| if with_stake { stake } else { 1 });
        let of: Vec<u64> = stakes.iter().map(weight).collect();
        let answering = of.iter().map(|weight| u128::from(*weight)).sum();
        let total = if with_stake { total.max(answering) } else { stakes.len() as u128 };
        Weights { of, answering, total }
    }

    /// How much the nodes together weigh of which this holds.
    pub fn of(&self, holds: impl Fn(usize) -> bool) -> u128 {
        let some = self.of.iter().enumerate().filter(|(node, _)| holds(*node));
        some.map(|(_, weight)| u128::from(*weight)).sum()
    }

    /// Whether so much is believed.
    pub fn suffices(&self, weight: u128) -> bool {
        3 * weight > self.total || 2 * weight > self.answering
    }

    /// Whether nodes of which this holds are believed.
    pub fn say(&self, holds: impl Fn(usize) -> bool) -> bool {
        self.suffices(self.of(holds))
    }

    /// The highest number that believed nodes say at least. O(nodes · log nodes).
    pub fn at_least(&self, number: impl Fn(usize) -> Option<u64>) -> Option<u64> {
        let said = |node: usize| Some((number(node)?, self.of[node])).filter(|(_, weight)| *weight > 0);
        let mut all: Vec<(u64, u64)> = (0..self.of.len()).filter_map(said).collect();
        all.sort_unstable_by(|one, other| other.cmp(one));
        let mut weight = 0;
        let enough = |(_, one): &&(u64, u64)| {
            weight += u128::from(*one);
            self.suffices(weight)
        };
        // Where only few say anything, the lowest of them.
        all.iter().find(enough).or(all.last()).map(|(number, _)| *number)
    }

    /// Of several words for one thing, the one on which most weight is; of equal ones the first. None if nobody says any.
    pub fn most<T: Ord>(&self, word: impl Fn(usize) -> Option<T>) -> Option<T> {
        let mut words: BTreeMap<T, (u128, Reverse<usize>)> = BTreeMap::new();
        for (node, weight) in self.of.iter().enumerate().filter(|(_, weight)| **weight > 0) {
            if let Some(word) = word(node) {
                words.entry(word).or_insert((0, Reverse(node))).0 += u128::from(*weight);
            }
        }
        words.into_iter().max_by_key(|(_, weight)| *weight).map(|(word, _)| word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn four(stakes: [u64; 4]) -> Weights {
        Weights::new(stakes.map(Some).to_vec(), stakes.iter().map(|stake| u128::from(*stake)).sum())
    }

    fn at_least(weights: &Weights, said: &[u64]) -> Option<u64> {
        weights.at_least(|node| said.get(node).copied())
    }

    #[test]
    fn a_third_of_the_stake_moves_no_figure_and_a_little_more_does() {
        let equal = four([10_000; 4]);
        assert_eq!(at_least(&equal, &[7, 7, u64::MAX, 8]), Some(8), "the second highest of four");
        assert_eq!(at_least(&equal, &[7, 7, 0, 7]), Some(7), "too low a number holds nothing up");
        let third = four([10_000, 10_000, 5_000, 5_000]);
        assert_eq!(at_least(&third, &[u64::MAX, 3, 4, 5]), Some(5), "exactly a third is not enough");
        let large = four([10_001, 10_000, 5_000, 4_999]);
        assert_eq!(at_least(&large, &[9, 3, 4, 5]), Some(9));
        assert_eq!(at_least(&four([u64::MAX; 4]), &[u64::MAX, 1, 1, 1]), Some(1));
    }

    #[test]
    fn where_few_answer_more_than_half_of_them_are_believed() {
        let of = |stakes: Vec<Option<u64>>| Weights::new(stakes, 40_000);
        let two = of(vec![Some(10_000), None, Some(10_000), None]);
        assert_eq!(at_least(&two, &[u64::MAX, 50, 9, 50]), Some(9), "the lower of two");
        let one = of(vec![None, Some(10_000), None, None]);
        assert_eq!(at_least(&one, &[1, 8, 1, 1]), Some(8), "its own word");
        assert_eq!(at_least(&of(vec![None; 4]), &[1, 2, 3, 4]), None);
        let nobody_has_stake = Weights::new(vec![Some(0), Some(0), Some(0), None], 0);
        assert_eq!(at_least(&nobody_has_stake, &[u64::MAX, 5, 4, 9]), Some(5), "each weighs the same");
    }

    #[test]
    fn of_several_words_the_heaviest_counts() {
        let weights = four([10_000, 10_000, 10_000, 40_000]);
        let words = ["a", "b", "b", "c"];
        assert_eq!(weights.most(|node| Some(words[node])), Some("c"));
        assert_eq!(weights.most(|node| (node < 3).then_some(words[node])), Some("b"));
        assert_eq!(weights.most(|node| (node < 2).then_some(words[node])), Some("a"), "the first of equal ones");
        assert_eq!(weights.most(|_| None::<u64>), None);
        assert!(weights.say(|node| node == 3) && !weights.say(|node| node < 2));
    }
}
