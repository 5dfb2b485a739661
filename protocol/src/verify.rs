//! Where bytes from outside become verified values: nothing else in this crate accepts a peer's message unverified.
//!
//! Signatures are checked here, outside [`crate::consensus`], so that a session can do it on its own thread.

use crate::block::Block;
use crate::certificate::Certificate;
use crate::message::{Message, Proposal, limits};
use crate::quorum::ValidatorSet;
use crate::schedule::Schedule;
use crate::signature::SignatureCheck;
use crate::types::{Hash, ValidatorIndex, View};
use crate::vote::{Choice, Vote, VoteKind};
use core::ops::Deref;

/// A value whose form and signatures were checked by a function of this module (or that is our own).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified<T>(T);

impl<T> Verified<T> {
    /// Only for what this validator signed or assembled itself, or reads back from its own checked log.
    pub(crate) fn own(value: T) -> Self {
        Verified(value)
    }

    pub fn into_inner(self) -> T {
        self.0
    }
}

impl<T> Deref for Verified<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

/// T3: a Commit vote from its voter's own session, for a view that is committed here already. Its signature is neither checked
/// nor kept, so it cannot be counted, carried, passed on or held against anybody: it shows where its voter is, as the
/// voter's statuses do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LateCommit {
    voter: ValidatorIndex,
    view: View,
}

impl LateCommit {
    /// None for any other vote, and for one that somebody else says: that one is checked, or a forgery would show where
    /// its voter never was.
    pub fn of(set: &ValidatorSet, from: ValidatorIndex, vote: &Vote, committed: View) -> Option<LateCommit> {
        let ballot = &vote.ballot;
        let is_own = vote.voter == from && set.get(from).is_some();
        let is_late = ballot.choice.kind() == VoteKind::Commit && ballot.view <= committed;
        let is_formed = ballot.epoch == set.epoch() && ballot.view > View(0);
        (is_own && is_late && is_formed).then_some(LateCommit { voter: from, view: ballot.view })
    }

    pub fn voter(&self) -> ValidatorIndex {
        self.voter
    }

    pub fn view(&self) -> View {
        self.view
    }
}

/// What a peer did wrong. Every one is the sender's fault and permanent for that message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    #[error("voter {0} is not in the validator set")]
    UnknownVoter(ValidatorIndex),
    #[error("a ballot of epoch {got}, the epoch is {expected}")]
    OtherEpoch { expected: u64, got: u64 },
    #[error("a ballot of view 0, which is the genesis")]
    ViewZero,
    #[error("the signature of voter {0} does not hold")]
    BadSignature(ValidatorIndex),
    #[error("a certificate whose signers are no quorum, or not in order")]
    NoQuorum,
    #[error("a certificate of another kind than its place allows")]
    WrongKind,
    #[error("voter {got} proposed in view {view}, whose leader is {expected}")]
    NotTheLeader { view: View, expected: ValidatorIndex, got: ValidatorIndex },
    #[error("the proposal's vote is not a Prepare for its block")]
    NotItsVote,
    #[error("the header names another body")]
    OtherBody,
    #[error("the block belongs to another chain or epoch")]
    OtherChain,
    #[error("the parent's certificate is of another block")]
    NotItsParent,
    #[error("the views of the proposal's certificates are not in order")]
    ViewsOutOfOrder,
    #[error("too many items: {got}, at most {max}")]
    TooMany { got: usize, max: usize },
    #[error("blocks that do not follow each other")]
    NotLinked,
}

/// Checks everything that a peer can say, with the set, schedule and signature scheme of one chain.
pub struct Checker<'a> {
    pub set: &'a ValidatorSet,
    pub schedule: &'a Schedule,
    pub genesis: Hash,
    pub signatures: &'a dyn SignatureCheck,
}

