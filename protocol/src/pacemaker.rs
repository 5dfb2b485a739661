//! How long a view may last: round times, the view timer, and when to ask consensus for a ViewChange vote.
//!
//! The pure part of the `view_change` actor. It holds no safety state: it may be restarted empty at any moment, and
//! then only asks too early or too late.

use crate::consensus::events::{Input, Notice};
use crate::message::GiveUpReason;
use crate::quorum::ValidatorSet;
use crate::types::{Millis, ValidatorIndex, View};
use crate::vote::VoteKind;
use alloc::collections::{BTreeMap, VecDeque};
use alloc::sync::Arc;
use alloc::vec::Vec;

/// Round times that count: the newest, one for each validator at least, and not older than this for each crowd.
const SAMPLES_MAX: usize = 32;
const SAMPLE_AGE_MAX: Millis = Millis(60_000);
/// The timer is at least this for each crowd, and four round trips of the session with the leader.
const TIMER_MIN: Millis = Millis(300);
/// Validators that are a crowd: what each of them has to do for a round grows with their number.
const CROWD: usize = 16;
const ROUND_TRIP_COUNTED_MAX: Millis = Millis(500);
/// A node that has never had a quorum waits for one: its peers may be starting. After this it gives up all the same: in a
/// network that is connected in part, others may need its vote.
const FIRST_QUORUM_AWAITED: Millis = Millis(60_000);
/// Proposals whose Prepare certificate is awaited, at the most.
const OPEN_MAX: usize = 64;
/// Beyond this the doubled timer is at its maximum whatever the base.
const DOUBLINGS_MAX: u32 = 16;

/// What the operator sets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PacemakerSettings {
    /// `consensus.timeout`: the most that a timer grows to.
    pub timeout_max: Millis,
    /// `consensus.view_change_timeout`: how long a view change may stay open before the operator is notified.
    pub view_change_timeout: Millis,
    pub idle_block_interval: Millis,
}

#[derive(Debug, Clone, Copy)]
struct Sample {
    at: Millis,
    leader: ValidatorIndex,
    took: Millis,
}

/// Timers and round times of one validator.
#[derive(Debug)]
pub struct Pacemaker {
    set: Arc<ValidatorSet>,
    me: ValidatorIndex,
    settings: PacemakerSettings,
    view: View,
    leader: ValidatorIndex,
    entered: Millis,
    /// When this pacemaker was made.
    born: Millis,
    /// When the clock of this view started: work was seen, or the proposal arrived.
    started: Option<Millis>,
    /// When the view was last asked to be given up.
    asked: Option<Millis>,
    gave_up: Option<Millis>,
    told_open: bool,
    doublings: u32,
    samples: VecDeque<Sample>,
    /// When each proposal was first seen.
    open: BTreeMap<View, Millis>,
    /// Round trips of the sessions that are open.
    sessions: BTreeMap<ValidatorIndex, Millis>,
    told_no_quorum: bool,
    /// Whether a quorum was ever connected; the first view's clock starts with it.
    had_quorum: bool,
}

impl Pacemaker {
    pub fn new(set: Arc<ValidatorSet>, me: ValidatorIndex, settings: PacemakerSettings, now: Millis) -> Self {
        Pacemaker {
            set,
            me,
            settings,
            view: View(0),
            leader: me,
            entered: now,
            born: now,
            started: None,
            asked: None,
            gave_up: None,
            told_open: false,
            doublings: 0,
            samples: VecDeque::new(),
            open: BTreeMap::new(),
            sessions: BTreeMap::new(),
            told_no_quorum: false,
            had_quorum: false,
        }
    }

    /// A session is open, or its round trip was measured again.
    pub fn on_session(&mut self, peer: ValidatorIndex, round_trip: Millis) {
        self.sessions.insert(peer, round_trip);
    }

    pub fn on_session_closed(&mut self, peer: ValidatorIndex) {
        self.sessions.remove(&peer);
    }

    /// Starts the view's clock when a quorum is connected for the first time. Tells whether that was now.
    pub fn look_for_quorum(&mut self, now: Millis) -> bool {
        if self.had_quorum || !self.is_quorum_connected() {
            return false;
        }
        self.had_quorum = true;
        self.entered = self.entered.max(now);
        self.started = self.started.map(|started| started.max(now));
        true
    }

