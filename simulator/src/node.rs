//! One validator: the real consensus, pacemaker, election and mempool, and the driver that its contract asks for.
//!
//! Nothing random happens here, and no time passes: what takes time leaves as an [`Action`] and comes back by a call of the
//! world's. An output's effects are carried out when its records are durable, in the order of the steps.

mod proofs;
mod sync;

use crate::disk::Disk;
use crate::keyed::{self, KeyedSigner};
use crate::scenario::{Driver, Scenario};
use protocol::certificate::Certificate;
use protocol::consensus::Consensus;
use protocol::consensus::events::{Contradiction, Effect, FinalBlock, Halt, Input, Notice, Output, Record, Time, To};
use protocol::election::Election;
use protocol::mempool::{Limits, Mempool};
use protocol::message::{GiveUpReason, Message};
use protocol::pacemaker::Pacemaker;
use protocol::types::{Hash, Millis, Sequence, ValidatorIndex, View};
use protocol::validator::inbound::inbound;
use protocol::verify::{LateCommit, Verified};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

/// Names a session; a message of another one is never delivered.
pub type SessionId = u64;

/// What a node asks of the world. The world answers what takes time by a call of the method named.
pub enum Action {
    Send(To, Message),
    /// Sync the batch in flight, then [`Node::synced`].
    Sync,
    /// Write the oldest final blocks into the database, then [`Node::applied`].
    Apply,
    /// Write an admitted proof, then [`Node::stored`].
    Store(Hash),
    /// Run the solver, then [`Node::judged`].
    Check(Hash),
    /// Read final blocks, and send them.
    ServeBlocks {
        to: ValidatorIndex,
        above: Sequence,
    },
    /// Read scripts, then [`Node::serve_proofs`].
    ServeProofs {
        to: ValidatorIndex,
        proofs: Vec<Hash>,
    },
    /// Close every session.
    Reconnect,
    /// Something that is checked.
    Saw(Sight),
}

/// What the checks look at, beside everything that is sent.
pub enum Sight {
    /// These records became durable.
    Recorded(Vec<Record>),
    /// The log was replaced by these.
    Replaced,
    Final {
        blocks: Vec<FinalBlock>,
        commit: Certificate,
    },
    Refused(Hash),
    GaveUp {
        view: View,
        reason: GiveUpReason,
    },
    Contradiction(Box<Contradiction>),
    Halt(Halt),
    /// Something that the driver's own parts refuse.
    Fault(String),
}

/// A validator and its disk.
pub struct Node {
    pub me: ValidatorIndex,
    pub disk: Disk,
    pub running: Option<Running>,
    /// Counts starts: what was begun before a crash is not delivered after it.
    pub incarnation: u64,
    /// What it asks for, to be carried out by the world after every call.
    pub actions: Vec<Action>,
    scenario: Arc<Scenario>,
}

/// What a crash ends.
pub struct Running {
    pub consensus: Consensus,
    pacemaker: Pacemaker,
    election: Election,
    pub mempool: Mempool,
    pub sessions: BTreeMap<ValidatorIndex, SessionId>,
    mailbox: VecDeque<Input>,
    tick_waits: bool,
    /// Steps whose effects wait for a sync; the batch in flight covers the first so many.
    outputs: VecDeque<Output>,
    syncing: usize,
    /// While a batch's effects are carried out: how many outputs still to come it has made durable.
    durable_ahead: usize,
    finals: VecDeque<(Vec<FinalBlock>, Certificate)>,
    /// Virtual time less local time.
    origin: i64,
    /// When the world was asked to wake it.
    pub wake: Option<Millis>,
}

/// The true time of a run's start on the wall.
const WALL: u64 = 1_000_000_000;

impl Node {
    pub fn new(me: ValidatorIndex, scenario: Arc<Scenario>) -> Self {
        let genesis = protocol::consensus::recovery::Base {
            id: scenario.genesis,
            ledger: scenario.ledger.clone(),
            commit: None,
            prepare: None,
        };
        Node { me, disk: Disk::new(genesis), running: None, incarnation: 0, actions: Vec::new(), scenario }
    }

