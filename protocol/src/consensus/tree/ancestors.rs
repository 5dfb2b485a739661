//! Which proofs and statements a branch holds already, from a block down to the database.

use crate::block::Block;
use crate::ledger::{Branch, BranchError};
use crate::types::{Hash, Sequence};
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;

/// A block whose proofs are found without a look at each.
#[derive(Debug)]
pub struct Indexed {
    pub block: Block,
    pub proofs: BTreeSet<Hash>,
}

impl From<Block> for Indexed {
    fn from(block: Block) -> Indexed {
        let proofs = block.body.proofs.iter().map(|entry| entry.proof).collect();
        Indexed { block, proofs }
    }
}

/// Proofs of some blocks.
pub struct ProofsOf<'a>(pub Vec<&'a BTreeSet<Hash>>);

impl ProofsOf<'_> {
    /// Cost: O(blocks × log proofs).
    pub fn contains(&self, proof: &Hash) -> bool {
        self.0.iter().any(|proofs| proofs.contains(proof))
    }
}

/// What lies below a block: the path above the base, what is final but not applied, and the database.
pub struct AncestorIndex<'a> {
    pub path: Vec<&'a Indexed>,
    pub unapplied: &'a BTreeMap<Sequence, Indexed>,
    pub branch: &'a dyn Branch,
}

impl AncestorIndex<'_> {
    fn blocks(&self) -> impl Iterator<Item = &Indexed> {
        self.path.iter().copied().chain(self.unapplied.values())
    }
}

impl Branch for AncestorIndex<'_> {
    fn has_proof(&self, proof: &Hash) -> Result<bool, BranchError> {
        Ok(self.blocks().any(|block| block.proofs.contains(proof)) || self.branch.has_proof(proof)?)
    }

    fn has_statement(&self, statement: &Hash) -> Result<bool, BranchError> {
        let mut entries = self.blocks().flat_map(|block| &block.block.body.proofs);
        Ok(entries.any(|entry| entry.statement == *statement) || self.branch.has_statement(statement)?)
    }
}
