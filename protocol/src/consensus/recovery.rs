//! From the log and the database to a running consensus, what R12 asks of peers before it signs, and what a log, a follower or
//! this validator needs to catch up.

use super::effects::Effects;
use super::events::{Effect, Halt, Notice, Output, Record, Time, To};
use super::proofs::Proofs;
use super::proposals::Proposals;
use super::proposer::Proposer;
use super::round::Round;
use super::safety::{Heard, Hearing, Loss, Safety};
use super::sync::{Peers, Relays, Resolver, Statuses, Uncertified, Want};
use super::timers::Timers;
use super::tree::Tree;
use super::votes::{Origin, Votes};
use super::{Consensus, PAST_VIEWS_KEPT, Settings};
use crate::block::Block;
use crate::certificate::Certificate;
use crate::ledger::{Branch, Ledger};
use crate::message::{Message, Proposal, Testimony};
use crate::signature::Signer;
use crate::turns::is_crowd;
use crate::types::{Hash, Millis, ValidatorIndex, View};
use crate::verify::Verified;
use crate::vote::{Choice, Vote, VoteKind};
use alloc::boxed::Box;
use alloc::collections::BTreeSet;
use alloc::vec::Vec;

/// Who has come to a later view by its certificate alone gets what lies between with the next blocks, as a rule.
const ENDINGS_WANTED_AFTER: Millis = Millis(500);

/// The last final block, as the database has it.
#[derive(Debug, Clone)]
pub struct Base {
    pub id: Hash,
    /// The state after it.
    pub ledger: Ledger,
    /// Its Commit certificate; none for the genesis.
    pub commit: Option<Certificate>,
    /// Its Prepare certificate, if it is known yet.
    pub prepare: Option<Certificate>,
}

impl Consensus {
    /// Rebuilds consensus from what is durable. `records` is the log, in order; storage has put [`Record::Unknown`]
    /// there where it found the log new, lost or torn. The output is to be carried out like any other.
    ///
    /// # Panics
    /// If the settings' own index is not in the set: an error of the caller.
    pub fn recover(
        settings: Settings,
        signer: Box<dyn Signer>,
        branch: Box<dyn Branch + Send>,
        base: Base,
        records: Vec<Record>,
        now: Time,
    ) -> (Consensus, Output) {
        assert!(settings.set.get(settings.me).is_some(), "the settings name a member of the set");
        let (me, set, schedule) = (settings.me, settings.set.clone(), settings.schedule.clone());
        let mut this = Consensus {
            now,
            safety: Safety::new(set.clone(), schedule.clone(), me, signer),
            votes: Votes::new(set.clone()),
            tree: Tree::new(set.clone(), settings.block, branch, base.id, base.ledger),
            proofs: Proofs::new(set.clone(), schedule, me, now.local),
            proposals: Proposals::default(),
            round: Round::new(View(1), None, now.local),
            timers: Timers::new(settings.idle_block_interval, settings.set.len()),
            proposer: Proposer::default(),
            peers: Peers::default(),
            statuses: Statuses::new(set, settings.givers(), now.local),
            relays: Relays::new(settings.givers()),
            uncertified: Uncertified::default(),
            resolver: Resolver::default(),
            effects: Effects::default(),
            settings,
        };
        base.commit.iter().chain(&base.prepare).for_each(|certificate| this.votes.restore_certificate(certificate));
        records.into_iter().for_each(|record| this.replay(record));
        this.resume();
        let output = this.end_step();
        (this, output)
    }

    fn replay(&mut self, record: Record) {
        self.safety.restore(&record);
        match record {
            Record::Unknown(_) | Record::Floor(_) => {}
            Record::Certificate(certificate) => self.votes.restore_certificate(&certificate),
            Record::Block(block) => self.tree.insert(block),
            Record::Proposal(proposal) => self.replay_proposal(*proposal),
            Record::Vote(vote) => self.votes.include(&vote),
        }
    }

    fn replay_proposal(&mut self, proposal: Proposal) {
        let certificates = proposal.parent.iter().chain(&proposal.skipped);
        certificates.for_each(|certificate| self.votes.restore_certificate(certificate));
        if proposal.vote.voter == self.settings.me {
            self.votes.include(&proposal.vote);
        }
        self.tree.insert(proposal.block.clone());
        self.proposals.keep(proposal.block.id(), proposal, false);
    }

    /// The current view is the highest of any vote's view and any certificate's view + 1.
    fn resume(&mut self) {
        let certificates = self.votes.certificates();
        let voted = self.safety.signed().highest_view();
        let prepared = certificates.highest_prepare().map_or(View(0), Certificate::view);
        let certified = prepared.max(certificates.highest_view_change()).max(certificates.commit_view());
        let view = voted.max(certified.next()).max(View(1));
        self.round = Round::new(view, certificates.ending(view.previous()).cloned(), self.now.local);
        self.proposals.set_all_prepared(certificates);
        self.safety.signed().votes().for_each(|vote| self.votes.restore(vote));
        if is_crowd(self.set().len()) {
            self.await_certificates();
        }
        let leader = self.leader(view);
        self.effects.notice(Notice::ViewEntered { view, leader, by: None, fetched: true, doubles: false });
        self.settle();
    }

    /// Votes of a crowd that may have reached too few before this start go to everybody, if nobody shows their certificates.
    fn await_certificates(&mut self) {
        let due = self.now.local.saturating_add(self.timers.certificate_awaited());
        let is_collected = |vote: &Vote| vote.ballot.choice != Choice::ViewChange;
        let votes: Vec<Vote> = self.safety.signed().votes().filter(is_collected).collect();
        votes.into_iter().for_each(|vote| self.uncertified.wait(vote, due));
    }

