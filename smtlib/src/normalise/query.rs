//! The check, and what stands round it: a reset before it, and everything after it.
//!
//! A script asks once. What a log holds behind its query (a `pop`, a `reset`, the preamble of a query that never came) says
//! nothing about it, and is ignored unread; another query there is not, since nobody could say which one is meant.
//!
//! Must never: forget, at a reset, what the solver would still know.

use super::scope::Lifetime;
use super::sorts::SortId;
use super::{Asks, Normaliser};
use crate::error::{ErrorKind, Fault};
use crate::result::{Assumptions, NoteKind};

/// Commands behind the query.
pub(super) struct After {
    /// Where the first one begins, in bytes.
    at: u32,
    count: u32,
    /// The first ones' names.
    commands: Vec<String>,
}

impl After {
    /// Names that a note has room for.
    const NAMES_MAX: usize = 4;

    fn add(&mut self, name: String) {
        self.count = self.count.saturating_add(1);
        if self.commands.len() < Self::NAMES_MAX {
            self.commands.push(name);
        }
    }
}

impl std::fmt::Display for After {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names = self.commands.join(", ");
        match self.count as usize {
            1 => formatter.write_str(&names),
            count if count > self.commands.len() => write!(formatter, "{count} commands ({names}, …)"),
            count => write!(formatter, "{count} commands ({names})"),
        }
    }
}

impl Normaliser<'_> {
    /// `(check-sat literal …)`: as the solver reads it, what is assumed is asserted.
    pub(super) fn check_sat(&mut self, index: u32, head: u32, assumed: &[u32]) -> Result<(), Fault> {
        self.nothing_foreign(index)?;
        // The next query of a series must not assume what this one does.
        let is_scoped = self.asks == Asks::InSeries && !assumed.is_empty();
        if is_scoped {
            self.open_for_assumed(head)?;
        }
        for literal in assumed {
            self.assume(*literal)?;
        }
        if let Some(first) = assumed.first() {
            let what = format!("{} assumed by {}", assumed.len(), self.clipped(head));
            self.remark(self.at(*first), NoteKind::Assumed, what);
        }
        self.queries = self.queries.saturating_add(1);
        self.begun = true;
        let check_sat = self.tree.names.intern("check-sat");
        self.out.from(self.at(head));
        self.out.open();
        self.out.symbol(check_sat);
        self.out.close();
        if self.asks == Asks::InSeries {
            self.end_of_query();
        }
        if is_scoped {
            self.close_assumed(head);
        }
        Ok(())
    }

    pub(super) fn check_sat_assuming(&mut self, index: u32, head: u32, arguments: &[u32]) -> Result<(), Fault> {
        let [assumed] = arguments else { return Err(self.form(head, "(check-sat-assuming (literal …))")) };
        let assumed = self.list(*assumed, "a list of literals")?;
        self.check_sat(index, head, &assumed)
    }

    fn assume(&mut self, literal: u32) -> Result<(), Fault> {
        let mark = self.out.mark();
        let assert = self.tree.names.intern("assert");
        self.out.from(self.at(literal));
        self.out.open();
        self.out.symbol(assert);
        let size = self.term_of(literal, SortId::BOOL)?;
        self.out.close();
        self.expand(self.at(literal), size)?;
        self.assumptions.assertions += 1;
        self.out.settle(mark);
        Ok(())
    }

    /// What follows the check is ignored, unless it asks again.
    pub(super) fn after_check(&mut self, index: u32, head: u32) {
        let is_query = matches!(
            self.tree.text(head),
            "check-sat" | "check-sat-assuming" | "check-sat-using" | "check-synth" | "query" | "get-consequences"
        );
        if is_query {
            self.queries = self.queries.saturating_add(1);
            if self.queries == 2 {
                self.second_query = self.at(index);
            }
        } else if self.tree.text(head) != "exit" {
            let (at, name) = (self.at(index), self.clipped(head));
            self.after.get_or_insert_with(|| After { at, commands: Vec::new(), count: 0 }).add(name);
        }
    }

    /// The end of the script.
    pub(super) fn end(&mut self, at: u32) -> Result<(), Fault> {
        if let Some(after) = self.after.take() {
            self.remark(after.at, NoteKind::AfterCheck, after.to_string());
            // The note counts for one of them.
            self.ignored.commands += u64::from(after.count.saturating_sub(1));
        }
        match self.queries {
            0 => Err(Fault::new(at, ErrorKind::NoCheck)),
            _ if self.asks == Asks::InSeries => Ok(()),
            1 => Ok(()),
            queries => Err(Fault::new(self.second_query, ErrorKind::Queries { queries })),
        }
    }

    /// `(reset)`: the script begins here. Options stay, as they do in the solver.
    pub(super) fn reset(&mut self, index: u32, head: u32, arguments: &[u32]) -> Result<(), Fault> {
        self.without_arguments(head, arguments, "(reset)")?;
        if self.lifetime_set {
            // The solver keeps the option, and what was declared is gone; the standard's default comes back.
            return Err(self.fault(index, ErrorKind::LateGlobalDeclarations));
        }
        let kind = if self.begun { NoteKind::BeforeReset } else { NoteKind::CommandIgnored };
        self.remark(self.at(index), kind, "reset".to_owned());
        self.ignored.commands += std::mem::take(&mut self.kept);
        self.out.truncate(0);
        self.scope.reset();
        self.extensions_used.clear();
        self.logic = None;
        self.logic_name = None;
        self.real_numerals = false;
        self.status = None;
        self.assertions_reset = false;
        self.begun = false;
        self.assumptions = Assumptions::default();
        Ok(())
    }

    /// `(reset-assertions)`: the solver and the standard do not forget the same declarations, so that only one before which
    /// there are none is harmless.
    pub(super) fn reset_assertions(&mut self, index: u32, head: u32, arguments: &[u32]) -> Result<(), Fault> {
        self.without_arguments(head, arguments, "(reset-assertions)")?;
        if self.begun || self.scope.lifetime != Lifetime::Scope {
            return Err(self.refused(head, "submit what follows it as a script of its own, with its declarations"));
        }
        self.assertions_reset = true;
        self.remark(self.at(index), NoteKind::CommandIgnored, "reset-assertions".to_owned());
        Ok(())
    }
}
