//! What a part did not take is tried again, soon, and in order for each part.
//!
//! For what may not be lost while its recipient is restarted. It lasts as long as its sender, and tells nobody again what died
//! with it: [`protocol::validator::restart`] does.

use crate::routes::Routes;
use actix::{Actor, AsyncContext, Context};
use protocol::validator::route::{Delivery, Part};
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

/// How soon what was not taken is tried again.
const RETRY: Duration = Duration::from_millis(20);
/// Deliveries that may wait for one part, several times what the mempool holds. A part that is down for so long ends the process
/// by its supervisor; what exceeds this meanwhile is lost.
pub const UNDELIVERED_MAX: usize = 1 << 16;

/// What waits for parts that are full or down.
#[derive(Debug, Default)]
pub struct Undelivered {
    waiting: BTreeMap<Part, VecDeque<Delivery>>,
    retrying: bool,
}

impl Undelivered {
    /// Forgets what waits for a part, unless it is to be kept.
    pub fn retain(&mut self, part: Part, keep: impl FnMut(&Delivery) -> bool) {
        if let Some(waiting) = self.waiting.get_mut(&part) {
            waiting.retain(keep);
        }
    }

    fn waits_for(&self, part: Part) -> bool {
        self.waiting.get(&part).is_some_and(|waiting| !waiting.is_empty())
    }

    fn push(&mut self, part: Part, delivery: Delivery) {
        let waiting = self.waiting.entry(part).or_default();
        if waiting.len() < UNDELIVERED_MAX {
            waiting.push_back(delivery);
        } else {
            tracing::error!(?part, waiting = waiting.len(), "a part takes nothing: what is for it is lost");
        }
    }
}

/// An actor whose deliveries are tried again.
pub trait Deliver: Actor<Context = Context<Self>> {
    fn routes(&self) -> &Routes;

    fn undelivered(&mut self) -> &mut Undelivered;

    /// Tries once.
    ///
    /// # Errors
    /// What was not taken.
    #[expect(clippy::result_large_err, reason = "what was not taken comes back as it was given")]
    fn attempt(&mut self, delivery: Delivery, _: &mut Context<Self>) -> Result<(), Delivery> {
        self.routes().deliver(delivery)
    }
}

/// Gives it to its part, behind what waits for that part. What is for no one part is not tried again.
pub fn deliver<A: Deliver>(actor: &mut A, delivery: Delivery, context: &mut Context<A>) {
    let Some(part) = recipient(&delivery) else { return drop(actor.attempt(delivery, context)) };
    let refused = match actor.undelivered().waits_for(part) {
        true => Some(delivery),
        false => actor.attempt(delivery, context).err(),
    };
    if let Some(delivery) = refused {
        actor.undelivered().push(part, delivery);
        retry_later(actor, context);
    }
}

fn retry_later<A: Deliver>(actor: &mut A, context: &mut Context<A>) {
    if !std::mem::replace(&mut actor.undelivered().retrying, true) {
        context.run_later(RETRY, |actor, context| {
            actor.undelivered().retrying = false;
            retry(actor, context);
        });
    }
}

/// A part that is down does not hold up what is for another.
fn retry<A: Deliver>(actor: &mut A, context: &mut Context<A>) {
    for part in Part::ALL {
        while let Some(delivery) = actor.undelivered().waiting.get_mut(&part).and_then(VecDeque::pop_front) {
            if let Err(delivery) = actor.attempt(delivery, context) {
                actor.undelivered().waiting.entry(part).or_default().push_front(delivery);
                break;
            }
        }
    }
    if Part::ALL.into_iter().any(|part| actor.undelivered().waits_for(part)) {
        retry_later(actor, context);
    }
}

fn recipient(delivery: &Delivery) -> Option<Part> {
    match delivery {
        Delivery::Consensus(_) => Some(Part::Consensus),
        Delivery::Mempool(_) => Some(Part::Mempool),
        Delivery::VerifierPool(_) => Some(Part::VerifierPool),
        Delivery::State(_) => Some(Part::State),
        Delivery::Followers(_) | Delivery::Io(_) => None,
    }
}
