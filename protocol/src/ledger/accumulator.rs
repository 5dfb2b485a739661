//! An append-only Merkle mountain range: the index of final proofs in O(log n) space.

use super::node;
use crate::bytes::Layout;
use crate::types::Hash;
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

/// The peaks of the perfect trees that `count` leaves fill, largest first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Accumulator {
    count: u64,
    peaks: Vec<Hash>,
}

impl Accumulator {
    /// Leaves so far.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Cost: amortised O(1), at most 64 hashes.
    pub fn push(&mut self, leaf: Hash) {
        let mut peak = leaf;
        // Each trailing one bit of the count is a peak of the same height as the one that is carried up.
        for _ in 0..self.count.trailing_ones() {
            if let Some(left) = self.peaks.pop() {
                peak = node(&left, &peak);
            }
        }
        self.peaks.push(peak);
        self.count += 1;
    }

    /// The count and the peaks, hashed together.
    pub fn root(&self) -> Hash {
        Layout::new("pop/peaks/1")
            .u64(self.count)
            .sequence(self.peaks.iter(), |layout, peak| layout.hash(peak))
            .digest()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaf(value: u8) -> Hash {
        Hash([value; 32])
    }

    #[test]
    fn peaks_are_the_perfect_trees_of_the_count() {
        let mut accumulator = Accumulator::default();
        for value in 0..7 {
            accumulator.push(leaf(value));
            assert_eq!(accumulator.peaks.len() as u32, accumulator.count().count_ones());
        }
        let four = node(&node(&leaf(0), &leaf(1)), &node(&leaf(2), &leaf(3)));
        assert_eq!(accumulator.peaks, [four, node(&leaf(4), &leaf(5)), leaf(6)]);
    }

    #[test]
    fn every_leaf_changes_the_root() {
        let mut accumulator = Accumulator::default();
        let mut roots = alloc::collections::BTreeSet::new();
        for value in 0..100 {
            assert!(roots.insert(accumulator.root()));
            accumulator.push(leaf(value));
        }
    }
}
