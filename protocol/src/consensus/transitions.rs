//! What moves several owners at once: proposals, votes and certificates that come in, and what follows from them (R4 to
//! R7, R9, R10).
//!
//! What may be signed is decided in [`super::safety`], what is valid in [`super::validation`], what to propose in
//! [`super::proposer`]: here the answers are carried from one to the next.

use super::events::{Effect, Halt, Notice, To};
use super::finality::{self, Finality};
use super::proposer::Leading;
use super::sync::COLLECTORS;
use super::validation::{Judgement, Validation};
use super::votes::{Origin, Votes, Waiting};
use super::{Consensus, PAST_VIEWS_KEPT, Progress};
use crate::certificate::Certificate;
use crate::message::{GiveUpReason, Message, Proposal};
use crate::turns::is_crowd;
use crate::types::{Hash, ValidatorIndex, View};
use crate::verify::{LateCommit, Verified};
use crate::vote::{Choice, Vote, VoteKind};
use alloc::boxed::Box;
use alloc::vec::Vec;

impl Consensus {
    /// Takes in a verified proposal: first what its certificates say, then the proposal itself.
    pub(super) fn on_proposal(&mut self, from: ValidatorIndex, proposal: Proposal) {
        let view = proposal.view();
        for certificate in proposal.parent.iter().chain(&proposal.skipped) {
            self.votes.wait(certificate.clone(), Origin::Fetched);
        }
        self.drain();
        let current = self.round.view();
        let too_old = view.0.saturating_add(PAST_VIEWS_KEPT) < current.0 || view <= self.safety.signed().floor();
        if self.safety.is_halted() || too_old || !Votes::is_in_reach(current, view) {
            return;
        }
        self.on_vote(from, proposal.vote);
        let id = proposal.block.id();
        match self.proposals.at(view) {
            Some(kept) if kept.id == id => {}
            // R10: two proposals by the leader of my view.
            Some(_) if view == self.round.view() => _ = self.give_up(GiveUpReason::TwoProposals),
            Some(_) => {}
            None => self.keep(id, proposal),
        }
    }

    /// Keeps a proposal of a view that had none.
    fn keep(&mut self, id: Hash, proposal: Proposal) {
        let view = proposal.view();
        self.check_own(proposal.block.body.carried.iter().flat_map(|carried| carried.votes()));
        self.votes.include_known_of(&proposal.block);
        if is_crowd(self.set().len()) {
            self.hear(VoteKind::Prepare, proposal.block.body.carried.iter().flat_map(|carried| carried.votes()));
        }
        let prepared = self.votes.certificates().is_prepared(view, &id);
        self.tree.insert(proposal.block.clone());
        self.proposals.keep(id, proposal, prepared);
        if view == self.round.view() {
            self.round.note_proposal(self.now.local);
        }
        self.effects.notice(Notice::Proposed { view, leader: self.leader(view) });
    }

    pub(super) fn on_vote(&mut self, from: ValidatorIndex, vote: Vote) {
        self.check_own([vote].into_iter());
        if from == vote.voter {
            let kind = vote.ballot.choice.kind();
            self.effects.notice(Notice::Heard { kind, voters: [from].into() });
            self.peers.learn_view(from, kind, vote.view());
            // The first of this voter in my view: one that names other views, or says it again, moves nobody.
            let current = self.round.view();
            let is_known = self.votes.tally().has(current, VoteKind::ViewChange, from);
            if vote.ballot.choice == Choice::ViewChange && vote.view() == current && !is_known {
                self.proofs.spread_attestations(self.now.local);
            }
            self.answer_old_vote(from, &vote);
        }
        self.count(Verified::own(vote));
    }

    /// Voters of one kind that others heard: in a crowd few are sent a vote itself.
    fn hear(&mut self, kind: VoteKind, votes: impl Iterator<Item = Vote>) {
        let mut voters = Vec::new();
        for vote in votes.filter(|vote| vote.voter != self.settings.me) {
            self.peers.learn_view(vote.voter, kind, vote.view());
            voters.push(vote.voter);
        }
        if !voters.is_empty() {
            self.effects.notice(Notice::Heard { kind, voters });
        }
    }

    /// Prepares that came in time, alone or in their view's certificate, end the doubts of their voters.
    fn trust(&mut self, votes: impl Iterator<Item = Vote>) {
        for vote in votes {
            if let Choice::Prepare(block) = vote.ballot.choice {
                self.proofs.clear_doubt(self.now.local, vote.voter, self.proposals.of(vote.view(), block));
            }
        }
    }

