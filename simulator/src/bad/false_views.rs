//! Says that it is far behind, or far ahead: in its statuses and testimonies, by votes and proposals of views that are far
//! off, and by what it asks for.

use super::{Behaviour, Hand};
use protocol::certificate::Certificate;
use protocol::message::{Message, Proposal, Status, Testimony, VoterSet};
use protocol::types::{Sequence, ValidatorIndex, View};
use protocol::vote::{Choice, VoteKind};

#[derive(Default)]
pub struct FalseViews {
    said: u64,
    /// The first certificate that it saw: what proves a view that is long past.
    first: Option<Certificate>,
}

const LAST: View = View(u64::MAX);

impl FalseViews {
    fn behind() -> Status {
        Status {
            view: View(1),
            commit: View(0),
            prepare: View(0),
            sequence: Sequence(0),
            proposal: false,
            prepares: VoterSet::default(),
            commits: VoterSet::default(),
            view_changes: VoterSet::default(),
            recovering: true,
        }
    }

    /// It has everything, and everybody's votes.
    fn ahead(hand: &Hand, view: View) -> Status {
        let everybody = || hand.validators().collect();
        Status {
            view,
            commit: view,
            prepare: view,
            sequence: Sequence(u64::MAX),
            proposal: true,
            prepares: everybody(),
            commits: everybody(),
            view_changes: everybody(),
            recovering: false,
        }
    }

    fn status(&mut self, hand: &Hand, to: ValidatorIndex, view: View) -> Vec<Message> {
        self.said += 1;
        let near = View(view.0 + 1 + self.said % 8);
        let status = match (self.said + u64::from(to.0)) % 4 {
            0 => Self::behind(),
            1 => Self::ahead(hand, LAST),
            2 => Self::ahead(hand, near),
            // In this view, and in want of nothing.
            _ => Self::ahead(hand, view),
        };
        let block = hand.no_block(self.said);
        let kind = [VoteKind::Prepare, VoteKind::Commit, VoteKind::ViewChange][(self.said % 3) as usize];
        vec![
            Message::Status(status),
            hand.vote(near, Choice::ViewChange),
            hand.vote(near, Choice::Prepare(block)),
            hand.vote(LAST, Choice::Commit(block)),
            hand.vote(LAST, Choice::ViewChange),
            Message::CertificateRequest { kind, from: View(0), to: LAST },
            Message::BlockRequest { block, above: Sequence(self.said % 2) },
            Message::BlockRequest { block, above: Sequence(u64::MAX) },
        ]
    }

    fn testimony(&mut self, testimony: Testimony) -> Testimony {
        self.said += 1;
        match self.said % 4 {
            0 => Testimony { view: View(1), entry: None, lost: false, ..testimony },
            1 => Testimony { view: LAST, entry: None, ..testimony },
            2 => Testimony { lost: true, ..testimony },
            _ => match self.first.clone() {
                Some(first) => Testimony { view: first.view().next(), entry: Some(first), ..testimony },
                None => testimony,
            },
        }
    }

    /// The same block in its next turn, and in one of its last: nobody may be misled, or overflow.
    fn early(hand: &Hand, proposal: &Proposal) -> Vec<Message> {
        let view = proposal.view().0;
        let near = (view + 1..view + 12).map(View).find(|view| hand.leads(*view));
        let far = (u64::MAX - 12..=u64::MAX).map(View).find(|view| hand.leads(*view));
        let in_view = |view: View| {
            let vote = hand.sign(view, Choice::Prepare(proposal.block.id()));
            Message::Proposal(Box::new(Proposal { vote, ..proposal.clone() }))
        };
        near.into_iter().chain(far).map(in_view).collect()
    }
}

impl Behaviour for FalseViews {
    fn say(&mut self, hand: &Hand, to: ValidatorIndex, message: Message) -> Vec<Message> {
        if let Message::Status(status) = message {
            self.status(hand, to, status.view)
        } else if let Message::Testimony(testimony) = message {
            vec![Message::Testimony(self.testimony(testimony))]
        } else if let Message::Proposal(proposal) = &message {
            let early = Self::early(hand, proposal);
            [message].into_iter().chain(early).collect()
        } else {
            vec![message]
        }
    }

    fn hear(&mut self, _from: ValidatorIndex, message: &Message) {
        if let Message::Certificate(certificate) = message {
            self.first.get_or_insert_with(|| certificate.clone());
        }
    }
}
