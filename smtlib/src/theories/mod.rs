//! The functions and sorts that a script may use without declaring them, with their arities and index forms.
//!
//! Must never: list a function whose meaning is not known, or a name without saying whether a standard owns it.

mod extensions;
mod logics;
mod refused;
mod standard;
mod taken;

use std::sync::LazyLock;

use crate::hashing::Listed;

pub(crate) use logics::Logic;
pub(crate) use refused::advice_for;
pub use taken::names_taken;
pub(crate) use taken::{is_core, is_of_list, is_taken, is_taken_sort};

/// Who defines a function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// SMT-LIB: a script must not declare it.
    Standard,
    /// The solver: a script that declares the name means its own.
    Extension,
}

/// How many arguments a function takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Arity {
    Exactly(u32),
    AtLeast(u32),
    Between(u32, u32),
}

impl Arity {
    pub(crate) fn allows(self, count: u64) -> bool {
        match self {
            Self::Exactly(wanted) => count == u64::from(wanted),
            Self::AtLeast(least) => count >= u64::from(least),
            Self::Between(least, most) => (u64::from(least)..=u64::from(most)).contains(&count),
        }
    }
}

impl std::fmt::Display for Arity {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Exactly(wanted) => write!(formatter, "{wanted}"),
            Self::AtLeast(least) => write!(formatter, "{least} or more"),
            Self::Between(least, most) => write!(formatter, "{least} to {most}"),
        }
    }
}

/// What stands between `(_ name` and `)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Indices {
    /// The name stands alone.
    None,
    /// So many numerals, each at most the bit-width limit.
    Widths(u32),
    /// Numerals, each at most the index limit.
    Numbers(Arity),
    /// One hexadecimal literal, a character's code.
    Character,
    /// One hexadecimal or decimal literal, a character's code.
    Code,
    /// One function: its name, or `(name (sorts) sort)`.
    Function,
    /// One constructor of a datatype.
    Constructor,
    /// One selector of a datatype.
    Selector,
}

/// What a function demands of its arguments' sorts, as far as the solver would not refuse a violation itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Takes {
    Anything,
    Bools,
    /// Int or Real; the solver would turn a Bool into a number without a word.
    Numbers,
    /// Int; the solver would cut a Real to one without a word.
    Ints,
    BitVectors,
    /// All of one sort.
    Alike,
    /// An array, then what its indices are.
    Place,
    /// An array, then what its indices are and what it holds.
    Element,
    /// A Bool, then two of one sort.
    Choice,
}

/// The sort of the result, where it can be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Gives {
    Unknown,
    Bool,
    Int,
    Real,
    String,
    RegLan,
    RoundingMode,
    Character,
    /// The sort of the argument at this position.
    Argument(usize),
    /// Real if an argument is, Int if all are.
    Number,
    /// Real if an argument is. A power of Ints is Real to the solver, and where an Int is wanted it makes one of it.
    Power,
    Concatenation,
    Extraction,
    Extension,
    Repetition,
    /// A bit-vector of the first index.
    Bits,
    /// A bit-vector of one bit.
    OneBit,
    /// A floating-point number of the two indices.
    Float,
    /// A floating-point number of its three parts.
    FloatOfParts,
    /// A bit-vector as wide as the floating-point number.
    FloatBits,
    /// A bit-vector that holds a character's code.
    CharacterBits,
    /// What an array holds.
    Element,
    /// A sequence of the first argument.
    Unit,
    /// A sequence of what the function at this position, an array, gives.
    Mapped {
        function: usize,
    },
    /// A regular expression over the sequences that the first argument is one of.
    Regex,
}

/// The part of SMT-LIB, or of the solver, that a function belongs to: a logic has it or lacks it as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Theory {
    Core,
    Numbers,
    Arrays,
    BitVectors,
    FloatingPoint,
    Strings,
    Datatypes,
}

