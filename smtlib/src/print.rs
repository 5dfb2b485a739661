//! From the tree to the one text that says it: single spaces, one command a line, bars only where they are needed.
//! Reading it again gives the same tree.
//!
//! Must never: print a byte that does not come from the tree.

use crate::lexer::is_symbol_byte;
use crate::tree::{Kind, Node, Tree};

/// The text of a whole tree, each outermost expression on a line of its own.
pub fn print(tree: &Tree) -> String {
    // About what a node takes: growing to it step by step would write everything twice.
    let mut text = String::with_capacity(tree.nodes.len() * 5);
    for index in tree.top() {
        print_expression(tree, index, &mut text);
        text.push('\n');
    }
    text
}

/// Appends one expression. Cost: O(its nodes and their texts).
pub fn print_expression(tree: &Tree, index: u32, text: &mut String) {
    let nodes = &tree.nodes[index as usize..tree.node(index).end as usize];
    let mut space = false;
    for node in nodes {
        match node.kind {
            Kind::Open => text.push_str(if space { " (" } else { "(" }),
            Kind::Close => text.push(')'),
            _ => {
                if space {
                    text.push(' ');
                }
                print_node(tree, node, text);
            }
        }
        space = node.kind != Kind::Open;
    }
}

/// Appends one parenthesis or atom.
pub(crate) fn print_node(tree: &Tree, node: &Node, text: &mut String) {
    match node.kind {
        Kind::Open => return text.push('('),
        Kind::Close => return text.push(')'),
        Kind::Symbol | Kind::Numeral | Kind::Decimal => {}
        Kind::Keyword => text.push(':'),
        Kind::Hexadecimal => text.push_str("#x"),
        Kind::Binary => text.push_str("#b"),
        Kind::String => text.push('"'),
    }
    let name = tree.names.text(node.text);
    match node.kind {
        Kind::Symbol if needs_bars(name) => text.extend(["|", name, "|"]),
        Kind::String => text.extend([name, "\""]),
        _ => text.push_str(name),
    }
}

/// Whether a symbol can be read back only between bars. A sign or a point before a digit gets them too: the solver reads
/// `-1` as a number.
pub(crate) fn needs_bars(name: &str) -> bool {
    let bytes = name.as_bytes();
    match bytes {
        [] | [b'0'..=b'9', ..] | [b'-' | b'+' | b'.', b'0'..=b'9' | b'.', ..] => true,
        _ => !bytes.iter().all(|byte| is_symbol_byte(*byte)),
    }
}
