//! What each function of a script means under an interpretation, and in which order that can be said.
//!
//! A name that the script gives a meaning keeps it. One that it only declares gets the model's definition, with the sorts
//! of parameters and result as the script has them, or stays declared. A further definition of the model's is taken only
//! under a name that stands nowhere in the script.
//!
//! Must never: take two definitions for one name, or write one before everything that it refers to.

use std::collections::{HashMap, HashSet};

use super::InterpretationError;
use super::model::{Function, Model};
use crate::error::clip;
use crate::print::print_expression;
use crate::tree::{Kind, Tree};

/// Every definition there is, by what it refers to.
#[derive(Debug)]
pub(super) struct Definitions(Vec<Definition>);

/// One command that makes a name.
#[derive(Debug)]
struct Definition {
    name: String,
    text: String,
    /// Indices of the definitions that must come before.
    needs: Vec<u32>,
}

impl Definitions {
    /// Appends these definitions, each behind what it refers to.
    ///
    /// # Errors
    /// If one of them refers to itself, however long the way is.
    pub(super) fn write(&self, needs: &[u32], text: &mut String) -> Result<(), InterpretationError> {
        let mut written: HashMap<u32, bool> = HashMap::new();
        // Definitions on the way from a root, each with how many of its needs were looked at.
        let mut path: Vec<(u32, usize)> = Vec::new();
        for root in needs {
            if written.contains_key(root) {
                continue;
            }
            written.insert(*root, false);
            path.push((*root, 0));
            while let Some((index, next)) = path.last_mut() {
                let definition = &self.0[*index as usize];
                let Some(need) = definition.needs.get(*next).copied() else {
                    text.push_str(&definition.text);
                    written.insert(*index, true);
                    path.pop();
                    continue;
                };
                *next += 1;
                match written.get(&need) {
                    Some(true) => {}
                    Some(false) => {
                        let name = clip(&self.0[need as usize].name);
                        return Err(InterpretationError::Circular { name });
                    }
                    None => {
                        written.insert(need, false);
                        path.push((need, 0));
                    }
                }
            }
        }
        Ok(())
    }
}

/// A definition whose needs are not known by index yet.
struct Draft<'a> {
    name: &'a str,
    text: String,
    /// The tree and the index of the expression that it refers to other names with.
    refers: Option<(&'a Tree, u32)>,
    /// It is the script's own and has been found not to refer to itself.
    own: bool,
}

/// Collects definitions from a script and a model.
pub(super) struct Collector<'a> {
    script: &'a Tree,
    model: Model<'a>,
    drafts: Vec<Draft<'a>>,
    by_name: HashMap<&'a str, u32>,
    /// Names that the script's datatypes use: constructors, selectors, sorts.
    of_datatypes: HashSet<&'a str>,
}

impl<'a> Collector<'a> {
    pub(super) fn new(script: &'a Tree, model: Model<'a>) -> Self {
        Self { script, model, drafts: Vec::new(), by_name: HashMap::new(), of_datatypes: HashSet::new() }
    }

    /// A declaration of datatypes. A function of one of its names would have two meanings.
    pub(super) fn datatypes(&mut self, command: u32) {
        self.of_datatypes.extend(symbols(self.script, command));
    }

    /// `(declare-fun name (sorts) sort)`.
    pub(super) fn declared(
        &mut self,
        command: u32,
        name_at: u32,
        sorts: u32,
        result: u32,
    ) -> Result<(), InterpretationError> {
        let (script, name) = (self.script, self.script.text(name_at));
        let Some(function) = self.model.functions.remove(name) else {
            return self.add(name, printed(script, command), None, true);
        };
        let tree = self.model.tree;
        let parameters: Vec<u32> = self.model.parameters(function).collect();
        let sorts: Vec<u32> = script.children(sorts).collect();
        if parameters.len() != sorts.len() {
            let (takes, got) = (sorts.len(), parameters.len());
            return Err(InterpretationError::Arity { name: clip(name), takes, got });
        }
        let mut text = String::from("(define-fun ");
        push(script, name_at, &mut text);
        text.push('(');
        for (parameter, sort) in parameters.iter().zip(&sorts) {
            text.push('(');
            push(tree, *parameter, &mut text);
            push(script, *sort, &mut text);
            text.push(')');
        }
        text.push_str(") ");
        push(script, result, &mut text);
        print_expression(tree, function.body, &mut text);
        text.push_str(")\n");
        self.add(name, text, Some((tree, function.body)), false)
    }

    /// `(define-fun name …)`: the script's word stands, whatever the model says.
    pub(super) fn defined(&mut self, command: u32, name: u32) -> Result<(), InterpretationError> {
        let name = self.script.text(name);
        self.model.functions.remove(name);
        self.add(name, printed(self.script, command), Some((self.script, command)), true)?;
        let names: Vec<&str> = named(self.script, command).collect();
        let definition = self.by_name[name];
        names.into_iter().try_for_each(|inner| self.name(inner, definition))
    }

