//! A proof on its way, from submission to final.

use super::fault_points::{self, Point};
use super::vote_way::{self, Place};
use crate::metrics::*;
use metrics::{counter, histogram};
use protocol::mempool::{Refusal, Source};
use protocol::types::{Hash, ValidatorIndex};
use protocol::validator::route::{Effect, PoolEffect, StateEffect};
use std::time::Duration;

/// A submission reached the API.
pub fn submitted() {
    counter!(PROOFS_SUBMITTED).increment(1);
}

/// It is in the mempool's hands, from a submitter or a peer.
pub(crate) fn came(proof: &Hash) {
    vote_way::proof(Place::Came, proof);
}

/// The signatures of so many were checked.
pub(crate) fn signatures_checked(count: usize) {
    counter!(SIGNATURES_CHECKED, "kind" => "submission").increment(count as u64);
}

/// Its signature holds and its form is accepted.
pub(crate) fn examined(proof: &Hash) {
    vote_way::proof(Place::Examined, proof);
}

/// It is durable, and accepted.
pub(crate) fn accepted(proof: &Hash, source: Source) {
    let source = match source {
        Source::Submitter(_) => "submitter",
        Source::Peer(_) => "peer",
    };
    counter!(PROOFS_ACCEPTED, "source" => source).increment(1);
    vote_way::proof(Place::Stored, proof);
}

pub(crate) fn refused(reason: &'static str) {
    counter!(PROOFS_REFUSED, "reason" => reason).increment(1);
}

/// A refusal as [`refused`] counts it.
pub(crate) fn refusal(refusal: &Refusal) -> &'static str {
    match refusal {
        Refusal::Full { .. } => "full",
        Refusal::SourceFull { .. } => "source_full",
        Refusal::ShareFull { .. } => "share_full",
        Refusal::Displaced => "displaced",
        Refusal::Malformed { .. } => "malformed",
        Refusal::Words { .. } => "not_confirmed",
    }
}

/// A worker gets it, or its verdict is remembered.
pub(crate) fn checking(proof: &Hash) {
    vote_way::proof(Place::Checking, proof);
}

/// Its verdict need not be found again.
pub(crate) fn verdict_remembered() {
    counter!(VERIFIER_REMEMBERED).increment(1);
}

/// The mempool has the verdict on it.
pub(crate) fn judged(proof: &Hash) {
    vote_way::proof(Place::Judged, proof);
}

/// The database has its block.
pub(crate) fn applied(proof: &Hash) {
    vote_way::proof(Place::Applied, proof);
}

/// One that was submitted here is final, so long after it came.
pub(crate) fn became_final(since_submitted: Duration) {
    histogram!(PROOFS_SUBMITTED_TO_FINAL).record(since_submitted.as_secs_f64());
}

/// One is final on which this validator's own verdict is another.
pub(crate) fn disagreed() {
    counter!(PROOFS_DISAGREEMENTS).increment(1);
}

/// A part's effect is about to be given to others.
pub(crate) fn effect(me: ValidatorIndex, effect: &Effect) {
    match effect {
        Effect::VerifierPool(PoolEffect::Judged { .. }) => fault_points::reach(me, Point::Checked),
        Effect::State(StateEffect::Applied(_)) => fault_points::reach(me, Point::Applied),
        Effect::State(StateEffect::Final { .. }) | Effect::Consensus(_) | Effect::Follower(_) | Effect::Mempool(_) => {}
    }
}
