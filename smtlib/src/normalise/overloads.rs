//! Which of several functions of one name is meant: the script's own at several sorts, one of the script's beside a
//! theory's, testers of constructors.
//!
//! The solver chooses without a word, and not always the one that fits best. Here a use is read only if exactly one
//! candidate fits, an Int counted as fitting a Real, with every argument's sort known. What is chosen is printed under a
//! name of its own, so that nothing is left to choose.
//!
//! Must never: prefer one candidate that fits to another, except for one of the script's that hides a theory's.

use std::rc::Rc;

use super::Normaliser;
use super::callee::{Callee, Candidate, Candidates};
use super::scope::{Function, Origin};
use super::sorts::{Head, SortId};
use super::value::Value;
use crate::error::{ErrorKind, Fault};
use crate::theories::{self, Indices, Standing};
use crate::tree::{Kind, Name};

/// Functions of one name that may be visible at once: every use looks at all of them.
pub(super) const OVERLOADS_MAX: usize = 64;

impl Normaliser<'_> {
    /// Everything that a name may mean when it is applied to so many arguments; empty if nothing takes so many.
    pub(super) fn candidates(&self, name: Name, count: usize) -> Candidates {
        let own = || self.scope.functions(name).iter().filter(|function| function.parameters.len() == count);
        let mut candidates: Candidates = own().cloned().map(Candidate::Own).collect();
        let text = self.tree.names.text(name);
        let takes = |form: &&theories::Function| form.indices == Indices::None && form.arity.allows(count as u64);
        if let Some(form) =
            theories::functions(text).iter().find(takes).filter(|_| !own().any(|function| function.hides))
        {
            candidates.push(Candidate::Theory(form));
        }
        if count == 1 {
            let tested = text.strip_prefix("is-").and_then(|rest| self.tree.names.find(rest));
            let constructors = tested.map_or(&[][..], |constructor| self.scope.functions(constructor));
            let constructors = constructors.iter().filter(|function| function.origin == Origin::Constructor);
            // One of the script's own for the very sort is meant, as it says.
            let constructors =
                constructors.filter(|constructor| !own().any(|function| function.parameters[0] == constructor.result));
            candidates.extend(constructors.cloned().map(Candidate::Tester));
        }
        candidates
    }

    /// An application of a name that has a constant of the script's behind it, which may be an array: `(f 1)` is an element of it
    /// to the solver.
    pub(super) fn may_be_an_array(&self, name: Name) -> bool {
        self.scope.functions(name).iter().any(|function| {
            let result = self.sorts.head(function.result);
            function.parameters.is_empty() && matches!(result, Head::Array | Head::Unknown | Head::Parameter(_))
        })
    }

    /// Writes what is applied, or a place for it if the arguments decide.
    pub(super) fn write_candidates(&mut self, index: u32, name: Name, mut candidates: Candidates) -> Callee {
        let place = self.out.mark();
        self.out.symbol(name);
        if candidates.len() == 1 && !candidates.iter().any(is_tester_of_generic) {
            // Exactly one, as was just seen.
            if let Some(candidate) = candidates.pop() {
                return self.settle_candidate(index, name, place, candidate, SortId::UNKNOWN);
            }
        }
        Callee::Overloaded { name, candidates, place, ascribed: None }
    }

    /// The one candidate that fits these arguments.
    pub(super) fn resolve(
        &self,
        name: Name,
        candidates: &[Candidate],
        arguments: &[Value],
        index: u32,
    ) -> Result<Candidate, Fault> {
        let refused = |why| Fault::new(self.at(index), ErrorKind::Ambiguous { name: self.clipped_name(name), why });
        if let [only] = candidates {
            return Ok(only.clone());
        }
        if arguments.iter().any(|argument| argument.sort == SortId::UNKNOWN) {
            return Err(refused("the sort of an argument cannot be told"));
        }
        let mut fitting = candidates.iter().filter(|candidate| self.candidate_fits(candidate, arguments, index));
        match (fitting.next(), fitting.next()) {
            (Some(one), None) => Ok(one.clone()),
            (None, _) => Err(refused("none of them takes arguments of these sorts")),
            (Some(_), Some(_)) => Err(refused("more than one of them takes arguments of these sorts")),
        }
    }

    fn candidate_fits(&self, candidate: &Candidate, arguments: &[Value], index: u32) -> bool {
        match candidate {
            Candidate::Own(function) => function
                .parameters
                .iter()
                .zip(arguments)
                .all(|(wanted, argument)| self.may_be_given(argument.sort, *wanted)),
            Candidate::Theory(form) => self.check_arguments(form, arguments, index).is_ok(),
            Candidate::Tester(constructor) => {
                arguments.iter().all(|argument| self.may_be_given(argument.sort, constructor.result))
            }
        }
    }

    /// Whether a term of this sort may stand for a parameter; with a datatype's parameters in it, the outermost part decides.
    fn may_be_given(&self, given: SortId, wanted: SortId) -> bool {
        match self.sorts.head(wanted) {
            Head::Parameter(_) => true,
            head if self.sorts.is_open(wanted) => head == self.sorts.head(given),
            _ => self.sorts.fits(given, wanted),
        }
    }

    /// Writes the candidate that was chosen into its place. `argument` is the first argument's sort, as far as it is known.
    pub(super) fn settle_candidate(
        &mut self,
        index: u32,
        name: Name,
        place: usize,
        candidate: Candidate,
        argument: SortId,
    ) -> Callee {
        match candidate {
            Candidate::Own(function) => {
                self.out.set(place, Kind::Symbol, function.printed);
                Callee::Script(function, place)
            }
            Candidate::Theory(form) => {
                if form.standing == Standing::Extension {
                    self.note_extension(index, name);
                    self.assumptions.approximated |= theories::is_approximated(self.tree.names.text(name));
                }
                self.out.set(place, Kind::Symbol, name);
                Callee::Theory(form, [0, 0])
            }
            Candidate::Tester(constructor) => {
                self.note_extension(index, name);
                Callee::Tester { constructor, place, argument }
            }
        }
    }

    /// Writes `(_ is constructor)`, with the constructor's signature where it has several instances: the solver finds them
    /// ambiguous otherwise.
    pub(super) fn write_tester(
        &mut self,
        index: u32,
        constructor: &Function,
        place: usize,
        argument: SortId,
    ) -> Result<(), Fault> {
        let name_bytes = self.tree.names.text(constructor.printed).len() as u64;
        if constructor.generic {
            self.expand(self.at(index), name_bytes)?;
        }
        let parenthesis = |kind| (kind, Name(0));
        let (underscore, is) = (self.tree.names.intern("_"), self.tree.names.intern("is"));
        let mut atoms = vec![parenthesis(Kind::Open), (Kind::Symbol, underscore), (Kind::Symbol, is)];
        match self.parameters_in(constructor.result, argument).filter(|_| constructor.generic) {
            Some(parameters) => {
                atoms.extend([parenthesis(Kind::Open), (Kind::Symbol, constructor.printed), parenthesis(Kind::Open)]);
                for template in constructor.parameters.iter() {
                    let field = self.instance(*template, &parameters, index)?;
                    self.sort_atoms(field, index, &mut atoms)?;
                }
                atoms.push(parenthesis(Kind::Close));
                self.sort_atoms(argument, index, &mut atoms)?;
                atoms.push(parenthesis(Kind::Close));
            }
            None => atoms.push((Kind::Symbol, constructor.printed)),
        }
        atoms.push(parenthesis(Kind::Close));
        self.out.replace(place, atoms);
        Ok(())
    }

    /// The constructor that a pattern names, where it is held against a term of this sort; none if no constructor has the name.
    pub(super) fn constructor_of(&self, name: Name, scrutinee: SortId) -> Option<Rc<Function>> {
        let constructors = self.scope.functions(name).iter().filter(|function| function.origin == Origin::Constructor);
        let head = self.sorts.head(scrutinee);
        let mut all = constructors.clone();
        match (all.next(), all.next()) {
            (only, None) => only.cloned(),
            // A datatype has a constructor's name once.
            _ => constructors.clone().find(|function| self.sorts.head(function.result) == head).cloned(),
        }
    }
}

fn is_tester_of_generic(candidate: &Candidate) -> bool {
    matches!(candidate, Candidate::Tester(constructor) if constructor.generic)
}
