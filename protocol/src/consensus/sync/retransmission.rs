//! What I have to give: to a peer whose status shows that it lacks part of what matters, or that asks.

use crate::block::Block;
use crate::certificate::Certificate;
use crate::consensus::events::{Effect, To};
use crate::consensus::proposals::Proposals;
use crate::consensus::round::Round;
use crate::consensus::safety::Safety;
use crate::consensus::sync::Uncertified;
use crate::consensus::tree::Tree;
use crate::consensus::votes::Votes;
use crate::consensus::{PAST_VIEWS_KEPT, Settings};
use crate::message::{Message, Status, Testimony, limits};
use crate::types::{Hash, Sequence, ValidatorIndex, View};
use crate::vote::{Vote, VoteKind};
use alloc::boxed::Box;
use alloc::vec::Vec;

/// Everything that others may lack.
pub struct Supply<'a> {
    pub settings: &'a Settings,
    pub round: &'a Round,
    pub safety: &'a Safety,
    pub votes: &'a Votes,
    pub tree: &'a Tree,
    pub proposals: &'a Proposals,
    pub uncertified: &'a Uncertified,
}

impl Supply<'_> {
    /// Where I am.
    pub fn status(&self) -> Status {
        let view = self.round.view();
        let votes = |kind| self.votes.tally().voters(view, kind).collect();
        let certificates = self.votes.certificates();
        Status {
            view,
            commit: certificates.commit_view(),
            prepare: certificates.highest_prepare().map_or(View(0), Certificate::view),
            sequence: self.tree.base_sequence(),
            proposal: self.proposals.at(view).is_some(),
            prepares: votes(VoteKind::Prepare),
            commits: votes(VoteKind::Commit),
            view_changes: votes(VoteKind::ViewChange),
            recovering: self.safety.unknown().is_some(),
        }
    }

    /// My recovery response to a peer whose vote log may be incomplete (R12).
    pub fn testimony(&self, peer: ValidatorIndex) -> Message {
        Message::Testimony(Testimony {
            // Who healed from a loss tells, up to its floor, a view below what it may have signed.
            lost: self.safety.is_lost() || self.round.view() <= self.safety.signed().floor(),
            view: self.round.view(),
            entry: self.round.entry().cloned(),
            yours: self.votes.shown_to(peer).take(limits::TESTIMONY_VOTES_MAX).collect(),
        })
    }

    /// Whether a peer with this status has what I have, but for votes.
    pub fn is_held_by(&self, status: &Status) -> bool {
        let certificates = self.votes.certificates();
        let highest = certificates.highest_prepare();
        status.view >= self.round.view()
            && status.commit >= certificates.commit_view()
            && highest.is_none_or(|highest| status.prepare.max(status.commit) >= highest.view())
    }

    /// What a peer with this status lacks of what I have to give. While it comes further by itself, or by its givers, others
    /// spare it their certificates; with each status by which it does not, it has twice as many givers.
    pub fn lacking(&self, peer: ValidatorIndex, status: &Status, stuck: u32) -> Vec<Message> {
        let held = self.votes.certificates();
        let commit = held.commit().filter(|commit| commit.view() > status.commit);
        let prepare = held.highest_prepare().filter(|prepare| prepare.view() > status.prepare.max(status.commit));
        let entry = self.round.entry().filter(|entry| entry.view() >= status.view);
        let givers = self.settings.givers();
        let mut certificates: Vec<&Certificate> = Vec::new();
        for certificate in commit.into_iter().chain(prepare).chain(entry) {
            let given = givers.gives(certificate, peer, stuck);
            if given && !certificates.contains(&certificate) {
                certificates.push(certificate);
            }
        }
        let mut messages: Vec<Message> = certificates.into_iter().cloned().map(Message::Certificate).collect();
        // Of a crowd only few collect votes, until these withheld the certificate, or may have.
        let collects = |view| stuck > 0 || givers.0.has(view, peer) || self.uncertified.is_overdue(view);
        if status.view == self.round.view() {
            messages.extend(self.lacking_here(status, collects(status.view)));
        }
        messages.extend(self.lacking_commits(status, collects));
        if self.carries_soon(peer, status.view) {
            messages.extend(self.late_prepares().into_iter().map(bare));
        }
        messages
    }

    /// My proposal and votes of the current view; my Prepare to who collects these.
    fn lacking_here(&self, status: &Status, collects: bool) -> Vec<Message> {
        let (me, view) = (self.settings.me, self.round.view());
        let mine = self.safety.signed().at(view);
        let kept = self.proposals.at(view).filter(|kept| kept.proposal.vote.voter == me && !status.proposal);
        let proposal = kept.map(|kept| Message::Proposal(Box::new(kept.proposal.clone())));
        let prepare = mine.prepare.filter(|_| collects && !status.prepares.contains(me));
        let view_change = mine.view_change.filter(|_| !status.view_changes.contains(me));
        proposal.into_iter().chain(prepare.into_iter().chain(view_change).map(bare)).collect()
    }

    /// My Commit votes above the highest Commit certificate that either of us has.
    fn lacking_commits(&self, status: &Status, collects: impl Fn(View) -> bool) -> Vec<Message> {
        let above = self.votes.certificates().commit_view().max(status.commit);
        let first = View(above.0.saturating_add(1));
        let commits = self.safety.signed().range(first, View(u64::MAX)).filter(|(view, _)| collects(*view));
        let commits = commits.filter_map(|(_, mine)| mine.commit);
        let held = |vote: &Vote| vote.view() == status.view && status.commits.contains(self.settings.me);
        commits.filter(|vote| !held(vote)).map(bare).collect()
    }

    /// Whether a peer in this view proposes in it, or in the next: only a proposer carries late Prepares.
    fn carries_soon(&self, peer: ValidatorIndex, view: View) -> bool {
        [view, View(view.0.saturating_add(1))].into_iter().any(|view| self.settings.schedule.leader(view) == peer)
    }

    /// My Prepares for past views whose block the branch does not carry with my vote yet.
    pub fn late_prepares(&self) -> Vec<Vote> {
        let ledger = self.tree.base_ledger();
        let base = self.tree.base();
        let uncarried = |block: &Hash| {
            let carried = ledger.carried(block, &base);
            carried.map_or(self.tree.block(block).is_some(), |voters| !voters.contains(&self.settings.me))
        };
        let signed = self.safety.signed().iter().rev();
        let past = signed.filter(|(view, _)| *view < self.round.view()).take(PAST_VIEWS_KEPT as usize);
        past.filter_map(|(_, mine)| mine.prepare.filter(|_| mine.prepared().is_some_and(|block| uncarried(&block))))
            .collect()
    }

    /// The answer to a request for certificates: those that are held. In place of a ViewChange certificate that is not, my own
    /// vote: a quorum of these makes it again, where nobody holds it any more.
    pub fn certificates(&self, kind: VoteKind, first: View, to: View) -> Vec<Message> {
        let held = self.votes.certificates();
        let mut certificates = held.range(kind, first, to, limits::CERTIFICATES_MAX);
        // A parent that is final already: its Prepare certificate is put together from the votes that are kept.
        if kind == VoteKind::Prepare && certificates.is_empty() {
            let commit = held.commit().filter(|commit| (first..=to).contains(&commit.view()));
            let block = commit.and_then(Certificate::block);
            certificates.extend(block.and_then(|block| self.votes.prepare_of(&block)));
        }
        let mut answer = if kind == VoteKind::ViewChange { self.view_change_votes(first, to) } else { Vec::new() };
        if !certificates.is_empty() {
            answer.push(Message::Certificates(certificates));
        }
        answer
    }

    /// My ViewChange votes of views whose certificate is not held, and that are not committed.
    fn view_change_votes(&self, first: View, to: View) -> Vec<Message> {
        let held = self.votes.certificates();
        let first = first.max(held.commit_view().next());
        let mine = self.safety.signed().range(first, to).filter_map(|(_, mine)| mine.view_change);
        let lacking = mine.filter(|vote| held.view_change(vote.view()).is_none());
        lacking.take(limits::CERTIFICATES_MAX).map(bare).collect()
    }

    /// The answer to a request for blocks. Final blocks come from the database, ascending, with a Commit certificate; those
    /// above come from here, the newest that fit, ending in the block asked for.
    pub fn blocks(&self, from: ValidatorIndex, block: Hash, above: Sequence) -> Option<Effect> {
        if above < self.tree.base_sequence() {
            return Some(Effect::Serve { to: from, above });
        }
        let path = self.tree.path(&block).ok()?;
        let blocks = path.iter().filter_map(|id| self.tree.block(id));
        let blocks: Vec<&Block> = blocks.filter(|block| block.header.sequence > above).collect();
        let newest = blocks.len().saturating_sub(limits::BLOCKS_MAX);
        let blocks: Vec<Block> = blocks[newest..].iter().copied().cloned().collect();
        (!blocks.is_empty()).then_some(Effect::Send(To::Peer(from), Message::Blocks { blocks, commit: None }))
    }
}

fn bare(vote: Vote) -> Message {
    Message::Vote { vote, reason: None }
}
