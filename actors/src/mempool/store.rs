//! What the mempool needs of the database: pending proofs with their scripts.
//!
//! Reads may block on the disk. A failed one is never tried again: nobody knows what the disk holds then, and the
//! process ends.

use crate::exit_code;
use protocol::mempool::Candidate;
use protocol::message::Word;
use protocol::proof::Proof;
use protocol::types::{Hash, Sequence};

/// A disk that failed, or data that cannot be what was written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct StoreError {
    /// With which code the process ends.
    pub exit_code: i32,
    pub reason: String,
}

impl StoreError {
    /// The database ended before it did what it was asked.
    pub fn closed() -> StoreError {
        StoreError { exit_code: exit_code::INTERNAL, reason: "the database was closed".into() }
    }
}

/// One change to the pending proofs.
#[derive(Debug, Clone)]
pub enum Change {
    Put(Candidate, Box<Proof>),
    Remove(Hash),
}

pub trait ProofStore: Send + Sync + 'static {
    /// Makes the changes durable, together and in the order of the calls, and then calls `done` on a thread of its own; with
    /// an error if the disk fails. Does not block.
    fn change(&self, changes: Vec<Change>, done: Box<dyn FnOnce(Result<(), StoreError>) + Send>);

    /// Every pending proof, oldest first, with my own attestation if one was noted. Final ones are not pending. Waits
    /// until all that was requested is durable; reads nothing from the disk.
    ///
    /// # Errors
    /// If something that was requested will never be durable.
    fn pending(&self) -> Result<Vec<(Candidate, Option<Word>)>, StoreError>;

    /// Remembers my own attestation on a pending proof while it is pending and this process runs.
    fn note(&self, proof: &Hash, word: Word);

    /// The whole proof, pending or final.
    ///
    /// # Errors
    /// If the disk fails.
    fn proof(&self, proof: &Hash) -> Result<Option<Proof>, StoreError>;

    /// The block that it became final in, and its statement.
    ///
    /// # Errors
    /// If the disk fails.
    fn final_in(&self, proof: &Hash) -> Result<Option<(Sequence, Hash)>, StoreError>;
}
