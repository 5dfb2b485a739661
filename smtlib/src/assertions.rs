//! The assertions that are in force at a script's check: where each stands, and how to ask the solver which of them it needs.
//!
//! Must never: count an assertion whose scope was closed before the check, or let a name of its own meet one of the script's.

use crate::error::{Error, Place};
use crate::interpretation::in_force;
use crate::limits::Limits;
use crate::normalise::output_of;
use crate::parser::parse;
use crate::print::print_expression;
use crate::tree::{Kind, Name, Tree};

/// An assertion, as its author finds it again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assertion {
    /// Counted from 1; of the literal, where a check assumes it.
    pub line: u32,
    /// Counted from 1, in characters.
    pub column: u32,
    /// Its `:named`, in the script's words.
    pub name: Option<String>,
    /// It stands in the innermost scope that is open at the check, or no scope is open: beside the goal.
    pub is_innermost: bool,
}

/// The assertions of a script that are in force at its check, in its order. The last one is its goal.
///
/// Cost: that of [`crate::normalise`].
///
/// # Errors
/// As [`crate::normalise`].
pub fn assertions(script: &[u8], limits: &Limits) -> Result<Vec<Assertion>, Error> {
    let (tree, renamed) = output_of(script, limits)?;
    let Ok(Asserted { commands, innermost }) = asserted(&tree) else { return Ok(Vec::new()) };
    let mut place = Place::default();
    let of = |(index, command): (usize, &u32)| {
        place = place.further(script, tree.node(*command).at);
        let Place { line, column, .. } = place;
        let name = name_of(&tree, *command).map(|name| renamed.get(&name).copied().unwrap_or(name));
        let name = name.map(|name| tree.names.text(name).to_owned());
        Assertion { line, column, name, is_innermost: index >= innermost }
    };
    Ok(commands.iter().enumerate().map(of).collect())
}

/// A text of the normaliser's in which every assertion has a name, so that the solver can say which of them it needed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    pub text: String,
    /// Of each assertion in force, in the order of [`assertions`].
    pub names: Vec<String>,
}

impl Named {
    /// None of a text that is none of the normaliser's, or asserts nothing.
    ///
    /// Cost: linear in the text.
    pub fn of(text: &str) -> Option<Named> {
        let tree = parse(text.as_bytes(), &Limits::unbounded()).ok()?;
        let Asserted { commands, .. } = asserted(&tree).ok()?;
        let mut waiting = commands.iter().peekable();
        let mut named = Named { text: String::with_capacity(text.len()), names: Vec::with_capacity(commands.len()) };
        let mut number = 0u64;
        for command in tree.top() {
            let Some(term) = waiting.next_if_eq(&&command).and_then(|command| tree.children(*command).nth(1)) else {
                print_expression(&tree, command, &mut named.text);
                named.text.push('\n');
                continue;
            };
            let name = loop {
                number += 1;
                let name = format!("core!{number}");
                if tree.names.find(&name).is_none() {
                    break name;
                }
            };
            named.text.push_str("(assert (! ");
            print_expression(&tree, term, &mut named.text);
            named.text.extend([" :named ", &name, "))\n"]);
            named.names.push(name);
        }
        (!named.names.is_empty()).then_some(named)
    }

    /// Which assertions the solver's answer to `get-unsat-core` names, counted from 0, in order. None if it is no such answer, or
    /// names nothing: parts of the solver give no core and say so in this way, and without assertions nothing is `unsat`.
    pub fn needed(&self, answer: &str) -> Option<Vec<u32>> {
        let names = answer.trim().strip_prefix('(')?.strip_suffix(')')?;
        let named: std::collections::HashSet<&str> = names.split_ascii_whitespace().collect();
        let needed: Vec<u32> =
            (0..).zip(&self.names).filter(|(_, name)| named.contains(name.as_str())).map(|(index, _)| index).collect();
        // A name that is not ours would be an assertion that was not told.
        (!needed.is_empty() && needed.len() == named.len()).then_some(needed)
    }
}

/// The assertions in force at the check.
pub(crate) struct Asserted {
    pub commands: Vec<u32>,
    /// The index of the first one that stands in the innermost open scope.
    pub innermost: usize,
}

pub(crate) fn asserted(tree: &Tree) -> Result<Asserted, crate::InterpretationError> {
    let (all, innermost) = in_force(tree)?;
    let is_assertion = |command: &u32| tree.children(*command).next().is_some_and(|head| tree.text(head) == "assert");
    let before = all[..innermost.min(all.len())].iter().filter(|command| is_assertion(command)).count();
    Ok(Asserted { commands: all.into_iter().filter(is_assertion).collect(), innermost: before })
}

/// The outermost `:named` of an assertion's term.
fn name_of(tree: &Tree, command: u32) -> Option<Name> {
    let term = tree.children(command).nth(1)?;
    let parts: Vec<u32> = tree.children(term).collect();
    let (head, attributes) = (parts.first()?, parts.get(2..)?);
    if tree.node(*head).kind != Kind::Symbol || tree.text(*head) != "!" {
        return None;
    }
    let mut pairs = attributes.chunks_exact(2);
    let named = pairs.find(|pair| tree.node(pair[0]).kind == Kind::Keyword && tree.text(pair[0]) == "named")?;
    Some(tree.node(named[1]).text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::normalise;

    const SCRIPT: &str = "(set-logic QF_LIA)\n(declare-const x Int)\n(push)\n(assert (> x 9))\n(pop)
(assert (! (< x 0) :named low))\n(push 2)\n  (assert (! (! (> x 7) :named inner) :named |the sum|))
(declare-const core!2 Bool) (declare-const sin Bool)\n(check-sat-assuming (core!2 sin))\n(assert false)\n";

    #[test]
    fn each_assertion_in_force_is_found_where_it_stands() {
        let found = assertions(SCRIPT.as_bytes(), &Limits::default()).unwrap();
        let found: Vec<_> =
            found.iter().map(|one| (one.line, one.column, one.name.as_deref(), one.is_innermost)).collect();
        let expected =
            [(6, 1, Some("low"), false), (8, 3, Some("the sum"), true), (10, 22, None, true), (10, 29, None, true)];
        assert_eq!(found, expected);
        assert!(assertions(b"(assert", &Limits::default()).is_err());
        assert_eq!(assertions(b"(check-sat)", &Limits::default()), Ok(Vec::new()));
    }

    #[test]
    fn the_named_text_says_the_same_with_names_that_the_script_does_not_have() {
        let text = normalise(SCRIPT.as_bytes(), &Limits::default()).unwrap().text;
        let named = Named::of(&text).unwrap();
        assert_eq!(named.names, ["core!1", "core!3", "core!4", "core!5"]);
        assert!(named.text.contains("(assert (> x 9))\n"), "what is not in force stays as it was: {}", named.text);
        assert!(named.text.contains("(assert (! (! (< x 0) :named low) :named core!1))\n"), "{}", named.text);
        assert!(normalise(named.text.as_bytes(), &Limits::default()).is_ok(), "{}", named.text);
        assert_eq!(named.needed("(core!1 core!4)\n"), Some(vec![0, 2]));
        for answer in ["", "()", "(core!2)", "(core!1 low)", "(error \"unsat core is not available\")"] {
            assert_eq!(named.needed(answer), None, "{answer}");
        }
        assert_eq!(Named::of("(check-sat)\n"), None);
        assert_eq!(Named::of("(assert true)\n"), None, "it asks nothing");
    }
}
