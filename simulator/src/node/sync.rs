//! Records first: batches of the vote log, and final blocks on their way into the database.

use super::{Action, Life, Node, Sight};
use protocol::consensus::events::Record;
use protocol::types::Millis;
use protocol::validator::route::{Effect, StateEffect};

impl Node {
    /// Begins the next batch, if none is in flight; one without records needs no disk.
    pub(super) fn begin_batch(&mut self, now: Millis) {
        while let Some(records) = self.running.as_mut().and_then(|running| running.outputs.begin()) {
            if !records.is_empty() {
                self.disk.in_flight = records;
                let life = self.running.as_ref().map_or(0, |running| running.lives.consensus);
                return self.actions.push(Action::Sync(life));
            }
            self.carry_out_batch(now);
        }
    }

    fn carry_out_batch(&mut self, now: Millis) {
        let Some(running) = &mut self.running else { return };
        let steps: Vec<_> = running.outputs.durable().collect();
        for effect in steps.into_iter().flat_map(|((), effects)| effects) {
            self.carry_out(now, Effect::Consensus(effect));
        }
        if std::mem::take(&mut self.reconnects) {
            self.hears_new_sessions_only(now);
        }
    }

    /// The batch in flight is durable, if this life of consensus wrote it.
    pub fn synced(&mut self, now: Millis, life: Life) {
        if self.running.as_ref().is_none_or(|running| running.lives.consensus != life) {
            return;
        }
        self.batch_is_durable();
        self.carry_out_batch(now);
        self.begin_batch(now);
        self.pump(now);
    }

    pub(super) fn batch_is_durable(&mut self) {
        let batch = self.disk.synced();
        if let Some(running) = &mut self.running {
            running.batches += 1;
            running.memory.on_durable(running.batches);
        }
        self.actions.push(Action::Saw(Sight::Recorded(batch)));
    }

    /// The log is replaced.
    pub(super) fn shorten(&mut self, records: Vec<Record>) {
        self.disk.log = records;
        self.actions.push(Action::Saw(Sight::Replaced));
    }

    /// The oldest final blocks are written, if this life of the state wrote them.
    pub fn applied(&mut self, now: Millis, life: Life) {
        let Some(running) = self.running.as_mut().filter(|running| running.lives.state == life) else { return };
        let Some((blocks, commit)) = running.finals.pop_front() else { return };
        let head = self.disk.database.head();
        // A consensus that was restarted tells again what waited here.
        let new: Vec<_> = blocks.into_iter().filter(|block| block.block.header.sequence > head).collect();
        if let Err(fault) = self.disk.database.append(&new, &commit) {
            return self.fault(fault.to_string());
        }
        let head = self.disk.database.head();
        self.carry_out(now, Effect::State(StateEffect::Applied(head)));
        for block in &new {
            let proofs: Vec<_> = block.block.body.proofs.iter().map(|entry| entry.proof).collect();
            self.disk.pending.retain(|pending| !proofs.contains(pending));
            let sequence = block.block.header.sequence;
            self.carry_out(now, Effect::State(StateEffect::Final { sequence, proofs }));
        }
        self.pump(now);
    }
}
