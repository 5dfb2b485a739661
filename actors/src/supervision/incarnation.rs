//! One life of an actor: an actix context whose messages come from the mailbox that outlives it.
//!
//! It turns a panic anywhere in that life (handler, timer, spawned future, `started`) into a value, and it must never run
//! `stopping` or `stopped` on what the panic left behind.

use super::mailbox::{Mailbox, Next};
use super::panics::caught;
use crate::metrics;
use actix::dev::ContextFut;
use actix::fut::ActorFuture;
use actix::{Actor, ActorContext, ActorState, AsyncContext, Context};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{self, Poll};

/// Messages that are handled in a row before timers and the neighbours on the arbiter get their turn.
pub const BATCH_MAX: usize = 32;

/// How a life ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Ending {
    /// The context was stopped.
    Stopped,
    /// With the panic's text and place.
    Panicked(String),
}

pub(super) struct Incarnation<A: Actor<Context = Context<A>>> {
    /// `None` once it has ended.
    life: Option<ContextFut<A, Context<A>>>,
}

impl<A: Actor<Context = Context<A>>> Incarnation<A> {
    pub(super) fn new(actor: A, mailbox: Arc<Mailbox<A>>, number: u64) -> Self {
        let mut context = Context::new();
        context.spawn(Postman { mailbox, number });
        Incarnation { life: Some(context.into_future(actor)) }
    }

    /// Ends it without a word to the actor; a panic of its destructor ends here.
    pub(super) fn cut_off(&mut self) -> Option<String> {
        let mut life = self.life.take()?;
        // A terminated context is not polled again by its own destructor.
        life.ctx().terminate();
        caught(|| drop(life)).err()
    }
}

impl<A: Actor<Context = Context<A>>> Future for Incarnation<A> {
    type Output = Ending;

    fn poll(mut self: Pin<&mut Self>, task: &mut task::Context<'_>) -> Poll<Ending> {
        let Some(life) = &mut self.life else { return Poll::Ready(Ending::Stopped) };
        match caught(|| Pin::new(life).poll(task)) {
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(())) => match self.cut_off() {
                None => Poll::Ready(Ending::Stopped),
                Some(panic) => Poll::Ready(Ending::Panicked(format!("while it was dropped: {panic}"))),
            },
            Err(panic) => {
                if let Some(second) = self.cut_off() {
                    tracing::error!(panic = %second, "a second panic while the failed actor was dropped");
                }
                Poll::Ready(Ending::Panicked(panic))
            }
        }
    }
}

/// Brings the messages from the mailbox to the handlers.
struct Postman<A: Actor<Context = Context<A>>> {
    mailbox: Arc<Mailbox<A>>,
    number: u64,
}

impl<A: Actor<Context = Context<A>>> ActorFuture<A> for Postman<A> {
    type Output = ();

    fn poll(
        self: Pin<&mut Self>,
        actor: &mut A,
        context: &mut Context<A>,
        task: &mut task::Context<'_>,
    ) -> Poll<Self::Output> {
        for handled in 0..BATCH_MAX {
            match self.mailbox.take(task.waker()) {
                Next::Letter(letter) => letter.deliver(actor, context, self.number),
                Next::Empty => {
                    self.observe(handled);
                    return Poll::Pending;
                }
                Next::End => {
                    context.stop();
                    return Poll::Ready(());
                }
            }
            // A handler may stop the actor, or ask for no further message before some future is done (`ctx.wait`); the
            // context polls this future again after that.
            if context.state() != ActorState::Running || context.waiting() {
                self.observe(handled + 1);
                return Poll::Pending;
            }
        }
        self.observe(BATCH_MAX);
        task.waker().wake_by_ref();
        Poll::Pending
    }
}

impl<A: Actor<Context = Context<A>>> Postman<A> {
    fn observe(&self, handled: usize) {
        if handled > 0 {
            metrics::actor_handled(self.mailbox.name, handled as u64, self.mailbox.depth());
        }
    }
}
