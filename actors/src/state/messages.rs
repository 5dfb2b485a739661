//! The messages that the state's actor receives.

use super::asked::Question;
use super::database::StoredBlock;
use crate::mempool::StoreError;
use actix::Message;
use protocol::block::Entry;
use protocol::ledger::Ledger;
use protocol::prefix::HashPrefix;
use protocol::types::{Hash, Sequence, ValidatorIndex};

/// What the state is to do. Final blocks come by the [waiting](super::Waiting) ones, which outlive it.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "()")]
pub enum StateStep {
    /// Something was put to the blocks that wait.
    ApplyWaiting,
    /// A peer asks for final blocks above a sequence.
    Serve { to: ValidatorIndex, above: Sequence },
}

#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "Result<Option<StoredBlock>, StoreError>")]
pub struct BlockAt(pub Sequence);

/// A question to final history that is read beside the actor.
#[derive(Message)]
#[rtype(result = "Result<Q::Found, StoreError>")]
pub struct Read<Q: Question> {
    pub question: Q,
    /// Dropped when the read has ended, or will never begin: what bounds how many reads are under way.
    pub permit: Box<dyn Send>,
}

/// The whole of a proof that is pending or final.
#[derive(Debug, Clone, Copy)]
pub struct ProofOf(pub Hash);

/// Final blocks from a sequence on, ascending, at most `count`.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "Result<Vec<StoredBlock>, StoreError>")]
pub struct BlocksFrom {
    pub from: Sequence,
    pub count: usize,
}

/// The newest final proofs above a sequence, newest first, at most `count`, of at most
/// [`BLOCKS_SEARCHED_MAX`](super::BLOCKS_SEARCHED_MAX) blocks; and the last block that was looked at.
#[derive(Debug, Clone, Copy)]
pub struct NewestFinal {
    pub above: Sequence,
    pub count: usize,
}

/// Which of these are final, as of one moment?
#[derive(Debug)]
pub struct LookUpFinal {
    pub proofs: Vec<Hash>,
    pub statements: Vec<Hash>,
}

/// The answers, in the order of what was asked; none where it is not final.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FinalFound {
    /// The last block that was looked at.
    pub head: Sequence,
    pub proofs: Vec<Option<(Sequence, Entry)>>,
    /// With the proof by which each first became final.
    pub statements: Vec<Option<(Sequence, Entry)>>,
}

/// What in final history begins so? At most `count` of each kind.
#[derive(Debug, Clone, Copy)]
pub struct FinalWithPrefix {
    pub prefix: HashPrefix,
    pub count: usize,
}

#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "Standing")]
pub struct LedgerNow;

/// Where final history stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    pub sequence: Sequence,
    /// Id of the last final block; the genesis block's before the first.
    pub block: Hash,
    pub ledger: Ledger,
}