    /// Whether a quorum was ever connected.
    pub fn had_quorum(&self) -> bool {
        self.had_quorum
    }

    /// Follows consensus; what comes back is for consensus.
    pub fn on_notice(&mut self, now: Millis, notice: &Notice) -> Vec<Input> {
        match *notice {
            Notice::ViewEntered { view, leader, by, fetched, doubles } => {
                self.on_view(now, view, leader);
                // Only a view change that I took part in says something about my timer, and none does in an outage.
                if by == Some(VoteKind::ViewChange) && !fetched && doubles && self.is_quorum_connected() {
                    self.doublings = (self.doublings + 1).min(DOUBLINGS_MAX);
                }
                Vec::from([Input::RoundTime(self.two_round_times())])
            }
            Notice::ClockStarted { view } if view == self.view => {
                self.started = Some(now);
                Vec::new()
            }
            Notice::WorkGone { view } if view == self.view => {
                (self.started, self.asked) = (None, None);
                Vec::new()
            }
            Notice::Proposed { view, .. } => {
                if self.open.len() >= OPEN_MAX {
                    self.open.pop_first();
                }
                self.open.entry(view).or_insert(now);
                Vec::new()
            }
            Notice::Prepared { view, leader } => {
                self.doublings = self.doublings.saturating_sub(1);
                self.sample(now, view, leader);
                Vec::from([Input::RoundTime(self.two_round_times())])
            }
            Notice::GaveUp { view, .. } if view == self.view => {
                self.gave_up = Some(now);
                Vec::new()
            }
            Notice::ClockStarted { .. }
            | Notice::GaveUp { .. }
            | Notice::Work { .. }
            | Notice::WorkGone { .. }
            | Notice::Heard(_)
            | Notice::Contradiction(_)
            | Notice::Signing => Vec::new(),
        }
    }

    fn on_view(&mut self, now: Millis, view: View, leader: ValidatorIndex) {
        (self.view, self.leader, self.entered) = (view, leader, now);
        (self.started, self.asked, self.gave_up, self.told_open) = (None, None, None, false);
        // Those of past views may still get their certificate for a while.
        self.open = self.open.split_off(&View(view.0.saturating_sub(OPEN_MAX as u64)));
    }

    fn sample(&mut self, now: Millis, view: View, leader: ValidatorIndex) {
        let Some(proposed) = self.open.remove(&view) else { return };
        // A third of a large set's leaders must fit, or no round time would ever be common.
        if self.samples.len() >= SAMPLES_MAX.max(self.set.len()) {
            self.samples.pop_front();
        }
        self.samples.push_back(Sample { at: now, leader, took: now.since(proposed) });
        while self.samples.front().is_some_and(|oldest| now.since(oldest.at) > SAMPLE_AGE_MAX.times(self.crowds())) {
            self.samples.pop_front();
        }
    }

    /// R10: asks for a ViewChange vote when the timer has run out, and each time it runs out again, until consensus has
    /// voted.
    pub fn tick(&mut self, now: Millis) -> Vec<Input> {
        if self.view == View(0) || self.gave_up.is_some() || now < self.deadline() {
            return Vec::new();
        }
        self.asked = Some(now);
        Vec::from([Input::GiveUp { view: self.view, reason: GiveUpReason::Timeout }])
    }

    /// When the next [`Pacemaker::tick`] is due; never, once ViewChange was voted in the view.
    pub fn wakeup(&self) -> Millis {
        if self.gave_up.is_some() { Millis(u64::MAX) } else { self.deadline() }
    }

    fn deadline(&self) -> Millis {
        let idle = self.entered.saturating_add(self.settings.idle_block_interval);
        let deadline = self.asked.or(self.started).unwrap_or(idle).saturating_add(self.timer());
        if self.had_quorum || self.is_quorum_connected() {
            return deadline;
        }
        // Once, and not in every view: others may have a quorum that this node does not see, and need its vote.
        deadline.max(self.born.saturating_add(FIRST_QUORUM_AWAITED))
    }

    /// The current view's timer.
    pub fn timer(&self) -> Millis {
        self.base().times(1 << self.doublings).min(self.settings.timeout_max)
    }

