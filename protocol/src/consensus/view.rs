//! What people and other actors may read of consensus: a snapshot, never a way in.

use super::events::UnknownHistory;
use super::round::Round;
use super::safety::Safety;
use super::tree::Tree;
use super::votes::Votes;
use crate::certificate::Certificate;
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
    /// The first and the last of the views since the last commit of which it is not known here how they ended. While they stay
    /// unknown at every validator, nobody can propose.
    pub unknown_endings: Option<(View, View)>,
    /// Why nothing is signed, if so (R12), and which peers have sent recovery responses meanwhile.
    pub unknown_history: Option<(UnknownHistory, Vec<ValidatorIndex>)>,
    /// Whose votes of the current view are held.
    pub prepares: Vec<ValidatorIndex>,
    pub view_changes: Vec<ValidatorIndex>,
    /// Prepared blocks that wait for their Commit certificate.
    pub prepared: usize,
    pub halted: bool,
}

impl Snapshot {
    pub(super) fn of(round: &Round, leader: ValidatorIndex, safety: &Safety, votes: &Votes, tree: &Tree) -> Snapshot {
        let (view, certificates) = (round.view(), votes.certificates());
        Snapshot {
            view,
            leader,
            sequence: tree.base_sequence(),
            block: tree.base(),
            commit_view: certificates.commit_view(),
            // What is here and final has become the base within the step.
            missing_final: certificates.commit().and_then(Certificate::block).filter(|id| *id != tree.base()),
            unknown_endings: certificates.gap(view),
            unknown_history: safety.unknown().map(|kind| (kind, safety.told().collect())),
            prepares: votes.tally().voters(view, VoteKind::Prepare).collect(),
            view_changes: votes.tally().voters(view, VoteKind::ViewChange).collect(),
            prepared: certificates.prepared_count(),
            halted: safety.is_halted(),
        }
    }
}
