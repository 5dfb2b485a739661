//! Whether a proposal gets my Prepare (R4), in time or late.

use super::events::{Checked, Effect, Notice};
use super::resolver::Want;
use super::tree::NotExecuted;
use super::votes::{Origin, Votes};
use super::{Consensus, Judgement, Kept};
use crate::block::Entry;
use crate::message::{GiveUpReason, Proposal, Word};
use crate::types::{Hash, ValidatorIndex, View};
use crate::vote::VoteKind;
use alloc::collections::BTreeSet;
use alloc::vec::Vec;

/// Whether a Prepare counts towards a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Timing {
    /// In the proposal's own view.
    InTime,
    /// After it, for a block that is prepared.
    Late,
}

/// A proposal that holds under R4, as far as that is no matter of what I have signed. Only this file makes one.
pub(super) struct Valid<'a> {
    proposal: &'a Proposal,
    id: Hash,
    timing: Timing,
}

impl<'a> Valid<'a> {
    #[cfg(test)]
    pub fn new(proposal: &'a Proposal, id: Hash, timing: Timing) -> Self {
        Valid { proposal, id, timing }
    }

    pub fn proposal(&self) -> &Proposal {
        self.proposal
    }

    pub fn id(&self) -> Hash {
        self.id
    }

    pub fn timing(&self) -> Timing {
        self.timing
    }
}

impl Consensus {
    /// Takes in a verified proposal: first what its certificates say, then the proposal itself.
    pub(super) fn on_proposal(&mut self, from: ValidatorIndex, proposal: Proposal) {
        let view = proposal.view();
        for certificate in proposal.parent.iter().chain(&proposal.skipped) {
            self.votes.wait(certificate.clone(), Origin::Fetched);
        }
        self.drain();
        let too_old =
            view.0.saturating_add(super::PAST_VIEWS_KEPT) < self.view.0 || view <= self.safety.signed().floor();
        if self.safety.is_halted() || too_old || !Votes::is_in_reach(self.view, view) {
            return;
        }
        self.on_vote(from, proposal.vote);
        let id = proposal.block.id();
        match self.proposals.get(&view) {
            Some(kept) if kept.id == id => return,
            Some(_) => {
                // R10: two proposals by the leader of my view.
                if view == self.view {
                    self.give_up(GiveUpReason::TwoProposals);
                }
                return;
            }
            None => {}
        }
        self.keep(view, id, proposal);
    }

    /// Keeps a proposal of a view that had none.
    pub(super) fn keep(&mut self, view: View, id: Hash, proposal: Proposal) {
        self.check_own(proposal.block.body.carried.iter().flat_map(|carried| carried.votes()));
        self.votes.include_known_of(&proposal.block);
        let prepared = self.votes.certificates().is_prepared(view, &id);
        self.tree.insert(proposal.block.clone());
        self.proposals.insert(view, Kept { id, proposal, prepared });
        self.effects.notice(Notice::Proposed { view, leader: self.leader(view) });
    }

    /// Votes Prepare for my view's proposal, votes ViewChange, or waits.
    pub(super) fn judge_current(&mut self) {
        let view = self.view;
        if self.round.judged || !self.may_prepare(view) {
            return;
        }
        let Some(kept) = self.proposals.get(&view).cloned() else { return };
        match self.judge(view, &kept) {
            Judgement::Valid => {
                self.round.judged = true;
                self.prepare(kept, Timing::InTime);
            }
            Judgement::Wait => {}
            Judgement::Invalid(reason) => {
                self.round.judged = true;
                self.give_up(reason);
            }
        }
    }

    /// R4, late: for a block whose Prepare certificate I hold I may still Prepare, once, under all checks but the
    /// current view. It adds no certificate; the slow earn their reward.
    pub(super) fn judge_late(&mut self) {
        if !self.safety.may_sign() {
            return;
        }
        let late: Vec<(View, Kept)> = self
            .proposals
            .range(..self.view)
            .filter(|(view, kept)| kept.prepared && self.safety.signed().may_prepare(**view))
            .map(|(view, kept)| (*view, kept.clone()))
            .collect();
        for (view, kept) in late {
            let valid = if self.tree.block(&kept.id).is_some() {
                matches!(self.judge(view, &kept), Judgement::Valid)
            } else {
                // Final: executed already. Only what is still in the reward window is worth a vote.
                let window = self.tree.base_ledger().window(&self.tree.base());
                window.contains(&kept.id) && matches!(self.judge_proofs(view, &kept.proposal), Judgement::Valid)
            };
            if valid {
                self.prepare(kept, Timing::Late);
            }
        }
    }

    fn may_prepare(&self, view: View) -> bool {
        self.safety.may_sign() && self.safety.signed().may_prepare(view)
    }

    fn prepare(&mut self, kept: Kept, timing: Timing) {
        let valid = Valid { proposal: &kept.proposal, id: kept.id, timing };
        if let Some(vote) = self.safety.prepare(&valid, self.votes.certificates()) {
            self.cast(vote, None);
        }
    }

