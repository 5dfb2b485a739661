//! One step of a part after the other, as each thread has time.

use super::mail::Mail;
use super::{COMPARE_INTERVAL, Node, Running, local};
use crate::costs::Step;
use protocol::consensus::events::{self, Notice};
use protocol::mempool;
use protocol::message::{GiveUpReason, Message};
use protocol::types::{Millis, ValidatorIndex};
use protocol::validator::inbound::inbound;
use protocol::validator::restart::AfterRestart;
use protocol::validator::route::{Delivery, Effect, MempoolInput, Part, route};
use protocol::validator::sessions::{Change, Session, SessionEvent};
use protocol::verify::{LateCommit, Verified};
use std::collections::BTreeMap;
use std::time::Instant;

/// Consensus and its two followers share a thread; the parts that hold, check and keep proofs share another.
const VOTES: usize = 0;
const WORK: usize = 1;

impl Running {
    /// When a thread that has mail is free again, if one has and is not.
    pub(super) fn free_at(&self, waits_for_disk: bool) -> Option<Millis> {
        let boxes = &self.mailboxes;
        let consensus = !waits_for_disk && !boxes.consensus.is_empty();
        let votes = consensus || !boxes.view_change.is_empty() || !boxes.leader_election.is_empty();
        let waits = [(votes, VOTES), (!boxes.mempool.is_empty(), WORK)];
        let free = waits.into_iter().filter(|(waits, _)| *waits).map(|(_, thread)| self.busy_until[thread]);
        free.min().map(|micros| Millis(micros / 1_000))
    }

    pub fn has_mail(&self) -> bool {
        self.free_at(false).is_some()
    }

    fn is_free(&self, now: Millis, thread: usize) -> bool {
        self.busy_until[thread] / 1_000 <= now.0
    }

    fn works(&mut self, now: Millis, thread: usize, step: Step) {
        let (until, factor) = self.slowness;
        let factor = if now < until { factor } else { 1 };
        self.busy_until[thread] = self.busy_until[thread].max(now.0 * 1_000) + step.costs() * factor;
    }

    /// For `simulator --costs`: what a step really took.
    fn took(&mut self, step: Step, began: Option<Instant>) {
        if let Some(began) = began {
            let (count, sum) = self.measured.entry(step).or_default();
            *count += 1;
            *sum += began.elapsed();
        }
    }
}

impl Node {
    /// As if the view's timer had run out.
    pub fn give_up(&mut self, now: Millis) {
        let Some(running) = &self.running else { return };
        let view = running.consensus.snapshot_now().view;
        self.tell_consensus(events::Input::GiveUp { view, reason: GiveUpReason::Timeout });
        self.pump(now);
    }

    pub(super) fn tell_consensus(&mut self, input: events::Input) {
        if let Some(running) = &mut self.running {
            running.mailboxes.consensus.own(input);
        }
    }

    pub(super) fn tell_mempool(&mut self, input: mempool::Input) {
        if let Some(running) = &mut self.running {
            running.mailboxes.mempool.own(MempoolInput::Step(input));
        }
    }

    /// A verified message of an open session.
    pub fn deliver(&mut self, now: Millis, from: ValidatorIndex, message: &Verified<Message>) {
        let late = self.late_commit(from, message);
        let Some(running) = &mut self.running else { return };
        let Some(number) = running.numbers.get(&from).copied() else { return };
        let session = Session { peer: from, number };
        match late {
            Some(late) => {
                running.mailboxes.consensus.put(now, Mail::From(session, events::Input::LateCommit(late)));
            }
            None => inbound(from, message.clone(), &mut |delivery| match delivery {
                Delivery::Consensus(input) => running.mailboxes.consensus.put(now, Mail::From(session, input)),
                Delivery::Mempool(input) => running.mailboxes.mempool.put(now, Mail::From(session, input)),
                Delivery::Followers(_) | Delivery::VerifierPool(_) | Delivery::State(_) | Delivery::Io(_) => false,
            }),
        }
        self.pump(now);
    }

    /// T3, as the gate before a real consensus does it.
    fn late_commit(&self, from: ValidatorIndex, message: &Message) -> Option<LateCommit> {
        let Message::Vote { vote, .. } = message else { return None };
        let committed = self.running.as_ref()?.consensus.committed_view();
        LateCommit::of(&self.scenario.set, from, vote, committed)
    }

