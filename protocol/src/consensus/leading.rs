//! Leading a view: which block to extend (R8), what to propose, and the one record that makes it mine (R3).

use super::Consensus;
use super::events::To;
use super::resolver::Want;
use super::safety::Draft;
use super::tree::{NotExecuted, ProofsOf};
use crate::block::{Block, Body, Entry, Header};
use crate::certificate::Certificate;
use crate::ledger::Position;
use crate::message::{Message, Word, limits};
use crate::types::{Hash, View};
use crate::vote::VoteKind;
use alloc::boxed::Box;
use alloc::vec::Vec;

/// Uncontested blocks of mine between two of contested proofs, while uncontested ones wait.
const BLOCKS_BETWEEN_CONTESTED: u64 = 3;

/// The block that a leader extends, with the certificate of exactly (view, block); none for the genesis.
pub(super) struct Parent {
    pub view: View,
    pub id: Hash,
    pub certificate: Option<Certificate>,
}

/// What a block would hold.
pub(super) struct Selection {
    pub entries: Vec<Entry>,
    pub contested: bool,
}

impl Consensus {
    /// Proposes if this view is mine, I have not voted ViewChange in it, its parent is stored here, and there is work
    /// or the idle block is due.
    pub(super) fn lead(&mut self) {
        let view = self.view;
        let mine = self.leader(view) == self.settings.me;
        if !mine || self.round.proposed || !self.safety.may_sign() || !self.safety.signed().may_prepare(view) {
            return;
        }
        let Some(parent) = self.choose_parent() else { return };
        let selection = self.select(&parent.id);
        let idle_for = self.now.local.since(self.round.entered);
        let due = !selection.entries.is_empty() || self.is_stranded() || idle_for >= self.settings.idle_block_interval;
        if due {
            self.propose(parent, selection);
        }
    }

    /// R8: the prepared block of the highest view for which R4's chain holds and whose ancestry is here. Asks for what
    /// is missing; a view with a ViewChange certificate too may be passed over meanwhile.
    fn choose_parent(&mut self) -> Option<Parent> {
        let commit = self.votes.certificates().commit_view();
        let mut at = self.view.previous();
        loop {
            if at == commit {
                return self.committed_parent();
            }
            let prepared = self.votes.certificates().prepare(at).cloned();
            let passable = self.votes.certificates().view_change(at).is_some();
            match prepared {
                Some(certificate) => {
                    if let Some(parent) = self.prepared_parent(certificate) {
                        return Some(parent);
                    }
                    if !passable {
                        return None;
                    }
                }
                None if passable => {}
                None => {
                    self.want_ending(commit, at);
                    return None;
                }
            }
            at = at.previous();
        }
    }

    /// Neither kind of certificate is known of this view, and there is one: I am past it.
    fn want_ending(&mut self, above: View, at: View) {
        let known = |view: &u64| self.votes.certificates().ending(View(*view)).is_some();
        let first = (above.0 + 1..=at.0).rev().take_while(|view| !known(view)).last().unwrap_or(at.0);
        for kind in [VoteKind::ViewChange, VoteKind::Prepare] {
            self.resolver.want(Want::Certificates { kind, from: View(first), to: at }, None, []);
        }
    }

    /// The highest committed block, or the genesis: its Commit certificate justifies extending it.
    fn committed_parent(&mut self) -> Option<Parent> {
        let certificate = self.votes.certificates().commit().cloned();
        let id = certificate.as_ref().and_then(Certificate::block).unwrap_or(self.settings.genesis);
        if id != self.tree.base() {
            // Finality asks for its ancestry already.
            return None;
        }
        let view = self.votes.certificates().commit_view();
        self.has_votes_of(view, &id).then_some(Parent { view, id, certificate })
    }

    fn prepared_parent(&mut self, certificate: Certificate) -> Option<Parent> {
        let view = certificate.view();
        let id = certificate.block()?;
        match self.tree.ledger(&id) {
            Ok(_) => self.has_votes_of(view, &id).then_some(Parent { view, id, certificate: Some(certificate) }),
            Err(NotExecuted::Missing(missing)) => {
                let above = self.tree.base_sequence();
                self.resolver.want(Want::Block { id: missing, above }, None, certificate.signers().collect::<Vec<_>>());
                None
            }
            Err(NotExecuted::Elsewhere | NotExecuted::Fault(_) | NotExecuted::OtherRoot { .. }) => None,
        }
    }

