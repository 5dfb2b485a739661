//! Prepares different blocks in one view: one peer hears of the right one first, one of the other first, one of the other
//! only. The other is the block's parent in one view and a block that nobody has in the next.

use super::{Behaviour, Hand, vote_in};
use protocol::message::Message;
use protocol::types::{Hash, ValidatorIndex, View};
use protocol::vote::Choice;

pub struct TwoPrepares;

impl TwoPrepares {
    fn other(hand: &Hand, view: View, block: &Hash) -> Message {
        let parent = hand.parent(block).filter(|_| view.0.is_multiple_of(2));
        hand.vote(view, Choice::Prepare(parent.unwrap_or_else(|| hand.no_block(view.0))))
    }
}

impl Behaviour for TwoPrepares {
    fn say(&mut self, hand: &Hand, to: ValidatorIndex, message: Message) -> Vec<Message> {
        let Some(vote) = vote_in(&message) else { return vec![message] };
        let Choice::Prepare(block) = vote.ballot.choice else { return vec![message] };
        let other = Self::other(hand, vote.view(), &block);
        match hand.place(to, vote.view()) {
            0 => vec![message, other],
            1 => vec![other, message],
            _ if matches!(message, Message::Proposal(_)) => vec![other, message],
            _ => vec![other],
        }
    }
}
