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

/// The most that one block holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlockLimits {
    pub proofs_max: usize,
    /// Of [`Block::bytes_of`].
    pub bytes_max: usize,
}

impl Block {
    /// A header, and the two counts of a body.
    const BYTES_MIN: usize = 4 * 32 + 3 * 8 + 2 * 8;
    const ENTRY_BYTES: usize = 32 + 32 + 8;
    /// Of one ancestor, without its votes.
    const CARRIED_BYTES: usize = 32 + 8;
    const VOTE_BYTES: usize = 4 + 8 + 8 + 64;

    /// Bytes of a block with this body, by the fields that its id covers: equal for everybody, whatever it is sent as.
    pub fn bytes_of(body: &Body) -> usize {
        let carried = body.carried.iter().map(Self::bytes_of_carried).sum::<usize>();
        Self::BYTES_MIN + Self::ENTRY_BYTES * body.proofs.len() + carried
    }

    fn bytes_of_carried(carried: &Carried) -> usize {
        Self::CARRIED_BYTES + Self::VOTE_BYTES * carried.votes.len()
    }

    /// Bytes of a block with one proof and every validator's vote for its parent: the least that has to be allowed.
    pub fn bytes_needed(validators: usize) -> usize {
        Self::BYTES_MIN + Self::ENTRY_BYTES + Self::CARRIED_BYTES + Self::VOTE_BYTES * validators
    }
}

impl Body {
    /// Leaves out what exceeds `bytes_max`: late votes first, then proofs. The votes for `parent` stay, which a block needs.
    pub fn shorten(&mut self, parent: &Hash, bytes_max: usize) {
        let of_parent = self.carried.iter().find(|carried| carried.block == *parent);
        let needed = Block::BYTES_MIN + of_parent.map_or(0, Block::bytes_of_carried);
        let mut room = bytes_max.saturating_sub(needed);
        self.proofs.truncate(room / Block::ENTRY_BYTES);
        room -= Block::ENTRY_BYTES * self.proofs.len();
        for late in self.carried.iter_mut().filter(|carried| carried.block != *parent) {
            late.votes.truncate(room.saturating_sub(Block::CARRIED_BYTES) / Block::VOTE_BYTES);
            if !late.votes.is_empty() {
                room -= Block::bytes_of_carried(late);
            }
        }
        self.carried.retain(|carried| !carried.votes.is_empty());
    }

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::Signature;

    #[test]
    fn what_exceeds_a_blocks_bytes_is_left_out_late_votes_first() {
        let id = |byte| Hash([byte; 32]);
        let proofs = (0..10).map(|byte| Entry { proof: id(byte), statement: id(byte), difficulty: ResourceCount(1) });
        let vote = |voter| CarriedVote {
            voter: ValidatorIndex(voter),
            epoch: Epoch(1),
            view: View(1),
            signature: Signature([0; 64]),
        };
        let carried = [1, 2, 3].map(|block| Carried { block: id(block), votes: (0..4).map(vote).collect() });
        let whole = Body { proofs: proofs.collect(), carried: carried.into() };
        let counts = |body: &Body| {
            let votes: Vec<usize> = body.carried.iter().map(|carried| carried.votes.len()).collect();
            (body.proofs.len(), votes)
        };
        let all = Block::bytes_of(&whole);
        assert_eq!(all, 168 + 10 * 72 + 3 * (40 + 4 * 84));
        for bytes_max in 0..=all + 1 {
            let mut body = whole.clone();
            body.shorten(&id(1), bytes_max);
            assert_eq!(body.carried[0].votes.len(), 4, "a block needs its parent's votes");
            let needed = Block::bytes_needed(4) - 72;
            assert!(Block::bytes_of(&body) <= bytes_max.max(needed), "{bytes_max}: {:?}", counts(&body));
            if body.proofs.len() < 10 {
                assert_eq!(body.carried.len(), 1, "{bytes_max}: no late vote before a proof");
            }
            match bytes_max {
                _ if bytes_max >= all => assert_eq!(body, whole),
                1_264 => assert_eq!(counts(&body), (10, [4].into())),
                1_388 => assert_eq!(counts(&body), (10, [4, 1].into())),
                _ => {}
            }
        }
    }
}