    /// One part is told of a session's opening or end.
    pub fn tell_session(&mut self, now: Millis, part: Part, event: SessionEvent) {
        let Some(running) = &mut self.running else { return };
        let boxes = &mut running.mailboxes;
        // Not taken, it is made good by the table.
        _ = match part {
            Part::Consensus => boxes.consensus.put(now, Mail::Session(event)),
            Part::ViewChange => boxes.view_change.put(now, Mail::Session(event)),
            Part::LeaderElection => boxes.leader_election.put(now, Mail::Session(event)),
            Part::Mempool => boxes.mempool.put(now, Mail::Session(event)),
            Part::VerifierPool | Part::State => true,
        };
        self.pump(now);
    }

    /// What a part missed of the sessions is made good.
    pub(super) fn compare_sessions(&mut self, now: Millis) {
        let Some(running) = &mut self.running else { return };
        if now < running.compare_due {
            return;
        }
        running.compare_due = now.saturating_add(COMPARE_INTERVAL);
        if !running.pacemaker.knows_its_view() {
            self.hears(now, Part::ViewChange, AfterRestart::Again);
        }
        for part in [Part::ViewChange, Part::LeaderElection, Part::Consensus, Part::Mempool] {
            self.tell_table(now, part);
        }
    }

    /// A part compares with the network's table now.
    pub(super) fn tell_table(&mut self, now: Millis, part: Part) {
        let Some(running) = &mut self.running else { return };
        let table = running.table();
        let changes = match part {
            Part::Consensus => running.heard.consensus.compare(table),
            Part::ViewChange => running.heard.view_change.compare(table),
            Part::LeaderElection => running.heard.leader_election.compare(table),
            Part::Mempool => running.heard.mempool.compare(table),
            Part::VerifierPool | Part::State => Vec::new(),
        };
        changes.into_iter().for_each(|change| self.session_changes(now, part, change));
    }

    /// R12: of a consensus that closes every session, only what is said in new ones counts.
    pub(super) fn hears_new_sessions_only(&mut self, now: Millis) {
        let Some(running) = &mut self.running else { return };
        let changes = running.heard.consensus.close_up_to(running.newest);
        changes.into_iter().for_each(|change| self.session_changes(now, Part::Consensus, change));
    }

    fn session_changes(&mut self, now: Millis, part: Part, change: Change) {
        match part {
            Part::Consensus => {
                let input = match change {
                    Change::Opened(peer) => events::Input::SessionOpened(peer),
                    Change::Closed(peer) => events::Input::SessionClosed(peer),
                };
                self.step_consensus(now, input);
            }
            Part::Mempool => {
                let input = match change {
                    Change::Opened(peer) => mempool::Input::SessionOpened(peer),
                    Change::Closed(peer) => mempool::Input::SessionClosed(peer),
                };
                self.step_mempool(now, input);
            }
            Part::ViewChange => {
                let me = self.me;
                let Some(running) = &mut self.running else { return };
                match change {
                    Change::Opened(peer) => {
                        let round_trip = self.scenario.round_trip(me, peer);
                        running.pacemaker.on_session(local(now, running.origin), peer, round_trip);
                    }
                    Change::Closed(peer) => running.pacemaker.on_session_closed(peer),
                }
            }
            Part::LeaderElection => {
                let Some(running) = &mut self.running else { return };
                match change {
                    Change::Opened(peer) => running.election.on_session_opened(peer),
                    Change::Closed(peer) => running.election.on_session_closed(local(now, running.origin), peer),
                }
            }
            Part::VerifierPool | Part::State => {}
        }
    }

    /// Steps of all parts, as long as there is mail and a thread is free.
    pub(super) fn pump(&mut self, now: Millis) {
        while self.votes_turn(now) || self.work_turn(now) {}
    }