/// A function that needs no declaration.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Function {
    pub standing: Standing,
    pub theory: Theory,
    pub indices: Indices,
    pub arity: Arity,
    pub takes: Takes,
    pub gives: Gives,
}

/// One row of a list.
pub(crate) type Row = (&'static str, Indices, Arity, Takes, Gives);

static FUNCTIONS: LazyLock<Listed<Vec<Function>>> = LazyLock::new(|| {
    let standard = standard::FUNCTIONS.iter().map(|list| (Standing::Standard, list));
    let extensions = extensions::FUNCTIONS.iter().map(|list| (Standing::Extension, list));
    let mut functions: Listed<Vec<Function>> = Listed::default();
    for (standing, &(theory, list)) in standard.chain(extensions) {
        for &(name, indices, arity, takes, gives) in list {
            functions.entry(name).or_default().push(Function { standing, theory, indices, arity, takes, gives });
        }
    }
    functions
});

/// The forms in which a name may be used without a declaration; none for a name that nobody defines.
pub(crate) fn functions(name: &str) -> &'static [Function] {
    FUNCTIONS.get(name).map_or(&[], Vec::as_slice)
}

/// Whether an answer `sat` says nothing where this function is used.
pub(crate) fn is_approximated(name: &str) -> bool {
    extensions::APPROXIMATED.contains(&name)
}

/// Every form of every listed function, for tests of what is said of them: its name, and whether indices come with it.
pub fn functions_listed() -> impl Iterator<Item = (&'static str, bool)> {
    let lists = standard::FUNCTIONS.iter().chain(extensions::FUNCTIONS.iter());
    lists.flat_map(|(_, list)| list.iter().map(|(name, indices, ..)| (*name, *indices != Indices::None)))
}

/// The names of all listed functions.
fn names() -> impl Iterator<Item = &'static str> {
    let lists = standard::FUNCTIONS.iter().chain(extensions::FUNCTIONS.iter());
    lists.flat_map(|(_, list)| list.iter().map(|(name, ..)| *name))
}

/// A sort that needs no declaration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sort {
    Bool,
    Int,
    Real,
    String,
    RegLan,
    RoundingMode,
    Character,
    /// Exponent and significand bits.
    Float(u32, u32),
    Array,
    Sequence,
    RegularExpression,
    /// A set: an array to Bool.
    Set,
    /// `(_ BitVec n)`.
    BitVector,
    /// `(_ FloatingPoint e s)`.
    FloatingPoint,
}

const SORTS: [(&str, Standing, Sort); 17] = [
    ("Bool", Standing::Standard, Sort::Bool),
    ("Int", Standing::Standard, Sort::Int),
    ("Real", Standing::Standard, Sort::Real),
    ("String", Standing::Standard, Sort::String),
    ("RegLan", Standing::Standard, Sort::RegLan),
    ("RoundingMode", Standing::Standard, Sort::RoundingMode),
    ("Float16", Standing::Standard, Sort::Float(5, 11)),
    ("Float32", Standing::Standard, Sort::Float(8, 24)),
    ("Float64", Standing::Standard, Sort::Float(11, 53)),
    ("Float128", Standing::Standard, Sort::Float(15, 113)),
    ("Array", Standing::Standard, Sort::Array),
    ("BitVec", Standing::Standard, Sort::BitVector),
    ("FloatingPoint", Standing::Standard, Sort::FloatingPoint),
    ("Seq", Standing::Extension, Sort::Sequence),
    ("RegEx", Standing::Extension, Sort::RegularExpression),
    ("Set", Standing::Extension, Sort::Set),
    ("Unicode", Standing::Extension, Sort::Character),
];

/// The sort that a name means without a declaration, and who says so.
pub(crate) fn sort(name: &str) -> Option<(Standing, Sort)> {
    SORTS.iter().find(|(listed, _, _)| *listed == name).map(|(_, standing, sort)| (*standing, *sort))
}
