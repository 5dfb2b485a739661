//! From a script to what the solver is given: every command read, checked and written anew.
//!
//! The parts: `commands` (which commands there are, and what becomes of them), `declarations` and `datatypes` (names that a
//! script makes), `terms` with `identifiers` and `check` (what stands in assertions), `sort_terms`; and what they keep:
//! `scope`, `sorts`, `writer`.
//!
//! Must never: let a node of the script reach the output without having decided what it is, or recurse on input.

mod attributes;
mod check;
mod commands;
mod datatypes;
mod declarations;
mod generic;
mod identifiers;
mod lists;
mod scope;
mod sort_terms;
mod sorts;
mod terms;
mod writer;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::rc::Rc;

use crate::error::{Error, ErrorKind, Fault, clip};
use crate::limits::Limits;
use crate::parser::parse_tree;
use crate::print::{print, print_expression};
use crate::result::{self, Assumptions, Normalised, Note, NoteKind, Status};
use crate::theories;
use crate::tree::{Kind, Name, Tree};
use scope::Scope;
use sorts::{SortId, Sorts};
use writer::Writer;

/// Reads, checks and normalises a script.
///
/// Cost: linear in the script and in the expanded size that the limits allow.
///
/// # Errors
/// The first thing in the script that is not accepted, with line and column. The same script under the same limits always
/// gives the same result.
pub fn normalise(script: &[u8], limits: &Limits) -> Result<Normalised, Error> {
    normalise_tree(script, limits).map_err(|fault| fault.locate(script))
}

fn normalise_tree(script: &[u8], limits: &Limits) -> Result<Normalised, Fault> {
    match normalise_as_read(parse_tree(script, limits)?, script, limits) {
        Err(fault) if lists::is_meant(&fault) => {
            normalise_as_read(lists::declare(parse_tree(script, limits)?, fault.at), script, limits)
        }
        result => result,
    }
}

fn normalise_as_read(tree: Tree, script: &[u8], limits: &Limits) -> Result<Normalised, Fault> {
    let mut normaliser = Normaliser::new(tree, limits);
    let commands: Vec<u32> = normaliser.tree.top().collect();
    for command in &commands {
        normaliser.command(*command)?;
    }
    if !normaliser.checked {
        return Err(Fault::new(script.len() as u32, ErrorKind::NoCheck));
    }
    Ok(normaliser.finish(script))
}

/// A note before its line is known.
struct Remark {
    at: u32,
    kind: NoteKind,
    name: String,
}

/// One script on its way.
struct Normaliser<'a> {
    limits: &'a Limits,
    tree: Tree,
    out: Writer,
    scope: Scope,
    sorts: Sorts,
    /// Names of constructors anywhere in the script: the solver gives each a tester of its own.
    constructors: HashSet<Name>,
    /// What each name that has to change is printed as.
    renamed: HashMap<Name, Name>,
    /// Functions of the solver's own that were used, so that declaring them later would change their meaning.
    extensions_used: HashSet<Name>,
    options: BTreeMap<&'static str, String>,
    status: Option<Status>,
    logic: Option<Name>,
    /// A command was kept: it is too late for a logic.
    begun: bool,
    /// The check was read: what follows is checked and dropped.
    checked: bool,
    remarks: Vec<Remark>,
    remarks_left_out: u64,
    assumptions: Assumptions,
    /// Expanded size of everything so far.
    expanded: u64,
    /// Sorts of parametric datatypes' functions that were made: the template's, with these for its parameters.
    instances: HashMap<(SortId, Rc<[SortId]>), SortId>,
}

impl<'a> Normaliser<'a> {
    fn new(tree: Tree, limits: &'a Limits) -> Self {
        let mut normaliser = Self {
            limits,
            tree,
            out: Writer::default(),
            scope: Scope::default(),
            sorts: Sorts::new(),
            constructors: HashSet::new(),
            renamed: HashMap::new(),
            extensions_used: HashSet::new(),
            options: BTreeMap::new(),
            status: None,
            logic: None,
            begun: false,
            checked: false,
            remarks: Vec::new(),
            remarks_left_out: 0,
            assumptions: Assumptions::default(),
            expanded: 0,
            instances: HashMap::new(),
        };
        normaliser.collect_constructors();
        normaliser
    }

    fn finish(self, script: &[u8]) -> Normalised {
        let tree = Tree { nodes: self.out.finish(), names: self.tree.names };
        let text = print(&tree);
        let mut logic_line = String::new();
        if self.logic.is_some() {
            print_expression(&tree, 0, &mut logic_line);
            logic_line.push('\n');
        }
        let options: Vec<(String, String)> =
            self.options.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        let identity = result::identity(&text, &options);
        let name = |name: Name| tree.names.text(name).to_owned();
        let mut renamed: Vec<(String, String)> =
            self.renamed.iter().map(|(submitted, printed)| (name(*printed), name(*submitted))).collect();
        renamed.sort_unstable();
        Normalised {
            logic_bytes: logic_line.len(),
            logic: self.logic.map(|logic| tree.names.text(logic).to_owned()),
            text,
            options,
            status: self.status,
            renamed,
            notes: locate(self.remarks, script),
            notes_left_out: self.remarks_left_out,
            assumptions: self.assumptions,
            identity,
        }
    }

