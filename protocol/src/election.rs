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

/// A leader whose session was lost so long ago is silent: less than its own turn would take by the timer, and long enough for
/// a session that is only replaced.
const SESSION_LOST: Millis = Millis(100);
/// So is one that has had no session for so long since this validator's start: it may be starting, too. Without work,
/// a lost session has as long to return: after an outage of the whole network, sessions reopen one by one.
const SESSION_AWAITED: Millis = Millis(1_000);
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
            Notice::ViewEntered { view, leader, .. } => self.on_view(now, view, leader),
            Notice::CurrentView { view, leader } if view != self.view => self.on_view(now, view, leader),
            Notice::Work { view } if view == self.view => {
                self.work = true;
                self.tick(now)
            }
            Notice::WorkGone { view } if view == self.view => {
                self.work = false;
                Vec::new()
            }
            // One vote, of any kind and view, ends the skip.
            Notice::Heard { ref voters, .. } => {
                let heard = Heard { at: now, completed: self.completed };
                self.heard.extend(voters.iter().map(|voter| (*voter, heard)));
                Vec::new()
            }
            Notice::CurrentView { .. }
            | Notice::Work { .. }
            | Notice::WorkGone { .. }
            | Notice::ClockStarted { .. }
            | Notice::Proposed { .. }
            | Notice::Prepared { .. }
            | Notice::GaveUp { .. }
            | Notice::Contradiction(_)
            | Notice::Signing => Vec::new(),
        }
    }

    fn on_view(&mut self, now: Millis, view: View, leader: ValidatorIndex) -> Vec<Input> {
        self.completed += 1;
        (self.view, self.leader, self.work, self.asked) = (view, leader, false, false);
        self.tick(now)
    }

    /// R10: asks once for a ViewChange vote in a view whose leader is silent. Without work only if its session was lost: then
    /// the view is over before there is any, and a proof that comes finds a leader that is there.
    pub fn tick(&mut self, now: Millis) -> Vec<Input> {
        let skips = match self.work {
            true => self.is_silent(now, self.leader),
            false => self.is_lost(now, self.leader),
        };
        if self.asked || !skips {
            return Vec::new();
        }
        self.asked = true;
        Vec::from([Input::GiveUp { view: self.view, reason: GiveUpReason::SilentLeader }])
    }

    /// When the leader's missing session would make it silent; later than any use if it has one.
    pub fn wakeup(&self) -> Millis {
        let skipped_at = if self.work { self.silent_at(self.leader) } else { self.lost_at(self.leader) };
        skipped_at.filter(|_| !self.asked).unwrap_or(Millis(u64::MAX))
    }

    /// Whether a validator's turns are skipped now, if there is work.
    pub fn is_silent(&self, now: Millis, validator: ValidatorIndex) -> bool {
        let without_session = self.silent_at(validator).is_some_and(|at| at <= now);
        let is_mute = validator != self.me && !self.is_heard(now, validator) && self.is_quorum_heard(now);
        without_session || is_mute
    }

    /// Whether it had a session and lost it, although a quorum has one.
    fn is_lost(&self, now: Millis, validator: ValidatorIndex) -> bool {
        self.lost_at(validator).is_some_and(|at| at <= now)
    }

    fn lost_at(&self, validator: ValidatorIndex) -> Option<Millis> {
        let lost = self.session_lost.get(&validator)?;
        let connected = self.set.stake_of(self.sessions.iter().copied().chain([self.me]));
        self.set.is_quorum(connected).then_some(lost.saturating_add(SESSION_AWAITED))
    }

    /// From when on its missing session makes a validator silent; never, if it has one.
    fn silent_at(&self, validator: ValidatorIndex) -> Option<Millis> {
        if validator == self.me || self.sessions.contains(&validator) {
            return None;
        }
        Some(match self.session_lost.get(&validator) {
            Some(lost) => lost.saturating_add(SESSION_LOST),
            None => self.started.saturating_add(SESSION_AWAITED),
        })
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
    use crate::vote::VoteKind;
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

    fn heard<const COUNT: usize>(voters: [u16; COUNT]) -> Notice {
        Notice::Heard { kind: VoteKind::Prepare, voters: voters.map(ValidatorIndex).to_vec() }
    }

    fn skip(view: u64) -> Vec<Input> {
        Vec::from([Input::GiveUp { view: View(view), reason: GiveUpReason::SilentLeader }])
    }

    #[test]
    fn a_leader_that_never_had_a_session_is_skipped_after_a_second_and_only_with_work() {
        let mut election = election();
        enter(&mut election, 0, 1);
        assert_eq!(election.tick(Millis(5_000)), []);
        assert_eq!(election.wakeup(), Millis(u64::MAX));
        assert_eq!(work(&mut election, 5_000, 1), skip(1));
        assert_eq!(election.tick(Millis(5_001)), [], "once a view");
    }

    #[test]
    fn a_view_that_is_told_again_is_not_another_one() {
        let mut election = election();
        let again = |view| Notice::CurrentView { view: View(view), leader: LEADER };
        enter(&mut election, 0, 1);
        assert_eq!(work(&mut election, 5_000, 1), skip(1));
        assert_eq!(election.on_notice(Millis(5_100), &again(1)), []);
        assert_eq!((work(&mut election, 5_100, 1), election.completed), (Vec::new(), 1), "it asked already");
        assert_eq!(election.on_notice(Millis(5_200), &again(2)), []);
        assert_eq!((work(&mut election, 5_200, 2), election.completed), (skip(2), 2), "its beginning was missed");
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
    fn the_second_counts_from_the_start() {
        let mut election = election();
        enter(&mut election, 0, 1);
        assert_eq!(work(&mut election, 500, 1), []);
        assert_eq!(election.wakeup(), Millis(1_000));
        assert_eq!(election.tick(Millis(999)), []);
        assert_eq!(election.tick(Millis(1_000)), skip(1));
    }

    #[test]
    fn a_leader_whose_session_was_lost_is_skipped_without_the_timer() {
        let mut election = election();
        election.on_session_opened(LEADER);
        enter(&mut election, 0, 1);
        assert_eq!(work(&mut election, 500, 1), []);
        election.on_session_closed(Millis(1_500), LEADER);
        assert_eq!(election.wakeup(), Millis(1_600));
        assert_eq!(election.tick(Millis(1_599)), []);
        assert_eq!(election.tick(Millis(1_600)), skip(1), "in the turn in which it fell");
        assert_eq!(election.wakeup(), Millis(u64::MAX), "once a view");
        enter(&mut election, 1_700, 5);
        assert_eq!(work(&mut election, 1_700, 5), skip(5), "and at once in each that follows");
    }

    #[test]
    fn without_work_a_lost_leader_is_skipped_after_a_second_and_while_a_quorum_is_connected() {
        let mut election = election();
        let others = [ValidatorIndex(2), ValidatorIndex(3)];
        others.into_iter().chain([LEADER]).for_each(|peer| election.on_session_opened(peer));
        enter(&mut election, 0, 1);
        election.on_session_closed(Millis(1_500), LEADER);
        assert_eq!(election.wakeup(), Millis(2_500));
        assert_eq!(election.tick(Millis(2_499)), []);
        election.on_session_closed(Millis(2_499), others[0]);
        assert_eq!(
            (election.tick(Millis(2_500)), election.wakeup()),
            (Vec::new(), Millis(u64::MAX)),
            "all were cut off"
        );
        election.on_session_opened(others[0]);
        assert_eq!(election.tick(Millis(2_600)), skip(1));
        let notice = Notice::ViewEntered { view: View(5), leader: LEADER, by: None, fetched: false, doubles: false };
        assert_eq!(election.on_notice(Millis(2_700), &notice), skip(5), "before there is work");
    }

    #[test]
    fn a_session_that_is_replaced_costs_no_turn() {
        let mut election = election();
        election.on_session_opened(LEADER);
        enter(&mut election, 0, 1);
        work(&mut election, 500, 1);
        election.on_session_closed(Millis(1_500), LEADER);
        election.on_session_opened(LEADER);
        assert_eq!(election.wakeup(), Millis(u64::MAX));
        assert_eq!(election.tick(Millis(1_999)), []);
    }

    #[test]
    fn a_leader_that_does_not_vote_for_three_views_and_two_seconds_is_skipped_while_a_quorum_votes() {
        let mut election = election();
        (1..4).for_each(|peer| election.on_session_opened(ValidatorIndex(peer)));
        (1..=3).for_each(|view| enter(&mut election, 100 * view, view));
        assert_eq!(work(&mut election, 1_999, 3), [], "not yet two seconds");
        assert_eq!(election.tick(Millis(2_000)), [], "nobody is heard: that says nothing about the leader");
        election.on_notice(Millis(2_000), &heard([2, 3]));
        assert_eq!(election.tick(Millis(2_000)), skip(3));
    }

    #[test]
    fn one_vote_ends_the_skip() {
        let mut election = election();
        (1..4).for_each(|peer| election.on_session_opened(ValidatorIndex(peer)));
        (1..=5).for_each(|view| enter(&mut election, 100 * view, view));
        election.on_notice(Millis(3_000), &heard([1, 2, 3]));
        assert_eq!(work(&mut election, 3_000, 5), []);
    }

    #[test]
    fn i_never_skip_myself() {
        assert!(!election().is_silent(Millis(1_000_000), ValidatorIndex(0)));
    }
}
