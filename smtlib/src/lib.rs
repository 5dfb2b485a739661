//! Reads, limits, normalises and prints SMT-LIB 2 scripts.
//!
//! This crate decides what a solver is shown: every byte comes from a tree that was read here, under limits, with every
//! symbol accounted for. It is pure: no clock, file, thread or randomness, and the same script gives the same result on
//! every machine.
//!
//! Must never: name the solver's bindings, use unsafe code, recurse on input, or panic on any bytes.

#![forbid(unsafe_code)]

mod assertions;
mod error;
mod goal;
mod hashing;
mod interpretation;
mod layout;
mod lexer;
mod limits;
mod log;
mod model;
mod normalise;
mod options;
mod parser;
mod print;
mod result;
mod status;
mod theories;
mod tree;

pub use assertions::{Assertion, Named, assertions};
pub use error::{Error, ErrorKind, position};
pub use goal::without_goal;
pub use interpretation::{Interpretation, InterpretationError};
pub use limits::Limits;
pub use log::{Log, LogFault, LogFaultKind, LogLimits, LogSeries, LogSummary, Query, Recognised, Tool};
pub use model::Vocabulary;
pub use normalise::{Series, SeriesQuery, locate, normalise, normalise_series};
pub use options::accepted_options;
pub use parser::parse;
pub use print::print;
pub use result::{Assumptions, Ignored, Normalised, Note, NoteKind, Status};
pub use status::announced_status;
pub use theories::{functions_listed, names_taken};
pub use tree::{Kind, Name, Names, Node, Tree};

/// The normaliser's version, part of the solver pin: whatever changes a text, an option or what is accepted raises it.
pub const VERSION: u32 = 5;