impl Checker<'_> {
    /// Cost: the signatures that the message holds.
    ///
    /// # Errors
    /// The [`Fault`] that the sender committed.
    pub fn message(&self, message: Message) -> Result<Verified<Message>, Fault> {
        match &message {
            Message::Proposal(proposal) => self.proposal(proposal)?,
            Message::Vote { vote, .. } => self.vote(vote)?,
            Message::Certificate(certificate) => self.certificate(certificate)?,
            Message::Certificates(certificates) => {
                at_most(certificates.len(), limits::CERTIFICATES_MAX)?;
                certificates.iter().try_for_each(|certificate| self.certificate(certificate))?;
            }
            Message::Blocks { blocks, commit } => self.blocks(blocks, commit.as_ref())?,
            Message::Testimony(testimony) => {
                at_most(testimony.yours.len(), limits::TESTIMONY_VOTES_MAX)?;
                testimony.yours.iter().try_for_each(|vote| self.vote(vote))?;
                testimony.entry.iter().try_for_each(|entry| self.certificate(entry))?;
            }
            Message::Status(status) => {
                let sets = [&status.prepares, &status.commits, &status.view_changes];
                if !sets.iter().all(|set| set.is_bounded()) {
                    return Err(Fault::TooMany { got: self.set.len() + 1, max: self.set.len() });
                }
            }
            Message::Checked(words) => at_most(words.len(), limits::WORDS_MAX)?,
            Message::Pending(ids) => at_most(ids.len(), limits::IDS_MAX)?,
            Message::ProofRequest(ids) => at_most(ids.len(), limits::PROOFS_MAX)?,
            // The submitter's signature is checked by the mempool, which knows whether it has the proof already.
            Message::Proofs(proofs) => at_most(proofs.len(), limits::PROOFS_MAX)?,
            Message::CertificateRequest { .. } | Message::BlockRequest { .. } => {}
        }
        Ok(Verified(message))
    }

    /// R2: the vote's epoch, voter and signature.
    ///
    /// # Errors
    /// [`Fault::OtherEpoch`], [`Fault::ViewZero`], [`Fault::UnknownVoter`], [`Fault::BadSignature`].
    pub fn vote(&self, vote: &Vote) -> Result<(), Fault> {
        let ballot = &vote.ballot;
        if ballot.epoch != self.set.epoch() {
            return Err(Fault::OtherEpoch { expected: self.set.epoch().0, got: ballot.epoch.0 });
        }
        if ballot.view == View(0) {
            return Err(Fault::ViewZero);
        }
        let voter = self.set.get(vote.voter).ok_or(Fault::UnknownVoter(vote.voter))?;
        let bytes = ballot.signed_bytes(self.set.chain());
        if self.signatures.verify(&voter.key, &bytes, &vote.signature) {
            Ok(())
        } else {
            Err(Fault::BadSignature(vote.voter))
        }
    }

    /// R1: a quorum, each signer once, every signature valid. The quorum is checked first: it is free.
    ///
    /// # Errors
    /// [`Fault::NoQuorum`], or what is wrong with the first bad vote.
    pub fn certificate(&self, certificate: &Certificate) -> Result<(), Fault> {
        if !certificate.has_quorum(self.set) {
            return Err(Fault::NoQuorum);
        }
        certificate.votes().try_for_each(|vote| self.vote(&vote))
    }

    /// The parts of R3 and R4 that need no state: leader, vote, parent's certificate, the views between, the body.
    fn proposal(&self, proposal: &Proposal) -> Result<(), Fault> {
        let view = proposal.view();
        let id = proposal.block.id();
        if proposal.vote.ballot.choice != Choice::Prepare(id) {
            return Err(Fault::NotItsVote);
        }
        let expected = self.schedule.leader(view);
        if proposal.vote.voter != expected {
            return Err(Fault::NotTheLeader { view, expected, got: proposal.vote.voter });
        }
        self.vote(&proposal.vote)?;
        at_most(proposal.skipped.len(), limits::SKIPPED_MAX)?;
        match &proposal.parent {
            Some(parent) => {
                if parent.block() != Some(proposal.block.header.parent) {
                    return Err(Fault::NotItsParent);
                }
                self.certificate(parent)?;
            }
            None if proposal.block.header.parent == self.genesis => {}
            None => return Err(Fault::NotItsParent),
        }
        let mut below = proposal.parent_view();
        for certificate in &proposal.skipped {
            if certificate.kind() != VoteKind::ViewChange {
                return Err(Fault::WrongKind);
            }
            if certificate.view() <= below || certificate.view() >= view {
                return Err(Fault::ViewsOutOfOrder);
            }
            below = certificate.view();
            self.certificate(certificate)?;
        }
        if proposal.parent_view() >= view {
            return Err(Fault::ViewsOutOfOrder);
        }
        self.block(&proposal.block)
    }

    /// Chain, body digest and every carried vote's signature.
    fn block(&self, block: &Block) -> Result<(), Fault> {
        if block.header.chain != *self.set.chain() || block.header.epoch != self.set.epoch() {
            return Err(Fault::OtherChain);
        }
        at_most(block.body.proofs.len(), limits::BLOCK_PROOFS_MAX)?;
        at_most(block.body.carried.len(), crate::ledger::WINDOW)?;
        for carried in &block.body.carried {
            at_most(carried.votes.len(), self.set.len())?;
        }
        if !block.is_whole() {
            return Err(Fault::OtherBody);
        }
        block.body.carried.iter().flat_map(|carried| carried.votes()).try_for_each(|vote| self.vote(&vote))
    }

    fn blocks(&self, blocks: &[Block], commit: Option<&Certificate>) -> Result<(), Fault> {
        at_most(blocks.len(), limits::BLOCKS_MAX)?;
        let linked = blocks.windows(2).all(|pair| {
            pair[1].header.parent == pair[0].id()
                && pair[1].header.sequence.0 == pair[0].header.sequence.0.saturating_add(1)
        });
        if !linked {
            return Err(Fault::NotLinked);
        }
        blocks.iter().try_for_each(|block| self.block(block))?;
        if let Some(commit) = commit {
            if commit.kind() != VoteKind::Commit {
                return Err(Fault::WrongKind);
            }
            if blocks.last().map(Block::id) != commit.block() {
                return Err(Fault::NotLinked);
            }
            self.certificate(commit)?;
        }
        Ok(())
    }
}

fn at_most(got: usize, max: usize) -> Result<(), Fault> {
    if got <= max { Ok(()) } else { Err(Fault::TooMany { got, max }) }
}
