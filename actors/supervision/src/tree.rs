//! A running tree: it carries out what [`Policy`] decides.
//!
//! An actor that fails alone is made again where it ran, at once, without a thread's switch. Whatever concerns several (a
//! group's restart, an escalation, a blocked thread, the end) is done by the one task of the tree, on the process' own
//! thread for supervision, which no actor can block.

use crate::child::Supervised;
use crate::keeper;
use crate::mailbox::Phase;
use crate::policy::{Decision, Ended, Intensity, Member, Policy, Strategy};
use crate::report::{MemberReport, SupervisorReport, TreeReport};
use crate::spec::{EXIT_CODE_SUPERVISION, Exit, ExitHook};
use crate::thread::Pulse;
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
    supervisors: Vec<SupervisorFacts>,
    /// Each child has at most one event under way, so that they are bounded by the children.
    events: mpsc::UnboundedSender<Event>,
    exit: ExitHook,
    exited: AtomicBool,
    pub(crate) zombies: Mutex<Vec<Arc<Pulse>>>,
    pub(crate) injecting: Mutex<HashSet<usize>>,
    pub(crate) over: watch::Sender<bool>,
}

/// What the tree's task is asked to do.
pub(crate) enum Event {
    RestartAfter(usize, Duration),
    RestartAll(Vec<usize>),
    Escalate { supervisor: usize, child: usize },
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
            over: watch::Sender::new(false),
        }));
        for (id, child) in tree.0.children.iter().enumerate() {
            child.settle(WeakInner(Arc::downgrade(&tree.0)), id);
        }
        for child in &tree.0.children {
            Arc::clone(child).start();
        }
        keeper::keep(tree.clone(), received);
        tree
    }

    /// Stops everything in reverse order of the start: each actor handles what waits for it, and is cut off at its deadline.
    /// Returns when nothing runs any more but what blocks its thread.
    pub async fn stop(&self) {
        self.tell(Event::Stop);
        let mut over = self.0.over.subscribe();
        // The sender is in the tree, which this holds.
        let _ = over.wait_for(|over| *over).await;
    }

    /// How it is now, without asking any actor.
    pub fn report(&self) -> TreeReport {
        let zombies = self.zombies();
        TreeReport { root: self.report_of(0, Instant::now()), zombies }
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
            Member::Child(child) => MemberReport::Actor(self.0.children[child].report(now)),
            Member::Supervisor(below) => MemberReport::Supervisor(self.report_of(below, now)),
        };
        let members = members.into_iter().map(member).collect();
        SupervisorReport { name, strategy, restarts_max, window, restarts, escalations, members }
    }

    pub(crate) fn tell(&self, event: Event) {
        // Received until the tree is over; after that nothing remains to be done.
        let _ = self.0.events.send(event);
    }

    pub(crate) fn fatal(&self, exit: Exit) {
        self.0.policy.lock().stop();
        self.tell(Event::Exit(exit));
    }

    pub(crate) fn on_started(&self, child: usize) {
        self.0.policy.lock().on_started(child, Instant::now());
    }

    pub(crate) fn is_held(&self, child: usize) -> bool {
        self.0.policy.lock().is_held(child)
    }

    /// Called by the run of a child, on the child's thread.
    pub(crate) fn on_ended(&self, child: usize, ended: Ended) -> Next {
        let mut policy = self.0.policy.lock();
        match policy.on_ended(child, ended, Instant::now(), chance()) {
            Decision::Expected if policy.is_stopping() => Next::End,
            Decision::Expected => Next::Wait,
            Decision::Stays => Next::End,
            Decision::Restart { after } if after.is_zero() => Next::Again,
            Decision::Restart { after } => self.wait_for(Event::RestartAfter(child, after)),
            Decision::RestartAll(children) => self.wait_for(Event::RestartAll(children)),
            Decision::Escalate(supervisor) => self.wait_for(Event::Escalate { supervisor, child }),
        }
    }

    fn wait_for(&self, event: Event) -> Next {
        self.tell(event);
        Next::Wait
    }

    /// Does what an event asks for.
    pub(crate) async fn on_event(&self, event: Event) {
        match event {
            Event::RestartAfter(child, after) => {
                let tree = self.clone();
                tokio::task::spawn_local(async move {
                    tokio::time::sleep(after).await;
                    let policy = tree.0.policy.lock();
                    // Whoever holds it, or ends it, has the say by now.
                    if !policy.is_held(child) && !policy.is_stopping() && *tree.0.children[child].active().borrow() == 0
                    {
                        Arc::clone(&tree.0.children[child]).start();
                    }
                });
            }
            Event::RestartAll(children) => self.restart(&children, &children).await,
            Event::Escalate { supervisor, child } => self.escalate(supervisor, child).await,
            Event::Exit(exit) => self.exit(exit).await,
            Event::Stop => {
                self.0.policy.lock().stop();
                self.end_all().await;
            }
        }
    }

    pub(crate) async fn escalate(&self, supervisor: usize, child: usize) {
        let escalation = self.0.policy.lock().escalate(supervisor, Instant::now());
        let facts = self.0.supervisors[*escalation.gave_up.last().unwrap_or(&supervisor)];
        let failed = &self.0.children[child];
        let text = failed.look().last_failure.map_or_else(String::new, |failure| match failure.place {
            Some(place) => format!("{} ({place})", failure.text),
            None => failure.text,
        });
        let Intensity { restarts_max, window } = facts.intensity;
        let reason = format!(
            "actor {} failed: {text}; {} gave up: more than {restarts_max} failures in {window:?}",
            failed.spec().name,
            facts.name
        );
        tracing::error!("{reason}");
        match escalation.start {
            Some(start) => self.restart(&escalation.stop, &start).await,
            None => self.exit(Exit { code: EXIT_CODE_SUPERVISION, reason }).await,
        }
    }

    /// Stops some in reverse order and starts some of them in order; all are held. A start that fails counts, and then all
    /// of it is done again.
    pub(crate) async fn restart(&self, stop: &[usize], start: &[usize]) {
        loop {
            for &child in stop.iter().rev() {
                self.stop_for_restart(child).await;
            }
            let mut failed = None;
            for &child in stop {
                let temporary = !self.0.policy.lock().restarts_with_siblings(child);
                if temporary || !start.contains(&child) {
                    self.0.children[child].end();
                    continue;
                }
                Arc::clone(&self.0.children[child]).start();
                if !self.has_started(child).await {
                    failed = Some(child);
                    break;
                }
            }
            let again = {
                let mut policy = self.0.policy.lock();
                if policy.is_stopping() {
                    return;
                }
                let Some(failed) = failed.or_else(|| policy.release(stop)) else { return };
                policy.hold(stop);
                policy.on_cut_off(failed, Instant::now()).map(|supervisor| (supervisor, failed))
            };
            if let Some((supervisor, failed)) = again {
                return Box::pin(self.escalate(supervisor, failed)).await;
            }
        }
    }

    async fn stop_for_restart(&self, child: usize) {
        let child = &self.0.children[child];
        child.ask_to_stop();
        let mut active = child.active();
        let deadline = child.spec().shutdown;
        if tokio::time::timeout(deadline, active.wait_for(|active| *active == 0)).await.is_ok() {
            return;
        }
        child.cut_off(None);
        // What blocks its thread cannot be cut off: the next incarnation fences it.
        let _ = tokio::time::timeout(deadline, active.wait_for(|active| *active == 0)).await;
    }

    async fn has_started(&self, child: usize) -> bool {
        let child = &self.0.children[child];
        let (mut life, mut active) = (child.watch(), child.active());
        let running = async {
            tokio::select! {
                biased;
                _ = life.wait_for(|life| life.phase == Phase::Running) => true,
                _ = active.wait_for(|active| *active == 0) => child.life().phase == Phase::Running,
            }
        };
        tokio::time::timeout(child.spec().start_deadline, running).await.unwrap_or(false)
    }

    /// Ends every child, last started first.
    async fn end_all(&self) {
        for child in self.0.children.iter().rev() {
            child.ask_to_end();
            let mut active = child.active();
            let deadline = child.spec().shutdown;
            if tokio::time::timeout(deadline, active.wait_for(|active| *active == 0)).await.is_err() {
                child.cut_off(None);
                if tokio::time::timeout(deadline, active.wait_for(|active| *active == 0)).await.is_err() {
                    tracing::error!(actor = child.spec().name, "it blocks its thread and is left behind");
                }
            }
            if child.life().phase != Phase::Ended {
                child.end();
            }
        }
        self.0.over.send_replace(true);
    }

    /// The process ends, once everything that runs has ended.
    pub(crate) async fn exit(&self, exit: Exit) {
        self.0.policy.lock().stop();
        self.end_all().await;
        self.exit_now(&exit);
    }

    /// The process ends without waiting for anyone.
    pub(crate) fn exit_now(&self, exit: &Exit) {
        self.0.policy.lock().stop();
        if !self.0.exited.swap(true, Ordering::AcqRel) {
            (self.0.exit)(exit);
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
