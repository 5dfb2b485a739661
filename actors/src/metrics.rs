//! Every metric of the node: its name, kind, unit, labels, meaning and buckets, and the few functions that record them.
//!
//! Labels come from enums or from names in the code, never from what a peer or a submitter sends. `docs/METRICS.md` is the
//! same table for people, and a test keeps it so.

use crate::network::Lane;
use crate::supervision::TreeReport;
use crate::verifier_pool::PoolEvent;
use metrics::{Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder};
use protocol::consensus::events::{FinalBlock, Notice, Record};
use protocol::message::GiveUpReason;
use protocol::types::{Millis, Sequence};
use protocol::vote::VoteKind;
use std::time::Duration;

/// What a metric is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Kind {
    Counter,
    Gauge,
    /// Upper bounds of its buckets, ascending; one more is without bound.
    Histogram(&'static [f64]),
}

/// A metric as it is declared.
#[derive(Debug, Clone, Copy)]
pub struct Metric {
    pub name: &'static str,
    pub kind: Kind,
    pub unit: Unit,
    pub labels: &'static [&'static str],
    pub help: &'static str,
}

/// From a write that the disk's cache takes to one that hangs.
const DISK_SECONDS: &[f64] =
    &[5e-5, 1e-4, 2.5e-4, 5e-4, 1e-3, 2.5e-3, 5e-3, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];
/// From one machine to the other side of the world, and beyond.
const ROUND_TRIP_SECONDS: &[f64] =
    &[1e-4, 2.5e-4, 5e-4, 1e-3, 2.5e-3, 5e-3, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1.0, 5.0];
/// From a round between neighbours to the largest view timer.
const ROUND_SECONDS: &[f64] =
    &[1e-3, 2.5e-3, 5e-3, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0];
/// From a trivial proof to the hard limit of a genesis that allows much.
const SOLVER_SECONDS: &[f64] =
    &[1e-3, 2.5e-3, 5e-3, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 60.0, 300.0];
/// Up to the default hard limit.
const RESOURCE_COUNTS: &[f64] = &[1e2, 1e3, 1e4, 1e5, 1e6, 5e6, 1e7, 2.5e7, 5e7, 1e8, 2e8];

