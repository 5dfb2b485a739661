//! Names that a script makes: sorts and functions, and what may stand beside what. Definitions are in `definitions`.
//!
//! Must never: let a function be made twice for the same sorts. A second declaration that says the same is left out and
//! told; one that says another thing of the same sorts is refused, and so is one that would hide a standard's function.

use super::Normaliser;
use super::overloads::OVERLOADS_MAX;
use super::scope::{Function, Lifetime, Origin, SortDeclaration, SortMeaning};
use super::sort_terms::LocalSorts;
use super::sorts::SortId;
use super::value::Value;
use crate::error::{ErrorKind, Fault};
use crate::result::NoteKind;
use crate::theories;
use crate::tree::{Kind, Name};

/// What becomes of a declaration.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Admission {
    New,
    /// It says what an earlier one said.
    Again,
}

impl Normaliser<'_> {
    /// A name that a function may have.
    pub(super) fn function_name(&mut self, index: u32) -> Result<Name, Fault> {
        let name = self.symbol(index, "a name")?;
        if theories::is_core(self.tree.names.text(name)) {
            return Err(self.fault_of(index, |name| ErrorKind::Shadows { name }));
        }
        if self.scope.is_closed(name) {
            return Err(self.twice(index));
        }
        Ok(name)
    }

    /// Whether a function may be made beside those of its name, and whether it hides a theory's. Where the sorts are the same, only
    /// the result may differ, and then `as` tells which one is meant.
    pub(super) fn admit(&mut self, index: u32, name: Name, function: &mut Function) -> Result<Admission, Fault> {
        let others = self.scope.functions(name);
        if !others.is_empty() && self.scope.lifetime == Lifetime::Script {
            return Err(self.twice(index));
        }
        for other in others.iter().filter(|other| other.parameters == function.parameters) {
            let declared = |function: &Function| matches!(function.origin, Origin::Declared);
            let same_result = other.result == function.result;
            if same_result && declared(other) && declared(function) {
                return Ok(Admission::Again);
            }
            let is_defined =
                |function: &Function| matches!(function.origin, Origin::Defined | Origin::Recursive | Origin::Named);
            if same_result || is_defined(other) || is_defined(function) {
                return Err(self.twice(index));
            }
        }
        // A datatype has a constructor's or selector's name once.
        let of = |function: &Function| match function.origin {
            Origin::Constructor => Some(function.result),
            Origin::Selector => function.parameters.first().copied(),
            _ => None,
        };
        let own = of(function).map(|sort| (function.command, sort));
        if own.is_some() && others.iter().any(|other| of(other).map(|sort| (other.command, sort)) == own) {
            return Err(self.twice(index));
        }
        if others.len() >= OVERLOADS_MAX {
            let (text, limit) = ("of declarations of one name".to_owned(), OVERLOADS_MAX as u32);
            return Err(self.fault(index, ErrorKind::Index { text, limit }));
        }
        function.hides = self.hides(index, name, &function.parameters)?;
        Ok(Admission::New)
    }

    /// Whether a theory's function takes the arguments that a function of this name is declared with. That of a standard's must
    /// not be hidden, unless the logic lacks the theory.
    fn hides(&self, index: u32, name: Name, parameters: &[SortId]) -> Result<bool, Fault> {
        let arguments: Vec<Value> = parameters.iter().map(|sort| Value::closed(*sort)).collect();
        let count = arguments.len() as u64;
        let logic = self.logic_name.map(|logic| theories::Logic::new(self.tree.names.text(logic)));
        let form = theories::functions(self.tree.names.text(name))
            .iter()
            .find(|form| form.indices == theories::Indices::None && form.arity.allows(count));
        let Some(form) = form.filter(|form| self.check_arguments(form, &arguments, index).is_ok()) else {
            return Ok(false);
        };
        let is_lacking = logic.is_some_and(|logic| logic.lacks(form.theory));
        if form.standing == theories::Standing::Standard && count > 0 && !is_lacking {
            return Err(self.fault_of(index, |name| ErrorKind::Shadows { name }));
        }
        if self.extensions_used.contains(&name) {
            return Err(self.fault_of(index, |name| ErrorKind::UsedBefore { name }));
        }
        Ok(true)
    }

    /// Makes a function that was admitted, and writes what it is printed as into the place that was left for its name.
    pub(super) fn make_function(&mut self, at: u32, name: Name, place: usize, mut function: Function) {
        let is_of_list = function.generic && theories::is_of_list(self.tree.names.text(name));
        let first = if is_of_list { self.rename(name, self.at(at)) } else { self.printed(name, self.at(at)) };
        // Beside another function of its name it gets a name of its own: the solver has nothing to choose then.
        let printed = if self.scope.functions(name).is_empty() { first } else { self.print_beside(name, self.at(at)) };
        self.out.set(place, Kind::Symbol, printed);
        function.printed = printed;
        self.scope.insert_function(name, function);
    }

    /// Whether a command says word for word what an earlier one said that made a function of this name: then it is dropped.
    pub(super) fn is_repeated(&self, index: u32, name: Name) -> bool {
        let mut earlier = self.scope.functions(name).iter().map(|function| function.command);
        earlier.any(|earlier| earlier != index && self.tree.same(earlier, index))
    }

    pub(super) fn twice(&self, index: u32) -> Fault {
        self.fault_of(index, |name| ErrorKind::DeclaredTwice { name })
    }

    /// Drops a declaration that was made before, word for word; refuses one that differs.
    pub(super) fn drop_duplicate(&mut self, index: u32, name: u32, before: u32, mark: usize) -> Result<(), Fault> {
        // One command that makes a name twice is found by itself.
        if before == index || !self.tree.same(before, index) {
            return Err(self.twice(name));
        }
        self.duplicate_dropped(name, mark)
    }

    pub(super) fn duplicate_dropped(&mut self, name: u32, mark: usize) -> Result<(), Fault> {
        if self.scope.lifetime == Lifetime::Script {
            return Err(self.twice(name));
        }
        self.out.truncate(mark);
        let clipped = self.clipped(name);
        self.remark(self.at(name), NoteKind::DuplicateIgnored, clipped);
        Ok(())
    }

    // Sorts.

    /// Whether a sort of this name may be made; else the command that made it.
    pub(super) fn sort_name_free(&mut self, index: u32) -> Result<(Name, Option<u32>), Fault> {
        let name = self.symbol(index, "a sort's name")?;
        if let Some(sort) = self.scope.sort(name) {
            return Ok((name, Some(sort.command)));
        }
        match theories::sort(self.tree.names.text(name)) {
            Some((theories::Standing::Standard, _)) => Err(self.fault_of(index, |name| ErrorKind::Shadows { name })),
            Some((theories::Standing::Extension, _)) if self.extensions_used.contains(&name) => {
                Err(self.fault_of(index, |name| ErrorKind::UsedBefore { name }))
            }
            Some((theories::Standing::Extension, _)) | None => Ok((name, None)),
        }
    }

    pub(super) fn declare_sort(&mut self, index: u32, head: u32, arguments: &[u32]) -> Result<(), Fault> {
        let (name_at, arity) = match arguments {
            // F* leaves the arity out.
            [name] => (*name, 0),
            [name, arity] => (*name, self.number(*arity, self.limits.index_max.min(ARITY_MAX))?),
            _ => return Err(self.form(head, "(declare-sort name arity)")),
        };
        let (name, before) = self.sort_name_free(name_at)?;
        let mark = self.out.mark();
        if before.is_some() {
            let same = self
                .scope
                .sort(name)
                .is_some_and(|sort| matches!(sort.meaning, SortMeaning::Declared) && sort.arity == arity);
            if !same {
                return Err(self.twice(name_at));
            }
            return self.duplicate_dropped(name_at, mark);
        }
        let printed = self.printed_sort(name, self.at(name_at));
        let number = self.scope.next_sort_number();
        let meaning = SortMeaning::Declared;
        self.scope.insert_sort(name, SortDeclaration { printed, number, arity, meaning, command: index });
        self.assumptions.uninterpreted += 1;
        let arity = self.tree.names.intern(&arity.to_string());
        self.out.open();
        self.out.copy(self.tree.node(head));
        self.out.symbol(printed);
        self.out.push(Kind::Numeral, arity);
        self.out.close();
        Ok(())
    }

    /// A body that is no sort is refused where the name is used; solvers do not look at it before, and some scripts define
    /// what they never use.
    pub(super) fn define_sort(&mut self, index: u32, head: u32, arguments: &[u32]) -> Result<(), Fault> {
        let [name_at, parameters, body] = arguments else {
            return Err(self.form(head, "(define-sort name (parameters) sort)"));
        };
        let mark = self.out.mark();
        let (name, before) = self.sort_name_free(*name_at)?;
        if let Some(before) = before {
            return self.drop_duplicate(index, *name_at, before, mark);
        }
        let printed = self.printed_sort(name, self.at(*name_at));
        self.out.open();
        self.out.copy(self.tree.node(head));
        self.out.symbol(printed);
        let local = self.sort_parameters(*parameters)?;
        let meaning = match self.sort_with(*body, &local) {
            Ok(body) => {
                self.out.close();
                SortMeaning::Abbreviation(body)
            }
            Err(fault) if fault.kind.is_no_sort() => {
                self.out.truncate(mark);
                let clipped = self.clipped(*name_at);
                self.remark(self.at(*name_at), NoteKind::NoSortIgnored, clipped);
                SortMeaning::NoSort(fault)
            }
            Err(fault) => return Err(fault),
        };
        let number = self.scope.next_sort_number();
        let arity = local.parameters.len() as u32;
        self.scope.insert_sort(name, SortDeclaration { printed, number, arity, meaning, command: index });
        Ok(())
    }

    /// Reads and writes `(name …)`, the parameters of a sort.
    pub(super) fn sort_parameters(&mut self, index: u32) -> Result<LocalSorts, Fault> {
        let names = self.list(index, "a list of sort parameters")?;
        self.write_parameters(&names, index)
    }

    /// Reads and writes the parameters of a sort that stand at these places.
    pub(super) fn write_parameters(&mut self, names: &[u32], index: u32) -> Result<LocalSorts, Fault> {
        self.few_parameters(index, names.len())?;
        let mut local = LocalSorts::default();
        self.out.open();
        for (position, parameter) in names.iter().enumerate() {
            let name = self.symbol(*parameter, "a sort parameter")?;
            if theories::sort(self.tree.names.text(name))
                .is_some_and(|(standing, _)| standing == theories::Standing::Standard)
            {
                return Err(self.fault_of(*parameter, |name| ErrorKind::Shadows { name }));
            }
            if local.parameters.insert(name, position as u32).is_some() {
                return Err(self.fault_of(*parameter, |name| ErrorKind::BoundTwice { name }));
            }
            let printed = self.printed_parameter(name, self.at(*parameter));
            self.out.symbol(printed);
        }
        self.out.close();
        Ok(local)
    }

    /// Every sort with parameters in it carries a count for each, so there must not be many.
    pub(super) fn few_parameters(&self, index: u32, count: usize) -> Result<(), Fault> {
        const PARAMETERS_MAX: u32 = 32;
        if count <= PARAMETERS_MAX as usize {
            return Ok(());
        }
        Err(self.fault(index, ErrorKind::Index { text: format!("of parameters, {count},"), limit: PARAMETERS_MAX }))
    }

    // Functions.

    pub(super) fn declare_fun(&mut self, index: u32, head: u32, arguments: &[u32]) -> Result<(), Fault> {
        let [name, parameters, result] = arguments else {
            return Err(self.form(head, "(declare-fun name (sorts) sort)"));
        };
        let parameters = self.list(*parameters, "a list of sorts")?;
        self.declare(index, *name, &parameters, *result)
    }

    pub(super) fn declare_const(&mut self, index: u32, head: u32, arguments: &[u32]) -> Result<(), Fault> {
        let [name, result] = arguments else { return Err(self.form(head, "(declare-const name sort)")) };
        self.declare(index, *name, &[], *result)
    }

    /// Both are written as `declare-fun`, so that one thing has one text.
    fn declare(&mut self, index: u32, at: u32, parameters: &[u32], result: u32) -> Result<(), Fault> {
        let mark = self.out.mark();
        let name = self.function_name(at)?;
        let command = self.tree.names.intern("declare-fun");
        self.out.open();
        self.out.symbol(command);
        let place = self.out.mark();
        self.out.symbol(name);
        self.out.open();
        let parameters: Vec<SortId> =
            parameters.iter().map(|parameter| self.sort(*parameter)).collect::<Result<_, _>>()?;
        self.out.close();
        let result = self.sort(result)?;
        self.out.close();
        let mut function = Function::new(Origin::Declared, name, index, parameters, result);
        match self.admit(at, name, &mut function)? {
            Admission::Again => self.duplicate_dropped(at, mark),
            Admission::New => {
                self.assumptions.uninterpreted += 1;
                self.make_function(at, name, place, function);
                Ok(())
            }
        }
    }
}

/// Arguments that a declared sort may have.
const ARITY_MAX: u32 = 1_024;
