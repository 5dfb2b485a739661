//! What a validator keeps when it crashes: its vote log, its database of final blocks, its pending proofs.
//!
//! The log is written in batches, one in flight at a time, each with a checksum. So a crash leaves the batch in flight
//! whole, missing, or torn; what waited behind it is gone.

use protocol::block::Block;
use protocol::certificate::Certificate;
use protocol::consensus::events::{FinalBlock, Record, UnknownHistory};
use protocol::consensus::recovery::Base;
use protocol::ledger::{Branch, BranchError, Ledger};
use protocol::message::{Message, limits};
use protocol::types::{Hash, Sequence};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};

/// What became of the batch in flight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tail {
    /// Nothing was in flight.
    Clean,
    Whole,
    Missing,
    Torn,
}

/// One validator's disk.
pub struct Disk {
    /// Durable, in order.
    pub log: Vec<Record>,
    /// The batch that is being synced.
    pub in_flight: Vec<Record>,
    pub database: Database,
    /// Accepted proofs that have not ended, in the order in which they were stored.
    pub pending: Vec<Hash>,
}

impl Disk {
    pub fn new(genesis: Base) -> Self {
        Disk {
            log: vec![Record::Unknown(UnknownHistory::New)],
            in_flight: Vec::new(),
            database: Database::new(genesis),
            pending: Vec::new(),
        }
    }

    /// The sync has ended.
    pub fn synced(&mut self) -> Vec<Record> {
        let batch = std::mem::take(&mut self.in_flight);
        self.log.extend(batch.iter().cloned());
        batch
    }

    /// The power fails; `chance` decides about the batch in flight.
    pub fn crash(&mut self, chance: u64) -> Tail {
        let batch = std::mem::take(&mut self.in_flight);
        if batch.is_empty() {
            return Tail::Clean;
        }
        match chance % 3 {
            0 => {
                self.log.extend(batch);
                Tail::Whole
            }
            1 => Tail::Missing,
            _ => {
                self.log.push(Record::Unknown(UnknownHistory::Torn));
                Tail::Torn
            }
        }
    }

    /// What a start reads. Of a whole log nobody knows whether it is the newest: every start says so, and writes nothing.
    pub fn read_log(&self) -> Vec<Record> {
        let told_already = matches!(self.log.last(), Some(Record::Unknown(_)));
        let unconfirmed = (!told_already).then_some(Record::Unknown(UnknownHistory::Unconfirmed));
        self.log.iter().cloned().chain(unconfirmed).collect()
    }

    /// The log is gone and its mark is there.
    pub fn lose_log(&mut self) {
        self.log = vec![Record::Unknown(UnknownHistory::Lost)];
    }

    /// Whether a log in this state waits for the word of others, as one that was lost. A torn tail does not end that.
    pub fn is_lost(&self) -> bool {
        let after_floor = self.log.rsplit(|record| matches!(record, Record::Floor(_))).next().unwrap_or_default();
        after_floor.contains(&Record::Unknown(UnknownHistory::Lost))
    }
}

/// Final blocks, and the index that answers for them. Shared with the running consensus, which reads it only.
#[derive(Clone)]
pub struct Database(Arc<Mutex<Stored>>);

struct Stored {
    genesis: Base,
    blocks: BTreeMap<Sequence, StoredBlock>,
    ledger: Ledger,
    proofs: BTreeMap<Hash, Sequence>,
    statements: BTreeSet<Hash>,
}

/// A block that does not follow the database's head.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the database's head is {head}, and block {sequence} is to be applied")]
pub struct Gap {
    head: Sequence,
    sequence: Sequence,
}

struct StoredBlock {
    id: Hash,
    block: Block,
    prepare: Option<Certificate>,
    commit: Option<Certificate>,
}

impl Database {
    fn new(genesis: Base) -> Self {
        let ledger = genesis.ledger.clone();
        Database(Arc::new(Mutex::new(Stored {
            genesis,
            blocks: BTreeMap::new(),
            ledger,
            proofs: BTreeMap::new(),
            statements: BTreeSet::new(),
        })))
    }

    fn stored(&self) -> MutexGuard<'_, Stored> {
        self.0.lock().expect("nothing panics while it holds the lock")
    }

    pub fn head(&self) -> Sequence {
        self.stored().blocks.last_key_value().map_or(Sequence(0), |(sequence, _)| *sequence)
    }

    pub fn final_in(&self, proof: &Hash) -> Option<Sequence> {
        self.stored().proofs.get(proof).copied()
    }

    /// Where a restarted consensus begins.
    pub fn base(&self) -> Base {
        let stored = self.stored();
        match stored.blocks.last_key_value() {
            None => stored.genesis.clone(),
            Some((_, head)) => Base {
                id: head.id,
                ledger: stored.ledger.clone(),
                commit: head.commit.clone(),
                prepare: head.prepare.clone(),
            },
        }
    }

    /// One transaction: the blocks of one `Effect::Final`.
    ///
    /// # Errors
    /// If they do not follow the head.
    pub fn append(&self, blocks: &[FinalBlock], commit: &Certificate) -> Result<(), Gap> {
        let head = self.head();
        let mut stored = self.stored();
        for (place, block) in blocks.iter().enumerate() {
            let sequence = block.block.header.sequence;
            if sequence.0 != head.0 + place as u64 + 1 {
                return Err(Gap { head, sequence });
            }
            for entry in &block.block.body.proofs {
                stored.proofs.insert(entry.proof, sequence);
                stored.statements.insert(entry.statement);
            }
            let commit = (place + 1 == blocks.len()).then(|| commit.clone());
            let one = StoredBlock { id: block.id, block: block.block.clone(), prepare: block.prepare.clone(), commit };
            stored.blocks.insert(sequence, one);
            stored.ledger = block.ledger.clone();
        }
        Ok(())
    }

    /// Final blocks above a sequence, ascending, ending in one whose Commit certificate is kept.
    pub fn answer(&self, above: Sequence) -> Option<Message> {
        let stored = self.stored();
        let range: Vec<&StoredBlock> =
            stored.blocks.range(above.next()..).take(limits::BLOCKS_MAX).map(|(_, block)| block).collect();
        let last = range.iter().rposition(|block| block.commit.is_some())?;
        let blocks = range[..=last].iter().map(|stored| stored.block.clone()).collect();
        Some(Message::Blocks { blocks, commit: range[last].commit.clone() })
    }
}

impl Branch for Database {
    fn has_proof(&self, proof: &Hash) -> Result<bool, BranchError> {
        Ok(self.stored().proofs.contains_key(proof))
    }

    fn has_statement(&self, statement: &Hash) -> Result<bool, BranchError> {
        Ok(self.stored().statements.contains(statement))
    }
}
