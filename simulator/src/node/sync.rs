//! Records first: which outputs wait for which sync, and what a shortened log still has to hold.

use super::{Action, Node, Sight};
use protocol::consensus::events::{Input, Output, Record};
use protocol::mempool;
use protocol::types::Millis;

impl Node {
    /// Carries an output out now if nothing waits and it has no records; else it waits for its turn.
    pub(super) fn take_output(&mut self, now: Millis, output: Output) {
        if output.is_empty() {
            return;
        }
        let Some(running) = &mut self.running else { return };
        if output.records.is_empty() && running.outputs.is_empty() {
            output.effects.into_iter().for_each(|effect| self.effect(now, effect));
            return;
        }
        running.outputs.push_back(output);
        self.begin_sync();
    }

    /// Puts everything that waits into the next batch, if none is in flight.
    fn begin_sync(&mut self) {
        let Some(running) = &mut self.running else { return };
        if running.syncing > 0 || running.outputs.is_empty() {
            return;
        }
        running.syncing = running.outputs.len();
        self.disk.in_flight = running.outputs.iter().flat_map(|output| output.records.iter().cloned()).collect();
        self.actions.push(Action::Sync);
    }

    /// The batch in flight is durable.
    pub fn synced(&mut self, now: Millis) {
        let batch = self.disk.synced();
        self.actions.push(Action::Saw(Sight::Recorded(batch)));
        let Some(running) = &mut self.running else { return };
        let mut covered = std::mem::take(&mut running.syncing);
        while let Some(running) = &mut self.running {
            // What followed without records of its own may go, too.
            let may_go = covered > 0 || running.outputs.front().is_some_and(|output| output.records.is_empty());
            if !may_go {
                break;
            }
            let Some(output) = running.outputs.pop_front() else { break };
            covered = covered.saturating_sub(1);
            running.durable_ahead = covered;
            output.effects.into_iter().for_each(|effect| self.effect(now, effect));
        }
        self.begin_sync();
        self.pump(now);
    }

    /// The log is replaced; durable records of later steps stay.
    pub(super) fn shorten(&mut self, records: Vec<Record>) {
        let Some(running) = &self.running else { return };
        let later = running.outputs.iter().take(running.durable_ahead).flat_map(|output| output.records.clone());
        self.disk.log = records.into_iter().chain(later).collect();
        self.actions.push(Action::Saw(Sight::Replaced));
    }

    /// The oldest final blocks are written.
    pub fn applied(&mut self, now: Millis) {
        let Some((blocks, commit)) = self.running.as_mut().and_then(|running| running.finals.pop_front()) else {
            return;
        };
        if let Err(fault) = self.disk.database.append(&blocks, &commit) {
            return self.fault(fault.to_string());
        }
        self.input(now, Input::Applied(self.disk.database.head()));
        for block in &blocks {
            let proofs: Vec<_> = block.block.body.proofs.iter().map(|entry| entry.proof).collect();
            self.disk.pending.retain(|pending| !proofs.contains(pending));
            self.mempool_step(now, mempool::Input::Final { sequence: block.block.header.sequence, proofs });
        }
        self.pump(now);
    }
}