    /// T3: a Commit at or below the highest Commit certificate's view is dropped, whether or not it was checked. What is left is
    /// that its voter is alive, and where.
    pub(super) fn on_late_commit(&mut self, late: LateCommit) {
        if self.peers.has(late.voter()) {
            self.effects.notice(Notice::Heard { kind: VoteKind::Commit, voters: [late.voter()].into() });
            self.peers.learn_view(late.voter(), VoteKind::Commit, late.view());
        }
    }

    /// Who votes in a view that I have left is told how I left it. Who is only late by a little gets its own certificate, or
    /// its givers'; in a crowd, who is late with a Prepare gets the certificate from those who collect votes.
    fn answer_old_vote(&mut self, from: ValidatorIndex, vote: &Vote) {
        let current = self.round.view();
        let is_answered = match vote.ballot.choice.kind() {
            VoteKind::Prepare => !is_crowd(self.set().len()),
            VoteKind::ViewChange => true,
            VoteKind::Commit => false,
        };
        let is_old = is_answered && vote.view() < current;
        if !is_old || !self.peers.is_to_be_answered(from, current, self.now.local) {
            return;
        }
        if let Some(entry) = self.round.entry()
            && self.settings.givers().gives(entry, from, 0)
        {
            self.effects.send(To::Peer(from), Message::Certificate(entry.clone()));
        }
    }

    /// Counts a verified vote, unless its view is too far ahead.
    pub(super) fn count(&mut self, vote: Verified<Vote>) {
        self.votes.saw(&vote);
        if !Votes::is_in_reach(self.round.view(), vote.view()) {
            return;
        }
        // One that comes after its view has ended helped nobody: it earns a reward, and no trust.
        if self.votes.certificates().ending(vote.view()).is_none() {
            self.trust([*vote].into_iter());
        }
        if let Some(contradiction) = self.votes.count(vote) {
            self.effects.notice(Notice::Contradiction(Box::new(contradiction)));
        }
    }

    /// Sends and counts a vote of mine.
    fn cast(&mut self, vote: Vote, reason: Option<GiveUpReason>) {
        match self.settings.collectors().of(&vote, self.round.view()) {
            None => self.effects.send(To::All, Message::Vote { vote, reason }),
            Some(collectors) => {
                for peer in collectors.into_iter().filter(|peer| self.peers.has(*peer)) {
                    self.effects.send(To::Peer(peer), Message::Vote { vote, reason: None });
                }
                self.uncertified.wait(vote, self.now.local.saturating_add(self.timers.certificate_awaited()));
            }
        }
        self.count(Verified::own(vote));
    }

    /// R6, R10: votes ViewChange in my current view, if that is allowed.
    pub(super) fn give_up(&mut self, reason: GiveUpReason) -> Progress {
        let view = self.round.view();
        let Some(vote) = self.safety.view_change(view, self.round.entry()) else { return Progress::None };
        // Somebody may have what I miss.
        self.statuses.hurry(self.now.local);
        self.proofs.spread_attestations(self.now.local);
        self.effects.notice(Notice::GaveUp { view, reason: reason.clone() });
        self.cast(vote, Some(reason));
        Progress::Made
    }

    /// R10: the leader's own ViewChange, and those of a third of the stake or more. Without the second, validators whose
    /// timers differ would never give up together.
    pub(super) fn consider_giving_up(&mut self) -> Progress {
        let (view, set, tally) = (self.round.view(), self.set(), self.votes.tally());
        if tally.has(view, VoteKind::ViewChange, self.leader(view)) {
            self.give_up(GiveUpReason::LeaderGaveUp)
        } else if set.is_blocking(tally.stake(set, view, VoteKind::ViewChange)) {
            self.give_up(GiveUpReason::OthersGaveUp)
        } else {
            Progress::None
        }
    }

    /// Acts on every certificate that waits; acting may make further ones.
    pub(super) fn drain(&mut self) -> Progress {
        let mut progress = Progress::None;
        while let Some(Waiting { certificate, origin }) = self.votes.next_waiting() {
            self.on_certificate(certificate, origin);
            progress = Progress::Made;
            if self.safety.is_halted() {
                break;
            }
        }
        progress
    }