    /// One message of each of the three parts that share the votes thread; whether there was one.
    fn votes_turn(&mut self, now: Millis) -> bool {
        let Some(running) = &mut self.running else { return false };
        if !running.is_free(now, VOTES) {
            return false;
        }
        if let Some(mail) = running.mailboxes.view_change.next() {
            self.follow(now, Part::ViewChange, mail);
            return true;
        }
        if let Some(mail) = running.mailboxes.leader_election.next() {
            self.follow(now, Part::LeaderElection, mail);
            return true;
        }
        let waits_for_disk = !running.outputs.is_empty();
        if waits_for_disk && !self.takes_steps_while_syncing() {
            return false;
        }
        let Some(mail) = self.running.as_mut().and_then(|running| running.mailboxes.consensus.next()) else {
            return false;
        };
        self.consensus_mail(now, mail);
        true
    }

    fn work_turn(&mut self, now: Millis) -> bool {
        let Some(running) = &mut self.running else { return false };
        if !running.is_free(now, WORK) {
            return false;
        }
        let Some(mail) = running.mailboxes.mempool.next() else { return false };
        let (input, changes) = mail.open(&mut running.heard.mempool, &running.numbers);
        changes.into_iter().for_each(|change| self.session_changes(now, Part::Mempool, change));
        match input {
            Some(MempoolInput::Step(input)) => self.step_mempool(now, input),
            Some(MempoolInput::Scripts { from, proofs }) => self.scripts(now, from, &proofs),
            None => {}
        }
        true
    }

    fn consensus_mail(&mut self, now: Millis, mail: Mail<events::Input>) {
        let closes_all = self.closes_every_session();
        let Some(running) = &mut self.running else { return };
        let none = BTreeMap::new();
        let table = if closes_all { &none } else { &running.numbers };
        let (input, changes) = mail.open(&mut running.heard.consensus, table);
        changes.into_iter().for_each(|change| self.session_changes(now, Part::Consensus, change));
        if let Some(input) = input {
            self.step_consensus(now, input);
        }
    }

    fn follow(&mut self, now: Millis, part: Part, mail: Mail<Notice>) {
        let Some(running) = &mut self.running else { return };
        let local = local(now, running.origin);
        running.works(now, VOTES, Step::Follower);
        let sessions = match part {
            Part::ViewChange => &mut running.heard.view_change,
            _ => &mut running.heard.leader_election,
        };
        match mail {
            Mail::Own(notice) | Mail::From(_, notice) => {
                let began = self.scenario.measures.then(Instant::now);
                let asked = match part {
                    Part::ViewChange => running.pacemaker.on_notice(local, &notice),
                    _ => running.election.on_notice(local, &notice),
                };
                running.took(Step::Follower, began);
                asked.into_iter().for_each(|input| self.carry_out(now, Effect::Follower(input)));
            }
            Mail::Session(event) => {
                let changes = sessions.on(event);
                changes.into_iter().for_each(|change| self.session_changes(now, part, change));
            }
        }
    }

    pub(super) fn step_consensus(&mut self, now: Millis, input: events::Input) {
        let Some(running) = &mut self.running else { return };
        if input == events::Input::Tick {
            running.tick_waits = false;
        }
        let step = Step::of_consensus(&input);
        running.works(now, VOTES, step);
        let origin = running.origin;
        let time = self.time(now, origin);
        let began = self.scenario.measures.then(Instant::now);
        let Some(running) = &mut self.running else { return };
        let output = running.consensus.step(time, input);
        running.took(step, began);
        running.memory.on_output(&output);
        running.outputs.push((), output);
        self.begin_batch(now);
    }

    pub(super) fn step_mempool(&mut self, now: Millis, input: mempool::Input) {
        let Some(running) = &mut self.running else { return };
        if input == mempool::Input::Tick {
            running.mailboxes.mempool_ticks = false;
        }
        running.works(now, WORK, Step::Mempool);
        let began = self.scenario.measures.then(Instant::now);
        let effects = running.mempool.step(local(now, running.origin), input);
        running.took(Step::Mempool, began);
        effects.into_iter().for_each(|effect| self.carry_out(now, Effect::Mempool(effect)));
    }

    /// What a part asks for, by the router.
    pub(super) fn carry_out(&mut self, now: Millis, effect: Effect) {
        self.look_at(&effect);
        let mut deliveries = Vec::new();
        route(effect, &mut |delivery| deliveries.push(delivery));
        deliveries.into_iter().for_each(|delivery| self.take(now, delivery));
    }
}
