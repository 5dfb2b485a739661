//! Functions of the solver's own that program verifiers and its own printer write, and older spellings of standard ones.
//!
//! Each has its meaning in `docs/VERIFIER.md`, "Functions", and claims that hold and fail in `verifier/tests/functions/`.
//!
//! Must never: list a function because the solver has it; each is here because a tool or a public script needs it.

use super::Arity::{AtLeast, Between, Exactly};
use super::Gives::{self, Argument};
use super::Indices::{self, Numbers, Widths};
use super::Takes::{Alike, Anything, BitVectors, Bools, Choice, Ints, Numbers as Numeric};
use super::{Row, Theory};

const NONE: Indices = Indices::None;

/// All lists.
pub(super) const FUNCTIONS: [(Theory, &[Row]); 8] = [
    (Theory::Core, CORE),
    (Theory::Numbers, NUMBERS),
    (Theory::Arrays, ARRAYS),
    (Theory::BitVectors, BITS),
    (Theory::Strings, SEQUENCES),
    (Theory::Strings, OLD_SPELLINGS),
    (Theory::Strings, CHARACTERS),
    (Theory::Core, RELATIONS),
];

const CORE: &[Row] = &[
    // Boogie and F*.
    ("implies", NONE, AtLeast(2), Bools, Gives::Bool),
    ("iff", NONE, AtLeast(2), Bools, Gives::Bool),
    ("if", NONE, Exactly(3), Choice, Argument(1)),
    ("if_then_else", NONE, Exactly(3), Choice, Argument(1)),
    ("update-field", Indices::Selector, Exactly(2), Anything, Argument(0)),
];

const NUMBERS: &[Row] = &[
    ("~", NONE, Exactly(1), Numeric, Gives::Number),
    ("rem", NONE, Exactly(2), Numeric, Gives::Int),
    ("^", NONE, Exactly(2), Numeric, Gives::Power),
    ("sin", NONE, Exactly(1), Numeric, Gives::Real),
    ("cos", NONE, Exactly(1), Numeric, Gives::Real),
    ("exp", NONE, Exactly(1), Numeric, Gives::Real),
];

/// Functions about which an answer `sat` says nothing: the solver knows them by bounds, and was seen to answer `sat`
/// where there is no model. No false `unsat` was found.
pub(super) const APPROXIMATED: [&str; 3] = ["cos", "exp", "sin"];

const ARRAYS: &[Row] = &[
    ("map", Indices::Function, AtLeast(1), Anything, Gives::Unknown),
    ("as-array", Indices::Function, Exactly(0), Anything, Gives::Unknown),
    // Sets are arrays to Bool.
    ("union", NONE, AtLeast(1), Alike, Argument(0)),
    ("intersection", NONE, AtLeast(1), Alike, Argument(0)),
    ("setminus", NONE, Exactly(2), Alike, Argument(0)),
    ("complement", NONE, Exactly(1), Anything, Argument(0)),
    ("subset", NONE, Exactly(2), Alike, Gives::Bool),
];

const BITS: &[Row] = &[
    ("bv2int", NONE, Exactly(1), BitVectors, Gives::Int),
    ("int2bv", Widths(1), Exactly(1), Ints, Gives::Bits),
    ("bvredor", NONE, Exactly(1), BitVectors, Gives::OneBit),
    ("bvredand", NONE, Exactly(1), BitVectors, Gives::OneBit),
    ("bit2bool", Widths(1), Exactly(1), BitVectors, Gives::Bool),
    ("ext_rotate_left", NONE, Exactly(2), BitVectors, Argument(0)),
    ("ext_rotate_right", NONE, Exactly(2), BitVectors, Argument(0)),
    ("bvumul_noovfl", NONE, Exactly(2), BitVectors, Gives::Bool),
    ("bvsmul_noovfl", NONE, Exactly(2), BitVectors, Gives::Bool),
    ("bvsmul_noudfl", NONE, Exactly(2), BitVectors, Gives::Bool),
    // What the solver's simplifier makes of divisions.
    ("bvudiv_i", NONE, Exactly(2), BitVectors, Argument(0)),
    ("bvurem_i", NONE, Exactly(2), BitVectors, Argument(0)),
    ("bvsdiv_i", NONE, Exactly(2), BitVectors, Argument(0)),
    ("bvsrem_i", NONE, Exactly(2), BitVectors, Argument(0)),
    ("bvsmod_i", NONE, Exactly(2), BitVectors, Argument(0)),
    ("fp.to_ieee_bv", NONE, Exactly(1), Anything, Gives::FloatBits),
    ("to_ieee_bv", NONE, Exactly(1), Anything, Gives::FloatBits),
];

