//! What an operator sees of the peers.

use super::frames::PeerMessage;
use super::roster::Member;
use super::table::Network;
use protocol::types::{NodeId, ValidatorIndex};
use serde::Serialize;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// What an operator sees of one peer.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PeerReport {
    pub validator: ValidatorIndex,
    pub node_id: NodeId,
    pub address: Option<String>,
    pub connected: bool,
    pub connected_ms: Option<u64>,
    /// Since when there is no session, in milliseconds since the Unix epoch; none while there is one. Before the first
    /// session, since this node's start.
    pub missing_since_ms: Option<u64>,
    /// Whether there was a session since this node's start.
    pub ever_connected: bool,
    pub round_trip_ms: Option<f64>,
    /// By how much its wall clock is ahead of ours, to about half a round trip; negative if it is behind.
    pub clock_ahead_ms: Option<i64>,
    pub bytes_in: u64,
    pub bytes_out: u64,
    pub messages_in: u64,
    pub messages_out: u64,
    /// Messages to it that were dropped because it took too little.
    pub dropped: u64,
    /// Pauses in reading from it because it sent more than its rate.
    pub throttled: u64,
    /// Waiting to be sent to it.
    pub waiting_messages: usize,
    pub waiting_bytes: usize,
    /// Rules that it broke.
    pub misbehaviour: u64,
    /// The newest of them, as text.
    pub last_misbehaviour: Option<String>,
    /// How much longer it is banned.
    pub banned_ms: Option<u64>,
    /// Why there is no session, or why the last one ended.
    pub last_error: Option<String>,
}

impl<M: PeerMessage> Network<M> {
    /// By how much each connected peer's clock is ahead of ours, where it told it.
    pub(super) fn clocks(&self) -> impl Iterator<Item = i64> + '_ {
        self.roster.others().filter_map(|(validator, _)| self.session(validator)?.clock_ahead_ms())
    }

    /// Every other validator, in the set's order. O(validators).
    pub fn peers(&self) -> Vec<PeerReport> {
        self.roster.others().map(|(validator, member)| self.report(validator, member)).collect()
    }

    fn report(&self, validator: ValidatorIndex, member: &Member) -> PeerReport {
        let slot = &self.slots[validator.as_usize()];
        let live = self.session(validator);
        let (waiting_messages, waiting_bytes) = live.as_ref().map_or((0, 0), |live| live.outbox.waiting());
        let last_closed = *slot.last_closed.lock();
        let record = slot.record.lock();
        PeerReport {
            validator,
            node_id: member.node_id.clone(),
            address: slot.address.lock().clone(),
            connected: live.is_some(),
            connected_ms: live.as_ref().map(|live| millis(live.since.elapsed())),
            missing_since_ms: live.is_none().then(|| last_closed.unwrap_or(self.started).0),
            ever_connected: live.is_some() || last_closed.is_some(),
            round_trip_ms: live.as_ref().map(|live| live.round_trip().as_secs_f64() * 1e3),
            clock_ahead_ms: live.as_ref().and_then(|live| live.clock_ahead_ms()),
            bytes_in: slot.traffic.bytes_in.load(Ordering::Relaxed),
            bytes_out: slot.traffic.bytes_out.load(Ordering::Relaxed),
            messages_in: slot.traffic.messages_in.load(Ordering::Relaxed),
            messages_out: slot.traffic.messages_out.load(Ordering::Relaxed),
            dropped: slot.traffic.dropped.load(Ordering::Relaxed),
            throttled: slot.traffic.throttled.load(Ordering::Relaxed),
            waiting_messages,
            waiting_bytes,
            misbehaviour: record.total(),
            last_misbehaviour: record.last().map(str::to_owned),
            banned_ms: record.banned_for(Instant::now()).map(millis),
            last_error: slot.last_error.lock().clone(),
        }
    }
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}
