//! What stands at the head of an application, as far as it is known before its arguments are.

use std::rc::Rc;

use smallvec::SmallVec;

use super::scope::Function;
use super::sorts::SortId;
use crate::theories;
use crate::tree::Name;

/// What is applied.
pub(super) enum Callee {
    /// A function of the script, and where its name is written.
    Script(Rc<Function>, usize),
    /// A function of a theory, with its first two indices where they are widths.
    Theory(&'static theories::Function, [u32; 2]),
    /// `(as constructor sort)`, of a parametric datatype.
    Ascribed(Rc<Function>, SortId),
    /// `(as name sort)`, or `(_ bvN width)`: whatever it is, its result is of this sort.
    Of(SortId),
    /// `((as const sort) element)`: an array of this sort.
    Filled(SortId),
    /// `is-<constructor>` or `(_ is constructor)`, to be written at this place when the argument's sort is known; `argument` is
    /// that sort where the script says it.
    Tester { constructor: Rc<Function>, place: usize, argument: SortId },
    /// Several functions have the name: the arguments decide which is written at this place. With `(as name sort)`, that sort.
    Overloaded { name: Name, candidates: Candidates, place: usize, ascribed: Option<SortId> },
}

/// What a name may mean where it is applied.
#[derive(Clone)]
pub(super) enum Candidate {
    /// A function of the script.
    Own(Rc<Function>),
    Theory(&'static theories::Function),
    /// The tester of a constructor, which its name says: `is-<constructor>`.
    Tester(Rc<Function>),
}

/// Nearly always one.
pub(super) type Candidates = SmallVec<[Candidate; 2]>;
