//! Sessions between validators: they open where both run and something passes, and close on both sides, not at once.

use super::{Event, Happening, World};
use protocol::types::ValidatorIndex;
use protocol::validator::route::Part;
use protocol::validator::sessions::SessionEvent;
use std::ops::RangeInclusive;

/// Until a peer notices that a process has ended, or that a link is dead.
const NOTICED_MS: RangeInclusive<u64> = 0..=50;
const NOTICED_LATE_MS: RangeInclusive<u64> = 0..=2_000;
const RETRY_MS: RangeInclusive<u64> = 50..=500;
/// How late a part hears of a session, and of a thousand events how many it never hears of.
const EVENT_LATE_MS: RangeInclusive<u64> = 0..=4_000;
const EVENT_LOST_PER_MILLE: u64 = 300;

impl World {
    /// Begins to connect two validators, unless they are or somebody tries.
    pub(super) fn begin_connecting(&mut self, a: ValidatorIndex, b: ValidatorIndex, range: RangeInclusive<u64>) {
        if a != b && self.network.begin_connecting(a, b) {
            self.retry_connecting(a, b, range);
        }
    }

    /// One attempt.
    pub(super) fn connect(&mut self, a: ValidatorIndex, b: ValidatorIndex) {
        let passes = !self.network.is_cut(self.now, a, b) && !self.network.is_cut(self.now, b, a);
        if !passes || !self.is_running(a) || !self.is_running(b) {
            // One loop of attempts for each pair goes on until it succeeds.
            return self.retry_connecting(a, b, RETRY_MS);
        }
        let session = self.network.open(a, b);
        for (node, peer) in [(a, b), (b, a)] {
            let round_trip = self.scenario.round_trip(a, b).0;
            let at = self.after(round_trip / 2..=round_trip + 2);
            self.schedule_at(at, node, Happening::SessionOpened { peer, session });
        }
    }

    /// Closes the session of two validators; each notices in its own time.
    pub(super) fn close(&mut self, a: ValidatorIndex, b: ValidatorIndex, noticed: RangeInclusive<u64>) {
        let Some(session) = self.network.close(a, b) else { return };
        for (node, peer) in [(a, b), (b, a)] {
            let at = self.after(noticed.clone());
            self.schedule_at(at, node, Happening::SessionClosed { peer, session });
        }
        self.begin_connecting(a, b, RETRY_MS);
    }

    /// The parts that follow sessions hear of one: at once, or while that is what goes wrong each in its own time, or never.
    pub(super) fn tell_session(&mut self, node: ValidatorIndex, event: SessionEvent) {
        let is_late = self.now < self.late_sessions[node.as_usize()];
        for part in [Part::ViewChange, Part::LeaderElection, Part::Consensus, Part::Mempool] {
            if !is_late {
                let now = self.now;
                self.node_mut(node).tell_session(now, part, event);
            } else if !self.random.per_mille(EVENT_LOST_PER_MILLE) {
                let at = self.after(EVENT_LATE_MS);
                self.schedule_at(at.min(self.heal_at.max(self.now)), node, Happening::SessionTold(part, event));
            }
        }
    }

    /// A validator crashed: its peers notice at once, or late.
    pub(super) fn lose_sessions(&mut self, node: ValidatorIndex) {
        let noticed = if self.random.per_mille(700) { NOTICED_MS } else { NOTICED_LATE_MS };
        for peer in self.scenario.validators() {
            self.close(node, peer, noticed.clone());
        }
    }

    /// A validator closes every session itself: nothing that is under way arrives any more.
    pub(super) fn reconnect(&mut self, node: ValidatorIndex) {
        for peer in self.scenario.validators() {
            self.close(node, peer, NOTICED_MS);
            let closed = self.node_mut(node).session_closed(peer, None);
            closed.into_iter().for_each(|session| self.tell_session(node, SessionEvent::Closed(session)));
        }
    }

    /// The sessions between two groups close.
    pub(super) fn close_between(&mut self, one: &[ValidatorIndex], other: &[ValidatorIndex]) {
        for (a, b) in one.iter().flat_map(|a| other.iter().map(move |b| (*a, *b))) {
            self.close(a, b, NOTICED_LATE_MS);
        }
    }

    pub(super) fn start_later(&mut self, node: ValidatorIndex, lost: bool, range: RangeInclusive<u64>) {
        let at = self.after(range).min(self.heal_at);
        let incarnation = self.node(node).incarnation;
        self.schedule(at, Event::Start { node, incarnation, lost });
    }
}
