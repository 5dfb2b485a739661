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
/// Common round times that the timer allows; of a crowd whose members share a machine, one in a hundred rounds takes
/// four, and one in a thousand six.
const ROUNDS: u64 = 4;
const ROUNDS_OF_CROWD: u64 = 8;
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
    pub fn on_session(&mut self, now: Millis, peer: ValidatorIndex, round_trip: Millis) {
        let is_new = self.sessions.insert(peer, round_trip).is_none();
        // Of many that start one after the other, the leader may be the last: its idle interval begins with its start.
        if is_new && peer == self.leader && now.since(self.born) <= FIRST_QUORUM_AWAITED {
            self.entered = self.entered.max(now);
        }
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
            Notice::CurrentView { view, leader } if view != self.view => {
                self.on_view(now, view, leader);
                Vec::from([Input::RoundTime(self.two_round_times())])
            }
            // Said again, it runs from where it began.
            Notice::ClockStarted { view } if view == self.view => {
                self.started.get_or_insert(now);
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
            Notice::CurrentView { .. }
            | Notice::ClockStarted { .. }
            | Notice::GaveUp { .. }
            | Notice::Work { .. }
            | Notice::WorkGone { .. }
            | Notice::Heard { .. }
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
        if !self.knows_its_view() || self.gave_up.is_some() || now < self.deadline() {
            return Vec::new();
        }
        self.asked = Some(now);
        Vec::from([Input::GiveUp { view: self.view, reason: GiveUpReason::Timeout }])
    }

    /// Whether it was told where consensus is, since it was made. What was told when nobody could hear it is told again if it asks.
    pub fn knows_its_view(&self) -> bool {
        self.view != View(0)
    }

    /// When the next [`Pacemaker::tick`] is due; never, once ViewChange was voted in the view, and before a view is known.
    pub fn wakeup(&self) -> Millis {
        if self.gave_up.is_some() || !self.knows_its_view() { Millis(u64::MAX) } else { self.deadline() }
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
        let rounds = if self.crowds() > 1 { ROUNDS_OF_CROWD } else { ROUNDS };
        self.common_round_time().unwrap_or_default().times(rounds).max(least)
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
mod tests;
