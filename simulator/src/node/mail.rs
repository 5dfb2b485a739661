//! Mailboxes: what waits for each part.

use protocol::consensus::events::{Input, Notice};
use protocol::types::{Millis, ValidatorIndex};
use protocol::validator::route::{MempoolInput, Part};
use protocol::validator::sessions::{Change, Session, SessionEvent, SessionNumber, Sessions};
use std::collections::{BTreeMap, VecDeque};

/// Something for a part.
pub(super) enum Mail<I> {
    /// Of the validator's own; it is delivered again until it is taken.
    Own(I),
    Session(SessionEvent),
    /// Came in a session.
    From(Session, I),
}

impl<I> Mail<I> {
    /// What a part makes of it, by its own account of the sessions: the input that counts, and what it is told before.
    ///
    /// # Panics
    /// If the part does not hear a peer whose session is open.
    pub fn open(
        self,
        heard: &mut Sessions,
        table: &BTreeMap<ValidatorIndex, SessionNumber>,
    ) -> (Option<I>, Vec<Change>) {
        match self {
            Mail::Own(input) => (Some(input), Vec::new()),
            Mail::Session(event) => (None, heard.on(event)),
            Mail::From(session, input) => {
                let (is_heard, changes) = heard.hear(session);
                let is_open = table.get(&session.peer) == Some(&session.number);
                assert!(
                    is_heard || !is_open,
                    "session {} with {} is open, and not heard",
                    session.number.0,
                    session.peer
                );
                (is_heard.then_some(input), changes)
            }
        }
    }
}

pub(super) struct Mailbox<I> {
    mail: VecDeque<Mail<I>>,
    /// Until then it takes nothing from the network.
    pub full_until: Millis,
}

impl<I> Default for Mailbox<I> {
    fn default() -> Self {
        Mailbox { mail: VecDeque::new(), full_until: Millis(0) }
    }
}

impl<I> Mailbox<I> {
    pub fn own(&mut self, input: I) {
        self.mail.push_back(Mail::Own(input));
    }

    /// From the network, which does not try again. Whether it is taken.
    pub fn put(&mut self, now: Millis, mail: Mail<I>) -> bool {
        let takes = now >= self.full_until;
        if takes {
            self.mail.push_back(mail);
        }
        takes
    }

    pub fn next(&mut self) -> Option<Mail<I>> {
        self.mail.pop_front()
    }

    pub fn is_empty(&self) -> bool {
        self.mail.is_empty()
    }
}

#[derive(Default)]
pub(super) struct Mailboxes {
    pub consensus: Mailbox<Input>,
    pub view_change: Mailbox<Notice>,
    pub leader_election: Mailbox<Notice>,
    pub mempool: Mailbox<MempoolInput>,
    /// A tick of the mempool's waits.
    pub mempool_ticks: bool,
}

impl Mailboxes {
    pub fn fill(&mut self, part: Part, until: Millis) {
        match part {
            Part::Consensus => self.consensus.full_until = until,
            Part::ViewChange => self.view_change.full_until = until,
            Part::LeaderElection => self.leader_election.full_until = until,
            // What these take comes from the validator's own parts.
            Part::Mempool | Part::VerifierPool | Part::State => self.mempool.full_until = until,
        }
    }
}
