//! What goes into a step of the mempool and what comes out: the contract with its actor.
//!
//! It holds data only. Nothing is decided here.

use crate::message::{Message, Word};
use crate::ready::Checked;
use crate::types::{Hash, Millis, PublicKey, Sequence, ValidatorIndex};
use crate::verdict::Verdict;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use serde::{Deserialize, Serialize};

/// Who brought a proof here: bounds hold for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// The key that signed it, through this validator's API.
    Submitter(PublicKey),
    /// A validator that sent it.
    Peer(ValidatorIndex),
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Source::Submitter(key) => write!(f, "submitter {key}"),
            Source::Peer(peer) => write!(f, "validator {peer}"),
        }
    }
}

/// A proof whose size, signature and form were found good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Candidate {
    pub proof: Hash,
    /// Identity of normalised script and claim.
    pub statement: Hash,
    /// Bytes of the script.
    pub size: u64,
    pub source: Source,
}

/// What one operator may tune, as checked numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    pub proofs_max: usize,
    pub bytes_max: u64,
    /// Pending proofs of one source, and their bytes.
    pub source_proofs_max: usize,
    pub source_bytes_max: u64,
    /// Pending proofs of all submitters together, and their bytes; the rest is for what peers took in.
    pub api_proofs_max: usize,
    pub api_bytes_max: u64,
    /// Checks that are with the verifier pool at once.
    pub checks_max: usize,
}

impl Limits {
    /// One source may take half, so that one submitter or peer alone cannot fill the mempool.
    pub fn new(proofs_max: usize, bytes_max: u64, checks_max: usize) -> Limits {
        Limits {
            proofs_max,
            bytes_max,
            source_proofs_max: proofs_max.div_ceil(2),
            source_bytes_max: bytes_max.div_ceil(2),
            api_proofs_max: proofs_max,
            api_bytes_max: bytes_max,
            checks_max: checks_max.max(1),
        }
    }

    /// Of `validators` each takes in no more than its share, so that all can hold what any of them took in. Otherwise a
    /// flood fills each with proofs that the others have no room for, and no proof is checked by a quorum. One script of
    /// the greatest length fits in any case.
    pub fn shared_by(self, validators: usize, script_bytes_max: u64) -> Limits {
        let validators = validators.max(1);
        let share = (self.bytes_max / validators as u64).max(script_bytes_max).min(self.bytes_max);
        Limits { api_proofs_max: (self.proofs_max / validators).max(1), api_bytes_max: share, ..self }
    }
}

/// Why this node does not hold a proof: its own decision, which *final* overrides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Refusal {
    #[error(
        "the mempool is full: it holds {proofs} of {proofs_max} proofs and {bytes} of {bytes_max} bytes, and this script \
         has {size}; submit it again once pending proofs have ended, or to another validator"
    )]
    Full { proofs: usize, proofs_max: usize, bytes: u64, bytes_max: u64, size: u64 },
    #[error(
        "{from} already has {proofs} of {proofs_max} pending proofs and {bytes} of {bytes_max} bytes, and this script has \
         {size}; submit it again once some of them have ended"
    )]
    SourceFull { from: String, proofs: usize, proofs_max: usize, bytes: u64, bytes_max: u64, size: u64 },
    #[error(
        "this validator's share of the network's mempool is full: {proofs} of {proofs_max} proofs and {bytes} of \
         {bytes_max} bytes that were submitted here are pending, and this script has {size}; submit it again once some of \
         them have ended, or to another validator"
    )]
    ShareFull { proofs: usize, proofs_max: usize, bytes: u64, bytes_max: u64, size: u64 },
    #[error("it was disputed, and the mempool needed its place; submit it again once there is room")]
    Displaced,
    #[error("line {line}, column {column}: {text}")]
    Malformed { line: u32, column: u32, text: String },
    /// At most [`super::WORDS_KEPT_MAX`] attestations are kept.
    #[error("not confirmed: {}", attested(words))]
    Words { words: Vec<(ValidatorIndex, Word)> },
}

