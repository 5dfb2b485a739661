//! The node: actors, network and storage around the pure protocol.
//!
//! Every actor is a thin shell around a pure part of `protocol`: message in, step, effects out. Nothing here decides
//! what may be voted for.

pub mod audit;
pub mod clock;
pub mod config;
pub mod consensus;
pub mod delivery;
pub mod exit_code;
pub mod keys;
pub mod leader_election;
pub mod links;
pub mod mempool;
pub mod metrics;
pub mod network;
pub mod node;
pub mod outlet;
pub mod peers;
pub mod proofs;
pub mod published;
pub mod randomness;
pub mod routes;
pub mod scrape;
pub mod state;
pub mod storage;
pub use supervision;
pub mod tap;
pub mod verifier_pool;
pub mod view_change;
pub mod voting;