    // What the parts share.

    fn at(&self, index: u32) -> u32 {
        self.tree.node(index).at
    }

    fn fault(&self, index: u32, kind: ErrorKind) -> Fault {
        Fault::new(self.at(index), kind)
    }

    /// An error that names what stands at an index.
    fn fault_of(&self, index: u32, kind: impl FnOnce(String) -> ErrorKind) -> Fault {
        self.fault(index, kind(self.clipped(index)))
    }

    fn clipped(&self, index: u32) -> String {
        match self.tree.node(index).kind {
            Kind::Open => "a list".to_owned(),
            _ => clip(self.tree.text(index)),
        }
    }

    fn clipped_name(&self, name: Name) -> String {
        clip(self.tree.names.text(name))
    }

    fn children(&self, index: u32) -> Vec<u32> {
        self.tree.children(index).collect()
    }

    fn expected(&self, index: u32, what: &'static str) -> Fault {
        self.fault(index, ErrorKind::Expected { what })
    }

    /// The name of the symbol at an index.
    fn symbol(&self, index: u32, what: &'static str) -> Result<Name, Fault> {
        let node = self.tree.node(index);
        if node.kind != Kind::Symbol {
            return Err(self.expected(index, what));
        }
        if crate::lexer::RESERVED.contains(&self.tree.names.text(node.text)) {
            return Err(self.fault_of(index, |name| ErrorKind::Reserved { name }));
        }
        Ok(node.text)
    }

    /// The children of the list at an index.
    fn list(&self, index: u32, what: &'static str) -> Result<Vec<u32>, Fault> {
        match self.tree.node(index).kind {
            Kind::Open => Ok(self.children(index)),
            _ => Err(self.expected(index, what)),
        }
    }

    /// The number at an index, at most the limit.
    fn number(&self, index: u32, limit: u32) -> Result<u32, Fault> {
        if self.tree.node(index).kind != Kind::Numeral {
            return Err(self.expected(index, "a numeral"));
        }
        match self.tree.text(index).parse::<u32>() {
            Ok(value) if value <= limit => Ok(value),
            _ => Err(self.fault_of(index, |text| ErrorKind::Index { text, limit })),
        }
    }

    fn remark(&mut self, at: u32, kind: NoteKind, name: String) {
        if self.remarks.len() < self.limits.notes_max as usize {
            self.remarks.push(Remark { at, kind, name });
        } else {
            self.remarks_left_out += 1;
        }
    }

    /// Adds to the expanded size of the script.
    fn expand(&mut self, at: u32, size: u64) -> Result<(), Fault> {
        self.expanded = self.expanded.saturating_add(size);
        let limit = self.limits.expanded_size_max;
        if self.expanded > limit {
            return Err(Fault::new(at, ErrorKind::ExpandedSize { limit }));
        }
        Ok(())
    }

    /// What a function or variable of the script is printed as. Told once for each name.
    fn printed(&mut self, name: Name, at: u32) -> Name {
        let text = self.tree.names.text(name);
        let tester = text.strip_prefix("is-").and_then(|rest| self.tree.names.find(rest));
        if !theories::is_taken(text) && !tester.is_some_and(|constructor| self.constructors.contains(&constructor)) {
            return name;
        }
        self.rename(name, at)
    }

    /// What a sort of the script is printed as.
    fn printed_sort(&mut self, name: Name, at: u32) -> Name {
        if theories::is_taken_sort(self.tree.names.text(name)) { self.rename(name, at) } else { name }
    }

    fn rename(&mut self, name: Name, at: u32) -> Name {
        if let Some(printed) = self.renamed.get(&name) {
            return *printed;
        }
        let mut number = 1u32;
        let printed = loop {
            let text = format!("{}~{number}", self.tree.names.text(name));
            if self.tree.names.find(&text).is_none() {
                break self.tree.names.intern(&text);
            }
            number += 1;
        };
        self.renamed.insert(name, printed);
        self.remark(at, NoteKind::Renamed, self.clipped_name(name));
        printed
    }
}

/// Gives the notes their lines and columns, in one walk over the script.
fn locate(mut remarks: Vec<Remark>, script: &[u8]) -> Vec<Note> {
    remarks.sort_by_key(|remark| remark.at);
    let (mut line, mut column, mut at) = (1u32, 1u32, 0usize);
    let mut notes = Vec::with_capacity(remarks.len());
    for Remark { at: wanted, kind, name } in remarks {
        while at < wanted as usize && at < script.len() {
            let byte = script[at];
            let cr_of_crlf = byte == b'\r' && script.get(at + 1) == Some(&b'\n');
            if (byte == b'\n' || byte == b'\r') && !cr_of_crlf {
                line = line.saturating_add(1);
                column = 1;
            } else if byte & 0xC0 != 0x80 {
                column = column.saturating_add(1);
            }
            at += 1;
        }
        notes.push(Note { kind, name, line, column });
    }
    notes
}
