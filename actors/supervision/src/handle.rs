//! The stable way to an actor: [`Handle`].
//!
//! It sends, asks with a deadline, and reports. It must never hold an actix address, which would go stale, and never lose
//! a message without saying so.

use crate::child::Core;
use crate::mailbox::{Deliver, Letter, Life, Phase, Why};
use crate::report::ActorReport;
use crate::vitals::Kind;
use actix::dev::{MessageResponse, OneshotSender};
use actix::{Actor, Context, Handler, Message};
use parking_lot::Mutex;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

/// Reaches an actor through all of its incarnations. Cheap to clone; may be used from any thread.
/// Its waits need a Tokio runtime with time, which an actix system is.
pub struct Handle<A: Actor<Context = Context<A>>> {
    pub(crate) core: Arc<Core<A>>,
}

/// A message that was surely not delivered, given back.
pub struct Refused<M> {
    pub message: M,
    pub actor: &'static str,
    pub why: Why,
}

/// A request whose handler had begun: its effects may have happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unanswered {
    #[error("{actor} did not answer within {deadline:?}; the request may have run")]
    Deadline { actor: &'static str, deadline: Duration },
    #[error("{actor} failed while it had the request, which may have run")]
    Failed { actor: &'static str },
}

/// Why a request has no answer. Only a refused one may be repeated without a thought.
pub enum AskError<M> {
    Refused(Refused<M>),
    MayHaveRun(Unanswered),
}

impl<A: Actor<Context = Context<A>>> Handle<A> {
    /// Puts a message into the mailbox; nobody waits for its result.
    ///
    /// # Errors
    /// The message, if it was not taken.
    pub fn send<M>(&self, message: M) -> Result<(), Refused<M>>
    where
        A: Handler<M>,
        M: Message + Send + 'static,
        M::Result: Send,
    {
        let mut message = Some(message);
        let wrap = || -> Letter<A> { Box::new(Sent(message.take().expect("called at most once"))) };
        match self.core.mailbox.push(wrap) {
            Ok(()) => Ok(()),
            Err(why) => Err(self.refused(message.take().expect("not wrapped if refused"), why)),
        }
    }

    /// Asks and waits for the answer, `deadline` at most. If this future is dropped before the handler begins, the handler
    /// does not run.
    ///
    /// # Errors
    /// [`AskError::Refused`] gives back a message that was surely not delivered; [`AskError::MayHaveRun`] says that the
    /// handler had begun.
    pub async fn ask<M>(&self, message: M, deadline: Duration) -> Result<M::Result, AskError<M>>
    where
        A: Handler<M>,
        M: Message + Send + 'static,
        M::Result: Send,
    {
        let (reply, mut answer) = oneshot::channel();
        let slot = Arc::new(Slot(Mutex::new(SlotState::Waiting(message, reply))));
        let mut life = self.core.mailbox.watch();
        if let Err(why) = self.core.mailbox.push(|| Box::new(Asked(Arc::clone(&slot)))) {
            return Err(self.give_up(&slot, why, Unanswered::Failed { actor: self.name() }));
        }
        let abandoned = Abandon(&slot);
        let timer = tokio::time::sleep(deadline);
        tokio::pin!(timer);
        let result = loop {
            tokio::select! {
                biased;
                changed = life.changed() => {
                    let now = *life.borrow_and_update();
                    if changed.is_err() || slot.lost_in(now) {
                        break Err(self.give_up(&slot, Why::Ended, Unanswered::Failed { actor: self.name() }));
                    }
                }
                answer = &mut answer => {
                    break match answer {
                        Ok(answer) if !slot.lost_in(self.core.mailbox.life()) => Ok(answer),
                        // The sender of the answer is dropped when the handler panics or declines to answer.
                        Ok(_) | Err(_) => Err(self.give_up(&slot, Why::Ended, Unanswered::Failed { actor: self.name() })),
                    };
                }
                () = &mut timer => {
                    let unanswered = Unanswered::Deadline { actor: self.name(), deadline };
                    break Err(self.give_up(&slot, Why::Deadline, unanswered));
                }
            }
        };
        drop(abandoned);
        result
    }

    pub fn name(&self) -> &'static str {
        self.core.mailbox.name
    }

    /// For how long the running incarnation has been asked in vain to look into its mailbox, as it is several times a second.
    /// What depends on the actor may say that it hangs, rather than hang with it.
    pub fn silence(&self) -> Duration {
        self.core.mailbox.vitals.silence()
    }

    /// What is seen of the actor now, without asking it.
    pub fn report(&self) -> ActorReport {
        self.core.report(Instant::now())
    }

    /// Waits until an incarnation runs; false if there will be none.
    pub async fn running(&self) -> bool {
        self.reaches(|life| matches!(life.phase, Phase::Running | Phase::Ended)).await.phase == Phase::Running
    }

    /// Waits until there will be no other incarnation.
    pub async fn ended(&self) {
        self.reaches(|life| life.phase == Phase::Ended).await;
    }

    /// Ends the actor for good: new messages are refused, those that wait are handled, then it stops in order. What is not
    /// over at the deadline is cut off. Returns whether it ended in order.
    ///
    /// An actor that is down ends at once, or, if messages wait, once its next incarnation has handled them. One that blocks
    /// its thread cannot be cut off; then this returns after twice the deadline.
    pub async fn stop(&self, deadline: Duration) -> bool {
        self.core.begin_end();
        if tokio::time::timeout(deadline, self.ended()).await.is_ok() {
            return true;
        }
        self.core.end_now();
        // Whether it could be cut off or not, it did not end in order.
        let _ = tokio::time::timeout(deadline, self.ended()).await;
        false
    }

    async fn reaches(&self, condition: impl Fn(&Life) -> bool) -> Life {
        let mut life = self.core.mailbox.watch();
        // The sender lives in the mailbox, which this handle holds: the wait cannot fail.
        let reached = life.wait_for(|life| condition(life)).await.map(|life| *life);
        reached.unwrap_or_else(|_| self.core.mailbox.life())
    }

    fn refused<M>(&self, message: M, why: Why) -> Refused<M> {
        Refused { message, actor: self.name(), why }
    }

    fn give_up<M: Message>(&self, slot: &Slot<M>, why: Why, unanswered: Unanswered) -> AskError<M> {
        match slot.take_back() {
            Some(message) => AskError::Refused(self.refused(message, why)),
            None => {
                self.core.mailbox.vitals.on_dropped(1);
                AskError::MayHaveRun(unanswered)
            }
        }
    }
}

