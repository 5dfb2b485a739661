//! What a failure means: which children start again, when, and when their supervisor gives up.
//!
//! Decides and does nothing: no clock, thread or actor is here, so that every case is a table in the tests. Times are
//! given; a supervision tree is an arena of supervisors and children in their start order.

use crate::restart::{Backoff, Ended, Intensity, Restart, Strategy};
use std::collections::VecDeque;
use std::time::{Duration, Instant};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Member {
    Child(usize),
    Supervisor(usize),
}

#[derive(Debug)]
struct SupervisorState {
    strategy: Strategy,
    intensity: Intensity,
    parent: Option<usize>,
    members: Vec<Member>,
    /// Failures within the window, `restarts_max` + 1 at most.
    recent: VecDeque<Instant>,
    restarts: u64,
    escalations: u64,
}

#[derive(Debug)]
struct ChildState {
    supervisor: usize,
    restart: Restart,
    backoff: Backoff,
    /// In a row, each within `reset_after` of the start before it.
    failures: u32,
    started: Option<Instant>,
    held: Option<Held>,
}

/// One restart of several children. The last one that takes a child has the say over it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ticket(u64);

/// A child that the tree stops and starts: what ends it meanwhile is not decided on by itself.
#[derive(Debug)]
struct Held {
    by: Ticket,
    /// Whether the tree has begun to start it again: from then on its end is its own.
    started: bool,
    failed: bool,
}

/// What the end of a child means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Decision {
    /// The tree itself had it end; there is nothing to do.
    Expected,
    /// It does not start again.
    Stays,
    Restart {
        after: Duration,
    },
    /// These stop in reverse order and start in order; they are held until [`Policy::release`].
    RestartAll(Vec<usize>, Ticket),
    /// This supervisor gave up: see [`Policy::escalate`]. All below it is held until then.
    Escalate(usize, Ticket),
}

/// What a supervisor that gave up leads to. Everything in `stop` is held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Escalation {
    /// To be stopped in reverse of this order, and started in it; `None`: the root gave up, and the process ends.
    pub restart: Option<(Vec<usize>, Ticket)>,
    /// The supervisors that gave up, from the innermost.
    pub gave_up: Vec<usize>,
}

/// The state of a whole tree. Supervisor 0 is the root.
#[derive(Debug, Default)]
pub(crate) struct Policy {
    supervisors: Vec<SupervisorState>,
    children: Vec<ChildState>,
    stopping: bool,
    tickets: u64,
}

impl Policy {
    pub(crate) fn add_supervisor(&mut self, parent: Option<usize>, strategy: Strategy, intensity: Intensity) -> usize {
        let id = self.supervisors.len();
        let (members, recent) = (Vec::new(), VecDeque::new());
        self.supervisors.push(SupervisorState {
            strategy,
            intensity,
            parent,
            members,
            recent,
            restarts: 0,
            escalations: 0,
        });
        if let Some(parent) = parent {
            self.supervisors[parent].members.push(Member::Supervisor(id));
        }
        id
    }

    pub(crate) fn add_child(&mut self, supervisor: usize, restart: Restart, backoff: Backoff) -> usize {
        let id = self.children.len();
        self.children.push(ChildState { supervisor, restart, backoff, failures: 0, started: None, held: None });
        self.supervisors[supervisor].members.push(Member::Child(id));
        id
    }

    pub(crate) fn members(&self, supervisor: usize) -> &[Member] {
        &self.supervisors[supervisor].members
    }

    /// Restarts below this supervisor, and how often it gave up.
    pub(crate) fn counts(&self, supervisor: usize) -> (u64, u64) {
        (self.supervisors[supervisor].restarts, self.supervisors[supervisor].escalations)
    }

    /// Everything below a supervisor, in start order.
    pub(crate) fn below(&self, supervisor: usize) -> Vec<usize> {
        let members = self.supervisors[supervisor].members.iter();
        members.flat_map(|member| self.of(*member)).collect()
    }

    fn of(&self, member: Member) -> Vec<usize> {
        match member {
            Member::Child(child) => vec![child],
            Member::Supervisor(supervisor) => self.below(supervisor),
        }
    }

