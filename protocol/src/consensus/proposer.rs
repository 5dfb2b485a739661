//! What a leader proposes: which block to extend (R8), and which proofs the next one holds.

use super::Settings;
use super::events::Checked;
use super::proofs::Proofs;
use super::safety::Draft;
use super::sync::{Resolver, Want};
use super::tree::{NotExecuted, ProofsOf, Tree};
use super::votes::Votes;
use crate::block::{Block, Body, Entry, Header};
use crate::certificate::Certificate;
use crate::ledger::{BranchError, Position};
use crate::message::{Word, limits};
use crate::types::{Hash, Millis, ValidatorIndex, View};
use crate::vote::VoteKind;
use alloc::collections::BTreeSet;
use alloc::vec::Vec;

/// Uncontested blocks of mine between two of contested proofs, while uncontested ones wait.
const BLOCKS_BETWEEN_CONTESTED: u64 = 3;

/// The block that a leader extends, with the certificate of exactly (view, block); none for the genesis.
struct Parent<'a> {
    view: View,
    id: Hash,
    certificate: Option<&'a Certificate>,
}

/// What a block would hold.
struct Selection {
    entries: Vec<Entry>,
    contested: bool,
}

/// What my own proposals were.
#[derive(Debug, Default)]
pub struct Proposer {
    /// My own blocks since the last one of contested proofs.
    blocks_since_contested: u64,
}

/// What a proposal is made of, in a view that is mine.
pub struct Leading<'a> {
    pub settings: &'a Settings,
    pub view: View,
    /// The wall clock.
    pub time: Millis,
    /// Proofs wait, with what is still being checked: [`super::timers::Timers::is_gathering`].
    pub is_gathering: bool,
    /// An empty block is better than none.
    pub is_block_due: bool,
    pub votes: &'a Votes,
    pub proofs: &'a Proofs,
    pub tree: &'a mut Tree,
    pub resolver: &'a mut Resolver,
}

impl Proposer {
    /// What to propose, if the parent is stored here and there is work or a block is due. Asks for what is missing.
    ///
    /// # Errors
    /// [`BranchError`] if the database cannot say what is final.
    pub fn draft(&mut self, mut leading: Leading<'_>) -> Result<Option<Draft>, BranchError> {
        let Some(parent) = leading.choose_parent()? else { return Ok(None) };
        if leading.is_gathering && !leading.is_block_due {
            return Ok(None);
        }
        let selection = self.select(&leading, &parent.id);
        if selection.entries.is_empty() && !leading.is_block_due {
            return Ok(None);
        }
        let Some((id, block)) = leading.build(&parent.id, selection.entries)? else { return Ok(None) };
        let between = (parent.view.0.saturating_add(1)..leading.view.0).rev().map(View);
        let ends = between.filter_map(|between| leading.votes.certificates().view_change(between));
        let mut skipped: Vec<Certificate> = ends.take(limits::SKIPPED_MAX).cloned().collect();
        skipped.reverse();
        self.blocks_since_contested =
            if selection.contested { 0 } else { self.blocks_since_contested.saturating_add(1) };
        Ok(Some(Draft { view: leading.view, id, block, parent: parent.certificate.cloned(), skipped }))
    }

    /// What a block on `tip` should hold: proofs on which Ready is unanimous; or others, in blocks of their own, at most every
    /// fourth of my own blocks while unanimous ones wait.
    fn select(&self, leading: &Leading<'_>, tip: &Hash) -> Selection {
        let below = leading.tree.proofs_above_base(tip);
        let free = |entry: &Entry| !below.contains(&entry.proof);
        let uncontested = leading.proofs.ready().uncontested().filter_map(entry).filter(free);
        let entries: Vec<Entry> = uncontested.take(leading.settings.block_size_max).collect();
        if !entries.is_empty() && self.blocks_since_contested < BLOCKS_BETWEEN_CONTESTED {
            return Selection { entries, contested: false };
        }
        let contested = leading.select_contested(&below);
        if contested.is_empty() {
            Selection { entries, contested: false }
        } else {
            Selection { entries: contested, contested: true }
        }
    }
}

