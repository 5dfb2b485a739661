//! R12: the newest verified vote of each kind that was seen of every validator, kept across commits.
//!
//! A validator whose vote log is an older copy learns it from these: the tally forgets what is committed. They are in memory
//! alone, at most three for each validator.

use crate::types::ValidatorIndex;
use crate::vote::{Vote, VoteKind};
use alloc::collections::BTreeMap;

#[derive(Debug, Default)]
pub struct Newest(BTreeMap<(ValidatorIndex, VoteKind), Vote>);

impl Newest {
    /// A verified vote was seen, of whatever view.
    pub fn saw(&mut self, vote: Vote) {
        let place = self.0.entry((vote.voter, vote.ballot.choice.kind())).or_insert(vote);
        if vote.view() > place.view() {
            *place = vote;
        }
    }

    /// Those of one validator.
    pub fn of(&self, voter: ValidatorIndex) -> impl Iterator<Item = Vote> + '_ {
        self.0.range((voter, VoteKind::Prepare)..=(voter, VoteKind::ViewChange)).map(|(_, vote)| *vote)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::{Epoch, Hash, Signature, View};
    use crate::vote::{Ballot, Choice};
    use alloc::vec::Vec;

    #[test]
    fn of_each_kind_the_vote_of_the_highest_view_is_kept() {
        let vote = |voter, view, choice| Vote {
            ballot: Ballot { epoch: Epoch(1), view: View(view), choice },
            voter: ValidatorIndex(voter),
            signature: Signature([0; 64]),
        };
        let mut newest = Newest::default();
        let prepare = Choice::Prepare(Hash::ZERO);
        for seen in [vote(1, 5, prepare), vote(1, 4, prepare), vote(1, 3, Choice::ViewChange), vote(2, 9, prepare)] {
            newest.saw(seen);
        }
        let kept: Vec<Vote> = newest.of(ValidatorIndex(1)).collect();
        assert_eq!(kept, [vote(1, 5, prepare), vote(1, 3, Choice::ViewChange)]);
        assert_eq!(newest.of(ValidatorIndex(3)).count(), 0);
    }
}
