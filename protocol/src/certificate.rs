//! Certificates: one ballot, signed by a quorum of the epoch's stake.

use crate::quorum::ValidatorSet;
use crate::types::{Hash, Signature, ValidatorIndex, View};
use crate::vote::{Ballot, Vote, VoteKind};
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

/// A ballot and who signed it. Valid only if the signers are strictly ascending and hold a quorum (R1).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Certificate {
    pub ballot: Ballot,
    pub signatures: Vec<(ValidatorIndex, Signature)>,
}

impl Certificate {
    pub fn view(&self) -> View {
        self.ballot.view
    }

    pub fn kind(&self) -> VoteKind {
        self.ballot.choice.kind()
    }

    pub fn block(&self) -> Option<Hash> {
        self.ballot.choice.block()
    }

    pub fn signers(&self) -> impl Iterator<Item = ValidatorIndex> + '_ {
        self.signatures.iter().map(|(voter, _)| *voter)
    }

    /// The votes that it is made of.
    pub fn votes(&self) -> impl Iterator<Item = Vote> + '_ {
        self.signatures.iter().map(|&(voter, signature)| Vote { ballot: self.ballot, voter, signature })
    }

    /// Whether its signers are in order, each once, and a quorum. Says nothing about the signatures.
    pub fn has_quorum(&self, set: &ValidatorSet) -> bool {
        let ascending = self.signatures.is_sorted_by(|(a, _), (b, _)| a < b);
        ascending && set.is_quorum(set.stake_of(self.signers()))
    }
}