    pub(crate) fn on_started(&mut self, child: usize, now: Instant) {
        self.children[child].started = Some(now);
    }

    /// From now on nothing starts again.
    pub(crate) fn stop(&mut self) {
        self.stopping = true;
    }

    pub(crate) fn is_stopping(&self) -> bool {
        self.stopping
    }

    pub(crate) fn is_held(&self, child: usize) -> bool {
        self.children[child].held.is_some()
    }

    pub(crate) fn is_held_by(&self, child: usize, ticket: Ticket) -> bool {
        self.children[child].held.as_ref().is_some_and(|held| held.by == ticket)
    }

    /// Whether a group's restart starts this child again.
    pub(crate) fn restarts_with_siblings(&self, child: usize) -> bool {
        self.children[child].restart != Restart::Temporary
    }

    /// A child's life ended; `chance` in 0..1 is for the back-off.
    pub(crate) fn on_ended(&mut self, child: usize, ended: Ended, now: Instant, chance: f64) -> Decision {
        if self.stopping {
            return Decision::Expected;
        }
        let state = &mut self.children[child];
        let again = state.restart.starts_again(ended);
        match &mut state.held {
            // Whoever asked it to end has the last word.
            _ if ended == Ended::Shutdown => return Decision::Stays,
            Some(held) if held.started && !again => return Decision::Stays,
            Some(held) => {
                held.failed |= held.started;
                return Decision::Expected;
            }
            None if !again => return Decision::Stays,
            None => {}
        }
        // Taken, or a start that fails would be measured by the one before it, and never wait.
        let ran_well =
            state.started.take().is_some_and(|at| now.saturating_duration_since(at) >= state.backoff.reset_after);
        state.failures = if ran_well { 1 } else { state.failures.saturating_add(1) };
        let (supervisor, after) = (state.supervisor, state.backoff.delay(state.failures, chance));
        if let Some(exhausted) = self.count(supervisor, now) {
            // Held from here on, so that a second failure below it does not make it give up twice.
            let ticket = self.hold(&self.below(exhausted));
            return Decision::Escalate(exhausted, ticket);
        }
        match self.affected(supervisor, Member::Child(child)) {
            several if several.len() > 1 => {
                self.forget_failures_beside(supervisor, Member::Child(child));
                let ticket = self.hold(&several);
                Decision::RestartAll(several, ticket)
            }
            _ => Decision::Restart { after },
        }
    }

    /// Counts a failure with every supervisor above; gives the innermost one that it was too much for.
    fn count(&mut self, supervisor: usize, now: Instant) -> Option<usize> {
        let mut exhausted = None;
        let mut next = Some(supervisor);
        while let Some(id) = next {
            let state = &mut self.supervisors[id];
            let Intensity { restarts_max, window } = state.intensity;
            state.recent.retain(|&failure| now.saturating_duration_since(failure) < window);
            state.recent.push_back(now);
            state.restarts += 1;
            if state.recent.len() > restarts_max && exhausted.is_none() {
                exhausted = Some(id);
            }
            next = state.parent;
        }
        exhausted
    }

    /// What the strategy of a supervisor restarts when this member fails, in start order.
    fn affected(&self, supervisor: usize, member: Member) -> Vec<usize> {
        self.affected_members(supervisor, member).iter().flat_map(|member| self.of(*member)).collect()
    }

    fn affected_members(&self, supervisor: usize, member: Member) -> Vec<Member> {
        let state = &self.supervisors[supervisor];
        let from = match state.strategy {
            Strategy::OneForOne => return vec![member],
            Strategy::OneForAll => 0,
            Strategy::RestForOne => state.members.iter().position(|other| *other == member).unwrap_or(0),
        };
        state.members[from..].to_vec()
    }

    /// Supervisors that are restarted with this member are new.
    fn forget_failures_beside(&mut self, supervisor: usize, member: Member) {
        for member in self.affected_members(supervisor, member) {
            if matches!(member, Member::Supervisor(_)) {
                self.renew(member);
            }
        }
    }

