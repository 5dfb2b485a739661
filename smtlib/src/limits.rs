//! What a script may cost before anything is understood of it. The values come from the genesis: validators that disagreed
//! on them would disagree on which proofs are proofs.
//!
//! Must never: hold a limit without a unit, or one that is not enforced.

use serde::{Deserialize, Serialize};

/// The bounds that [`crate::normalise`] enforces. Units are in the names or in the first words of each line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Bytes of the whole script. Never more than 1 GiB counts: positions are 32 bits wide.
    pub bytes_max: u64,
    /// Tokens (parentheses and atoms, comments not counted) of the whole script.
    pub tokens_max: u64,
    /// Parentheses open at once.
    pub depth_max: u32,
    /// Nodes of all assertions and definitions together when every call of a definition with parameters is replaced by its
    /// body; and, for one sort, nodes when every datatype is replaced by its fields. What a `let` names, and a definition
    /// without parameters, counts once: the solver shares it. The solver was measured to take some 300 bytes for a node.
    pub expanded_size_max: u64,
    /// Bits of a bit-vector, exponent or significand that a sort, a literal or an index names, and of every term whose
    /// width can be told.
    pub bit_width_max: u32,
    /// Largest number in any other index, arity or weight.
    pub index_max: u32,
    /// Decimal digits of one number. The value of a `(_ bvN bits)` may be as long as the width demands: its digits, read in
    /// quadratic time, are paid from the expanded size.
    pub digits_max: u32,
    /// Scopes (`push`) open at once.
    pub pushes_max: u32,
    /// Bytes of one symbol, keyword or string literal. A literal of bits may have as many digits as the widest bit-vector
    /// has bits.
    pub atom_bytes_max: u32,
    /// Notes kept with a result; further ones are only counted.
    pub notes_max: u32,
}

impl Limits {
    /// For texts that are not submitted: the normaliser's may be longer than what was, and the solver writes longer numbers and
    /// deeper terms than a script may hold.
    pub(crate) fn unbounded() -> Limits {
        const BYTES_MAX: u32 = 64 << 20;
        Limits {
            bytes_max: u64::from(BYTES_MAX),
            tokens_max: u64::from(BYTES_MAX),
            depth_max: BYTES_MAX,
            digits_max: BYTES_MAX,
            atom_bytes_max: BYTES_MAX,
            ..Limits::default()
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            bytes_max: 4 << 20,
            tokens_max: 2_000_000,
            depth_max: 100_000,
            expanded_size_max: 4_000_000,
            bit_width_max: 524_288,
            index_max: 1_000_000,
            digits_max: 4_096,
            pushes_max: 1_024,
            atom_bytes_max: 65_536,
            notes_max: 256,
        }
    }
}