    fn on_certificate(&mut self, certificate: Certificate, origin: Origin) {
        // First: what follows may sign.
        self.check_own(certificate.votes());
        if is_crowd(self.set().len()) {
            self.learn_from_votes(&certificate);
        }
        let new = self.votes.enter(&certificate);
        if let Choice::Prepare(block) = certificate.ballot.choice {
            self.on_prepare_certificate(block, &certificate, new);
        }
        if new {
            self.relays.relay(&certificate, self.now.local, &self.peers, &mut self.effects);
        }
        if new && certificate.kind() == VoteKind::Commit {
            self.safety.defer(&certificate);
        }
        // R7: any certificate of my view or a later one, from anyone, moves me past it.
        if certificate.view() >= self.round.view() {
            self.enter(certificate, origin);
        }
    }

    /// What each vote would have shown, had it come by itself.
    fn learn_from_votes(&mut self, certificate: &Certificate) {
        for contradiction in self.votes.count_those_of(certificate) {
            self.effects.notice(Notice::Contradiction(Box::new(contradiction)));
        }
        self.hear(certificate.kind(), certificate.votes());
        self.trust(certificate.votes());
    }

    fn on_prepare_certificate(&mut self, block: Hash, certificate: &Certificate, new: bool) {
        let view = certificate.view();
        let proposal = self.proposals.set_prepared(view, block);
        if proposal.is_some_and(|proposal| !proposal.block.body.proofs.is_empty()) {
            self.proofs.end_contested_pause();
        }
        if new && view > self.votes.certificates().commit_view() {
            self.effects.notice(Notice::Prepared { view, leader: self.leader(view) });
            // R5: whatever view I am in by now; what I decided in that view is what counts.
            if let Some(vote) = self.safety.commit(certificate) {
                self.cast(vote, None);
            }
        }
    }

    fn enter(&mut self, by: Certificate, origin: Origin) {
        let kind = by.kind();
        let fetched = origin == Origin::Fetched;
        let doubles = kind == VoteKind::ViewChange && !fetched && self.learn_from_failure();
        if kind == VoteKind::ViewChange {
            self.statuses.hurry(self.now.local);
            self.proofs.spread_attestations(self.now.local);
        } else {
            self.proofs.end_spreading();
            // One that was fetched says when I heard of it, and not how long the round took.
            if !fetched && self.proposals.at(self.round.view()).is_some() {
                self.timers.set_last_round(self.now.local.since(self.round.proposed_at()));
            }
        }
        self.round.advance(by, self.now.local);
        let view = self.round.view();
        self.proposals.forget_long_before(view);
        self.send_left_out_prepares();
        self.effects.notice(Notice::ViewEntered { view, leader: self.leader(view), by: Some(kind), fetched, doubles });
    }

    /// In a crowd three leaders were sent a Prepare of mine. If it came too late for their blocks, or they left it out, those who
    /// lead now may still include it: I am paid for it, and seen to be there.
    fn send_left_out_prepares(&mut self) {
        let view = self.round.view();
        if !is_crowd(self.set().len()) {
            return;
        }
        let mut left_out = self.supply().late_prepares();
        left_out.retain(|vote| vote.view().0.saturating_add(COLLECTORS) < view.0);
        let leaders = [view, view.next()].map(|view| self.leader(view));
        for (vote, leader) in left_out.into_iter().flat_map(|vote| leaders.map(|leader| (vote, leader))) {
            if self.peers.has(leader) {
                self.effects.send(To::Peer(leader), Message::Vote { vote, reason: None });
            }
        }
    }

    /// My view ended by a ViewChange certificate. Whether that is a reason for longer timers; and whom to suspect.
    fn learn_from_failure(&mut self) -> bool {
        let (view, now) = (self.round.view(), self.now.local);
        if let Some(kept) = self.proposals.at(view) {
            let has_prepared = |by| self.votes.tally().has_prepare(view, kept.id, by);
            return self.proofs.learn_from_failure(now, &kept.proposal, has_prepared);
        }
        let leader = self.leader(view);
        if leader == self.settings.me || self.peers.has(leader) {
            self.proofs.pause_contested(now);
        }
        self.timers.work(&self.scene()).doubles()
    }

