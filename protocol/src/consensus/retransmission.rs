//! Liveness is mostly retransmission: nothing is sent once and forgotten.
//!
//! Everybody tells its peers where it is, always, every 500 ms, in turns if they are many (T1, [`super::turns`]); who hears
//! that a peer lacks part of what matters sends that part. Answers to requests are here too.

use super::events::{Effect, To};
use super::votes::Origin;
use super::{Consensus, relaying};
use crate::block::Block;
use crate::certificate::Certificate;
use crate::message::{Message, Status, limits};
use crate::turns::{FEW_AT_ONCE, PEERS_AT_ONCE, Turn};
use crate::types::{Hash, Millis, Sequence, ValidatorIndex, View};
use crate::vote::{Vote, VoteKind};
use alloc::boxed::Box;
use alloc::vec::Vec;

/// Constant, never doubling.
pub(super) const STATUS_INTERVAL: Millis = Millis(500);

/// Peers up to which every one is told every time.
const ALWAYS_TOLD_MAX: usize = 8;

/// With more, one that is where I am is told so at these intervals only.
const AGREED_INTERVAL: Millis = Millis(2_000);

impl Consensus {
    pub(super) fn status(&self) -> Status {
        let votes = |kind| self.votes.tally().voters(self.view, kind).collect();
        Status {
            view: self.view,
            commit: self.votes.certificates().commit_view(),
            prepare: self.votes.certificates().highest_prepare().map_or(View(0), Certificate::view),
            sequence: self.tree.base_sequence(),
            proposal: self.proposals.contains_key(&self.view),
            prepares: votes(VoteKind::Prepare),
            commits: votes(VoteKind::Commit),
            view_changes: votes(VoteKind::ViewChange),
            recovering: self.safety.unknown().is_some(),
        }
    }

    /// On a new session: what I would tell one that recovers, where I am, and my words on everything pending.
    pub(super) fn greet(&mut self, peer: ValidatorIndex, testimony: Message) {
        self.effects.send(To::Peer(peer), testimony);
        self.effects.send(To::Peer(peer), Message::Status(self.status()));
        self.attest_all(peer);
    }

    /// T1: tells where I am to those whose turn it is. Who has told me that it is where I am lacks nothing of mine, and need
    /// not be told each time; a peer that makes progress sends its status at every turn.
    pub(super) fn tell_status(&mut self) {
        let now = self.now.local;
        let status = self.status();
        let needy = self.is_in_need();
        let peers = self.peers.iter().map(|(index, peer)| (*index, peer.opened));
        let at_once = if needy || status.recovering { PEERS_AT_ONCE } else { FEW_AT_ONCE };
        let mut turn = self.status_turns.next_of(at_once, now, peers);
        if let (true, Turn::Some { peers, .. }) = (needy, &mut turn) {
            let givers = self.my_givers(&status).filter(|giver| !peers.contains(giver)).collect::<Vec<_>>();
            peers.extend(givers);
        }
        let spares = self.peers.len() > ALWAYS_TOLD_MAX && !self.status_turns.hurries(now) && !status.recovering;
        if !spares {
            return self.send_in_turn(turn, Message::Status(status));
        }
        let has_turn = |index: &ValidatorIndex| match &turn {
            Turn::Everybody => true,
            Turn::Some { peers, .. } => peers.contains(index),
        };
        let mut told = Vec::new();
        for (index, peer) in self.peers.iter_mut().filter(|(index, _)| has_turn(index)) {
            let agrees = peer.status.as_ref() == Some(&status);
            if !agrees || now.since(peer.told) >= AGREED_INTERVAL {
                peer.told = now;
                told.push(*index);
            }
        }
        told.into_iter().for_each(|peer| self.effects.send(To::Peer(peer), Message::Status(status.clone())));
    }

    /// Notes since when something is under way in my view: work, a proposal, votes, a prepared block, its end.
    pub(super) fn look_for_need(&mut self) {
        let votes = || self.votes.tally().voters(self.view, VoteKind::Prepare).next().is_some();
        let under_way = self.round.clock_started
            || self.proposals.contains_key(&self.view)
            || self.votes.certificates().highest_prepare().is_some()
            || self.votes.tally().has(self.view, VoteKind::ViewChange, self.settings.me)
            || votes();
        self.round.under_way = if under_way { self.round.under_way.or(Some(self.now.local)) } else { None };
    }

