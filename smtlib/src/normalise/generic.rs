//! Constructors and selectors of parametric datatypes where they are used: which sorts stand for the parameters.
//!
//! The solver coerces here as elsewhere, without a word: a Bool selected from a pair is added as a number, and 1.5 put
//! into a list of Int is cut. So the sorts are told as far as they can be, and what does not fit is refused.
//!
//! Must never: recurse, or refuse what only cannot be told.

use std::rc::Rc;

use super::Normaliser;
use super::scope::{Function, Origin};
use super::sorts::{Head, SortId};
use super::value::Value;
use crate::error::{ErrorKind, Fault};
use crate::tree::{Kind, Name};

impl Normaliser<'_> {
    /// The sort of an application of a constructor or selector whose sorts hold parameters.
    pub(super) fn apply_generic(
        &mut self,
        function: &Function,
        arguments: &mut [Value],
        index: u32,
    ) -> Result<SortId, Fault> {
        let parameters = match function.origin {
            Origin::Selector => self.sorts_of_selected(function, arguments, index)?,
            Origin::Constructor => {
                let parameters = self.sorts_of_fields(function, arguments, index)?;
                for (argument, template) in arguments.iter_mut().zip(function.parameters.iter()) {
                    let wanted = self.instance(*template, &parameters, index)?;
                    self.adapt(argument, wanted);
                }
                parameters
            }
            // Only datatypes have parameters.
            Origin::Declared | Origin::Defined | Origin::Recursive | Origin::Named => return Ok(SortId::UNKNOWN),
        };
        self.instance(function.result, &parameters, index)
    }

    /// Writes a constructor with the sort that it makes, where a Real is in it: the solver takes whatever instance there is, and
    /// cuts the Real to an Int for it. An Int that is made a Real stays the same number.
    pub(super) fn write_instance(
        &mut self,
        function: &Function,
        place: usize,
        sort: SortId,
        index: u32,
    ) -> Result<(), Fault> {
        if !function.generic || function.origin != Origin::Constructor || !self.sorts.has_real(sort) {
            return Ok(());
        }
        let name = self.tree.names.intern("as");
        let mut atoms = vec![(Kind::Open, Name(0)), (Kind::Symbol, name), (Kind::Symbol, function.printed)];
        self.sort_atoms(sort, index, &mut atoms)?;
        atoms.push((Kind::Close, Name(0)));
        self.out.replace(place, atoms);
        Ok(())
    }

    /// `(as constructor sort)`, applied: the sort says what stands for the parameters.
    pub(super) fn apply_ascribed(
        &mut self,
        function: &Function,
        sort: SortId,
        arguments: &mut [Value],
        index: u32,
    ) -> Result<(), Fault> {
        let Some(parameters) = self.parameters_in(function.result, sort) else { return Ok(()) };
        for (position, (argument, template)) in arguments.iter_mut().zip(function.parameters.iter()).enumerate() {
            let wanted = self.instance(*template, &parameters, index)?;
            self.adapt(argument, wanted);
            self.argument_fits(index, position, argument.sort, wanted)?;
        }
        Ok(())
    }

    /// The sorts of a constructor's fields in a pattern that is held against a term of this sort.
    pub(super) fn pattern_sorts(
        &mut self,
        constructor: &Function,
        scrutinee: SortId,
        index: u32,
    ) -> Result<Rc<[SortId]>, Fault> {
        if !constructor.generic {
            return Ok(constructor.parameters.clone());
        }
        let parameters = self.parameters_in(constructor.result, scrutinee).unwrap_or_else(|| [].into());
        constructor.parameters.iter().map(|template| self.instance(*template, &parameters, index)).collect()
    }

    /// What stands for the parameters of a datatype in a sort of it; none in another sort, or an unknown one.
    pub(super) fn parameters_in(&self, datatype: SortId, sort: SortId) -> Option<Rc<[SortId]>> {
        (self.sorts.head(datatype) == self.sorts.head(sort)).then(|| self.sorts.arguments(sort).into())
    }

    fn sorts_of_selected(
        &mut self,
        function: &Function,
        arguments: &[Value],
        index: u32,
    ) -> Result<Rc<[SortId]>, Fault> {
        let (Some(datatype), Some(argument)) = (function.parameters.first(), arguments.first()) else {
            return Ok([].into());
        };
        if argument.sort == SortId::UNKNOWN {
            return Ok([].into());
        }
        match self.parameters_in(*datatype, argument.sort) {
            Some(parameters) => Ok(parameters),
            None => {
                let takes = self.sorts.describe(*datatype, &self.tree.names);
                Err(self.argument_fault(index, 0, takes, argument.sort))
            }
        }
    }

    /// A parameter that stands within a field's sort is what the argument has there. One that is a field's whole sort may be
    /// given an Int for a Real, so that it says something only if nothing else does.
    fn sorts_of_fields(&mut self, function: &Function, arguments: &[Value], index: u32) -> Result<Rc<[SortId]>, Fault> {
        let count = self.sorts.arguments(function.result).len();
        let mut told = vec![SortId::UNKNOWN; count];
        for (position, (argument, template)) in arguments.iter().zip(function.parameters.iter()).enumerate() {
            if !matches!(self.sorts.head(*template), Head::Parameter(_))
                && !self.tell(*template, argument.sort, &mut told, index)?
            {
                let takes = self.sorts.describe(*template, &self.tree.names);
                return Err(self.argument_fault(index, position, takes, argument.sort));
            }
        }
        let mut parameters = told.clone();
        for (position, (argument, template)) in arguments.iter().zip(function.parameters.iter()).enumerate() {
            let Head::Parameter(parameter) = self.sorts.head(*template) else { continue };
            let parameter = parameter as usize;
            if argument.sort == SortId::UNKNOWN && self.is_application(index, position) {
                // Were it a Real, the solver might cut it.
                let why = "the sort of an argument cannot be told";
                return Err(self.ambiguous_constructor(index, why));
            }
            self.argument_fits(index, position, argument.sort, told[parameter])?;
            match self.join(parameters[parameter], argument.sort) {
                Some(joined) if told[parameter] == SortId::UNKNOWN => parameters[parameter] = joined,
                Some(_) => {}
                None => self.argument_fits(index, position, argument.sort, parameters[parameter])?,
            }
        }
        Ok(parameters.into())
    }

    /// Whether the argument at a position of an application is one itself.
    fn is_application(&self, index: u32, position: usize) -> bool {
        let argument = self.tree.children(index).nth(position + 1);
        argument.is_some_and(|argument| self.tree.node(argument).kind == Kind::Open)
    }

    fn ambiguous_constructor(&self, index: u32, why: &'static str) -> Fault {
        let head = self.tree.children(index).next().unwrap_or(index);
        self.fault_of(head, |name| ErrorKind::Ambiguous { name, why })
    }

    fn argument_fits(&self, index: u32, position: usize, given: SortId, wanted: SortId) -> Result<(), Fault> {
        if self.sorts.fits(given, wanted) {
            return Ok(());
        }
        let takes = self.sorts.describe(wanted, &self.tree.names);
        Err(self.argument_fault(index, position, takes, given))
    }

    /// Holds a sort with parameters against a given one and enters what stands for them. False if they do not fit. Each step is
    /// paid for from the expanded size.
    fn tell(&mut self, template: SortId, given: SortId, told: &mut [SortId], index: u32) -> Result<bool, Fault> {
        let mut waiting = vec![(template, given)];
        while let Some((template, given)) = waiting.pop() {
            self.expand(self.at(index), 1)?;
            if given == SortId::UNKNOWN {
                continue;
            }
            if let Head::Parameter(parameter) = self.sorts.head(template) {
                let slot = &mut told[parameter as usize];
                match self.join(*slot, given) {
                    Some(joined) => *slot = joined,
                    None => return Ok(false),
                }
            } else if !self.sorts.is_open(template) {
                if !self.sorts.fits(given, template) {
                    return Ok(false);
                }
            } else {
                let (wanted, got) = (self.sorts.arguments(template), self.sorts.arguments(given));
                if self.sorts.head(template) != self.sorts.head(given) || wanted.len() != got.len() {
                    return Ok(false);
                }
                waiting.extend(wanted.iter().copied().zip(got.iter().copied()));
            }
        }
        Ok(true)
    }

    /// A sort with these for its parameters, made and paid for once. A parameter that is not given leaves it unknown.
    pub(super) fn instance(
        &mut self,
        template: SortId,
        parameters: &Rc<[SortId]>,
        index: u32,
    ) -> Result<SortId, Fault> {
        if !self.sorts.is_open(template) {
            return Ok(template);
        }
        let key = (template, parameters.clone());
        if let Some(made) = self.instances.get(&key) {
            return Ok(*made);
        }
        let made = self.instantiate(template, parameters, index)?;
        self.check_sort_size(index, made)?;
        self.instances.insert(key, made);
        Ok(made)
    }
}
