//! What validators say to each other. Nothing in here is believed before [`crate::verify`] made it verified.

use crate::block::Block;
use crate::certificate::Certificate;
use crate::proof::Proof;
use crate::types::{Hash, ResourceCount, Sequence, ValidatorIndex, View};
use crate::vote::{Vote, VoteKind};
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

/// Named maxima of what one message holds; who sends more is at fault.
pub mod limits {
    /// ViewChange certificates that a proposal brings along; the rest is asked for by range.
    pub const SKIPPED_MAX: usize = 16;
    /// Certificates asked for, or answered with, at once.
    pub const CERTIFICATES_MAX: usize = 64;
    /// Blocks in one answer.
    pub const BLOCKS_MAX: usize = 64;
    /// Attestations in one message.
    pub const WORDS_MAX: usize = 1_000;
    /// Proof ids in one message.
    pub const IDS_MAX: usize = 4_096;
    /// Proofs in one answer (their bytes are bounded by the frame).
    pub const PROOFS_MAX: usize = 64;
    /// Newest votes of a peer that a recovery response names.
    pub const TESTIMONY_VOTES_MAX: usize = 8;
    /// Proofs in one block, whatever a genesis says.
    pub const BLOCK_PROOFS_MAX: usize = 1_000;
}

/// A leader's proposal: the block, what lets it follow its parent (R4), and the leader's own Prepare vote (R3).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proposal {
    pub block: Block,
    /// Prepare or Commit certificate of exactly (u, parent); none if the parent is the genesis.
    pub parent: Option<Certificate>,
    /// The newest ViewChange certificates of the views between, ascending.
    pub skipped: Vec<Certificate>,
    /// The leader's Prepare vote for (view, block).
    pub vote: Vote,
}

impl Proposal {
    pub fn view(&self) -> View {
        self.vote.ballot.view
    }

    /// The view u of the parent's certificate; 0 for the genesis.
    pub fn parent_view(&self) -> View {
        self.parent.as_ref().map_or(View(0), Certificate::view)
    }
}

/// Why a validator votes ViewChange. It travels beside the signature, not under it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum GiveUpReason {
    /// The view timer ran out.
    Timeout,
    /// The leader has had no session, or has not voted, for long.
    SilentLeader,
    /// The proposal breaks a rule.
    InvalidProposal,
    /// My own solver does not confirm this proof of the proposal.
    ProofNotConfirmed(Hash),
    /// Two proposals by one leader.
    TwoProposals,
    /// The leader itself voted ViewChange.
    LeaderGaveUp,
    /// Validators with a third of the stake or more voted ViewChange.
    OthersGaveUp,
}

/// One bit for each validator of the set.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct VoterSet(Vec<u64>);

impl VoterSet {
    const WORDS_MAX: usize = crate::quorum::ValidatorSet::VALIDATORS_MAX.div_ceil(64);

    pub fn insert(&mut self, voter: ValidatorIndex) {
        let word = voter.as_usize() / 64;
        if word >= self.0.len() {
            self.0.resize(word + 1, 0);
        }
        self.0[word] |= 1 << (voter.as_usize() % 64);
    }

    pub fn contains(&self, voter: ValidatorIndex) -> bool {
        self.0.get(voter.as_usize() / 64).is_some_and(|word| word >> (voter.as_usize() % 64) & 1 == 1)
    }

    pub fn is_bounded(&self) -> bool {
        self.0.len() <= Self::WORDS_MAX
    }
}

impl FromIterator<ValidatorIndex> for VoterSet {
    fn from_iter<I: IntoIterator<Item = ValidatorIndex>>(voters: I) -> Self {
        let mut set = VoterSet::default();
        voters.into_iter().for_each(|voter| set.insert(voter));
        set
    }
}

/// A validator's state; sent on a new session and every 500 ms, always, to up to 16 peers in turn (T1), or 4.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    pub view: View,
    pub commit: View,
    pub prepare: View,
    /// Final blocks that it can serve.
    pub sequence: Sequence,
    /// Whether it holds the proposal of `view`.
    pub proposal: bool,
    /// Whose votes of `view` it holds.
    pub prepares: VoterSet,
    pub commits: VoterSet,
    pub view_changes: VoterSet,
    /// It may not sign yet and asks for a recovery response (R12).
    pub recovering: bool,
}

impl Status {
    /// Whether a later status of the same validator shows progress: another view, or a higher certificate.
    pub fn is_behind(&self, later: &Status) -> bool {
        (self.view, self.commit, self.prepare) != (later.view, later.commit, later.prepare)
    }
}

/// Recovery response: what a validator sends a peer whose vote log may be incomplete (R12).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Testimony {
    /// The sender has itself lost its log: its response does not count for others that have.
    pub lost: bool,
    pub view: View,
    /// The certificate by which the teller entered its view; none in view 1.
    pub entry: Option<Certificate>,
    /// The newest votes of the recipient.
    pub yours: Vec<Vote>,
}

/// Attestation: the result of a validator's own check of a proof.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Word {
    /// Confirmed within the soft limits, at this count: *Ready*.
    Confirmed(ResourceCount),
    /// Confirmed, but beyond the soft limits: it can be voted for, and is not announced Ready.
    ConfirmedBeyondSoft(ResourceCount),
    Refuted,
    NoVerdict,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Message {
    Proposal(alloc::boxed::Box<Proposal>),
    Vote {
        vote: Vote,
        reason: Option<GiveUpReason>,
    },
    Certificate(Certificate),
    Status(Status),
    /// Certificates of one kind for the views `from..=to`.
    CertificateRequest {
        kind: VoteKind,
        from: View,
        to: View,
    },
    Certificates(Vec<Certificate>),
    /// The block and its ancestors above a sequence.
    BlockRequest {
        block: Hash,
        above: Sequence,
    },
    /// Ascending and linked. Final ones end in a block with its Commit certificate, others in the block asked for.
    Blocks {
        blocks: Vec<Block>,
        commit: Option<Certificate>,
    },
    Testimony(Testimony),
    /// Attestations; they hold as long as the session.
    Checked(Vec<(Hash, Word)>),
    /// Ids of pending proofs that the sender holds durably.
    Pending(Vec<Hash>),
    ProofRequest(Vec<Hash>),
    Proofs(Vec<Proof>),
}
