//! Never proposes. It votes in the views of others, so that it is heard, and does not give up on its own, so that the
//! others wait for their timers.

use super::{Behaviour, Hand, vote_in};
use protocol::message::Message;
use protocol::types::ValidatorIndex;

pub struct SilentLeader;

impl Behaviour for SilentLeader {
    fn say(&mut self, hand: &Hand, _to: ValidatorIndex, message: Message) -> Vec<Message> {
        if vote_in(&message).is_some_and(|vote| hand.leads(vote.view())) { Vec::new() } else { vec![message] }
    }
}
