//! Terms: an explicit stack of what is left to do, so that depth costs no stack of the machine.
//!
//! Every task writes its part of the output; what a term is (sort, size, free variables) goes onto a stack of values.
//!
//! Must never: recurse, or write a symbol that was not looked up.

use std::collections::HashSet;

use super::Normaliser;
use super::identifiers::Callee;
use super::scope::{CLOSED, Origin};
use super::sorts::{Head, SortId};
use crate::error::{ErrorKind, Fault};
use crate::tree::{Kind, Name};

/// What is known of a term.
#[derive(Clone, Copy, Debug)]
pub(super) struct Value {
    pub sort: SortId,
    /// Nodes, with definitions written out.
    pub size: u64,
    /// The outermost binder whose variables stand free in it; [`CLOSED`] if none do.
    pub lowest: u32,
}

impl Value {
    pub(super) fn closed(sort: SortId) -> Self {
        Self { sort, size: 1, lowest: CLOSED }
    }
}

/// What is left to do.
pub(super) enum Task {
    Term(u32),
    Open,
    Close,
    Copy(u32),
    Symbol(Name),
    Numeral(Name),
    /// The arguments are on the stack: what stands at `index` is the application.
    Apply {
        callee: Callee,
        count: usize,
        index: u32,
    },
    /// The values of a `let` are on the stack: bind them.
    Bind {
        names: Vec<Name>,
    },
    EndLet {
        count: usize,
        size: u64,
    },
    EndBinder {
        count: usize,
        binder: Binder,
        index: u32,
    },
    /// Terms of a pattern are on the stack, above the term they belong to.
    EndPattern {
        count: usize,
    },
    EndNoPattern,
    Named {
        name: u32,
        command: u32,
    },
    Case {
        case: u32,
        index: u32,
    },
    EndCase {
        count: usize,
    },
    EndMatch {
        cases: usize,
        index: u32,
    },
}

/// What binds variables.
pub(super) enum Binder {
    Quantifier,
    Lambda(Vec<SortId>),
}