    /// R12: a peer's recovery response.
    pub(super) fn on_testimony(&mut self, from: ValidatorIndex, testimony: Testimony) {
        match self.safety.hear(from, &testimony) {
            Heard::Loss(loss) => return self.on_loss(loss),
            Heard::Response(taken) => {
                for vote in taken {
                    self.votes.include(&vote);
                    self.count(Verified::own(vote));
                }
            }
        }
        if let Some(entry) = testimony.entry {
            self.votes.wait(entry, Origin::Fetched);
            self.drain();
        }
    }

    /// R12: a peer that sends a certificate, or a block with its included votes, also shows these votes. One of mine
    /// that my log lacks distinguishes an old log from a whole one.
    pub(super) fn check_own(&mut self, votes: impl Iterator<Item = Vote>) {
        if let Some(missing) = self.safety.missing(votes) {
            let loss = self.safety.lose(&missing);
            self.on_loss(loss);
        }
    }

    fn on_loss(&mut self, loss: Loss) {
        match loss {
            Loss::Known => {}
            Loss::Noticed => self.reconnect(),
            Loss::Twin(view) => _ = self.halt(Halt::Twin { view }),
        }
    }

    /// My log is lost: only recovery responses in sessions opened from now on count.
    fn reconnect(&mut self) {
        self.peers.close_all();
        self.effects.push(Effect::Reconnect);
    }

    /// R12: signs from here on, if enough peers have responded.
    pub(super) fn resolve_history(&mut self) {
        if self.safety.unknown().is_none() {
            return;
        }
        let sessions: BTreeSet<ValidatorIndex> = self.peers.indices().collect();
        let hearing = Hearing { now: self.now.local, sessions: &sessions };
        if self.safety.resolve(self.round.view(), self.round.entry(), &hearing) {
            self.effects.notice(Notice::Signing);
        }
    }

    pub(super) fn accept_unknown_history(&mut self) {
        self.safety.accept();
    }

    /// What I would tell one that recovers, where I am, and my attestations on everything pending.
    pub(super) fn on_session_opened(&mut self, peer: ValidatorIndex) {
        if peer == self.settings.me || self.set().get(peer).is_none() {
            return;
        }
        self.peers.open(peer, self.now.local);
        self.proofs.session_opened(peer);
        for message in [self.supply().testimony(peer), Message::Status(self.supply().status())] {
            self.effects.send(To::Peer(peer), message);
        }
        self.proofs.attest_all(peer, &mut self.peers, &mut self.effects);
    }

    /// Takes in blocks that end where a certificate says so: in one that I asked for, or in a committed one.
    pub(super) fn on_blocks(&mut self, blocks: Vec<Block>, commit: Option<Certificate>) {
        let Some(last) = blocks.last().map(Block::id) else { return };
        if commit.is_none() && !self.resolver.wants_block(&last) {
            return;
        }
        for block in blocks {
            self.check_own(block.body.carried.iter().flat_map(|carried| carried.votes()));
            self.votes.include_all_of(&block);
            if !self.tree.has(&block.id()) {
                self.tree.insert(block);
            }
        }
        if let Some(commit) = commit {
            // It may be below the highest commit: a long way is made final in pieces.
            if self.tree.block(&last).is_some() {
                let result = self.finality().finalize(&commit);
                self.on_final(result);
            }
            self.votes.wait(commit, Origin::Fetched);
        }
    }

    /// How each view above the highest Commit's ended has to be known before anything can be proposed (R4, R8). Who leads asks at
    /// once; the others when a view has lasted for a while, or with a leader that comes no further nobody would ever know.
    pub(super) fn want_endings(&mut self) {
        if self.now.local.since(self.round.entered()) < ENDINGS_WANTED_AFTER {
            return;
        }
        let Some((from, to)) = self.votes.certificates().gap(self.round.view()) else { return };
        for kind in [VoteKind::ViewChange, VoteKind::Prepare] {
            self.resolver.want(Want::Certificates { kind, from, to }, None, []);
        }
    }

    /// Shortens the log when it is long and the database holds everything final. The floor stays some views behind, so that
    /// late Prepares remain possible.
    pub(super) fn shorten(&mut self) {
        let is_whole = self.tree.unapplied().next().is_none();
        if !is_whole || !self.safety.is_log_long(self.settings.log_records_max) {
            return;
        }
        let certificates = self.votes.certificates();
        let floor = View(certificates.commit_view().0.saturating_sub(PAST_VIEWS_KEPT));
        let commit = certificates.commit().into_iter();
        // Without all of them nobody could justify a proposal after a power loss (R4, R8).
        let above = certificates.prepares_above_commit().chain(certificates.view_changes());
        let entry = self.round.entry().filter(|entry| entry.view() <= certificates.commit_view());
        let kept = commit.chain(above).chain(entry);
        let kept = kept.cloned().map(Record::Certificate);
        let blocks = self.tree.above().map(|(_, block)| Record::Block(block.clone()));
        let proposals = self.proposals.iter().map(|(_, kept)| &kept.proposal);
        let records = self.safety.shorten(floor, kept.chain(blocks), proposals);
        self.effects.push(Effect::Shorten(records));
    }

    /// The current view and what is under way in it, for a follower that was restarted or missed something.
    pub fn notices_again(&self) -> Vec<Notice> {
        let view = self.round.view();
        let leader = self.leader(view);
        let current = Notice::CurrentView { view, leader };
        let clock = self.round.is_clock_started().then_some(Notice::ClockStarted { view });
        let work = self.round.is_work_told().then_some(Notice::Work { view });
        [current].into_iter().chain(clock).chain(work).collect()
    }
}
