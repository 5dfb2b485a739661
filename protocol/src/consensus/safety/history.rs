//! R12: signing needs a log that is known to be whole.
//!
//! Until it is, this validator observes: it follows certificates, answers and executes, and signs nothing.

use crate::consensus::events::UnknownHistory;
use crate::message::Testimony;
use crate::quorum::ValidatorSet;
use crate::types::{Millis, ValidatorIndex, View};
use alloc::collections::{BTreeMap, BTreeSet};

/// Whether I may sign, and the recovery responses so far.
#[derive(Debug)]
pub struct History {
    me: ValidatorIndex,
    unknown: Option<UnknownHistory>,
    /// The operator takes the risk of signing without a lost history.
    accepted: bool,
    told: BTreeMap<ValidatorIndex, Told>,
    /// Since when a quorum that includes me has responded.
    quorum_since: Option<Millis>,
    /// A quorum of others has set a floor since this process started: whatever is above it in my name I signed in this process,
    /// and it is in the log.
    healed_by_others: bool,
}

/// Who has a session when a recovery state may end, and when that is.
pub struct Hearing<'a> {
    pub now: Millis,
    pub sessions: &'a BTreeSet<ValidatorIndex>,
}

/// So long a quorum waits for the other peers with a session: one of them may hold a vote that this log lacks, and one that is
/// bad may never respond.
const OTHERS_AWAITED: Millis = Millis(2_000);

#[derive(Debug, Clone, Copy)]
struct Told {
    view: View,
    lost: bool,
}

/// What ends the waiting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resolution {
    /// Nothing of mine is missing: sign above the floor that there is.
    AsItIs,
    /// Sign above this view.
    Floor(View),
}

impl History {
    pub fn new(me: ValidatorIndex, unknown: Option<UnknownHistory>) -> Self {
        History { me, unknown, accepted: false, told: BTreeMap::new(), quorum_since: None, healed_by_others: false }
    }

    pub fn unknown(&self) -> Option<UnknownHistory> {
        self.unknown
    }

    pub fn is_unknown(&self) -> bool {
        self.unknown.is_some()
    }

    /// A record of the log, in its order. Some ask for less than what they follow, and do not end it.
    pub fn restore(&mut self, kind: UnknownHistory) {
        self.unknown = match kind {
            UnknownHistory::Torn | UnknownHistory::Unconfirmed => self.unknown.or(Some(kind)),
            UnknownHistory::New | UnknownHistory::Lost => Some(kind),
        };
    }

    /// My recovery response does not count for others that lost their log.
    pub fn is_lost(&self) -> bool {
        self.unknown == Some(UnknownHistory::Lost)
    }

    /// A peer holds a vote of mine that my log lacks. Only responses in sessions opened from now on count.
    pub fn lose(&mut self) {
        self.unknown = Some(UnknownHistory::Lost);
        self.told.clear();
        self.quorum_since = None;
    }

    /// Enters a peer's recovery response; its entry certificate was verified. One that does not match its view is
    /// ignored.
    pub fn hear(&mut self, by: ValidatorIndex, testimony: &Testimony) {
        let entered = testimony.entry.as_ref().map_or(View(1), |entry| entry.view().next());
        if self.unknown.is_some() && by != self.me && entered == testimony.view {
            self.told.insert(by, Told { view: testimony.view, lost: testimony.lost });
        }
    }

    /// Whether enough peers have responded, for a validator that is in this view itself.
    pub fn resolve(&mut self, set: &ValidatorSet, view: View, hearing: &Hearing<'_>) -> Option<Resolution> {
        let highest = self.told.values().map(|told| told.view).max().unwrap_or(View(1));
        match self.unknown? {
            UnknownHistory::Lost if self.accepted => {
                // Whoever is needed for a quorum must vote in the view that the others are in, or they never leave it.
                self.has_quorum_with_me(set).then_some(Resolution::Floor(highest.max(view).previous()))
            }
            UnknownHistory::Lost => {
                let others = self.told.iter().filter(|(_, told)| !told.lost).map(|(by, _)| *by);
                let is_quorum = set.is_quorum(set.stake_of(others));
                self.healed_by_others |= is_quorum;
                is_quorum.then_some(Resolution::Floor(highest.next()))
            }
            // It never signed, so nothing can be missing; a floor would silence it in the very view in which it is needed.
            UnknownHistory::New => self.has_quorum_with_me(set).then_some(Resolution::AsItIs),
            // Asking more would halt a network for ever whose machines lost power together.
            UnknownHistory::Torn | UnknownHistory::Unconfirmed => {
                if !self.has_quorum_with_me(set) {
                    self.quorum_since = None;
                    return None;
                }
                let since = *self.quorum_since.get_or_insert(hearing.now);
                let all_responded = hearing.sessions.iter().all(|peer| self.told.contains_key(peer));
                let is_over = all_responded || hearing.now.since(since) >= OTHERS_AWAITED;
                is_over.then_some(Resolution::AsItIs)
            }
        }
    }

