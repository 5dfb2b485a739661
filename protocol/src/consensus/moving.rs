//! View transitions: Commit votes (R5), the next view (R7), and whom a failed view makes suspect.

use super::events::Notice;
use super::votes::{Origin, Waiting};
use super::{Consensus, PAST_VIEWS_KEPT, Round};
use crate::certificate::Certificate;
use crate::message::Proposal;
use crate::ready::Standing;
use crate::types::{Hash, ValidatorIndex, View};
use crate::vote::VoteKind;
use alloc::collections::BTreeSet;
use alloc::vec::Vec;

impl Consensus {
    /// Acts on every certificate that waits; acting may make further ones.
    pub(super) fn drain(&mut self) {
        while let Some(Waiting { certificate, origin }) = self.votes.next_waiting() {
            self.on_certificate(certificate, origin);
            if self.safety.is_halted() {
                return;
            }
        }
    }

    fn on_certificate(&mut self, certificate: Certificate, origin: Origin) {
        // First: what follows may sign.
        self.check_own(certificate.votes());
        let view = certificate.view();
        let kind = certificate.kind();
        let new = self.votes.enter(&certificate);
        if let (VoteKind::Prepare, Some(block)) = (kind, certificate.block()) {
            self.on_prepare_certificate(view, block, &certificate, new);
        }
        if new {
            self.relay(&certificate);
        }
        if new && kind == VoteKind::Commit {
            self.safety.defer(&certificate);
        }
        // R7: any certificate of my view or a later one, from anyone, moves me past it.
        if view >= self.view {
            self.enter(view.next(), certificate, origin);
        }
    }

    fn on_prepare_certificate(&mut self, view: View, block: Hash, certificate: &Certificate, new: bool) {
        if let Some(kept) = self.proposals.get_mut(&view)
            && kept.id == block
        {
            kept.prepared = true;
            if !kept.proposal.block.body.proofs.is_empty() {
                self.contested_pause = super::doubt::Pause::default();
            }
        }
        if new && view > self.votes.certificates().commit_view() {
            self.effects.notice(Notice::Prepared { view, leader: self.leader(view) });
            // R5: whatever view I am in by now; what I decided in that view is what counts.
            if let Some(vote) = self.safety.commit(certificate) {
                self.cast(vote, None);
            }
        }
    }

    fn enter(&mut self, view: View, by: Certificate, origin: Origin) {
        let kind = by.kind();
        let fetched = origin == Origin::Fetched;
        let doubles = kind == VoteKind::ViewChange && !fetched && self.learn_from_failure();
        if kind == VoteKind::ViewChange {
            self.status_turns.hurry(self.now.local);
            self.spread_attestations();
        }
        self.view = view;
        self.entry = Some(by);
        self.round = Round::new(self.now.local);
        let oldest = View(view.0.saturating_sub(PAST_VIEWS_KEPT));
        self.proposals = self.proposals.split_off(&oldest);
        self.effects.notice(Notice::ViewEntered { view, leader: self.leader(view), by: Some(kind), fetched, doubles });
    }

    /// My view ended by a ViewChange certificate. Whether that is a reason for longer timers; and whom to doubt.
    fn learn_from_failure(&mut self) -> bool {
        let view = self.view;
        let Some(kept) = self.proposals.get(&view) else {
            let leader = self.leader(view);
            let live = leader == self.settings.me || self.peers.contains_key(&leader);
            if live {
                // A live leader proposed nothing: contested proofs alone do not make it slow.
                self.contested_pause.extend(self.now.local);
            }
            return self.work().uncontested;
        };
        let id = kept.id;
        let Some(announcers) = self.contested_announcers(&kept.proposal) else { return true };
        let withheld: Vec<ValidatorIndex> =
            announcers.into_iter().filter(|by| !self.votes.tally().has_prepare(view, id, *by)).collect();
        let blocking = self.set().is_blocking(self.set().stake_of(withheld.iter().copied()));
        if withheld.is_empty() || blocking {
            return true;
        }
        for by in withheld {
            self.doubts.doubt(self.now.local, by);
        }
        false
    }

    /// The validators that announced every proof of a proposal, if Ready on one of its proofs is not unanimous and each
    /// had its Ready quorum.
    pub(super) fn contested_announcers(&self, proposal: &Proposal) -> Option<BTreeSet<ValidatorIndex>> {
        let proofs = &proposal.block.body.proofs;
        let contested = proofs.iter().any(|entry| self.ready.standing(&entry.proof) != Standing::Uncontested);
        if proofs.is_empty() || !contested {
            return None;
        }
        let mut everywhere: Option<BTreeSet<ValidatorIndex>> = None;
        for entry in proofs {
            let announcers = self.ready.announcers(&entry.proof, entry.difficulty);
            if !self.set().is_quorum(self.set().stake_of(announcers.iter().copied())) {
                return None;
            }
            everywhere = Some(match everywhere {
                Some(before) => before.intersection(&announcers).copied().collect(),
                None => announcers,
            });
        }
        everywhere
    }

    /// A Prepare for such proofs ends the suspicion, if its voter had announced them.
    pub(super) fn clear_doubt(&mut self, voter: ValidatorIndex, view: View, block: Hash) {
        if !self.doubts.contains(voter) {
            return;
        }
        let kept = self.proposals.get(&view).filter(|kept| kept.id == block);
        let announced = kept.and_then(|kept| self.contested_announcers(&kept.proposal));
        if announced.is_some_and(|announcers| announcers.contains(&voter)) && self.doubts.clear(voter) {
            let doubted = self.doubts.doubted(self.now.local);
            self.ready.set_doubted(&self.settings.set, doubted);
        }
    }
}
