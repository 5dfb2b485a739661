//! The gate between sessions and actors: a peer's message passes it only as `Verified`.
//!
//! It runs on the sessions' own threads, so that one peer's signatures never hold up another actor.

use crate::network::Sink;
use protocol::message::Message;
use protocol::quorum::ValidatorSet;
use protocol::schedule::Schedule;
use protocol::signature::Ed25519;
use protocol::types::{Hash, ValidatorIndex};
use protocol::verify::{Checker, Verified};
use std::sync::Arc;
use std::time::Duration;

/// Where verified messages go: to the actors that want them. Must not block.
pub trait Receiver: Send + Sync + 'static {
    /// May drop the message when its actor is full or down: peers repeat what matters.
    fn deliver(&self, from: ValidatorIndex, message: Verified<Message>);

    fn opened(&self, validator: ValidatorIndex, round_trip: Duration);

    fn closed(&self, validator: ValidatorIndex);
}

/// Verifies with the set and schedule of one epoch.
pub struct Gate<R> {
    set: Arc<ValidatorSet>,
    schedule: Arc<Schedule>,
    genesis: Hash,
    receiver: R,
}

impl<R: Receiver> Gate<R> {
    /// `genesis` is the hash of block 0.
    pub fn new(set: Arc<ValidatorSet>, schedule: Arc<Schedule>, genesis: Hash, receiver: R) -> Self {
        Gate { set, schedule, genesis, receiver }
    }
}

impl<R: Receiver> Sink<Message> for Gate<R> {
    fn verify(&self, message: Message) -> Result<Verified<Message>, String> {
        let checker = Checker { set: &self.set, schedule: &self.schedule, genesis: self.genesis, signatures: &Ed25519 };
        checker.message(message).map_err(|fault| fault.to_string())
    }

    fn deliver(&self, from: ValidatorIndex, message: Verified<Message>) {
        self.receiver.deliver(from, message);
    }

    fn opened(&self, validator: ValidatorIndex, round_trip: Duration) {
        self.receiver.opened(validator, round_trip);
    }

    fn closed(&self, validator: ValidatorIndex) {
        self.receiver.closed(validator);
    }
}
