//! One child of a tree, with all that outlives its incarnations: mailbox, factory, what is seen of it.
//!
//! It starts runs and ends for good; what an end means is the tree's business.

use crate::handle::Handle;
use crate::mailbox::{Mailbox, Phase};
use crate::panics::{Panic, caught, install_hook};
use crate::report::ActorReport;
use crate::run::Run;
use crate::spec::{Spec, StartError};
use crate::supervised::Supervised;
use crate::thread::Thread;
use crate::tree::{Tree, WeakTree};
use crate::vitals::Reason;
use actix::{Actor, Context, Handler, Message};
use parking_lot::Mutex;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};
use tokio::sync::watch;

type Factory<A> = Box<dyn FnMut() -> Result<A, StartError> + Send>;
/// Asks the actor something that needs its state; true if it answered.
pub(crate) type Probe = Arc<dyn Fn() -> Pin<Box<dyn Future<Output = bool> + Send>> + Send + Sync>;

/// What all handles of an actor, its run and its tree share.
pub(crate) struct Core<A: Actor<Context = Context<A>>> {
    pub(crate) spec: Spec,
    pub(crate) mailbox: Arc<Mailbox<A>>,
    factory: Mutex<Slot<A>>,
    /// The incarnation that is to be cut off (0: none), and the failure that this is.
    pub(crate) cut: watch::Sender<(u64, Option<(Reason, String)>)>,
    /// The number of the incarnation whose run is not over; 0 for none.
    pub(crate) active: watch::Sender<u64>,
    pub(crate) thread: OnceLock<Thread>,
    pub(crate) place: OnceLock<(WeakTree, usize)>,
    pub(crate) probe: OnceLock<Probe>,
}

enum Slot<A> {
    Here(Factory<A>),
    /// It makes an incarnation, perhaps on a thread that was left behind.
    Away,
    /// There is none yet, or there will be no other incarnation.
    Gone,
}

/// A place for an actor that is not there yet. Messages to its handle wait; if the seat is dropped they are refused.
pub struct Seat<A: Actor<Context = Context<A>>> {
    core: Option<Arc<Core<A>>>,
}

/// An actor that a [`Supervisor`](crate::Supervisor) can start: a seat with its factory.
pub struct Child(Option<Arc<dyn Supervised>>);

/// Gives the handle of an actor that will be started later, so that actors can know each other.
pub fn reserve<A: Actor<Context = Context<A>>>(spec: Spec) -> (Handle<A>, Seat<A>) {
    install_hook();
    let mailbox = Arc::new(Mailbox::new(spec.name, spec.mailbox_max));
    let (cut, active) = (watch::Sender::new((0, None)), watch::Sender::new(0));
    let (thread, place, probe) = (OnceLock::new(), OnceLock::new(), OnceLock::new());
    let core = Arc::new(Core { spec, mailbox, factory: Mutex::new(Slot::Gone), cut, active, thread, place, probe });
    (Handle { core: Arc::clone(&core) }, Seat { core: Some(core) })
}

impl<A: Actor<Context = Context<A>>> Seat<A> {
    /// Adds the factory. It runs on the actor's thread, once for each incarnation.
    pub fn fill<F>(mut self, factory: F) -> Child
    where
        F: FnMut() -> Result<A, StartError> + Send + 'static,
    {
        let core = self.core.take().expect("taken only here and when dropped");
        *core.factory.lock() = Slot::Here(Box::new(factory));
        Child(Some(core))
    }
}

impl<A: Actor<Context = Context<A>>> Drop for Seat<A> {
    fn drop(&mut self) {
        if let Some(core) = &self.core {
            core.mailbox.enter(Phase::Ended, 0);
        }
    }
}

impl Child {
    pub(crate) fn inner(&self) -> &Arc<dyn Supervised> {
        self.0.as_ref().expect("taken only with the child itself")
    }

    pub(crate) fn into_inner(mut self) -> Arc<dyn Supervised> {
        self.0.take().expect("taken only here")
    }

