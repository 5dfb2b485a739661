//! What is known of a term that was written.

use super::scope::CLOSED;
use super::sorts::SortId;

/// What is known of a term.
#[derive(Clone, Copy, Debug)]
pub(super) struct Value {
    pub sort: SortId,
    /// Nodes, with definitions written out.
    pub size: u64,
    /// The outermost binder whose variables stand free in it; [`CLOSED`] if none do.
    pub lowest: u32,
    /// Where it is written, if it is a numeral or made of numerals alone: it may still become a Real, or an Int.
    pub literal: Option<Literal>,
}

/// Nodes of the output.
#[derive(Clone, Copy, Debug)]
pub(super) struct Literal {
    pub start: u32,
    pub end: u32,
}

impl Value {
    pub(super) fn closed(sort: SortId) -> Self {
        Self { sort, size: 1, lowest: CLOSED, literal: None }
    }
}
