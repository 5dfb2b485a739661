//! The questions that consensus answers. What it is told are [`Step`](crate::routes::Step)s.

use actix::Message;
use protocol::message::Word;
use protocol::ready::Standing;
use protocol::types::{Hash, ValidatorIndex};

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
