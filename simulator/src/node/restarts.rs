//! A part of a living validator is made anew: its memory is lost, its mailbox, the sessions and the disk are not.

use super::{Action, Heard, Node};
use crate::keyed::{self, KeyedSigner};
use protocol::consensus::Consensus;
use protocol::consensus::events::{Input, Output, Record, Time};
use protocol::election::Election;
use protocol::mempool;
use protocol::pacemaker::Pacemaker;
use protocol::types::Millis;
use protocol::validator::durable_first::DurableFirst;
use protocol::validator::restart::{AfterRestart, restart};
use protocol::validator::route::{Delivery, Effect, Part, StateEffect};
use protocol::validator::sessions::Sessions;
use protocol::validator::startup::{LogState, startup};

impl Node {
    pub(super) fn recover(&self, records: Vec<Record>, time: Time) -> (Consensus, Output) {
        Consensus::recover(
            self.scenario.settings(self.me),
            Box::new(KeyedSigner(keyed::key(self.me))),
            Box::new(self.disk.database.below()),
            self.disk.database.base(),
            records,
            time,
        )
    }

    /// `chance` decides what became of a write that was under way.
    pub fn restart(&mut self, now: Millis, part: Part, chance: u64) {
        if self.running.is_none() {
            return;
        }
        match part {
            Part::Consensus => self.restart_consensus(now, chance),
            Part::ViewChange => self.restart_view_change(now),
            Part::LeaderElection => self.restart_leader_election(now),
            Part::Mempool => self.restart_mempool(),
            Part::VerifierPool => self.with(|running| running.lives.verifier_pool += 1),
            Part::State => self.with(|running| running.lives.state += 1),
        }
        restart(part).iter().for_each(|hears| self.hears(now, part, *hears));
        if part == Part::Mempool {
            self.tell_mempool(mempool::Input::Tick);
        }
        // Those that are being closed it is not told of.
        if !self.closes_every_session() {
            self.knows_the_sessions(part);
        }
        self.pump(now);
    }

    /// A part that was not there when they opened was told of every session.
    fn knows_the_sessions(&mut self, part: Part) {
        if self.unaware().contains(&part) {
            self.fault(format!("{part:?} was restarted, and does not know who has a session"));
        }
    }

    /// Asked for, and not done yet.
    pub(super) fn closes_every_session(&self) -> bool {
        self.actions.iter().any(|action| matches!(action, Action::Reconnect))
    }

    /// The parts that follow sessions, and do not know who has one at this moment.
    pub fn unaware(&self) -> Vec<Part> {
        let Some(running) = &self.running else { return Vec::new() };
        let Heard { consensus, view_change, leader_election, mempool } = &running.heard;
        let all = [
            (Part::Consensus, consensus),
            (Part::ViewChange, view_change),
            (Part::LeaderElection, leader_election),
            (Part::Mempool, mempool),
        ];
        let table = running.table();
        let unaware = all.into_iter().filter(|(_, heard)| !heard.iter().eq(table.iter().copied()));
        unaware.map(|(part, _)| part).collect()
    }

    fn with(&mut self, change: impl FnOnce(&mut super::Running)) {
        if let Some(running) = &mut self.running {
            change(running);
        }
    }

    pub(super) fn hears(&mut self, now: Millis, part: Part, hears: AfterRestart) {
        match hears {
            AfterRestart::Sessions => self.tell_table(now, part),
            AfterRestart::Again => {
                let notices = self.running.as_ref().map(|running| running.consensus.notices_again());
                for notice in notices.into_iter().flatten() {
                    self.take(now, Delivery::Followers(notice));
                }
            }
            AfterRestart::ConsensusRestarted => self.tell_mempool(mempool::Input::ConsensusRestarted),
            AfterRestart::PoolRestarted => self.tell_mempool(mempool::Input::PoolRestarted),
            AfterRestart::Waiting => {
                let head = self.disk.database.head();
                self.carry_out(now, Effect::State(StateEffect::Applied(head)));
                let Some(running) = &self.running else { return };
                let (waiting, life) = (running.finals.len(), running.lives.state);
                (0..waiting).for_each(|_| self.actions.push(Action::Apply(life)));
            }
        }
    }

    /// A write that was under way reached the disk, or not; nothing that followed from it happened.
    fn restart_consensus(&mut self, now: Millis, chance: u64) {
        if !self.disk.in_flight.is_empty() {
            if chance.is_multiple_of(2) {
                self.batch_is_durable();
            } else {
                self.disk.in_flight.clear();
            }
        }
        let Some(running) = &mut self.running else { return };
        let (origin, batches) = (running.origin, running.batches);
        let is_first = running.memory.begin();
        let begun = startup(LogState::Whole, running.memory.remembers(batches), &self.disk.log, is_first);
        let records = self.disk.log.iter().cloned().chain(begun.unknown.map(Record::Unknown)).collect();
        if begun.reconnect {
            self.actions.push(Action::Reconnect);
        }
        let (consensus, output) = self.recover(records, self.time(now, origin));
        let Some(running) = &mut self.running else { return };
        running.consensus = consensus;
        running.outputs = DurableFirst::default();
        running.memory.on_output(&output);
        running.outputs.push((), output);
        running.lives.consensus += 1;
        running.heard.consensus = Sessions::default();
        if begun.reconnect {
            // R12: only what is said in new sessions counts.
            running.heard.consensus.close_up_to(running.newest);
        }
        running.tick_waits = false;
        self.begin_batch(now);
        self.tell_consensus(Input::Applied(self.disk.database.head()));
    }

    fn restart_view_change(&mut self, now: Millis) {
        let (set, me, pace) = (self.scenario.set.clone(), self.me, self.scenario.pace);
        let Some(running) = &mut self.running else { return };
        running.pacemaker = Pacemaker::new(set, me, pace, super::local(now, running.origin));
        running.heard.view_change = Sessions::default();
    }

    fn restart_leader_election(&mut self, now: Millis) {
        let (set, me) = (self.scenario.set.clone(), self.me);
        let Some(running) = &mut self.running else { return };
        running.election = Election::new(set, me, super::local(now, running.origin));
        let Heard { leader_election, .. } = &mut running.heard;
        *leader_election = Sessions::default();
    }

    fn restart_mempool(&mut self) {
        // What the database was given is written before it is read again.
        let storing = self.running.as_mut().map(|running| std::mem::take(&mut running.storing));
        storing.into_iter().flatten().for_each(|proof| self.store(proof));
        let mempool = self.restored_mempool();
        let Some(running) = &mut self.running else { return };
        running.mempool = mempool;
        running.lives.mempool += 1;
        running.mailboxes.mempool_ticks = false;
        running.heard.mempool = Sessions::default();
    }
}
