//! A seeded network in memory: the real `protocol/` code in virtual time, with everything going wrong that may.
//!
//! [`run::run`] takes a seed, lets a network of one to seven validators live through the faults that the seed draws, checks
//! every rule at every step, and then asks for liveness. The same seed gives the same run, to the digest.
//!
//! Nothing in here may depend on time, threads, or the order of a hash map.
#![forbid(unsafe_code)]

pub mod bad;
pub mod catalogue;
pub mod check;
pub mod clocks;
pub mod costs;
pub mod disk;
pub mod faults;
pub mod keyed;
pub mod network;
pub mod node;
pub mod random;
pub mod run;
pub mod scenario;
pub mod world;
