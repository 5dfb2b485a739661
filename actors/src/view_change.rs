//! The actor that owns the view timer: it asks consensus for ViewChange votes, and notifies the operator when a view
//! change takes long.
//!
//! A shell around [`Pacemaker`]. It holds no safety state; restarted, it is sent the current view again.

use crate::clock::Clock;
use crate::consensus::{Follow, Step};
use crate::metrics;
use crate::network::Network;
use crate::outlet::Outlet;
use actix::{Actor, AsyncContext, Context, Handler, Message, SpawnHandle};
use protocol::consensus::events::{Input, Notice};
use protocol::message::{GiveUpReason, Message as PeerMessage};
use protocol::pacemaker::Pacemaker;
use protocol::types::{Millis, ValidatorIndex};
use std::sync::Arc;
use std::time::Duration;

/// Round trips are read anew this often.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);

/// Names in one line of the log.
const NAMES_MAX: usize = 10;

/// A session opened or closed.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "()")]
pub enum Session {
    Opened(ValidatorIndex),
    Closed(ValidatorIndex),
}

pub struct ViewChange {
    pacemaker: Pacemaker,
    consensus: Outlet<Step>,
    network: Arc<Network<PeerMessage>>,
    clock: Clock,
    timer: Option<SpawnHandle>,
    /// The operator was told that a quorum is lost.
    told_lost: bool,
}

impl ViewChange {
    pub fn new(
        pacemaker: Pacemaker,
        consensus: Outlet<Step>,
        network: Arc<Network<PeerMessage>>,
        clock: Clock,
    ) -> Self {
        ViewChange { pacemaker, consensus, network, clock, timer: None, told_lost: false }
    }

    fn give(&mut self, inputs: Vec<Input>, context: &mut Context<Self>) {
        for input in inputs {
            // Not taken, it is asked again when the timer runs out once more.
            _ = self.consensus.send(Step(input));
        }
        self.arm(context);
    }

    fn arm(&mut self, context: &mut Context<Self>) {
        if let Some(handle) = self.timer.take() {
            context.cancel_future(handle);
        }
        metrics::view_timer(self.pacemaker.timer());
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

    fn look(&mut self, context: &mut Context<Self>) {
        for peer in self.network.peers().into_iter().filter(|peer| peer.connected) {
            let round_trip = self.network.round_trip(peer.validator).unwrap_or_default();
            self.pacemaker.on_session(self.clock.local(), peer.validator, Millis(round_trip.as_millis() as u64));
        }
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

impl Actor for ViewChange {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Context<Self>) {
        self.look(context);
        context.run_interval(LOOK_INTERVAL, |this, context| {
            this.look(context);
            // Not before the first interval: sessions need a moment at the start.
            this.look_at_quorum();
        });
        self.arm(context);
    }
}

impl Handler<Follow> for ViewChange {
    type Result = ();

    fn handle(&mut self, Follow(notice): Follow, context: &mut Context<Self>) {
        // What does not move a timer need not arm it again.
        if matches!(notice, Notice::Heard(_)) {
            return;
        }
        if let Notice::GaveUp { view, reason: GiveUpReason::Timeout } = &notice {
            let timer_ms = self.pacemaker.timer().0;
            tracing::warn!(view = view.0, timer_ms, "Consensus timeout, initiating view change");
        }
        let inputs = self.pacemaker.on_notice(self.clock.local(), &notice);
        self.give(inputs, context);
    }
}

impl Handler<Session> for ViewChange {
    type Result = ();

    fn handle(&mut self, session: Session, context: &mut Context<Self>) {
        match session {
            Session::Opened(peer) => {
                let round_trip = self.network.round_trip(peer).unwrap_or_default();
                self.pacemaker.on_session(self.clock.local(), peer, Millis(round_trip.as_millis() as u64));
                self.look_for_first_quorum(context);
            }
            Session::Closed(peer) => self.pacemaker.on_session_closed(peer),
        }
    }
}
