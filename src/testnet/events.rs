//! What the threads that watch a testnet report to the one that keeps its account.

use crate::why::Health;
use parking_lot::Mutex;
use protocol::types::Hash;
use serde::Deserialize;
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

/// A final block, as far as it is of interest here.
#[derive(Debug, Clone, Deserialize)]
pub struct BlockSeen {
    pub sequence: u64,
    pub proofs: Vec<EntrySeen>,
    pub prepare: Option<CertificateSeen>,
    pub commit: Option<CertificateSeen>,
    pub proposal_to_final_ms: Option<f64>,
}

impl BlockSeen {
    /// The view in which it was voted on, and by how much stake, as far as a certificate of it is kept.
    pub fn certificate(&self) -> Option<&CertificateSeen> {
        self.commit.as_ref().or(self.prepare.as_ref())
    }
}

#[derive(Debug, Clone, Deserialize)]
pub struct EntrySeen {
    pub proof: Hash,
    pub difficulty: u64,
}

#[derive(Debug, Clone, Deserialize)]
pub struct CertificateSeen {
    pub view: u64,
    pub prepared: u64,
    pub total: u64,
}

/// One node's status, as far as it is of interest here.
#[derive(Debug, Clone, Default)]
pub struct Look {
    pub answers: bool,
    /// It is connected to a quorum, signs, and waits for nothing.
    pub is_able: bool,
    pub view: u64,
    pub sequence: u64,
    pub proposals: u64,
    pub view_changes: u64,
    /// Micro-tokens that are still to be paid as rewards.
    pub reward_pool: u64,
    /// Its word on itself and on the network.
    pub health: Option<Health>,
}
