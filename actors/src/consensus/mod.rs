//! The actor that votes.
//!
//! It owns the vote log and the signing key. A message is a step of [`protocol::consensus::Consensus`]; what the step
//! records is made durable, and only then are its effects carried out. It decides nothing, and it is never rebuilt in a
//! process that may have votes under way: any failure of it ends the process, which starts again from the log.

mod actor;
mod messages;
mod observed;

pub use actor::{ConsensusActor, Reach};
pub use messages::{
    Ask, Finalized, Follow, Needed, RefusedByOthers, ServeBlocks, Snapshot, Step, TellAgain, WordsOn, WordsOnProof,
};
pub use observed::{Counts, Observed};
