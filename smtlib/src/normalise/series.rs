//! Several queries of a log in one script, for one solver that keeps what they have in common: `pop check --incremental`.
//!
//! Everything that is checked and renamed in a script with one query is so here, over all of them together: a name that one
//! query alone would have to give up is given up in all. What one solver cannot be trusted to forget, or reads in two ways, is
//! refused here and not there; such queries are checked one by one.
//!
//! Must never: let through what the same query, cut out of the log, would be refused for.

use super::scope::Lifetime;
use super::{Asks, Normaliser, read};
use crate::error::{Error, Fault};
use crate::limits::Limits;
use crate::print::print;
use crate::result::Assumptions;
use crate::tree::{Node, Tree};

/// Why a datatype's name cannot be made twice.
pub(super) const REMADE: &str =
    "in a series of queries a datatype's name is made once: the solver might remember the first";

/// Some queries in the form in which one solver is given them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Series {
    /// Canonical names and values of the options, sorted by name, to be set before anything is read.
    pub options: Vec<(String, String)>,
    /// The logic that the solver is told, to be read before everything else.
    pub logic: Option<String>,
    /// For each query what is to be read before its answer, its check included: with all that came before it.
    pub queries: Vec<SeriesQuery>,
}

/// One of the queries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeriesQuery {
    /// One command a line; the last one is the check.
    pub text: String,
    /// What is taken for granted at its check. What was used in scopes that are closed does not count.
    pub assumptions: Assumptions,
}

/// A query that was read.
pub(super) struct Asked {
    nodes: Vec<Node>,
    assumptions: Assumptions,
}

/// Reads, checks and normalises a script with several queries, under the limits that hold for a script with one.
///
/// Cost: as that of [`crate::normalise`].
///
/// # Errors
/// The first thing in the script that is not accepted, with line and column.
pub fn normalise_series(script: &[u8], limits: &Limits) -> Result<Series, Error> {
    let normaliser = read(script, limits, Asks::InSeries).map_err(|fault| fault.locate(script))?;
    Ok(normaliser.finish_series())
}

impl Normaliser<'_> {
    /// Refuses commands that only a script with one query may hold.
    pub(super) fn fits_a_series(&self, head: u32, name: &str) -> Result<(), Fault> {
        let advice = match name {
            "reset" | "reset-assertions" | "exit" => "in a series of queries nothing is forgotten but by pop",
            "define-fun-rec" | "define-funs-rec" => "in a series of queries there are no recursive definitions",
            "set-option" | "set-logic" if self.queries > 0 => "it must stand before the first query of a series",
            _ if self.scope.lifetime == Lifetime::Script => "in a series of queries declarations end with their scope",
            _ if self.is_horn() => "interpretations of Horn clauses are checked one query at a time",
            _ => return Ok(()),
        };
        Err(self.refused(head, advice))
    }

    fn is_horn(&self) -> bool {
        self.logic_name.is_some_and(|logic| self.tree.names.text(logic) == "HORN")
    }

    /// A check was written: what comes next belongs to the next query.
    pub(super) fn end_of_query(&mut self) {
        let nodes = self.out.take(0);
        self.series.push(Asked { nodes, assumptions: self.assumptions });
    }

    /// Opens a scope for what a check assumes.
    pub(super) fn open_for_assumed(&mut self, head: u32) -> Result<(), Fault> {
        self.expand(self.at(head), 1)?;
        self.scope.push(self.assumptions);
        self.write_scope("push", head);
        Ok(())
    }

    pub(super) fn close_assumed(&mut self, head: u32) {
        if let Some(before) = self.scope.pop() {
            self.assumptions = before;
        }
        self.write_scope("pop", head);
    }

    fn write_scope(&mut self, command: &str, head: u32) {
        let (command, one) = (self.tree.names.intern(command), self.tree.names.intern("1"));
        self.out.from(self.at(head));
        self.out.open();
        self.out.symbol(command);
        self.out.push(crate::tree::Kind::Numeral, one);
        self.out.close();
    }

    fn finish_series(mut self) -> Series {
        let options = std::mem::take(&mut self.options);
        let mut names = self.tree.names;
        let logic = self.logic.map(|logic| names.text(logic).to_owned());
        let mut query = |Asked { nodes, assumptions }| {
            let mut out = super::Writer::default();
            out.append(nodes);
            let mut tree = Tree { names: std::mem::take(&mut names), ..Tree::default() };
            out.finish(&mut tree);
            let text = print(&tree);
            names = tree.names;
            SeriesQuery { text, assumptions }
        };
        Series {
            options: options.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
            logic,
            queries: self.series.drain(..).map(&mut query).collect(),
        }
    }
}

#[cfg(test)]
#[path = "series/tests.rs"]
mod tests;
