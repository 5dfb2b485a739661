//! From a script to what the solver is given: every command read, checked and written anew.
//!
//! The parts:
//!
//! - `commands`: which commands there are, and what becomes of them; `query`: the check, and what stands round it;
//!   `series`: several checks in one script.
//! - `declarations`, `definitions`, `datatypes`, `sort_terms`: names that a script makes.
//! - `terms`, with `binders`, `attributes`, `identifiers`, `indexed`, `overloads`, `generic`, `check` and `numerals`: what
//!   stands in assertions.
//! - `scope`, `sorts`, `writer`: what they keep.
//!
//! Must never: let a node of the script reach the output without having decided what it is, or recurse on input.

mod attributes;
mod binders;
mod check;
mod commands;
mod datatypes;
mod declarations;
mod definitions;
mod generic;
mod identifiers;
mod indexed;
mod lists;
mod numerals;
mod overloads;
mod query;
mod scope;
mod series;
mod sort_terms;
mod sorts;
mod terms;
mod writer;

use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;

pub(crate) use commands::{is_declaration, is_output};
pub use series::{Series, SeriesQuery, normalise_series};

use crate::error::{Error, ErrorKind, Fault, Place, clip, position};
use crate::hashing::{IdMap, IdSet};
use crate::lexer::{LAMBDA, RESERVED};
use crate::limits::Limits;
use crate::parser::parse_tree;
use crate::print::{print, print_node};
use crate::result::{self, Assumptions, Ignored, Normalised, Note, NoteKind, Status};
use crate::theories;
use crate::tree::{Kind, Name, Node, Tree};
use scope::Scope;
use smallvec::SmallVec;
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
    let normaliser = read(script, limits, Asks::Once).map_err(|fault| fault.locate(script))?;
    Ok(normaliser.finish(script))
}

/// Where in the script, line and column counted from 1, stood what is printed at a line and column of its normalised text,
/// counted in the same way. None for a script that is not accepted, and beyond the text's end.
///
/// Cost: that of [`normalise`].
pub fn locate(script: &[u8], limits: &Limits, line: u32, column: u32) -> Option<(u32, u32)> {
    let tree = read(script, limits, Asks::Once).ok()?.output();
    let at = node_at(&tree, line, column)?.at;
    Some(position(script, at))
}

/// What a script is printed as, as a tree whose nodes know their place in the script, and of each name that is printed
/// under another one which it is: the printed one, and the script's own.
pub(crate) fn output_of(script: &[u8], limits: &Limits) -> Result<(Tree, IdMap<Name, Name>), Error> {
    let mut normaliser = read(script, limits, Asks::Once).map_err(|fault| fault.locate(script))?;
    let renamed = normaliser.take_renamed().into_iter().collect();
    Ok((normaliser.output(), renamed))
}

/// How often a script may ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asks {
    /// An obligation, which is all that the network knows.
    Once,
    /// Some queries of a log, for one solver: see `series`.
    InSeries,
}

fn read<'a>(script: &[u8], limits: &'a Limits, asks: Asks) -> Result<Normaliser<'a>, Fault> {
    match read_tree(parse_tree(script, limits)?, script, limits, asks) {
        Err(fault) if lists::is_meant(&fault) => {
            read_tree(lists::declare(parse_tree(script, limits)?, fault.at), script, limits, asks)
        }
        result => result,
    }
}

fn read_tree<'a>(tree: Tree, script: &[u8], limits: &'a Limits, asks: Asks) -> Result<Normaliser<'a>, Fault> {
    let mut normaliser = Normaliser::new(tree, limits, asks);
    let commands: Vec<u32> = normaliser.tree.top().collect();
    for command in &commands {
        normaliser.command(*command).map_err(|fault| normaliser.explain(fault))?;
    }
    normaliser.end(script.len() as u32)?;
    Ok(normaliser)
}

/// The node that is printed at a line and column, or the last one before.
fn node_at(tree: &Tree, line: u32, column: u32) -> Option<Node> {
    let (mut at_line, mut at_column) = (1u32, 1u32);
    let mut found = None;
    let mut space = false;
    for command in tree.top() {
        let nodes = &tree.nodes[command as usize..tree.node(command).end as usize];
        for node in nodes {
            at_column = at_column.saturating_add(u32::from(space && node.kind != Kind::Close));
            if (at_line, at_column) > (line, column) {
                return found;
            }
            found = Some(*node);
            let mut printed = String::new();
            print_node(tree, node, &mut printed);
            for character in printed.chars() {
                // A quoted symbol may go over several lines.
                (at_line, at_column) = match character {
                    '\n' => (at_line.saturating_add(1), 1),
                    _ => (at_line, at_column.saturating_add(1)),
                };
            }
            space = node.kind != Kind::Open;
        }
        space = false;
        (at_line, at_column) = (at_line.saturating_add(1), 1);
    }
    found.filter(|_| at_line > line)
}

