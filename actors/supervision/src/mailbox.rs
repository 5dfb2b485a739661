//! The mailbox of one actor: a bounded queue that outlives its incarnations.
//!
//! It decides whether a message is taken or given back, and nothing else. When it is full the new message is refused. What
//! the tree tells the actor goes by a lane of its own, which is emptied before the next message, however many wait.

use crate::faults::Fault;
use crate::fence::{self, Fence};
use crate::panics::caught;
use crate::vitals::{Kind, Vitals};
use actix::{Actor, Context};
use parking_lot::Mutex;
use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::Waker;
use tokio::sync::watch;

/// One waiting message, whatever its type.
pub(super) trait Deliver<A: Actor<Context = Context<A>>>: Send {
    /// Runs the handler, unless the one who asked has given up.
    fn deliver(self: Box<Self>, actor: &mut A, context: &mut Context<A>, incarnation: u64);

    /// Names the message's type.
    fn kind(&self) -> Kind;
}

pub(super) type Letter<A> = Box<dyn Deliver<A>>;

/// Whether there is an incarnation that takes messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Before the first incarnation: messages wait for it.
    #[serde(rename = "starting")]
    Reserved,
    /// An incarnation is handling messages.
    Running,
    /// The last incarnation failed and the next is being made: messages are refused.
    Down,
    /// There will be no other incarnation: messages are refused.
    #[serde(rename = "stopped")]
    Ended,
}

/// Which incarnation is current, and how it fares. The first one is 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Life {
    pub(super) incarnation: u64,
    pub(super) phase: Phase,
}

/// Why a message was not delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// The mailbox holds its maximum.
    Full { mailbox_max: usize },
    /// The actor failed and is being rebuilt.
    Down,
    /// The actor has ended or is ending.
    Ended,
    /// The deadline of the request passed before its turn came.
    Deadline,
    /// The sender is an incarnation that was given up: nothing that it says counts.
    Fenced,
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Why::Full { mailbox_max } => write!(f, "its mailbox is full ({mailbox_max} messages)"),
            Why::Down => f.write_str("it failed and is being rebuilt"),
            Why::Ended => f.write_str("it has ended"),
            Why::Deadline => f.write_str("the deadline passed before its turn came"),
            Why::Fenced => f.write_str("the sender was abandoned and replaced"),
        }
    }
}

/// What the tree tells the running incarnation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Control {
    /// End in order, and leave the messages to the next incarnation.
    Stop,
    /// Fail in this way, for a test.
    Fail(Fault),
}

/// What the actor finds in its mailbox.
pub(super) enum Next<A> {
    Letter(Letter<A>),
    Control(Control),
    Empty,
    /// It was asked to end, and nothing waits any more.
    End,
    /// Another incarnation has taken its place.
    Fenced,
}

struct Inner<A> {
    queue: VecDeque<Letter<A>>,
    control: Option<Control>,
    phase: Phase,
    ending: bool,
    /// Wakes the running incarnation; taken when a message arrives.
    waker: Option<Waker>,
}

pub(super) struct Mailbox<A> {
    pub(super) name: &'static str,
    mailbox_max: usize,
    inner: Mutex<Inner<A>>,
    /// What a flood is refused by, so that those whom it keeps out do not hold the lock which the actor needs.
    full: AtomicBool,
    life: watch::Sender<Life>,
    /// The number of the current incarnation, where fences look.
    current: Arc<AtomicU64>,
    pub(super) vitals: Vitals,
}

impl<A: Actor<Context = Context<A>>> Mailbox<A> {
    pub(super) fn new(name: &'static str, mailbox_max: usize) -> Self {
        let (queue, phase) = (VecDeque::new(), Phase::Reserved);
        let inner = Mutex::new(Inner { queue, control: None, phase, ending: false, waker: None });
        let life = watch::Sender::new(Life { incarnation: 0, phase });
        Mailbox {
            name,
            mailbox_max,
            inner,
            full: AtomicBool::new(false),
            life,
            current: Arc::default(),
            vitals: Vitals::default(),
        }
    }

    /// Takes the message that `letter` wraps, or says why not; `letter` is called only if there is room.
    pub(super) fn push(&self, letter: impl FnOnce() -> Letter<A>) -> Result<(), Why> {
        let pushed = self.try_push(letter);
        if pushed.is_err() {
            self.vitals.on_refused();
        }
        pushed
    }

    fn try_push(&self, letter: impl FnOnce() -> Letter<A>) -> Result<(), Why> {
        if fence::is_fenced() {
            return Err(Why::Fenced);
        }
        let is_full = || Err(Why::Full { mailbox_max: self.mailbox_max });
        if self.full.load(Ordering::Relaxed) {
            return is_full();
        }
        let mut inner = self.inner.lock();
        match inner.phase {
            Phase::Ended => return Err(Why::Ended),
            Phase::Down => return Err(Why::Down),
            Phase::Reserved | Phase::Running if inner.ending => return Err(Why::Ended),
            Phase::Reserved | Phase::Running => {}
        }
        if inner.queue.len() >= self.mailbox_max {
            self.full.store(true, Ordering::Relaxed);
            return is_full();
        }
        inner.queue.push_back(letter());
        let waker = inner.waker.take();
        drop(inner);
        if let Some(waker) = waker {
            waker.wake();
        }
        Ok(())
    }

