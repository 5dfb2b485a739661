//! What the threads that watch a testnet report to the one that keeps its account.

use super::blocks::BlockSeen;
use super::looks::Look;
use parking_lot::Mutex;
use protocol::types::Hash;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

/// Proofs that have not ended, with the node that each was given to.
pub type Pending = Arc<Mutex<BTreeMap<Hash, usize>>>;

/// What the threads see.
#[derive(Debug)]
pub enum Event {
    Submitted {
        name: String,
        proof: Hash,
        node: usize,
        at: Instant,
    },
    /// The node did not take it, for a reason that will not pass.
    NotTaken {
        name: String,
        why: String,
    },
    /// Nodes had no room for it and told when to come back: the run goes on with the next one.
    PutOff,
    /// Nothing more is submitted.
    SubmissionsOver,
    Block(BlockSeen, Instant),
    Refused {
        proof: Hash,
        why: String,
    },
    Looked(Vec<Look>, Instant),
}
