//! Whether a proposal gets my Prepare (R4), in time or late, as far as that is no matter of what I have signed.

use super::Settings;
use super::proofs::Proofs;
use super::proposals::Kept;
use super::sync::{Resolver, Want};
use super::tree::{NotExecuted, Tree};
use super::votes::Votes;
use crate::ledger::BranchError;
use crate::message::{GiveUpReason, Proposal};
use crate::types::{Hash, Millis, ValidatorIndex, View};
use crate::vote::VoteKind;
use alloc::vec::Vec;

/// Whether a Prepare counts towards a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Timing {
    /// In the proposal's own view.
    InTime,
    /// After it, for a block that is prepared.
    Late,
}

/// A proposal that holds under R4. Only this file makes one, and no Prepare is signed without.
pub struct Valid<'a> {
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

    /// The block's id.
    pub fn id(&self) -> Hash {
        self.id
    }

    pub fn timing(&self) -> Timing {
        self.timing
    }
}

/// Whether a proposal gets a Prepare, or not yet.
pub enum Judgement<'a> {
    Valid(Valid<'a>),
    /// Something is missing, and was asked for.
    Wait,
    /// Scripts that were not checked here are missing.
    Needs(Vec<Hash>),
    Invalid(GiveUpReason),
    /// The database does not say what is final: nothing is decided any more.
    Halt(BranchError),
}

/// What a proposal is judged by.
pub struct Validation<'a> {
    pub settings: &'a Settings,
    /// The wall clock.
    pub time: Millis,
    pub votes: &'a Votes,
    pub proofs: &'a Proofs,
    pub tree: &'a mut Tree,
    pub resolver: &'a mut Resolver,
}

/// A check that does not pass.
type Fails = Judgement<'static>;

impl Validation<'_> {
    /// R4: the proposal of my view.
    pub fn judge<'k>(&mut self, kept: &'k Kept) -> Judgement<'k> {
        self.judge_at(kept, Timing::InTime)
    }

    /// R4, late: for a block whose Prepare certificate I hold I may still Prepare, once, under all checks but the
    /// current view. It adds no certificate; the slow earn their reward.
    pub fn judge_late<'k>(&mut self, kept: &'k Kept) -> Judgement<'k> {
        debug_assert!(kept.prepared, "a late Prepare is for a prepared block");
        if self.tree.block(&kept.id).is_some() {
            return self.judge_at(kept, Timing::Late);
        }
        // Final: executed already. Only what is still in the reward window is worth a vote.
        let window = self.tree.base_ledger().window(&self.tree.base());
        if !window.contains(&kept.id) {
            return Judgement::Wait;
        }
        match self.proofs_are_confirmed(&kept.proposal) {
            Ok(()) => Judgement::Valid(Valid { proposal: &kept.proposal, id: kept.id, timing: Timing::Late }),
            Err(fails) => fails,
        }
    }

    fn judge_at<'k>(&mut self, kept: &'k Kept, timing: Timing) -> Judgement<'k> {
        match self.check(kept) {
            Ok(()) => Judgement::Valid(Valid { proposal: &kept.proposal, id: kept.id, timing }),
            Err(fails) => fails,
        }
    }

    /// R4, in the order of the rule; what is cheap and final comes first.
    fn check(&mut self, kept: &Kept) -> Result<(), Fails> {
        let (proposal, view) = (&kept.proposal, kept.proposal.view());
        let parent_view = proposal.parent_view();
        // Between the parent's view and this one lies a committed view: no ViewChange certificate of it can exist.
        let commit = self.votes.certificates().commit_view();
        if parent_view < commit && commit < view {
            return Err(Judgement::Invalid(GiveUpReason::InvalidProposal));
        }
        if !self.holds_view_changes(parent_view, view, proposal.vote.voter) {
            return Err(Judgement::Wait);
        }
        let tolerated = self.time.saturating_add(self.settings.clock_tolerance);
        if proposal.block.header.time > tolerated {
            return Err(Judgement::Invalid(GiveUpReason::InvalidProposal));
        }
        self.parent_is_executed(proposal)?;
        self.proofs_are_confirmed(proposal)?;
        match self.tree.ledger(&kept.id) {
            Ok(_) => Ok(()),
            Err(NotExecuted::Missing(_)) => Err(Judgement::Wait),
            Err(NotExecuted::Elsewhere | NotExecuted::Fault(_) | NotExecuted::OtherRoot { .. }) => {
                Err(Judgement::Invalid(GiveUpReason::InvalidProposal))
            }
            Err(NotExecuted::Branch(error)) => Err(Judgement::Halt(error)),
        }
    }

    /// R4: a ViewChange certificate for every view between the parent's and this one. Asks for what is missing.
    fn holds_view_changes(&mut self, above: View, below: View, hint: ValidatorIndex) -> bool {
        let Some((from, to)) = self.votes.certificates().not_given_up(above, below) else { return true };
        let want = Want::Certificates { kind: VoteKind::ViewChange, from, to };
        self.resolver.want(want, Some(hint), []);
        false
    }

    fn parent_is_executed(&mut self, proposal: &Proposal) -> Result<(), Fails> {
        match self.tree.ledger(&proposal.block.header.parent) {
            Ok(_) => Ok(()),
            Err(NotExecuted::Missing(id)) => {
                let signers = proposal.parent.iter().flat_map(|parent| parent.signers());
                let above = self.tree.base_sequence();
                self.resolver.want(Want::Block { id, above }, Some(proposal.vote.voter), signers);
                Err(Judgement::Wait)
            }
            Err(NotExecuted::Elsewhere | NotExecuted::Fault(_) | NotExecuted::OtherRoot { .. }) => {
                Err(Judgement::Invalid(GiveUpReason::InvalidProposal))
            }
            Err(NotExecuted::Branch(error)) => Err(Judgement::Halt(error)),
        }
    }

    /// R4: my own verdicts confirm every proof, with this count and statement.
    fn proofs_are_confirmed(&self, proposal: &Proposal) -> Result<(), Fails> {
        let entries = &proposal.block.body.proofs;
        let is_checked = |proof: &Hash| self.proofs.mine(proof).is_some();
        if let Some(refuted) = entries.iter().find(|entry| is_checked(&entry.proof) && !self.proofs.confirms(entry)) {
            return Err(Judgement::Invalid(GiveUpReason::ProofNotConfirmed(refuted.proof)));
        }
        let missing: Vec<Hash> = entries.iter().map(|entry| entry.proof).filter(|proof| !is_checked(proof)).collect();
        if missing.is_empty() { Ok(()) } else { Err(Judgement::Needs(missing)) }
    }
}
