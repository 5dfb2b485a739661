//! What a name means at a place of the script: declared functions and sorts with the scopes they live in, and the
//! variables bound round a term.
//!
//! Must never: let a name mean two things at once, except that a variable hides a function.

use std::collections::HashMap;
use std::rc::Rc;

use super::sorts::{Size, SortId};
use crate::error::Fault;
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
    /// The command that made it: its index in the tree.
    pub command: u32,
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
}

/// Everything that is visible.
#[derive(Default)]
pub(super) struct Scope {
    functions: HashMap<Name, Rc<Function>>,
    sorts: HashMap<Name, Rc<SortDeclaration>>,
    undo: Vec<Undo>,
    /// For each open scope: what to go back to, and the counts from before.
    levels: Vec<(usize, Assumptions)>,
    variables: Vec<Variable>,
    by_name: HashMap<Name, u32>,
    /// Binders that are open: quantifiers, lambdas, parameters.
    pub binders: u32,
    sort_count: u32,
}

impl Scope {
    pub(super) fn function(&self, name: Name) -> Option<Rc<Function>> {
        self.functions.get(&name).cloned()
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

    /// The name must be free.
    pub(super) fn insert_function(&mut self, name: Name, function: Function) {
        self.undo.push(Undo::Function(name));
        self.functions.insert(name, Rc::new(function));
    }

    /// The name must be free.
    pub(super) fn insert_sort(&mut self, name: Name, sort: SortDeclaration) {
        self.undo.push(Undo::Sort(name));
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
        self.undo_to(length);
        Some(before)
    }

    pub(super) fn undo_to(&mut self, mark: usize) {
        while self.undo.len() > mark {
            match self.undo.pop() {
                Some(Undo::Function(name)) => {
                    self.functions.remove(&name);
                }
                Some(Undo::Sort(name)) => {
                    self.sorts.remove(&name);
                }
                None => return,
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
