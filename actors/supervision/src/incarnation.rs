//! One life of an actor: an actix context whose messages come from the mailbox that outlives it.
//!
//! It turns a panic anywhere in that life (handler, timer, spawned future, `started`) into a value, and it must never run
//! `stopping` or `stopped` on what the panic left behind, nor on an incarnation whose place was taken.

use crate::faults::{BLOCK_TIME_MAX, Fault};
use crate::fence::{self, Fence};
use crate::mailbox::{Control, Mailbox, Next};
use crate::panics::{Panic, caught};
use actix::dev::ContextFut;
use actix::fut::{ActorFuture, wrap_future};
use actix::{Actor, ActorContext, ActorState, AsyncContext, Context};
use std::cell::{Cell, RefCell};
use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{self, Poll};
use std::time::{Duration, Instant};

/// Messages that are handled in a row before timers and the neighbours on the arbiter get their turn.
pub const BATCH_MAX: usize = 32;

/// How a life ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Ending {
    /// The context was stopped.
    Stopped,
    /// Its context was terminated by a fault.
    Terminated,
    Panicked(Panic),
    /// It ended itself by [`fail`], with an error from a place.
    Failed {
        text: String,
        place: String,
    },
    /// Another incarnation has taken its place.
    Fenced,
}

thread_local! {
    /// What the actor that runs on this thread failed with.
    static FAILED: RefCell<Option<Ending>> = const { RefCell::new(None) };
}

/// Ends this incarnation with an error: it counts as a failure, and the restart follows from the actor's policy. `stopped`
/// runs, `stopping` does not; what waits in the mailbox is for the next incarnation.
///
/// It is for what an actor finds out about itself (a connection that is gone, a record that does not fit): a bug of its own
/// is a panic, and what no restart can mend belongs into [`StartError::Fatal`](crate::StartError::Fatal).
#[track_caller]
pub fn fail<A: Actor<Context = Context<A>>>(context: &mut Context<A>, error: impl fmt::Display) {
    let at = Location::caller();
    let failed = Ending::Failed { text: error.to_string(), place: format!("{}:{}", at.file(), at.line()) };
    FAILED.with(|slot| *slot.borrow_mut() = Some(failed));
    context.terminate();
}

pub(crate) struct Incarnation<A: Actor<Context = Context<A>>> {
    /// `None` once it has ended.
    life: Option<ContextFut<A, Context<A>>>,
    mailbox: Arc<Mailbox<A>>,
    fence: Fence,
    /// Set by the postman when a fault was asked for.
    ending: Rc<RefCell<Option<Ending>>>,
    /// How often the postman was asked within one poll.
    turns: Rc<Cell<usize>>,
}

impl<A: Actor<Context = Context<A>>> Incarnation<A> {
    pub(crate) fn new(actor: A, mailbox: Arc<Mailbox<A>>, number: u64) -> Self {
        let mut context = Context::new();
        let ending = Rc::default();
        let turns = Rc::<Cell<usize>>::default();
        context.spawn(Postman {
            mailbox: Arc::clone(&mailbox),
            number,
            ending: Rc::clone(&ending),
            turns: Rc::clone(&turns),
        });
        Incarnation { life: Some(context.into_future(actor)), fence: mailbox.fence(number), mailbox, ending, turns }
    }

    /// Ends it without a word to the actor; a panic of its destructor ends here.
    pub(crate) fn cut_off(&mut self) -> Option<Panic> {
        let mut life = self.life.take()?;
        let _entered = fence::enter(&self.fence);
        // A terminated context is not polled again by its own destructor.
        life.ctx().terminate();
        caught(|| drop(life)).err()
    }

    fn end(&mut self, polled: Result<(), Panic>) -> Ending {
        let last = self.cut_off();
        match (polled, last, self.ending.borrow_mut().take()) {
            (Err(panic), second, _) => {
                if let Some(second) = second {
                    tracing::error!(panic = %second, "a second panic while the failed actor was dropped");
                }
                Ending::Panicked(panic)
            }
            (Ok(()), Some(panic), _) => {
                Ending::Panicked(Panic { text: format!("while it was dropped: {}", panic.text), ..panic })
            }
            (Ok(()), None, Some(ending)) => ending,
            (Ok(()), None, None) => Ending::Stopped,
        }
    }
}

impl<A: Actor<Context = Context<A>>> Future for Incarnation<A> {
    type Output = Ending;

