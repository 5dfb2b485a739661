//! The commands: which are let through, which are dropped and told, and which are refused.
//!
//! Must never: let a command through by default. What is not named here is refused.

use super::Normaliser;
use super::sorts::SortId;
use crate::error::{ErrorKind, Fault, clip};
use crate::options::{self, Decision};
use crate::result::{NoteKind, Status};
use crate::theories;
use crate::tree::Kind;

impl Normaliser<'_> {
    /// Reads one command and writes what is kept of it.
    pub(super) fn command(&mut self, index: u32) -> Result<(), Fault> {
        let parts = match self.tree.node(index).kind {
            Kind::Open => self.children(index),
            _ => return Err(self.fault(index, ErrorKind::NotACommand)),
        };
        let Some(head) = parts.first().copied() else { return Err(self.fault(index, ErrorKind::NotACommand)) };
        let node = self.tree.node(head);
        if node.kind != Kind::Symbol {
            return Err(self.fault(head, ErrorKind::NotACommand));
        }
        if node.quoted {
            return Err(self.refused(head, "a command's name stands without bars"));
        }
        let name = self.tree.text(head).to_owned();
        let arguments = &parts[1..];
        match name.as_str() {
            "set-logic" => self.set_logic(head, arguments),
            "set-info" => self.set_info(head, arguments),
            "set-option" => self.set_option(head, arguments),
            "check-sat" => self.check_sat(index, head, arguments),
            "get-model"
            | "get-proof"
            | "get-unsat-core"
            | "get-unsat-assumptions"
            | "get-assertions"
            | "get-assignment"
            | "get-value"
            | "get-info"
            | "get-option"
            | "get-objectives"
            | "echo"
            | "eval"
            | "labels" => {
                self.remark(self.at(index), NoteKind::CommandDropped, clip(&name));
                Ok(())
            }
            "exit" if self.checked => self.without_arguments(head, arguments, "(exit)"),
            "exit" => Err(self.refused(head, "nothing has been asked yet")),
            _ => self.kept_command(index, head, &name, arguments),
        }
    }

    /// Commands that are printed, unless they come after the check: then they are checked all the same, and dropped.
    fn kept_command(&mut self, index: u32, head: u32, name: &str, arguments: &[u32]) -> Result<(), Fault> {
        let mark = self.out.mark();
        let counts = self.assumptions;
        self.begun = true;
        match name {
            "assert" => self.assert(head, arguments)?,
            "push" => self.push(head, arguments)?,
            "pop" => self.pop(head, arguments)?,
            "declare-sort" => self.declare_sort(index, head, arguments)?,
            "define-sort" => self.define_sort(index, head, arguments)?,
            "declare-fun" => self.declare_fun(index, head, arguments)?,
            "declare-const" => self.declare_const(index, head, arguments)?,
            "define-fun" => self.define_fun(index, head, arguments)?,
            "define-const" => self.define_const(index, head, arguments)?,
            "define-fun-rec" => self.define_fun_rec(index, head, arguments)?,
            "define-funs-rec" => self.define_funs_rec(index, head, arguments)?,
            "declare-datatype" => self.declare_datatype(index, head, arguments)?,
            "declare-datatypes" => self.declare_datatypes(index, head, arguments)?,
            _ => return Err(self.refused(head, advice(name))),
        }
        if self.checked {
            self.out.truncate(mark);
            self.assumptions = counts;
            self.remark(self.at(index), NoteKind::AfterCheck, clip(name));
        }
        Ok(())
    }

    fn refused(&self, head: u32, advice: &'static str) -> Fault {
        self.fault_of(head, |command| ErrorKind::Command { command, advice })
    }

    pub(super) fn form(&self, head: u32, form: &'static str) -> Fault {
        self.fault_of(head, |command| ErrorKind::Form { command, form })
    }

    fn without_arguments(&self, head: u32, arguments: &[u32], form: &'static str) -> Result<(), Fault> {
        if arguments.is_empty() { Ok(()) } else { Err(self.form(head, form)) }
    }

    fn set_logic(&mut self, head: u32, arguments: &[u32]) -> Result<(), Fault> {
        let [logic] = arguments else { return Err(self.form(head, "(set-logic name)")) };
        let name = self.symbol(*logic, "a logic's name")?;
        if !theories::is_logic(self.tree.text(*logic)) {
            return Err(self.fault_of(*logic, |logic| ErrorKind::Logic { logic }));
        }
        if self.logic.is_some() || self.begun || self.checked {
            return Err(self.fault(head, ErrorKind::LateLogic));
        }
        self.logic = Some(name);
        self.out.open();
        self.out.copy(self.tree.node(head));
        self.out.symbol(name);
        self.out.close();
        Ok(())
    }

    fn set_info(&mut self, head: u32, arguments: &[u32]) -> Result<(), Fault> {
        let keyword = arguments.first().filter(|keyword| self.tree.node(**keyword).kind == Kind::Keyword);
        let (Some(keyword), 1..=2) = (keyword, arguments.len()) else {
            return Err(self.form(head, "(set-info :keyword value)"));
        };
        if self.tree.text(*keyword) == "status" {
            let value = arguments.get(1).copied().unwrap_or(*keyword);
            let Some(status) = Status::of(self.tree.node(value).kind, self.tree.text(value)) else {
                return Err(self.fault_of(value, |status| ErrorKind::StatusValue { status }));
            };
            if !self.checked {
                self.status = Some(status);
                self.note(self.at(head), NoteKind::CommandDropped, "set-info :status".to_owned());
                return Ok(());
            }
        }
        let name = format!("set-info :{}", self.clipped(*keyword));
        self.remark(self.at(head), NoteKind::CommandDropped, name);
        Ok(())
    }

    fn set_option(&mut self, head: u32, arguments: &[u32]) -> Result<(), Fault> {
        let [keyword, value] = arguments else { return Err(self.form(head, "(set-option :name value)")) };
        if self.tree.node(*keyword).kind != Kind::Keyword {
            return Err(self.form(head, "(set-option :name value)"));
        }
        let value_node = self.tree.node(*value);
        let value_text = self.tree.text(*value);
        match options::decide(self.tree.text(*keyword), value_node.kind, value_text) {
            Decision::Strip => {
                let name = self.clipped(*keyword);
                self.remark(self.at(*keyword), NoteKind::OptionStripped, name);
            }
            Decision::Set(name, _) if self.checked => {
                self.remark(self.at(*keyword), NoteKind::OptionAfterCheck, name.to_owned());
            }
            Decision::Set(name, canonical) => {
                let before = self.options.insert(name, canonical.clone());
                if before.is_some_and(|before| before != canonical) {
                    self.remark(self.at(*keyword), NoteKind::OptionReplaced, name.to_owned());
                }
            }
            Decision::RefuseName => return Err(self.fault_of(*keyword, |name| ErrorKind::Option { name })),
            Decision::RefuseValue(accepted) => {
                let (name, value_text) = (self.clipped(*keyword), self.clipped(*value));
                return Err(self.fault(*value, ErrorKind::OptionValue { name, value: value_text, accepted }));
            }
        }
        Ok(())
    }

    fn check_sat(&mut self, index: u32, head: u32, arguments: &[u32]) -> Result<(), Fault> {
        if let Some(argument) = arguments.first() {
            let name = "check-sat".to_owned();
            let got = arguments.len() as u64;
            return Err(self.fault(*argument, ErrorKind::Arity { name, takes: "0".to_owned(), what: "arguments", got }));
        }
        if self.checked {
            return Err(self.fault(index, ErrorKind::SecondCheck));
        }
        self.checked = true;
        self.begun = true;
        self.out.open();
        self.out.copy(self.tree.node(head));
        self.out.close();
        Ok(())
    }

    fn assert(&mut self, head: u32, arguments: &[u32]) -> Result<(), Fault> {
        let [term] = arguments else { return Err(self.form(head, "(assert term)")) };
        self.out.open();
        self.out.copy(self.tree.node(head));
        let size = self.term_of(*term, SortId::BOOL)?;
        self.out.close();
        self.expand(self.at(head), size)?;
        self.assumptions.assertions += 1;
        Ok(())
    }

    /// The count of a push or pop: 1 unless it is given.
    fn scopes(&self, head: u32, arguments: &[u32], form: &'static str) -> Result<u64, Fault> {
        match arguments {
            [] => Ok(1),
            [count] if self.tree.node(*count).kind == Kind::Numeral => {
                Ok(self.tree.text(*count).parse::<u64>().unwrap_or(u64::MAX))
            }
            _ => Err(self.form(head, form)),
        }
    }

    fn push(&mut self, head: u32, arguments: &[u32]) -> Result<(), Fault> {
        let count = self.scopes(head, arguments, "(push) or (push numeral)")?;
        let limit = self.limits.pushes_max;
        if u64::from(self.scope.depth()).saturating_add(count) > u64::from(limit) {
            return Err(self.fault(head, ErrorKind::Pushes { limit }));
        }
        // Opening a scope costs the solver about as much as a node does.
        self.expand(self.at(head), count)?;
        for _ in 0..count {
            self.scope.push(self.assumptions);
        }
        self.write_scopes(head, count);
        Ok(())
    }

    fn pop(&mut self, head: u32, arguments: &[u32]) -> Result<(), Fault> {
        let count = self.scopes(head, arguments, "(pop) or (pop numeral)")?;
        let open = self.scope.depth();
        if count > u64::from(open) {
            return Err(self.fault(head, ErrorKind::Pop { count, open }));
        }
        for _ in 0..count {
            if let Some(before) = self.scope.pop() {
                self.assumptions = before;
            }
        }
        self.write_scopes(head, count);
        Ok(())
    }

    fn write_scopes(&mut self, head: u32, count: u64) {
        let text = self.tree.names.intern(&count.to_string());
        self.out.open();
        self.out.copy(self.tree.node(head));
        self.out.push(Kind::Numeral, text);
        self.out.close();
    }
}

/// What to do instead of a command that is refused.
fn advice(name: &str) -> &'static str {
    match name {
        "check-sat-assuming" | "check-sat-using" | "check-synth" => "assert what is assumed and use check-sat",
        "include" => "write everything into one script",
        "reset" | "reset-assertions" => "submit one script for each proof",
        "minimize" | "maximize" | "assert-soft" => "a proof has no objectives",
        _ => "leave it out",
    }
}
