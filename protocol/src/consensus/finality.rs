//! What is final (R9), and what may be forgotten then.

use super::events::{Effect, Halt};
use super::proofs::Proofs;
use super::proposals::Proposals;
use super::safety::Safety;
use super::sync::{Resolver, Want};
use super::tree::{NotExecuted, Tree};
use super::votes::{Certificates, Votes};
use crate::certificate::Certificate;
use crate::types::{Hash, Sequence};
use alloc::collections::BTreeSet;

/// What changes when blocks become final.
pub struct Finality<'a> {
    pub safety: &'a Safety,
    pub proposals: &'a Proposals,
    pub votes: &'a Votes,
    pub proofs: &'a mut Proofs,
    pub tree: &'a mut Tree,
    pub resolver: &'a mut Resolver,
}

impl Finality<'_> {
    /// R9, by the highest Commit certificate.
    ///
    /// # Errors
    /// As [`Finality::finalize`].
    pub fn finalize_highest(&mut self) -> Result<Option<Effect>, Halt> {
        // Looked at in every step: a certificate of many signatures is not copied for that.
        match self.votes.certificates().commit() {
            Some(commit) => self.finalize(commit),
            None => Ok(None),
        }
    }

    /// R9: a Commit certificate makes its block and all ancestors final, once they are here. None if that was so before, or
    /// while an ancestor is missing, which is asked for.
    ///
    /// # Errors
    /// What must end the process: a final block that this validator cannot follow.
    pub fn finalize(&mut self, commit: &Certificate) -> Result<Option<Effect>, Halt> {
        let Some(id) = commit.block().filter(|id| *id != self.tree.base()) else { return Ok(None) };
        match self.tree.path(&id) {
            Ok(_) => self.make_final(id, commit),
            Err(NotExecuted::Missing(missing)) => {
                let above = self.tree.base_sequence();
                self.resolver.want(Want::Block { id: missing, above }, None, commit.signers());
                Ok(None)
            }
            Err(NotExecuted::Elsewhere | NotExecuted::Fault(_) | NotExecuted::OtherRoot { .. }) => {
                let sequence = self.tree.block(&id).map_or(Sequence(0), |block| block.header.sequence);
                Err(Halt::TwoHistories { sequence, id, other: self.tree.base() })
            }
            Err(NotExecuted::Branch(error)) => Err(Halt::Database(error)),
        }
    }

    fn make_final(&mut self, id: Hash, commit: &Certificate) -> Result<Option<Effect>, Halt> {
        if let Some((id, fault)) = self.tree.first_fault(&id) {
            return self.no_way_on(id, fault);
        }
        let mut blocks = match self.tree.finalize(&id) {
            Ok(blocks) => blocks,
            Err((id, fault)) => return self.no_way_on(id, fault),
        };
        for block in &mut blocks {
            block.prepare = self.votes.prepare_of(&block.id);
        }
        self.proofs.finalize(&blocks, &self.proposals.awaited(self.safety));
        self.forget_unreachable();
        Ok(Some(Effect::Final { blocks, commit: commit.clone() }))
    }

    fn no_way_on(&self, id: Hash, fault: NotExecuted) -> Result<Option<Effect>, Halt> {
        let Some(header) = self.tree.block(&id).map(|block| &block.header) else { return Ok(None) };
        let sequence = header.sequence;
        Err(match fault {
            NotExecuted::OtherRoot { mine } => Halt::OtherStateRoot { sequence, id, theirs: header.state, mine },
            NotExecuted::Fault(fault) => Halt::FinalBlockInvalid { sequence, id, fault },
            NotExecuted::Branch(error) => Halt::Database(error),
            NotExecuted::Missing(_) | NotExecuted::Elsewhere => {
                Halt::TwoHistories { sequence, id, other: self.tree.base() }
            }
        })
    }

    /// Blocks without a known way to the last final one are kept for what is proposed or prepared on top of them.
    fn forget_unreachable(&mut self) {
        let certificates = self.votes.certificates();
        let prepared = certificates.prepares_above_commit().chain(certificates.commit());
        let prepared = prepared.filter_map(Certificate::block);
        let proposed = self.proposals.iter().map(|(_, kept)| kept.id);
        self.tree.forget_unreachable(proposed.chain(prepared));
    }
}

/// The blocks whose votes are kept for inclusion: the reward window's, and what may still be built upon.
pub fn includable(tree: &Tree, proposals: &Proposals, certificates: &Certificates) -> BTreeSet<Hash> {
    let window = tree.base_ledger().window(&tree.base());
    let above = tree.above().map(|(id, _)| *id);
    let prepared = certificates.prepares_above_commit().filter_map(Certificate::block);
    let commit = certificates.commit_view();
    let proposed = proposals.iter().filter(|(view, _)| *view > commit).map(|(_, kept)| kept.id);
    window.into_iter().chain(above).chain(prepared).chain(proposed).chain([tree.base()]).collect()
}