/// The parts of a list: nearly all have a few.
type Parts = SmallVec<[u32; 6]>;

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
    constructors: IdSet<Name>,
    /// What each name that has to change is printed as.
    renamed: IdMap<Name, Name>,
    /// What functions are printed as that stand beside another one of their name: that, and the name.
    beside: Vec<(Name, Name)>,
    /// What parameters of sorts are printed as that have the name of a visible sort.
    parameters: IdMap<Name, Name>,
    /// For names that were varied, the number to go on with.
    fresh_from: IdMap<Name, u32>,
    /// Functions of the solver's own that were used, so that declaring them later would change their meaning.
    extensions_used: IdSet<Name>,
    options: BTreeMap<&'static str, String>,
    status: Option<Status>,
    /// The logic that the script names.
    logic_name: Option<Name>,
    /// The logic that the solver is told.
    logic: Option<Name>,
    /// Numerals are Reals, by the logic.
    real_numerals: bool,
    /// No term begins with `lambda`, so that a constant may be called so.
    lambda_is_a_name: bool,
    /// Declarations that live to the end of the script, wherever they stand.
    base: Writer,
    /// A command was kept: it is too late for a logic.
    begun: bool,
    /// `:global-declarations` was set.
    lifetime_set: bool,
    /// A `(reset-assertions)` was read, behind which the log of a tool may go on with what it declared before.
    assertions_reset: bool,
    /// How many queries were read. What follows the first is ignored.
    queries: u32,
    /// Where the second query stands.
    second_query: u32,
    asks: Asks,
    /// The queries of a series that were read.
    series: Vec<series::Asked>,
    /// The commands behind the query.
    after: Option<query::After>,
    remarks: Vec<Remark>,
    remarks_left_out: u64,
    ignored: Ignored,
    /// Commands that were kept since the last reset.
    kept: u64,
    assumptions: Assumptions,
    /// Expanded size of everything so far.
    expanded: u64,
    /// Sorts of parametric datatypes' functions that were made: the template's, with these for its parameters.
    instances: HashMap<(SortId, Rc<[SortId]>), SortId>,
}

impl<'a> Normaliser<'a> {
    fn new(tree: Tree, limits: &'a Limits, asks: Asks) -> Self {
        let mut normaliser = Self {
            limits,
            tree,
            out: Writer::default(),
            scope: Scope::default(),
            sorts: Sorts::new(),
            constructors: IdSet::default(),
            renamed: IdMap::default(),
            beside: Vec::new(),
            parameters: IdMap::default(),
            fresh_from: IdMap::default(),
            extensions_used: IdSet::default(),
            options: BTreeMap::new(),
            status: None,
            logic_name: None,
            logic: None,
            real_numerals: false,
            lambda_is_a_name: false,
            base: Writer::default(),
            begun: false,
            lifetime_set: false,
            assertions_reset: false,
            queries: 0,
            second_query: 0,
            asks,
            series: Vec::new(),
            after: None,
            remarks: Vec::new(),
            remarks_left_out: 0,
            ignored: Ignored::default(),
            kept: 0,
            assumptions: Assumptions::default(),
            expanded: 0,
            instances: HashMap::new(),
        };
        normaliser.collect_constructors();
        normaliser.lambda_is_a_name = !normaliser.applies_lambda();
        normaliser
    }

    /// Whether a list begins with `lambda`.
    fn applies_lambda(&self) -> bool {
        let Some(lambda) = self.tree.names.find(LAMBDA) else { return false };
        let is_lambda = |node: &Node| node.kind == Kind::Symbol && node.text == lambda;
        self.tree.nodes.windows(2).any(|pair| pair[0].kind == Kind::Open && is_lambda(&pair[1]))
    }

    /// The tree that is printed.
    fn output(self) -> Tree {
        let mut out = Writer::default();
        let mut names = self.tree.names;
        if let Some(logic) = self.logic {
            let command = names.intern("set-logic");
            out.open();
            out.symbol(command);
            out.symbol(logic);
            out.close();
        }
        let mut tree = Tree { names, ..Tree::default() };
        let (mut base, mut rest) = (self.base, self.out);
        out.append(base.take(0));
        if out.mark() == 0 {
            rest.finish(&mut tree);
        } else {
            out.append(rest.take(0));
            out.finish(&mut tree);
        }
        tree
    }

    /// Names that are printed under another: the printed one, and the script's own.
    fn take_renamed(&mut self) -> Vec<(Name, Name)> {
        let renamed: Vec<(Name, Name)> =
            self.renamed.drain().map(|(submitted, printed)| (printed, submitted)).collect();
        [renamed, std::mem::take(&mut self.beside)].concat()
    }

