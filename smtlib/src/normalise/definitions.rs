//! Definitions: functions with a body, recursive ones, and terms with a name.
//!
//! Must never: bind a name twice at once, or write a body whose written-out size goes uncounted.

use super::Normaliser;
use super::declarations::Admission;
use super::scope::{CLOSED, Function, Lifetime, Origin};
use super::sorts::SortId;
use crate::error::{ErrorKind, Fault};
use crate::hashing::IdSet;
use crate::theories;
use crate::tree::Name;

/// A function's parameters as they stand in the script, and its result.
pub(super) struct Signature {
    pub variables: Vec<(Name, SortId)>,
    pub result: SortId,
}

impl Signature {
    fn parameters(&self) -> Vec<SortId> {
        self.variables.iter().map(|(_, sort)| *sort).collect()
    }
}

impl Normaliser<'_> {
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
        let name = self.function_name(at)?;
        if self.is_repeated(index, name) {
            return self.duplicate_dropped(at, mark);
        }
        let command = self.tree.names.intern("define-fun");
        self.out.open();
        self.out.symbol(command);
        let place = self.out.mark();
        self.out.symbol(name);
        let signature = self.signature(variables, result)?;
        let size = self.body(&signature, body)?;
        self.out.close();
        self.expand(self.at(at), size)?;
        let mut function = Function::new(Origin::Defined, name, index, signature.parameters(), signature.result);
        // Without parameters every use is the same term, which the solver keeps once.
        function.size = if function.parameters.is_empty() { 0 } else { size };
        self.admit(at, name, &mut function)?;
        self.make_function(at, name, place, function);
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
        self.out.open();
        self.out.copy(self.tree.node(head));
        let Some(signature) = self.recursive_head(index, *name_at, *variables, *result)? else {
            return self.duplicate_dropped(*name_at, mark);
        };
        let size = self.body(&signature, *body)?;
        self.out.close();
        self.expand(self.at(head), size)
    }

    /// Reads and writes a recursive function's name and signature, and makes the function; none if the command says what an
    /// earlier one said.
    fn recursive_head(
        &mut self,
        index: u32,
        name_at: u32,
        variables: u32,
        result: u32,
    ) -> Result<Option<Signature>, Fault> {
        if self.scope.lifetime == Lifetime::Script && self.scope.depth() > 0 {
            return Err(self.fault(name_at, ErrorKind::RecursionInScope));
        }
        let name = self.function_name(name_at)?;
        if self.is_repeated(index, name) {
            return Ok(None);
        }
        let place = self.out.mark();
        self.out.symbol(name);
        let signature = self.signature(Some(variables), result)?;
        self.assumptions.recursive_definitions += 1;
        let mut function = Function::new(Origin::Recursive, name, index, signature.parameters(), signature.result);
        match self.admit(name_at, name, &mut function)? {
            Admission::Again => Ok(None),
            Admission::New => {
                self.make_function(name_at, name, place, function);
                Ok(Some(signature))
            }
        }
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
            self.out.open();
            let Some(signature) = self.recursive_head(index, name_at, variables, result)? else {
                // Only the first can tell that the whole command was there before.
                return if signatures.is_empty() {
                    self.duplicate_dropped(name_at, mark)
                } else {
                    Err(self.twice(name_at))
                };
            };
            self.out.close();
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
        let mut seen = IdSet::default();
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

    /// A name that a variable may have: any that is not the core's, as long as the variable is not applied.
    pub(super) fn variable_name(&self, index: u32) -> Result<Name, Fault> {
        let name = self.symbol(index, "a variable")?;
        if theories::is_core(self.tree.names.text(name)) {
            return Err(self.fault_of(index, |name| ErrorKind::Shadows { name }));
        }
        Ok(name)
    }

    /// `(! term :named name)`: a definition without parameters. Writes the name.
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
        let name = self.function_name(name_at)?;
        if !self.scope.functions(name).is_empty() {
            return Err(self.twice(name_at));
        }
        let place = self.out.mark();
        self.out.symbol(name);
        let mut function = Function::new(Origin::Named, name, command, Vec::new(), result);
        self.admit(name_at, name, &mut function)?;
        self.make_function(name_at, name, place, function);
        Ok(())
    }
}
