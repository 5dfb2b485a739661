//! What the state's actor is told and asked.

use super::database::StoredBlock;
use actix::Message;
use protocol::certificate::Certificate;
use protocol::consensus::events::FinalBlock;
use protocol::ledger::Ledger;
use protocol::types::{Hash, Sequence, ValidatorIndex};

/// Blocks became final, ascending; the certificate is of the last.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Apply {
    pub blocks: Vec<FinalBlock>,
    pub commit: Certificate,
}

/// Something was put to the blocks that [wait](super::Waiting).
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "()")]
pub struct ApplyWaiting;

/// A peer asks for final blocks above a sequence.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "()")]
pub struct Serve {
    pub to: ValidatorIndex,
    pub above: Sequence,
}

#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "Result<Option<StoredBlock>, String>")]
pub struct BlockAt(pub Sequence);

/// Final blocks from a sequence on, ascending, at most `count`.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "Result<Vec<StoredBlock>, String>")]
pub struct BlocksFrom {
    pub from: Sequence,
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
