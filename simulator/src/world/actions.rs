//! Carries out what validators ask for, and checks it on the way.

use super::{Event, Happening, World};
use crate::check::{Broken, LogView};
use crate::keyed::KeyedCheck;
use crate::network;
use crate::node::{Action, Sight};
use protocol::consensus::events::{Record, To};
use protocol::mempool::Judgement;
use protocol::message::Message;
use protocol::types::{Millis, ValidatorIndex};
use protocol::validator::route::Part;
use protocol::verify::{Checker, Fault, Verified};
use protocol::vote::{Vote, VoteKind};
use std::sync::Arc;

impl World {
    /// Everything that a validator asks for after one call; and its next wake-up.
    pub(super) fn carry_out(&mut self, node: ValidatorIndex) -> Result<(), Broken> {
        for action in std::mem::take(&mut self.node_mut(node).actions) {
            self.action(node, action)?;
        }
        if !self.node(node).disk.in_flight.is_empty() {
            self.crash_while_syncing(node);
        }
        self.arm(node);
        Ok(())
    }

    fn arm(&mut self, node: ValidatorIndex) {
        let earliest = self.now.saturating_add(Millis(1));
        let Some(due) = self.node(node).wakeup().map(|due| due.max(earliest)) else { return };
        let Some(running) = &mut self.node_mut(node).running else { return };
        if running.wake.is_none_or(|wake| due < wake || wake <= earliest && wake < due) {
            running.wake = Some(due);
            self.schedule_at(due, node, Happening::Wake);
        }
    }

    fn action(&mut self, node: ValidatorIndex, action: Action) -> Result<(), Broken> {
        match action {
            Action::Send(to, message) => return self.send_all(node, to, message),
            Action::Sync(life) => {
                let (until, slow) = self.slow_disks[node.as_usize()];
                let slow = if self.now < until { slow } else { 0 };
                let range = self.scenario.sync_ms.clone();
                let at = self.after(*range.start()..=range.end() + slow);
                self.schedule_at(at, node, Happening::Synced(life));
            }
            Action::Apply(life) => {
                let at = self.after(self.scenario.apply_ms.clone());
                self.schedule_at(at, node, Happening::Applied(life));
            }
            Action::Store(proof, life) => {
                let at = self.after(self.scenario.sync_ms.clone());
                self.schedule_at(at, node, Happening::Stored(proof, life));
            }
            Action::Check(proof, life) => {
                let item = self.scenario.catalogue.get(&proof);
                let word = item.words[node.as_usize()];
                let at = self.now.saturating_add(Millis(item.solver_ms[node.as_usize()]));
                let ended = self.now < self.heal_at && self.random.per_mille(self.scenario.checks_ended_per_mille);
                let judgement = if ended { Judgement::Again } else { Judgement::Word(word) };
                self.schedule_at(at, node, Happening::Judged((proof, judgement, life)));
            }
            Action::ServeBlocks { to, above } => {
                let at = self.after(0..=5);
                self.schedule_at(at, node, Happening::ServeBlocks { to, above });
            }
            Action::ServeProofs { to, proofs } => {
                let at = self.after(0..=5);
                self.schedule_at(at, node, Happening::ServeProofs { to, proofs });
            }
            Action::Reconnect => {
                self.log(|| format!("{node} closes every session"));
                self.reconnect(node);
            }
            Action::Saw(sight) => return self.saw(node, sight),
        }
        Ok(())
    }

    fn send_all(&mut self, from: ValidatorIndex, to: To, message: Message) -> Result<(), Broken> {
        match to {
            To::Peer(peer) => self.send(from, peer, message),
            To::All => {
                let peers = self.node(from).running.iter().flat_map(|running| running.sessions.keys().copied());
                let peers: Vec<ValidatorIndex> = peers.collect();
                if self.is_bad(from) {
                    return peers.into_iter().try_for_each(|peer| self.lie(peer, message.clone()));
                }
                let message = self.leave(from, message)?;
                peers.into_iter().for_each(|peer| self.under_way(from, peer, &message));
                Ok(())
            }
        }
    }

    pub(super) fn send(&mut self, from: ValidatorIndex, to: ValidatorIndex, message: Message) -> Result<(), Broken> {
        if self.is_bad(from) {
            return self.lie(to, message);
        }
        let message = self.leave(from, message)?;
        self.under_way(from, to, &message);
        Ok(())
    }

    /// Checks a message that leaves, and verifies it once for everybody: they share set, schedule and scheme.
    fn leave(&mut self, from: ValidatorIndex, message: Message) -> Result<Arc<Verified<Message>>, Broken> {
        if let Some(vote) = self.votes.sending(from, &message)? {
            self.vote_was_sent(&vote);
        }
        let verified = self.verify(message);
        verified.map(Arc::new).map_err(|fault| format!("validator {from} sends what nobody may accept: {fault}"))
    }

    pub(super) fn verify(&self, message: Message) -> Result<Verified<Message>, Fault> {
        let scenario = self.scenario.clone();
        let checker = Checker {
            set: &scenario.set,
            schedule: &scenario.schedule,
            genesis: scenario.genesis,
            signatures: &KeyedCheck,
        };
        checker.message(message)
    }

