//! Reading the sorts that a script writes.
//!
//! Must never: recurse on nesting, or let an abbreviation cost more than the expanded size allows.

use std::rc::Rc;

use super::Normaliser;
use super::scope::{SortDeclaration, SortMeaning};
use super::sorts::{Head, Size, SortId};
use super::writer::Atom;
use crate::error::{ErrorKind, Fault};
use crate::hashing::{IdMap, IdSet};
use crate::result::NoteKind;
use crate::theories::{self, Sort, Standing};
use crate::tree::{Kind, Name};

/// Sort names that hold inside one declaration only.
#[derive(Debug, Default)]
pub(super) struct LocalSorts {
    /// Parameters, by position.
    pub parameters: IdMap<Name, u32>,
    /// Datatypes of a declaration in the style of SMT-LIB 2.5, whose parameters are implied.
    pub implied: IdSet<Name>,
    /// The implied parameters.
    pub order: Vec<Name>,
}

/// What a step of an instantiation counts for in the expanded size: it makes a sort, which is much larger than a node.
const STEP_COST: u64 = 64;

enum Applied {
    Array,
    Sequence,
    RegularExpression,
    Set,
    Declared(Rc<SortDeclaration>, Name),
}

enum Task {
    Read(u32),
    /// The arguments are read: make the sort. `index` is where it stands.
    Apply {
        applied: Applied,
        count: usize,
        index: u32,
    },
}

