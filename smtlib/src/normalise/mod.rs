//! From a script to what the solver is given: every command read, checked and written anew.
//!
//! The parts:
//!
//! - `commands`: which commands there are, and what becomes of them; `query`: the check, and what stands round it;
//!   `series`: several checks in one script.
//! - `declarations`, `definitions`, `datatypes`, `sort_terms`: names that a script makes.
//! - `terms`, with `binders`, `attributes`, `identifiers`, `indexed`, `overloads`, `generic`, `check` and `numerals`: what
//!   stands in assertions.
//! - `nodes`, `renaming`: what they share; `scope`, `sorts`, `writer`: what they keep; `output`: the result.
//!
//! Must never: let a node of the script reach the output without having decided what it is, or recurse on input.

mod attributes;
mod binders;
mod callee;
mod check;
mod commands;
mod datatypes;
mod declarations;
mod definitions;
mod generic;
mod identifiers;
mod indexed;
mod lists;
mod nodes;
mod numerals;
mod output;
mod overloads;
mod query;
mod renaming;
mod scope;
mod series;
mod sort_terms;
mod sorts;
mod terms;
mod value;
mod writer;

use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;

pub(crate) use commands::{is_declaration, is_output};
pub use series::{Series, SeriesQuery, normalise_series};

use crate::error::{Error, ErrorKind, Fault, position};
use crate::hashing::{IdMap, IdSet};
use crate::lexer::LAMBDA;
use crate::limits::Limits;
use crate::parser::parse_tree;
use crate::result::{Assumptions, Ignored, Normalised, NoteKind, Status};
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
    let at = output::node_at(&tree, line, column)?.at;
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

    /// An error that says more, where a declaration is missing since it was forgotten.
    fn explain(&self, fault: Fault) -> Fault {
        match fault.kind {
            ErrorKind::Undeclared { name } | ErrorKind::UndeclaredSort { name } if self.assertions_reset => {
                Fault::new(fault.at, ErrorKind::Forgotten { name })
            }
            _ => fault,
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
}
