//! Sorts: which ones there are, whether two are the same, and how large they are written out.
//!
//! Sorts are interned, so that a doubling abbreviation stays as small as its text; its size as a tree is counted.
//!
//! Must never: recurse, or claim to know a sort that is only guessed ([`SortId::UNKNOWN`] fits everything).

use std::collections::HashMap;
use std::rc::Rc;

use crate::hashing::IdMap;
use crate::tree::{Name, Names};

/// So many parts of a sort cost as much as a step: an array may have as many as the script has tokens.
const PARTS_OF_A_STEP: u64 = 16;

/// An interned sort.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct SortId(u32);

impl SortId {
    /// Fits everything: the sort cannot be told here, and the solver checks it.
    pub(super) const UNKNOWN: Self = Self(0);
    pub(super) const BOOL: Self = Self(1);
    pub(super) const INT: Self = Self(2);
    pub(super) const REAL: Self = Self(3);
    pub(super) const CHARACTER: Self = Self(4);
    pub(super) const STRING: Self = Self(5);
    pub(super) const REG_LAN: Self = Self(6);
    pub(super) const ROUNDING_MODE: Self = Self(7);
}

/// The outermost part of a sort.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Head {
    Unknown,
    Bool,
    Int,
    Real,
    Character,
    RoundingMode,
    BitVector(u32),
    Float(u32, u32),
    Array,
    Sequence,
    RegularExpression,
    /// A declared sort or datatype, by the number of its declaration and its name.
    Declared(u32, Name),
    /// The parameter at this position of the definition at hand.
    Parameter(u32),
}

/// Nodes of a sort with its datatypes written out: `base`, and as often as `of` says each parameter's size.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Size {
    pub base: u64,
    pub of: Vec<u64>,
}

impl Size {
    pub(super) fn of_parameter(position: u32) -> Self {
        let mut of = vec![0; position as usize + 1];
        of[position as usize] = 1;
        Self { base: 0, of }
    }

    /// Adds `times` times another size.
    pub(super) fn add(&mut self, times: u64, other: &Self) {
        self.base = self.base.saturating_add(times.saturating_mul(other.base));
        if self.of.len() < other.of.len() {
            self.of.resize(other.of.len(), 0);
        }
        for (mine, theirs) in self.of.iter_mut().zip(&other.of) {
            *mine = mine.saturating_add(times.saturating_mul(*theirs));
        }
    }

    /// The size with every parameter of size one.
    pub(super) fn total(&self) -> u64 {
        self.of.iter().fold(self.base, |sum, times| sum.saturating_add(*times))
    }
}

#[derive(Clone, Debug)]
struct Sort {
    head: Head,
    arguments: Rc<[SortId]>,
    size: Size,
    /// A parameter stands somewhere in it.
    open: bool,
}

/// All sorts of a script.
#[derive(Debug)]
pub(super) struct Sorts {
    sorts: Vec<Sort>,
    ids: HashMap<(Head, Rc<[SortId]>), SortId>,
}

impl Sorts {
    pub(super) fn new() -> Self {
        let mut sorts = Self { sorts: Vec::new(), ids: HashMap::new() };
        let one = Size { base: 1, of: Vec::new() };
        for head in [Head::Unknown, Head::Bool, Head::Int, Head::Real, Head::Character] {
            sorts.intern(head, &[], one.clone());
        }
        sorts.intern(Head::Sequence, &[SortId::CHARACTER], one.clone());
        sorts.intern(Head::RegularExpression, &[SortId::STRING], one.clone());
        sorts.intern(Head::RoundingMode, &[], one);
        sorts
    }

    /// The sort of this head and these arguments. A part that is unknown makes the whole unknown.
    pub(super) fn intern(&mut self, head: Head, arguments: &[SortId], size: Size) -> SortId {
        if arguments.contains(&SortId::UNKNOWN) {
            return SortId::UNKNOWN;
        }
        let arguments: Rc<[SortId]> = arguments.into();
        let key = (head, arguments.clone());
        if let Some(id) = self.ids.get(&key) {
            return *id;
        }
        // Every sort is made for a token of the script or for a counted step of an instantiation.
        let id = SortId(u32::try_from(self.sorts.len()).expect("fewer sorts than tokens and counted steps"));
        let open = matches!(head, Head::Parameter(_)) || arguments.iter().any(|argument| self.is_open(*argument));
        self.sorts.push(Sort { head, arguments, size, open });
        self.ids.insert(key, id);
        id
    }

    /// A sort whose size is one more than its arguments' together.
    pub(super) fn plain(&mut self, head: Head, arguments: &[SortId]) -> SortId {
        let mut size = Size { base: 1, of: Vec::new() };
        for argument in arguments {
            size.add(1, self.size(*argument));
        }
        self.intern(head, arguments, size)
    }

    pub(super) fn head(&self, sort: SortId) -> Head {
        self.sorts[sort.0 as usize].head
    }

    pub(super) fn arguments(&self, sort: SortId) -> &[SortId] {
        &self.sorts[sort.0 as usize].arguments
    }

    pub(super) fn size(&self, sort: SortId) -> &Size {
        &self.sorts[sort.0 as usize].size
    }

    /// Whether a parameter stands in it.
    pub(super) fn is_open(&self, sort: SortId) -> bool {
        self.sorts[sort.0 as usize].open
    }

    /// Whether a term of sort `given` may stand where `wanted` is demanded. An Int may stand for a Real, as tools write it.
    pub(super) fn fits(&self, given: SortId, wanted: SortId) -> bool {
        given == wanted
            || given == SortId::UNKNOWN
            || wanted == SortId::UNKNOWN
            || (given == SortId::INT && wanted == SortId::REAL)
            || self.is_open(given)
            || self.is_open(wanted)
            || self.may_be_made_to_fit(given, wanted)
    }

