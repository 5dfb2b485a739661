//! The tree of blocks above the last final one, and their execution.
//!
//! Execution is on an overlay over the parent, so several prepared blocks may share a sequence. What became final
//! stays here until the database answers for it.

mod ancestors;

use super::events::FinalBlock;
use crate::block::{Block, BlockLimits};
use crate::ledger::{Branch, BranchError, Ledger, LedgerFault, NoLedger, Position};
use crate::quorum::ValidatorSet;
use crate::types::{Hash, Sequence};
use alloc::boxed::Box;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::sync::Arc;
use alloc::vec::Vec;
pub use ancestors::ProofsOf;
use ancestors::{AncestorIndex, Indexed};

/// Why a block has no ledger here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotExecuted {
    /// This ancestor's body is missing; it is a descendant of nothing that is known.
    Missing(Hash),
    /// It does not descend from the last final block.
    Elsewhere,
    Fault(LedgerFault),
    /// It executes, to another root than its header names.
    OtherRoot {
        mine: Hash,
    },
    /// The database does not say what is final, so nothing is known of this block.
    Branch(BranchError),
}

impl From<NoLedger> for NotExecuted {
    fn from(none: NoLedger) -> NotExecuted {
        match none {
            NoLedger::Fault(fault) => NotExecuted::Fault(fault),
            NoLedger::Branch(error) => NotExecuted::Branch(error),
        }
    }
}

#[derive(Debug)]
struct Linked {
    block: Indexed,
    outcome: Option<Result<Ledger, NotExecuted>>,
}

/// Blocks above the base, which is the last final block.
pub struct Tree {
    set: Arc<ValidatorSet>,
    limits: BlockLimits,
    branch: Box<dyn Branch + Send>,
    base: Hash,
    ledger: Ledger,
    above: BTreeMap<Hash, Linked>,
    /// Final blocks that the database may not hold yet.
    unapplied: BTreeMap<Sequence, Indexed>,
}

impl Tree {
    pub fn new(
        set: Arc<ValidatorSet>,
        limits: BlockLimits,
        branch: Box<dyn Branch + Send>,
        base: Hash,
        ledger: Ledger,
    ) -> Self {
        Tree { set, limits, branch, base, ledger, above: BTreeMap::new(), unapplied: BTreeMap::new() }
    }

    /// The last final block.
    pub fn base(&self) -> Hash {
        self.base
    }

    pub fn base_sequence(&self) -> Sequence {
        self.ledger.sequence()
    }

    pub fn base_ledger(&self) -> &Ledger {
        &self.ledger
    }

    pub fn has(&self, id: &Hash) -> bool {
        *id == self.base || self.above.contains_key(id)
    }

    /// A block above the base.
    pub fn block(&self, id: &Hash) -> Option<&Block> {
        self.above.get(id).map(|linked| &linked.block.block)
    }

    /// Enters a body. One at or below the base's sequence is of no use and is left out.
    pub fn insert(&mut self, block: Block) {
        if block.header.sequence > self.base_sequence() {
            self.above.entry(block.id()).or_insert_with(|| Linked { block: block.into(), outcome: None });
        }
    }

    /// The blocks from just above the base up to `id`.
    ///
    /// # Errors
    /// [`NotExecuted::Missing`] names the nearest missing ancestor, [`NotExecuted::Elsewhere`] says that there is none.
    pub fn path(&self, id: &Hash) -> Result<Vec<Hash>, NotExecuted> {
        let mut path = Vec::new();
        let mut at = *id;
        let mut above = None;
        while at != self.base {
            match self.above.get(&at) {
                Some(linked) => {
                    above = Some(linked.block.block.header.sequence);
                    path.push(at);
                    at = linked.block.block.header.parent;
                }
                // Its child is just above the base, so it would have to be the base.
                None if above == Some(self.base_sequence().next()) => return Err(NotExecuted::Elsewhere),
                None => return Err(NotExecuted::Missing(at)),
            }
        }
        path.reverse();
        Ok(path)
    }

    /// The ledger after a block, executing what was not executed yet. The cost is that of the new blocks.
    ///
    /// # Errors
    /// The first reason on its path why there is none.
    pub fn ledger(&mut self, id: &Hash) -> Result<&Ledger, NotExecuted> {
        if *id == self.base {
            return Ok(&self.ledger);
        }
        let path = self.path(id)?;
        let mut parent = self.base;
        for at in &path {
            if self.above.get(at).is_some_and(|linked| linked.outcome.is_none()) {
                let outcome = self.execute_header(&parent, at, &path);
                if let Some(linked) = self.above.get_mut(at) {
                    linked.outcome = Some(outcome);
                }
            }
            if let Some(Linked { outcome: Some(Err(fault)), .. }) = self.above.get(at) {
                return Err(fault.clone());
            }
            parent = *at;
        }
        self.executed(id).ok_or(NotExecuted::Missing(*id))
    }

    /// The state after a body on top of `parent`, for a header that does not exist yet or is to be compared.
    ///
    /// # Errors
    /// As [`Tree::ledger`] for the parent, or the body's own fault.
    pub fn execute(&mut self, at: Position, body: &crate::block::Body) -> Result<Ledger, NotExecuted> {
        self.ledger(&at.parent)?;
        let path = self.path(&at.parent)?;
        self.execute_on(at, body, &path)
    }

