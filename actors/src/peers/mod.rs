//! Peers: the directory of connected peers, and the path from a peer's bytes to a verified message.
//!
//! The actor [`Peers`] accepts and dials connections; each session then lives by itself, in the table of
//! [`crate::network`], and continues while the directory restarts. Nothing here decides about a message: [`Gate`]
//! checks its signatures and passes it on as `Verified`.

mod actor;
mod gate;
mod redial;
mod remembered;
mod wire;

#[cfg(test)]
mod tests;

pub use actor::{Directory, Learn, Peers};
pub use gate::{Admitted, Committed, Gate, Receiver};
pub use redial::{REDIAL_MAX, REDIAL_MIN};
