//! Lets a fault happen to whoever it can happen to now.

use super::{Event, World};
use crate::check::Broken;
use crate::faults::{Fault, Kind};
use protocol::types::{Millis, ValidatorIndex};
use protocol::validator::route::Part;

/// A fault that finds no victim tries again.
const RETRY: Millis = Millis(400);

impl World {
    pub(super) fn disrupt(&mut self, fault: Fault) -> Result<(), Broken> {
        if self.now >= self.heal_at {
            return Ok(());
        }
        let mut fault = fault;
        let mut happened = self.happens(&fault);
        if !happened && self.now.saturating_add(RETRY) >= self.heal_at {
            // No victim to the end; a slow disk is possible everywhere.
            fault.kind = Kind::SlowDisk;
            happened = self.happens(&fault);
        }
        if !happened {
            self.schedule(self.now.saturating_add(RETRY), Event::Disrupt(fault));
            return Ok(());
        }
        self.log(|| format!("fault: {} for {} ms", fault.kind, fault.span));
        *self.figures.faults.entry(fault.kind).or_default() += 1;
        self.note(&[4, fault.kind as u64]);
        // What was asked for on the way, such as by closed sessions.
        self.scenario.clone().validators().try_for_each(|node| self.carry_out(node))
    }

    /// Whether there was a victim.
    fn happens(&mut self, fault: &Fault) -> bool {
        let until = self.now.saturating_add(fault.span);
        let running: Vec<ValidatorIndex> =
            fault.order.iter().copied().filter(|index| self.is_running(*index)).collect();
        let split = 1 + (fault.strength % (fault.order.len() as u64 - 1).max(1)) as usize;
        let (one, other) = fault.order.split_at(split.min(fault.order.len()));
        match fault.kind {
            // Every second one in the midst of a sync.
            Kind::Crash if fault.strength.is_multiple_of(2) => {
                self.crash_in_sync.extend(running.first().map(|victim| (*victim, fault.span)));
                !running.is_empty()
            }
            Kind::Crash => self.crash_all(&running[..running.len().min(1)], fault.span),
            Kind::BlockingCrash => {
                let Some(victims) = self.blocking(&running) else { return false };
                self.crash_all(&victims, fault.span)
            }
            Kind::PowerLoss => running.len() == fault.order.len() && self.crash_all(&running, fault.span),
            Kind::LostLog => self.lose_log(&running, fault.span),
            Kind::SilentPartition => {
                self.network.cut(until, one, other);
                true
            }
            Kind::ClosingPartition => {
                self.network.cut(until, one, other);
                self.close_between(one, other);
                true
            }
            Kind::OneWayCut => {
                self.network.cut_one_way(until, fault.order[0], fault.order[1]);
                true
            }
            Kind::Loss => {
                self.network.lose(until, 100 + fault.strength % 400);
                true
            }
            Kind::Delay => {
                self.network.slow_down(until, 20 + fault.strength % 1_000);
                true
            }
            Kind::Duplication => {
                self.network.duplicate(until, 100 + fault.strength % 500);
                true
            }
            Kind::Reordering => {
                self.network.reorder(until, 10 + fault.strength % 300);
                true
            }
            Kind::SessionReset => {
                self.close_between(one, other);
                true
            }
            Kind::SlowDisk => {
                self.slow_disks[fault.order[0].as_usize()] = (until, 10 + fault.strength % 400);
                true
            }
            Kind::RestartPart => self.restart_part(&running, fault.strength),
            Kind::FullMailbox => {
                let part = Part::ALL[(fault.strength % Part::ALL.len() as u64) as usize];
                running.first().is_some_and(|victim| self.node_mut(*victim).fill_mailbox(part, until))
            }
            Kind::LateSessions => {
                self.late_sessions[fault.order[0].as_usize()] = until;
                // Something to be late for.
                self.close_between(&fault.order[..1], &fault.order[1..]);
                true
            }
            Kind::SlowProcessor => {
                // A vote takes from 0.2 to 8 ms.
                let factor = 100 + fault.strength % 4_000;
                running.first().is_some_and(|victim| self.node_mut(*victim).slow_down(until, factor))
            }
        }
    }

    fn restart_part(&mut self, running: &[ValidatorIndex], strength: u64) -> bool {
        let (Some(victim), now) = (running.first().copied(), self.now) else { return false };
        let part = Part::ALL[(strength % Part::ALL.len() as u64) as usize];
        self.log(|| format!("{victim} restarts {part:?}"));
        if part == Part::Consensus {
            // What waits to become final is told again.
            let head = self.node(victim).disk.database.head();
            self.chain.restarted(victim, head);
        }
        self.node_mut(victim).restart(now, part, strength >> 32);
        true
    }

    /// A sync begins: if a crash waits for it, it comes while the sync lasts.
    pub(super) fn crash_while_syncing(&mut self, node: ValidatorIndex) {
        let Some(span) = self.crash_in_sync.remove(&node).filter(|_| self.now < self.heal_at) else { return };
        self.crash(node);
        self.start_later(node, false, span.0..=span.0 + 300);
    }

    fn crash_all(&mut self, victims: &[ValidatorIndex], span: Millis) -> bool {
        for victim in victims {
            self.crash(*victim);
            self.start_later(*victim, false, span.0..=span.0 + 300);
        }
        !victims.is_empty()
    }

    /// The first of those who run that hold a third of the stake or more together.
    fn blocking(&self, running: &[ValidatorIndex]) -> Option<Vec<ValidatorIndex>> {
        let set = &self.scenario.set;
        let count =
            (1..=running.len()).find(|count| set.is_blocking(set.stake_of(running[..*count].iter().copied())))?;
        Some(running[..count].to_vec())
    }

    /// R12: only where the others are a quorum, and where those who cannot sign in the present view remain below a third;
    /// elsewhere the network waits for the operator.
    fn lose_log(&mut self, running: &[ValidatorIndex], span: Millis) -> bool {
        let set = self.scenario.set.clone();
        let impaired = self.impaired();
        let may = |victim: &&ValidatorIndex| {
            let together = impaired.iter().copied().filter(|other| other != *victim).chain([**victim]);
            !set.is_blocking(set.stake_of(together))
        };
        let Some(victim) = running.iter().find(may).copied() else { return false };
        self.crash(victim);
        self.losing.insert(victim);
        self.start_later(victim, true, span.0..=span.0 + 300);
        true
    }

    /// Who cannot sign in the view that the network is in, and perhaps not in the next: its log was lost, or its floor is
    /// that high. One view behind, since who has the highest may have got there by a vote of its own that is not durable.
    fn impaired(&self) -> Vec<ValidatorIndex> {
        let views = self.nodes.iter().filter_map(|node| Some(node.running.as_ref()?.consensus.snapshot_now().view));
        let highest = views.max().unwrap_or_default();
        let is_impaired = |index: &ValidatorIndex| {
            let log = &self.logs[index.as_usize()];
            self.losing.contains(index) || log.is_unknown() || log.floor() >= highest.previous()
        };
        self.scenario.validators().filter(is_impaired).collect()
    }

    /// Everything that is wrong ends.
    pub(super) fn heal(&mut self) -> Result<(), Broken> {
        self.log(|| "the faults end".to_owned());
        self.network.heal();
        self.crash_in_sync.clear();
        self.slow_disks.iter_mut().for_each(|slow| *slow = (Millis(0), 0));
        self.late_sessions.iter_mut().for_each(|late| *late = Millis(0));
        // Those that are down start at this very time; their events are in the queue.
        let look = self.now.saturating_add(Millis(1));
        self.schedule(look, Event::Look);
        Ok(())
    }
}