impl<'a> Leading<'a> {
    /// R8: the prepared block of the highest view for which R4's chain holds and whose ancestry is here. Asks for what
    /// is missing; a view with a ViewChange certificate too may be passed over meanwhile.
    fn choose_parent(&mut self) -> Result<Option<Parent<'a>>, BranchError> {
        let certificates = self.votes.certificates();
        let commit = certificates.commit_view();
        // Every view above this one may be passed over.
        let lowest = certificates.last_not_given_up(self.view).max(commit);
        for certificate in certificates.prepares_down(lowest.max(commit.next()), self.view.previous()) {
            if let Some(parent) = self.prepared_parent(certificate)? {
                return Ok(Some(parent));
            }
        }
        if lowest == commit {
            return Ok(self.committed_parent());
        }
        if certificates.prepare(lowest).is_none() {
            self.want_ending(lowest);
        }
        Ok(None)
    }

    /// Neither kind of certificate is known of this view, and there is one: I am past it.
    fn want_ending(&mut self, at: View) {
        let from = self.votes.certificates().last_ended(at).next();
        for kind in [VoteKind::ViewChange, VoteKind::Prepare] {
            self.resolver.want(Want::Certificates { kind, from, to: at }, None, []);
        }
    }

    /// The highest committed block, or the genesis: its Commit certificate justifies extending it.
    fn committed_parent(&mut self) -> Option<Parent<'a>> {
        let certificate = self.votes.certificates().commit();
        let id = certificate.and_then(Certificate::block).unwrap_or(self.settings.genesis);
        if id != self.tree.base() {
            // Finality asks for its ancestry already.
            return None;
        }
        let view = self.votes.certificates().commit_view();
        self.has_votes_of(view, &id).then_some(Parent { view, id, certificate })
    }

    fn prepared_parent(&mut self, certificate: &'a Certificate) -> Result<Option<Parent<'a>>, BranchError> {
        let view = certificate.view();
        let Some(id) = certificate.block() else { return Ok(None) };
        Ok(match self.tree.ledger(&id) {
            Ok(_) => self.has_votes_of(view, &id).then_some(Parent { view, id, certificate: Some(certificate) }),
            Err(NotExecuted::Missing(missing)) => {
                let above = self.tree.base_sequence();
                self.resolver.want(Want::Block { id: missing, above }, None, certificate.signers());
                None
            }
            Err(NotExecuted::Elsewhere | NotExecuted::Fault(_) | NotExecuted::OtherRoot { .. }) => None,
            Err(NotExecuted::Branch(error)) => return Err(error),
        })
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

    /// Greedily, the most urgent first, as long as a quorum of validators that are not doubted has announced all of them: these can
    /// vote for the block. (Equal sets of announcers would give a bad minority as many sets as it has subsets, and blocks of one
    /// proof.)
    fn select_contested(&self, below: &ProofsOf<'_>) -> Vec<Entry> {
        let (ready, set) = (self.proofs.ready(), &self.settings.set);
        let mut everywhere: Option<BTreeSet<ValidatorIndex>> = None;
        let still_a_quorum = |entry: &Entry| {
            let announcers = ready.trusted(&entry.proof, entry.difficulty);
            let both = match &everywhere {
                Some(before) => before.intersection(&announcers).copied().collect(),
                None => announcers,
            };
            let is_quorum = set.is_quorum(set.stake_of(both.iter().copied()));
            if is_quorum {
                everywhere = Some(both);
            }
            is_quorum
        };
        let contested = ready.contested().filter_map(entry).filter(|entry| !below.contains(&entry.proof));
        contested.filter(still_a_quorum).take(self.settings.block_size_max).collect()
    }

    /// Builds the block on an executed parent.
    fn build(&mut self, parent: &Hash, proofs: Vec<Entry>) -> Result<Option<(Hash, Block)>, BranchError> {
        match self.built(parent, proofs) {
            Ok(built) => Ok(Some(built)),
            Err(NotExecuted::Branch(error)) => Err(error),
            Err(
                NotExecuted::Missing(_)
                | NotExecuted::Elsewhere
                | NotExecuted::Fault(_)
                | NotExecuted::OtherRoot { .. },
            ) => Ok(None),
        }
    }

    fn built(&mut self, parent: &Hash, proofs: Vec<Entry>) -> Result<(Hash, Block), NotExecuted> {
        let (chain, epoch) = (*self.settings.set.chain(), self.settings.set.epoch());
        let ledger = self.tree.ledger(parent)?;
        let time = ledger.time().max(self.time);
        let carried = self.votes.carry().for_child(ledger, parent);
        let sequence = ledger.sequence().next();
        let mut body = Body { proofs, carried };
        body.shorten(parent, self.settings.block.bytes_max);
        let at = Position { parent: *parent, sequence, time };
        let after = self.tree.execute(at, &body)?;
        let header = Header { chain, epoch, sequence, parent: *parent, time, body: body.digest(), state: after.root() };
        Ok((header.id(), Block { header, body }))
    }
}

fn entry(checked: Checked) -> Option<Entry> {
    match checked.word {
        Word::Confirmed(difficulty) => Some(Entry { proof: checked.proof, statement: checked.statement, difficulty }),
        Word::ConfirmedBeyondSoft(_) | Word::Refuted | Word::NoVerdict => None,
    }
}
