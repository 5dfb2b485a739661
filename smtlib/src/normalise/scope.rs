//! What a name means at a place of the script: declared functions and sorts with the scopes they live in, and the
//! variables bound round a term.
//!
//! Must never: choose between two functions of one name: it gives all that are visible, and who asks decides.

use std::rc::Rc;

use super::sorts::{Size, SortId};
use crate::error::Fault;
use crate::hashing::{IdMap, IdSet};
use crate::result::Assumptions;
use crate::tree::Name;

/// How a function came to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    Declared,
    Defined,
    Recursive,
    Constructor,
    Selector,
    Named,
}

/// A function or constant of the script.
#[derive(Clone, Debug)]
pub(super) struct Function {
    pub printed: Name,
    pub origin: Origin,
    pub parameters: Rc<[SortId]>,
    pub result: SortId,
    /// Nodes that a call adds when it is written out.
    pub size: u64,
    /// Its sorts hold parameters of a datatype.
    pub generic: bool,
    /// A theory's function of this name takes the same arguments: this one is meant all the same.
    pub hides: bool,
    /// The command that made it: its index in the tree.
    pub command: u32,
}

impl Function {
    /// One that is no part of a generic datatype, printed under its own name until it is made.
    pub(super) fn new(origin: Origin, name: Name, command: u32, parameters: Vec<SortId>, result: SortId) -> Self {
        let parameters = parameters.into();
        Self { printed: name, origin, parameters, result, size: 0, generic: false, hides: false, command }
    }
}

/// What a sort's name stands for.
#[derive(Clone, Debug)]
pub(super) enum SortMeaning {
    /// An uninterpreted sort.
    Declared,
    /// A datatype, with its size when its fields are written out.
    Datatype(Size),
    /// An abbreviation: a sort with parameters in it.
    Abbreviation(SortId),
    /// A definition that is no sort, and why: whoever uses it is refused for that.
    NoSort(Fault),
}

/// A sort of the script.
#[derive(Clone, Debug)]
pub(super) struct SortDeclaration {
    pub printed: Name,
    pub number: u32,
    pub arity: u32,
    pub meaning: SortMeaning,
    pub command: u32,
}

/// A variable bound round a term.
#[derive(Clone, Copy, Debug)]
pub(super) struct Variable {
    pub name: Name,
    pub printed: Name,
    pub sort: SortId,
    /// The outermost binder that its value depends on, counted from 1; [`CLOSED`] if on none.
    pub lowest: u32,
    hidden: Option<u32>,
}

/// The `lowest` of a term without free variables.
pub(super) const CLOSED: u32 = u32::MAX;

enum Undo {
    Function(Name),
    Sort(Name),
    /// A name that stays declared, for a term that is asserted no longer.
    Named(Name),
}

/// Where declarations live.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Lifetime {
    /// In the scope in which they are made.
    #[default]
    Scope,
    /// To the end of the script: `(set-option :global-declarations true)`.
    Script,
}

/// Everything that is visible.
#[derive(Default)]
pub(super) struct Scope {
    /// All that are visible under a name, the newest last. Never empty.
    functions: IdMap<Name, Vec<Rc<Function>>>,
    sorts: IdMap<Name, Rc<SortDeclaration>>,
    undo: Vec<Undo>,
    /// For each open scope: what to go back to, and the counts from before.
    levels: Vec<(usize, Assumptions)>,
    variables: Vec<Variable>,
    by_name: IdMap<Name, u32>,
    /// Binders that are open: quantifiers, lambdas, parameters.
    pub binders: u32,
    sort_count: u32,
    /// Names of sorts that were ever made, and whether as a datatype.
    sorts_made: IdMap<Name, bool>,
    /// A sort was made under a name that a closed scope had, and one of the two is a datatype.
    pub remade: bool,
    pub lifetime: Lifetime,
    /// What is being read is printed in front of all assertions.
    pub in_front: bool,
    /// Names whose terms are asserted no longer, while declarations live to the end of the script.
    closed: IdSet<Name>,
}