    /// What is asked of the actor to see that it serves again after a fault: something that needs its state.
    pub fn probed_by<F>(self, ask: impl Fn() -> F + Send + Sync + 'static) -> Child
    where
        F: Future<Output = bool> + Send + 'static,
    {
        self.inner().set_probe(Arc::new(move || Box::pin(ask())));
        self
    }

    /// The same with a question to the actor itself, which it must answer within the deadline.
    pub fn probed_with<A, M>(self, actor: &Handle<A>, question: M, deadline: Duration) -> Child
    where
        A: Actor<Context = Context<A>> + Handler<M>,
        M: Message + Clone + Send + Sync + 'static,
        M::Result: Send,
    {
        let actor = actor.clone();
        self.probed_by(move || {
            let (actor, question) = (actor.clone(), question.clone());
            async move { actor.ask(question, deadline).await.is_ok() }
        })
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        if let Some(child) = &self.0 {
            child.never_start();
        }
    }
}

impl<A: Actor<Context = Context<A>>> Core<A> {
    /// What [`Handle::stop`] asks for; also what a tree asks for that ends.
    pub(crate) fn begin_end(&self) {
        if let Some(number) = self.mailbox.begin_end() {
            self.end_after(number);
        }
    }

    /// It had its time to end in order.
    pub(crate) fn end_now(&self) {
        let life = self.mailbox.life();
        match life.phase {
            Phase::Running => self.cut.send_modify(|cut| *cut = (life.incarnation, None)),
            Phase::Reserved | Phase::Down => self.end_after(self.mailbox.current()),
            Phase::Ended => {}
        }
    }

    pub(crate) fn end_after(&self, number: u64) {
        if let Some(number) = self.mailbox.next_incarnation_after(number) {
            self.end_as(number);
        }
    }

    pub(crate) fn end_as(&self, number: u64) {
        if self.mailbox.enter(Phase::Ended, number) {
            self.mailbox.vitals.on_stopped();
            self.forget_factory();
        }
    }

    pub(crate) fn run(self: Arc<Self>, number: u64) {
        if self.mailbox.life().phase == Phase::Running {
            self.mailbox.enter(Phase::Down, number);
        }
        self.active.send_replace(number);
        let arbiter = Supervised::thread(&*self).arbiter();
        let run = Run { core: self, number, told: false };
        // If the arbiter is gone the closure is dropped, and with it the run, which ends the mailbox.
        arbiter.spawn_fn(move || drop(actix::spawn(run.go())));
    }

    pub(crate) fn report(&self, now: Instant) -> ActorReport {
        let (life, look) = (self.mailbox.life(), self.mailbox.vitals.look());
        let since = |at: Option<Instant>| at.map(|at| now.saturating_duration_since(at));
        ActorReport {
            name: self.spec.name,
            restart: self.spec.restart,
            phase: life.phase,
            incarnation: life.incarnation,
            restarts: look.restarts,
            last_failure: look.last_failure,
            waiting: self.mailbox.depth(),
            mailbox_max: self.mailbox.mailbox_max(),
            handling: look.handling.map(|now_on| (now_on.kind, now.saturating_duration_since(now_on.since))),
            heartbeat_age: since(look.running_since.and(look.beat)),
            waits_for: self.thread.get().and_then(|thread| thread.waits_for(now)),
            uptime: since(look.running_since),
            handled: look.handled,
            handler_time: look.handler_time,
            refused: look.refused,
            lost: look.lost,
            at: now,
        }
    }

    /// Nothing starts again: what the factory holds is given back. One that blocks its thread is dropped when it comes back.
    pub(crate) fn forget_factory(&self) {
        let forgotten = std::mem::replace(&mut *self.factory.lock(), Slot::Gone);
        // Outside of the lock: its destructors may ask for the actor's report, or anything.
        if let Err(panic) = caught(|| drop(forgotten)) {
            tracing::error!(actor = self.spec.name, %panic, "a panic while a factory was dropped");
        }
    }

    /// Calls the factory; `None` if there will be no other incarnation.
    pub(crate) fn make(&self) -> Option<Result<Result<A, StartError>, Panic>> {
        // Taken out, not locked: a thread that was left behind in it must not block the next one too.
        let slot = std::mem::replace(&mut *self.factory.lock(), Slot::Away);
        let mut factory = match slot {
            Slot::Here(factory) => factory,
            Slot::Away => {
                let away = StartError::failed("its factory has not returned from the thread that was left behind");
                return Some(Ok(Err(away)));
            }
            Slot::Gone => {
                *self.factory.lock() = Slot::Gone;
                return None;
            }
        };
        let made = caught(&mut factory);
        let mut slot = self.factory.lock();
        if let Slot::Away = *slot {
            *slot = Slot::Here(factory);
            return Some(made);
        }
        drop(slot);
        if let Err(panic) = caught(|| drop(factory)) {
            tracing::error!(actor = self.spec.name, %panic, "a panic while a factory was dropped");
        }
        Some(made)
    }

    pub(crate) fn tree(&self) -> Option<(Tree, usize)> {
        let (tree, child) = self.place.get()?;
        Some((tree.upgrade()?, *child))
    }
}
