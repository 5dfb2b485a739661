//! A solver's interpretation of a script's functions, put into each of its assertions: the texts whose answers say
//! whether it is a model.
//!
//! Why `unsat` to all of them proves the script satisfiable, whatever the interpretation is: `docs/adr/0008`. It rests on
//! what is written here: every name keeps what the script says of it, functions get one definition each with the script's
//! own sorts, definitions do not go in circles, and what is composed is read by [`crate::normalise`] like any script.
//!
//! The model is text from a solver that ran a stranger's script: it is read under limits, and printed anew.
//!
//! Must never: let the model's text say what a name of the script's means, other than a function that the script leaves
//! open; assert anything of the model's; leave out an assertion; recurse on input.

mod definitions;
mod model;

use thiserror::Error;

use crate::error::{Error, clip};
use crate::limits::Limits;
use crate::normalise::normalise;
use crate::parser::parse;
use crate::print::print_expression;
use crate::tree::{Kind, Tree};
use definitions::{Collector, Definitions};
use model::Model;

/// Why an interpretation cannot be checked.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum InterpretationError {
    #[error("the solver's interpretation cannot be read: {0}")]
    Unreadable(Error),
    #[error("the solver's interpretation has {found}, which is no definition")]
    NoDefinition { found: String },
    #[error("the script has {command}, with which no interpretation is checked")]
    Command { command: String },
    #[error("{name} has two meanings")]
    Ambiguous { name: String },
    #[error("{name} takes {takes} arguments, and {got} in the solver's interpretation")]
    Arity { name: String, takes: usize, got: usize },
    #[error("the solver's interpretation of {name} refers to itself")]
    Circular { name: String },
    #[error("the solver's interpretation is not of an accepted form: {0}")]
    Form(Error),
}

/// A script's assertions under an interpretation of its functions.
#[derive(Debug)]
pub struct Interpretation {
    /// Everything that makes sorts, in the script's order.
    sorts: String,
    definitions: Definitions,
    assertions: Vec<Assertion>,
}

/// One assertion in force at the check.
#[derive(Debug)]
struct Assertion {
    term: String,
    /// What it refers to, as indices of definitions.
    needs: Vec<u32>,
}

impl Interpretation {
    /// Longest model that is read, in bytes.
    pub const MODEL_BYTES_MAX: usize = 4 << 20;

    /// Of a normalised text, and the solver's answer to `get-model`.
    ///
    /// # Errors
    /// Whatever keeps this interpretation from being checked; it says nothing about the script.
    pub fn new(text: &str, model: &str) -> Result<Self, InterpretationError> {
        let script = parse(text.as_bytes(), &Limits::unbounded()).map_err(InterpretationError::Unreadable)?;
        let model_limits = Limits { bytes_max: Self::MODEL_BYTES_MAX as u64, ..Limits::unbounded() };
        let model = parse(model.as_bytes(), &model_limits).map_err(InterpretationError::Unreadable)?;
        let mut collector = Collector::new(&script, Model::read(&model)?);
        let (mut sorts, mut asserted) = (String::new(), Vec::new());
        for command in in_force(&script)?.0 {
            let parts: Vec<u32> = script.children(command).collect();
            match (script.text(parts[0]), &parts[1..]) {
                ("declare-sort" | "define-sort", _) => print_line(&script, command, &mut sorts),
                ("declare-datatype" | "declare-datatypes", _) => {
                    print_line(&script, command, &mut sorts);
                    collector.datatypes(command);
                }
                ("declare-fun", [name, parameters, result]) => {
                    collector.declared(command, *name, *parameters, *result)?;
                }
                ("define-fun", [name, _, _, _]) => collector.defined(command, *name)?,
                ("assert", [term]) => {
                    collector.asserted(command, *term)?;
                    asserted.push((command, *term));
                }
                _ => return Err(unsupported(&script, command)),
            }
        }
        collector.auxiliary()?;
        let assertion = |(command, term): (u32, u32)| {
            let mut text = String::new();
            print_expression(&script, term, &mut text);
            Assertion { term: text, needs: collector.needs(command) }
        };
        let assertions = asserted.into_iter().map(assertion).collect();
        Ok(Self { sorts, definitions: collector.finish(), assertions })
    }