    fn execute_header(&self, parent: &Hash, id: &Hash, path: &[Hash]) -> Result<Ledger, NotExecuted> {
        let block = self.block(id).ok_or(NotExecuted::Missing(*id))?;
        let below: Vec<Hash> = path.iter().take_while(|at| *at != id).copied().collect();
        let at = Position { parent: *parent, sequence: block.header.sequence, time: block.header.time };
        let ledger = self.execute_on(at, &block.body, &below)?;
        let mine = ledger.root();
        if mine == block.header.state { Ok(ledger) } else { Err(NotExecuted::OtherRoot { mine }) }
    }

    fn execute_on(&self, at: Position, body: &crate::block::Body, path: &[Hash]) -> Result<Ledger, NotExecuted> {
        let parent = self.executed(&at.parent).ok_or(NotExecuted::Missing(at.parent))?;
        let below = self.below(path);
        Ok(parent.execute(&self.set, at, body, self.limits, &below)?)
    }

    fn executed(&self, id: &Hash) -> Option<&Ledger> {
        if *id == self.base {
            return Some(&self.ledger);
        }
        self.above.get(id)?.outcome.as_ref()?.as_ref().ok()
    }

    fn below(&self, path: &[Hash]) -> AncestorIndex<'_> {
        AncestorIndex {
            path: path.iter().filter_map(|id| self.above.get(id)).map(|linked| &linked.block).collect(),
            unapplied: &self.unapplied,
            branch: &*self.branch,
        }
    }

    /// The proofs of the blocks from just above the base up to `tip`: what a block on top of it may not repeat.
    pub fn proofs_above_base(&self, tip: &Hash) -> ProofsOf<'_> {
        let path = self.path(tip).unwrap_or_default();
        ProofsOf(path.iter().filter_map(|id| self.above.get(id)).map(|linked| &linked.block.proofs).collect())
    }

    /// Whether a proof is final, as far as this validator knows.
    ///
    /// # Errors
    /// [`BranchError`] if the database cannot say so.
    pub fn is_final(&self, proof: &Hash) -> Result<bool, BranchError> {
        self.below(&[]).has_proof(proof)
    }

    /// Makes `id`, whose ledger exists, the base. Returns the blocks that became final, ascending, and drops what does
    /// not descend from it.
    ///
    /// # Errors
    /// As [`Tree::ledger`].
    pub fn finalize(&mut self, id: &Hash) -> Result<Vec<FinalBlock>, (Hash, NotExecuted)> {
        self.ledger(id).map_err(|fault| (*id, fault))?;
        let path = self.path(id).map_err(|fault| (*id, fault))?;
        let mut blocks = Vec::with_capacity(path.len());
        for at in path {
            let Some(Linked { block, outcome: Some(Ok(ledger)) }) = self.above.remove(&at) else {
                return Err((at, NotExecuted::Missing(at)));
            };
            self.base = at;
            self.ledger = ledger.clone();
            blocks.push(FinalBlock { id: at, block: block.block.clone(), ledger, prepare: None });
            self.unapplied.insert(block.block.header.sequence, block);
        }
        let dead: Vec<Hash> =
            self.above.keys().filter(|id| self.path(id) == Err(NotExecuted::Elsewhere)).copied().collect();
        let base = self.base_sequence();
        self.above.retain(|id, linked| linked.block.block.header.sequence > base && !dead.contains(id));
        Ok(blocks)
    }

    /// Drops what neither descends from the base nor leads to one of `awaited`: a bad leader may propose, in each of its
    /// views, a block that no final block will ever lead to.
    pub fn forget_unreachable(&mut self, awaited: impl IntoIterator<Item = Hash>) {
        let mut leading = BTreeSet::new();
        for mut at in awaited {
            while let Some(linked) = self.above.get(&at).filter(|_| leading.insert(at)) {
                at = linked.block.block.header.parent;
            }
        }
        let reachable = |id: &Hash| leading.contains(id) || self.path(id).is_ok();
        let lost: Vec<Hash> = self.above.keys().filter(|id| !reachable(id)).copied().collect();
        lost.iter().for_each(|id| _ = self.above.remove(id));
    }

    /// The first block on the path to `id` that does not execute, and why.
    pub fn first_fault(&mut self, id: &Hash) -> Option<(Hash, NotExecuted)> {
        let path = self.path(id).ok()?;
        path.into_iter().find_map(|at| self.ledger(&at).err().map(|fault| (at, fault)))
    }

    /// The database answers for everything up to this sequence. It may be ahead of what is final here: when consensus
    /// was restarted from a block that the database has since moved past.
    pub fn applied(&mut self, sequence: Sequence) {
        let sequence = sequence.min(self.base_sequence());
        self.branch.applied(sequence);
        self.unapplied = self.unapplied.split_off(&sequence.next());
    }

    pub fn unapplied(&self) -> impl Iterator<Item = &Block> {
        self.unapplied.values().map(|indexed| &indexed.block)
    }

    pub fn above(&self) -> impl Iterator<Item = (&Hash, &Block)> {
        self.above.iter().map(|(id, linked)| (id, &linked.block.block))
    }
}
