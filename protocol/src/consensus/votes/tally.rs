//! Votes by view until they form a certificate: one for each kind and validator.

use crate::certificate::Certificate;
use crate::quorum::ValidatorSet;
use crate::types::{Hash, Signature, Stake, ValidatorIndex, View};
use crate::verify::Verified;
use crate::vote::{Choice, Vote, VoteKind};
use alloc::collections::BTreeMap;
use alloc::vec::Vec;

/// Views ahead of mine whose votes are kept.
pub const VIEWS_AHEAD_MAX: u64 = 8;

#[derive(Debug, Default)]
struct OneView {
    votes: BTreeMap<(VoteKind, ValidatorIndex), Vote>,
    formed: Vec<VoteKind>,
}

/// Votes that may still matter.
#[derive(Debug, Default)]
pub struct Tally {
    views: BTreeMap<View, OneView>,
}

/// What a vote did.
#[derive(Debug, PartialEq, Eq)]
pub enum Counted {
    Known,
    New,
    /// It completed a quorum.
    Certificate(Certificate),
    /// R11: it contradicts this vote of the same validator, which stays counted.
    Contradicts(Vote),
}

impl Tally {
    /// Counts a vote; the caller has judged that its view matters.
    pub fn insert(&mut self, set: &ValidatorSet, vote: Verified<Vote>) -> Counted {
        let vote = vote.into_inner();
        let kind = vote.ballot.choice.kind();
        let view = self.views.entry(vote.view()).or_default();
        if let Some(other) = view.votes.get(&(kind, vote.voter)) {
            return if other.ballot == vote.ballot { Counted::Known } else { Counted::Contradicts(*other) };
        }
        let contradiction = match kind {
            VoteKind::Commit => view.votes.get(&(VoteKind::ViewChange, vote.voter)).copied(),
            VoteKind::ViewChange => view.votes.get(&(VoteKind::Commit, vote.voter)).copied(),
            VoteKind::Prepare => None,
        };
        view.votes.insert((kind, vote.voter), vote);
        if let Some(other) = contradiction {
            return Counted::Contradicts(other);
        }
        if view.formed.contains(&kind) {
            return Counted::New;
        }
        let same: Vec<(ValidatorIndex, Signature)> = view
            .votes
            .range((kind, ValidatorIndex(0))..=(kind, ValidatorIndex(u16::MAX)))
            .filter(|(_, other)| other.ballot == vote.ballot)
            .map(|((_, voter), other)| (*voter, other.signature))
            .collect();
        if !set.is_quorum(set.stake_of(same.iter().map(|(voter, _)| *voter))) {
            return Counted::New;
        }
        view.formed.push(kind);
        Counted::Certificate(Certificate { ballot: vote.ballot, signatures: same })
    }

    /// Who voted so in a view, for whatever block.
    pub fn voters(&self, view: View, kind: VoteKind) -> impl Iterator<Item = ValidatorIndex> + '_ {
        let votes = self.views.get(&view).into_iter();
        votes.flat_map(move |one| {
            one.votes.range((kind, ValidatorIndex(0))..=(kind, ValidatorIndex(u16::MAX))).map(|((_, voter), _)| *voter)
        })
    }

    pub fn stake(&self, set: &ValidatorSet, view: View, kind: VoteKind) -> Stake {
        set.stake_of(self.voters(view, kind))
    }

    pub fn has(&self, view: View, kind: VoteKind, voter: ValidatorIndex) -> bool {
        self.views.get(&view).is_some_and(|one| one.votes.contains_key(&(kind, voter)))
    }

    /// Whether this validator's Prepare of (view, block) is held.
    pub fn has_prepare(&self, view: View, block: Hash, voter: ValidatorIndex) -> bool {
        let vote = self.views.get(&view).and_then(|one| one.votes.get(&(VoteKind::Prepare, voter)));
        vote.is_some_and(|vote| vote.ballot.choice == Choice::Prepare(block))
    }

    /// The newest votes of one validator, newest first.
    pub fn newest_of(&self, voter: ValidatorIndex) -> impl Iterator<Item = Vote> + '_ {
        let kinds = [VoteKind::Commit, VoteKind::ViewChange, VoteKind::Prepare];
        self.views
            .iter()
            .rev()
            .flat_map(move |(_, one)| kinds.into_iter().filter_map(move |kind| one.votes.get(&(kind, voter)).copied()))
    }

    /// Forgets everything at or below a view.
    pub fn forget_through(&mut self, view: View) {
        self.views = self.views.split_off(&view.next());
    }
}
