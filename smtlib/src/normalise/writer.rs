//! The output tree, written from left to right.
//!
//! Must never: be left with an open parenthesis at the end of a command.

use crate::tree::{Kind, Name, Node};

/// Appends nodes and keeps track of what is open.
#[derive(Default)]
pub(super) struct Writer {
    nodes: Vec<Node>,
    open: Vec<u32>,
}

impl Writer {
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
        self.push(node.kind, node.text);
    }

    pub(super) fn push(&mut self, kind: Kind, text: Name) {
        // Each node stems from a token or from one of a few that a token may add.
        let end = self.nodes.len() as u32 + 1;
        self.nodes.push(Node { kind, quoted: false, text, end, at: 0 });
    }

    /// Where the next node will stand.
    pub(super) fn mark(&self) -> usize {
        self.nodes.len()
    }

    /// Forgets everything from a mark on.
    pub(super) fn truncate(&mut self, mark: usize) {
        self.nodes.truncate(mark);
        self.open.retain(|opened| (*opened as usize) < mark);
    }

    pub(super) fn finish(self) -> Vec<Node> {
        self.nodes
    }
}
