//! A running tree, and what the end of a child in it leads to, as [`Policy`] decides.
//!
//! An actor that fails alone is made again where it ran, at once, without a thread's switch. Whatever concerns several (a
//! group's restart, an escalation, a blocked thread, the end) is done by the tasks of the tree ([`keeper`]), on the process'
//! own thread for supervision, which no actor can block.

use crate::keeper;
use crate::panics::caught;
use crate::policy::{Decision, Member, Policy, Ticket};
use crate::report::{MemberReport, SupervisorReport, TreeReport};
use crate::restart::{Ended, Intensity, Strategy};
use crate::spec::{Exit, ExitHook};
use crate::supervised::Supervised;
use crate::thread::{Pulse, Thread};
use parking_lot::Mutex;
use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, watch};

/// Blocked threads that may be left behind; one more ends the process.
pub const ZOMBIES_MAX: usize = 3;

/// A running tree of actors. Cheap to clone; it lives on without any of its clones.
#[derive(Clone)]
pub struct Tree(pub(crate) Arc<Inner>);

pub(crate) type WeakTree = WeakInner;

#[derive(Clone)]
pub(crate) struct WeakInner(Weak<Inner>);

impl WeakInner {
    pub(crate) fn upgrade(&self) -> Option<Tree> {
        self.0.upgrade().map(Tree)
    }
}

/// What a supervisor is told to be.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SupervisorFacts {
    pub(crate) name: &'static str,
    pub(crate) strategy: Strategy,
    pub(crate) intensity: Intensity,
}

pub(crate) struct Inner {
    pub(crate) policy: Mutex<Policy>,
    /// In start order.
    pub(crate) children: Vec<Arc<dyn Supervised>>,
    pub(crate) supervisors: Vec<SupervisorFacts>,
    /// Each child has at most one event under way, so that they are bounded by the children.
    events: mpsc::UnboundedSender<Event>,
    exit: ExitHook,
    exited: AtomicBool,
    pub(crate) zombies: Mutex<Vec<Arc<Pulse>>>,
    pub(crate) injecting: Mutex<HashSet<usize>>,
    /// Nothing starts any more: what waits for a start does not.
    pub(crate) stopping: watch::Sender<bool>,
    pub(crate) over: watch::Sender<bool>,
}

/// What the tree's task is asked to do.
pub(crate) enum Event {
    /// A child alone, which was this incarnation.
    RestartAfter { child: usize, number: u64, after: Duration },
    /// Everything else is done one after the other.
    Job(Job),
    #[cfg(test)]
    Panic,
}

/// What concerns several actors.
pub(crate) enum Job {
    RestartAll {
        children: Vec<usize>,
        ticket: Ticket,
    },
    /// A supervisor gave up because of a child; all of these are held.
    Escalate {
        supervisor: usize,
        child: usize,
        children: Vec<usize>,
        ticket: Ticket,
    },
    Exit(Exit),
    Stop,
}

/// What a run does when its incarnation has ended.
pub(crate) enum Next {
    /// The next incarnation, here and now.
    Again,
    /// There will be none.
    End,
    /// The tree will start it.
    Wait,
}

impl Tree {
    pub(crate) fn start(
        policy: Policy,
        children: Vec<Arc<dyn Supervised>>,
        supervisors: Vec<SupervisorFacts>,
        exit: ExitHook,
    ) -> Tree {
        let (events, received) = mpsc::unbounded_channel();
        let tree = Tree(Arc::new(Inner {
            policy: Mutex::new(policy),
            children,
            supervisors,
            events,
            exit,
            exited: AtomicBool::new(false),
            zombies: Mutex::default(),
            injecting: Mutex::default(),
            stopping: watch::Sender::new(false),
            over: watch::Sender::new(false),
        }));
        for (id, child) in tree.0.children.iter().enumerate() {
            child.settle(WeakInner(Arc::downgrade(&tree.0)), id);
        }
        // The first one without a thread's switch, the others in order by the tree's task.
        if let Some(first) = tree.0.children.first() {
            Arc::clone(first).start_after(0);
        }
        keeper::keep(tree.clone(), received);
        tree
    }

    /// Stops everything in reverse order of the start: each actor handles what waits for it, and is cut off at its deadline.
    /// Returns when nothing runs any more but what blocks its thread.
    pub async fn stop(&self) {
        self.begin_stop();
        self.tell(Event::Job(Job::Stop));
        let mut over = self.0.over.subscribe();
        // The sender is in the tree, which this holds.
        let _ = over.wait_for(|over| *over).await;
    }

