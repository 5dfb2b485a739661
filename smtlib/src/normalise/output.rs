//! From what was read to the result: the tree that is printed, its text, and where in the script each place of it stood.
//!
//! Must never: change what was decided.

use super::writer::Writer;
use super::{Normaliser, Remark};
use crate::error::Place;
use crate::print::{print, print_node};
use crate::result::{self, Normalised, Note};
use crate::tree::{Kind, Name, Node, Tree};

impl Normaliser<'_> {
    /// The tree that is printed.
    pub(super) fn output(self) -> Tree {
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

    pub(super) fn finish(mut self, script: &[u8]) -> Normalised {
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

/// The node that is printed at a line and column, or the last one before.
pub(super) fn node_at(tree: &Tree, line: u32, column: u32) -> Option<Node> {
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