    pub(super) fn under_way(&mut self, from: ValidatorIndex, to: ValidatorIndex, message: &Arc<Verified<Message>>) {
        let session = self.node(from).running.as_ref().and_then(|running| running.sessions.get(&to)).copied();
        let Some(session) = session else { return };
        self.figures.messages += 1;
        if self.filter.as_mut().is_some_and(|passes| !passes(from, to, message)) {
            return;
        }
        let arrivals = self.network.arrivals(&mut self.random, self.now, from, to);
        self.figures.lost += u64::from(arrivals.is_empty());
        for at in arrivals {
            let what = Happening::Deliver { session, from, message: message.clone() };
            self.schedule_at(at, to, what);
        }
    }

    fn vote_was_sent(&mut self, vote: &Vote) {
        let kind = vote.ballot.choice.kind();
        self.figures.votes += 1;
        self.figures.view_changes += u64::from(kind == VoteKind::ViewChange);
        self.log(|| format!("{} sends {:?} of view {}", vote.voter, vote.ballot.choice, vote.view()));
        self.note(&[1, vote.voter.0.into(), vote.view().0, kind as u64]);
    }

    fn saw(&mut self, node: ValidatorIndex, sight: Sight) -> Result<(), Broken> {
        if self.is_bad(node) {
            // What it signs beside its code looks to that like another process with its key; a bad one does not stop for that.
            if let Sight::Halt(_) = sight {
                let now = self.now;
                self.node_mut(node).restart(now, Part::Consensus, 0);
                return self.carry_out(node);
            }
            return Ok(());
        }
        match sight {
            Sight::Recorded(records) => self.recorded(node, &records),
            Sight::Replaced => {
                self.figures.shortened += 1;
                let disk = &self.nodes[node.as_usize()].disk;
                let view = LogView::read(node, &disk.log, disk.database.base().commit.as_ref());
                let floor = view.floor();
                self.log(|| format!("{node} shortens its log to floor {floor}"));
                self.everything_sent_is_in(node, &view)?;
                self.logs[node.as_usize()] = view;
                Ok(())
            }
            Sight::Final { blocks, commit } => {
                self.votes.certificate(&commit)?;
                if commit.kind() != VoteKind::Commit || commit.block() != blocks.last().map(|block| block.id) {
                    return Err(format!("R9: validator {node} makes blocks final by a certificate of another"));
                }
                self.chain.made_final(node, &blocks)?;
                for block in &blocks {
                    let sequence = block.block.header.sequence;
                    self.log(|| format!("{node} makes {sequence} final: {:?}", block.id));
                    self.note(&[2, node.0.into(), sequence.0, u64::from(block.id.0[0])]);
                    for word in [node.0.into(), sequence.0, commit.view().0] {
                        self.finals.update(&u64::to_le_bytes(word));
                    }
                    self.finals.update(&block.id.0);
                    for entry in &block.block.body.proofs {
                        self.figures.proofs_final += u64::from(self.proof_is_final(node, entry.proof)?);
                    }
                }
                Ok(())
            }
            Sight::Refused(proof) => self.proof_is_refused(node, proof),
            Sight::GaveUp { view, reason } => {
                self.log(|| format!("{node} gives up on view {view}: {reason:?}"));
                Ok(())
            }
            Sight::Contradiction(both) if self.is_bad(both.first.voter) => {
                self.figures.contradictions += 1;
                Ok(())
            }
            Sight::Contradiction(both) => Err(format!("honest validators contradict themselves: {both:?}")),
            Sight::Halt(halt) => Err(format!("validator {node} halts: {halt}")),
            Sight::Fault(what) => Err(format!("validator {node}: {what}")),
        }
    }

    fn recorded(&mut self, node: ValidatorIndex, records: &[Record]) -> Result<(), Broken> {
        for record in records {
            if let Some(vote) = self.logs[node.as_usize()].recorded(record)? {
                self.votes.became_durable(&vote);
            }
            if let Record::Unknown(kind) = record {
                return Err(format!("R12: validator {node} says that its log is {kind:?} while it runs"));
            }
            if let Record::Floor(floor) = record {
                self.log(|| format!("{node} signs above view {floor}"));
                // R12: whatever was lost, the floor covers it.
                self.everything_sent_is_in(node, &self.logs[node.as_usize()])?;
            }
        }
        self.note(&[3, node.0.into(), records.len() as u64]);
        Ok(())
    }

    /// Votes of a batch that was durable when the power failed.
    pub(super) fn enter_durable_votes(&mut self, node: ValidatorIndex, records: &[Record]) {
        for record in records {
            match record {
                Record::Vote(vote) => self.votes.became_durable(vote),
                Record::Proposal(proposal) if proposal.vote.voter == node => {
                    self.votes.became_durable(&proposal.vote);
                }
                Record::Proposal(_)
                | Record::Unknown(_)
                | Record::Floor(_)
                | Record::Certificate(_)
                | Record::Block(_) => {}
            }
        }
    }

    pub(super) fn retry_connecting(
        &mut self,
        a: ValidatorIndex,
        b: ValidatorIndex,
        range: std::ops::RangeInclusive<u64>,
    ) {
        let (a, b) = network::pair(a, b);
        let at = self.after(range);
        self.schedule(at, Event::Connect(a, b));
    }
}