impl Scope {
    /// Forgets everything. Numbers of sorts go on: sorts with the old ones may still be known.
    pub(super) fn reset(&mut self) {
        *self = Self { sort_count: self.sort_count, ..Self::default() };
    }

    /// The functions of this name.
    pub(super) fn functions(&self, name: Name) -> &[Rc<Function>] {
        self.functions.get(&name).map_or(&[], Vec::as_slice)
    }

    /// Whether it names a term that is asserted no longer, or that is asserted only after what is printed in front of all
    /// assertions.
    pub(super) fn is_closed(&self, name: Name) -> bool {
        let is_named = || self.functions(name).iter().any(|function| function.origin == Origin::Named);
        self.closed.contains(&name) || (self.in_front && is_named())
    }

    pub(super) fn sort(&self, name: Name) -> Option<Rc<SortDeclaration>> {
        self.sorts.get(&name).cloned()
    }

    pub(super) fn variable(&self, name: Name) -> Option<Variable> {
        self.by_name.get(&name).map(|index| self.variables[*index as usize])
    }

    pub(super) fn next_sort_number(&mut self) -> u32 {
        self.sort_count += 1;
        self.sort_count
    }

    pub(super) fn insert_function(&mut self, name: Name, function: Function) {
        match (self.lifetime, function.origin) {
            (Lifetime::Scope, _) => self.undo.push(Undo::Function(name)),
            (Lifetime::Script, Origin::Named) => self.undo.push(Undo::Named(name)),
            (Lifetime::Script, _) => {}
        }
        self.functions.entry(name).or_default().push(Rc::new(function));
    }

    /// The name must be free.
    pub(super) fn insert_sort(&mut self, name: Name, sort: SortDeclaration) {
        if self.lifetime == Lifetime::Scope {
            self.undo.push(Undo::Sort(name));
        }
        let is_datatype = matches!(sort.meaning, SortMeaning::Datatype(_));
        let before = self.sorts_made.insert(name, is_datatype);
        self.remade |= before.is_some_and(|before| before || is_datatype);
        self.sorts.insert(name, Rc::new(sort));
    }

    /// Changes what a sort's name means, while its declaration is being read.
    pub(super) fn complete_sort(&mut self, name: Name, sort: SortDeclaration) {
        self.sorts.insert(name, Rc::new(sort));
    }

    pub(super) fn depth(&self) -> u32 {
        // Bounded by the limit on pushes, which is 32 bits wide.
        self.levels.len() as u32
    }

    pub(super) fn push(&mut self, before: Assumptions) {
        self.levels.push((self.undo.len(), before));
    }

    /// Closes a scope and gives the counts from before it; none if no scope is open.
    pub(super) fn pop(&mut self) -> Option<Assumptions> {
        let (length, before) = self.levels.pop()?;
        while self.undo.len() > length {
            match self.undo.pop() {
                Some(Undo::Function(name)) => self.remove_newest(name),
                Some(Undo::Sort(name)) => drop(self.sorts.remove(&name)),
                Some(Undo::Named(name)) => drop(self.closed.insert(name)),
                None => break,
            }
        }
        Some(before)
    }

    fn remove_newest(&mut self, name: Name) {
        if let Some(functions) = self.functions.get_mut(&name) {
            functions.pop();
            if functions.is_empty() {
                self.functions.remove(&name);
            }
        }
    }

    pub(super) fn bind(&mut self, name: Name, printed: Name, sort: SortId, lowest: u32) {
        // Variables are bound by tokens, which 32 bits count.
        let index = self.variables.len() as u32;
        let hidden = self.by_name.insert(name, index);
        self.variables.push(Variable { name, printed, sort, lowest, hidden });
    }

    pub(super) fn unbind(&mut self, count: u32) {
        for _ in 0..count {
            let Some(variable) = self.variables.pop() else { return };
            match variable.hidden {
                Some(index) => self.by_name.insert(variable.name, index),
                None => self.by_name.remove(&variable.name),
            };
        }
    }
}