impl Normaliser<'_> {
    /// Reads and writes a term that must be of a sort; gives its size.
    pub(super) fn term_of(&mut self, index: u32, wanted: SortId) -> Result<u64, Fault> {
        let value = self.term(index)?;
        self.must_fit(index, value.sort, wanted)?;
        Ok(value.size)
    }

    pub(super) fn must_fit(&self, index: u32, given: SortId, wanted: SortId) -> Result<(), Fault> {
        if self.sorts.fits(given, wanted) {
            return Ok(());
        }
        let takes = self.sorts.describe(wanted, &self.tree.names);
        let got = self.sorts.describe(given, &self.tree.names);
        Err(self.fault(index, ErrorKind::TermSort { takes, got }))
    }

    fn term(&mut self, index: u32) -> Result<Value, Fault> {
        let mut tasks = vec![Task::Term(index)];
        let mut values: Vec<Value> = Vec::new();
        while let Some(task) = tasks.pop() {
            match task {
                Task::Term(index) => self.read_term(index, &mut tasks, &mut values)?,
                Task::Open => self.out.open(),
                Task::Close => self.out.close(),
                Task::Copy(index) => self.out.copy(self.tree.node(index)),
                Task::Symbol(name) => self.out.symbol(name),
                Task::Numeral(name) => self.out.push(Kind::Numeral, name),
                Task::Apply { callee, count, index } => {
                    self.out.close();
                    let arguments = values.split_off(values.len() - count);
                    values.push(self.apply(&callee, &arguments, index)?);
                }
                Task::Bind { names } => self.bind_let(&names, &mut tasks, &mut values),
                Task::EndLet { count, size } => {
                    self.out.close();
                    self.scope.unbind(count as u32);
                    if let Some(body) = values.last_mut() {
                        body.size = body.size.saturating_add(size).saturating_add(1);
                    }
                }
                Task::EndBinder { count, binder, index } => self.end_binder(count, &binder, index, &mut values)?,
                Task::EndPattern { count } => {
                    self.out.close();
                    add_patterns(count, &mut values);
                }
                Task::EndNoPattern => add_patterns(1, &mut values),
                Task::Named { name, command } => {
                    let value = values.last().copied().unwrap_or(Value::closed(SortId::UNKNOWN));
                    self.define_named(name, command, value.sort, value.lowest)?;
                    let printed = self.printed(self.tree.node(name).text, self.at(name));
                    self.out.symbol(printed);
                }
                Task::Case { case, index } => self.read_case(case, index, &mut tasks, &values)?,
                Task::EndCase { count } => {
                    self.out.close();
                    self.close_binder(count, &mut values);
                }
                Task::EndMatch { cases, index } => self.end_match(cases, index, &mut values)?,
            }
        }
        Ok(values.pop().expect("reading one term leaves one value"))
    }

    fn read_term(&mut self, index: u32, tasks: &mut Vec<Task>, values: &mut Vec<Value>) -> Result<(), Fault> {
        let node = self.tree.node(index);
        let sort = match node.kind {
            Kind::Symbol => {
                let value = self.constant(index)?;
                values.push(value);
                return Ok(());
            }
            Kind::Open => return self.read_list(index, tasks, values),
            Kind::Numeral => SortId::INT,
            Kind::Decimal => SortId::REAL,
            Kind::Hexadecimal => self.literal_bits(index, (self.tree.text(index).len() as u64).saturating_mul(4))?,
            Kind::Binary => self.literal_bits(index, self.tree.text(index).len() as u64)?,
            Kind::String => {
                let text = self.tree.text(index);
                if !text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
                    return Err(self.fault(index, ErrorKind::StringCharacter));
                }
                SortId::STRING
            }
            Kind::Keyword | Kind::Close => return Err(self.expected(index, "a term")),
        };
        self.out.copy(node);
        values.push(Value::closed(sort));
        Ok(())
    }

    fn literal_bits(&mut self, index: u32, bits: u64) -> Result<SortId, Fault> {
        let limit = self.limits.bit_width_max;
        match u32::try_from(bits) {
            Ok(width) if width <= limit => Ok(self.sorts.plain(Head::BitVector(width), &[])),
            _ => Err(self.fault(index, ErrorKind::BitWidth { bits, limit })),
        }
    }

    fn read_list(&mut self, index: u32, tasks: &mut Vec<Task>, values: &mut Vec<Value>) -> Result<(), Fault> {
        let parts = self.children(index);
        let Some((head, arguments)) = parts.split_first() else { return Err(self.expected(index, "a term")) };
        let node = self.tree.node(*head);
        let word = if node.kind == Kind::Symbol { self.tree.text(*head) } else { "" };
        match word {
            "let" => self.read_let(index, *head, arguments, tasks),
            "forall" | "exists" => self.read_quantifier(index, *head, arguments, tasks),
            "lambda" => self.read_lambda(index, *head, arguments, tasks),
            "match" => self.read_match(index, *head, arguments, tasks),
            "!" => self.read_annotated(index, *head, arguments, tasks),
            "_" | "as" => {
                let callee = self.qualified(index, 0)?;
                let value = self.apply(&callee, &[], index)?;
                values.push(value);
                Ok(())
            }
            _ => {
                if arguments.is_empty() {
                    return Err(self.expected(index, "an argument (a constant stands without parentheses)"));
                }
                let count = arguments.len();
                if let Some(callee) = self.divisibility(*head, count)? {
                    self.read_divisible(index, *head, arguments[0], callee, tasks);
                    return Ok(());
                }
                self.out.open();
                let callee = match node.kind {
                    Kind::Open => self.qualified(*head, count)?,
                    _ => self.function(*head, count)?,
                };
                tasks.push(Task::Apply { callee, count, index });
                tasks.extend(arguments.iter().rev().map(|argument| Task::Term(*argument)));
                Ok(())
            }
        }
    }

    /// `((_ divisible n) term)`, which the solver does not know, is written `(= (mod term n) 0)`, as the standard defines it.
    fn read_divisible(&mut self, index: u32, head: u32, term: u32, callee: Callee, tasks: &mut Vec<Task>) {
        let [equals, modulo, zero] = ["=", "mod", "0"].map(|text| self.tree.names.intern(text));
        let divisor = self.tree.children(head).nth(2).unwrap_or(head);
        let steps = [
            Task::Open,
            Task::Symbol(equals),
            Task::Open,
            Task::Symbol(modulo),
            Task::Term(term),
            Task::Copy(divisor),
            Task::Close,
            Task::Numeral(zero),
            Task::Apply { callee, count: 1, index },
        ];
        tasks.extend(steps.into_iter().rev());
    }

    fn read_let(&mut self, index: u32, head: u32, arguments: &[u32], tasks: &mut Vec<Task>) -> Result<(), Fault> {
        let [bindings, body] = arguments else { return Err(self.form(head, "(let ((variable term) …) term)")) };
        let bindings = self.list(*bindings, "a list of bindings")?;
        if bindings.is_empty() {
            return Err(self.expected(index, "a let with at least one binding"));
        }
        let mut seen = HashSet::new();
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
    fn bind_let(&mut self, names: &[Name], tasks: &mut Vec<Task>, values: &mut Vec<Value>) {
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

    fn read_quantifier(
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

    fn read_lambda(&mut self, index: u32, head: u32, arguments: &[u32], tasks: &mut Vec<Task>) -> Result<(), Fault> {
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
    fn close_binder(&mut self, count: usize, values: &mut [Value]) {
        let level = self.scope.binders;
        self.unbind_all(count);
        if let Some(body) = values.last_mut()
            && body.lowest >= level
        {
            body.lowest = CLOSED;
        }
    }

    fn end_binder(&mut self, count: usize, binder: &Binder, index: u32, values: &mut [Value]) -> Result<(), Fault> {
        self.out.close();
        self.close_binder(count, values);
        let Some(body) = values.last_mut() else { return Ok(()) };
        body.size = body.size.saturating_add(1);
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

    fn read_match(&mut self, index: u32, head: u32, arguments: &[u32], tasks: &mut Vec<Task>) -> Result<(), Fault> {
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
    fn read_case(&mut self, case: u32, done: u32, tasks: &mut Vec<Task>, values: &[Value]) -> Result<(), Fault> {
        let parts = self.list(case, "(pattern term)")?;
        let [pattern, body] = parts[..] else { return Err(self.expected(case, "(pattern term)")) };
        let scrutinee = values[values.len() - 1 - done as usize];
        self.out.open();
        let mut variables = Vec::new();
        match self.tree.node(pattern).kind {
            Kind::Open => {
                let parts = self.children(pattern);
                let Some((head, names)) = parts.split_first() else { return Err(self.expected(pattern, "a pattern")) };
                let constructor = self.constructor(*head)?;
                if constructor.parameters.len() != names.len() {
                    let (takes, got) = (constructor.parameters.len().to_string(), names.len() as u64);
                    return Err(self.fault_of(*head, |name| ErrorKind::Arity { name, takes, what: "arguments", got }));
                }
                self.out.open();
                self.out.symbol(constructor.printed);
                let sorts = self.pattern_sorts(&constructor, scrutinee.sort, *head)?;
                for (name, sort) in names.iter().zip(sorts.iter()) {
                    self.pattern_variable(*name, *sort, &mut variables)?;
                }
                self.out.close();
            }
            _ => {
                let is_constructor = self
                    .scope
                    .function(self.tree.node(pattern).text)
                    .filter(|function| function.origin == Origin::Constructor && function.parameters.is_empty());
                match is_constructor {
                    Some(constructor) => self.out.symbol(constructor.printed),
                    None => self.pattern_variable(pattern, scrutinee.sort, &mut variables)?,
                }
            }
        }
        self.bind_all(&variables);
        tasks.push(Task::EndCase { count: variables.len() });
        tasks.push(Task::Term(body));
        Ok(())
    }

    fn pattern_variable(&mut self, at: u32, sort: SortId, variables: &mut Vec<(Name, SortId)>) -> Result<(), Fault> {
        if self.tree.node(at).kind == Kind::Symbol && self.tree.text(at) == "_" {
            self.out.copy(self.tree.node(at));
            return Ok(());
        }
        let name = self.variable_name(at)?;
        if variables.iter().any(|(other, _)| *other == name) {
            return Err(self.fault_of(at, |name| ErrorKind::BoundTwice { name }));
        }
        let printed = self.printed(name, self.at(at));
        self.out.symbol(printed);
        variables.push((name, sort));
        Ok(())
    }

    fn end_match(&mut self, cases: usize, index: u32, values: &mut Vec<Value>) -> Result<(), Fault> {
        let branches = values.split_off(values.len() - cases);
        let scrutinee = values.pop().unwrap_or(Value::closed(SortId::UNKNOWN));
        let mut whole = scrutinee;
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

/// Adds the topmost values, terms of a pattern, to the term below them.
fn add_patterns(count: usize, values: &mut Vec<Value>) {
    let patterns = values.split_off(values.len() - count);
    let Some(term) = values.last_mut() else { return };
    for pattern in patterns {
        term.size = term.size.saturating_add(pattern.size);
        term.lowest = term.lowest.min(pattern.lowest);
    }
}
