//! Proposes different valid blocks to different peers, with a Prepare for each. In turn: two peers get the second one, so
//! that it is prepared; or each gets another one and the last both; or the last gets none.

use super::{Behaviour, Hand, vote_in};
use protocol::message::{Message, Proposal};
use protocol::types::{ValidatorIndex, View};
use protocol::vote::VoteKind;
use std::collections::BTreeMap;

#[derive(Default)]
pub struct TwoProposals {
    second: BTreeMap<View, Proposal>,
}

/// Which proposal a peer is sent.
#[derive(Clone, Copy)]
enum Which {
    First,
    Second,
    Both,
    None,
}

fn which(hand: &Hand, to: ValidatorIndex, view: View) -> Which {
    match (hand.place(to, view), view.0 / 4 % 3) {
        (0, _) => Which::First,
        (1, _) | (_, 0) => Which::Second,
        (_, 1) => Which::Both,
        _ => Which::None,
    }
}

impl TwoProposals {
    fn propose(&mut self, hand: &Hand, to: ValidatorIndex, proposal: Proposal) -> Vec<Message> {
        let view = proposal.view();
        if let Some(other) = hand.another(&proposal) {
            self.second.entry(view).or_insert(other);
        }
        let first = Message::Proposal(Box::new(proposal));
        // Its parent's ancestry may not have passed through these hands.
        let Some(second) = self.second.get(&view) else { return vec![first] };
        let second = Message::Proposal(Box::new(second.clone()));
        match which(hand, to, view) {
            Which::First => vec![first],
            Which::Second => vec![second],
            Which::Both => vec![first, second],
            Which::None => Vec::new(),
        }
    }
}

impl Behaviour for TwoProposals {
    fn say(&mut self, hand: &Hand, to: ValidatorIndex, message: Message) -> Vec<Message> {
        if let Message::Proposal(proposal) = message {
            return self.propose(hand, to, *proposal);
        }
        let Some(vote) = vote_in(&message).filter(|vote| hand.leads(vote.view())) else { return vec![message] };
        let Some(second) = self.second.get(&vote.view()) else { return vec![message] };
        match (vote.ballot.choice.kind(), which(hand, to, vote.view())) {
            // Who leads and gives up ends its view.
            (VoteKind::ViewChange, _) | (VoteKind::Prepare, Which::None) => Vec::new(),
            (VoteKind::Prepare, Which::Second) => vec![Message::Vote { vote: second.vote, reason: None }],
            (VoteKind::Prepare, Which::First | Which::Both) | (VoteKind::Commit, _) => vec![message],
        }
    }
}
