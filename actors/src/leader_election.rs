//! The actor that notices silent leaders, and asks consensus to skip them.
//!
//! A shell around [`Election`]. Restarted, it forgets silences and counts from zero.

use crate::clock::Clock;
use crate::consensus::{Follow, Step};
use crate::outlet::Outlet;
use crate::view_change::Session;
use actix::{Actor, AsyncContext, Context, Handler, SpawnHandle};
use protocol::consensus::events::{Input, Notice};
use protocol::election::Election;
use protocol::types::Millis;

pub struct LeaderElection {
    election: Election,
    consensus: Outlet<Step>,
    clock: Clock,
    timer: Option<SpawnHandle>,
}

impl LeaderElection {
    pub fn new(election: Election, consensus: Outlet<Step>, clock: Clock) -> Self {
        LeaderElection { election, consensus, clock, timer: None }
    }

    fn give(&mut self, inputs: Vec<Input>, context: &mut Context<Self>) {
        for input in inputs {
            tracing::info!("the leader is silent, its turn is skipped");
            // Not taken, the view timer does the same a little later.
            _ = self.consensus.send(Step(input));
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
}

impl Actor for LeaderElection {
    type Context = Context<Self>;
}

impl Handler<Follow> for LeaderElection {
    type Result = ();

    fn handle(&mut self, Follow(notice): Follow, context: &mut Context<Self>) {
        let inputs = self.election.on_notice(self.clock.local(), &notice);
        if !matches!(notice, Notice::Heard(_)) {
            self.give(inputs, context);
        }
    }
}

impl Handler<Session> for LeaderElection {
    type Result = ();

    fn handle(&mut self, session: Session, context: &mut Context<Self>) {
        match session {
            Session::Opened(peer) => self.election.on_session_opened(peer),
            Session::Closed(peer) => self.election.on_session_closed(self.clock.local(), peer),
        }
        self.arm(context);
    }
}
