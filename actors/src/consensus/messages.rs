//! The messages that consensus receives, and those it sends to other actors.

use actix::Message;
use protocol::certificate::Certificate;
use protocol::consensus::events::{FinalBlock, Input, Notice};
use protocol::message::{Message as PeerMessage, Word};
use protocol::ready::Standing;
use protocol::types::{Hash, Sequence, ValidatorIndex};
use protocol::verify::Verified;
use std::time::Instant;

/// One step.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Step(pub Input);

/// A step with what a peer said, and since when that waits: it was verified then.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Said {
    pub from: ValidatorIndex,
    pub message: Verified<PeerMessage>,
    pub since: Instant,
}

/// From a subscriber that was restarted: report the current view.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "()")]
pub struct TellAgain;

/// To `mempool`: this incarnation of consensus has no attestation yet.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "()")]
pub struct Rebuilt;

/// Where consensus is, for people.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "Snapshot")]
pub struct Ask;

pub type Snapshot = protocol::consensus::view::Snapshot;

/// What everybody said about a pending proof.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "WordsOnProof")]
pub struct WordsOn(pub Hash);

/// A proof's status, and each validator's attestation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WordsOnProof {
    pub standing: Standing,
    pub words: Vec<(ValidatorIndex, Word)>,
}

/// To `view_change` and `leader_election`: what happened.
#[derive(Debug, Clone, Message)]
#[rtype(result = "()")]
pub struct Follow(pub Notice);

/// To `state`: blocks became final.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Finalized {
    pub blocks: Vec<FinalBlock>,
    pub commit: Certificate,
}

/// To `state`: a peer asks for final blocks.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "()")]
pub struct ServeBlocks {
    pub to: ValidatorIndex,
    pub above: Sequence,
}

/// To `mempool`: scripts that a proposal needs.
#[derive(Debug, Clone, Message)]
#[rtype(result = "()")]
pub struct Needed {
    pub proofs: Vec<Hash>,
    pub from: Vec<ValidatorIndex>,
}

/// To `mempool`: for every count, a third of the stake or more said otherwise.
#[derive(Debug, Clone, Message)]
#[rtype(result = "()")]
pub struct RefusedByOthers {
    pub proof: Hash,
    pub words: Vec<(ValidatorIndex, Word)>,
}