    fn poll(mut self: Pin<&mut Self>, task: &mut task::Context<'_>) -> Poll<Ending> {
        if !self.fence.holds() {
            self.cut_off();
            return Poll::Ready(Ending::Fenced);
        }
        let entered = fence::enter(&self.fence);
        self.mailbox.vitals.on_polled(Some(Instant::now()));
        FAILED.with(|slot| slot.borrow_mut().take());
        self.turns.set(0);
        let Some(life) = &mut self.life else { return Poll::Ready(Ending::Stopped) };
        let polled = caught(|| Pin::new(life).poll(task));
        drop(entered);
        if let Some(failed) = FAILED.with(|slot| slot.borrow_mut().take()) {
            *self.ending.borrow_mut() = Some(failed);
        }
        if !self.fence.holds() {
            self.cut_off();
            return Poll::Ready(Ending::Fenced);
        }
        self.mailbox.vitals.on_polled(None);
        match polled {
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(())) => Poll::Ready(self.end(Ok(()))),
            Err(panic) => Poll::Ready(self.end(Err(panic))),
        }
    }
}

impl<A: Actor<Context = Context<A>>> Drop for Incarnation<A> {
    fn drop(&mut self) {
        self.cut_off();
    }
}

/// Brings the messages from the mailbox to the handlers.
struct Postman<A: Actor<Context = Context<A>>> {
    mailbox: Arc<Mailbox<A>>,
    number: u64,
    ending: Rc<RefCell<Option<Ending>>>,
    turns: Rc<Cell<usize>>,
}

impl<A: Actor<Context = Context<A>>> ActorFuture<A> for Postman<A> {
    type Output = ();

    fn poll(
        self: Pin<&mut Self>,
        actor: &mut A,
        context: &mut Context<A>,
        task: &mut task::Context<'_>,
    ) -> Poll<Self::Output> {
        let vitals = &self.mailbox.vitals;
        vitals.on_beat();
        let mut handling = HandlingUntilDropped { mailbox: &self.mailbox, number: self.number, since: None };
        // actix polls it again after each future that was spawned meanwhile: an actor that notifies itself without end would
        // never give its thread back.
        self.turns.set(self.turns.get() + 1);
        if self.turns.get() > BATCH_MAX {
            self.turns.set(0);
            context.wait(wrap_future::<_, A>(tokio::task::yield_now()));
            return Poll::Pending;
        }
        for _ in 0..BATCH_MAX {
            match self.mailbox.take(self.number, task.waker()) {
                Next::Letter(letter) => {
                    // The end of one is the begin of the next: one look at the clock for each.
                    let since = *handling.since.get_or_insert_with(Instant::now);
                    vitals.on_handling(letter.kind(), since);
                    letter.deliver(actor, context, self.number);
                    if !self.mailbox.is_current(self.number) {
                        // What is seen of the actor is another incarnation's by now.
                        return Poll::Pending;
                    }
                    let now = Instant::now();
                    vitals.on_handled(now - since);
                    handling.since = Some(now);
                }
                Next::Control(Control::Stop) => {
                    context.stop();
                    return Poll::Ready(());
                }
                Next::Control(Control::Fail(fault)) => self.fail(fault, context),
                Next::Empty => return Poll::Pending,
                Next::End => {
                    context.stop();
                    return Poll::Ready(());
                }
                // Its owner looks at the fence when this returns.
                Next::Fenced => return Poll::Pending,
            }
            // A handler may stop the actor, or ask for no further message before some future is done (`ctx.wait`); the
            // context polls this future again after that.
            if context.state() != ActorState::Running || context.waiting() {
                return Poll::Pending;
            }
        }
        task.waker().wake_by_ref();
        Poll::Pending
    }
}

/// Messages are being handled, one after the other, or none was yet.
struct HandlingUntilDropped<'a, A: Actor<Context = Context<A>>> {
    mailbox: &'a Mailbox<A>,
    number: u64,
    since: Option<Instant>,
}

impl<A: Actor<Context = Context<A>>> Drop for HandlingUntilDropped<'_, A> {
    fn drop(&mut self) {
        if self.since.is_some() && self.mailbox.is_current(self.number) {
            self.mailbox.vitals.on_idle();
        }
    }
}

impl<A: Actor<Context = Context<A>>> Postman<A> {
    /// Fails as it was asked to.
    fn fail(&self, fault: Fault, context: &mut Context<A>) {
        self.mailbox.vitals.on_injected();
        match fault {
            Fault::Panic => panic!("a fault was injected: panic"),
            Fault::Terminate => {
                *self.ending.borrow_mut() = Some(Ending::Terminated);
                context.terminate();
            }
            Fault::Hang => context.wait(wrap_future::<_, A>(std::future::pending::<()>())),
            Fault::Block => self.block(),
            // Comes from outside, through the mailbox.
            Fault::Flood => {}
        }
    }

    /// Occupies the thread until it is given up, and a little longer: what comes back then must be fenced.
    fn block(&self) {
        let (began, fence) = (Instant::now(), self.mailbox.fence(self.number));
        while fence.holds() && began.elapsed() < BLOCK_TIME_MAX {
            // Few and long sleeps: on a starved machine it would else wait for a processor most of the time, and be no block.
            std::thread::sleep(Duration::from_millis(250));
        }
    }
}
