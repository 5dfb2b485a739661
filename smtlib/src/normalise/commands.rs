//! The commands: which are let through, which are ignored and told, and which are refused. What comes after the check, and
//! resets, are in `query`.
//!
//! Must never: let a command through by default. What is not named here is refused.

use super::scope::Lifetime;
use super::series;
use super::sorts::SortId;
use super::{Asks, Normaliser};
use crate::error::{ErrorKind, Fault, clip};
use crate::options::{self, Decision};
use crate::result::{NoteKind, Status};
use crate::theories::Logic;
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
        match self.asks {
            Asks::Once if self.queries > 0 => {
                self.after_check(index, head);
                return Ok(());
            }
            Asks::Once => {}
            Asks::InSeries => self.fits_a_series(head, &name)?,
        }
        let arguments = &parts[1..];
        self.out.from(self.at(index));
        match name.as_str() {
            "set-logic" => self.set_logic(head, arguments),
            "set-info" => self.set_info(head, arguments),
            "set-option" => self.set_option(head, arguments),
            "reset" => self.reset(index, head, arguments),
            "reset-assertions" => self.reset_assertions(index, head, arguments),
            "check-sat" => self.check_sat(index, head, arguments),
            "check-sat-assuming" => self.check_sat_assuming(index, head, arguments),
            "exit" => Err(self.refused(head, "nothing has been asked yet")),
            _ if is_output(&name) => {
                self.remark(self.at(index), NoteKind::CommandIgnored, clip(&name));
                Ok(())
            }
            _ => self.kept_command(index, head, &name, arguments),
        }
    }

    /// Commands that are printed.
    fn kept_command(&mut self, index: u32, head: u32, name: &str, arguments: &[u32]) -> Result<(), Fault> {
        self.nothing_foreign(index)?;
        let mark = self.out.mark();
        self.begun = true;
        self.kept += 1;
        self.scope.in_front = self.scope.lifetime == Lifetime::Script && is_declaration(name);
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
        if self.asks == Asks::InSeries && self.scope.remade {
            return Err(self.refused(head, series::REMADE));
        }
        self.out.settle(mark);
        if std::mem::take(&mut self.scope.in_front) {
            let command = self.out.take(mark);
            self.base.append(command);
        }
        Ok(())
    }

    /// Refuses bytes that only comments and ignored commands may hold.
    pub(super) fn nothing_foreign(&self, index: u32) -> Result<(), Fault> {
        let Some((node, foreign)) = self.tree.foreign_in(index) else { return Ok(()) };
        let code = u32::from(foreign.byte);
        let kind = match (self.tree.node(node).kind, foreign.byte) {
            // An encoding of one byte a character is what such files have.
            (Kind::String, _) => ErrorKind::StringCharacter { code },
            (_, 0..=0x7F) => ErrorKind::ControlCharacter { code },
            _ => ErrorKind::NotUtf8,
        };
        Err(Fault::new(foreign.at, kind))
    }

    pub(super) fn refused(&self, head: u32, advice: &'static str) -> Fault {
        self.fault_of(head, |command| ErrorKind::Command { command, advice })
    }

    pub(super) fn form(&self, head: u32, form: &'static str) -> Fault {
        self.fault_of(head, |command| ErrorKind::Form { command, form })
    }

    pub(super) fn without_arguments(&self, head: u32, arguments: &[u32], form: &'static str) -> Result<(), Fault> {
        if arguments.is_empty() { Ok(()) } else { Err(self.form(head, form)) }
    }

    fn set_logic(&mut self, head: u32, arguments: &[u32]) -> Result<(), Fault> {
        let [logic] = arguments else { return Err(self.form(head, "(set-logic name)")) };
        let name = self.symbol(*logic, "a logic's name")?;
        if self.logic_name.is_some() || self.begun {
            return Err(self.fault(head, ErrorKind::LateLogic));
        }
        let read = Logic::new(self.tree.text(*logic));
        let (is_listed, real_numerals) = (read.is_listed(), read.has_real_numerals());
        self.real_numerals = real_numerals;
        self.logic_name = Some(name);
        if is_listed {
            self.logic = Some(name);
        } else {
            self.remark(self.at(*logic), NoteKind::LogicIgnored, self.clipped(*logic));
        }
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
            self.status = Some(status);
            self.note(self.at(head), NoteKind::CommandIgnored, "set-info :status".to_owned());
            return Ok(());
        }
        let name = format!("set-info :{}", self.clipped(*keyword));
        self.remark(self.at(head), NoteKind::CommandIgnored, name);
        Ok(())
    }

    fn set_option(&mut self, head: u32, arguments: &[u32]) -> Result<(), Fault> {
        let Some((keyword, values)) = arguments.split_first() else {
            return Err(self.form(head, "(set-option :name value)"));
        };
        if self.tree.node(*keyword).kind != Kind::Keyword {
            return Err(self.form(head, "(set-option :name value)"));
        }
        let decision = match values {
            [value] => options::decide(self.tree.text(*keyword), self.tree.node(*value).kind, self.tree.text(*value)),
            _ => Decision::Ignore,
        };
        match decision {
            Decision::Ignore => {
                let name = self.clipped(*keyword);
                self.remark(self.at(*keyword), NoteKind::OptionIgnored, name);
            }
            Decision::Set(name, canonical) => {
                let before = self.options.insert(name, canonical.clone());
                if before.is_some_and(|before| before != canonical) {
                    self.remark(self.at(*keyword), NoteKind::OptionReplaced, name.to_owned());
                }
            }
            Decision::GlobalDeclarations(is_on) => {
                // Another solver, or the pinned one elsewhere, would see it otherwise.
                if self.begun || self.lifetime_set {
                    return Err(self.fault(*keyword, ErrorKind::LateGlobalDeclarations));
                }
                self.lifetime_set = true;
                self.scope.lifetime = if is_on { Lifetime::Script } else { Lifetime::Scope };
            }
            Decision::Misspelt(meant) => {
                return Err(self.fault_of(*keyword, |name| ErrorKind::OptionMisspelt { name, meant }));
            }
        }
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
                let (uninterpreted, lifetime) = (self.assumptions.uninterpreted, self.scope.lifetime);
                self.assumptions = before;
                if lifetime == Lifetime::Script {
                    self.assumptions.uninterpreted = uninterpreted;
                }
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

/// Commands that only ask for output, of this solver or of others: what they print is nobody's answer here.
pub(crate) fn is_output(name: &str) -> bool {
    const NAMES: [&str; 15] = [
        "apply",
        "block-model",
        "block-values",
        "compute-interpolant",
        "display",
        "display-dimacs",
        "echo",
        "eval",
        "help",
        "help-simplifier",
        "help-tactic",
        "labels",
        "simplify",
        "statistics",
        "euf-project",
    ];
    name.starts_with("get-") || name.starts_with("dbg-") || NAMES.contains(&name)
}

/// Commands that make names.
pub(crate) fn is_declaration(name: &str) -> bool {
    name.starts_with("declare-") || name.starts_with("define-")
}

/// What to do instead of a command that is refused.
fn advice(name: &str) -> &'static str {
    match name {
        "check-sat-using" => "write (check-sat): how the solver goes about it is not the script's to say",
        "check-synth" | "declare-var" | "synth-fun" => {
            "a proof asks whether assertions can be satisfied: use check-sat"
        }
        "rule" | "query" | "declare-rel" => {
            "write (set-logic HORN), each rule as (assert (forall … (=> body head))) and the query as (assert (forall … (=> body false))); sat then says that it is safe"
        }
        "include" => "write everything into one script",
        "minimize" | "maximize" | "assert-soft" => "a proof has no objectives: assert the bound that is claimed",
        _ => "leave it out",
    }
}
