//! `(List T)` with `nil`, `insert`, `head` and `tail`, which the solver has and a script may use without declaring it.
//!
//! Such a script is read as if the datatype were declared in front of it, so that it means what the script's own would:
//! testers, instances and what a script itself calls `head` are handled in one place only.
//!
//! Must never: declare it where the script does.

use crate::error::{ErrorKind, Fault};
use crate::tree::{Kind, Name, Node, Tree};

const NAME: &str = "List";

/// The solver's own, as it stands in its sources.
const DECLARATION: &str = "( declare-datatypes ( ( List 1 ) ) ( ( par ( T ) ( ( nil ) \
                           ( insert ( head T ) ( tail ( List T ) ) ) ) ) ) )";

/// Whether reading failed because nobody declares `List`.
pub(super) fn is_meant(fault: &Fault) -> bool {
    matches!(&fault.kind, ErrorKind::UndeclaredSort { name } if name == NAME)
}

/// The script with the datatype declared before anything else is declared or asserted. `at` is where it is used first.
///
/// Cost: linear in the script.
pub(super) fn declare(mut tree: Tree, at: u32) -> Tree {
    let first = tree.top().find(|command| begins(&tree, *command)).unwrap_or(0);
    let declaration = nodes(&mut tree, first, at);
    let length = declaration.len() as u32;
    let behind = tree.nodes.split_off(first as usize);
    tree.nodes.extend(declaration);
    tree.foreign.iter_mut().filter(|(node, _)| *node >= first).for_each(|(node, _)| *node += length);
    tree.nodes.extend(behind.into_iter().map(|node| Node { end: node.end + length, ..node }));
    tree
}

/// Whether a command is one that must come after the declaration.
fn begins(tree: &Tree, command: u32) -> bool {
    let head = tree.children(command).next();
    head.is_some_and(|head| {
        let name = tree.text(head);
        ["declare-", "define-"].iter().any(|prefix| name.starts_with(prefix)) || ["assert", "push"].contains(&name)
    })
}

/// The declaration's nodes, as if it were read at an index.
fn nodes(tree: &mut Tree, index: u32, at: u32) -> Vec<Node> {
    let nothing: Name = tree.names.intern("");
    let mut nodes: Vec<Node> = Vec::new();
    let mut open = Vec::new();
    for token in DECLARATION.split_ascii_whitespace() {
        let here = nodes.len();
        let (kind, text) = match token {
            "(" => (Kind::Open, nothing),
            ")" => (Kind::Close, nothing),
            "1" => (Kind::Numeral, tree.names.intern(token)),
            _ => (Kind::Symbol, tree.names.intern(token)),
        };
        let end = index + here as u32 + 1;
        nodes.push(Node { kind, quoted: false, text, end, at });
        if kind == Kind::Open {
            open.push(here);
        } else if kind == Kind::Close
            && let Some(opened) = open.pop()
        {
            nodes[opened].end = end;
        }
    }
    nodes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Limits, normalise, parse, print};

    #[test]
    fn the_declaration_stands_where_it_would_have_been_read() {
        let script = "(set-logic ALL)\n(assert p)\n(check-sat)";
        let limits = Limits::default();
        let declared = declare(parse(script.as_bytes(), &limits).unwrap(), 0);
        let written = format!("(set-logic ALL)\n{DECLARATION}\n(assert p)\n(check-sat)");
        assert_eq!(print(&declared), print(&parse(written.as_bytes(), &limits).unwrap()));
        assert_eq!(declared, parse(written.as_bytes(), &limits).unwrap());
    }

    #[test]
    fn a_list_of_the_scripts_own_is_left_alone() {
        let limits = Limits::default();
        let of = |script: &str| normalise(script.as_bytes(), &limits).unwrap().text;
        assert!(of("(declare-const l (List Int))(assert (= l l))(check-sat)").contains("insert"));
        assert!(!of("(declare-sort List 1)(declare-const l (List Int))(assert (= l l))(check-sat)").contains("insert"));
    }
}