    fn has_quorum_with_me(&self, set: &ValidatorSet) -> bool {
        set.is_quorum(set.stake_of(self.told.keys().copied().chain([self.me])))
    }

    /// When the other peers are no longer awaited, if a quorum has responded.
    pub fn wakeup(&self) -> Option<Millis> {
        self.quorum_since.map(|since| since.saturating_add(OTHERS_AWAITED))
    }

    /// The operator takes the risk, now and should a loss be noticed later: responses of others that form a quorum
    /// together with me are enough, and I may sign in their highest view, in which I may have signed before.
    pub fn accept(&mut self) {
        self.accepted = true;
    }

    /// Whether a vote of mine above the floor that the log lacks is another process'.
    pub fn is_healed_by_others(&self) -> bool {
        self.healed_by_others && !self.is_unknown()
    }

    /// Whether votes of mine that others hold are entered as they report them, since no floor covers them.
    pub fn takes_votes(&self) -> bool {
        self.accepted && self.is_lost()
    }

    pub fn end(&mut self) {
        self.unknown = None;
        self.told.clear();
        self.quorum_since = None;
    }

    /// Validators that have responded so far, for status output.
    pub fn told(&self) -> impl Iterator<Item = ValidatorIndex> + '_ {
        self.told.keys().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::certificate::Certificate;
    use crate::quorum::Validator;
    use crate::types::{Epoch, Hash, NodeId, PublicKey, Stake};
    use crate::vote::{Ballot, Choice};
    use alloc::format;
    use alloc::vec::Vec;

    fn set(count: u8) -> ValidatorSet {
        let validators = (0..count).map(|index| Validator {
            node_id: NodeId::new(&format!("node_{index}")).unwrap(),
            key: PublicKey([index; 32]),
            stake: Stake(10),
        });
        ValidatorSet::new(Hash::ZERO, Epoch(1), validators.collect()).unwrap()
    }

    fn at(view: u64, lost: bool) -> Testimony {
        let ballot = Ballot { epoch: Epoch(1), view: View(view - 1), choice: Choice::ViewChange };
        let entry = (view > 1).then_some(Certificate { ballot, signatures: Vec::new() });
        Testimony { lost, view: View(view), entry, yours: Vec::new() }
    }

    const NOBODY: &BTreeSet<ValidatorIndex> = &BTreeSet::new();
    /// Nobody else has a session.
    const AT_ONCE: Hearing<'static> = Hearing { now: Millis(0), sessions: NOBODY };

    fn history(kind: UnknownHistory) -> History {
        History::new(ValidatorIndex(0), Some(kind))
    }

    #[test]
    fn a_new_network_signs_from_view_one_once_a_quorum_is_there() {
        let mut history = history(UnknownHistory::New);
        history.hear(ValidatorIndex(1), &at(1, false));
        assert_eq!(history.resolve(&set(4), View(1), &AT_ONCE), None);
        history.hear(ValidatorIndex(2), &at(1, false));
        assert_eq!(history.resolve(&set(4), View(1), &AT_ONCE), Some(Resolution::AsItIs));
    }

    /// A floor would silence it where it is needed: beside a bad validator that keeps silent, for ever.
    #[test]
    fn a_new_validator_in_a_running_network_takes_no_floor() {
        let mut history = history(UnknownHistory::New);
        history.hear(ValidatorIndex(1), &at(7, false));
        history.hear(ValidatorIndex(2), &at(5, false));
        assert_eq!(history.resolve(&set(4), View(1), &AT_ONCE), Some(Resolution::AsItIs));
    }

