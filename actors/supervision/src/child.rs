//! One child of a tree: its mailbox, its factory, and the run from one incarnation to the next.
//!
//! It makes and runs incarnations and says how each ended; what an end means is the tree's business.

use crate::faults::{FLOOD_TIME, Fault};
use crate::handle::Handle;
use crate::incarnation::{Ending, Incarnation};
use crate::mailbox::{Control, Deliver, Life, Mailbox, Phase};
use crate::panics::{Panic, caught, install_hook};
use crate::policy::Ended;
use crate::report::ActorReport;
use crate::spec::{Exit, Spec, StartError};
use crate::thread::{OnBlock, Thread};
use crate::tree::{Next, Tree, WeakTree};
use crate::vitals::{Kind, Look, Reason};
use actix::{Actor, Context};
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
    cut: watch::Sender<(u64, Option<(Reason, String)>)>,
    /// The number of the incarnation whose run is not over; 0 for none.
    active: watch::Sender<u64>,
    thread: OnceLock<Thread>,
    place: OnceLock<(WeakTree, usize)>,
    probe: OnceLock<Probe>,
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
}

impl Drop for Child {
    fn drop(&mut self) {
        if let Some(child) = &self.0 {
            child.never_start();
        }
    }
}

/// What the tree does with a child, whatever its actor is.
pub(crate) trait Supervised: Send + Sync {
    fn spec(&self) -> &Spec;
    fn set_probe(&self, probe: Probe);
    fn never_start(&self);
    fn settle(&self, tree: WeakTree, child: usize);
    fn thread(&self) -> Thread;
    /// Starts a run with a new incarnation, unless it has ended; every earlier one is fenced.
    fn start(self: Arc<Self>);
    /// The same, if the current incarnation is still this one.
    fn start_after(self: Arc<Self>, number: u64);
    /// Nothing will start it again.
    fn end(&self);
    /// Fences the running incarnation, and counts its run as over: its thread is blocked.
    fn give_up(&self);
    /// Asks the running incarnation to stop, and leaves the messages to the next.
    fn ask_to_stop(&self);
    /// Refuses new messages, handles those that wait, then stops for good.
    fn ask_to_end(&self);
    /// Ends this incarnation without its help; without a failure, because the tree wants it gone.
    fn cut_off(&self, number: u64, failure: Option<(Reason, String)>);
    fn is_current(&self, number: u64) -> bool;
    /// Counts the end of an incarnation that did not say so itself.
    fn note(&self, reason: Reason, text: String);
    fn nudge(&self);
    fn active(&self) -> watch::Receiver<u64>;
    fn watch(&self) -> watch::Receiver<Life>;
    fn life(&self) -> Life;
    fn look(&self) -> Look;
    fn report(&self, now: Instant) -> ActorReport;
    fn inject(&self, fault: Fault);
    fn probe(&self) -> Pin<Box<dyn Future<Output = bool> + Send>>;
}

/// A message that means nothing; a flood is made of it.
struct Nothing;

impl<A: Actor<Context = Context<A>>> Deliver<A> for Nothing {
    fn deliver(self: Box<Self>, _: &mut A, _: &mut Context<A>, _: u64) {}

    fn kind(&self) -> Kind {
        || "Nothing"
    }
}

/// A question that any actor answers by handling it.
struct AreYouThere(tokio::sync::oneshot::Sender<()>);

impl<A: Actor<Context = Context<A>>> Deliver<A> for AreYouThere {
    fn deliver(self: Box<Self>, _: &mut A, _: &mut Context<A>, _: u64) {
        // Whoever asked may have gone.
        let _ = self.0.send(());
    }

