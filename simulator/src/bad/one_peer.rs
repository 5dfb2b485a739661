//! Proposes to one peer only, another one in each of its views. That peer prepares, and nobody else can.

use super::{Behaviour, Hand, vote_in};
use protocol::message::Message;
use protocol::types::ValidatorIndex;

pub struct OnePeer;

impl Behaviour for OnePeer {
    fn say(&mut self, hand: &Hand, to: ValidatorIndex, message: Message) -> Vec<Message> {
        let of_mine = vote_in(&message).map(|vote| vote.view()).filter(|view| hand.leads(*view));
        if of_mine.is_none_or(|view| hand.place(to, view) == 0) { vec![message] } else { Vec::new() }
    }
}
