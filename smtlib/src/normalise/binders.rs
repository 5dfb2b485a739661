//! What binds variables: `let`, quantifiers, `lambda` and `match`.
//!
//! Must never: leave a variable bound behind its binder's end, or recurse.

use super::Normaliser;
use super::scope::{CLOSED, Origin};
use super::sorts::{Head, SortId};
use super::terms::{Binder, Task};
use super::value::Value;
use crate::error::{ErrorKind, Fault};
use crate::hashing::IdSet;
use crate::tree::{Kind, Name};

impl Normaliser<'_> {
    pub(super) fn read_let(
        &mut self,
        index: u32,
        head: u32,
        arguments: &[u32],
        tasks: &mut Vec<Task>,
    ) -> Result<(), Fault> {
        let [bindings, body] = arguments else { return Err(self.form(head, "(let ((variable term) …) term)")) };
        let bindings = self.list(*bindings, "a list of bindings")?;
        if bindings.is_empty() {
            return Err(self.expected(index, "a let with at least one binding"));
        }
        let mut seen = IdSet::default();
        let mut names = Vec::with_capacity(bindings.len());
        let mut steps = vec![Task::Open, Task::Copy(head), Task::Open];
        for binding in bindings {
            let pair = self.list(binding, "(variable term)")?;
            let [name_at, value] = pair[..] else { return Err(self.expected(binding, "(variable term)")) };
            let name = self.variable_name(name_at)?;
            if !seen.insert(name) {
                return Err(self.fault_of(name_at, |name| ErrorKind::BoundTwice { name }));
            }
            names.push(name);
            let printed = self.printed(name, self.at(name_at));
            steps.extend([Task::Open, Task::Symbol(printed), Task::Term(value), Task::Close]);
        }
        steps.extend([Task::Close, Task::Bind { names }, Task::Term(*body)]);
        tasks.extend(steps.into_iter().rev());
        Ok(())
    }

    /// Binds what a `let` names. Its end must come after the body, which is the next task.
    pub(super) fn bind_let(&mut self, names: &[Name], tasks: &mut Vec<Task>, values: &mut Vec<Value>) {
        let bound = values.split_off(values.len() - names.len());
        let mut size = 0u64;
        for (name, value) in names.iter().zip(&bound) {
            // Every use is the same term, which the solver keeps once: 9,000 doubling lets cost it 0.1 s.
            size = size.saturating_add(value.size);
            let printed = self.printed(*name, 0);
            self.scope.bind(*name, printed, value.sort, value.lowest);
        }
        let body = tasks.pop();
        tasks.push(Task::EndLet { count: names.len(), size });
        tasks.extend(body);
    }

    pub(super) fn read_quantifier(
        &mut self,
        index: u32,
        head: u32,
        arguments: &[u32],
        tasks: &mut Vec<Task>,
    ) -> Result<(), Fault> {
        let [variables, body] = arguments else { return Err(self.form(head, "(forall ((variable sort) …) term)")) };
        self.assumptions.quantifiers += 1;
        let variables = self.open_binder(head, *variables)?;
        tasks.push(Task::EndBinder { count: variables.len(), binder: Binder::Quantifier, index });
        tasks.push(Task::Term(*body));
        Ok(())
    }

    pub(super) fn read_lambda(
        &mut self,
        index: u32,
        head: u32,
        arguments: &[u32],
        tasks: &mut Vec<Task>,
    ) -> Result<(), Fault> {
        let [variables, body] = arguments else { return Err(self.form(head, "(lambda ((variable sort) …) term)")) };
        let variables = self.open_binder(head, *variables)?;
        let sorts = variables.iter().map(|(_, sort)| *sort).collect();
        tasks.push(Task::EndBinder { count: variables.len(), binder: Binder::Lambda(sorts), index });
        tasks.push(Task::Term(*body));
        Ok(())
    }

    fn open_binder(&mut self, head: u32, list: u32) -> Result<Vec<(Name, SortId)>, Fault> {
        self.out.open();
        self.out.copy(self.tree.node(head));
        let variables = self.sorted_variables(list)?;
        if variables.is_empty() {
            return Err(self.expected(list, "at least one variable"));
        }
        self.bind_all(&variables);
        Ok(variables)
    }

    /// Ends the innermost binder: its variables are free no longer.
    pub(super) fn close_binder(&mut self, count: usize, values: &mut [Value]) {
        let level = self.scope.binders;
        self.unbind_all(count);
        if let Some(body) = values.last_mut()
            && body.lowest >= level
        {
            body.lowest = CLOSED;
        }
    }

    pub(super) fn end_binder(
        &mut self,
        count: usize,
        binder: &Binder,
        index: u32,
        values: &mut [Value],
    ) -> Result<(), Fault> {
        self.out.close();
        self.close_binder(count, values);
        let Some(body) = values.last_mut() else { return Ok(()) };
        body.size = body.size.saturating_add(1);
        body.literal = None;
        let given = body.sort;
        match binder {
            Binder::Quantifier => {
                body.sort = SortId::BOOL;
                self.must_fit(index, given, SortId::BOOL)
            }
            Binder::Lambda(parameters) => {
                let mut parts = parameters.clone();
                parts.push(given);
                body.sort = self.sorts.plain(Head::Array, &parts);
                Ok(())
            }
        }
    }

    pub(super) fn read_match(
        &mut self,
        index: u32,
        head: u32,
        arguments: &[u32],
        tasks: &mut Vec<Task>,
    ) -> Result<(), Fault> {
        const FORM: &str = "(match term ((pattern term) …))";
        let [scrutinee, cases] = arguments else { return Err(self.form(head, FORM)) };
        let cases = self.list(*cases, "a list of cases")?;
        if cases.is_empty() {
            return Err(self.form(head, FORM));
        }
        let mut steps = vec![Task::Open, Task::Copy(head), Task::Term(*scrutinee), Task::Open];
        let count = cases.len();
        steps.extend(cases.into_iter().enumerate().map(|(done, case)| Task::Case { case, index: done as u32 }));
        steps.extend([Task::Close, Task::Close, Task::EndMatch { cases: count, index }]);
        tasks.extend(steps.into_iter().rev());
        Ok(())
    }

    /// Reads the pattern of a case, of which `done` came before: the scrutinee lies below their values.
    pub(super) fn read_case(
        &mut self,
        case: u32,
        done: u32,
        tasks: &mut Vec<Task>,
        values: &[Value],
    ) -> Result<(), Fault> {
        let parts = self.list(case, "(pattern term)")?;
        let [pattern, body] = parts[..] else { return Err(self.expected(case, "(pattern term)")) };
        let scrutinee = values[values.len() - 1 - done as usize];
        self.out.open();
        let (mut variables, mut seen) = (Vec::new(), IdSet::default());
        match self.tree.node(pattern).kind {
            Kind::Open => {
                let parts = self.children(pattern);
                let Some((head, names)) = parts.split_first() else { return Err(self.expected(pattern, "a pattern")) };
                let constructor = self.constructor(*head, scrutinee.sort)?;
                if constructor.parameters.len() != names.len() {
                    let (takes, got) = (constructor.parameters.len().to_string(), names.len() as u64);
                    return Err(self.fault_of(*head, |name| ErrorKind::Arity { name, takes, what: "arguments", got }));
                }
                self.out.open();
                self.out.symbol(constructor.printed);
                let sorts = self.pattern_sorts(&constructor, scrutinee.sort, *head)?;
                for (name, sort) in names.iter().zip(sorts.iter()) {
                    self.pattern_variable(*name, *sort, &mut variables, &mut seen)?;
                }
                self.out.close();
            }
            _ => {
                if self.tree.node(pattern).kind != Kind::Symbol {
                    return Err(self.expected(pattern, "a pattern"));
                }
                let is_constructor = self
                    .constructor_of(self.tree.node(pattern).text, scrutinee.sort)
                    .filter(|function| function.parameters.is_empty());
                match is_constructor {
                    Some(constructor) => self.out.symbol(constructor.printed),
                    None => self.pattern_variable(pattern, scrutinee.sort, &mut variables, &mut seen)?,
                }
            }
        }
        self.bind_all(&variables);
        tasks.push(Task::EndCase { count: variables.len() });
        tasks.push(Task::Term(body));
        Ok(())
    }

    fn pattern_variable(
        &mut self,
        at: u32,
        sort: SortId,
        variables: &mut Vec<(Name, SortId)>,
        seen: &mut IdSet<Name>,
    ) -> Result<(), Fault> {
        if self.tree.node(at).kind == Kind::Symbol && self.tree.text(at) == "_" {
            self.out.copy(self.tree.node(at));
            return Ok(());
        }
        let name = self.variable_name(at)?;
        if !seen.insert(name) {
            return Err(self.fault_of(at, |name| ErrorKind::BoundTwice { name }));
        }
        // Which of the two is meant, solvers see differently.
        if self.scope.functions(name).iter().any(|function| function.origin == Origin::Constructor) {
            let why = "a pattern's variable, and a constructor";
            return Err(self.fault_of(at, |name| ErrorKind::Ambiguous { name, why }));
        }
        let printed = self.printed(name, self.at(at));
        self.out.symbol(printed);
        variables.push((name, sort));
        Ok(())
    }

    pub(super) fn end_match(&mut self, cases: usize, index: u32, values: &mut Vec<Value>) -> Result<(), Fault> {
        let branches = values.split_off(values.len() - cases);
        let scrutinee = values.pop().unwrap_or(Value::closed(SortId::UNKNOWN));
        let mut whole = Value { literal: None, ..scrutinee };
        whole.sort = branches.first().map_or(SortId::UNKNOWN, |first| first.sort);
        for branch in &branches {
            whole.size = whole.size.saturating_add(branch.size);
            whole.lowest = whole.lowest.min(branch.lowest);
            whole.sort = self.common(index, whole.sort, branch.sort)?;
        }
        values.push(whole);
        Ok(())
    }
}
