//! Names that a script makes: sorts, functions, definitions.
//!
//! Must never: let one visible name be made twice. A second declaration that says the same is dropped and told; one that
//! differs is refused, and so is one that would hide a standard's function.

use std::rc::Rc;

use super::Normaliser;
use super::scope::{CLOSED, Function, Origin, SortDeclaration, SortMeaning};
use super::sort_terms::LocalSorts;
use super::sorts::SortId;
use crate::error::{ErrorKind, Fault};
use crate::result::NoteKind;
use crate::theories;
use crate::tree::{Kind, Name};

/// What stands at a name that is about to be made.
pub(super) enum Standing {
    Free,
    /// A function of the script: the new declaration must say the same.
    Function(Rc<Function>),
}

/// A function's parameters as they stand in the script, and its result.
pub(super) struct Signature {
    pub variables: Vec<(Name, SortId)>,
    pub result: SortId,
}

impl Normaliser<'_> {
    /// Whether a function of this name may be made.
    pub(super) fn function_name(&mut self, index: u32) -> Result<(Name, Standing), Fault> {
        let name = self.symbol(index, "a name")?;
        if let Some(function) = self.scope.function(name) {
            return Ok((name, Standing::Function(function)));
        }
        if theories::is_plain_standard(self.tree.names.text(name)) {
            return Err(self.fault_of(index, |name| ErrorKind::Shadows { name }));
        }
        if self.extensions_used.contains(&name) {
            return Err(self.fault_of(index, |name| ErrorKind::UsedBefore { name }));
        }
        Ok((name, Standing::Free))
    }

    fn twice(&self, index: u32) -> Fault {
        self.fault_of(index, |name| ErrorKind::DeclaredTwice { name })
    }

    /// Drops a declaration that was made before, word for word; refuses one that differs.
    pub(super) fn drop_duplicate(&mut self, index: u32, name: u32, before: u32, mark: usize) -> Result<(), Fault> {
        // One command that makes a name twice is found by itself.
        if before == index || !self.tree.same(before, index) {
            return Err(self.twice(name));
        }
        self.duplicate_dropped(name, mark);
        Ok(())
    }

    fn duplicate_dropped(&mut self, name: u32, mark: usize) {
        self.out.truncate(mark);
        let clipped = self.clipped(name);
        self.remark(self.at(name), NoteKind::DuplicateDropped, clipped);
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
            self.duplicate_dropped(name_at, mark);
            return Ok(());
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
                self.remark(self.at(*name_at), NoteKind::NoSortDropped, clipped);
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
            let printed = self.printed_sort(name, self.at(*parameter));
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
        self.declare(index, head, *name, &parameters, *result)
    }

    pub(super) fn declare_const(&mut self, index: u32, head: u32, arguments: &[u32]) -> Result<(), Fault> {
        let [name, result] = arguments else { return Err(self.form(head, "(declare-const name sort)")) };
        self.declare(index, head, *name, &[], *result)
    }

    /// Both are written as `declare-fun`, so that one thing has one text.
    fn declare(&mut self, index: u32, head: u32, at: u32, parameters: &[u32], result: u32) -> Result<(), Fault> {
        let mark = self.out.mark();
        let (name, standing) = self.function_name(at)?;
        let command = self.tree.names.intern("declare-fun");
        let printed = match &standing {
            Standing::Free => self.printed(name, self.at(at)),
            Standing::Function(function) => function.printed,
        };
        let _ = head;
        self.out.open();
        self.out.symbol(command);
        self.out.symbol(printed);
        self.out.open();
        let parameters: Vec<SortId> =
            parameters.iter().map(|parameter| self.sort(*parameter)).collect::<Result<_, _>>()?;
        self.out.close();
        let result = self.sort(result)?;
        self.out.close();
        if let Standing::Function(function) = standing {
            let same =
                function.origin == Origin::Declared && *function.parameters == *parameters && function.result == result;
            if !same {
                return Err(self.twice(at));
            }
            self.duplicate_dropped(at, mark);
            return Ok(());
        }
        self.assumptions.uninterpreted += 1;
        self.scope.insert_function(
            name,
            Function {
                printed,
                origin: Origin::Declared,
                parameters: parameters.into(),
                result,
                size: 0,
                generic: false,
                command: index,
            },
        );
        Ok(())
    }

    // Definitions.

    pub(super) fn define_fun(&mut self, index: u32, head: u32, arguments: &[u32]) -> Result<(), Fault> {
        let [name, variables, result, body] = arguments else {
            return Err(self.form(head, "(define-fun name ((variable sort) …) sort term)"));
        };
        self.define(index, *name, Some(*variables), *result, *body)
    }

    /// Written as `define-fun` without parameters, which it is.
    pub(super) fn define_const(&mut self, index: u32, head: u32, arguments: &[u32]) -> Result<(), Fault> {
        let [name, result, body] = arguments else { return Err(self.form(head, "(define-const name sort term)")) };
        self.define(index, *name, None, *result, *body)
    }

    fn define(&mut self, index: u32, at: u32, variables: Option<u32>, result: u32, body: u32) -> Result<(), Fault> {
        let mark = self.out.mark();
        let (name, standing) = self.function_name(at)?;
        if let Standing::Function(function) = standing {
            return self.drop_duplicate(index, at, function.command, mark);
        }
        let printed = self.printed(name, self.at(at));
        let command = self.tree.names.intern("define-fun");
        self.out.open();
        self.out.symbol(command);
        self.out.symbol(printed);
        let signature = self.signature(variables, result)?;
        let size = self.body(&signature, body)?;
        self.out.close();
        self.expand(self.at(at), size)?;
        let parameters: Rc<[SortId]> = signature.variables.iter().map(|(_, sort)| *sort).collect();
        // Without parameters every use is the same term, which the solver keeps once.
        let size = if parameters.is_empty() { 0 } else { size };
        let result = signature.result;
        let origin = Origin::Defined;
        let function = Function { printed, origin, parameters, result, size, generic: false, command: index };
        self.scope.insert_function(name, function);
        Ok(())
    }

    /// Reads and writes `((variable sort) …) sort`.
    pub(super) fn signature(&mut self, variables: Option<u32>, result: u32) -> Result<Signature, Fault> {
        let variables = match variables {
            Some(list) => self.sorted_variables(list)?,
            None => {
                self.out.open();
                self.out.close();
                Vec::new()
            }
        };
        let result = self.sort(result)?;
        Ok(Signature { variables, result })
    }

    /// Reads and writes a body under its parameters; gives its size.
    fn body(&mut self, signature: &Signature, body: u32) -> Result<u64, Fault> {
        self.bind_all(&signature.variables);
        let size = self.term_of(body, signature.result)?;
        self.unbind_all(signature.variables.len());
        Ok(size)
    }

    /// Binds variables under one new binder.
    pub(super) fn bind_all(&mut self, variables: &[(Name, SortId)]) {
        self.scope.binders += 1;
        for (name, sort) in variables {
            let printed = self.printed(*name, 0);
            self.scope.bind(*name, printed, *sort, self.scope.binders);
        }
    }

    pub(super) fn unbind_all(&mut self, count: usize) {
        self.scope.unbind(count as u32);
        self.scope.binders -= 1;
    }

    pub(super) fn define_fun_rec(&mut self, index: u32, head: u32, arguments: &[u32]) -> Result<(), Fault> {
        let [name_at, variables, result, body] = arguments else {
            return Err(self.form(head, "(define-fun-rec name ((variable sort) …) sort term)"));
        };
        let mark = self.out.mark();
        let (name, standing) = self.function_name(*name_at)?;
        if let Standing::Function(function) = standing {
            return self.drop_duplicate(index, *name_at, function.command, mark);
        }
        let printed = self.printed(name, self.at(*name_at));
        self.out.open();
        self.out.copy(self.tree.node(head));
        self.out.symbol(printed);
        let signature = self.signature(Some(*variables), *result)?;
        self.insert_recursive(index, name, printed, &signature);
        let size = self.body(&signature, *body)?;
        self.out.close();
        self.expand(self.at(head), size)
    }

    fn insert_recursive(&mut self, index: u32, name: Name, printed: Name, signature: &Signature) {
        self.assumptions.recursive_definitions += 1;
        let function = Function {
            printed,
            origin: Origin::Recursive,
            parameters: signature.variables.iter().map(|(_, sort)| *sort).collect(),
            result: signature.result,
            size: 0,
            generic: false,
            command: index,
        };
        self.scope.insert_function(name, function);
    }

    pub(super) fn define_funs_rec(&mut self, index: u32, head: u32, arguments: &[u32]) -> Result<(), Fault> {
        const FORM: &str = "(define-funs-rec ((name ((variable sort) …) sort) …) (term …))";
        let [heads, bodies] = arguments else { return Err(self.form(head, FORM)) };
        let heads = self.list(*heads, "a list of function heads")?;
        let bodies = self.list(*bodies, "a list of bodies")?;
        if heads.len() != bodies.len() || heads.is_empty() {
            return Err(self.form(head, FORM));
        }
        let mark = self.out.mark();
        let mut signatures = Vec::new();
        self.out.open();
        self.out.copy(self.tree.node(head));
        self.out.open();
        for function in &heads {
            let parts = self.list(*function, "a function head")?;
            let [name_at, variables, result] = parts[..] else { return Err(self.form(head, FORM)) };
            let (name, standing) = self.function_name(name_at)?;
            if let Standing::Function(before) = standing {
                return self.drop_duplicate(index, name_at, before.command, mark);
            }
            let printed = self.printed(name, self.at(name_at));
            self.out.open();
            self.out.symbol(printed);
            let signature = self.signature(Some(variables), result)?;
            self.out.close();
            self.insert_recursive(index, name, printed, &signature);
            signatures.push(signature);
        }
        self.out.close();
        self.out.open();
        for (signature, body) in signatures.iter().zip(&bodies) {
            let size = self.body(signature, *body)?;
            self.expand(self.at(*body), size)?;
        }
        self.out.close();
        self.out.close();
        Ok(())
    }

    /// Reads and writes `((variable sort) …)`.
    pub(super) fn sorted_variables(&mut self, index: u32) -> Result<Vec<(Name, SortId)>, Fault> {
        let mut variables = Vec::new();
        let mut seen = std::collections::HashSet::new();
        self.out.open();
        for pair in self.list(index, "a list of variables with their sorts")? {
            let parts = self.list(pair, "(variable sort)")?;
            let [name_at, sort] = parts[..] else { return Err(self.expected(pair, "(variable sort)")) };
            let name = self.variable_name(name_at)?;
            if !seen.insert(name) {
                return Err(self.fault_of(name_at, |name| ErrorKind::BoundTwice { name }));
            }
            let printed = self.printed(name, self.at(name_at));
            self.out.open();
            self.out.symbol(printed);
            let sort = self.sort(sort)?;
            self.out.close();
            variables.push((name, sort));
        }
        self.out.close();
        Ok(variables)
    }

    /// A name that a variable may have: none that a standard's function has.
    pub(super) fn variable_name(&self, index: u32) -> Result<Name, Fault> {
        let name = self.symbol(index, "a variable")?;
        if theories::is_plain_standard(self.tree.names.text(name)) {
            return Err(self.fault_of(index, |name| ErrorKind::Shadows { name }));
        }
        Ok(name)
    }

    /// `(! term :named name)`: a definition without parameters.
    pub(super) fn define_named(
        &mut self,
        name_at: u32,
        command: u32,
        result: SortId,
        lowest: u32,
    ) -> Result<(), Fault> {
        if lowest != CLOSED {
            return Err(self.fault(name_at, ErrorKind::NamedOpen));
        }
        let (name, standing) = self.function_name(name_at)?;
        if let Standing::Function(_) = standing {
            return Err(self.twice(name_at));
        }
        let printed = self.printed(name, self.at(name_at));
        let function = Function {
            printed,
            origin: Origin::Named,
            parameters: Rc::new([]),
            result,
            size: 0,
            generic: false,
            command,
        };
        self.scope.insert_function(name, function);
        Ok(())
    }
}

/// Arguments that a declared sort may have.
const ARITY_MAX: u32 = 1_024;