/// How many attest what, without saying of how many: that is the network's, and not known here.
fn attested(words: &[(ValidatorIndex, Word)]) -> String {
    let count = |is: fn(&Word) -> bool| words.iter().filter(|(_, word)| is(word)).count();
    let refuted = count(|word| matches!(word, Word::Refuted));
    let undecided = count(|word| matches!(word, Word::NoVerdict));
    let confirmed = words.len() - refuted - undecided;
    format!("validators that refute it {refuted}, without a verdict {undecided}, that confirm it {confirmed}")
}

impl Refusal {
    /// Whether the same bytes would meet the same refusal at another time.
    pub fn is_permanent(&self) -> bool {
        match self {
            Refusal::Malformed { .. } | Refusal::Words { .. } => true,
            Refusal::Full { .. } | Refusal::SourceFull { .. } | Refusal::ShareFull { .. } | Refusal::Displaced => false,
        }
    }
}

/// Where a proof is, as far as the mempool knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Whereabouts {
    /// Neither held nor remembered. Older proofs may still be final: the index of final proofs knows.
    Unknown,
    /// A peer has it; its script is being fetched.
    Fetching,
    /// Being made durable, or waiting for its check.
    Waiting,
    Checking,
    /// Checked here; waits for the others' attestations or for a block.
    Pending {
        mine: Word,
        /// Of validators that I have a session with, ascending.
        words: Vec<(ValidatorIndex, Word)>,
        disputed: bool,
    },
    Refused(Refusal),
    Final(Sequence),
}

/// What the verifier pool made of a proof.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Judgement {
    Word(Word),
    /// The check was ended from outside and says nothing about the proof: it is tried again later.
    Again,
}

