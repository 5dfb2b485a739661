//! The mailbox of one actor: a bounded queue that outlives its incarnations.
//!
//! It decides whether a message is taken or given back, and nothing else. When it is full the new message is refused.

use actix::{Actor, Context};
use parking_lot::Mutex;
use std::collections::VecDeque;
use std::fmt;
use std::task::Waker;
use tokio::sync::watch;

/// One waiting message, whatever its type.
pub(super) trait Deliver<A: Actor<Context = Context<A>>>: Send {
    /// Runs the handler, unless the one who asked has given up.
    fn deliver(self: Box<Self>, actor: &mut A, context: &mut Context<A>, incarnation: u64);
}

pub(super) type Letter<A> = Box<dyn Deliver<A>>;

/// Whether there is an incarnation that takes messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Before the first incarnation: messages wait for it.
    Reserved,
    /// An incarnation is handling messages.
    Running,
    /// The last incarnation failed and the next is being made: messages are refused.
    Down,
    /// There will be no other incarnation: messages are refused.
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
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Why::Full { mailbox_max } => write!(f, "its mailbox is full ({mailbox_max} messages)"),
            Why::Down => f.write_str("it failed and is being rebuilt"),
            Why::Ended => f.write_str("it has ended"),
            Why::Deadline => f.write_str("the deadline passed before its turn came"),
        }
    }
}

/// What the actor finds in its mailbox.
pub(super) enum Next<A> {
    Letter(Letter<A>),
    Empty,
    /// It was asked to end, and nothing waits any more.
    End,
}

struct Inner<A> {
    queue: VecDeque<Letter<A>>,
    phase: Phase,
    ending: bool,
    /// Wakes the running incarnation; taken when a message arrives.
    waker: Option<Waker>,
}

pub(super) struct Mailbox<A> {
    pub(super) name: &'static str,
    mailbox_max: usize,
    inner: Mutex<Inner<A>>,
    life: watch::Sender<Life>,
}

impl<A: Actor<Context = Context<A>>> Mailbox<A> {
    pub(super) fn new(name: &'static str, mailbox_max: usize) -> Self {
        let inner = Inner { queue: VecDeque::new(), phase: Phase::Reserved, ending: false, waker: None };
        let life = watch::Sender::new(Life { incarnation: 0, phase: Phase::Reserved });
        Mailbox { name, mailbox_max, inner: Mutex::new(inner), life }
    }

    /// Takes the message that `letter` wraps, or says why not; `letter` is called only if there is room.
    pub(super) fn push(&self, letter: impl FnOnce() -> Letter<A>) -> Result<(), Why> {
        let mut inner = self.inner.lock();
        match inner.phase {
            Phase::Ended => return Err(Why::Ended),
            Phase::Down => return Err(Why::Down),
            Phase::Reserved | Phase::Running if inner.ending => return Err(Why::Ended),
            Phase::Reserved | Phase::Running => {}
        }
        if inner.queue.len() >= self.mailbox_max {
            return Err(Why::Full { mailbox_max: self.mailbox_max });
        }
        inner.queue.push_back(letter());
        let waker = inner.waker.take();
        drop(inner);
        if let Some(waker) = waker {
            waker.wake();
        }
        Ok(())
    }

    /// The next message; if there is none, `waker` is called when one comes.
    pub(super) fn take(&self, waker: &Waker) -> Next<A> {
        let mut inner = self.inner.lock();
        match inner.queue.pop_front() {
            Some(letter) => Next::Letter(letter),
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

    pub(super) fn depth(&self) -> usize {
        self.inner.lock().queue.len()
    }

    pub(super) fn mailbox_max(&self) -> usize {
        self.mailbox_max
    }

    /// Refuses new messages from now on and lets the actor end once it has handled what waits.
    pub(super) fn begin_end(&self) {
        let mut inner = self.inner.lock();
        inner.ending = true;
        let waker = inner.waker.take();
        drop(inner);
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    pub(super) fn ending(&self) -> bool {
        self.inner.lock().ending
    }

    /// Begins a phase. In [`Phase::Ended`] what still waits is dropped; who asked sees that in the phase and takes its
    /// message back. Returns how many messages that were.
    pub(super) fn enter(&self, phase: Phase, incarnation: u64) -> usize {
        let mut inner = self.inner.lock();
        inner.phase = phase;
        inner.waker = None;
        let dropped = match phase {
            Phase::Ended => std::mem::take(&mut inner.queue),
            Phase::Reserved | Phase::Running | Phase::Down => VecDeque::new(),
        };
        // Within the lock, so that watchers see the phases in their order.
        self.life.send_replace(Life { incarnation, phase });
        drop(inner);
        dropped.len()
    }

    pub(super) fn life(&self) -> Life {
        *self.life.borrow()
    }

    pub(super) fn watch(&self) -> watch::Receiver<Life> {
        self.life.subscribe()
    }
}
