//! The gate between sessions and actors: a peer's message passes it only as `Verified`.
//!
//! It runs on the sessions' own threads, so that one peer's signatures never hold up another actor.

use super::remembered::Remembered;
use crate::metrics::handles::{Steps, is_on_the_votes_way};
use crate::network::Sink;
use crate::vote_way::{self, Place};
use protocol::message::Message;
use protocol::quorum::ValidatorSet;
use protocol::schedule::Schedule;
use protocol::types::{Hash, ValidatorIndex};
use protocol::verify::{Checker, Verified};
use std::sync::Arc;
use std::time::{Duration, Instant};

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
    signatures: Remembered,
    steps: Steps,
    receiver: R,
}

impl<R: Receiver> Gate<R> {
    /// `genesis` is the hash of block 0.
    pub fn new(set: Arc<ValidatorSet>, schedule: Arc<Schedule>, genesis: Hash, receiver: R) -> Self {
        let signatures = Remembered::new(set.len());
        Gate { set, schedule, genesis, signatures, steps: Steps::default(), receiver }
    }
}

impl<R: Receiver> Sink<Message> for Gate<R> {
    fn verify(&self, message: Message) -> Result<Verified<Message>, String> {
        let Gate { set, schedule, genesis, signatures, steps, .. } = self;
        let checker = Checker { set, schedule, genesis: *genesis, signatures };
        vote_way::message(Place::Read, &message);
        let began = is_on_the_votes_way(&message).then(Instant::now);
        let verified = checker.message(message).map_err(|fault| fault.to_string())?;
        began.into_iter().for_each(|began| steps.verified(began.elapsed()));
        vote_way::message(Place::Verified, &verified);
        Ok(verified)
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
