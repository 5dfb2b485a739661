//! Ballots and votes: what a validator signs (R2).

use crate::bytes::Layout;
use crate::quorum::ValidatorSet;
use crate::types::{Epoch, Hash, Signature, ValidatorIndex, View};
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

/// The three kinds of vote.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum VoteKind {
    /// "I checked this block, every proof in it included."
    Prepare,
    /// "I saw it prepared and did not vote ViewChange in its view."
    Commit,
    /// "I timed out in this view, or found its leader faulty."
    ViewChange,
}

/// What a vote is for. A block's id does not include the view: a vote is always of (view, block).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Choice {
    Prepare(Hash),
    Commit(Hash),
    ViewChange,
}

impl Choice {
    pub fn kind(&self) -> VoteKind {
        match self {
            Choice::Prepare(_) => VoteKind::Prepare,
            Choice::Commit(_) => VoteKind::Commit,
            Choice::ViewChange => VoteKind::ViewChange,
        }
    }

    pub fn block(&self) -> Option<Hash> {
        match self {
            Choice::Prepare(block) | Choice::Commit(block) => Some(*block),
            Choice::ViewChange => None,
        }
    }
}

/// What is signed: by one validator in a [`Vote`], by a quorum in a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Ballot {
    pub epoch: Epoch,
    pub view: View,
    pub choice: Choice,
}

impl Ballot {
    /// R2: domain tag `pop/vote/1`, kind (1 Prepare, 2 Commit, 3 ViewChange), chain id, epoch, view, then the block
    /// id for the first two.
    pub fn signed_bytes(&self, chain: &Hash) -> Vec<u8> {
        let kind = match self.choice {
            Choice::Prepare(_) => 1,
            Choice::Commit(_) => 2,
            Choice::ViewChange => 3,
        };
        let layout = Layout::new("pop/vote/1").u8(kind).hash(chain).u64(self.epoch.0).u64(self.view.0);
        match self.choice.block() {
            Some(block) => layout.hash(&block).finish(),
            None => layout.finish(),
        }
    }
}

/// One validator's signed ballot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vote {
    pub ballot: Ballot,
    pub voter: ValidatorIndex,
    pub signature: Signature,
}

impl Vote {
    pub fn view(&self) -> View {
        self.ballot.view
    }

    /// Signs a ballot as `voter`.
    pub fn sign(
        set: &ValidatorSet,
        signer: &dyn crate::signature::Signer,
        voter: ValidatorIndex,
        ballot: Ballot,
    ) -> Vote {
        let signature = signer.sign(&ballot.signed_bytes(set.chain()));
        Vote { ballot, voter, signature }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(choice: Choice) -> Vec<u8> {
        Ballot { epoch: Epoch(1), view: View(2), choice }.signed_bytes(&Hash([7; 32]))
    }

    #[test]
    fn the_signed_bytes_are_these() {
        let mut expected = Vec::new();
        expected.extend_from_slice(&10u64.to_be_bytes());
        expected.extend_from_slice(b"pop/vote/1");
        expected.push(1);
        expected.extend_from_slice(&[7; 32]);
        expected.extend_from_slice(&1u64.to_be_bytes());
        expected.extend_from_slice(&2u64.to_be_bytes());
        expected.extend_from_slice(&[9; 32]);
        assert_eq!(bytes(Choice::Prepare(Hash([9; 32]))), expected);
    }

    #[test]
    fn kinds_blocks_views_epochs_and_chains_never_share_bytes() {
        let block = Hash([9; 32]);
        assert_ne!(bytes(Choice::Prepare(block)), bytes(Choice::Commit(block)));
        assert_ne!(bytes(Choice::Prepare(block)), bytes(Choice::Prepare(Hash([8; 32]))));
        let ballot = Ballot { epoch: Epoch(1), view: View(2), choice: Choice::ViewChange };
        let chain = Hash::ZERO;
        assert_ne!(ballot.signed_bytes(&chain), ballot.signed_bytes(&Hash([1; 32])));
        assert_ne!(ballot.signed_bytes(&chain), Ballot { view: View(3), ..ballot }.signed_bytes(&chain));
        assert_ne!(ballot.signed_bytes(&chain), Ballot { epoch: Epoch(2), ..ballot }.signed_bytes(&chain));
    }
}
