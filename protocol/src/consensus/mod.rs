//! Consensus: votes, certificates and what follows from them.

pub mod events;
