//! The only place that signs, and that records votes: the rules R3 to R6 and R12 on what this validator may vote.
//!
//! The key, the vote history and the vote log are private to this folder. Whoever wants a vote asks [`Safety::propose`],
//! [`Safety::prepare`], [`Safety::commit`] or [`Safety::view_change`]: each checks what was signed before, records the
//! justification and the vote, and only then hands it out. The caller sends and counts it, and can do nothing else.

mod history;
mod log_book;
mod signed;

use super::events::{Record, UnknownHistory};
use super::validation::{Timing, Valid};
use super::votes::Certificates;
use crate::block::Block;
use crate::certificate::Certificate;
use crate::message::{Proposal, Testimony};
use crate::quorum::ValidatorSet;
use crate::schedule::Schedule;
use crate::signature::Signer;
use crate::types::{Hash, Millis, ValidatorIndex, View};
use crate::vote::{Ballot, Choice, Vote, VoteKind};
use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
pub use history::Hearing;
use history::{History, Resolution};
use log_book::LogBook;
use signed::Signed;

/// One validator's right to sign.
pub struct Safety {
    set: Arc<ValidatorSet>,
    schedule: Arc<Schedule>,
    me: ValidatorIndex,
    signer: Box<dyn Signer>,
    signed: Signed,
    history: History,
    log: LogBook,
    halted: bool,
}

/// What a leader is about to propose.
pub struct Draft {
    pub view: View,
    /// The block's id.
    pub id: Hash,
    pub block: Block,
    /// The certificate of exactly (u, parent); none for the genesis.
    pub parent: Option<Certificate>,
    /// The newest ViewChange certificates of the views between, ascending.
    pub skipped: Vec<Certificate>,
}

/// What a recovery response tells.
pub enum Heard {
    /// A vote of mine that my log lacks.
    Loss(Loss),
    /// Nothing that I must not contradict, but for these votes of mine, which are in the log from now on.
    Response(Vec<Vote>),
}

/// What a vote of mine that my log lacks says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Loss {
    /// Nothing new: the log is known to be lost.
    Known,
    /// The log is lost, and says so now.
    Noticed,
    /// It is of this view, above the floor that others set since my start: another process signed it.
    Twin(View),
}

impl Safety {
    pub fn new(set: Arc<ValidatorSet>, schedule: Arc<Schedule>, me: ValidatorIndex, signer: Box<dyn Signer>) -> Self {
        Safety {
            set,
            schedule,
            me,
            signer,
            signed: Signed::default(),
            history: History::new(me, None),
            log: LogBook::default(),
            halted: false,
        }
    }

    /// R12: nothing is signed while the vote history is unknown, or after a halt.
    pub fn may_sign(&self) -> bool {
        !self.history.is_unknown() && !self.halted
    }

    /// R4, R12: whether a Prepare in this view may be signed, as far as that is a matter of what was.
    pub fn may_prepare(&self, view: View) -> bool {
        self.may_sign() && self.signed.may_prepare(view)
    }

    /// What I have signed.
    pub fn signed(&self) -> &Signed {
        &self.signed
    }

    /// R3: one record holds the proposal and my Prepare vote for it. None if this view has my Prepare or ViewChange.
    ///
    /// # Panics
    /// If the view is another's to lead, or a view between the parent's and this one has no ViewChange certificate.
    pub fn propose(&mut self, draft: Draft, certificates: &Certificates) -> Option<Proposal> {
        let Draft { view, id, block, parent, skipped } = draft;
        if !self.may_prepare(view) {
            return None;
        }
        assert_eq!(self.schedule.leader(view), self.me, "R3: only the leader of view {} proposes in it", view.0);
        let vote = self.sign(view, Choice::Prepare(id));
        let proposal = Proposal { block, parent, skipped, vote };
        self.justify_prepare(&proposal, Timing::InTime, certificates);
        self.log.append(Record::Proposal(Box::new(proposal.clone())));
        Some(proposal)
    }

    /// R4: Prepare, for a valid proposal, once per view. None if this view has my Prepare or ViewChange.
    ///
    /// # Panics
    /// If another than its leader proposed it, or it is of the current view and a view between the parent's and this one
    /// has no ViewChange certificate.
    pub fn prepare(&mut self, valid: &Valid<'_>, certificates: &Certificates) -> Option<Vote> {
        let proposal = valid.proposal();
        let view = proposal.view();
        if !self.may_prepare(view) {
            return None;
        }
        assert_eq!(self.schedule.leader(view), proposal.vote.voter, "R4: the leader of view {} proposes in it", view.0);
        self.justify_prepare(proposal, valid.timing(), certificates);
        self.log.append(Record::Proposal(Box::new(proposal.clone())));
        Some(self.cast(view, Choice::Prepare(valid.id())))
    }

