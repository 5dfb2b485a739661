//! A solver's model as it is read: definitions, and elements of sorts.
//!
//! Must never: let a form through that is not named here.

use std::collections::HashMap;

use super::InterpretationError;
use crate::error::clip;
use crate::tree::{Kind, Tree};

/// A model.
#[derive(Debug)]
pub(super) struct Model<'a> {
    pub tree: &'a Tree,
    pub functions: HashMap<&'a str, Function>,
    /// The functions' names, in the model's order.
    pub names: Vec<&'a str>,
    /// Declarations of elements.
    pub elements: Vec<u32>,
}

/// One `define-fun` of the model: the indices of its parts.
#[derive(Clone, Copy, Debug)]
pub(super) struct Function {
    pub command: u32,
    parameters: u32,
    pub body: u32,
}

impl<'a> Model<'a> {
    /// # Errors
    /// For whatever is no definition without recursion, no element of a sort, and no word on a sort's size.
    pub(super) fn read(tree: &'a Tree) -> Result<Self, InterpretationError> {
        let mut model = Model { tree, functions: HashMap::new(), names: Vec::new(), elements: Vec::new() };
        let items: Vec<u32> = tree.top().collect();
        let [list] = items[..] else { return Err(model.no_definition(items.get(1).copied().unwrap_or(0))) };
        if tree.node(list).kind != Kind::Open {
            return Err(model.no_definition(list));
        }
        tree.children(list).try_for_each(|item| model.read_item(item))?;
        Ok(model)
    }

    fn read_item(&mut self, item: u32) -> Result<(), InterpretationError> {
        let tree = self.tree;
        let parts: Vec<u32> = tree.children(item).collect();
        let is_symbol = |index: &u32| tree.node(*index).kind == Kind::Symbol;
        let head = parts.first().filter(|head| is_symbol(head)).map_or("", |head| tree.text(*head));
        match (head, &parts[..]) {
            ("define-fun", [_, name, parameters, _, body]) if is_symbol(name) && self.is_parameters(*parameters) => {
                let function = Function { command: item, parameters: *parameters, body: *body };
                let name = tree.text(*name);
                if self.functions.insert(name, function).is_some() {
                    return Err(InterpretationError::Ambiguous { name: clip(name) });
                }
                self.names.push(name);
                Ok(())
            }
            ("declare-fun", [_, name, parameters, sort])
                if is_symbol(name) && is_symbol(sort) && tree.text(*name).contains(ELEMENT) =>
            {
                match tree.children(*parameters).next() {
                    None if tree.node(*parameters).kind == Kind::Open => {
                        self.elements.push(item);
                        Ok(())
                    }
                    _ => Err(self.no_definition(item)),
                }
            }
            // A sort's size: the check asks more, that the assertions hold whatever it is.
            ("forall", _) => Ok(()),
            _ => Err(self.no_definition(item)),
        }
    }

    fn is_parameters(&self, list: u32) -> bool {
        let tree = self.tree;
        let is_pair = |pair: u32| match tree.children(pair).collect::<Vec<u32>>()[..] {
            [name, _] => tree.node(name).kind == Kind::Symbol,
            _ => false,
        };
        tree.node(list).kind == Kind::Open && tree.children(list).all(is_pair)
    }

    fn no_definition(&self, item: u32) -> InterpretationError {
        let Some(node) = self.tree.nodes.get(item as usize) else {
            return InterpretationError::NoDefinition { found: "nothing".to_owned() };
        };
        let named = if node.kind == Kind::Open { self.tree.children(item).next().unwrap_or(item) } else { item };
        InterpretationError::NoDefinition { found: clip(self.tree.text(named)) }
    }

    /// The names of a function's parameters.
    pub(super) fn parameters(&self, function: Function) -> impl Iterator<Item = u32> {
        self.tree.children(function.parameters).filter_map(|pair| self.tree.children(pair).next())
    }
}

/// What the solver puts between a sort's name and an element's number.
const ELEMENT: &str = "!val!";