    /// A body needs a quorum of its parent's Prepare votes: of a parent known by its Commit certificate only, the
    /// Prepare certificate is fetched.
    fn has_votes_of(&mut self, view: View, id: &Hash) -> bool {
        if *id == self.settings.genesis || self.votes.prepare_of(id).is_some() {
            return true;
        }
        self.resolver.want(Want::Certificates { kind: VoteKind::Prepare, from: view, to: view }, None, []);
        false
    }

    /// What a block on `tip` should hold: proofs on which Ready is unanimous; or others, in blocks of their own, each
    /// of proofs with the same set of announcers, at most every fourth of my own blocks while unanimous ones wait.
    pub(super) fn select(&self, tip: &Hash) -> Selection {
        let below = self.tree.proofs_above_base(tip);
        let free = |entry: &Entry| !below.contains(&entry.proof);
        let uncontested = self.ready.uncontested().filter_map(entry).filter(free);
        let entries: Vec<Entry> = uncontested.take(self.settings.block_size_max).collect();
        if !entries.is_empty() && self.blocks_since_contested < BLOCKS_BETWEEN_CONTESTED {
            return Selection { entries, contested: false };
        }
        let contested = self.select_contested(&below);
        if contested.is_empty() {
            Selection { entries, contested: false }
        } else {
            Selection { entries: contested, contested: true }
        }
    }

    fn select_contested(&self, below: &ProofsOf<'_>) -> Vec<Entry> {
        let announcers = |entry: &Entry| self.ready.announcers(&entry.proof, entry.difficulty);
        let mut contested =
            self.ready.contested().filter_map(entry).filter(|entry| !below.contains(&entry.proof)).peekable();
        let Some(first) = contested.peek().map(announcers) else { return Vec::new() };
        contested.filter(|entry| announcers(entry) == first).take(self.settings.block_size_max).collect()
    }

    /// R3: one record holds the proposal and my Prepare vote for it; it is sent only then, and again identically.
    fn propose(&mut self, parent: Parent, selection: Selection) {
        let view = self.view;
        let Some((id, block)) = self.build(&parent, selection.entries) else { return };
        let between = (parent.view.0.saturating_add(1)..view.0).rev();
        let mut skipped: Vec<Certificate> = between
            .filter_map(|between| self.votes.certificates().view_change(View(between)).cloned())
            .take(limits::SKIPPED_MAX)
            .collect();
        skipped.reverse();
        self.blocks_since_contested =
            if selection.contested { 0 } else { self.blocks_since_contested.saturating_add(1) };
        let draft = Draft { view, id, block, parent: parent.certificate, skipped };
        let Some(proposal) = self.safety.propose(draft, self.votes.certificates()) else { return };
        let vote = proposal.vote;
        self.effects.send(To::All, Message::Proposal(Box::new(proposal.clone())));
        self.round.proposed = true;
        self.round.judged = true;
        self.keep(view, id, proposal);
        self.count(crate::verify::Verified::own(vote));
    }

    /// Builds the block on an executed parent.
    fn build(&mut self, parent: &Parent, proofs: Vec<Entry>) -> Option<(Hash, Block)> {
        let (chain, epoch) = (*self.set().chain(), self.set().epoch());
        let ledger = self.tree.ledger(&parent.id).ok()?;
        let time = ledger.time().max(self.now.wall);
        let carried = self.votes.carry().for_child(ledger, &parent.id);
        let sequence = ledger.sequence().next();
        let body = Body { proofs, carried };
        let at = Position { parent: parent.id, sequence, time };
        let after = self.tree.execute(at, &body).ok()?;
        let header =
            Header { chain, epoch, sequence, parent: parent.id, time, body: body.digest(), state: after.root() };
        Some((header.id(), Block { header, body }))
    }

    /// The block that a proposal of mine would extend now, as far as bodies are here: where work is measured.
    pub(super) fn tip(&self) -> Hash {
        let highest = self.votes.certificates().highest_prepare().and_then(Certificate::block);
        highest.filter(|id| self.tree.path(id).is_ok()).unwrap_or(self.tree.base())
    }
}

fn entry(checked: super::events::Checked) -> Option<Entry> {
    match checked.word {
        Word::Confirmed(difficulty) => Some(Entry { proof: checked.proof, statement: checked.statement, difficulty }),
        Word::ConfirmedBeyondSoft(_) | Word::Refuted | Word::NoVerdict => None,
    }
}