impl<A: Actor<Context = Context<A>>> Clone for Handle<A> {
    fn clone(&self) -> Self {
        Handle { core: Arc::clone(&self.core) }
    }
}

impl<A: Actor<Context = Context<A>>> fmt::Debug for Handle<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Handle({})", self.core.mailbox.name)
    }
}

/// A message whose result nobody waits for.
struct Sent<M>(M);

impl<A, M> Deliver<A> for Sent<M>
where
    A: Actor<Context = Context<A>> + Handler<M>,
    M: Message + Send + 'static,
{
    fn deliver(self: Box<Self>, actor: &mut A, context: &mut Context<A>, _: u64) {
        actor.handle(self.0, context).handle(context, None);
    }

    fn kind(&self) -> Kind {
        short_name::<M>
    }
}

/// The type's name without the modules round it. Of a message that carries one other type, that type's name: what an envelope
/// that all actors share holds says more than the envelope.
fn short_name<M>() -> &'static str {
    let whole = std::any::type_name::<M>();
    let carried = whole.split_once('<').and_then(|(_, rest)| rest.strip_suffix('>'));
    let plain = match carried {
        Some(carried) if !carried.contains(['<', ',', ' ']) => carried,
        _ => whole.split('<').next().unwrap_or(whole),
    };
    plain.rsplit("::").next().unwrap_or(plain)
}

/// Where a request's message is: with the asker, who may take it back, or with one incarnation.
struct Slot<M: Message>(Mutex<SlotState<M>>);

enum SlotState<M: Message> {
    Waiting(M, OneshotSender<M::Result>),
    Taken { incarnation: u64 },
    TakenBack,
}

impl<M: Message> Slot<M> {
    fn take_back(&self) -> Option<M> {
        let mut state = self.0.lock();
        match std::mem::replace(&mut *state, SlotState::TakenBack) {
            SlotState::Waiting(message, _) => Some(message),
            SlotState::Taken { .. } | SlotState::TakenBack => None,
        }
    }

    /// Whether the request can no longer be answered by a running incarnation.
    fn lost_in(&self, life: Life) -> bool {
        match *self.0.lock() {
            SlotState::Waiting(..) => life.phase == Phase::Ended,
            // An incarnation that ended in order may still have answered.
            SlotState::Taken { incarnation } => incarnation != life.incarnation || life.phase == Phase::Down,
            SlotState::TakenBack => true,
        }
    }
}

struct Asked<M: Message>(Arc<Slot<M>>);

impl<A, M> Deliver<A> for Asked<M>
where
    A: Actor<Context = Context<A>> + Handler<M>,
    M: Message + Send + 'static,
    M::Result: Send,
{
    fn deliver(self: Box<Self>, actor: &mut A, context: &mut Context<A>, incarnation: u64) {
        let taken = {
            let mut state = self.0.0.lock();
            match &*state {
                SlotState::Waiting(..) => std::mem::replace(&mut *state, SlotState::Taken { incarnation }),
                SlotState::Taken { .. } | SlotState::TakenBack => return,
            }
        };
        if let SlotState::Waiting(message, reply) = taken {
            actor.handle(message, context).handle(context, Some(reply));
        }
    }

    fn kind(&self) -> Kind {
        short_name::<M>
    }
}

/// Takes the message back when the asker goes away, so that the handler does not run for nobody.
struct Abandon<'a, M: Message>(&'a Slot<M>);

impl<M: Message> Drop for Abandon<'_, M> {
    fn drop(&mut self) {
        self.0.take_back();
    }
}

impl<M> Refused<M> {
    /// The same refusal without the message.
    pub fn reason(&self) -> String {
        format!("{} did not take the message: {}", self.actor, self.why)
    }
}

impl<M> fmt::Debug for Refused<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Refused").field("actor", &self.actor).field("why", &self.why).finish_non_exhaustive()
    }
}

impl<M> fmt::Display for Refused<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason())
    }
}

impl<M> std::error::Error for Refused<M> {}

impl<M> fmt::Debug for AskError<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AskError::Refused(refused) => refused.fmt(f),
            AskError::MayHaveRun(unanswered) => unanswered.fmt(f),
        }
    }
}

impl<M> fmt::Display for AskError<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AskError::Refused(refused) => fmt::Display::fmt(refused, f),
            AskError::MayHaveRun(unanswered) => fmt::Display::fmt(unanswered, f),
        }
    }
}

impl<M> std::error::Error for AskError<M> {}

#[cfg(test)]
mod tests {
    use super::*;

    struct Note;
    struct Envelope<M>(std::marker::PhantomData<M>);

    #[test]
    fn a_message_is_named_without_modules_and_an_envelope_by_what_it_carries() {
        assert_eq!(short_name::<Note>(), "Note");
        assert_eq!(short_name::<Envelope<Note>>(), "Note");
        assert_eq!(short_name::<Envelope<Envelope<Note>>>(), "Envelope");
        assert_eq!(short_name::<Envelope<(Note, Note)>>(), "Envelope");
    }
}
