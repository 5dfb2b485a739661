//! What happens in this validator, reported once, by the part that sees it. All who follow it are fed from here.
//!
//! | file | what happens |
//! |---|---|
//! | [`consensus`] | steps, records, votes, events, final blocks |
//! | [`network`] | connections, sessions, frames, misbehaviour, signatures |
//! | [`proofs`] | a proof on its way from submission to final |
//! | [`verifier`] | worker processes and their verdicts |
//! | [`process`] | starts, requests, syncs |
//!
//! | follower | for |
//! |---|---|
//! | [`crate::metrics`] | counters, gauges and histograms |
//! | [`observed`] | what a view or block came to: counted for Prometheus, and kept for screens |
//! | [`vote_way`] | the trace of the vote path |
//! | [`fault_points`] | tests that make actors fail |
//!
//! It knows no actor, asks nobody, decides nothing and must never wait. Every label is a value of
//! [`crate::metrics::declared`]; nothing that a peer or a submitter sends becomes one.

pub mod consensus;
pub mod fault_points;
pub mod network;
pub mod observed;
pub mod process;
pub mod proofs;
pub mod verifier;
pub mod vote_way;

pub use observed::Observed;
