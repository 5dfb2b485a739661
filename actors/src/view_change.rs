//! The actor that owns the view timer: it asks consensus for ViewChange votes, and notifies the operator when a view
//! change takes long.
//!
//! A shell around [`Pacemaker`]. It holds no safety state; restarted, it is sent the current view again.

use crate::clock::Clock;
use crate::network::Network;
use crate::routes::{Routes, Step, TellAgain, route};
use crate::tap;
use actix::{Actor, AsyncContext, Context, Handler, SpawnHandle};
use protocol::consensus::events::{Input, Notice};
use protocol::message::{GiveUpReason, Message as PeerMessage};
use protocol::pacemaker::Pacemaker;
use protocol::types::{Millis, ValidatorIndex};
use protocol::validator::restart::{AfterRestart, restart};
use protocol::validator::route::{Effect, Part};
use protocol::validator::sessions::{Change, Sessions};
use std::sync::Arc;
use std::time::Duration;

/// Round trips are read anew this often.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);

/// Names in one line of the log.
const NAMES_MAX: usize = 10;

pub struct ViewChange {
    pacemaker: Pacemaker,
    routes: Routes,
    network: Arc<Network<PeerMessage>>,
    sessions: Sessions,
    clock: Clock,
    timer: Option<SpawnHandle>,
    /// The operator was told that a quorum is lost.
    told_lost: bool,
}

impl ViewChange {
    pub fn new(pacemaker: Pacemaker, routes: Routes, network: Arc<Network<PeerMessage>>, clock: Clock) -> Self {
        ViewChange { pacemaker, routes, network, sessions: Sessions::default(), clock, timer: None, told_lost: false }
    }

    fn give(&mut self, inputs: Vec<Input>, context: &mut Context<Self>) {
        for input in inputs {
            // Not taken, it is asked again when the timer runs out once more.
            route(self.routes.me, Effect::Follower(input), &mut |delivery| _ = self.routes.deliver(delivery));
        }
        self.arm(context);
    }

    fn arm(&mut self, context: &mut Context<Self>) {
        if let Some(handle) = self.timer.take() {
            context.cancel_future(handle);
        }
        tap::consensus::view_timer(self.pacemaker.timer());
        let at = self.pacemaker.wakeup();
        if at == Millis(u64::MAX) {
            return;
        }
        self.timer = Some(context.run_later(self.clock.until(at), |this, context| {
            this.timer = None;
            let inputs = this.pacemaker.tick(this.clock.local());
            this.give(inputs, context);
        }));
    }

    /// A session whose opening or closing was not heard is made good.
    fn compare(&mut self, context: &mut Context<Self>) {
        let changes = self.sessions.compare(self.network.sessions());
        self.on_sessions(changes, context);
    }

    fn on_sessions(&mut self, changes: Vec<Change>, context: &mut Context<Self>) {
        for change in changes {
            match change {
                Change::Opened(peer) => {
                    self.measure(peer);
                    self.look_for_first_quorum(context);
                }
                Change::Closed(peer) => self.pacemaker.on_session_closed(peer),
            }
        }
    }

    fn measure(&mut self, peer: ValidatorIndex) {
        let round_trip = self.network.round_trip(peer).unwrap_or_default();
        self.pacemaker.on_session(self.clock.local(), peer, Millis(round_trip.as_millis() as u64));
    }

    fn look(&mut self, context: &mut Context<Self>) {
        self.compare(context);
        if !self.pacemaker.knows_its_view() {
            // Nobody could hear the answer, or the question.
            _ = self.routes.again.send(TellAgain);
        }
        let open: Vec<ValidatorIndex> = self.sessions.iter().map(|session| session.peer).collect();
        open.into_iter().for_each(|peer| self.measure(peer));
        if let Some((view, open)) = self.pacemaker.overdue_view_change(self.clock.local()) {
            tracing::warn!(view = view.0, open_ms = open.0, "a view change stays open: too few validators answer");
        }
        self.look_for_first_quorum(context);
    }

    fn look_for_first_quorum(&mut self, context: &mut Context<Self>) {
        if self.pacemaker.look_for_quorum(self.clock.local()) {
            self.arm(context);
        }
    }

    /// The operator is told by name who is missing for a quorum.
    fn look_at_quorum(&mut self) {
        match self.pacemaker.quorum_change() {
            Some(false) => {
                let missing = self.network.peers().into_iter().filter(|peer| !peer.connected).take(NAMES_MAX);
                let missing: Vec<_> = missing.map(|peer| peer.node_id.to_string()).collect();
                let missing = missing.join(", ");
                if self.pacemaker.had_quorum() {
                    self.told_lost = true;
                    tracing::warn!(%missing, "no quorum is connected: nothing becomes final until enough of these return");
                } else {
                    tracing::info!(%missing, "a quorum is not connected yet: waiting for enough of these");
                }
            }
            Some(true) if std::mem::take(&mut self.told_lost) => tracing::info!("a quorum is connected again"),
            Some(true) => tracing::info!("a quorum is connected"),
            None => {}
        }
    }
}

impl ViewChange {
    fn on_notice(&mut self, notice: &Notice, context: &mut Context<Self>) {
        // What does not move a timer need not arm it again.
        if matches!(notice, Notice::Heard { .. }) {
            return;
        }
        if let Notice::GaveUp { view, reason: GiveUpReason::Timeout } = notice {
            let timer_ms = self.pacemaker.timer().0;
            tracing::warn!(view = view.0, timer_ms, "Consensus timeout, initiating view change");
        }
        let inputs = self.pacemaker.on_notice(self.clock.local(), notice);
        self.give(inputs, context);
    }
}

impl Actor for ViewChange {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Context<Self>) {
        for hears in restart(Part::ViewChange) {
            match hears {
                AfterRestart::Sessions => self.look(context),
                AfterRestart::Again => _ = self.routes.again.send(TellAgain),
                AfterRestart::ConsensusRestarted | AfterRestart::PoolRestarted | AfterRestart::Waiting => {}
            }
        }
        context.run_interval(LOOK_INTERVAL, |this, context| {
            this.look(context);
            // Not before the first interval: sessions need a moment at the start.
            this.look_at_quorum();
        });
        self.arm(context);
    }
}

impl Handler<Step<Notice>> for ViewChange {
    type Result = ();

    fn handle(&mut self, step: Step<Notice>, context: &mut Context<Self>) {
        match step {
            Step::Input(notice) | Step::Heard { input: notice, .. } => self.on_notice(&notice, context),
            Step::Session(event) => {
                let changes = self.sessions.on(event);
                self.on_sessions(changes, context);
            }
        }
    }
}
