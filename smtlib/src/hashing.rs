//! Hashing of keys that cost nothing to hash well: numbers that this crate hands out, and names in its own fixed lists.
//!
//! Must never: be used for texts that a script chooses as keys of a growing table; whoever knows the function could make them
//! all collide. Numbers are given out one after the other, so a script chooses which of them are used, but not what they are.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasherDefault, Hasher};

/// A map by numbers of this crate's own.
pub(crate) type IdMap<K, V> = HashMap<K, V, BuildHasherDefault<IdHasher>>;
/// A set of numbers of this crate's own.
pub(crate) type IdSet<K> = HashSet<K, BuildHasherDefault<IdHasher>>;
/// A fixed list by its names.
pub(crate) type Listed<V> = HashMap<&'static str, V, BuildHasherDefault<TextHasher>>;

/// The golden ratio's fraction: spreads neighbours over all bits.
const SPREAD: u64 = 0x9E37_79B9_7F4A_7C15;

/// Mixes one number into all bits of the hash; the table looks at the lowest and at the highest ones.
#[derive(Default)]
pub(crate) struct IdHasher(u64);

impl Hasher for IdHasher {
    fn write_u32(&mut self, number: u32) {
        let product = u128::from(self.0 ^ u64::from(number) ^ SPREAD) * u128::from(SPREAD);
        self.0 = (product as u64) ^ (product >> 64) as u64;
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.write_u32(u32::from(*byte)));
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// The same for a text, eight bytes at a time.
#[derive(Default)]
pub(crate) struct TextHasher(u64);

impl TextHasher {
    fn mix(&mut self, part: u64) {
        let product = u128::from(self.0 ^ part ^ SPREAD) * u128::from(SPREAD);
        self.0 = (product as u64) ^ (product >> 64) as u64;
    }
}

impl Hasher for TextHasher {
    fn write(&mut self, bytes: &[u8]) {
        let (parts, rest) = bytes.as_chunks::<8>();
        parts.iter().for_each(|part| self.mix(u64::from_le_bytes(*part)));
        let rest = rest.iter().fold(rest.len() as u64, |rest, byte| (rest << 8) | u64::from(*byte));
        self.mix(rest);
    }

    /// Ends a text; there is one.
    fn write_u8(&mut self, _: u8) {}

    fn finish(&self) -> u64 {
        self.0
    }
}

/// A hash of a text that is only good enough to look first in one place.
pub(crate) fn short_hash(text: &str) -> usize {
    let mut hasher = TextHasher::default();
    hasher.write(text.as_bytes());
    hasher.finish() as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_are_spread_over_the_bits_that_a_table_looks_at() {
        let hash = |number: u32| {
            let mut hasher = IdHasher::default();
            hasher.write_u32(number);
            hasher.finish()
        };
        let low: IdSet<u32> = (0..4_096).map(|number| (hash(number) & 0xFFF) as u32).collect();
        let high: IdSet<u32> = (0..4_096).map(|number| (hash(number) >> 57) as u32).collect();
        assert!(low.len() > 2_400 && high.len() == 128, "{} and {}", low.len(), high.len());
    }

    #[test]
    fn texts_are_told_apart() {
        let texts = ["", "a", "\0", "a\0", "and", "select", "store\0\0\0", "store", "a longer text", "a longer texu"];
        let hashes: HashSet<usize> = texts.iter().map(|text| short_hash(text)).collect();
        assert_eq!(hashes.len(), texts.len());
    }
}