    /// R5: Commit, by the Prepare certificate of exactly (view, block). None after ViewChange, or if it was signed already.
    ///
    /// # Panics
    /// If it is no Prepare certificate of a quorum.
    pub fn commit(&mut self, prepared: &Certificate) -> Option<Vote> {
        let view = prepared.view();
        if !self.may_sign() || !self.signed.may_commit(view) {
            return None;
        }
        let Choice::Prepare(block) = prepared.ballot.choice else {
            panic!("R5: a Commit rests on a Prepare certificate, not on {:?}", prepared.ballot)
        };
        assert!(prepared.has_quorum(&self.set), "R5: a Commit rests on a quorum");
        self.log.justify(prepared);
        Some(self.cast(view, Choice::Commit(block)))
    }

    /// R6: ViewChange for the current view, which was entered by this certificate. None after Commit, or if it was signed
    /// already.
    ///
    /// # Panics
    /// If the certificate is of another view than the one before.
    pub fn view_change(&mut self, view: View, entry: Option<&Certificate>) -> Option<Vote> {
        if !self.may_sign() || !self.signed.may_change_view(view) {
            return None;
        }
        if let Some(entry) = entry {
            assert_eq!(entry.view().next(), view, "R6: only the current view, which this certificate entered");
            self.log.justify(entry);
        }
        Some(self.cast(view, Choice::ViewChange))
    }

    /// Signs a ballot and enters it among what is decided, before anything else can be.
    fn sign(&mut self, view: View, choice: Choice) -> Vote {
        let ballot = Ballot { epoch: self.set.epoch(), view, choice };
        let vote = Vote::sign(&self.set, &*self.signer, self.me, ballot);
        self.signed.insert(vote);
        vote
    }

    /// The record comes first: nothing leaves before it is durable.
    fn cast(&mut self, view: View, choice: Choice) -> Vote {
        let vote = self.sign(view, choice);
        self.log.append(Record::Vote(vote));
        vote
    }

    /// R4: the ViewChange certificates that justify a proposal, and that it does not bring along, go into the log before it.
    fn justify_prepare(&mut self, proposal: &Proposal, timing: Timing, certificates: &Certificates) {
        let (parent, view) = (proposal.parent_view(), proposal.view());
        match timing {
            Timing::InTime => {
                let first = certificates.not_given_up(parent, view).map(|(first, _)| first.0);
                assert!(first.is_none(), "R4: view {} is skipped without its end", first.unwrap_or_default());
            }
            // What lies below the highest Commit is not kept.
            Timing::Late => {}
        }
        let first = View(parent.0.saturating_add(1)).max(certificates.commit_view().next());
        let new: Vec<View> = self.log.without_view_change(first, view.previous()).collect();
        for certificate in new.into_iter().filter_map(|between| certificates.view_change(between)) {
            let brought = proposal.skipped.iter().any(|skipped| skipped.view() == certificate.view());
            if !brought {
                self.log.justify(certificate);
            }
        }
    }

    /// R12: a vote of mine that others hold and that is missing here, above the floor.
    pub fn missing(&self, mut votes: impl Iterator<Item = Vote>) -> Option<Vote> {
        votes.find(|vote| self.misses(vote))
    }

    fn misses(&self, vote: &Vote) -> bool {
        vote.voter == self.me && !self.signed.accounts_for(vote)
    }

    /// R12: others hold a vote of mine that the log lacks. Nothing is signed until recovery responses have come in new
    /// sessions; or never, if it cannot be one of this process or of one before it.
    pub fn lose(&mut self, vote: &Vote) -> Loss {
        if self.history.is_lost() {
            return Loss::Known;
        }
        if self.history.is_healed_by_others() {
            return Loss::Twin(vote.view());
        }
        self.history.lose();
        self.log.append(Record::Unknown(UnknownHistory::Lost));
        Loss::Noticed
    }

