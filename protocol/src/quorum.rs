//! The validator set of one epoch, and what a quorum of it is (R1).

use crate::types::{Epoch, Hash, NodeId, PublicKey, Stake, ValidatorIndex};
use alloc::vec::Vec;

/// One member of a validator set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Validator {
    pub node_id: NodeId,
    pub key: PublicKey,
    pub stake: Stake,
}

/// The validators of one epoch, in the genesis' order, and what their votes are bound to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ValidatorSet {
    chain: Hash,
    epoch: Epoch,
    validators: Vec<Validator>,
    total: Stake,
}

/// A set that cannot vote.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SetError {
    #[error("a validator set needs 1 to {max} validators, got {got}", max = ValidatorSet::VALIDATORS_MAX)]
    Size { got: usize },
    #[error("the stakes add up to more than 2^64 - 1")]
    Overflow,
    #[error("the total stake is zero")]
    NoStake,
}

impl ValidatorSet {
    pub const VALIDATORS_MAX: usize = 10_000;

    /// # Errors
    /// If there is no validator, too many, no stake, or more stake than a `u64` holds.
    pub fn new(chain: Hash, epoch: Epoch, validators: Vec<Validator>) -> Result<Self, SetError> {
        if validators.is_empty() || validators.len() > Self::VALIDATORS_MAX {
            return Err(SetError::Size { got: validators.len() });
        }
        let total = validators
            .iter()
            .try_fold(0u64, |sum, validator| sum.checked_add(validator.stake.0))
            .ok_or(SetError::Overflow)?;
        if total == 0 {
            return Err(SetError::NoStake);
        }
        Ok(ValidatorSet { chain, epoch, validators, total: Stake(total) })
    }

    /// The chain id that every signature names.
    pub fn chain(&self) -> &Hash {
        &self.chain
    }

    pub fn epoch(&self) -> Epoch {
        self.epoch
    }

    pub fn len(&self) -> usize {
        self.validators.len()
    }

    /// Never: a set has at least one validator.
    pub fn is_empty(&self) -> bool {
        self.validators.is_empty()
    }

    pub fn get(&self, index: ValidatorIndex) -> Option<&Validator> {
        self.validators.get(index.as_usize())
    }

    /// The stake of a validator; zero for an index outside the set.
    pub fn stake(&self, index: ValidatorIndex) -> Stake {
        self.get(index).map_or(Stake(0), |validator| validator.stake)
    }

    pub fn total(&self) -> Stake {
        self.total
    }

    pub fn indices(&self) -> impl Iterator<Item = ValidatorIndex> + use<> {
        (0..self.validators.len()).map(|index| ValidatorIndex(index as u16))
    }

    pub fn iter(&self) -> impl Iterator<Item = (ValidatorIndex, &Validator)> {
        self.indices().zip(&self.validators)
    }

    pub fn index_of(&self, node_id: &NodeId) -> Option<ValidatorIndex> {
        self.iter().find(|(_, validator)| validator.node_id == *node_id).map(|(index, _)| index)
    }

    pub fn index_of_key(&self, key: &PublicKey) -> Option<ValidatorIndex> {
        self.iter().find(|(_, validator)| validator.key == *key).map(|(index, _)| index)
    }

    /// The stake that the given validators hold together; each must be named once.
    pub fn stake_of(&self, voters: impl IntoIterator<Item = ValidatorIndex>) -> Stake {
        // The sum of a set is at most the total, which fits; a caller that names one twice saturates.
        Stake(voters.into_iter().fold(0u64, |sum, voter| sum.saturating_add(self.stake(voter).0)))
    }

    /// R1: more than two thirds of the epoch's stake, counted in `u128`, by stake and never by head.
    pub fn is_quorum(&self, stake: Stake) -> bool {
        3 * u128::from(stake.0) > 2 * u128::from(self.total.0)
    }

    /// One third of the stake or more: what keeps the others from a quorum.
    pub fn is_blocking(&self, stake: Stake) -> bool {
        3 * u128::from(stake.0) >= u128::from(self.total.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;

    pub(crate) fn set(stakes: &[u64]) -> ValidatorSet {
        let validators = stakes.iter().enumerate().map(|(index, stake)| Validator {
            node_id: NodeId::new(&format!("node_{}", index + 1)).unwrap(),
            key: PublicKey([index as u8; 32]),
            stake: Stake(*stake),
        });
        ValidatorSet::new(Hash::ZERO, Epoch(0), validators.collect()).unwrap()
    }

    #[test]
    fn exactly_two_thirds_are_no_quorum() {
        let three = set(&[1, 1, 1]);
        assert!(!three.is_quorum(Stake(2)));
        assert!(three.is_quorum(Stake(3)));
        let four = set(&[10_000; 4]);
        assert!(!four.is_quorum(Stake(26_666)));
        assert!(four.is_quorum(Stake(26_667)));
    }

    #[test]
    fn what_is_no_quorum_leaves_a_blocking_rest() {
        for total in 1..200u64 {
            let set = set(&[total]);
            for stake in 0..=total {
                assert_eq!(set.is_quorum(Stake(stake)), !set.is_blocking(Stake(total - stake)));
            }
        }
    }

    #[test]
    fn stake_counts_and_heads_do_not() {
        let set = set(&[70, 10, 10, 10]);
        assert!(set.is_quorum(set.stake_of([ValidatorIndex(0)])));
        assert!(!set.is_quorum(set.stake_of([1, 2, 3].map(ValidatorIndex))));
    }

    #[test]
    fn the_largest_stakes_do_not_overflow() {
        let set = set(&[u64::MAX]);
        assert!(set.is_quorum(Stake(u64::MAX)));
        assert!(!set.is_quorum(Stake(u64::MAX / 3 * 2)));
    }

    #[test]
    fn sets_that_cannot_vote_are_refused() {
        let make = |validators| ValidatorSet::new(Hash::ZERO, Epoch(0), validators);
        assert_eq!(make(Vec::new()), Err(SetError::Size { got: 0 }));
    }
}
