//! Proposals that are kept: of this view, a little ahead, or past and perhaps still worth a late Prepare.

use super::PAST_VIEWS_KEPT;
use super::safety::Safety;
use super::votes::Certificates;
use crate::message::Proposal;
use crate::types::{Hash, View};
use alloc::collections::{BTreeMap, BTreeSet};

/// The proposal of one view.
#[derive(Debug)]
pub struct Kept {
    pub id: Hash,
    pub proposal: Proposal,
    /// I hold, or held, the Prepare certificate of exactly this view and block.
    pub prepared: bool,
}

/// One proposal for each view.
#[derive(Debug, Default)]
pub struct Proposals(BTreeMap<View, Kept>);

impl Proposals {
    pub fn at(&self, view: View) -> Option<&Kept> {
        self.0.get(&view)
    }

    /// That of exactly this view and block.
    pub fn of(&self, view: View, block: Hash) -> Option<&Proposal> {
        self.at(view).filter(|kept| kept.id == block).map(|kept| &kept.proposal)
    }

    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (View, &Kept)> {
        self.0.iter().map(|(view, kept)| (*view, kept))
    }

    /// Keeps the proposal of a view, whose block has this id.
    pub fn keep(&mut self, id: Hash, proposal: Proposal, prepared: bool) {
        self.0.insert(proposal.view(), Kept { id, proposal, prepared });
    }

    /// The block has its Prepare certificate of this view. Returns its proposal.
    pub fn set_prepared(&mut self, view: View, block: Hash) -> Option<&Proposal> {
        let kept = self.0.get_mut(&view).filter(|kept| kept.id == block)?;
        kept.prepared = true;
        Some(&kept.proposal)
    }

    /// Those that these certificates show to be prepared, at a start.
    pub fn set_all_prepared(&mut self, certificates: &Certificates) {
        self.0.iter_mut().for_each(|(view, kept)| kept.prepared = certificates.is_prepared(*view, &kept.id));
    }

    /// Of views long before this one, nothing is worth a late Prepare.
    pub fn forget_long_before(&mut self, view: View) {
        let oldest = View(view.0.saturating_sub(PAST_VIEWS_KEPT));
        self.0 = self.0.split_off(&oldest);
    }

    /// Past views whose block is prepared, and may still get my Prepare.
    pub fn worth_a_late_prepare<'a>(&'a self, view: View, safety: &'a Safety) -> impl Iterator<Item = View> + 'a {
        let past = self.0.range(..view).filter(|(_, kept)| kept.prepared).map(|(view, _)| *view);
        past.filter(|view| safety.may_prepare(*view))
    }

    /// Proofs of proposals that may still get my Prepare: my verdicts on them outlive their finality.
    pub fn awaited(&self, safety: &Safety) -> BTreeSet<Hash> {
        let open = self.iter().filter(|(view, _)| safety.signed().may_prepare(*view));
        open.flat_map(|(_, kept)| kept.proposal.block.body.proofs.iter().map(|entry| entry.proof)).collect()
    }
}
