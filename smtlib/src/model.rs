//! A solver's model, printed anew from a tree in the words of the script: its own constants and functions first, in its
//! order, then the values of what it defines, then what the solver made up.
//!
//! The model is text from a solver that ran a stranger's script: it is read under limits like a script.
//!
//! Must never: print a name that the script does not have where it has another one, or more than it is asked for.

use std::collections::{HashMap, HashSet};

use crate::error::Error;
use crate::layout::Layout;
use crate::limits::Limits;
use crate::parser::parse;
use crate::print::print_expression;
use crate::tree::{Kind, Name, Tree};

/// Defined constants whose values are asked for.
const DEFINED_MAX: usize = 64;

/// What a script's text says about the names in a model of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Vocabulary {
    /// Declared constants and functions as they are printed, with their places.
    declared: HashMap<String, usize>,
    /// Defined constants as they are printed, and the first of them as they are written.
    defined: HashSet<String>,
    asked: Vec<String>,
    /// Printed names and what the script calls them, which may be one name for several.
    submitted: HashMap<String, String>,
}

impl Vocabulary {
    /// Of a normalised text, and the names that were printed under another.
    ///
    /// # Errors
    /// If it is no such text.
    pub fn of(text: &str, renamed: &[(String, String)]) -> Result<Self, Error> {
        let tree = parse(text.as_bytes(), &limits())?;
        let mut vocabulary = Self { submitted: renamed.iter().cloned().collect(), ..Self::default() };
        for command in tree.top() {
            let mut parts = tree.children(command);
            let (Some(head), Some(name)) = (parts.next(), parts.next()) else { continue };
            match tree.text(head) {
                "declare-fun" => {
                    let place = vocabulary.declared.len();
                    vocabulary.declared.entry(tree.text(name).to_owned()).or_insert(place);
                }
                "define-fun" if parts.next().is_some_and(|list| tree.children(list).next().is_none()) => {
                    vocabulary.defined.insert(tree.text(name).to_owned());
                    let mut written = String::new();
                    print_expression(&tree, name, &mut written);
                    if vocabulary.asked.len() < DEFINED_MAX {
                        vocabulary.asked.push(written);
                    }
                }
                _ => {}
            }
        }
        Ok(vocabulary)
    }

    /// The command that asks for the values of the defined constants; none if there are none.
    pub fn question(&self) -> Option<String> {
        (!self.asked.is_empty()).then(|| format!("(get-value ({}))", self.asked.join(" ")))
    }

    /// Prints a model, the solver's answer to `get-model`, and its answer to [`Vocabulary::question`]. The second result says
    /// whether something was left out for want of room.
    ///
    /// # Errors
    /// If the model is no sequence of expressions, or larger than any that is read.
    pub fn print(&self, model: &str, values: &str, bytes_max: usize) -> Result<(String, bool), Error> {
        let mut tree = parse(model.as_bytes(), &limits())?;
        let (mut own, mut others) = (Vec::new(), Vec::new());
        for item in tree.top().flat_map(|model| tree.children(model)) {
            match self.place(&tree, item) {
                Place::Declared(place) => own.push((place, item)),
                Place::Solver => others.push(item),
                Place::Left => {}
            }
        }
        self.restore(&mut tree);
        own.sort_unstable();
        let mut layout = Layout::new(&tree, bytes_max);
        for (_, item) in own {
            if !layout.is_full() {
                layout.expression(item, SIGNATURE);
            }
        }
        self.print_values(values, &mut layout);
        if !others.is_empty() && !layout.is_full() {
            layout.line("; the solver's own names");
        }
        for item in others {
            if !layout.is_full() {
                layout.expression(item, SIGNATURE);
            }
        }
        Ok(layout.finish())
    }

    /// A value that cannot be told is left out: the model stands without it.
    fn print_values(&self, values: &str, layout: &mut Layout<'_>) {
        let Ok(mut tree) = parse(values.as_bytes(), &limits()) else { return };
        self.restore(&mut tree);
        for pair in tree.top().flat_map(|values| tree.children(values)) {
            let parts: Vec<u32> = tree.children(pair).collect();
            if let [name, value] = parts[..] {
                let mut line = String::from("; ");
                print_expression(&tree, name, &mut line);
                line.push_str(" is ");
                print_expression(&tree, value, &mut line);
                layout.line(&line);
            }
        }
    }

    /// Gives every name back what the script calls it; `name!val!0`, an element of a sort, with it.
    fn restore(&self, tree: &mut Tree) {
        if self.submitted.is_empty() {
            return;
        }
        let mut renamed: HashMap<Name, Name> = HashMap::new();
        for (printed, submitted) in &self.submitted {
            if let Some(found) = tree.names.find(printed) {
                renamed.insert(found, tree.names.intern(submitted));
            }
        }
        for index in 0..tree.nodes.len() {
            let node = tree.nodes[index];
            if node.kind != Kind::Symbol {
                continue;
            }
            if let Some(name) = renamed.get(&node.text) {
                tree.nodes[index].text = *name;
                continue;
            }
            let text = tree.names.text(node.text);
            let Some(at) = text.find(ELEMENT) else { continue };
            if let Some(submitted) = self.submitted.get(&text[..at]) {
                let element = format!("{submitted}{}", &text[at..]);
                let element = tree.names.intern(&element);
                renamed.insert(node.text, element);
                tree.nodes[index].text = element;
            }
        }
    }

    /// Where an item of the model belongs, while its names are still the printed ones.
    fn place(&self, tree: &Tree, item: u32) -> Place {
        let mut parts = tree.children(item);
        let (Some(head), Some(name)) = (parts.next(), parts.next()) else { return Place::Left };
        let printed = tree.text(name);
        if let Some(place) = self.declared.get(printed) {
            return Place::Declared(*place);
        }
        // What the script defines, the reader has before him; and an element needs no declaration to be understood.
        let element = tree.text(head) == "declare-fun" && printed.contains(ELEMENT);
        if element || self.defined.contains(printed) { Place::Left } else { Place::Solver }
    }
}

enum Place {
    /// A declared constant or function, at this place of the script.
    Declared(usize),
    Solver,
    Left,
}

/// What the solver puts between a sort's name and an element's number.
const ELEMENT: &str = "!val!";

/// Parts of a definition that stand on its first line: its head, name, parameters and sort.
const SIGNATURE: usize = 4;

/// The solver writes longer numbers and deeper terms than a script may hold.
fn limits() -> Limits {
    const BYTES_MAX: u32 = 16 << 20;
    Limits {
        bytes_max: u64::from(BYTES_MAX),
        depth_max: BYTES_MAX,
        digits_max: BYTES_MAX,
        atom_bytes_max: BYTES_MAX,
        ..Limits::default()
    }
}

#[cfg(test)]
mod tests;
