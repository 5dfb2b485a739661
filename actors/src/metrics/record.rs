//! Counting what happens, where it happens, unless so many votes pass there that [`super::handles`] are kept.
//!
//! Every label is a value of [`super::declared`]; nothing that a peer or a submitter sends becomes one.

use super::declared::*;
use crate::network::Lane;
use crate::storage::last_exit::LastRun;
use crate::verifier_pool::PoolEvent;
use metrics::{counter, gauge, histogram};
use protocol::mempool::{Refusal, Source};
use protocol::message::GiveUpReason;
use protocol::types::Millis;
use std::time::Duration;

/// How the process before this one ended, if there was one.
pub fn last_exit(last: Option<&LastRun>) {
    let code = last.map_or(-2, |last| last.code().map_or(-1, i32::from));
    gauge!(LAST_EXIT_CODE).set(f64::from(code));
}

pub(crate) fn network_session_opened() {
    gauge!(NETWORK_SESSIONS).increment(1.0);
}

pub(crate) fn network_session_closed(reason: &'static str) {
    gauge!(NETWORK_SESSIONS).decrement(1.0);
    counter!(NETWORK_SESSIONS_ENDED, "reason" => reason).increment(1);
}

pub(crate) fn network_refused(reason: &'static str, side: &'static str) {
    counter!(NETWORK_REFUSED, "reason" => reason, "side" => side).increment(1);
}

pub(crate) fn network_fault(fault: &'static str) {
    counter!(NETWORK_MISBEHAVIOUR, "rule" => fault).increment(1);
}

pub(crate) fn network_ban() {
    counter!(NETWORK_BANS).increment(1);
}

pub(crate) fn network_dropped(lane: Lane, messages: u64) {
    let lane = match lane {
        Lane::Urgent => "urgent",
        Lane::Bulk => "bulk",
    };
    counter!(NETWORK_DROPPED, "lane" => lane).increment(messages);
}

/// Signatures that are not those of messages; those are counted by [`super::handles::Signatures`].
pub(crate) fn signatures_checked(kind: &'static str, count: usize) {
    counter!(SIGNATURES_CHECKED, "kind" => kind).increment(count as u64);
}

pub(crate) fn network_throttled() {
    counter!(NETWORK_THROTTLED).increment(1);
}

pub(crate) fn network_round_trip(round_trip: Duration) {
    histogram!(NETWORK_ROUND_TRIP).record(round_trip.as_secs_f64());
}

pub(crate) fn network_clock_ahead(ahead_ms: i64) {
    gauge!(NETWORK_CLOCK_AHEAD).set(ahead_ms as f64 / 1e3);
}

/// A transaction of the database is on the disk.
pub(crate) fn database_synced(took: Duration) {
    histogram!(STORAGE_SYNC, "file" => "database").record(took.as_secs_f64());
}

pub(crate) fn view_timer(timer: Millis) {
    gauge!(CONSENSUS_VIEW_TIMER).set(timer.0 as f64 / 1e3);
}

pub(crate) fn give_up(reason: &GiveUpReason) -> &'static str {
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

/// A submission reached the API.
pub fn proof_submitted() {
    counter!(PROOFS_SUBMITTED).increment(1);
}

pub(crate) fn proof_accepted(source: Source) {
    let source = match source {
        Source::Submitter(_) => "submitter",
        Source::Peer(_) => "peer",
    };
    counter!(PROOFS_ACCEPTED, "source" => source).increment(1);
}

pub(crate) fn proof_refused(reason: &'static str) {
    counter!(PROOFS_REFUSED, "reason" => reason).increment(1);
}

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

pub(crate) fn proof_final(since_submitted: Duration) {
    histogram!(PROOFS_SUBMITTED_TO_FINAL).record(since_submitted.as_secs_f64());
}

pub(crate) fn proof_disagreement() {
    counter!(PROOFS_DISAGREEMENTS).increment(1);
}

pub(crate) fn verdict_remembered() {
    counter!(VERIFIER_REMEMBERED).increment(1);
}

/// What the verifier pool does; its observer.
pub fn pool_event(event: &PoolEvent) {
    match event {
        PoolEvent::WorkerStarted { .. } => counter!(VERIFIER_WORKERS_STARTED).increment(1),
        PoolEvent::WorkerNotStarted { .. } => counter!(VERIFIER_WORKERS_NOT_STARTED).increment(1),
        PoolEvent::WorkerEnded { cause, .. } => counter!(VERIFIER_WORKERS_ENDED, "reason" => *cause).increment(1),
        PoolEvent::Checked { verdict, cpu, resource_count, .. } => {
            counter!(VERIFIER_VERDICTS, "verdict" => *verdict).increment(1);
            histogram!(VERIFIER_PROCESSOR_TIME).record(cpu.as_secs_f64());
            if let Some(count) = resource_count {
                histogram!(VERIFIER_RESOURCE_COUNTS).record(count.0 as f64);
            }
        }
    }
}

/// A request was answered with this status, less the time in which it waited for its client.
pub fn api_request(status: u16, took: Duration) {
    let status = match status {
        429 => "429",
        400..=499 => "4xx",
        500.. => "5xx",
        300..=399 => "3xx",
        0..=299 => "2xx",
    };
    counter!(API_REQUESTS, "status" => status).increment(1);
    histogram!(API_REQUEST).record(took.as_secs_f64());
}
