//! What stands at a node of the script, as what was expected there, and errors that say where.
//!
//! Must never: take what stands there for anything else.

use super::{Normaliser, Parts};
use crate::error::{ErrorKind, Fault, clip};
use crate::lexer::{LAMBDA, RESERVED};
use crate::tree::{Kind, Name};

impl Normaliser<'_> {
    pub(super) fn at(&self, index: u32) -> u32 {
        self.tree.node(index).at
    }

    pub(super) fn fault(&self, index: u32, kind: ErrorKind) -> Fault {
        Fault::new(self.at(index), kind)
    }

    /// An error that names what stands at an index.
    pub(super) fn fault_of(&self, index: u32, kind: impl FnOnce(String) -> ErrorKind) -> Fault {
        self.fault(index, kind(self.clipped(index)))
    }

    pub(super) fn clipped(&self, index: u32) -> String {
        match self.tree.node(index).kind {
            Kind::Open => "a list".to_owned(),
            _ => clip(self.tree.text(index)),
        }
    }

    pub(super) fn clipped_name(&self, name: Name) -> String {
        clip(self.tree.names.text(name))
    }

    pub(super) fn children(&self, index: u32) -> Parts {
        self.tree.children(index).collect()
    }

    pub(super) fn expected(&self, index: u32, what: &'static str) -> Fault {
        self.fault(index, ErrorKind::Expected { what })
    }

    /// The name of the symbol at an index.
    pub(super) fn symbol(&self, index: u32, what: &'static str) -> Result<Name, Fault> {
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
    pub(super) fn list(&self, index: u32, what: &'static str) -> Result<Parts, Fault> {
        match self.tree.node(index).kind {
            Kind::Open => Ok(self.children(index)),
            _ => Err(self.expected(index, what)),
        }
    }

    /// The number at an index, at most the limit.
    pub(super) fn number(&self, index: u32, limit: u32) -> Result<u32, Fault> {
        if self.tree.node(index).kind != Kind::Numeral {
            return Err(self.expected(index, "a numeral"));
        }
        match self.tree.text(index).parse::<u32>() {
            Ok(value) if value <= limit => Ok(value),
            _ => Err(self.fault_of(index, |text| ErrorKind::Index { text, limit })),
        }
    }
}