impl Normaliser<'_> {
    /// Reads and writes a sort in which only declared names stand.
    pub(super) fn sort(&mut self, index: u32) -> Result<SortId, Fault> {
        self.sort_with(index, &LocalSorts::default())
    }

    /// Reads and writes a sort.
    pub(super) fn sort_with(&mut self, index: u32, local: &LocalSorts) -> Result<SortId, Fault> {
        let mut tasks = vec![Task::Read(index)];
        let mut made: Vec<SortId> = Vec::new();
        while let Some(task) = tasks.pop() {
            match task {
                Task::Read(index) => {
                    if let Some(sort) = self.read_sort(index, local, &mut tasks)? {
                        made.push(sort);
                    }
                }
                Task::Apply { applied, count, index } => {
                    self.out.close();
                    let arguments = made.split_off(made.len() - count);
                    made.push(self.apply_sort(&applied, &arguments, index)?);
                }
            }
        }
        let sort = made.pop().expect("reading one sort makes one sort");
        self.check_sort_size(index, sort)?;
        Ok(sort)
    }

    pub(super) fn check_sort_size(&self, index: u32, sort: SortId) -> Result<(), Fault> {
        let limit = self.limits.expanded_size_max;
        if self.sorts.size(sort).total() > limit {
            return Err(self.fault(index, ErrorKind::ExpandedSize { limit }));
        }
        Ok(())
    }

    /// What says a sort that was told by terms, to be written. It is paid for: it may be longer than what the script says.
    pub(super) fn sort_atoms(&mut self, sort: SortId, index: u32, atoms: &mut Vec<Atom>) -> Result<(), Fault> {
        let (open, close) = ((Kind::Open, Name(0)), (Kind::Close, Name(0)));
        let mut waiting = vec![Some(sort)];
        while let Some(next) = waiting.pop() {
            // A name may be long, and is written anew each time.
            let name_bytes = match next.map(|sort| self.sorts.head(sort)) {
                Some(Head::Declared(_, name)) => self.tree.names.text(name).len() as u64,
                _ => 0,
            };
            self.expand(self.at(index), 1 + name_bytes)?;
            let Some(sort) = next else {
                atoms.push(close);
                continue;
            };
            let names = &mut self.tree.names;
            let mut number = |number: u32| (Kind::Numeral, names.intern(&number.to_string()));
            let (name, numbers) = match self.sorts.head(sort) {
                Head::BitVector(bits) => ("BitVec", vec![number(bits)]),
                Head::Float(exponent, significand) => ("FloatingPoint", vec![number(exponent), number(significand)]),
                Head::Bool => ("Bool", Vec::new()),
                Head::Int => ("Int", Vec::new()),
                Head::Real => ("Real", Vec::new()),
                Head::Character => ("Unicode", Vec::new()),
                Head::RoundingMode => ("RoundingMode", Vec::new()),
                Head::Sequence if sort == SortId::STRING => ("String", Vec::new()),
                Head::RegularExpression if sort == SortId::REG_LAN => ("RegLan", Vec::new()),
                Head::Array => ("Array", Vec::new()),
                Head::Sequence => ("Seq", Vec::new()),
                Head::RegularExpression => ("RegEx", Vec::new()),
                Head::Declared(_, name) => {
                    let printed = self.scope.sort(name).map_or(name, |sort| sort.printed);
                    self.sort_head((Kind::Symbol, printed), sort, &mut waiting, atoms);
                    continue;
                }
                // Nothing of this kind is told by a term.
                Head::Unknown | Head::Parameter(_) => return Err(self.expected(index, "a term of a known sort")),
            };
            let name = (Kind::Symbol, self.tree.names.intern(name));
            if numbers.is_empty() {
                self.sort_head(name, sort, &mut waiting, atoms);
            } else {
                let underscore = (Kind::Symbol, self.tree.names.intern("_"));
                atoms.extend([open, underscore, name]);
                atoms.extend(numbers);
                atoms.push(close);
            }
        }
        Ok(())
    }

    /// The name of a sort, in parentheses if arguments follow.
    fn sort_head(&self, name: Atom, sort: SortId, waiting: &mut Vec<Option<SortId>>, atoms: &mut Vec<Atom>) {
        let arguments = self.sorts.arguments(sort);
        if arguments.is_empty() || sort == SortId::STRING || sort == SortId::REG_LAN {
            atoms.push(name);
            return;
        }
        atoms.extend([(Kind::Open, Name(0)), name]);
        waiting.push(None);
        waiting.extend(arguments.iter().rev().map(|argument| Some(*argument)));
    }

    /// Reads one sort as far as it needs no arguments; else leaves tasks for the rest.
    fn read_sort(&mut self, index: u32, local: &LocalSorts, tasks: &mut Vec<Task>) -> Result<Option<SortId>, Fault> {
        let node = self.tree.node(index);
        match node.kind {
            Kind::Symbol => self.sort_name(index, local).map(Some),
            Kind::Open => {
                let parts = self.children(index);
                let Some((head, arguments)) = parts.split_first() else {
                    return Err(self.expected(index, "a sort"));
                };
                if self.tree.node(*head).kind == Kind::Symbol && self.tree.text(*head) == "_" {
                    return self.indexed_sort(index, arguments).map(Some);
                }
                if arguments.is_empty() {
                    // `(S)` for `S`, as F* writes it.
                    tasks.push(Task::Read(*head));
                    return Ok(None);
                }
                let applied = self.applied_sort(*head, arguments.len())?;
                self.out.open();
                let printed = match &applied {
                    Applied::Declared(sort, _) => sort.printed,
                    _ => self.tree.node(*head).text,
                };
                self.out.symbol(printed);
                tasks.push(Task::Apply { applied, count: arguments.len(), index });
                tasks.extend(arguments.iter().rev().map(|argument| Task::Read(*argument)));
                Ok(None)
            }
            Kind::Close
            | Kind::Keyword
            | Kind::Numeral
            | Kind::Decimal
            | Kind::Hexadecimal
            | Kind::Binary
            | Kind::String => Err(self.expected(index, "a sort")),
        }
    }

    fn sort_name(&mut self, index: u32, local: &LocalSorts) -> Result<SortId, Fault> {
        let name = self.symbol(index, "a sort")?;
        if let Some(position) = local.parameters.get(&name) {
            let printed = self.printed_parameter(name, self.at(index));
            self.out.symbol(printed);
            return Ok(self.parameter(*position));
        }
        let Some(sort) = self.scope.sort(name) else {
            return self.theory_sort(index, name);
        };
        if local.implied.contains(&name) {
            self.expand(self.at(index), self.written(&local.order))?;
            self.out.open();
            self.out.symbol(sort.printed);
            let mut arguments = Vec::new();
            for (position, parameter) in local.order.iter().enumerate() {
                let printed = self.printed_parameter(*parameter, self.at(index));
                self.out.symbol(printed);
                arguments.push(self.parameter(position as u32));
            }
            self.out.close();
            return self.apply_sort(&Applied::Declared(sort, name), &arguments, index);
        }
        self.sort_arity(index, u64::from(sort.arity), 0)?;
        self.out.symbol(sort.printed);
        self.apply_sort(&Applied::Declared(sort, name), &[], index)
    }

    /// What it costs to write these names once more than they were read.
    pub(super) fn written(&self, names: &[Name]) -> u64 {
        names.iter().map(|name| 1 + self.tree.names.text(*name).len() as u64).sum()
    }

    pub(super) fn parameter(&mut self, position: u32) -> SortId {
        self.sorts.intern(Head::Parameter(position), &[], Size::of_parameter(position))
    }

    fn theory_sort(&mut self, index: u32, name: Name) -> Result<SortId, Fault> {
        let Some((standing, sort)) = theories::sort(self.tree.names.text(name)) else {
            return Err(self.undeclared_sort(index));
        };
        let sort = match sort {
            Sort::Bool => SortId::BOOL,
            Sort::Int => SortId::INT,
            Sort::Real => SortId::REAL,
            Sort::String => SortId::STRING,
            Sort::RegLan => SortId::REG_LAN,
            Sort::RoundingMode => SortId::ROUNDING_MODE,
            Sort::Character => SortId::CHARACTER,
            Sort::Float(exponent, significand) => self.sorts.plain(Head::Float(exponent, significand), &[]),
            Sort::Array => return Err(self.sort_takes(index, "2 or more", 0)),
            Sort::Sequence | Sort::RegularExpression | Sort::Set => return Err(self.sort_takes(index, "1", 0)),
            Sort::BitVector | Sort::FloatingPoint => {
                return Err(self.fault_of(index, |command| ErrorKind::Form { command, form: "(_ name number …)" }));
            }
        };
        self.note_extension_sort(index, standing, name);
        self.out.symbol(name);
        Ok(sort)
    }

    fn undeclared_sort(&self, index: u32) -> Fault {
        let advice = theories::advice_for(self.tree.text(index));
        self.fault_of(index, |name| match advice {
            Some(advice) => ErrorKind::NotAccepted { name, advice },
            None => ErrorKind::UndeclaredSort { name },
        })
    }

    fn note_extension_sort(&mut self, index: u32, standing: Standing, name: Name) {
        if standing == Standing::Extension && self.extensions_used.insert(name) {
            let clipped = self.clipped_name(name);
            self.remark(self.at(index), NoteKind::Extension, clipped);
        }
    }

    fn sort_takes(&self, index: u32, takes: &str, got: u64) -> Fault {
        let takes = takes.to_owned();
        self.fault_of(index, |name| ErrorKind::Arity { name, takes, what: "sorts", got })
    }

    fn sort_arity(&self, index: u32, takes: u64, got: u64) -> Result<(), Fault> {
        if takes == got { Ok(()) } else { Err(self.sort_takes(index, &takes.to_string(), got)) }
    }

    /// What `(name sort …)` applies.
    fn applied_sort(&mut self, head: u32, count: usize) -> Result<Applied, Fault> {
        let name = self.symbol(head, "a sort's name")?;
        let got = count as u64;
        if let Some(sort) = self.scope.sort(name) {
            self.sort_arity(head, u64::from(sort.arity), got)?;
            return Ok(Applied::Declared(sort, name));
        }
        let Some((standing, sort)) = theories::sort(self.tree.names.text(name)) else {
            return Err(self.undeclared_sort(head));
        };
        let (applied, takes) = match sort {
            Sort::Array if got >= 2 => (Applied::Array, got),
            Sort::Array => return Err(self.sort_takes(head, "2 or more", got)),
            Sort::Sequence => (Applied::Sequence, 1),
            Sort::RegularExpression => (Applied::RegularExpression, 1),
            Sort::Set => (Applied::Set, 1),
            Sort::Bool
            | Sort::Int
            | Sort::Real
            | Sort::String
            | Sort::RegLan
            | Sort::RoundingMode
            | Sort::Character
            | Sort::Float(..)
            | Sort::BitVector
            | Sort::FloatingPoint => return Err(self.sort_takes(head, "0", got)),
        };
        self.sort_arity(head, takes, got)?;
        self.note_extension_sort(head, standing, name);
        Ok(applied)
    }

    fn apply_sort(&mut self, applied: &Applied, arguments: &[SortId], index: u32) -> Result<SortId, Fault> {
        Ok(match applied {
            Applied::Array => self.sorts.plain(Head::Array, arguments),
            Applied::Sequence => self.sorts.plain(Head::Sequence, arguments),
            Applied::RegularExpression => self.sorts.plain(Head::RegularExpression, arguments),
            Applied::Set => self.sorts.plain(Head::Array, &[arguments[0], SortId::BOOL]),
            Applied::Declared(sort, name) => match &sort.meaning {
                SortMeaning::Declared => self.sorts.plain(Head::Declared(sort.number, *name), arguments),
                SortMeaning::Datatype(size) => {
                    let size = self.sorts.applied(size, arguments);
                    self.sorts.intern(Head::Declared(sort.number, *name), arguments, size)
                }
                SortMeaning::Abbreviation(body) => self.instantiate(*body, arguments, index)?,
                SortMeaning::NoSort(fault) => return Err(fault.clone()),
            },
        })
    }

    /// A sort with arguments for its parameters, paid for from the expanded size.
    pub(super) fn instantiate(&mut self, body: SortId, arguments: &[SortId], index: u32) -> Result<SortId, Fault> {
        if !self.sorts.is_open(body) {
            return Ok(body);
        }
        let limit = self.limits.expanded_size_max;
        let left = limit.saturating_sub(self.expanded) / STEP_COST;
        let scope = &self.scope;
        let size_of = |head: Head| match head {
            Head::Declared(_, name) => match scope.sort(name).map(|sort| sort.meaning.clone()) {
                Some(SortMeaning::Datatype(size)) => Some(size),
                _ => None,
            },
            _ => None,
        };
        match self.sorts.instantiate(body, arguments, &size_of, left) {
            Some((sort, steps)) => {
                self.expand(self.at(index), steps.saturating_mul(STEP_COST))?;
                Ok(sort)
            }
            None => Err(self.fault(index, ErrorKind::ExpandedSize { limit })),
        }
    }

    /// `(_ BitVec n)` and `(_ FloatingPoint e s)`; `arguments` is what follows the underscore.
    fn indexed_sort(&mut self, index: u32, arguments: &[u32]) -> Result<SortId, Fault> {
        let (name, numbers) = arguments.split_first().ok_or_else(|| self.expected(index, "a sort's name"))?;
        let form = match (self.tree.node(*name).kind, self.tree.text(*name), numbers.len()) {
            (Kind::Symbol, "BitVec", 1) => Sort::BitVector,
            (Kind::Symbol, "FloatingPoint", 2) => Sort::FloatingPoint,
            (Kind::Symbol, "BitVec", _) => return Err(self.indexed_form(*name, "(_ BitVec bits)")),
            (Kind::Symbol, "FloatingPoint", _) => {
                return Err(self.indexed_form(*name, "(_ FloatingPoint exponent-bits significand-bits)"));
            }
            _ => return Err(self.fault_of(*name, |name| ErrorKind::UndeclaredSort { name })),
        };
        self.out.open();
        self.out.copy(self.tree.node(self.tree.children(index).next().unwrap_or(index)));
        self.out.copy(self.tree.node(*name));
        let mut bits = [0u32; 2];
        for (slot, number) in bits.iter_mut().zip(numbers) {
            *slot = self.width(*number)?;
            if *slot == 0 {
                return Err(self.fault(*number, ErrorKind::ZeroBits));
            }
            self.out.copy(self.tree.node(*number));
        }
        self.out.close();
        let head = if form == Sort::BitVector { Head::BitVector(bits[0]) } else { Head::Float(bits[0], bits[1]) };
        Ok(self.sorts.plain(head, &[]))
    }

    fn indexed_form(&self, index: u32, form: &'static str) -> Fault {
        self.fault_of(index, |command| ErrorKind::Form { command, form })
    }

    /// A number of bits.
    pub(super) fn width(&self, index: u32) -> Result<u32, Fault> {
        let limit = self.limits.bit_width_max;
        if self.tree.node(index).kind != Kind::Numeral {
            return Err(self.expected(index, "a numeral"));
        }
        let bits = self.tree.text(index).parse::<u64>().unwrap_or(u64::MAX);
        match u32::try_from(bits) {
            Ok(width) if width <= limit => Ok(width),
            _ => Err(self.fault(index, ErrorKind::BitWidth { bits, limit })),
        }
    }
}
