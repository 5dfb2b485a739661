//! Checks proofs with Z3: the whole of the worker process, and the only crate that names the solver.
//!
//! One process checks one proof at a time. Whatever a script does to the solver (a crash, an endless run, memory
//! without bound) ends this process and nothing else; the verifier pool starts another one. Nothing here decides what a
//! verdict means for a proof: it reports, and the node, which trusts no worker, cuts the report to its bounds.
//!
//! - [`worker`]: from start to end of the process, and its frames.
//! - [`check`]: one job to one report; the rules of what counts as an answer.
//! - [`place`]: where in a script the solver's errors lie.
//! - [`solver`]: the few calls of Z3.
//! - [`process`]: descriptors, limits, signals and exit codes.
//! - [`sandbox`]: Landlock and seccomp.
//! - [`pin`]: the hash of the library that is loaded.

pub mod check;
mod form;
mod pin;
mod place;
mod process;
mod sandbox;
mod solver;
mod worker;

pub use worker::main;