    /// Votes Prepare for my view's proposal, votes ViewChange, or waits.
    pub(super) fn judge(&mut self) -> Progress {
        let view = self.round.view();
        if self.round.is_judged() || !self.safety.may_prepare(view) {
            return Progress::None;
        }
        let Some(kept) = self.proposals.at(view) else { return Progress::None };
        let mut validation = Validation {
            settings: &self.settings,
            time: self.now.wall,
            votes: &self.votes,
            proofs: &self.proofs,
            tree: &mut self.tree,
            resolver: &mut self.resolver,
        };
        match validation.judge(kept) {
            Judgement::Valid(valid) => {
                self.round.judge();
                if let Some(vote) = self.safety.prepare(&valid, self.votes.certificates()) {
                    self.cast(vote, None);
                }
                Progress::Made
            }
            Judgement::Wait => Progress::None,
            Judgement::Needs(proofs) => {
                let new = self.round.need(proofs);
                if !new.is_empty() {
                    self.effects.push(Effect::Need { proofs: new, from: [kept.proposal.vote.voter].into() });
                }
                Progress::None
            }
            Judgement::Invalid(reason) => {
                self.round.judge();
                self.give_up(reason);
                Progress::Made
            }
            Judgement::Halt(error) => self.halt(Halt::Database(error)),
        }
    }

    /// R4, late: votes Prepare for blocks of past views.
    pub(super) fn judge_late(&mut self) -> Progress {
        let views: Vec<View> = self.proposals.worth_a_late_prepare(self.round.view(), &self.safety).collect();
        let mut progress = Progress::None;
        for view in views {
            let Some(kept) = self.proposals.at(view) else { continue };
            let mut validation = Validation {
                settings: &self.settings,
                time: self.now.wall,
                votes: &self.votes,
                proofs: &self.proofs,
                tree: &mut self.tree,
                resolver: &mut self.resolver,
            };
            match validation.judge_late(kept) {
                Judgement::Valid(valid) => {
                    if let Some(vote) = self.safety.prepare(&valid, self.votes.certificates()) {
                        self.cast(vote, None);
                        progress = Progress::Made;
                    }
                }
                Judgement::Wait | Judgement::Needs(_) | Judgement::Invalid(_) => {}
                Judgement::Halt(error) => return self.halt(Halt::Database(error)),
            }
        }
        progress
    }

    /// Proposes if this view is mine, I have not voted ViewChange in it, its parent is stored here, and there is work
    /// or the idle block is due.
    pub(super) fn lead(&mut self) -> Progress {
        let view = self.round.view();
        let is_mine = self.leader(view) == self.settings.me;
        if !is_mine || self.round.has_proposed() || !self.safety.may_prepare(view) {
            return Progress::None;
        }
        let scene = self.scene();
        if scene.is_paused() {
            return Progress::None;
        }
        let is_gathering = self.timers.is_gathering(&scene) && self.proofs.ready().awaits_more(self.now.local);
        let is_block_due = self.timers.is_stranded(&scene) || self.timers.is_idle_block_due(&scene);
        let draft = self.proposer.draft(Leading {
            settings: &self.settings,
            view,
            time: self.now.wall,
            is_gathering,
            is_block_due,
            votes: &self.votes,
            proofs: &self.proofs,
            tree: &mut self.tree,
            resolver: &mut self.resolver,
        });
        let draft = match draft {
            Ok(Some(draft)) => draft,
            Ok(None) => return Progress::None,
            Err(error) => return self.halt(Halt::Database(error)),
        };
        let id = draft.id;
        let Some(proposal) = self.safety.propose(draft, self.votes.certificates()) else { return Progress::None };
        let vote = proposal.vote;
        self.effects.send(To::All, Message::Proposal(Box::new(proposal.clone())));
        self.round.propose();
        self.keep(id, proposal);
        self.count(Verified::own(vote));
        Progress::Made
    }

    /// R9: what the highest Commit certificate makes final.
    pub(super) fn finalize(&mut self) -> Progress {
        let result = self.finality().finalize_highest();
        self.on_final(result)
    }

    pub(super) fn finality(&mut self) -> Finality<'_> {
        Finality {
            safety: &self.safety,
            proposals: &self.proposals,
            votes: &self.votes,
            proofs: &mut self.proofs,
            tree: &mut self.tree,
            resolver: &mut self.resolver,
        }
    }

    pub(super) fn on_final(&mut self, result: Result<Option<Effect>, Halt>) -> Progress {
        match result {
            Ok(None) => return Progress::None,
            Ok(Some(blocks)) => {
                let keep = finality::includable(&self.tree, &self.proposals, self.votes.certificates());
                self.votes.retain(&keep);
                self.effects.push(blocks);
            }
            Err(halt) => return self.halt(halt),
        }
        Progress::Made
    }

    /// The process must end: nothing is signed from here on. Only the first reason is told.
    pub(super) fn halt(&mut self, halt: Halt) -> Progress {
        if !self.safety.is_halted() {
            self.safety.halt();
            self.effects.push(Effect::Halt(halt));
        }
        Progress::Made
    }
}
