//! Sends what was said before again, whoever said it: votes of all, those of the peer itself included, certificates, and
//! its own proposals.

use super::{Behaviour, Hand};
use protocol::message::Message;
use protocol::types::ValidatorIndex;

#[derive(Default)]
pub struct OldVotes {
    kept: Vec<Message>,
    said: u64,
}

/// What is kept to be said again.
const KEPT_MAX: usize = 500;
/// Old ones with each new one.
const TOGETHER: usize = 3;

impl OldVotes {
    fn keep(&mut self, message: &Message) {
        let is_old_soon = matches!(message, Message::Vote { .. } | Message::Certificate(_) | Message::Proposal(_));
        if !is_old_soon || self.kept.contains(message) {
            return;
        }
        if self.kept.len() < KEPT_MAX {
            self.kept.push(message.clone());
        } else {
            // The oldest stay: they are the most false.
            let place = KEPT_MAX / 2 + self.said as usize % (KEPT_MAX / 2);
            self.kept[place] = message.clone();
        }
    }
}

impl Behaviour for OldVotes {
    fn say(&mut self, _hand: &Hand, _to: ValidatorIndex, message: Message) -> Vec<Message> {
        self.keep(&message);
        let mut all = vec![message];
        for _ in 0..TOGETHER {
            self.said += 1;
            // A stride that meets all of them, old and new in turn.
            let place = (self.said as usize).wrapping_mul(7_919) % self.kept.len().max(1);
            all.extend(self.kept.get(place).cloned());
        }
        all
    }

    fn hear(&mut self, _from: ValidatorIndex, message: &Message) {
        self.keep(message);
    }
}