    /// How it is now, without asking any actor.
    pub fn report(&self) -> TreeReport {
        let (zombies, now) = (self.zombies(), Instant::now());
        let threads = self.threads().iter().map(|thread| thread.report(now)).collect();
        TreeReport { root: self.report_of(0, now), threads, zombies }
    }

    /// Each thread once, in the order of its first actor.
    pub(crate) fn threads(&self) -> Vec<Thread> {
        let mut threads: Vec<Thread> = Vec::new();
        for child in &self.0.children {
            let thread = child.thread();
            if !threads.iter().any(|other| other.is(&thread)) {
                threads.push(thread);
            }
        }
        threads
    }

    /// Blocked threads that were left behind and have not ended.
    pub fn zombies(&self) -> usize {
        let mut zombies = self.0.zombies.lock();
        zombies.retain(|pulse| !pulse.ended());
        zombies.len()
    }

    fn report_of(&self, supervisor: usize, now: Instant) -> SupervisorReport {
        let (members, (restarts, escalations)) = {
            let policy = self.0.policy.lock();
            (policy.members(supervisor).to_vec(), policy.counts(supervisor))
        };
        let SupervisorFacts { name, strategy, intensity: Intensity { restarts_max, window } } =
            self.0.supervisors[supervisor];
        let member = |member| match member {
            Member::Child(child) => MemberReport::Actor(Box::new(self.0.children[child].report(now))),
            Member::Supervisor(below) => MemberReport::Supervisor(self.report_of(below, now)),
        };
        let members = members.into_iter().map(member).collect();
        SupervisorReport { name, strategy, restarts_max, window, restarts, escalations, members }
    }

    pub(crate) fn tell(&self, event: Event) {
        // Received until the tree is over; after that nothing remains to be done.
        let _ = self.0.events.send(event);
    }

    /// From now on nothing starts.
    pub(crate) fn begin_stop(&self) {
        self.0.policy.lock().stop();
        self.0.stopping.send_replace(true);
    }

    /// The process must end, once everything that runs has ended.
    pub(crate) fn fatal(&self, exit: Exit) {
        self.begin_stop();
        self.tell(Event::Job(Job::Exit(exit)));
    }

    pub(crate) fn on_started(&self, child: usize) {
        self.0.policy.lock().on_started(child, Instant::now());
    }

    pub(crate) fn is_held(&self, child: usize) -> bool {
        self.0.policy.lock().is_held(child)
    }

    /// Called by the run of a child, on the child's thread, when this incarnation has ended.
    pub(crate) fn on_ended(&self, child: usize, number: u64, ended: Ended) -> Next {
        let mut policy = self.0.policy.lock();
        // Within the lock: who gives an incarnation up holds the child first.
        if !self.0.children[child].is_current(number) {
            return Next::Wait;
        }
        match policy.on_ended(child, ended, Instant::now(), chance()) {
            Decision::Expected if policy.is_stopping() => Next::End,
            Decision::Expected => Next::Wait,
            Decision::Stays => Next::End,
            Decision::Restart { after } if after.is_zero() => Next::Again,
            Decision::Restart { after } => self.wait_for(Event::RestartAfter { child, number, after }),
            Decision::RestartAll(children, ticket) => self.wait_for(Event::Job(Job::RestartAll { children, ticket })),
            Decision::Escalate(supervisor, ticket) => {
                let children = policy.below(supervisor);
                self.wait_for(Event::Job(Job::Escalate { supervisor, child, children, ticket }))
            }
        }
    }

    fn wait_for(&self, event: Event) -> Next {
        self.tell(event);
        Next::Wait
    }

    /// The process ends without waiting for anyone.
    pub(crate) fn exit_now(&self, exit: &Exit) {
        self.begin_stop();
        if !self.0.exited.swap(true, Ordering::AcqRel)
            && let Err(panic) = caught(|| (self.0.exit)(exit))
        {
            tracing::error!(%panic, "the hook that ends the process failed");
            std::process::exit(exit.code);
        }
        self.0.over.send_replace(true);
    }
}

impl std::fmt::Debug for Tree {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let root = self.0.supervisors.first().map_or("", |facts| facts.name);
        write!(f, "Tree({root})")
    }
}

/// Any number in 0..1, so that actors that fail together do not start together.
fn chance() -> f64 {
    let random = RandomState::new().hash_one(0u8);
    (random >> 11) as f64 / (1u64 << 53) as f64
}
