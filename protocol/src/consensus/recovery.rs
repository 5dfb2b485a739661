//! From the log and the database to a running consensus, and what R12 asks before it signs.

use super::events::{Effect, Notice, Output, Record, Time, UnknownHistory};
use super::history::{History, Resolution};
use super::{
    Consensus, Kept, Peer, Round, Settings, Waiting, carry, certificates, chain, doubt, resolver, signed, tally,
};
use crate::certificate::Certificate;
use crate::ledger::{Branch, Ledger};
use crate::message::{Message, Proposal, Testimony, limits};
use crate::ready::Ready;
use crate::signature::Signer;
use crate::types::{Hash, Millis, ValidatorIndex, View};
use crate::verify::Verified;
use crate::vote::{Vote, VoteKind};
use alloc::boxed::Box;
use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
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

/// What is in the log already, so that nothing is written twice.
#[derive(Debug, Default)]
pub(super) struct LogBook {
    /// Records since the log was last written anew, those that it was written with included.
    pub count: usize,
    /// Records that it was last written with.
    shortest: usize,
    certificates: BTreeSet<(VoteKind, View)>,
    /// Certificates that need no fsync of their own: they go with the next batch.
    pub deferred: Vec<Certificate>,
}

impl LogBook {
    /// The log was written anew.
    pub fn restart(&mut self, records: &[Record]) {
        (self.count, self.shortest) = (records.len(), records.len());
        self.certificates.clear();
        self.deferred.clear();
        records.iter().for_each(|record| self.note(record));
    }

    /// Whether it is worth rewriting: it is long, and twice as long as it would be afterwards. Without the second
    /// condition, a log that cannot be short, since nothing becomes final, would be rewritten at every step.
    pub fn is_long(&self, records_max: usize) -> bool {
        self.count >= records_max.max(self.shortest.saturating_mul(2))
    }

