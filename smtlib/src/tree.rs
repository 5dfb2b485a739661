//! The tree of a script: symbolic expressions, flat in one vector, so that depth costs no stack and nothing needs a
//! recursive drop.
//!
//! Must never: hold a slice of the submitted bytes; what is printed comes from here.

use std::collections::HashMap;

use crate::hashing::short_hash;

/// A byte that only comments and ignored commands may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Foreign {
    /// Where it stands, in bytes.
    pub at: u32,
    pub byte: u8,
}

/// An interned text: a symbol without its bars, a literal without its marks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Name(pub(crate) u32);

/// Every distinct text of a script, once.
#[derive(Clone, Debug, Default)]
pub struct Names {
    texts: Vec<Box<str>>,
    ids: HashMap<Box<str>, Name>,
    /// The names that were last interned, by a short hash: most symbols stand in a script again and again, and the map's own
    /// hash, which no script can make collide, costs more.
    recent: Vec<Name>,
}

/// Places for recent names.
const RECENT: usize = 1 << 11;

impl Names {
    /// The name of this text, made if it is new.
    pub fn intern(&mut self, text: &str) -> Name {
        self.recent.resize(RECENT, Name(0));
        let place = short_hash(text) % RECENT;
        let recent = self.recent[place];
        if self.texts.get(recent.0 as usize).is_some_and(|found| **found == *text) {
            return recent;
        }
        let name = self.ids.get(text).copied().unwrap_or_else(|| self.make(text));
        self.recent[place] = name;
        name
    }

    fn make(&mut self, text: &str) -> Name {
        // Tokens are counted in 32 bits, and names are made only for tokens and (boundedly) for renamed ones.
        let name = Name(u32::try_from(self.texts.len()).expect("fewer names than tokens, which 32 bits count"));
        self.texts.push(text.into());
        self.ids.insert(text.into(), name);
        name
    }

    /// The name of this text, if the script has it.
    pub fn find(&self, text: &str) -> Option<Name> {
        self.ids.get(text).copied()
    }

    /// The text behind a name.
    pub fn text(&self, name: Name) -> &str {
        &self.texts[name.0 as usize]
    }
}

/// What a node is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    Open,
    Close,
    Symbol,
    Keyword,
    Numeral,
    Decimal,
    Hexadecimal,
    Binary,
    String,
}

/// One parenthesis or atom.
#[derive(Clone, Copy, Debug)]
pub struct Node {
    pub kind: Kind,
    /// A symbol was written between bars.
    pub quoted: bool,
    /// The text of an atom; of a parenthesis, the empty text's.
    pub text: Name,
    /// The index just behind the whole expression that begins here.
    pub end: u32,
    /// Where it stood in the script, in bytes.
    pub at: u32,
}

/// A sequence of expressions with the names they use.
#[derive(Clone, Debug, Default)]
pub struct Tree {
    pub nodes: Vec<Node>,
    pub names: Names,
    /// Atoms with bytes that only ignored text may hold, in the order of the nodes.
    pub(crate) foreign: Vec<(u32, Foreign)>,
}

impl Tree {
    /// The first byte within the expression at an index that only ignored text may hold, and the node that has it.
    pub(crate) fn foreign_in(&self, index: u32) -> Option<(u32, Foreign)> {
        let first = self.foreign.partition_point(|(node, _)| *node < index);
        self.foreign.get(first).copied().filter(|(node, _)| *node < self.node(index).end)
    }

    /// The node at an index.
    pub fn node(&self, index: u32) -> Node {
        self.nodes[index as usize]
    }

    /// The text of the node at an index.
    pub fn text(&self, index: u32) -> &str {
        self.names.text(self.node(index).text)
    }

    /// The expressions directly inside the list at an index; none for an atom.
    pub fn children(&self, list: u32) -> Children<'_> {
        let node = self.node(list);
        match node.kind {
            Kind::Open => Children { nodes: &self.nodes, next: list + 1, end: node.end - 1 },
            _ => Children { nodes: &self.nodes, next: list, end: list },
        }
    }

    /// The outermost expressions.
    pub fn top(&self) -> Children<'_> {
        Children { nodes: &self.nodes, next: 0, end: self.nodes.len() as u32 }
    }

    /// Whether two ranges of nodes of this tree say the same, wherever they stand.
    pub fn same(&self, left: u32, right: u32) -> bool {
        let (a, b) = (self.node(left), self.node(right));
        let (left, right) = (left as usize..a.end as usize, right as usize..b.end as usize);
        left.len() == right.len()
            && self.nodes[left].iter().zip(&self.nodes[right]).all(|(a, b)| a.kind == b.kind && a.text == b.text)
    }
}

/// Trees are equal when they say the same: positions, bars that were not needed and unused names do not count.
impl PartialEq for Tree {
    fn eq(&self, other: &Self) -> bool {
        self.nodes.len() == other.nodes.len()
            && self
                .nodes
                .iter()
                .zip(&other.nodes)
                .all(|(a, b)| a.kind == b.kind && a.end == b.end && self.names.text(a.text) == other.names.text(b.text))
    }
}

impl Eq for Tree {}

/// Iterator over sibling expressions: yields the index of each.
#[derive(Clone, Debug)]
pub struct Children<'a> {
    nodes: &'a [Node],
    next: u32,
    end: u32,
}

impl Iterator for Children<'_> {
    type Item = u32;

    fn next(&mut self) -> Option<u32> {
        (self.next < self.end).then(|| {
            let index = self.next;
            self.next = self.nodes[index as usize].end;
            index
        })
    }
}
