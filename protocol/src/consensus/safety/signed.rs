//! What I have decided to sign, and what I must therefore never sign again (R3 to R6, R12's floor).
//!
//! A record counts once it is *decided*, not only once it is on disk: a vote enters here in the very step that decides
//! it.

use crate::types::{Hash, View};
use crate::vote::{Choice, Vote};
use alloc::collections::BTreeMap;

/// My votes in one view.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Mine {
    pub prepare: Option<Vote>,
    pub commit: Option<Vote>,
    pub view_change: Option<Vote>,
}

impl Mine {
    pub fn prepared(&self) -> Option<Hash> {
        self.prepare.and_then(|vote| vote.ballot.choice.block())
    }

    pub fn votes(&self) -> impl Iterator<Item = Vote> + use<> {
        [self.prepare, self.commit, self.view_change].into_iter().flatten()
    }
}

/// My votes above the floor.
#[derive(Debug, Clone, Default)]
pub struct Signed {
    floor: View,
    views: BTreeMap<View, Mine>,
}

impl Signed {
    pub fn floor(&self) -> View {
        self.floor
    }

    /// Raises the floor: never sign at or below it. Votes below are forgotten, which is what makes the floor needed.
    pub fn raise_floor(&mut self, floor: View) {
        self.floor = self.floor.max(floor);
        self.views = self.views.split_off(&self.floor.next());
    }

    pub fn at(&self, view: View) -> Mine {
        self.views.get(&view).copied().unwrap_or_default()
    }

    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (View, &Mine)> {
        self.views.iter().map(|(view, mine)| (*view, mine))
    }

    /// Those of the views from `first` to `last`; none if they are in the other order.
    pub fn range(&self, first: View, last: View) -> impl Iterator<Item = (View, &Mine)> {
        let range = (first <= last).then(|| self.views.range(first..=last));
        range.into_iter().flatten().map(|(view, mine)| (*view, mine))
    }

    /// All of them, by view.
    pub fn votes(&self) -> impl Iterator<Item = Vote> + '_ {
        self.views.values().flat_map(Mine::votes)
    }

    pub fn highest_view(&self) -> View {
        self.views.last_key_value().map_or(View(0), |(view, _)| *view)
    }

    /// R4: one Prepare a view, and none after ViewChange.
    pub fn may_prepare(&self, view: View) -> bool {
        let mine = self.at(view);
        view > self.floor && mine.prepare.is_none() && mine.view_change.is_none()
    }

    /// R5: never after ViewChange.
    pub fn may_commit(&self, view: View) -> bool {
        let mine = self.at(view);
        view > self.floor && mine.commit.is_none() && mine.view_change.is_none()
    }

    /// R6: never after Commit.
    pub fn may_change_view(&self, view: View) -> bool {
        let mine = self.at(view);
        view > self.floor && mine.commit.is_none() && mine.view_change.is_none()
    }

    /// Enters a vote of mine: just decided, or read back from the log.
    pub fn insert(&mut self, vote: Vote) {
        if vote.view() <= self.floor {
            return;
        }
        let mine = self.views.entry(vote.view()).or_default();
        let place = match vote.ballot.choice {
            Choice::Prepare(_) => &mut mine.prepare,
            Choice::Commit(_) => &mut mine.commit,
            Choice::ViewChange => &mut mine.view_change,
        };
        *place = Some(vote);
    }

    /// Whether a vote in my name is one that I know, or that the floor covers.
    pub fn accounts_for(&self, vote: &Vote) -> bool {
        vote.view() <= self.floor || self.at(vote.view()).votes().any(|mine| mine.ballot == vote.ballot)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::{Epoch, Signature, ValidatorIndex};
    use crate::vote::Ballot;

    fn vote(view: u64, choice: Choice) -> Vote {
        let ballot = Ballot { epoch: Epoch(1), view: View(view), choice };
        Vote { ballot, voter: ValidatorIndex(0), signature: Signature([0; 64]) }
    }

    const BLOCK: Hash = Hash([1; 32]);

    #[test]
    fn one_prepare_in_a_view() {
        let mut signed = Signed::default();
        assert!(signed.may_prepare(View(1)));
        signed.insert(vote(1, Choice::Prepare(BLOCK)));
        assert!(!signed.may_prepare(View(1)));
        assert!(signed.may_prepare(View(2)));
        assert!(signed.may_change_view(View(1)), "Prepare, then ViewChange is legal");
    }

    #[test]
    fn commit_and_view_change_exclude_each_other_in_either_order() {
        let mut signed = Signed::default();
        signed.insert(vote(1, Choice::Commit(BLOCK)));
        assert!(!signed.may_change_view(View(1)));
        signed.insert(vote(2, Choice::ViewChange));
        assert!(!signed.may_commit(View(2)));
        assert!(!signed.may_prepare(View(2)));
    }

    #[test]
    fn nothing_is_signed_at_or_below_the_floor() {
        let mut signed = Signed::default();
        signed.raise_floor(View(5));
        assert!(!signed.may_prepare(View(5)) && !signed.may_commit(View(4)) && !signed.may_change_view(View(1)));
        assert!(signed.may_prepare(View(6)) && signed.may_commit(View(6)) && signed.may_change_view(View(6)));
        signed.raise_floor(View(3));
        assert_eq!(signed.floor(), View(5));
    }

    #[test]
    fn a_foreign_vote_in_my_name_is_noticed_above_the_floor() {
        let mut signed = Signed::default();
        signed.insert(vote(7, Choice::Prepare(BLOCK)));
        assert!(signed.accounts_for(&vote(7, Choice::Prepare(BLOCK))));
        assert!(!signed.accounts_for(&vote(7, Choice::Prepare(Hash([2; 32])))));
        assert!(!signed.accounts_for(&vote(8, Choice::ViewChange)));
        signed.raise_floor(View(8));
        assert!(signed.accounts_for(&vote(8, Choice::ViewChange)));
    }
}