    /// Terms inside an assertion that have names: an assertion that says nothing gives them to others.
    pub(super) fn asserted(&mut self, command: u32, term: u32) -> Result<(), InterpretationError> {
        let names: Vec<&str> = named(self.script, command).collect();
        let Some((first, others)) = names.split_first() else { return Ok(()) };
        let mut text = String::from("(assert (or ");
        push(self.script, term, &mut text);
        text.push_str("true))\n");
        self.model.functions.remove(first);
        self.add(first, text, Some((self.script, command)), true)?;
        let definition = self.by_name[first];
        others.iter().try_for_each(|inner| self.name(inner, definition))
    }

    /// A further name that a definition makes.
    fn name(&mut self, name: &'a str, definition: u32) -> Result<(), InterpretationError> {
        self.model.functions.remove(name);
        if self.of_datatypes.contains(name) || self.by_name.insert(name, definition).is_some() {
            return Err(InterpretationError::Ambiguous { name: clip(name) });
        }
        Ok(())
    }

    fn add(
        &mut self,
        name: &'a str,
        text: String,
        refers: Option<(&'a Tree, u32)>,
        own: bool,
    ) -> Result<(), InterpretationError> {
        // Tokens are counted in 32 bits, and each definition has some.
        let index = self.drafts.len() as u32;
        self.drafts.push(Draft { name, text, refers, own });
        self.name(name, index)
    }

    /// What the model says besides, where it takes no name from the script. What it would take is left out: then nothing is
    /// said of that name but what the script says.
    pub(super) fn auxiliary(&mut self) -> Result<(), InterpretationError> {
        let tree = self.model.tree;
        let names: Vec<(&'a str, Function)> =
            self.model.names.iter().filter_map(|name| Some((*name, *self.model.functions.get(name)?))).collect();
        for (name, Function { command, body, .. }) in names {
            if self.script.names.find(name).is_none() {
                self.add(name, printed(tree, command), Some((tree, body)), false)?;
            }
        }
        for element in std::mem::take(&mut self.model.elements) {
            let Some(name) = tree.children(element).nth(1).map(|name| tree.text(name)) else { continue };
            if self.script.names.find(name).is_none() {
                self.add(name, printed(tree, element), None, true)?;
            }
        }
        Ok(())
    }

    /// The definitions that an assertion of the script refers to, but for what it makes itself.
    pub(super) fn needs(&self, command: u32) -> Vec<u32> {
        let own: HashSet<u32> = named(self.script, command).map(|name| self.by_name[name]).collect();
        self.indices(self.script, command).into_iter().filter(|index| !own.contains(index)).collect()
    }

    /// The definitions of all names in an expression, each once. A bound variable counts like the function of its name: that
    /// may only add to what is written.
    fn indices(&self, tree: &'a Tree, index: u32) -> Vec<u32> {
        let mut seen = HashSet::new();
        symbols(tree, index)
            .filter_map(|name| self.by_name.get(name).copied())
            .filter(|index| seen.insert(*index))
            .collect()
    }

    pub(super) fn finish(self) -> Definitions {
        let needs: Vec<Vec<u32>> = (0..)
            .zip(&self.drafts)
            .map(|(number, draft)| {
                let needs = draft.refers.map_or(Vec::new(), |(tree, index)| self.indices(tree, index));
                needs.into_iter().filter(|need| !draft.own || *need != number).collect()
            })
            .collect();
        let definition =
            |(draft, needs): (Draft<'_>, _)| Definition { name: draft.name.to_owned(), text: draft.text, needs };
        Definitions(self.drafts.into_iter().zip(needs).map(definition).collect())
    }
}

/// Every symbol in an expression.
fn symbols(tree: &Tree, index: u32) -> impl Iterator<Item = &str> {
    let nodes = &tree.nodes[index as usize..tree.node(index).end as usize];
    nodes.iter().filter(|node| node.kind == Kind::Symbol).map(|node| tree.names.text(node.text))
}

/// The names that terms in an expression are given.
fn named(tree: &Tree, index: u32) -> impl Iterator<Item = &str> {
    let nodes = &tree.nodes[index as usize..tree.node(index).end as usize];
    let is_named = |pair: &&[crate::tree::Node]| {
        pair[0].kind == Kind::Keyword && tree.names.text(pair[0].text) == "named" && pair[1].kind == Kind::Symbol
    };
    nodes.windows(2).filter(is_named).map(|pair| tree.names.text(pair[1].text))
}

/// An expression on a line of its own.
fn printed(tree: &Tree, index: u32) -> String {
    let mut text = String::new();
    print_expression(tree, index, &mut text);
    text.push('\n');
    text
}

/// Appends an expression and a space.
fn push(tree: &Tree, index: u32, text: &mut String) {
    print_expression(tree, index, text);
    text.push(' ');
}
