//! Who has the slot of a peer: which of two connections becomes the session of a pair, and who is being dialled.

use super::Network;
use crate::network::frames::PeerMessage;
use crate::network::handshake::{LinkError, Refusal};
use crate::network::live::{Admitted, Live};
use protocol::types::ValidatorIndex;
use protocol::validator::sessions::{Session, SessionNumber};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// A session older than this gives way to a new connection of the same peer, which would not dial if it still had it.
/// A younger one stays: both sides may have dialled at the same time.
pub const SETTLED_AFTER: Duration = Duration::from_secs(2);

impl<M: PeerMessage> Network<M> {
    /// Whether there is a session or one is becoming.
    pub fn is_taken(&self, validator: ValidatorIndex) -> bool {
        self.slots.get(validator.as_usize()).is_some_and(|slot| slot.live.lock().is_some())
    }

    /// Marks the peer as being dialled; `None` if it is already. The mark goes with the guard.
    pub fn begin_dial(self: &Arc<Self>, validator: ValidatorIndex) -> Option<DialMark<M>> {
        let slot = self.slots.get(validator.as_usize())?;
        let free = !slot.dialling.swap(true, Ordering::AcqRel);
        free.then(|| DialMark { network: Arc::clone(self), validator })
    }

    pub fn is_dialling(&self, validator: ValidatorIndex) -> bool {
        self.slots.get(validator.as_usize()).is_some_and(|slot| slot.dialling.load(Ordering::Acquire))
    }

    /// Ends every session; peers connect again at once. Every session up to the number that comes back ends, and no later one.
    pub fn reconnect(&self) -> SessionNumber {
        // A session has its number and its slot under the slot's lock: those up to this number are found below.
        let last = SessionNumber(self.last_session.load(Ordering::Acquire));
        for slot in &self.slots {
            if let Some(live) = slot.live.lock().as_ref().filter(|live| live.session().number <= last) {
                live.cancel.send_replace(Some(LinkError::Replaced));
            }
        }
        last
    }

    /// Ends every session and lets none begin; used when the node stops.
    pub fn close(&self) {
        self.closing.store(true, Ordering::SeqCst);
        for slot in &self.slots {
            if let Some(live) = slot.live.lock().as_ref() {
                live.cancel.send_replace(Some(LinkError::Refused(Refusal::Stopping)));
            }
        }
    }

    /// This side chooses for the pair: makes the connection the session, unless there is one that stays.
    ///
    /// # Errors
    /// [`Refusal::Duplicate`], [`Refusal::KeyInUse`] or [`Refusal::Stopping`].
    pub(in crate::network) fn choose(&self, peer: ValidatorIndex, boot: u64) -> Result<Admitted, Refusal> {
        let mut place = self.slots[peer.as_usize()].live.lock();
        if self.closing.load(Ordering::SeqCst) {
            return Err(Refusal::Stopping);
        }
        match place.as_ref() {
            Some(old) if old.boot == boot && old.since.elapsed() < SETTLED_AFTER => return Err(Refusal::Duplicate),
            Some(old) if old.is_another_that_answers(boot, self.pace.answers_within) => return Err(Refusal::KeyInUse),
            Some(_) | None => {}
        }
        Ok(self.take_place(&mut place, peer, boot))
    }

    /// The peer chose this connection.
    ///
    /// # Errors
    /// [`Refusal::KeyInUse`] or [`Refusal::Stopping`].
    pub(in crate::network) fn accept_choice(&self, peer: ValidatorIndex, boot: u64) -> Result<Admitted, Refusal> {
        let mut place = self.slots[peer.as_usize()].live.lock();
        if self.closing.load(Ordering::SeqCst) {
            return Err(Refusal::Stopping);
        }
        if place.as_ref().is_some_and(|old| old.is_another_that_answers(boot, self.pace.answers_within)) {
            return Err(Refusal::KeyInUse);
        }
        Ok(self.take_place(&mut place, peer, boot))
    }

    fn take_place(&self, place: &mut Option<Arc<Live>>, peer: ValidatorIndex, boot: u64) -> Admitted {
        let number = SessionNumber(self.last_session.fetch_add(1, Ordering::AcqRel).saturating_add(1));
        let live = Arc::new(Live::new(Session { peer, number }, boot));
        let before = place.replace(Arc::clone(&live));
        if let Some(old) = &before {
            old.cancel.send_replace(Some(LinkError::Replaced));
        }
        Admitted { live, before }
    }

    /// Gives the slot up, if it is still this connection's.
    pub(in crate::network) fn leave(&self, live: &Live) {
        let mut place = self.slots[live.peer.as_usize()].live.lock();
        if place.as_ref().is_some_and(|current| current.session() == live.session()) {
            *place = None;
        }
        drop(place);
        live.ended.send_replace(true);
        self.changed.notify_one();
    }
}

/// Says that a peer is being dialled, for as long as it lives.
pub struct DialMark<M: PeerMessage> {
    network: Arc<Network<M>>,
    validator: ValidatorIndex,
}

impl<M: PeerMessage> Drop for DialMark<M> {
    fn drop(&mut self) {
        self.network.slots[self.validator.as_usize()].dialling.store(false, Ordering::Release);
        self.network.changed.notify_one();
    }
}