macro_rules! declare {
    ($($constant:ident = $name:literal, $kind:expr, $unit:ident, [$($label:literal),*], $help:literal;)*) => {
        $(#[doc = $help] pub const $constant: &str = $name;)*
        /// Every metric.
        pub const METRICS: &[Metric] = &[
            $(Metric { name: $name, kind: $kind, unit: Unit::$unit, labels: &[$($label),*], help: $help }),*
        ];
    };
}

declare! {
    ACTOR_MESSAGES = "pop_actor_messages_total", Kind::Counter, Count, ["actor"],
        "messages that an actor has handled";
    ACTOR_WAITING = "pop_actor_messages_waiting", Kind::Gauge, Count, ["actor"],
        "messages that wait in an actor's mailbox";
    ACTOR_FAILURES = "pop_actor_failures_total", Kind::Counter, Count, ["actor"],
        "panics, failed starts and unasked stops of an actor";
    NETWORK_SESSIONS = "pop_network_sessions", Kind::Gauge, Count, [],
        "open sessions with peers";
    NETWORK_SESSIONS_ENDED = "pop_network_sessions_ended_total", Kind::Counter, Count, ["reason"],
        "sessions that ended";
    NETWORK_REFUSED = "pop_network_refused_total", Kind::Counter, Count, ["reason", "side"],
        "connections that did not become a session; side is accepted or dialled";
    NETWORK_FAULTS = "pop_network_faults_total", Kind::Counter, Count, ["fault"],
        "rules that authenticated peers broke";
    NETWORK_BANS = "pop_network_bans_total", Kind::Counter, Count, [],
        "bans after repeated faults";
    NETWORK_BYTES = "pop_network_bytes_total", Kind::Counter, Bytes, ["direction"],
        "bytes of frames to (out) and from (in) peers, before TLS";
    NETWORK_MESSAGES = "pop_network_messages_total", Kind::Counter, Count, ["direction", "kind"],
        "messages to (out) and from (in) peers";
    NETWORK_DROPPED = "pop_network_dropped_total", Kind::Counter, Count, ["lane"],
        "messages dropped because a peer took too little; lane is urgent or bulk";
    NETWORK_THROTTLED = "pop_network_throttled_total", Kind::Counter, Count, [],
        "pauses in reading from a peer beyond its rate";
    NETWORK_ROUND_TRIP = "pop_network_round_trip_seconds", Kind::Histogram(ROUND_TRIP_SECONDS), Seconds, [],
        "round trip of a session, from ping to pong";
    NETWORK_CLOCK_AHEAD = "pop_network_clock_ahead_seconds", Kind::Gauge, Seconds, [],
        "how far this node's clock is ahead of the median of its peers' clocks; negative if it is behind";
    VOTE_LOG_WRITE = "pop_vote_log_write_seconds", Kind::Histogram(DISK_SECONDS), Seconds, [],
        "time until records of the vote log are on the disk, fsync included";
    VOTE_LOG_RECORDS = "pop_vote_log_records_total", Kind::Counter, Count, ["record"],
        "records written to the vote log";
    CONSENSUS_VOTES = "pop_consensus_votes_total", Kind::Counter, Count, ["kind"],
        "votes of this validator that were made durable, proposals of its own apart";
    CONSENSUS_VIEW = "pop_consensus_view", Kind::Gauge, Count, [],
        "the current view";
    CONSENSUS_SEQUENCE = "pop_consensus_sequence", Kind::Gauge, Count, [],
        "sequence of the last final block";
    CONSENSUS_BLOCKS_FINAL = "pop_consensus_blocks_final_total", Kind::Counter, Count, [],
        "blocks that became final since the start";
    CONSENSUS_PROOFS_FINAL = "pop_consensus_proofs_final_total", Kind::Counter, Count, [],
        "proofs in blocks that became final since the start";
    CONSENSUS_PROPOSED_TO_PREPARED = "pop_consensus_proposed_to_prepared_seconds", Kind::Histogram(ROUND_SECONDS), Seconds, [],
        "from a proposal's arrival, or sending, to its Prepare certificate";
    CONSENSUS_PREPARED_TO_FINAL = "pop_consensus_prepared_to_final_seconds", Kind::Histogram(ROUND_SECONDS), Seconds, [],
        "from a block's Prepare certificate until it is final";
    CONSENSUS_VIEW_TIMER = "pop_consensus_view_timer_seconds", Kind::Gauge, Seconds, [],
        "how long the current view may last before it is given up";
    CONSENSUS_GIVEN_UP = "pop_consensus_views_given_up_total", Kind::Counter, Count, ["reason"],
        "views that this validator gave up";
    CONSENSUS_VIEW_CHANGES = "pop_consensus_view_changes_total", Kind::Counter, Count, [],
        "views that ended by a ViewChange certificate";
    CONSENSUS_CONTRADICTIONS = "pop_consensus_contradictions_total", Kind::Counter, Count, [],
        "votes that contradict another of the same validator";
    VERIFIER_VERDICTS = "pop_verifier_verdicts_total", Kind::Counter, Count, ["verdict"],
        "checks that ended: confirmed, refuted, rejected, or why there is no verdict";
    VERIFIER_PROCESSOR_TIME = "pop_verifier_processor_seconds", Kind::Histogram(SOLVER_SECONDS), Seconds, [],
        "processor time of a check";
    VERIFIER_RESOURCE_COUNTS = "pop_verifier_resource_counts", Kind::Histogram(RESOURCE_COUNTS), Count, [],
        "the solver's resource count of a check that was answered";
    VERIFIER_WAITING = "pop_verifier_jobs_waiting", Kind::Gauge, Count, [],
        "statements that wait for a worker";
    VERIFIER_WORKERS = "pop_verifier_workers", Kind::Gauge, Count, [],
        "worker processes that live, the spare included";
    VERIFIER_WORKERS_STARTED = "pop_verifier_workers_started_total", Kind::Counter, Count, [],
        "worker processes that were started";
    VERIFIER_WORKERS_NOT_STARTED = "pop_verifier_workers_not_started_total", Kind::Counter, Count, [],
        "worker processes that could not be started";
    VERIFIER_WORKERS_ENDED = "pop_verifier_workers_ended_total", Kind::Counter, Count, ["reason"],
        "worker processes that ended or were replaced";
}

/// A recorder's builder with every histogram's buckets.
///
/// # Errors
/// If a histogram is declared without buckets.
pub fn recorder() -> Result<PrometheusBuilder, BuildError> {
    METRICS.iter().try_fold(PrometheusBuilder::new(), |builder, metric| match metric.kind {
        Kind::Histogram(buckets) => builder.set_buckets_for_metric(Matcher::Full(metric.name.to_owned()), buckets),
        Kind::Counter | Kind::Gauge => Ok(builder),
    })
}

/// Tells the recorder what each metric means, and puts those without labels on the page from the start. Called once,
/// after the recorder is installed.
pub fn describe() {
    for metric in METRICS {
        let Metric { name, kind, unit, labels, help } = *metric;
        match kind {
            Kind::Counter => describe_counter!(name, unit, help),
            Kind::Gauge => describe_gauge!(name, unit, help),
            Kind::Histogram(_) => describe_histogram!(name, unit, help),
        }
        match kind {
            Kind::Counter if labels.is_empty() => counter!(name).absolute(0),
            Kind::Gauge if labels.is_empty() => gauge!(name).increment(0.0),
            Kind::Counter | Kind::Gauge | Kind::Histogram(_) => {}
        }
    }
}

/// Brings what is seen of the actors onto the page; costs the actors nothing.
pub fn actors(tree: &TreeReport) {
    for actor in tree.actors() {
        let name = actor.name;
        counter!(ACTOR_MESSAGES, "actor" => name).absolute(actor.handled);
        gauge!(ACTOR_WAITING, "actor" => name).set(actor.waiting as f64);
        counter!(ACTOR_FAILURES, "actor" => name).absolute(actor.restarts.total() - actor.restarts.with_sibling);
    }
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
    counter!(NETWORK_FAULTS, "fault" => fault).increment(1);
}

pub(crate) fn network_ban() {
    counter!(NETWORK_BANS).increment(1);
}

pub(crate) fn network_received_bytes(bytes: usize) {
    counter!(NETWORK_BYTES, "direction" => "in").increment(bytes as u64);
}

pub(crate) fn network_received(kind: &'static str) {
    counter!(NETWORK_MESSAGES, "direction" => "in", "kind" => kind).increment(1);
}

pub(crate) fn network_sent(bytes: usize, kinds: &[&'static str]) {
    counter!(NETWORK_BYTES, "direction" => "out").increment(bytes as u64);
    for &kind in kinds {
        counter!(NETWORK_MESSAGES, "direction" => "out", "kind" => kind).increment(1);
    }
}

pub(crate) fn network_dropped(lane: Lane, messages: u64) {
    let lane = match lane {
        Lane::Urgent => "urgent",
        Lane::Bulk => "bulk",
    };
    counter!(NETWORK_DROPPED, "lane" => lane).increment(messages);
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

pub(crate) fn vote_log_written(took: Duration) {
    histogram!(VOTE_LOG_WRITE).record(took.as_secs_f64());
}

pub(crate) fn vote_log_records(records: &[Record]) {
    for record in records {
        let name = match record {
            Record::Unknown(_) => "unknown",
            Record::Floor(_) => "floor",
            Record::Certificate(_) => "certificate",
            Record::Block(_) => "block",
            Record::Proposal(_) => "proposal",
            Record::Vote(_) => "vote",
        };
        counter!(VOTE_LOG_RECORDS, "record" => name).increment(1);
        if let Record::Vote(vote) = record {
            counter!(CONSENSUS_VOTES, "kind" => vote_kind(vote.ballot.choice.kind())).increment(1);
        }
    }
}

fn vote_kind(kind: VoteKind) -> &'static str {
    match kind {
        VoteKind::Prepare => "prepare",
        VoteKind::Commit => "commit",
        VoteKind::ViewChange => "view_change",
    }
}

pub(crate) fn blocks_final(blocks: &[FinalBlock]) {
    let proofs: usize = blocks.iter().map(|block| block.block.body.proofs.len()).sum();
    counter!(CONSENSUS_BLOCKS_FINAL).increment(blocks.len() as u64);
    counter!(CONSENSUS_PROOFS_FINAL).increment(proofs as u64);
    if let Some(last) = blocks.last() {
        consensus_at(last.block.header.sequence);
    }
}

pub(crate) fn consensus_at(sequence: Sequence) {
    gauge!(CONSENSUS_SEQUENCE).set(sequence.0 as f64);
}

pub(crate) fn proposed_to_prepared(took: Duration) {
    histogram!(CONSENSUS_PROPOSED_TO_PREPARED).record(took.as_secs_f64());
}

pub(crate) fn prepared_to_final(took: Duration) {
    histogram!(CONSENSUS_PREPARED_TO_FINAL).record(took.as_secs_f64());
}

pub(crate) fn view_timer(timer: Millis) {
    gauge!(CONSENSUS_VIEW_TIMER).set(timer.0 as f64 / 1e3);
}

pub(crate) fn consensus_notice(notice: &Notice) {
    match notice {
        Notice::ViewEntered { view, by, .. } => {
            gauge!(CONSENSUS_VIEW).set(view.0 as f64);
            if *by == Some(VoteKind::ViewChange) {
                counter!(CONSENSUS_VIEW_CHANGES).increment(1);
            }
        }
        Notice::GaveUp { reason, .. } => counter!(CONSENSUS_GIVEN_UP, "reason" => give_up(reason)).increment(1),
        Notice::Contradiction(_) => counter!(CONSENSUS_CONTRADICTIONS).increment(1),
        Notice::ClockStarted { .. }
        | Notice::Work { .. }
        | Notice::WorkGone { .. }
        | Notice::Proposed { .. }
        | Notice::Prepared { .. }
        | Notice::Heard(_)
        | Notice::Signing => {}
    }
}

fn give_up(reason: &GiveUpReason) -> &'static str {
    match reason {
        GiveUpReason::Timeout => "timeout",
        GiveUpReason::SilentLeader => "silent_leader",
        GiveUpReason::InvalidProposal => "invalid_proposal",
        GiveUpReason::ProofNotConfirmed(_) => "proof_not_confirmed",
        GiveUpReason::TwoProposals => "two_proposals",
        GiveUpReason::LeaderGaveUp => "leader_gave_up",
        GiveUpReason::OthersGaveUp => "others_gave_up",
    }
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

pub(crate) fn verifier_waiting(statements: usize) {
    gauge!(VERIFIER_WAITING).set(statements as f64);
}

/// A worker process came to life (1) or ended (-1).
pub(crate) fn verifier_workers(change: f64) {
    gauge!(VERIFIER_WORKERS).increment(change);
}

#[cfg(test)]
mod tests;