    fn note(&mut self, record: &Record) {
        match record {
            Record::Certificate(certificate) => {
                self.certificates.insert((certificate.kind(), certificate.view()));
            }
            Record::Proposal(proposal) => {
                let certificates = proposal.parent.iter().chain(&proposal.skipped);
                self.certificates.extend(certificates.map(|certificate| (certificate.kind(), certificate.view())));
            }
            Record::Unknown(_) | Record::Floor(_) | Record::Block(_) | Record::Vote(_) => {}
        }
    }
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
        let chain = chain::Chain::new(settings.set.clone(), settings.proofs_max, branch, base.id, base.ledger);
        let mut this = Consensus {
            signer,
            now,
            history: History::new(me, None),
            signed: signed::Signed::default(),
            tally: tally::Tally::default(),
            certificates: certificates::Certificates::default(),
            carry: carry::Carry::default(),
            chain,
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
            last_round: Millis(0),
            proposals: BTreeMap::new(),
            peers: BTreeMap::new(),
            waiting: VecDeque::new(),
            relays: super::relaying::Relays::default(),
            attesting: super::attesting::Attesting::new(me, now.local),
            status_due: now.local,
            told_last_time: false,
            status_turns: crate::turns::Turns::new(me),
            log: LogBook::default(),
            output: Output::default(),
            halted: false,
            settings,
        };
        base.commit.iter().chain(&base.prepare).for_each(|certificate| this.restore_certificate(certificate));
        this.replay(records);
        this.resume();
        let output = core::mem::take(&mut this.output);
        (this, output)
    }

    fn replay(&mut self, records: Vec<Record>) {
        self.log.count = records.len();
        let mut unknown = None;
        for record in records {
            self.log.note(&record);
            match record {
                // These ask for less than what they follow, and do not end it.
                Record::Unknown(kind @ (UnknownHistory::Torn | UnknownHistory::Unconfirmed)) => {
                    unknown = unknown.or(Some(kind));
                }
                Record::Unknown(kind) => unknown = Some(kind),
                Record::Floor(floor) => {
                    unknown = None;
                    self.signed.raise_floor(floor);
                }
                Record::Certificate(certificate) => self.restore_certificate(&certificate),
                Record::Block(block) => self.chain.insert(block),
                Record::Proposal(proposal) => self.restore_proposal(*proposal),
                Record::Vote(vote) => self.restore_vote(vote),
            }
        }
        self.history = History::new(self.settings.me, unknown);
    }

    fn restore_certificate(&mut self, certificate: &Certificate) {
        self.certificates.insert(certificate);
        if certificate.kind() == VoteKind::Prepare {
            self.carry.insert_certificate(certificate);
        }
    }

    fn restore_proposal(&mut self, proposal: Proposal) {
        proposal.parent.iter().chain(&proposal.skipped).for_each(|certificate| self.restore_certificate(certificate));
        if proposal.vote.voter == self.settings.me {
            self.restore_vote(proposal.vote);
        }
        self.chain.insert(proposal.block.clone());
        let id = proposal.block.id();
        let view = proposal.view();
        self.proposals.insert(view, Kept { id, proposal, prepared: false });
    }

    fn restore_vote(&mut self, vote: Vote) {
        self.signed.insert(vote);
        self.carry.insert(&vote);
    }

    /// The current view is the highest of any vote's view and any certificate's view + 1.
    fn resume(&mut self) {
        let voted = self.signed.highest_view();
        let prepared = self.certificates.highest_prepare().map_or(View(0), Certificate::view);
        let skipped = self.certificates.highest_view_change();
        let certified = prepared.max(skipped).max(self.certificates.commit_view());
        self.view = voted.max(certified.next()).max(View(1));
        self.entry = self.certificates.ending(self.view.previous()).cloned();
        let mine: Vec<Vote> = self.signed.iter().flat_map(|(_, mine)| mine.votes().collect::<Vec<_>>()).collect();
        for vote in mine.into_iter().filter(|vote| vote.view() > self.certificates.commit_view()) {
            // Alone they make no certificate, but in a network of one they do.
            if let tally::Counted::Certificate(certificate) = self.tally.insert(&self.settings.set, Verified::own(vote))
            {
                self.waiting.push_back(Waiting { certificate, fetched: true });
            }
        }
        for (view, kept) in &mut self.proposals {
            kept.prepared = self.certificates.is_prepared(*view, &kept.id);
        }
        let entered = Notice::ViewEntered {
            view: self.view,
            leader: self.leader(self.view),
            by: None,
            fetched: true,
            doubles: false,
        };
        self.notice(entered);
        self.resolve_history();
        self.settle();
    }

    /// A certificate goes into the log before the vote that it justifies; each once.
    pub(super) fn log_certificate(&mut self, certificate: Certificate) {
        for deferred in core::mem::take(&mut self.log.deferred) {
            self.log_once(deferred);
        }
        self.log_once(certificate);
    }

    fn log_once(&mut self, certificate: Certificate) {
        if self.log.certificates.insert((certificate.kind(), certificate.view())) {
            self.record(Record::Certificate(certificate));
        }
    }

    /// The ViewChange certificates that justify a proposal and that it does not bring along.
    pub(super) fn log_missing_view_changes(&mut self, view: View, proposal: &Proposal) {
        for between in proposal.parent_view().0.saturating_add(1)..view.0 {
            let brought = proposal.skipped.iter().any(|certificate| certificate.view().0 == between);
            if let Some(certificate) = self.certificates.view_change(View(between)).filter(|_| !brought).cloned() {
                self.log_certificate(certificate);
            }
        }
        let brought = proposal.parent.iter().chain(&proposal.skipped);
        self.log.certificates.extend(brought.map(|certificate| (certificate.kind(), certificate.view())));
    }

    /// My recovery response to a peer whose vote log may be incomplete.
    pub(super) fn testimony(&self, peer: ValidatorIndex) -> Message {
        Message::Testimony(Testimony {
            lost: self.history.is_lost(),
            view: self.view,
            entry: self.entry.clone(),
            yours: self.tally.newest_of(peer).take(limits::TESTIMONY_VOTES_MAX).collect(),
        })
    }

    pub(super) fn on_testimony(&mut self, from: ValidatorIndex, testimony: Testimony) {
        let mine = |vote: &&Vote| vote.voter == self.settings.me && !self.signed.accounts_for(vote);
        let unknown: Vec<Vote> = testimony.yours.iter().filter(mine).copied().collect();
        if !unknown.is_empty() && !self.history.is_lost() {
            return self.lose_history();
        }
        if self.history.takes_votes() {
            unknown.into_iter().for_each(|vote| self.take_back(vote));
        }
        self.history.hear(from, &testimony);
        if let Some(entry) = testimony.entry {
            self.waiting.push_back(Waiting { certificate: entry, fetched: true });
            self.drain();
        }
        self.resolve_history();
    }

    /// A vote of mine that only others hold: I may sign in its view again, and then must not contradict it.
    fn take_back(&mut self, vote: Vote) {
        self.restore_vote(vote);
        self.record(Record::Vote(vote));
        self.count(Verified::own(vote));
    }

    /// R12: a peer that sends a certificate, or a block with its included votes, also shows these votes. One of mine
    /// that my log lacks distinguishes an old log from a whole one.
    pub(super) fn check_own(&mut self, mut votes: impl Iterator<Item = Vote>) {
        if votes.any(|vote| vote.voter == self.settings.me && !self.signed.accounts_for(&vote)) {
            self.lose_history();
        }
    }

    /// R12: a valid vote of mine that my log lacks. I sign nothing until others have sent recovery responses, in
    /// sessions opened from now on.
    pub(super) fn lose_history(&mut self) {
        if self.history.is_lost() {
            return;
        }
        self.history.lose();
        self.record(Record::Unknown(UnknownHistory::Lost));
        self.peers.clear();
        self.output.effects.push(Effect::Reconnect);
    }

    pub(super) fn resolve_history(&mut self) {
        if let Some(resolution) = self.history.resolve(&self.settings.set, self.view) {
            self.resume_signing(resolution);
        }
    }

    pub(super) fn accept_unknown_history(&mut self) {
        self.history.accept();
        self.resolve_history();
    }

    fn resume_signing(&mut self, resolution: Resolution) {
        let floor = match resolution {
            Resolution::AsItIs => self.signed.floor(),
            Resolution::Floor(floor) => floor,
        };
        self.signed.raise_floor(floor);
        self.history.end();
        // Others that lose their log later rest on where I am: that has to survive a restart, like a vote of this view.
        if let Some(entry) = self.entry.clone() {
            self.log_certificate(entry);
        }
        self.record(Record::Floor(self.signed.floor()));
        self.notice(Notice::Signing);
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
