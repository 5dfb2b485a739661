//! What is told of a tree and its actors at one moment.

use crate::account::WaitsFor;
use crate::mailbox::Phase;
use crate::restart::{Restart, Strategy};
use crate::vitals::{Failure, Restarts};
use std::time::{Duration, Instant};

/// An actor as it is seen from outside.
#[derive(Debug, Clone)]
pub struct ActorReport {
    pub name: &'static str,
    pub restart: Restart,
    pub phase: Phase,
    /// Incarnations so far; 0 before the first.
    pub incarnation: u64,
    pub restarts: Restarts,
    pub last_failure: Option<Failure>,
    pub waiting: usize,
    pub mailbox_max: usize,
    /// The message that it handles, and for how long.
    pub handling: Option<(&'static str, Duration)>,
    /// Since it last looked into its mailbox; it is asked to when it has not done so for a quarter of a second.
    pub heartbeat_age: Option<Duration>,
    /// What keeps its thread from going on, if that is not the actor.
    pub waits_for: Option<WaitsFor>,
    /// Of this incarnation.
    pub uptime: Option<Duration>,
    /// Messages handled by all incarnations, and the time that their handlers took.
    pub handled: u64,
    pub handler_time: Duration,
    /// Messages given back, and taken but not handled or never answered.
    pub refused: u64,
    pub lost: u64,
    pub at: Instant,
}

impl ActorReport {
    /// Whether it runs and has shown so within `deadline`, or would have if its thread had a processor and a disk that answers, or failed
    /// no longer ago than that and is being restarted.
    pub fn is_alive(&self, deadline: Duration) -> bool {
        match self.phase {
            Phase::Running => self.waits_for.is_some() || self.heartbeat_age.is_none_or(|age| age <= deadline),
            Phase::Down => {
                let failed = self.last_failure.as_ref().map(|failure| self.at.saturating_duration_since(failure.at));
                failed.is_none_or(|ago| ago <= deadline)
            }
            Phase::Reserved => true,
            Phase::Ended => false,
        }
    }
}

/// A supervisor and what is below it, in start order.
#[derive(Debug, Clone)]
pub struct SupervisorReport {
    pub name: &'static str,
    pub strategy: Strategy,
    pub restarts_max: usize,
    pub window: Duration,
    /// Failures counted in its subtree.
    pub restarts: u64,
    /// How often it gave up.
    pub escalations: u64,
    pub members: Vec<MemberReport>,
}

#[derive(Debug, Clone)]
#[allow(clippy::large_enum_variant)] // A handful, for one report.
pub enum MemberReport {
    Actor(Box<ActorReport>),
    Supervisor(SupervisorReport),
}

/// A thread on which actors run.
#[derive(Debug, Clone)]
pub struct ThreadReport {
    pub name: &'static str,
    /// What keeps it from going on, if that is not its actors.
    pub waits_for: Option<WaitsFor>,
    /// For how long it was ready to run and had no processor, since the start; zero where the system does not count that.
    pub processor_wait: Duration,
}

/// A whole tree.
#[derive(Debug, Clone)]
pub struct TreeReport {
    pub root: SupervisorReport,
    /// Each thread of the tree's actors once.
    pub threads: Vec<ThreadReport>,
    /// Blocked threads that were left behind and have not ended.
    pub zombies: usize,
}

impl TreeReport {
    /// Every actor, in start order.
    pub fn actors(&self) -> Vec<&ActorReport> {
        self.root.actors()
    }
}

impl SupervisorReport {
    fn actors(&self) -> Vec<&ActorReport> {
        let mut actors = Vec::new();
        for member in &self.members {
            match member {
                MemberReport::Actor(actor) => actors.push(&**actor),
                MemberReport::Supervisor(supervisor) => actors.extend(supervisor.actors()),
            }
        }
        actors
    }
}
