//! One validator's log, read as it grows: what is recorded is allowed and justified by what was recorded before.

use super::Broken;
use protocol::certificate::Certificate;
use protocol::consensus::events::Record;
use protocol::message::Proposal;
use protocol::types::{Hash, ValidatorIndex, View};
use protocol::vote::{Choice, Vote, VoteKind};
use std::collections::BTreeMap;

/// My votes in one view, in the log.
#[derive(Debug, Clone, Copy, Default)]
struct Mine {
    prepare: Option<Hash>,
    commit: Option<Hash>,
    view_change: bool,
}

/// What the log says, up to here.
#[derive(Debug, Clone)]
pub struct LogView {
    me: ValidatorIndex,
    unknown: bool,
    floor: View,
    certificates: BTreeMap<(VoteKind, View), Option<Hash>>,
    proposals: BTreeMap<View, Proposal>,
    votes: BTreeMap<View, Mine>,
}

impl LogView {
    pub fn new(me: ValidatorIndex) -> Self {
        LogView {
            me,
            unknown: false,
            floor: View(0),
            certificates: BTreeMap::new(),
            proposals: BTreeMap::new(),
            votes: BTreeMap::new(),
        }
    }

    /// Reads a whole log; what stands in it was checked when it was written.
    pub fn read(me: ValidatorIndex, records: &[Record], base: Option<&Certificate>) -> Self {
        let mut view = LogView::new(me);
        base.into_iter().for_each(|commit| view.enter_certificate(commit));
        records.iter().for_each(|record| view.enter(record));
        view
    }

    pub fn floor(&self) -> View {
        self.floor
    }

    /// Whether its history is unknown (R12).
    pub fn is_unknown(&self) -> bool {
        self.unknown
    }

    /// Whether a vote stands in it, or is covered by its floor.
    pub fn accounts_for(&self, view: View, choice: Choice) -> bool {
        let mine = self.votes.get(&view).copied().unwrap_or_default();
        view <= self.floor
            || match choice {
                Choice::Prepare(block) => mine.prepare == Some(block),
                Choice::Commit(block) => mine.commit == Some(block),
                Choice::ViewChange => mine.view_change,
            }
    }

    /// One more record is durable. The vote in it comes back.
    ///
    /// # Errors
    /// The rule that recording it breaks.
    pub fn recorded(&mut self, record: &Record) -> Result<Option<Vote>, Broken> {
        let vote = match record {
            Record::Vote(vote) => Some(*vote),
            Record::Proposal(proposal) if proposal.vote.voter == self.me => Some(proposal.vote),
            Record::Proposal(_) | Record::Unknown(_) | Record::Floor(_) | Record::Certificate(_) | Record::Block(_) => {
                None
            }
        };
        // A proposal's own certificates justify the vote in it.
        if let (Record::Proposal(proposal), Some(vote)) = (record, vote) {
            self.enter_proposal(proposal);
            self.allowed(&vote)?;
        } else if let Some(vote) = vote {
            self.allowed(&vote)?;
        }
        self.enter(record);
        Ok(vote)
    }

    fn allowed(&self, vote: &Vote) -> Result<(), Broken> {
        let (me, view, choice) = (self.me, vote.view(), vote.ballot.choice);
        let broken = |rule: &str| Err(format!("{rule}: validator {me} records {choice:?} of view {view}"));
        let mine = self.votes.get(&view).copied().unwrap_or_default();
        if vote.voter != me {
            return broken("a foreign vote in the log");
        }
        if self.unknown {
            return broken("R12, signs while its history is unknown");
        }
        if view <= self.floor {
            return broken("R12, signs at or below its floor");
        }
        match choice {
            Choice::Prepare(_) if mine.prepare.is_some() || mine.view_change => {
                broken("R4, Prepare again or after ViewChange")
            }
            Choice::Prepare(block) => self.prepare_is_justified(view, block),
            Choice::Commit(_) if mine.commit.is_some() || mine.view_change => {
                broken("R5, Commit again or after ViewChange")
            }
            Choice::Commit(block) if self.certificates.get(&(VoteKind::Prepare, view)) != Some(&Some(block)) => {
                broken("R5, Commit without the Prepare certificate")
            }
            Choice::ViewChange if mine.commit.is_some() || mine.view_change => {
                broken("R6, ViewChange again or after Commit")
            }
            Choice::ViewChange if !self.has_entered(view) => broken("R6, ViewChange of a view that it has not entered"),
            Choice::Commit(_) | Choice::ViewChange => Ok(()),
        }
    }

    fn prepare_is_justified(&self, view: View, block: Hash) -> Result<(), Broken> {
        let me = self.me;
        let Some(proposal) = self.proposals.get(&view).filter(|proposal| proposal.block.id() == block) else {
            return Err(format!("R4: validator {me} prepares without the block in its log, view {view}"));
        };
        let mut between = proposal.parent_view().next().0..view.0;
        match between.find(|skipped| !self.certificates.contains_key(&(VoteKind::ViewChange, View(*skipped)))) {
            Some(skipped) => {
                Err(format!("R4: validator {me} prepares in view {view} without a ViewChange certificate of {skipped}"))
            }
            None => Ok(()),
        }
    }

    fn has_entered(&self, view: View) -> bool {
        let kinds = [VoteKind::Prepare, VoteKind::Commit, VoteKind::ViewChange];
        let certified = kinds.iter().any(|kind| self.certificates.contains_key(&(*kind, view.previous())));
        view == View(1) || certified || self.votes.contains_key(&view)
    }

    fn enter(&mut self, record: &Record) {
        match record {
            Record::Unknown(_) => self.unknown = true,
            Record::Floor(floor) => {
                self.unknown = false;
                self.floor = *floor;
            }
            Record::Certificate(certificate) => self.enter_certificate(certificate),
            Record::Block(_) => {}
            Record::Proposal(proposal) => {
                self.enter_proposal(proposal);
                if proposal.vote.voter == self.me {
                    self.enter_vote(&proposal.vote);
                }
            }
            Record::Vote(vote) => self.enter_vote(vote),
        }
    }

    fn enter_proposal(&mut self, proposal: &Proposal) {
        proposal.parent.iter().chain(&proposal.skipped).for_each(|certificate| self.enter_certificate(certificate));
        self.proposals.insert(proposal.view(), proposal.clone());
    }

    fn enter_certificate(&mut self, certificate: &Certificate) {
        self.certificates.insert((certificate.kind(), certificate.view()), certificate.block());
    }

    fn enter_vote(&mut self, vote: &Vote) {
        let mine = self.votes.entry(vote.view()).or_default();
        match vote.ballot.choice {
            Choice::Prepare(block) => mine.prepare = Some(block),
            Choice::Commit(block) => mine.commit = Some(block),
            Choice::ViewChange => mine.view_change = true,
        }
    }
}
