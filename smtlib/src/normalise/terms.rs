//! Terms: an explicit stack of what is left to do, so that depth costs no stack of the machine.
//!
//! Every task writes its part of the output; what a term is (sort, size, free variables) goes onto a stack of values.
//!
//! Must never: recurse, or write a symbol that was not looked up.

use smallvec::SmallVec;

use super::Normaliser;
use super::callee::Callee;
use super::sorts::{Head, SortId};
use super::value::Value;
use crate::error::{ErrorKind, Fault};
use crate::tree::{Kind, Name};

/// What is left to do.
pub(super) enum Task {
    Term(u32),
    Open,
    Close,
    Copy(u32),
    Symbol(Name),
    Numeral(Name),
    /// The arguments are on the stack: what stands at `index` is the application, written from the place `start` on.
    Apply {
        callee: Callee,
        count: usize,
        index: u32,
        start: usize,
    },
    /// The term on the stack has a name or patterns: what it is written as stays.
    Fixed,
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
        let mut value = self.term(index)?;
        self.adapt(&mut value, wanted);
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
                Task::Apply { callee, count, index, start } => {
                    self.out.close();
                    let mut arguments: SmallVec<[Value; 6]> = values.drain(values.len() - count..).collect();
                    values.push(self.apply(&callee, &mut arguments, index, start)?);
                }
                Task::Fixed => {
                    if let Some(value) = values.last_mut() {
                        value.literal = None;
                    }
                }
                Task::Bind { names } => self.bind_let(&names, &mut tasks, &mut values),
                Task::EndLet { count, size } => {
                    self.out.close();
                    self.scope.unbind(count as u32);
                    if let Some(body) = values.last_mut() {
                        body.size = body.size.saturating_add(size).saturating_add(1);
                        body.literal = None;
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
        self.out.from(node.at);
        let sort = match node.kind {
            Kind::Symbol => {
                let value = self.constant(index)?;
                values.push(value);
                return Ok(());
            }
            Kind::Open => return self.read_list(index, tasks, values),
            Kind::Numeral => {
                let value = self.write_numeral(node.text);
                values.push(value);
                return Ok(());
            }
            Kind::Decimal => SortId::REAL,
            Kind::Hexadecimal => self.literal_bits(index, (self.tree.text(index).len() as u64).saturating_mul(4))?,
            Kind::Binary => self.literal_bits(index, self.tree.text(index).len() as u64)?,
            Kind::String => {
                let text = self.string_literal(index)?;
                self.out.push(Kind::String, text);
                values.push(Value::closed(SortId::STRING));
                return Ok(());
            }
            Kind::Keyword | Kind::Close => return Err(self.expected(index, "a term")),
        };
        self.out.copy(node);
        values.push(Value::closed(sort));
        Ok(())
    }

    /// What is written for a string literal: tabs and line ends by their escapes, so that a command stays on its line.
    fn string_literal(&mut self, index: u32) -> Result<Name, Fault> {
        let text = self.tree.text(index);
        if text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
            return Ok(self.tree.node(index).text);
        }
        let mut written = String::with_capacity(text.len() + 8);
        for character in text.chars() {
            match character {
                ' '..='~' => written.push(character),
                '\t' | '\n' | '\r' => written.push_str(&format!("\\u{{{:x}}}", u32::from(character))),
                _ => return Err(self.fault(index, ErrorKind::StringCharacter { code: character.into() })),
            }
        }
        let longer = written.len().saturating_sub(text.len()) as u64;
        let written = self.tree.names.intern(&written);
        self.expand(self.at(index), longer)?;
        Ok(written)
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
                let start = self.out.mark();
                let callee = self.qualified(index, 0)?;
                let value = self.apply(&callee, &mut [], index, start)?;
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
                let start = self.out.mark();
                self.out.open();
                let callee = match node.kind {
                    Kind::Open => self.qualified(*head, count)?,
                    _ => self.function(*head, count)?,
                };
                tasks.push(Task::Apply { callee, count, index, start });
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
            Task::Apply { callee, count: 1, index, start: self.out.mark() },
        ];
        tasks.extend(steps.into_iter().rev());
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