    /// A constructor that is given an Int makes a pair of Real where one is wanted, so `(Pair Int Bool)` may turn out to be
    /// `(Pair Real Bool)`. One level is looked at; what lies deeper cannot be told.
    fn may_be_made_to_fit(&self, given: SortId, wanted: SortId) -> bool {
        let is_datatype = |head: Head| matches!(head, Head::Declared(..));
        if !is_datatype(self.head(given)) || self.head(given) != self.head(wanted) {
            return false;
        }
        self.arguments(given).iter().zip(self.arguments(wanted)).all(|(given, wanted)| {
            given == wanted
                || (*given == SortId::INT && *wanted == SortId::REAL)
                || (is_datatype(self.head(*given)) && self.head(*given) == self.head(*wanted))
        })
    }

    /// Puts arguments for parameters. The second result counts the steps, for the caller's budget.
    pub(super) fn instantiate(
        &mut self,
        template: SortId,
        arguments: &[SortId],
        size_of: &dyn Fn(Head) -> Option<Size>,
        steps_max: u64,
    ) -> Option<(SortId, u64)> {
        let mut steps = 0u64;
        let mut done: IdMap<SortId, SortId> = IdMap::default();
        let mut waiting = vec![(template, false)];
        while let Some((sort, parts_done)) = waiting.pop() {
            if done.contains_key(&sort) {
                continue;
            }
            if !self.is_open(sort) {
                done.insert(sort, sort);
                continue;
            }
            steps += 1;
            let parts = self.sorts[sort.0 as usize].arguments.clone();
            steps = steps.saturating_add(parts.len() as u64 / PARTS_OF_A_STEP);
            if steps > steps_max {
                return None;
            }
            match self.head(sort) {
                Head::Parameter(position) => {
                    done.insert(sort, arguments.get(position as usize).copied().unwrap_or(SortId::UNKNOWN));
                }
                head if parts_done => {
                    let parts: Vec<SortId> = parts.iter().map(|part| done[part]).collect();
                    let made = match size_of(head) {
                        Some(size) => {
                            let size = self.applied(&size, &parts);
                            self.intern(head, &parts, size)
                        }
                        None => self.plain(head, &parts),
                    };
                    done.insert(sort, made);
                }
                _ => {
                    waiting.push((sort, true));
                    waiting.extend(parts.iter().map(|part| (*part, false)));
                }
            }
        }
        Some((done[&template], steps))
    }

    /// How many sorts there are.
    pub(super) fn count(&self) -> usize {
        self.sorts.len()
    }

    /// Counts the sorts from a number on again; parts come before the wholes, so one walk does.
    pub(super) fn recount(&mut self, from: usize, size_of: &dyn Fn(Head) -> Option<Size>) {
        for index in from..self.sorts.len() {
            let Sort { head, arguments, .. } = self.sorts[index].clone();
            let size = match (head, size_of(head)) {
                (Head::Parameter(_), _) => continue,
                (_, Some(size)) => self.applied(&size, &arguments),
                (_, None) => {
                    let mut size = Size { base: 1, of: Vec::new() };
                    for argument in arguments.iter() {
                        size.add(1, self.size(*argument));
                    }
                    size
                }
            };
            self.sorts[index].size = size;
        }
    }

    /// The largest size from a number on.
    pub(super) fn largest(&self, from: usize) -> u64 {
        self.sorts[from..].iter().map(|sort| sort.size.total()).max().unwrap_or(0)
    }

    /// A datatype's size with these arguments.
    pub(super) fn applied(&self, size: &Size, arguments: &[SortId]) -> Size {
        let mut whole = Size { base: size.base, of: Vec::new() };
        for (times, argument) in size.of.iter().zip(arguments) {
            whole.add(*times, self.size(*argument));
        }
        whole
    }

    /// The sort for a reader, cut short.
    pub(super) fn describe(&self, sort: SortId, names: &Names) -> String {
        let arguments = self.arguments(sort);
        let text = match self.head(sort) {
            Head::Declared(_, name) if !arguments.is_empty() && !self.is_open(sort) => {
                // Two sorts that do not fit may differ in their arguments only. Those of the arguments are left out.
                let arguments: Vec<String> = arguments.iter().map(|part| self.describe_head(*part, names)).collect();
                format!("({} {})", names.text(name), arguments.join(" "))
            }
            _ => self.describe_head(sort, names),
        };
        crate::error::clip(&text)
    }

    fn describe_head(&self, sort: SortId, names: &Names) -> String {
        match self.head(sort) {
            Head::Unknown => "unknown".to_owned(),
            Head::Bool => "Bool".to_owned(),
            Head::Int => "Int".to_owned(),
            Head::Real => "Real".to_owned(),
            Head::Character => "Char".to_owned(),
            Head::RoundingMode => "RoundingMode".to_owned(),
            Head::BitVector(bits) => format!("(_ BitVec {bits})"),
            Head::Float(exponent, significand) => format!("(_ FloatingPoint {exponent} {significand})"),
            Head::Array => "Array".to_owned(),
            Head::Sequence if sort == SortId::STRING => "String".to_owned(),
            Head::Sequence => "Seq".to_owned(),
            Head::RegularExpression => "RegLan".to_owned(),
            Head::Declared(_, name) => names.text(name).to_owned(),
            Head::Parameter(position) => format!("parameter {}", position.saturating_add(1)),
        }
    }
}