    /// R12: takes a peer's recovery response.
    pub fn hear(&mut self, from: ValidatorIndex, response: &Testimony) -> Heard {
        let missing: Vec<Vote> = response.yours.iter().filter(|vote| self.misses(vote)).copied().collect();
        if let Some(vote) = missing.first() {
            match self.lose(vote) {
                Loss::Known => {}
                loss @ (Loss::Noticed | Loss::Twin(_)) => return Heard::Loss(loss),
            }
        }
        let taken = if self.history.takes_votes() { missing } else { Vec::new() };
        for vote in &taken {
            // Only others hold it: I may sign in its view again, and then must not contradict it.
            self.signed.insert(*vote);
            self.log.append(Record::Vote(*vote));
        }
        self.history.hear(from, response);
        Heard::Response(taken)
    }

    /// R12: signs from here on if enough peers have responded, for a validator that is in this view by this certificate. Says
    /// whether that is so since now.
    pub fn resolve(&mut self, view: View, entry: Option<&Certificate>, hearing: &Hearing<'_>) -> bool {
        let Some(resolution) = self.history.resolve(&self.set, view, hearing) else { return false };
        match resolution {
            Resolution::AsItIs => {}
            Resolution::Floor(floor) => self.signed.raise_floor(floor),
        }
        self.history.end();
        // Others that lose their log later rest on where I am: that has to survive a restart, like a vote of this view.
        if let Some(entry) = entry {
            self.log.justify(entry);
        }
        self.log.append(Record::Floor(self.signed.floor()));
        true
    }

    /// R12: the operator takes the risk.
    pub fn accept(&mut self) {
        self.history.accept();
    }

    /// When a recovery state may end without a further response.
    pub fn wakeup(&self) -> Option<Millis> {
        self.history.wakeup()
    }

    /// R12: why nothing is signed, if so.
    pub fn unknown(&self) -> Option<UnknownHistory> {
        self.history.unknown()
    }

    /// My own recovery response does not count for others that lost their log.
    pub fn is_lost(&self) -> bool {
        self.history.is_lost()
    }

    /// Peers whose recovery response has come.
    pub fn told(&self) -> impl Iterator<Item = ValidatorIndex> + '_ {
        self.history.told()
    }

    /// The process must end: nothing is signed any more.
    pub fn halt(&mut self) {
        self.halted = true;
    }

    pub fn is_halted(&self) -> bool {
        self.halted
    }

    /// Takes back a record of the log, in its order.
    pub fn restore(&mut self, record: &Record) {
        self.log.restore(record);
        match record {
            Record::Unknown(kind) => self.history.restore(*kind),
            Record::Floor(floor) => {
                self.history.end();
                self.signed.raise_floor(*floor);
            }
            Record::Vote(vote) => self.signed.insert(*vote),
            Record::Proposal(proposal) if proposal.vote.voter == self.me => self.signed.insert(proposal.vote),
            Record::Proposal(_) | Record::Certificate(_) | Record::Block(_) => {}
        }
    }

    /// A certificate that is to be in the log, and needs no fsync of its own.
    pub fn defer(&mut self, certificate: &Certificate) {
        debug_assert_eq!(certificate.kind(), VoteKind::Commit, "others go with the vote that they justify");
        self.log.defer(certificate.clone());
    }

    /// Whether the log is worth shortening. While the history is unknown it is left as it is.
    pub fn is_log_long(&self, records_max: usize) -> bool {
        !self.history.is_unknown() && self.log.is_long(records_max)
    }

    /// The log's content, written anew: the floor, what justifies my votes above it, the blocks that only the log has, and
    /// those votes. The floor takes the place of what is left out (R12).
    pub fn shorten<'a>(
        &mut self,
        floor: View,
        justifications: impl Iterator<Item = Record>,
        proposals: impl Iterator<Item = &'a Proposal>,
    ) -> Vec<Record> {
        self.signed.raise_floor(floor);
        let prepared = proposals.filter(|proposal| self.signed.at(proposal.view()).prepare.is_some());
        let records: Vec<Record> = [Record::Floor(self.signed.floor())]
            .into_iter()
            .chain(justifications)
            .chain(prepared.map(|proposal| Record::Proposal(Box::new(proposal.clone()))))
            .chain(self.signed.votes().map(Record::Vote))
            .collect();
        self.log.restart(&records);
        records
    }

    /// Ends a step: its records, in order.
    pub fn take_records(&mut self) -> Vec<Record> {
        self.log.take()
    }
}

#[cfg(test)]
mod tests;
