//! Functions of the solver's own that program verifiers write, and older spellings of standard ones.
//!
//! Must never: list a function because the solver has it; each is here because a tool or a public script needs it.

use super::Arity::{AtLeast, Between, Exactly};
use super::Gives::{self, Argument};
use super::Indices::{self, Numbers, Widths};
use super::Takes::{Anything, BitVectors, Bools, Choice, Numbers as Numeric};
use super::{Row, Theory};

const NONE: Indices = Indices::None;

/// All lists.
pub(super) const FUNCTIONS: [(Theory, &[Row]); 6] = [
    (Theory::Core, CORE),
    (Theory::Numbers, NUMBERS),
    (Theory::Arrays, ARRAYS),
    (Theory::BitVectors, BITS),
    (Theory::Strings, SEQUENCES),
    (Theory::Core, RELATIONS),
];

const CORE: &[Row] = &[
    // Boogie and F*.
    ("implies", NONE, AtLeast(2), Bools, Gives::Bool),
    ("iff", NONE, Exactly(2), Bools, Gives::Bool),
    ("if", NONE, Exactly(3), Choice, Argument(1)),
    ("if_then_else", NONE, Exactly(3), Choice, Argument(1)),
    ("update-field", Indices::Selector, Exactly(2), Anything, Argument(0)),
];

const NUMBERS: &[Row] = &[
    ("~", NONE, Exactly(1), Numeric, Gives::Number),
    ("rem", NONE, Exactly(2), Numeric, Gives::Int),
    ("^", NONE, Exactly(2), Numeric, Gives::Unknown),
];

const ARRAYS: &[Row] = &[
    ("default", NONE, Exactly(1), Anything, Gives::Unknown),
    ("map", Indices::Function, AtLeast(1), Anything, Gives::Unknown),
    ("as-array", Indices::Function, Exactly(0), Anything, Gives::Unknown),
];

const BITS: &[Row] = &[
    ("bv2int", NONE, Exactly(1), BitVectors, Gives::Int),
    ("int2bv", Widths(1), Exactly(1), Numeric, Gives::Bits),
    ("bvredor", NONE, Exactly(1), BitVectors, Gives::OneBit),
    ("bvredand", NONE, Exactly(1), BitVectors, Gives::OneBit),
    ("bit2bool", Widths(1), Exactly(1), BitVectors, Gives::Bool),
    ("ext_rotate_left", NONE, Exactly(2), BitVectors, Argument(0)),
    ("ext_rotate_right", NONE, Exactly(2), BitVectors, Argument(0)),
    ("bvumul_noovfl", NONE, Exactly(2), BitVectors, Gives::Bool),
    ("bvsmul_noovfl", NONE, Exactly(2), BitVectors, Gives::Bool),
    ("bvsmul_noudfl", NONE, Exactly(2), BitVectors, Gives::Bool),
    ("fp.to_ieee_bv", NONE, Exactly(1), Anything, Gives::Unknown),
    ("to_ieee_bv", NONE, Exactly(1), Anything, Gives::Unknown),
];

const SEQUENCES: &[Row] = &[
    ("seq.empty", NONE, Exactly(0), Anything, Gives::Unknown),
    ("seq.unit", NONE, Exactly(1), Anything, Gives::Unit),
    ("seq.++", NONE, AtLeast(1), Anything, Argument(0)),
    ("seq.len", NONE, Exactly(1), Anything, Gives::Int),
    ("seq.at", NONE, Exactly(2), Anything, Argument(0)),
    ("seq.nth", NONE, Exactly(2), Anything, Gives::Element),
    ("seq.extract", NONE, Exactly(3), Anything, Argument(0)),
    ("seq.contains", NONE, Exactly(2), Anything, Gives::Bool),
    ("seq.prefixof", NONE, Exactly(2), Anything, Gives::Bool),
    ("seq.suffixof", NONE, Exactly(2), Anything, Gives::Bool),
    ("seq.indexof", NONE, Between(2, 3), Anything, Gives::Int),
    ("seq.last_indexof", NONE, Exactly(2), Anything, Gives::Int),
    ("seq.replace", NONE, Exactly(3), Anything, Argument(0)),
    ("seq.map", NONE, Exactly(2), Anything, Gives::Unknown),
    ("seq.mapi", NONE, Exactly(3), Anything, Gives::Unknown),
    ("seq.fold_left", NONE, Exactly(3), Anything, Argument(1)),
    ("seq.foldl", NONE, Exactly(3), Anything, Argument(1)),
    ("seq.fold_lefti", NONE, Exactly(4), Anything, Argument(2)),
    ("seq.foldli", NONE, Exactly(4), Anything, Argument(2)),
    ("seq.to.re", NONE, Exactly(1), Anything, Gives::Unknown),
    ("seq.in.re", NONE, Exactly(2), Anything, Gives::Bool),
    // Spellings from before SMT-LIB had strings.
    ("str.to.re", NONE, Exactly(1), Anything, Gives::RegLan),
    ("str.to-re", NONE, Exactly(1), Anything, Gives::RegLan),
    ("str.in.re", NONE, Exactly(2), Anything, Gives::Bool),
    ("str.in-re", NONE, Exactly(2), Anything, Gives::Bool),
    ("str.to.int", NONE, Exactly(1), Anything, Gives::Int),
    ("str.to-int", NONE, Exactly(1), Anything, Gives::Int),
    ("int.to.str", NONE, Exactly(1), Numeric, Gives::String),
    ("str.from-int", NONE, Exactly(1), Numeric, Gives::String),
    ("re.nostr", NONE, Exactly(0), Anything, Gives::RegLan),
    ("re.complement", NONE, Exactly(1), Anything, Argument(0)),
    ("re.loop", NONE, Between(2, 3), Anything, Argument(0)),
];

const RELATIONS: &[Row] = &[
    ("at-most", Numbers(Exactly(1)), AtLeast(1), Bools, Gives::Bool),
    ("at-least", Numbers(Exactly(1)), AtLeast(1), Bools, Gives::Bool),
    ("pble", Numbers(AtLeast(2)), AtLeast(1), Bools, Gives::Bool),
    ("pbge", Numbers(AtLeast(2)), AtLeast(1), Bools, Gives::Bool),
    ("pbeq", Numbers(AtLeast(2)), AtLeast(1), Bools, Gives::Bool),
    ("partial-order", Numbers(Exactly(1)), Exactly(2), Anything, Gives::Bool),
    ("linear-order", Numbers(Exactly(1)), Exactly(2), Anything, Gives::Bool),
    ("tree-order", Numbers(Exactly(1)), Exactly(2), Anything, Gives::Bool),
    ("piecewise-linear-order", Numbers(Exactly(1)), Exactly(2), Anything, Gives::Bool),
];