    fn kind(&self) -> Kind {
        || "AreYouThere"
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

    fn end_after(&self, number: u64) {
        if let Some(number) = self.mailbox.next_incarnation_after(number) {
            self.end_as(number);
        }
    }

    fn end_as(&self, number: u64) {
        if self.mailbox.enter(Phase::Ended, number) {
            self.mailbox.vitals.on_stopped();
            self.forget_factory();
        }
    }

    fn run(self: Arc<Self>, number: u64) {
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
            uptime: since(look.running_since),
            handled: look.handled,
            handler_time: look.handler_time,
            refused: look.refused,
            lost: look.lost,
            at: now,
        }
    }

    /// Nothing starts again: what the factory holds is given back. One that blocks its thread is dropped when it comes back.
    fn forget_factory(&self) {
        let forgotten = std::mem::replace(&mut *self.factory.lock(), Slot::Gone);
        // Outside of the lock: its destructors may ask for the actor's report, or anything.
        if let Err(panic) = caught(|| drop(forgotten)) {
            tracing::error!(actor = self.spec.name, %panic, "a panic while a factory was dropped");
        }
    }

    /// Calls the factory; `None` if there will be no other incarnation.
    fn make(&self) -> Option<Result<Result<A, StartError>, Panic>> {
        // Taken out, not locked: a thread that was left behind in it must not block the next one too.
        let slot = std::mem::replace(&mut *self.factory.lock(), Slot::Away);
        let mut factory = match slot {
            Slot::Here(factory) => factory,
            Slot::Away => {
                let away = StartError::failed("its factory has not come back from the thread that was left behind");
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

    fn tree(&self) -> Option<(Tree, usize)> {
        let (tree, child) = self.place.get()?;
        Some((tree.upgrade()?, *child))
    }
}

/// Says that a run is over, however it ends.
struct Run<A: Actor<Context = Context<A>>> {
    core: Arc<Core<A>>,
    number: u64,
    /// Whether the phase says already what follows.
    told: bool,
}

impl<A: Actor<Context = Context<A>>> Drop for Run<A> {
    fn drop(&mut self) {
        if !self.told {
            self.core.end_as(self.number);
        }
        let number = self.number;
        self.core.active.send_if_modified(|active| *active == number && std::mem::replace(active, 0) != 0);
    }
}

/// What one attempt to make and run the actor came to.
enum Outcome {
    Normal,
    Shutdown,
    Failed(Reason, String, Option<String>),
    Fatal(Exit),
    Fenced,
    /// The tree had it stop.
    Stopped,
}

impl<A: Actor<Context = Context<A>>> Run<A> {
    async fn go(mut self) {
        loop {
            let outcome = self.live().await;
            let ended = self.judge(outcome);
            // What is followed by nothing, or by a run of its own, must not end the mailbox when this is dropped.
            self.told = true;
            let Some(ended) = ended else { return };
            if !self.core.mailbox.enter(Phase::Down, self.number) {
                return;
            }
            let ended = if self.core.mailbox.ending() { Ended::Shutdown } else { ended };
            let next = self.core.tree().map_or(Next::End, |(tree, child)| tree.on_ended(child, self.number, ended));
            match next {
                Next::Again => {
                    self.told = false;
                    // The neighbours on the arbiter have their turn between two incarnations.
                    tokio::task::yield_now().await;
                    let Some(number) = self.core.mailbox.next_incarnation_after(self.number) else {
                        self.told = true;
                        return;
                    };
                    let before = std::mem::replace(&mut self.number, number);
                    self.core.active.send_if_modified(|active| {
                        let mine = *active == before;
                        *active = if mine { number } else { *active };
                        mine
                    });
                    // Whoever holds it by now was heard by nobody.
                    if self.is_held() {
                        self.told = true;
                        return;
                    }
                }
                Next::End => {
                    self.told = false;
                    return;
                }
                Next::Wait => return,
            }
        }
    }

    /// Notes how an incarnation ended. `None` if that is nobody's business any more, or the whole tree's.
    fn judge(&mut self, outcome: Outcome) -> Option<Ended> {
        let core = &self.core;
        let vitals = &core.mailbox.vitals;
        if !core.mailbox.is_current(self.number) {
            return None;
        }
        match outcome {
            Outcome::Fenced => None,
            Outcome::Fatal(exit) => {
                vitals.on_failed(Reason::StartFailed, exit.reason.clone(), None);
                // First: a tree whose last child has ended is over, and listens to nobody.
                if let Some((tree, _)) = core.tree() {
                    tree.fatal(exit);
                }
                core.end_as(self.number);
                None
            }
            Outcome::Shutdown => Some(Ended::Shutdown),
            Outcome::Stopped | Outcome::Normal if self.is_held() => {
                vitals.on_failed(Reason::WithSibling, String::new(), None);
                Some(Ended::Normal)
            }
            Outcome::Stopped => Some(Ended::Shutdown),
            Outcome::Normal => {
                tracing::warn!(actor = core.spec.name, incarnation = self.number, "an actor stopped unasked");
                vitals.on_failed(Reason::Terminated, "it stopped unasked".to_owned(), None);
                Some(Ended::Normal)
            }
            Outcome::Failed(reason, text, place) => {
                tracing::error!(
                    actor = core.spec.name,
                    incarnation = self.number,
                    ?reason,
                    place,
                    "an actor failed: {text}"
                );
                vitals.on_failed(reason, text, place);
                Some(Ended::Failed)
            }
        }
    }

    /// Whether the tree is restarting it with others.
    fn is_held(&self) -> bool {
        self.core.tree().is_some_and(|(tree, child)| tree.is_held(child))
    }

    async fn live(&self) -> Outcome {
        let (core, mailbox) = (&self.core, &self.core.mailbox);
        let fence = mailbox.fence(self.number);
        if !fence.holds() {
            return Outcome::Fenced;
        }
        mailbox.vitals.on_starting();
        let made = {
            let _entered = crate::fence::enter(&fence);
            // It was ended while this start was under way.
            let Some(made) = core.make() else { return Outcome::Fenced };
            if !fence.holds() {
                // Within the fence, so that its destructors too are refused what they say.
                if let Err(panic) = caught(|| drop(made)) {
                    tracing::error!(actor = core.spec.name, %panic, "a panic while an actor was dropped");
                }
                return Outcome::Fenced;
            }
            made
        };
        let start_failed = |text| Outcome::Failed(Reason::StartFailed, text, None);
        let actor = match made {
            Ok(Ok(actor)) => actor,
            Ok(Err(StartError::Fatal { code, reason })) => {
                return Outcome::Fatal(Exit { code, reason: format!("actor {}: {reason}", core.spec.name) });
            }
            Ok(Err(error @ StartError::Failed(_))) => return start_failed(error.to_string()),
            Err(Panic { text, place }) => {
                return Outcome::Failed(Reason::StartFailed, format!("its factory panicked: {text}"), place);
            }
        };
        let mut incarnation = Incarnation::new(actor, Arc::clone(mailbox), self.number);
        if let Some((tree, child)) = core.tree() {
            tree.on_started(child);
        }
        if !mailbox.enter(Phase::Running, self.number) {
            incarnation.cut_off();
            return Outcome::Fenced;
        }
        let mut cut = core.cut.subscribe();
        let ending = tokio::select! {
            biased;
            // The sender is in the core, which this holds: the wait ends only by its condition.
            Ok(cut) = cut.wait_for(|(number, _)| *number == self.number) => {
                let failure = cut.1.clone();
                drop(cut);
                if let Some(panic) = incarnation.cut_off() {
                    tracing::error!(actor = core.spec.name, %panic, "a panic while an actor was cut off");
                }
                return match failure {
                    Some((reason, text)) => Outcome::Failed(reason, text, None),
                    None => Outcome::Stopped,
                };
            }
            ending = &mut incarnation => ending,
        };
        match ending {
            Ending::Stopped if mailbox.ending() => Outcome::Shutdown,
            Ending::Stopped => Outcome::Normal,
            Ending::Terminated => {
                Outcome::Failed(Reason::Terminated, "a fault was injected: terminate".to_owned(), None)
            }
            Ending::Failed { text, place } => Outcome::Failed(Reason::Failed, text, Some(place)),
            Ending::Panicked(Panic { text, place }) => {
                Outcome::Failed(Reason::Panicked, format!("it panicked: {text}"), place)
            }
            Ending::Fenced => Outcome::Fenced,
        }
    }
}

impl<A: Actor<Context = Context<A>>> Supervised for Core<A> {
    fn spec(&self) -> &Spec {
        &self.spec
    }

    fn set_probe(&self, probe: Probe) {
        // The first one counts.
        let _ = self.probe.set(probe);
    }

    fn never_start(&self) {
        if self.place.get().is_none() {
            self.end_as(0);
        }
    }

    fn settle(&self, tree: WeakTree, child: usize) {
        let thread = || Thread::here(self.spec.name, OnBlock::ExitProcess);
        self.thread.get_or_init(|| self.spec.thread.clone().unwrap_or_else(thread));
        let _ = self.place.set((tree, child));
    }

    fn thread(&self) -> Thread {
        self.thread.get().expect("settled before anything else").clone()
    }

    fn start(self: Arc<Self>) {
        if self.mailbox.life().phase != Phase::Ended {
            let number = self.mailbox.next_incarnation();
            self.run(number);
        }
    }

    fn start_after(self: Arc<Self>, number: u64) {
        if let Some(number) = self.mailbox.next_incarnation_after(number) {
            self.run(number);
        }
    }

    fn is_current(&self, number: u64) -> bool {
        self.mailbox.is_current(number)
    }

    fn end(&self) {
        let number = self.mailbox.next_incarnation();
        self.end_as(number);
    }

    fn give_up(&self) {
        let number = self.mailbox.next_incarnation();
        self.mailbox.enter(Phase::Down, number);
        self.active.send_replace(0);
    }

    fn ask_to_stop(&self) {
        self.mailbox.tell(Control::Stop);
    }

    fn ask_to_end(&self) {
        self.begin_end();
    }

    fn cut_off(&self, number: u64, failure: Option<(Reason, String)>) {
        self.cut.send_replace((number, failure));
    }

    fn note(&self, reason: Reason, text: String) {
        self.mailbox.vitals.on_failed(reason, text, None);
    }

    fn nudge(&self) {
        self.mailbox.nudge();
    }

    fn active(&self) -> watch::Receiver<u64> {
        self.active.subscribe()
    }

    fn watch(&self) -> watch::Receiver<Life> {
        self.mailbox.watch()
    }

    fn life(&self) -> Life {
        self.mailbox.life()
    }

    fn look(&self) -> Look {
        self.mailbox.vitals.look()
    }

    fn report(&self, now: Instant) -> ActorReport {
        Core::report(self, now)
    }

    fn inject(&self, fault: Fault) {
        if fault != Fault::Flood {
            return self.mailbox.tell(Control::Fail(fault));
        }
        self.mailbox.vitals.on_injected();
        let mailbox = Arc::clone(&self.mailbox);
        std::thread::spawn(move || {
            let began = Instant::now();
            while began.elapsed() < FLOOD_TIME {
                // Refused when it is full, which is the point.
                let _ = mailbox.push(|| Box::new(Nothing));
            }
        });
    }

    fn probe(&self) -> Pin<Box<dyn Future<Output = bool> + Send>> {
        match self.probe.get() {
            Some(probe) => probe(),
            None => {
                let (sender, answer) = tokio::sync::oneshot::channel();
                let pushed = self.mailbox.push(|| Box::new(AreYouThere(sender)));
                Box::pin(async move {
                    pushed.is_ok() && matches!(tokio::time::timeout(Duration::from_secs(2), answer).await, Ok(Ok(())))
                })
            }
        }
    }
}
