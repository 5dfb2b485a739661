//! Silent leaders are skipped, locally and without agreement.
//!
//! The pure part of the `leader_election` actor. Voting ViewChange before Commit is always safe, so a wrong guess here
//! costs a turn, never agreement; restarted empty, it forgets silences and counts from zero.

use crate::consensus::events::{Input, Notice};
use crate::message::GiveUpReason;
use crate::quorum::ValidatorSet;
use crate::types::{Millis, ValidatorIndex, View};
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::sync::Arc;
use alloc::vec::Vec;

/// A leader without a session for this long is silent.
const SESSION_MISSING: Millis = Millis(1_000);
/// So is one that did not vote for this many completed views and this long. Without the seconds an honest validator
/// 140 ms away would never lead.
const VIEWS_SILENT: u64 = 3;
const SILENT: Millis = Millis(2_000);

/// When a validator was last heard, in time and in completed views.
#[derive(Debug, Clone, Copy)]
struct Heard {
    at: Millis,
    completed: u64,
}

/// Sessions and voices, as one validator sees them.
#[derive(Debug)]
pub struct Election {
    set: Arc<ValidatorSet>,
    me: ValidatorIndex,
    started: Millis,
    sessions: BTreeSet<ValidatorIndex>,
    session_lost: BTreeMap<ValidatorIndex, Millis>,
    heard: BTreeMap<ValidatorIndex, Heard>,
    completed: u64,
    view: View,
    leader: ValidatorIndex,
    work: bool,
    asked: bool,
}

impl Election {
    pub fn new(set: Arc<ValidatorSet>, me: ValidatorIndex, now: Millis) -> Self {
        Election {
            set,
            me,
            started: now,
            sessions: BTreeSet::new(),
            session_lost: BTreeMap::new(),
            heard: BTreeMap::new(),
            completed: 0,
            view: View(0),
            leader: me,
            work: false,
            asked: false,
        }
    }

    pub fn on_session_opened(&mut self, peer: ValidatorIndex) {
        self.sessions.insert(peer);
        self.session_lost.remove(&peer);
    }

    pub fn on_session_closed(&mut self, now: Millis, peer: ValidatorIndex) {
        if self.sessions.remove(&peer) {
            self.session_lost.insert(peer, now);
        }
    }

    /// Follows consensus; what comes back is for consensus.
    pub fn on_notice(&mut self, now: Millis, notice: &Notice) -> Vec<Input> {
        match *notice {
            Notice::ViewEntered { view, leader, .. } => {
                self.completed += 1;
                (self.view, self.leader, self.work, self.asked) = (view, leader, false, false);
                Vec::new()
            }
            Notice::Work { view } if view == self.view => {
                self.work = true;
                self.tick(now)
            }
            Notice::WorkGone { view } if view == self.view => {
                self.work = false;
                Vec::new()
            }
            // One vote, of any kind and view, ends the skip.
            Notice::Heard(voter) => {
                self.heard.insert(voter, Heard { at: now, completed: self.completed });
                Vec::new()
            }
            Notice::Work { .. }
            | Notice::WorkGone { .. }
            | Notice::ClockStarted { .. }
            | Notice::Proposed { .. }
            | Notice::Prepared { .. }
            | Notice::GaveUp { .. }
            | Notice::Contradiction(_)
            | Notice::Signing => Vec::new(),
        }
    }

    /// R10: asks once for a ViewChange vote in a view that has work but whose leader is silent.
    pub fn tick(&mut self, now: Millis) -> Vec<Input> {
        if !self.work || self.asked || !self.is_silent(now, self.leader) {
            return Vec::new();
        }
        self.asked = true;
        Vec::from([Input::GiveUp { view: self.view, reason: GiveUpReason::SilentLeader }])
    }

    /// When the leader's missing session would make it silent; later than any use if it has one.
    pub fn wakeup(&self) -> Millis {
        let waits = self.work && !self.asked && self.leader != self.me && !self.sessions.contains(&self.leader);
        if waits { self.missing_since(self.leader).saturating_add(SESSION_MISSING) } else { Millis(u64::MAX) }
    }

    /// Whether a validator's turns are skipped now.
    pub fn is_silent(&self, now: Millis, validator: ValidatorIndex) -> bool {
        if validator == self.me {
            return false;
        }
        let without_session =
            !self.sessions.contains(&validator) && now.since(self.missing_since(validator)) >= SESSION_MISSING;
        without_session || (!self.is_heard(now, validator) && self.is_quorum_heard(now))
    }

