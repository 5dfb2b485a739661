//! The rules of Proof-of-Proof: everything that is decided, nothing that is done.
//!
//! No clock, network, disk, thread or hash-map iteration order: time arrives as an input, effects leave as values.
//! What is signed has a fixed byte layout of its own ([`bytes`]), independent of the wire and of serde.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

pub mod block;
pub mod bytes;
pub mod certificate;
pub mod consensus;
pub mod election;
pub mod explanation;
pub mod genesis;
pub mod ledger;
pub mod mempool;
pub mod message;
pub mod pacemaker;
pub mod parameters;
pub mod prefix;
pub mod proof;
pub mod quorum;
pub mod ready;
pub mod schedule;
pub mod seed;
pub mod signature;
pub mod text;
pub mod turns;
pub mod types;
pub mod validator;
pub mod verdict;
pub mod verify;
pub mod vote;
mod words;
pub mod worker;
