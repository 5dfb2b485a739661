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

impl OneView {
    /// Takes a vote in. It completes nothing here.
    fn place(&mut self, vote: Vote) -> Counted {
        let kind = vote.ballot.choice.kind();
        if let Some(other) = self.votes.get(&(kind, vote.voter)) {
            return if other.ballot == vote.ballot { Counted::Known } else { Counted::Contradicts(*other) };
        }
        let contradiction = match kind {
            VoteKind::Commit => self.votes.get(&(VoteKind::ViewChange, vote.voter)).copied(),
            VoteKind::ViewChange => self.votes.get(&(VoteKind::Commit, vote.voter)).copied(),
            VoteKind::Prepare => None,
        };
        self.votes.insert((kind, vote.voter), vote);
        contradiction.map_or(Counted::New, Counted::Contradicts)
    }
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
        let placed = view.place(vote);
        if placed != Counted::New || view.formed.contains(&kind) {
            return placed;
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

    /// Takes in the votes of a certificate, of which others were sent the most: who votes, withholds and contradicts itself is
    /// read from here. Returns each that contradicts another (R11), after that one.
    pub fn enter(&mut self, certificate: &Certificate) -> Vec<(Vote, Vote)> {
        let view = self.views.entry(certificate.view()).or_default();
        if !view.formed.contains(&certificate.kind()) {
            view.formed.push(certificate.kind());
        }
        let contradiction = |vote: Vote| match view.place(vote) {
            Counted::Contradicts(first) => Some((first, vote)),
            Counted::Known | Counted::New | Counted::Certificate(_) => None,
        };
        certificate.votes().filter_map(contradiction).collect()
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::consensus::events::EPOCH;
    use crate::quorum::Validator;
    use crate::types::{NodeId, PublicKey};
    use crate::vote::Ballot;
    use alloc::format;

    const VIEW: View = View(7);

    fn set() -> ValidatorSet {
        let validators = (0..4u8).map(|index| Validator {
            node_id: NodeId::new(&format!("node_{index}")).unwrap(),
            key: PublicKey([index; 32]),
            stake: Stake(10),
        });
        ValidatorSet::new(Hash::ZERO, EPOCH, validators.collect()).unwrap()
    }

    fn vote(voter: u16, choice: Choice) -> Vote {
        let ballot = Ballot { epoch: EPOCH, view: VIEW, choice };
        Vote { voter: ValidatorIndex(voter), ballot, signature: Signature([0; 64]) }
    }

    fn insert(tally: &mut Tally, vote: Vote) -> Counted {
        tally.insert(&set(), Verified::own(vote))
    }

    #[test]
    fn two_votes_of_a_kind_for_different_blocks_contradict_each_other() {
        for choice in [Choice::Prepare, Choice::Commit] {
            let mut tally = Tally::default();
            let first = vote(1, choice(Hash([1; 32])));
            assert_eq!(insert(&mut tally, first), Counted::New);
            assert_eq!(insert(&mut tally, first), Counted::Known, "the same again is none");
            assert_eq!(insert(&mut tally, vote(2, choice(Hash([2; 32])))), Counted::New, "nor is another's");
            assert_eq!(insert(&mut tally, vote(1, choice(Hash([2; 32])))), Counted::Contradicts(first));
        }
    }

    #[test]
    fn votes_of_a_certificate_count_as_seen_and_contradict_others() {
        let mut tally = Tally::default();
        let given_up = vote(1, Choice::ViewChange);
        insert(&mut tally, given_up);
        let commit = Choice::Commit(Hash([1; 32]));
        let ballot = vote(0, commit).ballot;
        let signatures = (0..3).map(|voter| (ValidatorIndex(voter), Signature([0; 64]))).collect();
        let certificate = Certificate { ballot, signatures };
        assert_eq!(tally.enter(&certificate), [(given_up, vote(1, commit))]);
        assert_eq!(tally.voters(VIEW, VoteKind::Commit).count(), 3);
        assert_eq!(insert(&mut tally, vote(3, commit)), Counted::New, "it is formed already");
    }

    #[test]
    fn commit_and_view_change_of_a_view_contradict_each_other_in_either_order() {
        let votes = [vote(1, Choice::Commit(Hash([1; 32]))), vote(1, Choice::ViewChange)];
        for [first, second] in [votes, [votes[1], votes[0]]] {
            let mut tally = Tally::default();
            assert_eq!(insert(&mut tally, first), Counted::New);
            assert_eq!(
                insert(&mut tally, vote(1, Choice::Prepare(Hash([1; 32])))),
                Counted::New,
                "a Prepare goes with both"
            );
            assert_eq!(insert(&mut tally, second), Counted::Contradicts(first));
        }
    }
}
