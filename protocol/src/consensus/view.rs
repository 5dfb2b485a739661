//! What people and other actors may read of consensus: a snapshot, never a way in.

use super::Consensus;
use super::events::{Notice, UnknownHistory};
use crate::certificate::Certificate;
use crate::message::Word;
use crate::ready::Standing;
use crate::types::{Hash, Sequence, ValidatorIndex, View};
use crate::vote::VoteKind;
use alloc::vec::Vec;

/// Where a validator's consensus is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    pub view: View,
    pub leader: ValidatorIndex,
    /// The last final block.
    pub sequence: Sequence,
    pub block: Hash,
    pub commit_view: View,
    /// The block of the highest Commit certificate, while it or an ancestor of it is not here.
    pub missing_final: Option<Hash>,
    /// Why nothing is signed, if so (R12), and which peers have sent recovery responses meanwhile.
    pub unknown_history: Option<(UnknownHistory, Vec<ValidatorIndex>)>,
    /// Whose votes of the current view are held.
    pub prepares: Vec<ValidatorIndex>,
    pub view_changes: Vec<ValidatorIndex>,
    /// Prepared blocks that wait for their Commit certificate.
    pub prepared: usize,
    pub halted: bool,
}

impl Consensus {
    /// The view of the highest Commit certificate; 0 before the first. Commit votes up to it are late (T3).
    pub fn committed_view(&self) -> View {
        self.votes.certificates().commit_view()
    }

    pub fn snapshot_now(&self) -> Snapshot {
        Snapshot {
            view: self.view,
            leader: self.leader(self.view),
            sequence: self.tree.base_sequence(),
            block: self.tree.base(),
            commit_view: self.votes.certificates().commit_view(),
            // What is here and final has become the base within the step.
            missing_final: self
                .votes
                .certificates()
                .commit()
                .and_then(Certificate::block)
                .filter(|id| *id != self.tree.base()),
            unknown_history: self.safety.unknown().map(|kind| (kind, self.safety.told().collect())),
            prepares: self.votes.tally().voters(self.view, VoteKind::Prepare).collect(),
            view_changes: self.votes.tally().voters(self.view, VoteKind::ViewChange).collect(),
            prepared: self.votes.certificates().prepares_above_commit().count(),
            halted: self.safety.is_halted(),
        }
    }

    /// The notices of the current view once more, for a follower that was rebuilt.
    pub fn notices_again(&self) -> Vec<Notice> {
        let view = self.view;
        let leader = self.leader(view);
        let entered = Notice::ViewEntered { view, leader, by: None, fetched: true, doubles: false };
        let clock = self.round.clock_started.then_some(Notice::ClockStarted { view });
        let work = self.round.work_told.then_some(Notice::Work { view });
        [entered].into_iter().chain(clock).chain(work).collect()
    }

    /// What everybody said about a pending proof, and how it stands.
    pub fn words(&self, proof: &Hash) -> (Standing, Vec<(ValidatorIndex, Word)>) {
        (self.ready.standing(proof), self.ready.words(proof))
    }

    /// Whether a certificate of this kind and view is of no use here any more: a session may drop it unchecked.
    pub fn is_stale(&self, kind: VoteKind, view: View) -> bool {
        match kind {
            VoteKind::Prepare | VoteKind::ViewChange => view < self.votes.certificates().commit_view(),
            VoteKind::Commit => view <= self.votes.certificates().commit_view(),
        }
    }
}
