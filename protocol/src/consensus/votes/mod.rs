//! What validators have voted: single votes until they form a certificate, the certificates that still matter, and the
//! Prepare votes that a block may include.
//!
//! Whether a vote counts is decided here (R1, R11); what a certificate causes is not: those that are formed or received wait
//! here until consensus acts on them.

mod carry;
mod certificates;
mod newest;
mod runs;
mod tally;

use super::events::Contradiction;
use crate::block::Block;
use crate::certificate::Certificate;
use crate::quorum::ValidatorSet;
use crate::types::{Hash, ValidatorIndex, View};
use crate::verify::Verified;
use crate::vote::{Choice, Vote, VoteKind};
use alloc::collections::{BTreeSet, VecDeque};
use alloc::sync::Arc;
use alloc::vec::Vec;
pub use carry::Carry;
pub use certificates::Certificates;
use newest::Newest;
pub use runs::Runs;
use tally::Counted;
pub use tally::{Tally, VIEWS_AHEAD_MAX};

/// What a certificate says about my own timer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// It was made of votes here, or came for my view or an earlier one: the view took as long as it took.
    Current,
    /// It came as an answer, or for a view ahead of mine: it says nothing.
    Fetched,
}

/// A certificate that waits to be acted upon.
#[derive(Debug)]
pub struct Waiting {
    pub certificate: Certificate,
    pub origin: Origin,
}

/// The votes of all validators.
pub struct Votes {
    set: Arc<ValidatorSet>,
    tally: Tally,
    certificates: Certificates,
    carry: Carry,
    newest: Newest,
    waiting: VecDeque<Waiting>,
}

impl Votes {
    pub fn new(set: Arc<ValidatorSet>) -> Self {
        Votes {
            set,
            tally: Tally::default(),
            certificates: Certificates::default(),
            carry: Carry::default(),
            newest: Newest::default(),
            waiting: VecDeque::new(),
        }
    }

    pub fn tally(&self) -> &Tally {
        &self.tally
    }

    pub fn certificates(&self) -> &Certificates {
        &self.certificates
    }

    pub fn carry(&self) -> &Carry {
        &self.carry
    }

    /// R12: what a validator that recovers is told of its own votes: the newest of each kind, and further ones.
    pub fn shown_to(&self, voter: ValidatorIndex) -> impl Iterator<Item = Vote> + '_ {
        let newest: Vec<Vote> = self.newest.of(voter).collect();
        let further =
            self.tally.newest_of(voter).filter(move |vote| !self.newest.of(voter).any(|newest| newest == *vote));
        newest.into_iter().chain(further)
    }

    /// A verified vote of any view was seen.
    pub fn saw(&mut self, vote: &Vote) {
        self.newest.saw(*vote);
    }

    /// A Prepare certificate of the block, if votes of a quorum in one view are held for inclusion.
    pub fn prepare_of(&self, block: &Hash) -> Option<Certificate> {
        self.carry.certificate(&self.set, block)
    }

    /// Whether votes of a view count at all, for one who is in the view `current`.
    pub fn is_in_reach(current: View, view: View) -> bool {
        view.0 <= current.0.saturating_add(VIEWS_AHEAD_MAX)
    }

    /// Counts a verified vote whose view [`Votes::is_in_reach`]. Votes above the highest Commit certificate's view count even
    /// when their view is past; those at or below it are dropped, except Prepares that a block may still include. Returns
    /// what it contradicts (R11).
    pub fn count(&mut self, vote: Verified<Vote>) -> Option<Contradiction> {
        if vote.view() <= self.certificates.commit_view() {
            if matches!(vote.ballot.choice, Choice::Prepare(block) if self.carry.has(&block)) {
                self.carry.insert(&vote);
            }
            return None;
        }
        let second = *vote;
        match self.tally.insert(&self.set, vote) {
            // Only the first Prepare of a view: a peer that sends thousands takes one place.
            Counted::Known | Counted::New => self.carry.insert(&second),
            Counted::Certificate(certificate) => {
                self.carry.insert(&second);
                self.wait(certificate, Origin::Current);
            }
            Counted::Contradicts(first) => return Some(Contradiction { first, second }),
        }
        None
    }

    /// Counts the votes of a certificate, as if they had come by themselves. Returns what they contradict (R11).
    pub fn count_those_of(&mut self, certificate: &Certificate) -> Vec<Contradiction> {
        if certificate.view() <= self.certificates.commit_view() {
            return Vec::new();
        }
        self.tally.enter(certificate).into_iter().map(|(first, second)| Contradiction { first, second }).collect()
    }

    /// A certificate that consensus acts on, if it is new and still matters.
    pub fn enter(&mut self, certificate: &Certificate) -> bool {
        certificate.votes().for_each(|vote| self.newest.saw(vote));
        let new = self.certificates.insert(certificate);
        match certificate.ballot.choice {
            Choice::Prepare(block) if new || self.carry.has(&block) => self.carry.insert_certificate(certificate),
            Choice::Commit(_) if new => self.tally.forget_through(certificate.view()),
            Choice::Prepare(_) | Choice::Commit(_) | Choice::ViewChange => {}
        }
        new
    }

    /// A vote for inclusion that a block or my own log shows.
    pub fn include(&mut self, vote: &Vote) {
        self.carry.insert(vote);
    }

    /// The votes that a block includes.
    pub fn include_all_of(&mut self, block: &Block) {
        block.body.carried.iter().flat_map(|carried| carried.votes()).for_each(|vote| self.carry.insert(&vote));
    }

    /// The same, of the blocks whose votes are held already: a proposal that is not decided upon takes no places.
    pub fn include_known_of(&mut self, block: &Block) {
        for carried in &block.body.carried {
            if self.carry.has(&carried.block) {
                carried.votes().for_each(|vote| self.carry.insert(&vote));
            }
        }
    }

    /// Keeps the votes for inclusion of these blocks only.
    pub fn retain(&mut self, blocks: &BTreeSet<Hash>) {
        self.carry.retain(blocks);
    }

    /// A certificate that is to be acted upon.
    pub fn wait(&mut self, certificate: Certificate, origin: Origin) {
        self.waiting.push_back(Waiting { certificate, origin });
    }

    pub fn next_waiting(&mut self) -> Option<Waiting> {
        self.waiting.pop_front()
    }

    pub fn is_any_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// A certificate of the log, or of the database.
    pub fn restore_certificate(&mut self, certificate: &Certificate) {
        certificate.votes().for_each(|vote| self.newest.saw(vote));
        self.certificates.insert(certificate);
        if certificate.kind() == VoteKind::Prepare {
            self.carry.insert_certificate(certificate);
        }
    }

    /// A vote of mine, once all of the log's certificates are restored. Alone they make no certificate, but in a network of one
    /// they do.
    pub fn restore(&mut self, vote: Vote) {
        if vote.view() > self.certificates.commit_view()
            && let Counted::Certificate(certificate) = self.tally.insert(&self.set, Verified::own(vote))
        {
            self.wait(certificate, Origin::Fetched);
        }
    }
}
