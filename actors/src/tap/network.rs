//! Connections, sessions, frames, misbehaviour, and the signatures of what peers send.

use super::vote_way::{self, Place};
use crate::metrics::*;
use metrics::{Gauge, Histogram, counter, gauge, histogram};
use protocol::message::Message;
use protocol::types::ValidatorIndex;
use protocol::vote::VoteKind;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

pub(crate) fn session_opened() {
    gauge!(NETWORK_SESSIONS).increment(1.0);
}

pub(crate) fn session_closed(reason: &'static str) {
    gauge!(NETWORK_SESSIONS).decrement(1.0);
    counter!(NETWORK_SESSIONS_ENDED, "reason" => reason).increment(1);
}

/// A connection did not become a session.
pub(crate) fn refused(reason: &'static str, side: &'static str) {
    counter!(NETWORK_REFUSED, "reason" => reason, "side" => side).increment(1);
}

/// A peer broke this rule.
pub(crate) fn misbehaved(rule: &'static str) {
    counter!(NETWORK_MISBEHAVIOUR, "rule" => rule).increment(1);
}

pub(crate) fn banned() {
    counter!(NETWORK_BANS).increment(1);
}

/// Messages that an outbox had no room for.
pub(crate) fn dropped(lane: &'static str, messages: u64) {
    counter!(NETWORK_DROPPED, "lane" => lane).increment(messages);
}

/// A peer beyond its rate is read later.
pub(crate) fn throttled() {
    counter!(NETWORK_THROTTLED).increment(1);
}

pub(crate) fn round_trip(round_trip: Duration) {
    histogram!(NETWORK_ROUND_TRIP).record(round_trip.as_secs_f64());
}

/// By so much is this machine's clock ahead of its peers'.
pub(crate) fn clock_ahead(ahead_ms: i64) {
    gauge!(NETWORK_CLOCK_AHEAD).set(ahead_ms as f64 / 1e3);
}

/// The signature of a connection's key was checked.
pub(crate) fn handshake_checked() {
    counter!(SIGNATURES_CHECKED, "kind" => "handshake").increment(1);
}

/// What keeps the sessions' thread while peers connect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SessionStep {
    /// At who is missing.
    Look,
    Dial,
    Accept,
    /// The begin of a session.
    Open,
}

/// The longest step of one kind, and its gauge.
struct Longest(AtomicU64, Gauge);

impl Longest {
    fn of(step: &'static str) -> Longest {
        Longest(AtomicU64::new(0), gauge!(NETWORK_STEP_MAX, "step" => step))
    }

    fn took(&self, span: Duration) {
        let span_ns = u64::try_from(span.as_nanos()).unwrap_or(u64::MAX);
        if self.0.fetch_max(span_ns, Ordering::Relaxed) < span_ns {
            // Of two threads the one that is later sets what is largest by then.
            self.1.set(Duration::from_nanos(self.0.load(Ordering::Relaxed)).as_secs_f64());
        }
    }
}

/// What passes between this node and its peers.
pub(crate) struct Traffic {
    bytes_in: Counters,
    bytes_out: Counters,
    messages_in: Counters,
    messages_out: Counters,
    /// In the order of [`SessionStep`].
    steps: [Longest; 4],
}

impl Default for Traffic {
    fn default() -> Self {
        let direction = |direction| vec![metrics::Label::from_static_parts("direction", direction)];
        Traffic {
            bytes_in: Counters::with(NETWORK_BYTES, direction("in")),
            bytes_out: Counters::with(NETWORK_BYTES, direction("out")),
            messages_in: Counters::with(NETWORK_MESSAGES, direction("in")),
            messages_out: Counters::with(NETWORK_MESSAGES, direction("out")),
            steps: ["look", "dial", "accept", "open"].map(Longest::of),
        }
    }
}

impl Traffic {
    /// A frame was read; the kind of message that it holds, if it is known.
    pub(crate) fn frame_in(&self, kind: Option<&'static str>, bytes: usize) {
        self.bytes_in.add(kind.unwrap_or(SESSION_FRAME), bytes as u64);
    }

    /// A step took so much of a processor.
    pub(crate) fn step(&self, step: SessionStep, span: Duration) {
        let place = match step {
            SessionStep::Look => 0,
            SessionStep::Dial => 1,
            SessionStep::Accept => 2,
            SessionStep::Open => 3,
        };
        self.steps[place].took(span);
    }

    pub(crate) fn message_in(&self, kind: &'static str) {
        self.messages_in.add(kind, 1);
    }

    /// A frame was written, and whether its message ended with it.
    pub(crate) fn frame_out(&self, kind: Option<&'static str>, bytes: usize, ended: bool) {
        self.bytes_out.add(kind.unwrap_or(SESSION_FRAME), bytes as u64);
        if let Some(kind) = kind.filter(|_| ended) {
            self.messages_out.add(kind, 1);
        }
    }
}

/// The gate, where the messages of peers are verified.
pub struct GateTap {
    verify: Histogram,
    signatures: Counters,
}

/// A message that is being verified.
pub struct Verifying {
    /// Of those that are on the vote path.
    began: Option<Instant>,
    signed: Option<&'static str>,
}

impl Default for GateTap {
    fn default() -> Self {
        let verify = histogram!(CONSENSUS_STEP, "step" => "verify");
        GateTap { verify, signatures: Counters::of(SIGNATURES_CHECKED) }
    }
}

impl GateTap {
    /// A message was decoded.
    pub fn read(&self, message: &Message) {
        vote_way::message(Place::Read, message);
    }

    pub fn begins(&self, from: ValidatorIndex, message: &Message) -> Verifying {
        Verifying { began: is_on_vote_path(message).then(Instant::now), signed: signed_kind(from, message) }
    }

    /// So many of its signatures were calculated; one that does not hold cost as much.
    pub fn calculated(&self, verifying: &Verifying, count: u64) {
        if let Some(kind) = verifying.signed.filter(|_| count > 0) {
            self.signatures.add(kind, count);
        }
    }

    pub fn verified(&self, verifying: &Verifying, message: &Message) {
        verifying.began.into_iter().for_each(|began| self.verify.record(began.elapsed().as_secs_f64()));
        vote_way::message(Place::Verified, message);
    }
}

/// Whether a message takes the vote path: a proposal or a vote.
pub(super) fn is_on_vote_path(message: &Message) -> bool {
    matches!(message, Message::Proposal(_) | Message::Vote { .. })
}

/// What the signatures of a peer's message are of. None where none is checked with the message: the mempool checks those of
/// proofs.
fn signed_kind(from: ValidatorIndex, message: &Message) -> Option<&'static str> {
    Some(match message {
        Message::Vote { vote, .. } if vote.voter != from => "relayed_vote",
        Message::Vote { vote, .. } if vote.ballot.choice.kind() == VoteKind::ViewChange => "view_change",
        Message::Vote { .. } => "vote",
        Message::Proposal(_) => "proposal",
        Message::Certificate(_) | Message::Certificates(_) => "certificate",
        Message::Blocks { .. } => "block",
        Message::Testimony(_) => "recovery_response",
        Message::Status(_)
        | Message::CertificateRequest { .. }
        | Message::BlockRequest { .. }
        | Message::Checked(_)
        | Message::Pending(_)
        | Message::ProofRequest(_)
        | Message::Proofs(_) => return None,
    })
}