    /// What is next for this incarnation; if there is nothing, `waker` is called when something comes.
    pub(super) fn take(&self, incarnation: u64, waker: &Waker) -> Next<A> {
        let mut inner = self.inner.lock();
        if self.current.load(Ordering::Acquire) != incarnation {
            return Next::Fenced;
        }
        if let Some(control) = inner.control.take() {
            return Next::Control(control);
        }
        match inner.queue.pop_front() {
            Some(letter) => {
                if self.full.load(Ordering::Relaxed) {
                    self.full.store(false, Ordering::Relaxed);
                }
                Next::Letter(letter)
            }
            None if inner.ending => Next::End,
            None => {
                match &mut inner.waker {
                    Some(old) => old.clone_from(waker),
                    none => *none = Some(waker.clone()),
                }
                Next::Empty
            }
        }
    }

    /// Overtakes what waits. A fault must not keep the actor from hearing that it has to stop.
    pub(super) fn tell(&self, control: Control) {
        self.change(|inner| {
            if inner.control != Some(Control::Stop) {
                inner.control = Some(control);
            }
        });
    }

    /// Has the running incarnation show that it is alive.
    pub(super) fn nudge(&self) {
        self.change(|_| ());
    }

    pub(super) fn depth(&self) -> usize {
        self.inner.lock().queue.len()
    }

    pub(super) fn mailbox_max(&self) -> usize {
        self.mailbox_max
    }

    /// Refuses new messages from now on and lets the actor end once it has handled what waits. Gives the number of an
    /// incarnation that is not there to do so, if nothing waits.
    pub(super) fn begin_end(&self) -> Option<u64> {
        let mut idle = None;
        self.change(|inner| {
            inner.ending = true;
            self.full.store(false, Ordering::Relaxed);
            let nobody = matches!(inner.phase, Phase::Reserved | Phase::Down) && inner.queue.is_empty();
            idle = nobody.then(|| self.current.load(Ordering::Acquire));
        });
        idle
    }

    fn change(&self, change: impl FnOnce(&mut Inner<A>)) {
        let mut inner = self.inner.lock();
        change(&mut inner);
        let waker = inner.waker.take();
        drop(inner);
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    pub(super) fn ending(&self) -> bool {
        self.inner.lock().ending
    }

    /// The number of a new incarnation. Every one before it is fenced from here on.
    pub(super) fn next_incarnation(&self) -> u64 {
        let mut inner = self.inner.lock();
        inner.control = None;
        self.current.fetch_add(1, Ordering::AcqRel) + 1
    }

    /// The same, unless another has taken the place of this one.
    pub(super) fn next_incarnation_after(&self, number: u64) -> Option<u64> {
        let mut inner = self.inner.lock();
        if self.current.load(Ordering::Acquire) != number {
            return None;
        }
        inner.control = None;
        self.current.store(number + 1, Ordering::Release);
        Some(number + 1)
    }

    pub(super) fn current(&self) -> u64 {
        self.current.load(Ordering::Acquire)
    }

    pub(super) fn is_current(&self, incarnation: u64) -> bool {
        self.current.load(Ordering::Acquire) == incarnation
    }

    pub(super) fn fence(&self, incarnation: u64) -> Fence {
        Fence::new(&self.current, incarnation)
    }

    /// Begins a phase of an incarnation, unless another has taken its place or all is over. In [`Phase::Ended`] what still waits is dropped;
    /// who asked sees that in the phase and takes its message back. Returns whether it was done.
    pub(super) fn enter(&self, phase: Phase, incarnation: u64) -> bool {
        let mut inner = self.inner.lock();
        if self.current.load(Ordering::Acquire) != incarnation || inner.phase == Phase::Ended {
            return false;
        }
        if phase == Phase::Running {
            self.vitals.on_running();
        }
        inner.phase = phase;
        let waker = inner.waker.take();
        // Who is refused hears why.
        self.full.store(false, Ordering::Relaxed);
        let dropped = match phase {
            Phase::Ended => std::mem::take(&mut inner.queue),
            Phase::Reserved | Phase::Running | Phase::Down => VecDeque::new(),
        };
        // Within the lock, so that watchers see the phases in their order.
        self.life.send_replace(Life { incarnation, phase });
        drop(inner);
        drop(waker);
        if !dropped.is_empty() {
            self.vitals.on_dropped(dropped.len());
            tracing::warn!(actor = self.name, messages = dropped.len(), "messages discarded: the actor has ended");
            for letter in dropped {
                if let Err(panic) = caught(|| drop(letter)) {
                    tracing::error!(actor = self.name, %panic, "a panic while a message was dropped");
                }
            }
        }
        true
    }

    pub(super) fn life(&self) -> Life {
        *self.life.borrow()
    }

    pub(super) fn watch(&self) -> watch::Receiver<Life> {
        self.life.subscribe()
    }
}
