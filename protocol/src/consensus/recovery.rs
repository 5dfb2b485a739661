//! From the log and the database to a running consensus, and what R12 asks before it signs.

use super::events::{Effect, Notice, Output, Record, Time, UnknownHistory};
use super::safety::{Heard, Safety};
use super::votes::{Origin, Votes};
use super::{Consensus, Kept, Peer, Round, Settings, doubt, effects, resolver, tree};
use crate::certificate::Certificate;
use crate::ledger::{Branch, Ledger};
use crate::message::{Message, Proposal, Testimony, limits};
use crate::ready::Ready;
use crate::signature::Signer;
use crate::types::{Hash, Millis, ValidatorIndex, View};
use crate::verify::Verified;
use crate::vote::Vote;
use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;

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
        let me = settings.me;
        let tree = tree::Tree::new(settings.set.clone(), settings.proofs_max, branch, base.id, base.ledger);
        let mut this = Consensus {
            safety: Safety::new(settings.set.clone(), settings.schedule.clone(), me, signer),
            now,
            votes: Votes::new(settings.set.clone()),
            tree,
            ready: Ready::new(me),
            late_verdicts: BTreeMap::new(),
            doubts: doubt::Doubts::default(),
            contested_pause: doubt::Pause::default(),
            blocks_since_contested: 0,
            resolver: resolver::Resolver::default(),
            view: View(1),
            entry: None,
            round: Round::new(now.local),
            round_time: Millis(1_000),
            proposals: BTreeMap::new(),
            peers: BTreeMap::new(),
            relays: super::relaying::Relays::default(),
            attesting: super::attesting::Attesting::new(me, now.local),
            status_due: now.local,
            status_turns: crate::turns::Turns::new(me),
            effects: effects::Effects::default(),
            settings,
        };
        base.commit.iter().chain(&base.prepare).for_each(|certificate| this.votes.restore_certificate(certificate));
        this.replay(records);
        this.resume();
        let output = this.end_step();
        (this, output)
    }

    fn replay(&mut self, records: Vec<Record>) {
        for record in records {
            self.safety.restore(&record);
            match record {
                Record::Unknown(_) | Record::Floor(_) => {}
                Record::Certificate(certificate) => self.votes.restore_certificate(&certificate),
                Record::Block(block) => self.tree.insert(block),
                Record::Proposal(proposal) => self.restore_proposal(*proposal),
                Record::Vote(vote) => self.votes.include(&vote),
            }
        }
    }

    fn restore_proposal(&mut self, proposal: Proposal) {
        proposal
            .parent
            .iter()
            .chain(&proposal.skipped)
            .for_each(|certificate| self.votes.restore_certificate(certificate));
        if proposal.vote.voter == self.settings.me {
            self.votes.include(&proposal.vote);
        }
        self.tree.insert(proposal.block.clone());
        let id = proposal.block.id();
        let view = proposal.view();
        self.proposals.insert(view, Kept { id, proposal, prepared: false });
    }

    /// The current view is the highest of any vote's view and any certificate's view + 1.
    fn resume(&mut self) {
        let voted = self.safety.signed().highest_view();
        let prepared = self.votes.certificates().highest_prepare().map_or(View(0), Certificate::view);
        let skipped = self.votes.certificates().highest_view_change();
        let certified = prepared.max(skipped).max(self.votes.certificates().commit_view());
        self.view = voted.max(certified.next()).max(View(1));
        self.entry = self.votes.certificates().ending(self.view.previous()).cloned();
        self.safety.signed().votes().for_each(|vote| self.votes.restore(vote));
        for (view, kept) in &mut self.proposals {
            kept.prepared = self.votes.certificates().is_prepared(*view, &kept.id);
        }
        let entered = Notice::ViewEntered {
            view: self.view,
            leader: self.leader(self.view),
            by: None,
            fetched: true,
            doubles: false,
        };
        self.effects.notice(entered);
        self.resolve_history();
        self.settle();
    }

    /// My recovery response to a peer whose vote log may be incomplete.
    pub(super) fn testimony(&self, peer: ValidatorIndex) -> Message {
        Message::Testimony(Testimony {
            lost: self.safety.unknown() == Some(UnknownHistory::Lost),
            view: self.view,
            entry: self.entry.clone(),
            yours: self.votes.tally().newest_of(peer).take(limits::TESTIMONY_VOTES_MAX).collect(),
        })
    }

    pub(super) fn on_testimony(&mut self, from: ValidatorIndex, testimony: Testimony) {
        match self.safety.hear(from, &testimony) {
            Heard::Loss => return self.reconnect(),
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
        self.resolve_history();
    }

    /// R12: a peer that sends a certificate, or a block with its included votes, also shows these votes. One of mine
    /// that my log lacks distinguishes an old log from a whole one.
    pub(super) fn check_own(&mut self, votes: impl Iterator<Item = Vote>) {
        if self.safety.misses_any(votes) && self.safety.lose() {
            self.reconnect();
        }
    }

    /// My log is lost: only recovery responses in sessions opened from now on count.
    fn reconnect(&mut self) {
        self.peers.clear();
        self.effects.push(Effect::Reconnect);
    }

    pub(super) fn resolve_history(&mut self) {
        if self.safety.resolve(self.view, self.entry.as_ref()) {
            self.effects.notice(Notice::Signing);
        }
    }

    pub(super) fn accept_unknown_history(&mut self) {
        self.safety.accept();
        self.resolve_history();
    }

    pub(super) fn on_session_opened(&mut self, peer: ValidatorIndex) {
        if peer == self.settings.me || self.set().get(peer).is_none() {
            return;
        }
        self.peers.insert(peer, Peer { opened: self.now.local, ..Peer::default() });
        self.ready.session_opened(&self.settings.set, peer);
        let testimony = self.testimony(peer);
        self.greet(peer, testimony);
        self.resolve_history();
    }
}
