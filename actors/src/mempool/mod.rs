//! The mempool's actor: a thin shell round [`protocol::mempool`].
//!
//! It owns the ways in (submissions and peers), the look at what came in, and the writing of what is pending. It decides
//! nothing: what is admitted, checked, told or refused is said by the pure part.

mod actor;
mod asked;
mod examine;
mod forms;
mod intake;
mod messages;
mod pushes;
mod store;
#[cfg(test)]
mod tests;

pub use actor::{MempoolActor, MempoolSettings};
pub use intake::{EXAMINED_BYTES_MAX, EXAMINED_MAX};
pub use messages::{
    Accepted, BecameFinal, ConsensusRebuilt, Found, Locate, Located, LookUp, Need, NewestProofs, PeerSaid,
    RefusedByWords, Session, Submit, SubmitAll, SubmitError, TellFigures, TellOldest, WithPrefix,
};
pub use store::{Change, ProofStore, StoreError};