    /// How many assertions are to be checked.
    pub fn assertions(&self) -> usize {
        self.assertions.len()
    }

    /// The text that is `unsat` if the assertion of this index (from 0) holds, whatever the interpretation leaves open.
    ///
    /// Cost: linear in the script's sorts and in what the assertion refers to.
    ///
    /// # Errors
    /// If its functions' definitions go in a circle, or the whole is not what [`normalise`] accepts.
    ///
    /// # Panics
    /// If there is no such assertion.
    pub fn negation(&self, index: usize) -> Result<String, InterpretationError> {
        let assertion = &self.assertions[index];
        let mut text = self.sorts.clone();
        self.definitions.write(&assertion.needs, &mut text)?;
        text.push_str("(assert (not ");
        text.push_str(&assertion.term);
        text.push_str("))\n(check-sat)\n");
        let normalised = normalise(text.as_bytes(), &composed_limits()).map_err(InterpretationError::Form)?;
        // None of this was composed. A text that has it all the same was not understood.
        let as_composed = normalised.options.is_empty()
            && normalised.logic.is_none()
            && normalised.assumptions.recursive_definitions == 0;
        assert!(as_composed, "a text without options, logic and recursion was read as one that has them");
        Ok(normalised.text)
    }
}

/// The commands that are in force at the check, in their order, and how many of them stand outside of the innermost open scope.
/// Scopes are gone: what is in force has no two meanings.
pub(crate) fn in_force(script: &Tree) -> Result<(Vec<u32>, usize), InterpretationError> {
    let mut commands = Vec::new();
    let mut scopes: Vec<usize> = Vec::new();
    for command in script.top() {
        let parts: Vec<u32> = script.children(command).collect();
        let Some((head, arguments)) = parts.split_first() else { return Err(unsupported(script, command)) };
        match (script.text(*head), arguments) {
            ("set-logic", [_]) => {}
            ("push", [_]) => {
                let count = count(script, arguments[0]).ok_or_else(|| unsupported(script, command))?;
                scopes.extend(std::iter::repeat_n(commands.len(), count));
            }
            ("pop", [_]) => {
                let count = count(script, arguments[0]).filter(|count| *count <= scopes.len());
                let count = count.ok_or_else(|| unsupported(script, command))?;
                for _ in 0..count {
                    commands.truncate(scopes.pop().unwrap_or_default());
                }
            }
            ("check-sat", []) => return Ok((commands, scopes.last().copied().unwrap_or_default())),
            _ => commands.push(command),
        }
    }
    Err(InterpretationError::Command { command: "no check-sat".to_owned() })
}

/// The number of scopes that a command of the normaliser's opens or closes.
fn count(script: &Tree, index: u32) -> Option<usize> {
    const SCOPES_MAX: usize = 1 << 20;
    let count = script.text(index).parse().ok()?;
    (script.node(index).kind == Kind::Numeral && count <= SCOPES_MAX).then_some(count)
}

fn unsupported(script: &Tree, command: u32) -> InterpretationError {
    let command = script.children(command).next().map_or("no command", |head| script.text(head));
    InterpretationError::Command { command: clip(command) }
}

fn print_line(tree: &Tree, index: u32, text: &mut String) {
    print_expression(tree, index, text);
    text.push('\n');
}

/// What is composed of a script and a model is as long as both.
fn composed_limits() -> Limits {
    let Limits { bytes_max, tokens_max, .. } = Limits::unbounded();
    Limits { bytes_max, tokens_max, notes_max: 0, ..Limits::default() }
}

#[cfg(test)]
mod tests;