    /// R4, in the order of the rule; what is cheap and final comes first.
    fn judge(&mut self, view: View, kept: &Kept) -> Judgement {
        let block = &kept.proposal.block;
        let parent_view = kept.proposal.parent_view();
        // Between the parent's view and this one lies a committed view: no ViewChange certificate of it can exist.
        let commit = self.votes.certificates().commit_view();
        if parent_view < commit && commit < view {
            return Judgement::Invalid(GiveUpReason::InvalidProposal);
        }
        if !self.holds_view_changes(parent_view, view, kept.proposal.vote.voter) {
            return Judgement::Wait;
        }
        let tolerated = self.now.wall.saturating_add(self.settings.clock_tolerance);
        if block.header.time > tolerated {
            return Judgement::Invalid(GiveUpReason::InvalidProposal);
        }
        if let Err(judgement) = self.parent_is_executed(&kept.proposal) {
            return judgement;
        }
        match self.judge_proofs(view, &kept.proposal) {
            Judgement::Valid => {}
            other @ (Judgement::Wait | Judgement::Invalid(_)) => return other,
        }
        match self.tree.ledger(&kept.id) {
            Ok(_) => Judgement::Valid,
            Err(NotExecuted::Missing(_)) => Judgement::Wait,
            Err(NotExecuted::Elsewhere | NotExecuted::Fault(_) | NotExecuted::OtherRoot { .. }) => {
                Judgement::Invalid(GiveUpReason::InvalidProposal)
            }
        }
    }

    /// R4: a ViewChange certificate for every view between the parent's and this one. Asks for what is missing.
    pub(super) fn holds_view_changes(&mut self, above: View, below: View, hint: ValidatorIndex) -> bool {
        let missing = |view: &u64| self.votes.certificates().view_change(View(*view)).is_none();
        let between = above.0.saturating_add(1)..below.0;
        let Some(first) = between.clone().find(missing) else { return true };
        let last = between.rev().find(missing).unwrap_or(first);
        let want = Want::Certificates { kind: VoteKind::ViewChange, from: View(first), to: View(last) };
        self.resolver.want(want, Some(hint), []);
        false
    }

    fn parent_is_executed(&mut self, proposal: &Proposal) -> Result<(), Judgement> {
        match self.tree.ledger(&proposal.block.header.parent) {
            Ok(_) => Ok(()),
            Err(NotExecuted::Missing(id)) => {
                let signers = proposal.parent.iter().flat_map(|parent| parent.signers().collect::<Vec<_>>());
                let above = self.tree.base_sequence();
                self.resolver.want(Want::Block { id, above }, Some(proposal.vote.voter), signers);
                Err(Judgement::Wait)
            }
            Err(NotExecuted::Elsewhere | NotExecuted::Fault(_) | NotExecuted::OtherRoot { .. }) => {
                Err(Judgement::Invalid(GiveUpReason::InvalidProposal))
            }
        }
    }

    /// R4: my own verdicts confirm every proof, with this count and statement. What is unknown here is needed.
    fn judge_proofs(&mut self, view: View, proposal: &Proposal) -> Judgement {
        let entries = &proposal.block.body.proofs;
        let refuted = entries.iter().find(|entry| self.mine(&entry.proof).is_some() && !self.confirms(entry));
        if let Some(entry) = refuted {
            return Judgement::Invalid(GiveUpReason::ProofNotConfirmed(entry.proof));
        }
        let missing: Vec<Hash> =
            entries.iter().map(|entry| entry.proof).filter(|proof| self.mine(proof).is_none()).collect();
        if missing.is_empty() {
            return Judgement::Valid;
        }
        if view == self.view {
            let new: Vec<Hash> = missing.into_iter().filter(|proof| self.round.needed.insert(*proof)).collect();
            if !new.is_empty() {
                self.effects.push(Effect::Need { proofs: new, from: [proposal.vote.voter].into() });
            }
        }
        Judgement::Wait
    }

    fn mine(&self, proof: &Hash) -> Option<Checked> {
        self.ready.mine(proof).or_else(|| self.late_verdicts.get(proof).copied())
    }

    /// Proofs of past proposals that may still get a late Prepare: my verdicts on them outlive their finality.
    pub(super) fn awaited_late(&self) -> BTreeSet<Hash> {
        let open = self.proposals.iter().filter(|(view, _)| self.safety.signed().may_prepare(**view));
        open.flat_map(|(_, kept)| kept.proposal.block.body.proofs.iter().map(|entry| entry.proof)).collect()
    }

    fn confirms(&self, entry: &Entry) -> bool {
        self.mine(&entry.proof).is_some_and(|mine| match mine.word {
            Word::Confirmed(count) | Word::ConfirmedBeyondSoft(count) => {
                count == entry.difficulty && mine.statement == entry.statement
            }
            Word::Refuted | Word::NoVerdict => false,
        })
    }
}
