//! The outcomes of blocks and views, counted.

use crate::metrics::*;
use metrics::{Counter, Histogram, counter, histogram};
use protocol::message::GiveUpReason;

/// The outcomes of blocks and views, by validator where the metric has that label.
pub(super) struct Outcomes {
    pub(super) blocks_final: Counter,
    pub(super) proofs_final: Counter,
    pub(super) proposed_to_prepared: Histogram,
    pub(super) prepared_to_final: Histogram,
    pub(super) proposed_to_final: Histogram,
    pub(super) given_up: Counters,
    pub(super) view_changes: Counters,
    pub(super) contradictions: Counter,
    /// Of the first [`VALIDATORS_MAX`].
    pub(super) proposed: Vec<Counter>,
    pub(super) missed: Vec<Counter>,
    pub(super) took_part: Vec<Counter>,
}

impl Outcomes {
    /// For these validators.
    pub(super) fn new<'a>(validators: impl Iterator<Item = &'a str> + Clone) -> Outcomes {
        let by_validator = |name: &'static str| {
            let counter = |validator: &str| counter!(name, "validator" => validator.to_owned());
            validators.clone().take(VALIDATORS_MAX).map(counter).collect()
        };
        Outcomes {
            blocks_final: counter!(CONSENSUS_BLOCKS_FINAL),
            proofs_final: counter!(CONSENSUS_PROOFS_FINAL),
            proposed_to_prepared: histogram!(CONSENSUS_PROPOSED_TO_PREPARED),
            prepared_to_final: histogram!(CONSENSUS_PREPARED_TO_FINAL),
            proposed_to_final: histogram!(CONSENSUS_PROPOSED_TO_FINAL),
            given_up: Counters::of(CONSENSUS_VIEW_CHANGE_VOTES),
            view_changes: Counters::of(CONSENSUS_VIEW_CHANGES),
            contradictions: counter!(CONSENSUS_CONTRADICTIONS),
            proposed: by_validator(CONSENSUS_BLOCKS_PROPOSED),
            missed: by_validator(CONSENSUS_BLOCKS_MISSED),
            took_part: by_validator(CONSENSUS_ROUNDS),
        }
    }
}

pub(super) fn reason(reason: &GiveUpReason) -> &'static str {
    match reason {
        GiveUpReason::Timeout => "timeout",
        GiveUpReason::SilentLeader => "silent_leader",
        GiveUpReason::InvalidProposal => "invalid_proposal",
        GiveUpReason::ProofNotConfirmed(_) => "proof_not_confirmed",
        GiveUpReason::TwoProposals => "two_proposals",
        GiveUpReason::LeaderGaveUp => "leader_view_change",
        GiveUpReason::OthersGaveUp => "others_view_change",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::types::Hash;

    #[test]
    fn every_reason_is_a_declared_word() {
        for of in [
            GiveUpReason::Timeout,
            GiveUpReason::SilentLeader,
            GiveUpReason::InvalidProposal,
            GiveUpReason::ProofNotConfirmed(Hash::ZERO),
            GiveUpReason::TwoProposals,
            GiveUpReason::LeaderGaveUp,
            GiveUpReason::OthersGaveUp,
        ] {
            for metric in [CONSENSUS_VIEW_CHANGE_VOTES, CONSENSUS_VIEW_CHANGES] {
                let label = declared(metric).labels[0];
                assert!(
                    matches!(label.values, Values::Words(words) if words.contains(&reason(&of))),
                    "{metric}: {of:?}"
                );
            }
        }
    }
}
