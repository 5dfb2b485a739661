//! What is final (R9), and shortening the log once the database holds it.

use super::events::{Effect, Halt, Record};
use super::resolver::Want;
use super::tree::NotExecuted;
use super::{Consensus, PAST_VIEWS_KEPT};
use crate::certificate::Certificate;
use crate::types::{Hash, Sequence, View};
use alloc::collections::BTreeSet;
use alloc::vec::Vec;

impl Consensus {
    /// R9: a Commit certificate makes its block and all ancestors final, once they are here.
    pub(super) fn finalize(&mut self) {
        // Looked at in every step: a certificate of many signatures is copied only when there is something to do.
        let base = Some(self.tree.base());
        if let Some(commit) = self.votes.certificates().commit().filter(|commit| commit.block() != base).cloned() {
            self.finalize_to(commit);
        }
    }

    /// Makes the certificate's block final, or asks for the nearest ancestor that is missing.
    pub(super) fn finalize_to(&mut self, commit: Certificate) {
        let Some(id) = commit.block() else { return };
        if id == self.tree.base() {
            return;
        }
        match self.tree.path(&id) {
            Ok(_) => self.make_final(id, commit),
            Err(NotExecuted::Missing(missing)) => {
                let above = self.tree.base_sequence();
                self.resolver.want(Want::Block { id: missing, above }, None, commit.signers().collect::<Vec<_>>());
            }
            Err(NotExecuted::Elsewhere | NotExecuted::Fault(_) | NotExecuted::OtherRoot { .. }) => {
                let sequence = self.tree.block(&id).map_or(Sequence(0), |block| block.header.sequence);
                self.halt(Halt::TwoHistories { sequence, id, other: self.tree.base() });
            }
        }
    }

    fn make_final(&mut self, id: Hash, commit: Certificate) {
        if let Some((id, fault)) = self.tree.first_fault(&id) {
            return self.halt_on(id, fault);
        }
        let mut blocks = match self.tree.finalize(&id) {
            Ok(blocks) => blocks,
            Err((id, fault)) => return self.halt_on(id, fault),
        };
        for block in &mut blocks {
            block.prepare = self.votes.prepare_of(&block.id);
        }
        let awaited = self.awaited_late();
        for entry in blocks.iter().flat_map(|block| &block.block.body.proofs) {
            if let Some(mine) = self.ready.mine(&entry.proof).filter(|_| awaited.contains(&entry.proof)) {
                self.late_verdicts.insert(entry.proof, mine);
            }
            self.ready.forget(&entry.proof);
        }
        self.late_verdicts.retain(|proof, _| awaited.contains(proof));
        self.forget_unreachable();
        self.forget_uncarriable();
        self.effects.push(Effect::Final { blocks, commit });
    }

    fn halt_on(&mut self, id: Hash, fault: NotExecuted) {
        let Some(header) = self.tree.block(&id).map(|block| block.header.clone()) else { return };
        let sequence = header.sequence;
        self.halt(match fault {
            NotExecuted::OtherRoot { mine } => Halt::OtherStateRoot { sequence, id, theirs: header.state, mine },
            NotExecuted::Fault(fault) => Halt::FinalBlockInvalid { sequence, id, fault },
            NotExecuted::Missing(_) | NotExecuted::Elsewhere => {
                Halt::TwoHistories { sequence, id, other: self.tree.base() }
            }
        });
    }

    /// Blocks without a known way to the last final one are kept for what is proposed or prepared on top of them.
    fn forget_unreachable(&mut self) {
        let prepared = self.votes.certificates().prepares_above_commit().chain(self.votes.certificates().commit());
        let prepared = prepared.filter_map(Certificate::block);
        let awaited: Vec<Hash> = self.proposals.values().map(|kept| kept.id).chain(prepared).collect();
        self.tree.forget_unreachable(awaited);
    }

    /// Votes are kept for the reward window's blocks and for what may still be built upon.
    fn forget_uncarriable(&mut self) {
        let window = self.tree.base_ledger().window(&self.tree.base());
        let above = self.tree.above().map(|(id, _)| *id);
        let prepared = self.votes.certificates().prepares_above_commit().filter_map(Certificate::block);
        let proposed = self.proposals.range(self.votes.certificates().commit_view().next()..).map(|(_, kept)| kept.id);
        let keep: BTreeSet<Hash> =
            window.into_iter().chain(above).chain(prepared).chain(proposed).chain([self.tree.base()]).collect();
        self.votes.retain(&keep);
    }

    pub(super) fn on_applied(&mut self, sequence: Sequence) {
        self.tree.applied(sequence);
    }

    /// Shortens the log when it is long and the database holds everything final: a floor takes the place of what is
    /// left out (R12). It stays some views behind, so that late Prepares remain possible.
    pub(super) fn shorten(&mut self) {
        let whole = self.tree.unapplied().next().is_none();
        if !whole || !self.safety.is_log_long(self.settings.log_records_max) {
            return;
        }
        let floor = View(self.votes.certificates().commit_view().0.saturating_sub(PAST_VIEWS_KEPT));
        let commit = self.votes.certificates().commit().into_iter();
        let certificates = commit.chain(self.votes.certificates().prepares_above_commit()).chain(&self.entry);
        let certificates = certificates.cloned().map(Record::Certificate);
        let blocks = self.tree.above().map(|(_, block)| Record::Block(block.clone()));
        let proposals = self.proposals.values().map(|kept| &kept.proposal);
        let records = self.safety.shorten(floor, certificates.chain(blocks), proposals);
        self.effects.push(Effect::Shorten(records));
    }
}
