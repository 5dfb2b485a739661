//! Announces Ready for every proof that anybody confirms, whatever its own solver says, and prepares nothing while it
//! counts. So proofs that an honest validator cannot confirm look proposable, and cost a view each time. Its late Prepares
//! and its own proposals go out: they earn its reward, and by them it is believed again.

use super::{Behaviour, Hand};
use protocol::message::{Message, Word, limits};
use protocol::types::{Hash, ValidatorIndex, View};
use protocol::vote::{Vote, VoteKind};
use std::collections::{BTreeMap, BTreeSet};

#[derive(Default)]
pub struct Withholds {
    ready: BTreeMap<Hash, Word>,
    told: BTreeSet<(ValidatorIndex, Hash)>,
    /// Where it is, by its last status.
    view: View,
}

impl Withholds {
    /// What it did not announce to this peer yet.
    fn announce(&mut self, to: ValidatorIndex) -> Option<Message> {
        let new = self.ready.iter().filter(|(proof, _)| !self.told.contains(&(to, **proof)));
        let words: Vec<(Hash, Word)> = new.map(|(proof, word)| (*proof, *word)).take(limits::WORDS_MAX).collect();
        self.told.extend(words.iter().map(|(proof, _)| (to, *proof)));
        (!words.is_empty()).then_some(Message::Checked(words))
    }

    fn learn(&mut self, words: &[(Hash, Word)]) {
        for (proof, word) in words {
            match word {
                Word::Confirmed(count) | Word::ConfirmedBeyondSoft(count) => {
                    self.ready.entry(*proof).or_insert(Word::Confirmed(*count));
                }
                Word::Refuted | Word::NoVerdict => {}
            }
        }
    }
}

impl Behaviour for Withholds {
    fn say(&mut self, _hand: &Hand, to: ValidatorIndex, message: Message) -> Vec<Message> {
        if let Message::Testimony(_) = &message {
            // Perhaps of a new session: its words lapsed with the old one.
            self.told.retain(|(peer, _)| *peer != to);
        }
        if let Message::Checked(words) = &message {
            self.learn(words);
        }
        if let Message::Status(status) = &message {
            self.view = status.view;
        }
        let counts = |vote: &Vote| vote.ballot.choice.kind() == VoteKind::Prepare && vote.view() >= self.view;
        let is_withheld = matches!(&message, Message::Vote { vote, .. } if counts(vote));
        let passes = !is_withheld && !matches!(message, Message::Checked(_));
        passes.then_some(message).into_iter().chain(self.announce(to)).collect()
    }

    fn hear(&mut self, _from: ValidatorIndex, message: &Message) {
        if let Message::Checked(words) = message {
            self.learn(words);
        }
    }
}