    /// The timer without doublings.
    fn base(&self) -> Millis {
        let round_trip =
            self.sessions.get(&self.leader).map_or(Millis(0), |rtt| Millis(rtt.0.min(ROUND_TRIP_COUNTED_MAX.0)));
        let least = TIMER_MIN.times(self.crowds()).saturating_add(round_trip.times(4));
        self.common_round_time().unwrap_or_default().times(4).max(least)
    }

    /// 1 up to [`CROWD`] validators, 7 of a hundred.
    fn crowds(&self) -> u64 {
        self.set.len().div_ceil(CROWD).max(1) as u64
    }

    /// The largest round time that leaders with together a third of the stake or more have reached, each counted with
    /// its slowest: one bad leader, or one outage, does not ramp everybody's timer. In a crowd it takes many rounds until so
    /// many have led; before, the fastest leader's time counts, which a slow one cannot raise.
    fn common_round_time(&self) -> Option<Millis> {
        let mut slowest: BTreeMap<ValidatorIndex, Millis> = BTreeMap::new();
        for sample in &self.samples {
            let slow = slowest.entry(sample.leader).or_default();
            *slow = sample.took.max(*slow);
        }
        let mut descending: Vec<(Millis, ValidatorIndex)> = slowest.into_iter().map(|(by, took)| (took, by)).collect();
        descending.sort_by(|a, b| b.cmp(a));
        let fastest = descending.last().map(|(took, _)| *took).filter(|_| self.set.len() > CROWD);
        let mut reached = Vec::new();
        let common = descending.into_iter().find_map(|(took, leader)| {
            reached.push(leader);
            self.set.is_blocking(self.set.stake_of(reached.iter().copied())).then_some(took)
        });
        common.or(fastest)
    }

    /// How long a prepared block may wait without other work: two round times, or half the timer without samples.
    fn two_round_times(&self) -> Millis {
        if self.crowds() > 1 {
            // A block that only commits another one costs a crowd as much as one with proofs, at a time when it has no time. Without
            // doublings, which differ: a leader that waits for longer than its followers loses its turn.
            return self.base().min(self.settings.timeout_max);
        }
        let measured = self.common_round_time().map(|took| took.times(2));
        measured.unwrap_or(Millis(self.timer().0 / 2)).max(Millis(1))
    }

    fn is_quorum_connected(&self) -> bool {
        self.set.is_quorum(self.set.stake_of(self.sessions.keys().copied().chain([self.me])))
    }

    /// Whether a quorum is connected, reported once for each change. Without one nothing becomes final.
    pub fn quorum_change(&mut self) -> Option<bool> {
        let connected = self.is_quorum_connected();
        let changed = connected == self.told_no_quorum;
        self.told_no_quorum = !connected;
        changed.then_some(connected)
    }

