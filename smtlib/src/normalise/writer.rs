//! The output tree, written from left to right, and changed afterwards where only what follows tells what was to be
//! written: which of several functions of one name, or whether a numeral stands for an Int or a Real.
//!
//! Must never: be left with an open parenthesis at the end of a command.

use crate::tree::{Kind, Name, Node, Tree};

/// Appends nodes and keeps track of what is open.
#[derive(Default)]
pub(super) struct Writer {
    nodes: Vec<Node>,
    open: Vec<u32>,
    /// What stands at a place instead of the one node that was written there.
    splices: Vec<(usize, Vec<Atom>)>,
    /// Where in the script is what is being read, in bytes: every node is said to come from there.
    here: u32,
}

/// A node before it has a place.
pub(super) type Atom = (Kind, Name);

impl Writer {
    /// What is written from here on stems from this place of the script.
    pub(super) fn from(&mut self, at: u32) {
        self.here = at;
    }

    pub(super) fn open(&mut self) {
        self.open.push(self.nodes.len() as u32);
        self.push(Kind::Open, Name(0));
    }

    pub(super) fn close(&mut self) {
        let opened = self.open.pop().expect("every close is written by the code that wrote its open");
        self.push(Kind::Close, Name(0));
        self.nodes[opened as usize].end = self.nodes.len() as u32;
    }

    pub(super) fn symbol(&mut self, name: Name) {
        self.push(Kind::Symbol, name);
    }

    /// An atom as it stands in the script.
    pub(super) fn copy(&mut self, node: Node) {
        self.here = node.at;
        self.push(node.kind, node.text);
    }

    pub(super) fn push(&mut self, kind: Kind, text: Name) {
        // Each node stems from a token or from one of a few that a token may add.
        let end = self.nodes.len() as u32 + 1;
        self.nodes.push(Node { kind, quoted: false, text, end, at: self.here });
    }

    /// Where the next node will stand.
    pub(super) fn mark(&self) -> usize {
        self.nodes.len()
    }

    /// Forgets everything from a mark on.
    pub(super) fn truncate(&mut self, mark: usize) {
        self.nodes.truncate(mark);
        self.open.retain(|opened| (*opened as usize) < mark);
        self.splices.retain(|(place, _)| *place < mark);
    }

    /// Forgets what was written since a mark, of which every parenthesis is closed and no place is to be changed. Cost: O(1) for
    /// each node.
    pub(super) fn forget(&mut self, mark: usize) {
        self.nodes.truncate(mark);
    }

    /// The nodes from one place to another, to be changed one by one.
    pub(super) fn between(&mut self, start: usize, end: usize) -> &mut [Node] {
        &mut self.nodes[start..end]
    }

    /// Puts another atom in the place of the one that was written there.
    pub(super) fn set(&mut self, place: usize, kind: Kind, text: Name) {
        self.nodes[place].kind = kind;
        self.nodes[place].text = text;
    }

    /// Puts atoms, parentheses that match among them, in the place of the one node that was written there.
    pub(super) fn replace(&mut self, place: usize, atoms: Vec<Atom>) {
        match atoms[..] {
            [(kind, text)] => self.set(place, kind, text),
            _ => self.splices.push((place, atoms)),
        }
    }

    /// Carries out what was replaced since the mark. Called where no parenthesis is open. Cost: O(nodes since then) if anything
    /// was.
    pub(super) fn settle(&mut self, mark: usize) {
        if self.splices.is_empty() {
            return;
        }
        // Inner applications end before the outer ones, which begin before them.
        self.splices.sort_unstable_by_key(|(place, _)| *place);
        let written = self.nodes.split_off(mark);
        let mut splices = std::mem::take(&mut self.splices).into_iter().peekable();
        for (offset, node) in written.into_iter().enumerate() {
            self.here = node.at;
            match splices.next_if(|(place, _)| *place == mark + offset) {
                Some((_, atoms)) => atoms.into_iter().for_each(|(kind, text)| self.again(kind, text)),
                None => self.again(node.kind, node.text),
            }
        }
    }

    fn again(&mut self, kind: Kind, text: Name) {
        match kind {
            Kind::Open => self.open(),
            Kind::Close => self.close(),
            _ => self.push(kind, text),
        }
    }

    /// Takes the commands from a mark on away.
    pub(super) fn take(&mut self, mark: usize) -> Vec<Node> {
        self.nodes.split_off(mark)
    }

    /// Appends commands that were taken from another place.
    pub(super) fn append(&mut self, commands: Vec<Node>) {
        for node in commands {
            self.here = node.at;
            self.again(node.kind, node.text);
        }
    }

    pub(super) fn finish(self, tree: &mut Tree) {
        tree.nodes = self.nodes;
        tree.foreign.clear();
    }
}
