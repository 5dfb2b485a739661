//! The actor that notices silent leaders, and asks consensus to skip them.
//!
//! A shell around [`Election`]. Restarted, it forgets silences and counts from zero.

use crate::clock::Clock;
use crate::links::Links;
use crate::routes::{Routes, Step, TellAgain, route};
use actix::{Actor, AsyncContext, Context, Handler, SpawnHandle};
use protocol::consensus::events::{Input, Notice};
use protocol::election::Election;
use protocol::types::Millis;
use protocol::validator::restart::{AfterRestart, restart};
use protocol::validator::route::{Effect, Part};
use protocol::validator::sessions::{Change, Sessions};
use std::time::Duration;

/// The sessions of the network are compared with what was heard of them this often.
const COMPARE: Duration = Duration::from_secs(1);

pub struct LeaderElection {
    election: Election,
    routes: Routes,
    links: Links,
    sessions: Sessions,
    clock: Clock,
    timer: Option<SpawnHandle>,
}

impl LeaderElection {
    pub fn new(election: Election, routes: Routes, links: Links, clock: Clock) -> Self {
        LeaderElection { election, routes, links, sessions: Sessions::default(), clock, timer: None }
    }

    fn give(&mut self, inputs: Vec<Input>, context: &mut Context<Self>) {
        for input in inputs {
            tracing::info!("the leader is silent, its turn is skipped");
            // Not taken, the view timer does the same a little later.
            route(self.routes.me, Effect::Follower(input), &mut |delivery| _ = self.routes.deliver(delivery));
        }
        self.arm(context);
    }

    fn arm(&mut self, context: &mut Context<Self>) {
        if let Some(handle) = self.timer.take() {
            context.cancel_future(handle);
        }
        let at = self.election.wakeup();
        if at == Millis(u64::MAX) {
            return;
        }
        self.timer = Some(context.run_later(self.clock.until(at), |this, context| {
            this.timer = None;
            let inputs = this.election.tick(this.clock.local());
            this.give(inputs, context);
        }));
    }

    fn compare(&mut self, context: &mut Context<Self>) {
        let changes = self.sessions.compare((self.links.sessions)());
        self.on_sessions(changes, context);
    }

    fn on_sessions(&mut self, changes: Vec<Change>, context: &mut Context<Self>) {
        if changes.is_empty() {
            return;
        }
        for change in changes {
            match change {
                Change::Opened(peer) => self.election.on_session_opened(peer),
                Change::Closed(peer) => self.election.on_session_closed(self.clock.local(), peer),
            }
        }
        self.arm(context);
    }
}

impl Actor for LeaderElection {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Context<Self>) {
        for hears in restart(Part::LeaderElection) {
            match hears {
                AfterRestart::Sessions => self.compare(context),
                AfterRestart::Again => _ = self.routes.again.send(TellAgain),
                AfterRestart::ConsensusRestarted | AfterRestart::PoolRestarted | AfterRestart::Waiting => {}
            }
        }
        context.run_interval(COMPARE, |actor, context| actor.compare(context));
    }
}

impl Handler<Step<Notice>> for LeaderElection {
    type Result = ();

    fn handle(&mut self, step: Step<Notice>, context: &mut Context<Self>) {
        match step {
            Step::Input(notice) | Step::Heard { input: notice, .. } => {
                let inputs = self.election.on_notice(self.clock.local(), &notice);
                if !matches!(notice, Notice::Heard { .. }) {
                    self.give(inputs, context);
                }
            }
            Step::Session(event) => {
                let changes = self.sessions.on(event);
                self.on_sessions(changes, context);
            }
        }
    }
}
