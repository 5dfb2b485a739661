//! A tree before it runs: supervisors, their children, and whether that can work at all.

use crate::child::{Child, Seat, reserve};
use crate::handle::Handle;
use crate::policy::Policy;
use crate::restart::{Intensity, Restart, Strategy};
use crate::spec::{DEADLINE_MIN, ExitHook, Spec, SpecError, StartError};
use crate::supervised::Supervised;
use crate::thread::Thread;
use crate::tree::{SupervisorFacts, Tree};
use actix::{Actor, Context};
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

/// A group of actors and supervisors that are started in order, stopped in reverse, and restarted by a strategy.
pub struct Supervisor {
    facts: SupervisorFacts,
    members: Vec<Member>,
}

enum Member {
    Child(Child),
    Supervisor(Supervisor),
}

impl Supervisor {
    /// One for one, with the default intensity.
    pub fn new(name: &'static str) -> Supervisor {
        let facts = SupervisorFacts { name, strategy: Strategy::OneForOne, intensity: Intensity::default() };
        Supervisor { facts, members: Vec::new() }
    }

    pub fn strategy(mut self, strategy: Strategy) -> Supervisor {
        self.facts.strategy = strategy;
        self
    }

    pub fn intensity(mut self, restarts_max: usize, window: Duration) -> Supervisor {
        self.facts.intensity = Intensity { restarts_max, window };
        self
    }

    pub fn child(mut self, child: Child) -> Supervisor {
        self.members.push(Member::Child(child));
        self
    }

    pub fn supervisor(mut self, supervisor: Supervisor) -> Supervisor {
        self.members.push(Member::Supervisor(supervisor));
        self
    }

    /// Starts everything in order. `exit` is called once if the root gives up, with exit code 70, or if a child can never
    /// start, with that child's code; the children were stopped before.
    ///
    /// # Errors
    /// A tree that cannot work: then nothing was started, and every handle says that its actor has ended.
    ///
    /// # Panics
    /// If a spec names no thread and no arbiter runs here.
    pub fn start(self, exit: ExitHook) -> Result<Tree, SpecError> {
        self.check(&mut HashSet::new())?;
        let (mut policy, mut children, mut supervisors) = (Policy::default(), Vec::new(), Vec::new());
        self.enrol(None, &mut policy, &mut children, &mut supervisors);
        Ok(Tree::start(policy, children, supervisors, exit))
    }

    fn check(&self, names: &mut HashSet<&'static str>) -> Result<(), SpecError> {
        let SupervisorFacts { name: supervisor, intensity, .. } = self.facts;
        let mut unique = |name| names.insert(name).then_some(()).ok_or(SpecError::DuplicateName { name });
        unique(supervisor)?;
        if intensity.window.is_zero() {
            return Err(SpecError::EmptyWindow { name: supervisor });
        }
        for member in &self.members {
            let Member::Child(child) = member else { continue };
            let Spec { name, mailbox_max, restart, backoff, hang_deadline, start_deadline, .. } = *child.inner().spec();
            unique(name)?;
            if mailbox_max == 0 {
                return Err(SpecError::EmptyMailbox { name });
            }
            let block_deadline = child.inner().spec().thread.as_ref().map(Thread::block_deadline);
            let deadlines = [Some(hang_deadline), Some(start_deadline), block_deadline];
            if let Some(deadline) = deadlines.into_iter().flatten().find(|deadline| *deadline < DEADLINE_MIN) {
                return Err(SpecError::ShortDeadline { name, deadline });
            }
            if restart != Restart::Temporary && !backoff.reaches(intensity) {
                let Intensity { restarts_max, window } = intensity;
                return Err(SpecError::UnreachableIntensity { name, supervisor, restarts_max, window });
            }
        }
        for member in &self.members {
            if let Member::Supervisor(below) = member {
                below.check(names)?;
            }
        }
        Ok(())
    }

    fn enrol(
        self,
        parent: Option<usize>,
        policy: &mut Policy,
        children: &mut Vec<Arc<dyn Supervised>>,
        supervisors: &mut Vec<SupervisorFacts>,
    ) {
        let id = policy.add_supervisor(parent, self.facts.strategy, self.facts.intensity);
        supervisors.push(self.facts);
        for member in self.members {
            match member {
                Member::Child(child) => {
                    policy.add_child(id, child.inner().spec().restart, child.inner().spec().backoff);
                    children.push(child.into_inner());
                }
                Member::Supervisor(below) => below.enrol(Some(id), policy, children, supervisors),
            }
        }
    }
}

/// Starts one actor and keeps it alive, by the intensity and the exit hook of its spec.
///
/// # Panics
/// If the spec cannot work, or names no thread and no arbiter runs here.
pub fn supervise<A, F>(spec: Spec, factory: F) -> Handle<A>
where
    A: Actor<Context = Context<A>>,
    F: FnMut() -> Result<A, StartError> + Send + 'static,
{
    let (handle, seat) = reserve(spec);
    seat.start(factory);
    handle
}

impl<A: Actor<Context = Context<A>>> Seat<A> {
    /// Starts the actor alone; see [`supervise`].
    ///
    /// # Panics
    /// If the spec cannot work, or names no thread and no arbiter runs here.
    pub fn start<F>(self, factory: F)
    where
        F: FnMut() -> Result<A, StartError> + Send + 'static,
    {
        let child = self.fill(factory);
        let (intensity, exit) = (child.inner().spec().intensity, Arc::clone(&child.inner().spec().exit));
        let alone = Supervisor::new("alone").intensity(intensity.restarts_max, intensity.window).child(child);
        if let Err(error) = alone.start(exit) {
            panic!("a spec that cannot work: {error}");
        }
    }
}