const SEQUENCES: &[Row] = &[
    ("seq.empty", NONE, Exactly(0), Anything, Gives::Unknown),
    ("seq.unit", NONE, Exactly(1), Anything, Gives::Unit),
    ("seq.++", NONE, AtLeast(1), Anything, Argument(0)),
    ("seq.len", NONE, Exactly(1), Anything, Gives::Int),
    ("seq.at", NONE, Exactly(2), Anything, Argument(0)),
    ("seq.nth", NONE, Exactly(2), Anything, Gives::Element),
    // What the solver's simplifier makes of `seq.nth`: inside, and outside the sequence.
    ("seq.nth_i", NONE, Exactly(2), Anything, Gives::Element),
    ("seq.nth_u", NONE, Exactly(2), Anything, Gives::Element),
    ("seq.extract", NONE, Exactly(3), Anything, Argument(0)),
    ("seq.contains", NONE, Exactly(2), Anything, Gives::Bool),
    ("seq.prefixof", NONE, Exactly(2), Anything, Gives::Bool),
    ("seq.suffixof", NONE, Exactly(2), Anything, Gives::Bool),
    ("seq.indexof", NONE, Between(2, 3), Anything, Gives::Int),
    ("seq.replace", NONE, Exactly(3), Anything, Argument(0)),
    ("seq.map", NONE, Exactly(2), Anything, Gives::Mapped { function: 0 }),
    ("seq.mapi", NONE, Exactly(3), Anything, Gives::Mapped { function: 0 }),
    ("seq.fold_left", NONE, Exactly(3), Anything, Argument(1)),
    ("seq.foldl", NONE, Exactly(3), Anything, Argument(1)),
    ("seq.fold_lefti", NONE, Exactly(4), Anything, Argument(2)),
    ("seq.foldli", NONE, Exactly(4), Anything, Argument(2)),
    ("seq.to.re", NONE, Exactly(1), Anything, Gives::Regex),
    ("seq.in.re", NONE, Exactly(2), Anything, Gives::Bool),
    ("str.from_ubv", NONE, Exactly(1), BitVectors, Gives::String),
    ("str.from_sbv", NONE, Exactly(1), BitVectors, Gives::String),
    // The bounds as arguments, as before they were indices.
    ("re.loop", NONE, Between(2, 3), Anything, Argument(0)),
];

/// From before SMT-LIB had strings.
const OLD_SPELLINGS: &[Row] = &[
    ("str.to.re", NONE, Exactly(1), Anything, Gives::RegLan),
    ("str.to-re", NONE, Exactly(1), Anything, Gives::RegLan),
    ("str.in.re", NONE, Exactly(2), Anything, Gives::Bool),
    ("str.in-re", NONE, Exactly(2), Anything, Gives::Bool),
    ("str.to.int", NONE, Exactly(1), Anything, Gives::Int),
    ("str.to-int", NONE, Exactly(1), Anything, Gives::Int),
    ("int.to.str", NONE, Exactly(1), Ints, Gives::String),
    ("str.from-int", NONE, Exactly(1), Ints, Gives::String),
    ("re.nostr", NONE, Exactly(0), Anything, Gives::RegLan),
    ("re.complement", NONE, Exactly(1), Anything, Argument(0)),
];

const CHARACTERS: &[Row] = &[
    ("Char", Indices::Code, Exactly(0), Anything, Gives::Character),
    ("char.<=", NONE, Exactly(2), Alike, Gives::Bool),
    ("char.to_int", NONE, Exactly(1), Anything, Gives::Int),
    ("char.to_bv", NONE, Exactly(1), Anything, Gives::CharacterBits),
    ("char.is_digit", NONE, Exactly(1), Anything, Gives::Bool),
];

const RELATIONS: &[Row] = &[
    ("at-most", Numbers(Exactly(1)), AtLeast(1), Bools, Gives::Bool),
    ("at-least", Numbers(Exactly(1)), AtLeast(1), Bools, Gives::Bool),
    ("pble", Numbers(AtLeast(2)), AtLeast(1), Bools, Gives::Bool),
    ("pbge", Numbers(AtLeast(2)), AtLeast(1), Bools, Gives::Bool),
    ("pbeq", Numbers(AtLeast(2)), AtLeast(1), Bools, Gives::Bool),
    ("partial-order", Numbers(Exactly(1)), Exactly(2), Alike, Gives::Bool),
    ("linear-order", Numbers(Exactly(1)), Exactly(2), Alike, Gives::Bool),
];