    /// Starts from what is on the disk. The local clock reads `local` now.
    pub fn start(&mut self, now: Millis, local: Millis) {
        self.incarnation += 1;
        let origin = now.0 as i64 - local.0 as i64;
        let time = self.time(now, origin);
        let scenario = self.scenario.clone();
        let (consensus, output) = Consensus::recover(
            scenario.settings(self.me),
            Box::new(KeyedSigner(keyed::key(self.me))),
            Box::new(self.disk.database.clone()),
            self.disk.database.base(),
            self.disk.read_log(),
            time,
        );
        let checks_max = 1 + usize::from(self.me.0 % 3);
        let candidates = self.disk.pending.iter().map(|proof| {
            let item = scenario.catalogue.get(proof);
            (item.candidate(protocol::mempool::Source::Submitter(item.proof.submitter)), None)
        });
        let held: Vec<_> = candidates.collect();
        let mempool = Mempool::restored(Limits::new(10_000, 1 << 30, checks_max), &held).of(self.me);
        self.running = Some(Running {
            consensus,
            pacemaker: Pacemaker::new(scenario.set.clone(), self.me, scenario.pace, local),
            election: Election::new(scenario.set.clone(), self.me, local),
            mempool,
            sessions: BTreeMap::new(),
            mailbox: VecDeque::new(),
            tick_waits: false,
            outputs: VecDeque::new(),
            syncing: 0,
            durable_ahead: 0,
            finals: VecDeque::new(),
            origin,
            wake: None,
        });
        self.take_output(now, output);
        self.input(now, Input::Applied(self.disk.database.head()));
        self.mempool_step(now, protocol::mempool::Input::Tick);
    }

    /// Ends it; what its disk keeps is the caller's to decide.
    pub fn stop(&mut self) {
        self.running = None;
        self.actions.clear();
    }

    fn time(&self, now: Millis, origin: i64) -> Time {
        let wall = (WALL + now.0) as i64 + self.scenario.skew_ms(now, self.me);
        Time { local: local(now, origin), wall: Millis(wall as u64) }
    }

    /// Lets everything tick that is due.
    pub fn tick(&mut self, now: Millis) {
        let Some(running) = &mut self.running else { return };
        let local = local(now, running.origin);
        running.mailbox.extend(running.election.tick(local));
        running.mailbox.extend(running.pacemaker.tick(local));
        if !running.tick_waits && running.consensus.wakeup() <= local {
            running.tick_waits = true;
            running.mailbox.push_back(Input::Tick);
        }
        let mempool_is_due = running.mempool.wakeup().is_some_and(|at| at <= local);
        if mempool_is_due {
            self.mempool_step(now, protocol::mempool::Input::Tick);
        }
        self.pump(now);
    }

    /// When [`Node::tick`] is due.
    pub fn wakeup(&self) -> Option<Millis> {
        let running = self.running.as_ref()?;
        let consensus = (!running.tick_waits).then(|| running.consensus.wakeup());
        let followers = [running.election.wakeup(), running.pacemaker.wakeup()];
        let due = followers.into_iter().chain(consensus).chain(running.mempool.wakeup()).min()?;
        Some(Millis((due.0.min(i64::MAX as u64 / 2) as i64 + running.origin).max(0) as u64))
    }

    pub fn session_opened(&mut self, now: Millis, peer: ValidatorIndex, session: SessionId) {
        self.session_closed(now, peer, None);
        let round_trip = self.scenario.round_trip(self.me, peer);
        let Some(running) = &mut self.running else { return };
        running.sessions.insert(peer, session);
        running.pacemaker.on_session(local(now, running.origin), peer, round_trip);
        running.election.on_session_opened(peer);
        running.mailbox.push_back(Input::SessionOpened(peer));
        self.mempool_step(now, protocol::mempool::Input::SessionOpened(peer));
        self.pump(now);
    }

    /// Ends this session with a peer, or whichever there is.
    pub fn session_closed(&mut self, now: Millis, peer: ValidatorIndex, session: Option<SessionId>) {
        let Some(running) = &mut self.running else { return };
        let open = running.sessions.get(&peer).copied();
        if open.is_none() || session.is_some_and(|session| open != Some(session)) {
            return;
        }
        running.sessions.remove(&peer);
        running.pacemaker.on_session_closed(peer);
        running.election.on_session_closed(local(now, running.origin), peer);
        running.mailbox.push_back(Input::SessionClosed(peer));
        self.mempool_step(now, protocol::mempool::Input::SessionClosed(peer));
        self.pump(now);
    }