    /// A view change that is open for longer than the operator wants to wait; reported once a view.
    pub fn overdue_view_change(&mut self, now: Millis) -> Option<(View, Millis)> {
        let open = now.since(self.gave_up?);
        if self.told_open || open < self.settings.view_change_timeout {
            return None;
        }
        self.told_open = true;
        Some((self.view, open))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::quorum::Validator;
    use crate::types::{Epoch, Hash, NodeId, PublicKey, Stake};
    use alloc::format;

    fn pacemaker() -> Pacemaker {
        pacemaker_of(4)
    }

    fn pacemaker_of(count: u16) -> Pacemaker {
        let validators = (0..count).map(|index| Validator {
            node_id: NodeId::new(&format!("node_{index}")).unwrap(),
            key: PublicKey([index as u8; 32]),
            stake: Stake(10),
        });
        let set = Arc::new(ValidatorSet::new(Hash::ZERO, Epoch(1), validators.collect()).unwrap());
        let settings = PacemakerSettings {
            timeout_max: Millis(10_000),
            view_change_timeout: Millis(5_000),
            idle_block_interval: Millis(10_000),
        };
        let mut pacemaker = Pacemaker::new(set, ValidatorIndex(0), settings, Millis(0));
        for peer in 1..count {
            pacemaker.on_session(ValidatorIndex(peer), Millis(0));
        }
        pacemaker
    }

    fn enter(pacemaker: &mut Pacemaker, now: u64, view: u64, by: VoteKind, fetched: bool, doubles: bool) {
        let leader = ValidatorIndex((view % 4) as u16);
        let notice = Notice::ViewEntered { view: View(view), leader, by: Some(by), fetched, doubles };
        pacemaker.on_notice(Millis(now), &notice);
    }

    fn round(pacemaker: &mut Pacemaker, now: u64, view: u64, took: u64) {
        let leader = ValidatorIndex((view % 4) as u16);
        pacemaker.on_notice(Millis(now), &Notice::Proposed { view: View(view), leader });
        pacemaker.on_notice(Millis(now + took), &Notice::Prepared { view: View(view), leader });
    }

    /// A hundred need a third of them, 34, to have led; at the guide's pace that takes minutes.
    #[test]
    fn a_crowd_learns_its_round_time_from_the_first_rounds_and_keeps_it() {
        let mut pacemaker = pacemaker_of(100);
        assert_eq!(pacemaker.timer(), Millis(2_100), "300 ms for each sixteen");
        let mut now = Millis(0);
        let mut round = |pacemaker: &mut Pacemaker, view: u64, took: u64| {
            let leader = ValidatorIndex(view as u16 % 100);
            let entered = Notice::ViewEntered { view: View(view), leader, by: None, fetched: false, doubles: false };
            pacemaker.on_notice(now, &entered);
            pacemaker.on_notice(now, &Notice::Proposed { view: View(view), leader });
            now = now.saturating_add(Millis(took));
            pacemaker.on_notice(now, &Notice::Prepared { view: View(view), leader });
            now = now.saturating_add(Millis(9_000));
        };
        round(&mut pacemaker, 1, 900);
        assert_eq!(pacemaker.timer(), Millis(3_600), "the first leader's");
        round(&mut pacemaker, 2, 5_000);
        assert_eq!(pacemaker.timer(), Millis(3_600), "a slow one does not raise it");
        for view in 3..=40 {
            round(&mut pacemaker, view, 1_000);
        }
        assert_eq!(pacemaker.timer(), Millis(4_000), "a third of them took as long, over six minutes");
    }

    #[test]
    fn the_timer_runs_from_work_else_from_the_idle_interval() {
        let mut pacemaker = pacemaker();
        enter(&mut pacemaker, 0, 1, VoteKind::Prepare, false, false);
        assert_eq!(pacemaker.wakeup(), Millis(10_300));
        pacemaker.on_notice(Millis(50), &Notice::ClockStarted { view: View(1) });
        assert_eq!(pacemaker.wakeup(), Millis(350));
        assert_eq!(pacemaker.tick(Millis(349)), []);
        let expected = Input::GiveUp { view: View(1), reason: GiveUpReason::Timeout };
        assert_eq!(pacemaker.tick(Millis(350)), [expected]);
        assert_eq!(pacemaker.wakeup(), Millis(650), "asked again, should consensus have been away");
    }

    #[test]
    fn the_timer_stops_when_the_work_is_gone_and_when_the_view_is_given_up() {
        let mut pacemaker = pacemaker();
        enter(&mut pacemaker, 0, 1, VoteKind::Prepare, false, false);
        pacemaker.on_notice(Millis(50), &Notice::ClockStarted { view: View(1) });
        pacemaker.on_notice(Millis(60), &Notice::WorkGone { view: View(1) });
        assert_eq!(pacemaker.wakeup(), Millis(10_300), "as if there had been none");
        pacemaker.on_notice(Millis(500), &Notice::ClockStarted { view: View(1) });
        assert_eq!(pacemaker.wakeup(), Millis(800));
        pacemaker.on_notice(Millis(700), &Notice::GaveUp { view: View(1), reason: GiveUpReason::SilentLeader });
        assert_eq!(pacemaker.wakeup(), Millis(u64::MAX));
        assert_eq!(pacemaker.tick(Millis(900)), []);
    }

    #[test]
    fn own_view_changes_double_and_prepare_certificates_halve() {
        let mut pacemaker = pacemaker();
        enter(&mut pacemaker, 0, 2, VoteKind::ViewChange, false, true);
        enter(&mut pacemaker, 0, 3, VoteKind::ViewChange, false, true);
        assert_eq!(pacemaker.timer(), Millis(1_200));
        enter(&mut pacemaker, 0, 4, VoteKind::ViewChange, true, true);
        enter(&mut pacemaker, 0, 5, VoteKind::ViewChange, false, false);
        assert_eq!(pacemaker.timer(), Millis(1_200), "fetched ones and those that do not count change nothing");
        round(&mut pacemaker, 0, 5, 1);
        assert_eq!(pacemaker.timer(), Millis(600));
    }

    #[test]
    fn an_outage_does_not_ramp_the_timer() {
        let mut pacemaker = pacemaker();
        pacemaker.on_session_closed(ValidatorIndex(1));
        pacemaker.on_session_closed(ValidatorIndex(2));
        enter(&mut pacemaker, 0, 2, VoteKind::ViewChange, false, true);
        assert_eq!(pacemaker.timer(), Millis(300));
    }

    #[test]
    fn one_slow_leader_of_four_does_not_set_the_timer_and_two_do() {
        let mut pacemaker = pacemaker();
        for view in 1..=4 {
            round(&mut pacemaker, 0, view, if view == 3 { 2_000 } else { 100 });
        }
        assert_eq!(pacemaker.timer(), Millis(400));
        round(&mut pacemaker, 0, 6, 1_000);
        assert_eq!(pacemaker.timer(), Millis(4_000));
    }

    #[test]
    fn the_timer_grows_with_the_round_trip_and_stops_at_its_maximum() {
        let mut pacemaker = pacemaker();
        enter(&mut pacemaker, 0, 1, VoteKind::Prepare, false, false);
        pacemaker.on_session(ValidatorIndex(1), Millis(140));
        assert_eq!(pacemaker.timer(), Millis(860));
        pacemaker.on_session(ValidatorIndex(1), Millis(60_000));
        assert_eq!(pacemaker.timer(), Millis(2_300));
        for view in 2..20 {
            enter(&mut pacemaker, 0, view, VoteKind::ViewChange, false, true);
        }
        assert_eq!(pacemaker.timer(), Millis(10_000));
    }

    #[test]
    fn the_first_clock_starts_with_the_first_quorum() {
        let mut pacemaker = pacemaker();
        pacemaker.on_session_closed(ValidatorIndex(1));
        pacemaker.on_session_closed(ValidatorIndex(2));
        enter(&mut pacemaker, 0, 1, VoteKind::Prepare, false, false);
        pacemaker.on_notice(Millis(5), &Notice::ClockStarted { view: View(1) });
        assert!(!pacemaker.look_for_quorum(Millis(10)));
        assert_eq!(pacemaker.wakeup(), Millis(60_000), "others may need its vote at last");
        pacemaker.on_session(ValidatorIndex(1), Millis(0));
        assert!(pacemaker.look_for_quorum(Millis(30_000)) && !pacemaker.look_for_quorum(Millis(30_001)));
        assert_eq!(pacemaker.wakeup(), Millis(30_000).saturating_add(pacemaker.timer()));
        pacemaker.on_session_closed(ValidatorIndex(1));
        assert_eq!(
            pacemaker.wakeup(),
            Millis(30_000).saturating_add(pacemaker.timer()),
            "only the first is waited for"
        );
    }

    #[test]
    fn a_lost_quorum_and_its_return_are_told_once_each() {
        let mut pacemaker = pacemaker();
        assert_eq!(pacemaker.quorum_change(), None, "there is one, as it should be");
        pacemaker.on_session_closed(ValidatorIndex(1));
        assert_eq!(pacemaker.quorum_change(), None, "three of four are one");
        pacemaker.on_session_closed(ValidatorIndex(2));
        assert_eq!(pacemaker.quorum_change(), Some(false));
        assert_eq!(pacemaker.quorum_change(), None);
        pacemaker.on_session(ValidatorIndex(1), Millis(0));
        assert_eq!(pacemaker.quorum_change(), Some(true));
        assert_eq!(pacemaker.quorum_change(), None);
    }

    #[test]
    fn a_view_change_that_stays_open_is_told_once() {
        let mut pacemaker = pacemaker();
        enter(&mut pacemaker, 0, 1, VoteKind::Prepare, false, false);
        let gave_up = Notice::GaveUp { view: View(1), reason: GiveUpReason::Timeout };
        pacemaker.on_notice(Millis(100), &gave_up);
        assert_eq!(pacemaker.overdue_view_change(Millis(5_099)), None);
        assert_eq!(pacemaker.overdue_view_change(Millis(5_100)), Some((View(1), Millis(5_000))));
        assert_eq!(pacemaker.overdue_view_change(Millis(9_000)), None);
    }
}