impl Judgement {
    /// What follows from a verdict: an attestation, or another try. A form that was accepted and then rejected is no
    /// verdict on the proof.
    pub fn of(verdict: &Verdict) -> Judgement {
        match verdict {
            Verdict::Confirmed { resource_count, within_soft_limits: true } => {
                Judgement::Word(Word::Confirmed(*resource_count))
            }
            Verdict::Confirmed { resource_count, within_soft_limits: false } => {
                Judgement::Word(Word::ConfirmedBeyondSoft(*resource_count))
            }
            Verdict::Refuted { .. } => Judgement::Word(Word::Refuted),
            Verdict::NoVerdict { reason } if !reason.concerns_the_proof() => Judgement::Again,
            Verdict::NoVerdict { .. } | Verdict::Rejected { .. } => Judgement::Word(Word::NoVerdict),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// [`super::Mempool::wakeup`] has come.
    Tick,
    SessionOpened(ValidatorIndex),
    /// Its attestations lapse, and requests sent to it go to others.
    SessionClosed(ValidatorIndex),
    /// Ids of proofs that a peer holds durably.
    Offered {
        from: ValidatorIndex,
        proofs: Vec<Hash>,
    },
    /// A peer asks for scripts.
    Asked {
        from: ValidatorIndex,
        proofs: Vec<Hash>,
    },
    /// An [`Effect::Serve`] is done.
    Served(ValidatorIndex),
    /// A peer sent scripts, asked or not; those that are [`super::Mempool::welcomes`] are now being looked at.
    Arrived {
        from: ValidatorIndex,
        proofs: Vec<Hash>,
    },
    /// What a peer sent under this id is not signed by its submitter. Says nothing about the proof.
    Spoiled {
        from: ValidatorIndex,
        proof: Hash,
    },
    /// It is signed by its submitter, but its script does not have an accepted form.
    Malformed {
        proof: Hash,
        refusal: Refusal,
    },
    /// Admitted proofs are durable now.
    Stored(Vec<Hash>),
    Judged {
        proof: Hash,
        judgement: Judgement,
    },
    /// A peer's attestations; they hold as long as the session. Consensus decides on them; here they determine which
    /// proofs are disputed.
    Words {
        from: ValidatorIndex,
        words: Vec<(Hash, Word)>,
    },
    /// Consensus needs these scripts for a proposal; `from` should have them, best first.
    Need {
        proofs: Vec<Hash>,
        from: Vec<ValidatorIndex>,
    },
    /// Consensus refuses the proof because of these attestations.
    Refused {
        proof: Hash,
        words: Vec<(ValidatorIndex, Word)>,
    },
    /// In the database by now: proofs of one final block.
    Final {
        sequence: Sequence,
        proofs: Vec<Hash>,
    },
    /// A proof that is held has no script in the database: it is held no longer.
    Missing(Hash),
    /// Consensus was restarted and has no attestation, neither mine nor those of peers with a session.
    ConsensusRestarted,
    /// The verifier pool was rebuilt and forgot what it was asked.
    PoolRestarted,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    Send(ValidatorIndex, Message),
    /// Send the script itself: it is small and is just being admitted, so the actor still has it in memory.
    Push {
        proof: Hash,
        to: Vec<ValidatorIndex>,
    },
    /// Answer [`Message::Proofs`] with those of these that the database has, bounded by bytes; then
    /// [`Input::Served`]. An answer that has none of them is an answer too.
    Serve {
        to: ValidatorIndex,
        proofs: Vec<Hash>,
    },
    /// Hand it to the verifier pool, before what waits there if it is urgent.
    Check {
        proof: Hash,
        urgent: bool,
    },
    /// Its check is of no use any more.
    Cancel(Hash),
    /// [`crate::consensus::events::Input::Checked`].
    Tell(Checked),
    /// [`crate::consensus::events::Input::MempoolRestarted`], before every attestation is told again: what was dropped
    /// before the restart may not have reached consensus.
    Restarted {
        held: Vec<Hash>,
    },
    /// Remove it from the pending proofs on disk, and notify consensus that it is forgotten.
    Refuse {
        proof: Hash,
        refusal: Refusal,
    },
    /// Take it out of the pending proofs on disk, if it is there: it became final, or was refused, while it was being
    /// written or checked.
    Delete(Hash),
}

/// What the mempool holds, for people and metrics.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Figures {
    pub proofs: usize,
    pub proofs_max: usize,
    pub bytes: u64,
    pub bytes_max: u64,
    /// Waiting for their check.
    pub waiting: usize,
    pub checking: usize,
    pub disputed: usize,
    /// Known by name only.
    pub fetching: usize,
}

/// The same by who brought it, and how far it has come, for metrics.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Holdings {
    pub figures: Figures,
    /// Those of `figures.proofs` and `figures.bytes` that submitters brought here; peers brought the others.
    pub submitted: usize,
    pub submitted_bytes: u64,
    /// Confirmed here within the soft limits: announced *Ready*.
    pub ready: usize,
    /// When the one that is held longest was admitted; those that were restored, at 0.
    pub oldest: Option<Millis>,
}

/// How long a request for scripts may take before the next peer is asked.
pub const REQUEST_DEADLINE: Millis = Millis(2_000);
/// The same for scripts that a proposal waits for.
pub const NEED_DEADLINE: Millis = Millis(500);
/// How long a needed script is asked for without consensus asking again.
pub const NEED_LIFETIME: Millis = Millis(60_000);
/// How long scripts that arrived are looked at before they are asked for once more.
pub const ARRIVAL_DEADLINE: Millis = Millis(5_000);
/// Ids on which peers differ are sent again after this.
pub const EXCHANGE_INTERVAL: Millis = Millis(1_000);
/// Proofs that came from peers are announced to the others together, after this.
pub const RELAY_DELAY: Millis = Millis(100);
/// A check that was ended from outside is tried again after this.
pub const RETRY_DELAY: Millis = Millis(5_000);