    fn finish(mut self, script: &[u8]) -> Normalised {
        let options = std::mem::take(&mut self.options);
        let options: Vec<(String, String)> =
            options.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        let renamed = self.take_renamed();
        let remarks = std::mem::take(&mut self.remarks);
        let (status, logic) = (self.status, self.logic);
        let (notes_left_out, ignored, assumptions) = (self.remarks_left_out, self.ignored, self.assumptions);
        let tree = self.output();
        let text = print(&tree);
        let name = |name: Name| tree.names.text(name).to_owned();
        let mut renamed: Vec<(String, String)> =
            renamed.into_iter().map(|(printed, submitted)| (name(printed), name(submitted))).collect();
        renamed.sort_unstable();
        Normalised {
            logic_bytes: logic.map_or(0, |_| text.find('\n').map_or(0, |end| end + 1)),
            logic: logic.map(name),
            identity: result::identity(&text, &options),
            text,
            options,
            status,
            renamed,
            notes: note_lines(remarks, script),
            notes_left_out,
            ignored,
            assumptions,
        }
    }

    /// An error that says more, where a declaration is missing since it was forgotten.
    fn explain(&self, fault: Fault) -> Fault {
        match fault.kind {
            ErrorKind::Undeclared { name } | ErrorKind::UndeclaredSort { name } if self.assertions_reset => {
                Fault::new(fault.at, ErrorKind::Forgotten { name })
            }
            _ => fault,
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

    fn children(&self, index: u32) -> Parts {
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
        let text = self.tree.names.text(node.text);
        if RESERVED.contains(&text) && !(text == LAMBDA && self.lambda_is_a_name) {
            return Err(self.fault_of(index, |name| ErrorKind::Reserved { name }));
        }
        Ok(node.text)
    }

    /// The children of the list at an index.
    fn list(&self, index: u32, what: &'static str) -> Result<Parts, Fault> {
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
        self.ignored.count(kind);
        self.note(at, kind, name);
    }

    /// A remark on something that was read all the same, and so does not count as ignored.
    fn note(&mut self, at: u32, kind: NoteKind, name: String) {
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
        if !theories::is_taken(text)
            && text != LAMBDA
            && !tester.is_some_and(|constructor| self.constructors.contains(&constructor))
        {
            return name;
        }
        self.rename(name, at)
    }

    /// What a parameter of a sort is printed as: the solver takes the sort where one of its name is visible.
    fn printed_parameter(&mut self, name: Name, at: u32) -> Name {
        if self.scope.sort(name).is_none() {
            return self.printed_sort(name, at);
        }
        if let Some(printed) = self.parameters.get(&name) {
            return *printed;
        }
        let printed = self.fresh(name);
        self.parameters.insert(name, printed);
        self.beside.push((printed, name));
        self.remark(at, NoteKind::Overloaded, self.clipped_name(name));
        printed
    }

    /// What a sort of the script is printed as.
    fn printed_sort(&mut self, name: Name, at: u32) -> Name {
        if theories::is_taken_sort(self.tree.names.text(name)) { self.rename(name, at) } else { name }
    }

    fn rename(&mut self, name: Name, at: u32) -> Name {
        if let Some(printed) = self.renamed.get(&name) {
            return *printed;
        }
        let printed = self.fresh(name);
        self.renamed.insert(name, printed);
        self.remark(at, NoteKind::Renamed, self.clipped_name(name));
        printed
    }

    /// What a function is printed as that stands beside another one of its name.
    fn print_beside(&mut self, name: Name, at: u32) -> Name {
        let printed = self.fresh(name);
        self.beside.push((printed, name));
        self.remark(at, NoteKind::Overloaded, self.clipped_name(name));
        printed
    }

    /// A name like this one that the script does not have, and that is neither the tester of a name that it has, nor has its
    /// own tester there: the solver makes `is-c` for every constructor `c`.
    fn fresh(&mut self, name: Name) -> Name {
        let mut number = self.fresh_from.get(&name).copied().unwrap_or(1);
        loop {
            let text = format!("{}~{number}", self.tree.names.text(name));
            number = number.saturating_add(1);
            let names = &self.tree.names;
            let tested = text.strip_prefix("is-").and_then(|constructor| names.find(constructor));
            if names.find(&text).is_none() && tested.is_none() && names.find(&format!("is-{text}")).is_none() {
                self.fresh_from.insert(name, number);
                return self.tree.names.intern(&text);
            }
        }
    }
}

/// Gives the notes their lines and columns, in one walk over the script.
fn note_lines(mut remarks: Vec<Remark>, script: &[u8]) -> Vec<Note> {
    remarks.sort_by_key(|remark| remark.at);
    let mut place = Place::default();
    let note = |Remark { at, kind, name }| {
        place = place.further(script, at);
        Note { kind, name, line: place.line, column: place.column }
    };
    remarks.into_iter().map(note).collect()
}