    /// `view_change` and `leader_election` are rebuilt empty, and ask where consensus is.
    pub fn rebuild_followers(&mut self, now: Millis) {
        let Some(running) = &mut self.running else { return };
        let local = local(now, running.origin);
        running.pacemaker = Pacemaker::new(self.scenario.set.clone(), self.me, self.scenario.pace, local);
        running.election = Election::new(self.scenario.set.clone(), self.me, local);
        for peer in running.sessions.keys() {
            running.pacemaker.on_session(local, *peer, self.scenario.round_trip(self.me, *peer));
            running.election.on_session_opened(*peer);
        }
        let notices = running.consensus.notices_again();
        notices.iter().for_each(|notice| self.follow(now, notice));
        self.pump(now);
    }

    /// A verified message of an open session.
    pub fn deliver(&mut self, now: Millis, from: ValidatorIndex, message: &Verified<Message>) {
        if let Some(late) = self.late_commit(from, message) {
            self.input(now, Input::LateCommit(late));
            return;
        }
        let parts = inbound(message);
        if parts.mempool {
            self.mempool_message(now, from, message);
        }
        if parts.consensus {
            self.input(now, Input::Peer(from, message.clone()));
        } else {
            self.pump(now);
        }
    }

    /// T3, as the gate before a real consensus does it.
    fn late_commit(&self, from: ValidatorIndex, message: &Message) -> Option<LateCommit> {
        let Message::Vote { vote, .. } = message else { return None };
        let committed = self.running.as_ref()?.consensus.committed_view();
        LateCommit::of(&self.scenario.set, from, vote, committed)
    }

    pub fn input(&mut self, now: Millis, input: Input) {
        if let Some(running) = &mut self.running {
            running.mailbox.push_back(input);
        }
        self.pump(now);
    }

    /// Steps through the mailbox, unless a sync holds it up.
    fn pump(&mut self, now: Millis) {
        loop {
            let Some(running) = &mut self.running else { return };
            let held_up = self.scenario.driver == Driver::Blocking && !running.outputs.is_empty();
            if held_up {
                return;
            }
            let Some(input) = running.mailbox.pop_front() else { return };
            if input == Input::Tick {
                running.tick_waits = false;
            }
            let origin = running.origin;
            let time = self.time(now, origin);
            let Some(running) = &mut self.running else { return };
            let output = running.consensus.step(time, input);
            self.take_output(now, output);
        }
    }

    fn effect(&mut self, now: Millis, effect: Effect) {
        match effect {
            Effect::Send(to, message) => self.actions.push(Action::Send(to, message)),
            Effect::Final { blocks, commit } => {
                self.actions.push(Action::Saw(Sight::Final { blocks: blocks.clone(), commit: commit.clone() }));
                let Some(running) = &mut self.running else { return };
                running.finals.push_back((blocks, commit));
                self.actions.push(Action::Apply);
            }
            Effect::Serve { to, above } => self.actions.push(Action::ServeBlocks { to, above }),
            Effect::Need { proofs, from } => self.mempool_step(now, protocol::mempool::Input::Need { proofs, from }),
            Effect::Refused { proof, words } => {
                self.mempool_step(now, protocol::mempool::Input::Refused { proof, words });
            }
            Effect::Shorten(records) => self.shorten(records),
            Effect::Reconnect => self.actions.push(Action::Reconnect),
            Effect::Notice(notice) => self.follow(now, &notice),
            Effect::Halt(halt) => self.actions.push(Action::Saw(Sight::Halt(halt))),
        }
    }

    fn follow(&mut self, now: Millis, notice: &Notice) {
        match notice {
            Notice::GaveUp { view, reason } => {
                self.actions.push(Action::Saw(Sight::GaveUp { view: *view, reason: reason.clone() }));
            }
            Notice::Contradiction(both) => self.actions.push(Action::Saw(Sight::Contradiction(both.clone()))),
            Notice::ViewEntered { .. }
            | Notice::ClockStarted { .. }
            | Notice::Work { .. }
            | Notice::Proposed { .. }
            | Notice::Prepared { .. }
            | Notice::Heard(_)
            | Notice::WorkGone { .. }
            | Notice::Signing => {}
        }
        let Some(running) = &mut self.running else { return };
        let local = local(now, running.origin);
        running.mailbox.extend(running.pacemaker.on_notice(local, notice));
        running.mailbox.extend(running.election.on_notice(local, notice));
    }

    fn fault(&mut self, what: String) {
        self.actions.push(Action::Saw(Sight::Fault(what)));
    }
}

fn local(now: Millis, origin: i64) -> Millis {
    Millis((now.0 as i64 - origin) as u64)
}
