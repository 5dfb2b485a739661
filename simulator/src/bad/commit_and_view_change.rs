//! Commits and gives up in one view. With its Prepare, before anything is prepared, some peers get a ViewChange, some a
//! Commit, some both; and with each of these votes of the real code the other one.

use super::{Behaviour, Hand, vote_in};
use protocol::message::Message;
use protocol::types::{Hash, ValidatorIndex, View};
use protocol::vote::{Choice, Vote};
use std::collections::BTreeMap;

#[derive(Default)]
pub struct CommitAndViewChange {
    /// What was proposed in each view, as it was heard.
    blocks: BTreeMap<View, Hash>,
}

impl CommitAndViewChange {
    fn early(hand: &Hand, to: ValidatorIndex, vote: &Vote, block: Hash) -> Vec<Message> {
        let view = vote.view();
        let (commit, view_change) = (hand.vote(view, Choice::Commit(block)), hand.vote(view, Choice::ViewChange));
        match hand.place(to, view) {
            0 => vec![view_change],
            1 => vec![commit],
            _ => vec![view_change, commit],
        }
    }
}

impl Behaviour for CommitAndViewChange {
    fn say(&mut self, hand: &Hand, to: ValidatorIndex, message: Message) -> Vec<Message> {
        let Some(vote) = vote_in(&message) else { return vec![message] };
        let view = vote.view();
        let more = match vote.ballot.choice {
            Choice::Prepare(block) => Self::early(hand, to, &vote, block),
            Choice::Commit(_) => vec![hand.vote(view, Choice::ViewChange)],
            Choice::ViewChange => {
                let block = self.blocks.get(&view).copied().unwrap_or_else(|| hand.no_block(view.0));
                vec![hand.vote(view, Choice::Commit(block))]
            }
        };
        [message].into_iter().chain(more).collect()
    }

    fn hear(&mut self, _from: ValidatorIndex, message: &Message) {
        if let Message::Proposal(proposal) = message {
            self.blocks.insert(proposal.view(), proposal.block.id());
        }
    }
}
