//! The mempool's actor: a thin shell around [`protocol::mempool`].
//!
//! It owns admission (of submissions and proofs from peers), its validation, and the writing of pending proofs. It
//! decides nothing: the pure part decides what is admitted, checked, sent or refused.

mod actor;
mod asked;
mod examine;
mod forms;
mod intake;
mod messages;
mod pushes;
mod serving;
mod store;
#[cfg(test)]
mod tests;

pub use actor::{MempoolActor, MempoolSettings};
pub use intake::{EXAMINED_BYTES_MAX, EXAMINED_MAX};
pub use messages::{
    Accepted, Found, Held, Locate, Located, LookUp, NewestProofs, Submit, SubmitAll, SubmitError, TellFigures,
    TellOldest, WithPrefix,
};
pub use store::{Change, ProofStore, StoreError};
