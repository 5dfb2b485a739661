//! State: final blocks, the ledger after the last of them, and the index of final proofs.
//!
//! What is final is decided elsewhere; this makes it durable, notifies those that wait for it, and answers queries
//! about it.

mod actor;
mod asked;
mod database;
mod head;
mod lookup;
mod messages;
mod pending;
mod search;
mod tables;
#[cfg(test)]
mod tests;
mod waiting;
mod writer;

pub use actor::{StateActor, StateSettings};
pub use asked::Question;
pub use database::{Below, Database, DatabaseError, FILE_NAME, Head, StoredBlock};
pub use head::history;
pub use messages::{
    BlockAt, BlocksFrom, FinalFound, FinalWithPrefix, LedgerNow, LookUpFinal, NewestFinal, ProofOf, Read, Standing,
    StateStep,
};
pub use search::{BLOCKS_SEARCHED_MAX, FinalNames};
pub use waiting::{NotWritten, WAITING_MAX, Waiting};
