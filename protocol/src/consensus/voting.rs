//! Sending my votes, and counting those of others (R10, R11).

use super::Consensus;
use super::events::{Notice, To};
use super::votes::Votes;
use crate::message::{GiveUpReason, Message};
use crate::types::{Millis, ValidatorIndex, View};
use crate::verify::{LateCommit, Verified};
use crate::vote::{Choice, Vote, VoteKind};
use alloc::boxed::Box;

/// Between two answers to one peer's votes for old views.
const ANSWER_INTERVAL: Millis = Millis(100);

impl Consensus {
    /// Sends and counts a vote of mine.
    pub(super) fn cast(&mut self, vote: Vote, reason: Option<GiveUpReason>) {
        self.effects.send(To::All, Message::Vote { vote, reason });
        self.count(Verified::own(vote));
    }

    /// R6, R10: votes ViewChange in my current view, if that is allowed.
    pub(super) fn give_up(&mut self, reason: GiveUpReason) {
        let view = self.view;
        let Some(vote) = self.safety.view_change(view, self.entry.as_ref()) else { return };
        // Somebody may have what I miss.
        self.status_turns.hurry(self.now.local);
        self.spread_attestations();
        self.effects.notice(Notice::GaveUp { view, reason: reason.clone() });
        self.cast(vote, Some(reason));
    }

    /// R10: the leader's own ViewChange, and those of a third of the stake or more. Without the second, validators whose
    /// timers differ would never give up together.
    pub(super) fn consider_giving_up(&mut self) {
        let (view, leader) = (self.view, self.leader(self.view));
        if self.votes.tally().has(view, VoteKind::ViewChange, leader) {
            self.give_up(GiveUpReason::LeaderGaveUp);
        } else if self.set().is_blocking(self.votes.tally().stake(self.set(), view, VoteKind::ViewChange)) {
            self.give_up(GiveUpReason::OthersGaveUp);
        }
    }

    pub(super) fn on_vote(&mut self, from: ValidatorIndex, vote: Vote) {
        self.check_own([vote].into_iter());
        if from == vote.voter {
            self.effects.notice(Notice::Heard(from));
            self.learn_view(from, vote.ballot.choice.kind(), vote.view());
            // The first of this voter in my view: one that names other views, or says it again, moves nobody.
            let is_known = self.votes.tally().has(self.view, VoteKind::ViewChange, from);
            if vote.ballot.choice == Choice::ViewChange && vote.view() == self.view && !is_known {
                self.spread_attestations();
            }
            self.answer_old_vote(from, &vote);
        }
        self.count(Verified::own(vote));
    }

    /// T3: a Commit at or below the highest Commit certificate's view is dropped, whether or not it was checked. What is left is
    /// that its voter is alive, and where.
    pub(super) fn on_late_commit(&mut self, late: LateCommit) {
        if self.peers.contains_key(&late.voter()) {
            self.effects.notice(Notice::Heard(late.voter()));
            self.learn_view(late.voter(), VoteKind::Commit, late.view());
        }
    }

    /// A vote shows where its voter is: to vote in a view it has entered it, and to commit it has left it.
    fn learn_view(&mut self, from: ValidatorIndex, kind: VoteKind, view: View) {
        let shown = match kind {
            VoteKind::Prepare | VoteKind::ViewChange => view,
            // A peer may name the last view there is.
            VoteKind::Commit => View(view.0.saturating_add(1)),
        };
        if let Some(peer) = self.peers.get_mut(&from) {
            peer.view = peer.view.max(shown);
        }
    }

    /// Who votes in a view that I have left is told how I left it; rate-limited, since late Prepares are normal.
    fn answer_old_vote(&mut self, from: ValidatorIndex, vote: &Vote) {
        let now = self.now.local;
        let old = vote.view() < self.view && vote.ballot.choice.kind() != VoteKind::Commit;
        let Some(peer) = self.peers.get_mut(&from) else { return };
        if !old || peer.view >= self.view || now.since(peer.answered) < ANSWER_INTERVAL {
            return;
        }
        peer.answered = now;
        // Who is only late by a little gets its own certificate, or its givers'.
        if !self.gives(self.view.previous(), from, 0) {
            return;
        }
        if let Some(entry) = self.entry.clone() {
            self.effects.send(To::Peer(from), Message::Certificate(entry));
        }
    }

    /// Counts a verified vote, unless its view is too far ahead.
    pub(super) fn count(&mut self, vote: Verified<Vote>) {
        if !Votes::is_in_reach(self.view, vote.view()) {
            return;
        }
        if let Choice::Prepare(block) = vote.ballot.choice {
            self.clear_doubt(vote.voter, vote.view(), block);
        }
        if let Some(contradiction) = self.votes.count(vote) {
            self.effects.notice(Notice::Contradiction(Box::new(contradiction)));
        }
    }
}