    fn missing_since(&self, validator: ValidatorIndex) -> Millis {
        self.session_lost.get(&validator).copied().unwrap_or(self.started).max(self.started)
    }

    fn is_heard(&self, now: Millis, validator: ValidatorIndex) -> bool {
        let never = Heard { at: self.started, completed: 0 };
        let heard = self.heard.get(&validator).copied().unwrap_or(never);
        self.completed.saturating_sub(heard.completed) < VIEWS_SILENT || now.since(heard.at) < SILENT
    }

    fn is_quorum_heard(&self, now: Millis) -> bool {
        let heard = self.set.indices().filter(|index| *index == self.me || self.is_heard(now, *index));
        self.set.is_quorum(self.set.stake_of(heard))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::quorum::Validator;
    use crate::types::{Epoch, Hash, NodeId, PublicKey, Stake};
    use alloc::format;

    const LEADER: ValidatorIndex = ValidatorIndex(1);

    fn election() -> Election {
        let validators = (0..4u8).map(|index| Validator {
            node_id: NodeId::new(&format!("node_{index}")).unwrap(),
            key: PublicKey([index; 32]),
            stake: Stake(10),
        });
        let set = Arc::new(ValidatorSet::new(Hash::ZERO, Epoch(1), validators.collect()).unwrap());
        Election::new(set, ValidatorIndex(0), Millis(0))
    }

    fn enter(election: &mut Election, now: u64, view: u64) {
        let notice = Notice::ViewEntered { view: View(view), leader: LEADER, by: None, fetched: false, doubles: false };
        election.on_notice(Millis(now), &notice);
    }

    fn work(election: &mut Election, now: u64, view: u64) -> Vec<Input> {
        election.on_notice(Millis(now), &Notice::Work { view: View(view) })
    }

    fn skip(view: u64) -> Vec<Input> {
        Vec::from([Input::GiveUp { view: View(view), reason: GiveUpReason::SilentLeader }])
    }

    #[test]
    fn a_leader_without_a_session_is_skipped_after_a_second_and_only_with_work() {
        let mut election = election();
        enter(&mut election, 0, 1);
        assert_eq!(election.tick(Millis(5_000)), []);
        assert_eq!(work(&mut election, 5_000, 1), skip(1));
        assert_eq!(election.tick(Millis(5_001)), [], "once a view");
    }

    #[test]
    fn nobody_is_skipped_for_work_that_is_gone() {
        let mut election = election();
        enter(&mut election, 0, 1);
        assert_eq!(work(&mut election, 500, 1), []);
        election.on_notice(Millis(600), &Notice::WorkGone { view: View(1) });
        assert_eq!(election.tick(Millis(5_000)), []);
    }

    #[test]
    fn the_second_counts_from_the_start_and_from_the_lost_session() {
        let mut election = election();
        enter(&mut election, 0, 1);
        assert_eq!(work(&mut election, 500, 1), []);
        assert_eq!(election.wakeup(), Millis(1_000));
        election.on_session_opened(LEADER);
        assert_eq!(election.tick(Millis(1_000)), []);
        election.on_session_closed(Millis(1_500), LEADER);
        assert_eq!(election.tick(Millis(2_499)), []);
        assert_eq!(election.tick(Millis(2_500)), skip(1));
    }

    #[test]
    fn a_leader_that_does_not_vote_for_three_views_and_two_seconds_is_skipped_while_a_quorum_votes() {
        let mut election = election();
        (1..4).for_each(|peer| election.on_session_opened(ValidatorIndex(peer)));
        (1..=3).for_each(|view| enter(&mut election, 100 * view, view));
        assert_eq!(work(&mut election, 1_999, 3), [], "not yet two seconds");
        assert_eq!(election.tick(Millis(2_000)), [], "nobody is heard: that says nothing about the leader");
        for peer in [2, 3] {
            election.on_notice(Millis(2_000), &Notice::Heard(ValidatorIndex(peer)));
        }
        assert_eq!(election.tick(Millis(2_000)), skip(3));
    }

    #[test]
    fn one_vote_ends_the_skip() {
        let mut election = election();
        (1..4).for_each(|peer| election.on_session_opened(ValidatorIndex(peer)));
        (1..=5).for_each(|view| enter(&mut election, 100 * view, view));
        for peer in [1, 2, 3] {
            election.on_notice(Millis(3_000), &Notice::Heard(ValidatorIndex(peer)));
        }
        assert_eq!(work(&mut election, 3_000, 5), []);
    }

    #[test]
    fn i_never_skip_myself() {
        assert!(!election().is_silent(Millis(1_000_000), ValidatorIndex(0)));
    }
}