    /// Whether I seem to lack something: what is under way here, or past elsewhere, takes longer than a round does. My status
    /// asks for it. In a crowd, who lacks nothing tells few where it is.
    fn is_in_need(&self) -> bool {
        // One peer may name any view.
        let ahead = self.peers.iter().filter(|(_, peer)| peer.view > self.view).map(|(index, _)| *index);
        let since = match self.round.under_way {
            Some(since) => since,
            None if self.set().is_blocking(self.set().stake_of(ahead)) => self.round.entered,
            None => return false,
        };
        self.now.local.since(since) >= relaying::round_of(self.set().len())
    }

    /// Those with a session that give me what ends my view, or commits what is prepared, with the first status.
    fn my_givers(&self, status: &Status) -> impl Iterator<Item = ValidatorIndex> + '_ {
        let (me, validators) = (self.settings.me, self.set().len());
        let views = [status.view, status.prepare];
        let gives = move |giver: &ValidatorIndex| {
            views.iter().any(|view| relaying::gives(*giver, *view, me, validators, relaying::GIVERS))
        };
        self.peers.keys().copied().filter(gives)
    }

    pub(super) fn send_in_turn(&mut self, turn: Turn, message: Message) {
        match turn {
            Turn::Everybody => self.effects.send(To::All, message),
            Turn::Some { peers, .. } => {
                peers.into_iter().for_each(|peer| self.effects.send(To::Peer(peer), message.clone()));
            }
        }
    }

    pub(super) fn on_status(&mut self, from: ValidatorIndex, status: Status) {
        let Some(peer) = self.peers.get_mut(&from) else { return };
        peer.view = peer.view.max(status.view);
        let before = peer.status.replace(status.clone());
        let came_further = before.is_none_or(|before| before.is_behind(&status));
        let lacks_nothing = status.view >= self.view
            && status.commit >= self.votes.certificates().commit_view()
            && self
                .votes
                .certificates()
                .highest_prepare()
                .is_none_or(|highest| status.prepare.max(status.commit) >= highest.view());
        let Some(peer) = self.peers.get_mut(&from) else { return };
        // On an idle chain everybody says the same again and again, and lacks nothing.
        peer.stuck = if came_further || lacks_nothing { 0 } else { peer.stuck.saturating_add(1) };
        let stuck = peer.stuck;
        if status.recovering {
            let testimony = self.testimony(from);
            self.effects.send(To::Peer(from), testimony);
        }
        for message in self.lacking(from, &status, stuck) {
            self.effects.send(To::Peer(from), message);
        }
    }

    /// What a peer with this status lacks of what I have to give. While it comes further by itself, or by its givers, others
    /// spare it their certificates; with each status by which it does not, it has twice as many givers.
    fn lacking(&self, peer: ValidatorIndex, status: &Status, stuck: u32) -> Vec<Message> {
        let commit = self.votes.certificates().commit().filter(|commit| commit.view() > status.commit);
        let prepare = self
            .votes
            .certificates()
            .highest_prepare()
            .filter(|prepare| prepare.view() > status.prepare.max(status.commit));
        let entry = self.entry.as_ref().filter(|entry| entry.view() >= status.view);
        let mut certificates: Vec<&Certificate> = Vec::new();
        for certificate in commit.into_iter().chain(prepare).chain(entry) {
            let given = self.gives(certificate.view(), peer, stuck);
            if given && !certificates.contains(&certificate) {
                certificates.push(certificate);
            }
        }
        let mut messages: Vec<Message> = certificates.into_iter().cloned().map(Message::Certificate).collect();
        if status.view == self.view {
            messages.extend(self.lacking_here(status));
        }
        messages.extend(self.lacking_commits(status));
        if self.carries_soon(peer, status.view) {
            messages.extend(self.late_prepares());
        }
        messages
    }

    /// My proposal and votes of the current view.
    fn lacking_here(&self, status: &Status) -> Vec<Message> {
        let me = self.settings.me;
        let mine = self.safety.signed().at(self.view);
        let kept = self.proposals.get(&self.view).filter(|kept| kept.proposal.vote.voter == me && !status.proposal);
        let proposal = kept.map(|kept| Message::Proposal(Box::new(kept.proposal.clone())));
        let prepare = mine.prepare.filter(|_| !status.prepares.contains(me));
        let view_change = mine.view_change.filter(|_| !status.view_changes.contains(me));
        proposal.into_iter().chain(prepare.into_iter().chain(view_change).map(bare)).collect()
    }

    /// My Commit votes above the highest Commit certificate that either of us has.
    fn lacking_commits(&self, status: &Status) -> Vec<Message> {
        let above = self.votes.certificates().commit_view().max(status.commit);
        let commits = self.safety.signed().iter().filter(|(view, _)| *view > above).filter_map(|(_, mine)| mine.commit);
        let held = |vote: &Vote| vote.view() == status.view && status.commits.contains(self.settings.me);
        commits.filter(|vote| !held(vote)).map(bare).collect()
    }

    /// Whether a peer in this view proposes in it, or in the next: only a proposer carries late Prepares.
    fn carries_soon(&self, peer: ValidatorIndex, view: View) -> bool {
        [view, View(view.0.saturating_add(1))].into_iter().any(|view| self.leader(view) == peer)
    }

    /// My Prepares for past views whose block the branch does not carry with my vote yet.
    fn late_prepares(&self) -> Vec<Message> {
        let ledger = self.tree.base_ledger();
        let base = self.tree.base();
        let uncarried = |block: &Hash| {
            let carried = ledger.carried(block, &base);
            carried.map_or(self.tree.block(block).is_some(), |voters| !voters.contains(&self.settings.me))
        };
        let past = self
            .safety
            .signed()
            .iter()
            .rev()
            .filter(|(view, _)| *view < self.view)
            .take(super::PAST_VIEWS_KEPT as usize);
        let late = past
            .filter_map(|(_, mine)| mine.prepare.filter(|_| mine.prepared().is_some_and(|block| uncarried(&block))));
        late.map(bare).collect()
    }

    pub(super) fn answer_certificates(&mut self, from: ValidatorIndex, kind: VoteKind, first: View, to: View) {
        let mut certificates = self.votes.certificates().range(kind, first, to, limits::CERTIFICATES_MAX);
        // A parent that is final already: its Prepare certificate is put together from the votes that are kept.
        if kind == VoteKind::Prepare && certificates.is_empty() {
            let commit = self.votes.certificates().commit().filter(|commit| (first..=to).contains(&commit.view()));
            let block = commit.and_then(Certificate::block);
            certificates.extend(block.and_then(|block| self.votes.prepare_of(&block)));
        }
        if !certificates.is_empty() {
            self.effects.send(To::Peer(from), Message::Certificates(certificates));
        }
    }

    /// Final blocks come from the database, ascending, with a Commit certificate; those above come from here, the
    /// newest that fit, ending in the block asked for.
    pub(super) fn answer_blocks(&mut self, from: ValidatorIndex, block: Hash, above: Sequence) {
        if above < self.tree.base_sequence() {
            self.effects.push(Effect::Serve { to: from, above });
            return;
        }
        let Ok(path) = self.tree.path(&block) else { return };
        let blocks = path.iter().filter_map(|id| self.tree.block(id)).filter(|block| block.header.sequence > above);
        let blocks: Vec<Block> = blocks.cloned().collect();
        let newest = blocks.len().saturating_sub(limits::BLOCKS_MAX);
        if !blocks.is_empty() {
            let blocks = blocks[newest..].to_vec();
            self.effects.send(To::Peer(from), Message::Blocks { blocks, commit: None });
        }
    }

    /// Takes in blocks that end where a certificate says so: in one that I asked for, or in a committed one.
    pub(super) fn on_blocks(&mut self, blocks: Vec<Block>, commit: Option<Certificate>) {
        let Some(last) = blocks.last().map(Block::id) else { return };
        if commit.is_none() && !self.resolver.wants_block(&last) {
            return;
        }
        for block in blocks {
            let id = block.id();
            self.check_own(block.body.carried.iter().flat_map(|carried| carried.votes()));
            self.votes.include_all_of(&block);
            if !self.tree.has(&id) {
                self.tree.insert(block);
            }
        }
        if let Some(commit) = commit {
            // It may be below the highest commit: a long way is made final in pieces.
            if self.tree.block(&last).is_some() {
                self.finalize_to(commit.clone());
            }
            self.votes.wait(commit, Origin::Fetched);
        }
    }
}

fn bare(vote: Vote) -> Message {
    Message::Vote { vote, reason: None }
}
