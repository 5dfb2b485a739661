//! What a peer did wrong, who is banned, and who is not dialled for a while.

use super::Network;
use crate::network::faults::Fault;
use crate::network::frames::PeerMessage;
use crate::network::handshake::{LinkError, Refusal};
use crate::tap;
use protocol::types::ValidatorIndex;
use std::time::{Duration, Instant};

/// What is waited beyond [`Pace::answers_within`] before a peer is dialled again that has refused this process for another
/// one with its key: after a power failure the second attempt succeeds.
const KEY_IN_USE_PAUSE: Duration = Duration::from_millis(500);

impl<M: PeerMessage> Network<M> {
    pub fn banned_for(&self, validator: ValidatorIndex) -> Option<Duration> {
        self.slots.get(validator.as_usize())?.record.lock().banned_for(Instant::now())
    }

    /// Whether a peer may have one more connection that it made.
    pub(in crate::network) fn may_connect(&self, peer: ValidatorIndex) -> bool {
        self.slots[peer.as_usize()].record.lock().connects(Instant::now())
    }

    /// A fault that was found behind the gate, after the message had passed it. A ban ends the peer's session.
    pub fn accuse(&self, peer: ValidatorIndex, fault: &Fault) {
        let Some(slot) = self.slots.get(peer.as_usize()) else { return };
        if let Some(ban) = self.fault(peer, fault)
            && let Some(live) = slot.live.lock().as_ref()
        {
            live.cancel.send_replace(Some(LinkError::banned(ban)));
        }
    }

    /// Counts a peer's fault. Returns the ban that it brings.
    pub(in crate::network) fn fault(&self, peer: ValidatorIndex, fault: &Fault) -> Option<Duration> {
        tap::network::misbehaved(fault.label());
        let ban = self.slots[peer.as_usize()].record.lock().fault(fault, Instant::now());
        let name = self.roster.name(peer);
        tracing::warn!(peer = name, %fault, "a peer broke a rule");
        if let Some(ban) = ban {
            tap::network::banned();
            tracing::warn!(peer = name, ?ban, "a peer is banned after repeated misbehaviour");
        }
        ban
    }

    /// How long a peer is not dialled that has refused this process for another one with its key.
    pub fn refused_for(&self, validator: ValidatorIndex) -> Option<Duration> {
        let until = (*self.slots.get(validator.as_usize())?.key_in_use_until.lock())?;
        Some(until.saturating_duration_since(Instant::now())).filter(|left| !left.is_zero())
    }

    /// Whether the last session with a peer ended so.
    pub(in crate::network) fn was_refused_for_key(&self, peer: ValidatorIndex) -> bool {
        self.slots[peer.as_usize()].key_in_use_until.lock().is_some()
    }

    /// Keeps the reason for `status`; says whether it is another one than before.
    pub(in crate::network) fn note(&self, peer: ValidatorIndex, error: &LinkError) -> bool {
        let in_use = *error == LinkError::RefusedByPeer(Refusal::KeyInUse);
        *self.slots[peer.as_usize()].key_in_use_until.lock() =
            in_use.then(|| Instant::now() + self.pace.answers_within + KEY_IN_USE_PAUSE);
        let error = error.to_string();
        let mut last = self.slots[peer.as_usize()].last_error.lock();
        let news = last.as_ref() != Some(&error);
        *last = Some(error);
        news
    }

    /// Whether a refused stranger is worth a line in the log now.
    pub(in crate::network) fn logs_stranger(&self) -> bool {
        let mut strangers = self.strangers.lock();
        let now = Instant::now();
        let may = strangers.peek(1, now).is_zero();
        if may {
            strangers.take(1, now);
        }
        may
    }
}
