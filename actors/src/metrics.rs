//! Every metric of the node: its name, its help and its unit, and the few functions that record them.
//!
//! Labels come from enums or from names in the code, never from what a peer or a submitter sends.

use crate::network::Lane;
use metrics::{Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};
use std::time::Duration;

/// Messages that an actor has handled. Label: `actor`.
pub const ACTOR_MESSAGES: &str = "pop_actor_messages_total";
/// Messages that wait in an actor's mailbox. Label: `actor`.
pub const ACTOR_WAITING: &str = "pop_actor_messages_waiting";
/// Panics, failed starts and unasked stops of an actor. Label: `actor`.
pub const ACTOR_FAILURES: &str = "pop_actor_failures_total";

/// Open sessions with peers.
pub const NETWORK_SESSIONS: &str = "pop_network_sessions";
/// Sessions that ended. Label: `reason`.
pub const NETWORK_SESSIONS_ENDED: &str = "pop_network_sessions_ended_total";
/// Connections that did not become a session. Labels: `reason`, `side` (accepted, dialled).
pub const NETWORK_REFUSED: &str = "pop_network_refused_total";
/// Rules that authenticated peers broke. Label: `fault`.
pub const NETWORK_FAULTS: &str = "pop_network_faults_total";
/// Bans after repeated faults.
pub const NETWORK_BANS: &str = "pop_network_bans_total";
/// Bytes of frames, before TLS. Label: `direction` (in, out).
pub const NETWORK_BYTES: &str = "pop_network_bytes_total";
/// Messages. Labels: `direction` (in, out), `kind`.
pub const NETWORK_MESSAGES: &str = "pop_network_messages_total";
/// Messages that were dropped because a peer took too little. Label: `lane` (urgent, bulk).
pub const NETWORK_DROPPED: &str = "pop_network_dropped_total";
/// Times that reading from a peer paused because it was beyond its rate.
pub const NETWORK_THROTTLED: &str = "pop_network_throttled_total";
/// Round trip of a session, from ping to pong.
pub const NETWORK_ROUND_TRIP: &str = "pop_network_round_trip_seconds";

/// Tells the recorder what each metric means. Called once, after the recorder is installed.
pub fn describe() {
    describe_consensus();
    describe_counter!(ACTOR_MESSAGES, Unit::Count, "messages that an actor has handled");
    describe_gauge!(ACTOR_WAITING, Unit::Count, "messages that wait in an actor's mailbox");
    describe_counter!(ACTOR_FAILURES, Unit::Count, "panics, failed starts and unasked stops of an actor");
    describe_gauge!(NETWORK_SESSIONS, Unit::Count, "open sessions with peers");
    describe_counter!(NETWORK_SESSIONS_ENDED, Unit::Count, "sessions that ended, by reason");
    describe_counter!(NETWORK_REFUSED, Unit::Count, "connections that did not become a session, by reason and side");
    describe_counter!(NETWORK_FAULTS, Unit::Count, "rules that authenticated peers broke");
    describe_counter!(NETWORK_BANS, Unit::Count, "bans after repeated faults");
    describe_counter!(NETWORK_BYTES, Unit::Bytes, "bytes of frames to and from peers, before TLS");
    describe_counter!(NETWORK_MESSAGES, Unit::Count, "messages to and from peers, by kind");
    describe_counter!(NETWORK_DROPPED, Unit::Count, "messages dropped because a peer took too little");
    describe_counter!(NETWORK_THROTTLED, Unit::Count, "pauses in reading from a peer beyond its rate");
    describe_histogram!(NETWORK_ROUND_TRIP, Unit::Seconds, "round trip of a session, from ping to pong");
}

pub(crate) fn actor_handled(actor: &'static str, messages: u64, waiting: usize) {
    counter!(ACTOR_MESSAGES, "actor" => actor).increment(messages);
    gauge!(ACTOR_WAITING, "actor" => actor).set(waiting as f64);
}

pub(crate) fn actor_failed(actor: &'static str) {
    counter!(ACTOR_FAILURES, "actor" => actor).increment(1);
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

/// Time from handing records to the vote log until they are on the disk.
pub const VOTE_LOG_WRITE: &str = "pop_vote_log_write_seconds";
/// Blocks that became final here.
pub const CONSENSUS_BLOCKS_FINAL: &str = "pop_consensus_blocks_final_total";
/// The current view.
pub const CONSENSUS_VIEW: &str = "pop_consensus_view";
/// Views that ended by a ViewChange certificate.
pub const CONSENSUS_VIEW_CHANGES: &str = "pop_consensus_view_changes_total";
/// Votes that contradict another of the same validator.
pub const CONSENSUS_CONTRADICTIONS: &str = "pop_consensus_contradictions_total";

fn describe_consensus() {
    describe_histogram!(VOTE_LOG_WRITE, Unit::Seconds, "time until records of the vote log are on the disk");
    describe_counter!(CONSENSUS_BLOCKS_FINAL, Unit::Count, "blocks that became final here");
    describe_gauge!(CONSENSUS_VIEW, Unit::Count, "the current view");
    describe_counter!(CONSENSUS_VIEW_CHANGES, Unit::Count, "views that ended by a ViewChange certificate");
    describe_counter!(CONSENSUS_CONTRADICTIONS, Unit::Count, "votes that contradict another of the same validator");
}

pub(crate) fn vote_log_written(took: Duration) {
    histogram!(VOTE_LOG_WRITE).record(took.as_secs_f64());
}

pub(crate) fn blocks_final(blocks: usize) {
    counter!(CONSENSUS_BLOCKS_FINAL).increment(blocks as u64);
}

pub(crate) fn consensus_notice(notice: &protocol::consensus::events::Notice) {
    use protocol::consensus::events::Notice;
    use protocol::vote::VoteKind;
    match notice {
        Notice::ViewEntered { view, by, .. } => {
            gauge!(CONSENSUS_VIEW).set(view.0 as f64);
            if *by == Some(VoteKind::ViewChange) {
                counter!(CONSENSUS_VIEW_CHANGES).increment(1);
            }
        }
        Notice::Contradiction(_) => counter!(CONSENSUS_CONTRADICTIONS).increment(1),
        Notice::ClockStarted { .. }
        | Notice::Work { .. }
        | Notice::WorkGone { .. }
        | Notice::Proposed { .. }
        | Notice::Prepared { .. }
        | Notice::Heard(_)
        | Notice::GaveUp { .. }
        | Notice::Signing => {}
    }
}
