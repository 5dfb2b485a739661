//! Blocks: ids and difficulties of proofs, and the Prepare votes that the branch below earned.

use crate::bytes::Layout;
use crate::types::{Epoch, Hash, Millis, ResourceCount, Sequence, Signature, ValidatorIndex, View};
use crate::vote::{Ballot, Choice, Vote};
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

/// What a block's id covers. It names neither the view nor the proposer: these belong to votes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    pub chain: Hash,
    pub epoch: Epoch,
    pub sequence: Sequence,
    pub parent: Hash,
    /// Since the Unix epoch, by the proposer's clock; never below the parent's.
    pub time: Millis,
    pub body: Hash,
    /// Merkle root of the ledger after this block.
    pub state: Hash,
}

/// A proof as a block lists it; its script was distributed before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    pub proof: Hash,
    /// Identity of the normalised script with its claim: only its first final proof pays.
    pub statement: Hash,
    /// The solver's resource count, equal at every validator.
    pub difficulty: ResourceCount,
}

/// One validator's Prepare vote for an ancestor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct CarriedVote {
    pub voter: ValidatorIndex,
    pub epoch: Epoch,
    pub view: View,
    pub signature: Signature,
}

/// The Prepare votes for one ancestor that no block of the branch included yet, voters ascending.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Carried {
    pub block: Hash,
    pub votes: Vec<CarriedVote>,
}

impl Carried {
    /// The full votes, as they were signed.
    pub fn votes(&self) -> impl Iterator<Item = Vote> + '_ {
        self.votes.iter().map(|vote| Vote {
            ballot: Ballot { epoch: vote.epoch, view: vote.view, choice: Choice::Prepare(self.block) },
            voter: vote.voter,
            signature: vote.signature,
        })
    }
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Body {
    pub proofs: Vec<Entry>,
    /// Nearest ancestor first.
    pub carried: Vec<Carried>,
}

impl Body {
    /// Domain tag `pop/body/1`, then proofs (id, statement, difficulty), then included votes by ancestor (block id,
    /// then voter as `u32`, epoch, view, signature).
    pub fn digest(&self) -> Hash {
        Layout::new("pop/body/1")
            .sequence(self.proofs.iter(), |layout, entry| {
                layout.hash(&entry.proof).hash(&entry.statement).u64(entry.difficulty.0)
            })
            .sequence(self.carried.iter(), |layout, carried| {
                layout.hash(&carried.block).sequence(carried.votes.iter(), |layout, vote| {
                    layout.u32(vote.voter.0.into()).u64(vote.epoch.0).u64(vote.view.0).bytes(&vote.signature.0)
                })
            })
            .digest()
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Block {
    pub header: Header,
    pub body: Body,
}

impl Header {
    /// The block's id: domain tag `pop/block/1`, chain id, epoch, sequence, parent, time, body digest, state root.
    pub fn id(&self) -> Hash {
        Layout::new("pop/block/1")
            .hash(&self.chain)
            .u64(self.epoch.0)
            .u64(self.sequence.0)
            .hash(&self.parent)
            .u64(self.time.0)
            .hash(&self.body)
            .hash(&self.state)
            .digest()
    }
}

impl Block {
    pub fn id(&self) -> Hash {
        self.header.id()
    }

    /// Whether the header names this body.
    pub fn is_whole(&self) -> bool {
        self.header.body == self.body.digest()
    }
}
