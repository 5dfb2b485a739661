//! From a script to what the solver is given.
//!
//! Must never: accept a script that is not understood.

use crate::parser::parse;
use crate::{Error, ErrorKind, Limits, Normalised};

/// Reads, checks and normalises a script.
///
/// # Errors
/// Whatever the script does that is not accepted, with line and column.
pub fn normalise(script: &[u8], limits: &Limits) -> Result<Normalised, Error> {
    let tree = parse(script, limits)?;
    let _ = tree;
    Err(Error { line: 1, column: 1, kind: ErrorKind::NoCheck })
}
