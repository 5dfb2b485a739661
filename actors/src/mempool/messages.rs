//! The messages that the mempool's actor receives.

use crate::tap::proofs;
use actix::Message;
use protocol::mempool::{Figures, Holdings, Listed, Newest, Refusal, Whereabouts};
use protocol::prefix::HashPrefix;
use protocol::proof::Proof;
use protocol::types::{Hash, Millis};
use std::time::Instant;

/// A submission through the API. The answer comes when the proof is durable here.
#[derive(Debug, Message)]
#[rtype(result = "Result<Accepted, SubmitError>")]
pub struct Submit(pub Proof);

/// The proof is durable here, or was here already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    pub proof: Hash,
    pub known: Option<Whereabouts>,
}

/// Why a submission was not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SubmitError {
    #[error("the script has {bytes} bytes, the network's maximum is {max}")]
    TooLong { bytes: u64, max: u64 },
    #[error("the submitter's signature does not hold for this chain, claim, nonce and script")]
    BadSignature,
    #[error("{refusal}")]
    Refused {
        proof: Hash,
        refusal: Refusal,
        /// After this time there may be room; none if another time changes nothing.
        come_back: Option<Millis>,
    },
    #[error("{examined} submissions are being looked at already; try again in a moment")]
    Busy { examined: usize },
    #[error("the proof could not be looked at: {0}")]
    Failed(String),
}

impl SubmitError {
    /// A short fixed label for metrics.
    pub fn label(&self) -> &'static str {
        match self {
            SubmitError::TooLong { .. } => "too_long",
            SubmitError::BadSignature => "bad_signature",
            SubmitError::Refused { refusal, .. } => proofs::refusal(refusal),
            SubmitError::Busy { .. } => "busy",
            SubmitError::Failed(_) => "failed",
        }
    }
}

/// Several submissions of one client: as many answers, in their order, and one that is refused keeps none back.
#[derive(Debug, Message)]
#[rtype(result = "Vec<Result<Accepted, SubmitError>>")]
pub struct SubmitAll(pub Vec<Proof>);

/// Where are these, as far as the mempool knows? No disk is read: what is final, the state knows, and its answer goes before
/// this one if it is asked afterwards.
#[derive(Debug, Message)]
#[rtype(result = "Found")]
pub struct LookUp {
    pub proofs: Vec<Hash>,
    pub statements: Vec<Hash>,
}

/// The answers, in the order of what was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    pub proofs: Vec<Located>,
    /// With the proof that each answer is about; none if the statement is neither held nor remembered.
    pub statements: Vec<Option<(Hash, Whereabouts)>>,
}

/// Where is this proof?
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "Result<Located, SubmitError>")]
pub struct Locate(pub Hash);

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Located {
    pub whereabouts: Whereabouts,
    /// What the verifier pool remembers its report by.
    pub statement: Option<Hash>,
}

/// The newest proofs that are held and that ended, at most so many of each.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "Newest")]
pub struct NewestProofs(pub usize);

/// Proofs that are held or remembered, by the beginning of their id or of their statement's: at most `count`.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "Vec<Listed>")]
pub struct WithPrefix {
    pub prefix: HashPrefix,
    pub count: usize,
}

#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "Figures")]
pub struct TellFigures;

/// The oldest proofs that have not ended, at most so many, and where each is.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "Vec<(Hash, Whereabouts)>")]
pub struct TellOldest(pub usize);

/// What the mempool publishes: what it holds, and since when the oldest of it is held.
#[derive(Debug, Clone, Copy)]
pub struct Held {
    pub holdings: Holdings,
    pub oldest: Option<Instant>,
}
