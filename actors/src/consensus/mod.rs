//! The actor that votes.
//!
//! It owns the vote log and the signing key. A message is a step of [`protocol::consensus::Consensus`]; what the step
//! records is made durable, and only then are its effects carried out. It decides nothing. When it fails it is
//! restarted from the log, on the same thread, where nothing of the previous incarnation can still run; if it blocks
//! its thread the process ends, since nobody could tell whether the blocked incarnation would sign again.

mod actor;
mod effects;
mod log;
mod messages;
#[cfg(test)]
mod tests;

pub use actor::{ConsensusActor, Reach};
pub use log::{OpenLogError, Opened, VoteLogs};
pub use messages::{Ask, Snapshot, WordsOn, WordsOnProof};
