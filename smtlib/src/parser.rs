//! From tokens to the tree. Iterative: depth is a number here, not a stack.
//!
//! Must never: know a command or a function by name.

use crate::error::{Error, ErrorKind, Fault};
use crate::lexer::Lexer;
use crate::limits::Limits;
use crate::tree::{Kind, Node, Tree};

/// Reads a script into its tree.
///
/// # Errors
/// Every rule of the lexer, and parentheses that do not match or are nested too deeply.
pub fn parse(script: &[u8], limits: &Limits) -> Result<Tree, Error> {
    parse_tree(script, limits).map_err(|fault| fault.locate(script))
}

pub(crate) fn parse_tree(script: &[u8], limits: &Limits) -> Result<Tree, Fault> {
    let mut lexer = Lexer::new(script, limits)?;
    let mut tree = Tree::default();
    let mut open: Vec<u32> = Vec::new();
    let nothing = tree.names.intern("");
    while let Some(token) = lexer.next_token()? {
        // The lexer refuses scripts whose tokens 32 bits could not count.
        let index = tree.nodes.len() as u32;
        let text = if token.text.is_empty() { nothing } else { tree.names.intern(&token.text) };
        tree.foreign.extend(token.foreign.map(|foreign| (index, foreign)));
        tree.nodes.push(Node { kind: token.kind, quoted: token.quoted, text, end: index + 1, at: token.at });
        match token.kind {
            Kind::Open => {
                if open.len() >= limits.depth_max as usize {
                    return Err(Fault::new(token.at, ErrorKind::Depth { limit: limits.depth_max }));
                }
                open.push(index);
            }
            Kind::Close => {
                let opened = open.pop().ok_or(Fault::new(token.at, ErrorKind::ClosesNothing))?;
                tree.nodes[opened as usize].end = index + 1;
            }
            Kind::Symbol
            | Kind::Keyword
            | Kind::Numeral
            | Kind::Decimal
            | Kind::Hexadecimal
            | Kind::Binary
            | Kind::String => {}
        }
    }
    match open.pop() {
        Some(opened) => Err(Fault::new(tree.node(opened).at, ErrorKind::NeverClosed)),
        None => Ok(tree),
    }
}