    /// What restarts when all of these fail together and only some of their failures count, in start order.
    pub(crate) fn affected_by(&self, children: &[usize]) -> Vec<usize> {
        let of = |&child: &usize| self.affected(self.children[child].supervisor, Member::Child(child));
        let mut all: Vec<usize> = children.iter().flat_map(of).collect();
        all.sort_unstable();
        all.dedup();
        all
    }

    /// Takes children under the tree's hand: until they are released, their ends are not their own.
    pub(crate) fn hold(&mut self, children: &[usize]) -> Ticket {
        self.tickets += 1;
        let ticket = Ticket(self.tickets);
        self.hold_again(children, ticket);
        ticket
    }

    fn hold_again(&mut self, children: &[usize], by: Ticket) {
        for &child in children {
            self.children[child].held = Some(Held { by, started: false, failed: false });
        }
    }

    /// The tree starts a child that it holds by this ticket; false if another restart has it by now.
    pub(crate) fn begin_start(&mut self, child: usize, ticket: Ticket) -> bool {
        match &mut self.children[child].held {
            Some(held) if held.by == ticket => {
                held.started = true;
                true
            }
            Some(_) | None => false,
        }
    }

    /// Its thread was taken from a child that some restart holds: that restart must not take it for started.
    pub(crate) fn fail_while_held(&mut self, child: usize) {
        if let Some(held) = &mut self.children[child].held {
            held.failed |= held.started;
        }
    }

    /// What follows when this supervisor gave up: it fails as a child of its parent, and so on up.
    pub(crate) fn escalate(&mut self, supervisor: usize, now: Instant) -> Escalation {
        let mut gave_up = supervisor;
        let mut chain = Vec::new();
        loop {
            chain.push(gave_up);
            self.supervisors[gave_up].escalations += 1;
            let Some(parent) = self.supervisors[gave_up].parent else {
                self.stopping = true;
                return Escalation { restart: None, gave_up: chain };
            };
            match self.count(parent, now) {
                None => {
                    let member = Member::Supervisor(gave_up);
                    self.renew(member);
                    self.forget_failures_beside(parent, member);
                    let affected = self.affected(parent, member);
                    let ticket = self.hold(&affected);
                    return Escalation { restart: Some((affected, ticket)), gave_up: chain };
                }
                Some(exhausted) => gave_up = exhausted,
            }
        }
    }

    /// A supervisor that was restarted remembers no failures.
    fn renew(&mut self, member: Member) {
        match member {
            Member::Child(child) => self.children[child].failures = 0,
            Member::Supervisor(supervisor) => {
                self.supervisors[supervisor].recent.clear();
                for member in self.supervisors[supervisor].members.clone() {
                    self.renew(member);
                }
            }
        }
    }

    /// The tree has started what it holds by this ticket. If one of them failed meanwhile, nothing is released: it is told,
    /// and counts as its failure now.
    pub(crate) fn release(&mut self, children: &[usize], ticket: Ticket) -> Option<usize> {
        let mine: Vec<usize> = children.iter().copied().filter(|&child| self.is_held_by(child, ticket)).collect();
        let has_failed = |child: &usize| self.children[*child].held.as_ref().is_some_and(|held| held.failed);
        let failed = mine.iter().copied().find(has_failed);
        if failed.is_none() {
            mine.iter().for_each(|&child| self.children[child].held = None);
        }
        failed
    }

    /// One of what is held by this ticket failed: all of it is done again. Gives the supervisor for which it was too much.
    pub(crate) fn once_more(
        &mut self,
        children: &[usize],
        ticket: Ticket,
        failed: usize,
        now: Instant,
    ) -> Option<usize> {
        let mine: Vec<usize> = children.iter().copied().filter(|&child| self.is_held_by(child, ticket)).collect();
        self.hold_again(&mine, ticket);
        self.count_failure(failed, now)
    }

    /// Counts the failure of a child whose life the tree itself has cut off.
    pub(crate) fn count_failure(&mut self, child: usize, now: Instant) -> Option<usize> {
        self.count(self.children[child].supervisor, now)
    }
}

#[cfg(test)]
mod tests;
