//! A set of validators, one bit each: a proof knows of every peer whether it has it, so this must stay small.

use crate::quorum::ValidatorSet;
use crate::types::ValidatorIndex;
use smallvec::SmallVec;

/// At most `ValidatorSet::VALIDATORS_MAX` bits; what lies beyond is never a member.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct PeerSet(SmallVec<[u64; 2]>);

impl PeerSet {
    pub(super) fn insert(&mut self, peer: ValidatorIndex) {
        if peer.as_usize() >= ValidatorSet::VALIDATORS_MAX {
            return;
        }
        let word = peer.as_usize() / 64;
        if word >= self.0.len() {
            self.0.resize(word + 1, 0);
        }
        self.0[word] |= 1 << (peer.as_usize() % 64);
    }

    pub(super) fn remove(&mut self, peer: ValidatorIndex) {
        if let Some(word) = self.0.get_mut(peer.as_usize() / 64) {
            *word &= !(1 << (peer.as_usize() % 64));
        }
    }

    pub(super) fn contains(&self, peer: ValidatorIndex) -> bool {
        self.0.get(peer.as_usize() / 64).is_some_and(|word| word >> (peer.as_usize() % 64) & 1 == 1)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.iter().all(|word| *word == 0)
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_come_and_go_and_strangers_take_no_memory() {
        let mut set = PeerSet::default();
        for peer in [0, 63, 64, 999] {
            set.insert(ValidatorIndex(peer));
            assert!(set.contains(ValidatorIndex(peer)));
        }
        set.insert(ValidatorIndex(u16::MAX));
        assert!(!set.contains(ValidatorIndex(u16::MAX)));
        assert!(set.0.len() <= ValidatorSet::VALIDATORS_MAX.div_ceil(64));
        set.remove(ValidatorIndex(63));
        assert!(!set.contains(ValidatorIndex(63)) && set.contains(ValidatorIndex(64)) && !set.is_empty());
    }
}