    #[test]
    fn a_lost_log_needs_a_quorum_of_others_and_has_no_exception_for_view_one() {
        let mut history = history(UnknownHistory::Lost);
        history.hear(ValidatorIndex(1), &at(1, false));
        history.hear(ValidatorIndex(2), &at(1, false));
        assert_eq!(history.resolve(&set(4), View(1), &AT_ONCE), None, "I do not count myself");
        history.hear(ValidatorIndex(3), &at(1, true));
        assert_eq!(history.resolve(&set(4), View(1), &AT_ONCE), None, "who lost its own log does not count");
        history.hear(ValidatorIndex(3), &at(1, false));
        assert_eq!(history.resolve(&set(4), View(1), &AT_ONCE), Some(Resolution::Floor(View(2))));
    }

    #[test]
    fn three_validators_cannot_tell_a_lost_one_and_the_operator_decides() {
        let mut history = history(UnknownHistory::Lost);
        history.hear(ValidatorIndex(1), &at(4, false));
        history.hear(ValidatorIndex(2), &at(6, false));
        assert_eq!(history.resolve(&set(3), View(1), &AT_ONCE), None);
        history.accept();
        assert_eq!(
            history.resolve(&set(3), View(5), &AT_ONCE),
            Some(Resolution::Floor(View(5))),
            "in view 6 all three are needed"
        );
        history.lose();
        assert_eq!(history.resolve(&set(3), View(5), &AT_ONCE), None, "the others are heard first");
    }

    #[test]
    fn a_torn_tail_keeps_its_floor() {
        let mut history = history(UnknownHistory::Torn);
        history.hear(ValidatorIndex(1), &at(9, false));
        history.hear(ValidatorIndex(2), &at(9, true));
        assert_eq!(history.resolve(&set(4), View(1), &AT_ONCE), Some(Resolution::AsItIs));
    }

    #[test]
    fn a_log_that_is_whole_by_its_own_account_is_signed_above_once_a_quorum_with_me_has_told() {
        let mut history = history(UnknownHistory::Unconfirmed);
        history.hear(ValidatorIndex(1), &at(9, false));
        assert_eq!(history.resolve(&set(4), View(3), &AT_ONCE), None);
        history.hear(ValidatorIndex(2), &at(9, true));
        assert_eq!(
            history.resolve(&set(4), View(3), &AT_ONCE),
            Some(Resolution::AsItIs),
            "who lost its own log knows mine"
        );
    }

    #[test]
    fn a_view_without_its_certificate_is_no_word() {
        let mut history = history(UnknownHistory::Lost);
        history.hear(ValidatorIndex(1), &Testimony { entry: None, ..at(9, false) });
        assert_eq!(history.told().count(), 0);
    }

    #[test]
    fn a_single_validator_starts_alone() {
        assert_eq!(history(UnknownHistory::New).resolve(&set(1), View(1), &AT_ONCE), Some(Resolution::AsItIs));
    }

    #[test]
    fn a_quorum_waits_two_seconds_for_the_others_that_have_a_session() {
        for kind in [UnknownHistory::Torn, UnknownHistory::Unconfirmed] {
            let mut history = history(kind);
            let sessions = (1..4).map(ValidatorIndex).collect();
            let at_time = |history: &mut History, now| {
                history.resolve(&set(4), View(1), &Hearing { now: Millis(now), sessions: &sessions })
            };
            history.hear(ValidatorIndex(1), &at(1, false));
            assert_eq!(at_time(&mut history, 500), None);
            assert_eq!(history.wakeup(), None, "no quorum has responded");
            history.hear(ValidatorIndex(2), &at(1, false));
            assert_eq!(at_time(&mut history, 1_000), None);
            assert_eq!(history.wakeup(), Some(Millis(3_000)));
            assert_eq!(at_time(&mut history, 2_999), None);
            assert_eq!(at_time(&mut history, 3_000), Some(Resolution::AsItIs), "{kind:?}");
            history.hear(ValidatorIndex(3), &at(1, true));
            assert_eq!(at_time(&mut history, 1_001), Some(Resolution::AsItIs), "{kind:?}: all have");
        }
    }
}
