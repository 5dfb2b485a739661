//! The network: authenticated sessions between validators, and what may cross them.
//!
//! It owns connections, frames, rates, faults and bans. It must never interpret a message: what is decoded goes to a
//! [`Sink`], which verifies it and passes it on. Whatever a peer sends may end that peer's session, and nothing else.
//!
//! - [`tls`]: mutual TLS 1.3 with raw public keys, pinned to the validator set.
//! - [`handshake`]: chain, solver and role must agree; each disagreement has its own name on both sides.
//! - [`frames`]: the wire, its limits by kind, and how long messages are cut so that votes overtake them.
//! - [`outbox`]: what waits for one peer, in two bounded lanes.
//! - [`pace`]: how often a session is asked whether it is alive.
//! - [`places`]: who may be shaking hands, while everybody is a stranger.
//! - `aside`: a thread for the keys and signatures of handshakes.
//! - [`establish`], [`session`], [`reader`]: one connection, from its start to its end.
//! - [`steps`]: how long the sessions' thread is kept by starting, dialling and shaking hands.
//! - [`skew`]: how far clocks are apart, for people only.
//! - [`table`]: one session for each pair, reachable from any thread without an actor in between.

mod aside;
pub mod establish;
pub mod faults;
pub mod frames;
pub mod handshake;
mod live;
pub mod outbox;
pub mod pace;
pub mod places;
pub mod rates;
pub mod reader;
pub mod report;
pub mod roster;
pub mod session;
pub mod skew;
pub mod socket;
pub mod steps;
pub mod table;
pub mod tls;

#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;

pub use faults::{Accuse, Fault};
pub use frames::{EncodeError, KindRule, Lane, Newer, PeerMessage};
pub use handshake::{Hello, LinkError, Refusal, Role};
pub use report::PeerReport;
pub use roster::{Member, Roster, RosterError};
pub use table::{Network, NetworkConfig, NetworkError, Sink};
