//! Vote inclusion: Prepare votes by block, which a proposer may include so that whoever checked a block is paid for it.

use crate::block::{Carried, CarriedVote};
use crate::certificate::Certificate;
use crate::ledger::Ledger;
use crate::quorum::ValidatorSet;
use crate::types::{Hash, ValidatorIndex, View};
use crate::vote::{Ballot, Choice, Vote};
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;

/// Blocks for which single votes find a place, at the most. A certificate's votes always do: a child needs them, and a
/// quorum stands behind each.
const BLOCKS_MAX: usize = 4_096;

/// The first Prepare vote that came from each validator for each block.
#[derive(Debug, Default)]
pub struct Carry {
    blocks: BTreeMap<Hash, BTreeMap<ValidatorIndex, Vote>>,
}

impl Carry {
    /// Enters a verified Prepare vote; others are ignored.
    pub fn insert(&mut self, vote: &Vote) {
        let Choice::Prepare(block) = vote.ballot.choice else { return };
        if self.blocks.len() >= BLOCKS_MAX && !self.blocks.contains_key(&block) {
            return;
        }
        self.blocks.entry(block).or_default().entry(vote.voter).or_insert(*vote);
    }

    /// Enters a certificate's votes over what is held: they are of one view, and a child needs a quorum of one.
    pub fn insert_certificate(&mut self, certificate: &Certificate) {
        let Choice::Prepare(block) = certificate.ballot.choice else { return };
        let votes = self.blocks.entry(block).or_default();
        certificate.votes().for_each(|vote| _ = votes.insert(vote.voter, vote));
    }

    pub fn has(&self, block: &Hash) -> bool {
        self.blocks.contains_key(block)
    }

    /// A Prepare certificate of the block, from the votes held, if a quorum of one view is among them.
    pub fn certificate(&self, set: &ValidatorSet, block: &Hash) -> Option<Certificate> {
        let votes = self.blocks.get(block)?;
        let mut by_view: BTreeMap<View, Vec<&Vote>> = BTreeMap::new();
        votes.values().for_each(|vote| by_view.entry(vote.view()).or_default().push(vote));
        by_view.into_iter().find_map(|(_, votes)| {
            let stake = set.stake_of(votes.iter().map(|vote| vote.voter));
            let ballot: Ballot = votes.first()?.ballot;
            let signatures = votes.iter().map(|vote| (vote.voter, vote.signature)).collect();
            set.is_quorum(stake).then_some(Certificate { ballot, signatures })
        })
    }

    /// What a block on `parent` should include: every vote held for the window's ancestors that the branch does not
    /// have yet.
    pub fn for_child(&self, ledger: &Ledger, parent: &Hash) -> Vec<Carried> {
        let ancestors = ledger.window(parent);
        let uncarried = ancestors.into_iter().map(|block| {
            let done = ledger.carried(&block, parent);
            let votes = self.blocks.get(&block).into_iter().flatten();
            let votes = votes.filter(|(voter, _)| !done.is_some_and(|done| done.contains(voter)));
            let carried = votes.map(|(voter, vote)| CarriedVote {
                voter: *voter,
                epoch: vote.ballot.epoch,
                view: vote.view(),
                signature: vote.signature,
            });
            Carried { block, votes: carried.collect() }
        });
        uncarried.filter(|carried| !carried.votes.is_empty()).collect()
    }

    /// Keeps only the blocks whose votes may still be included.
    pub fn retain(&mut self, keep: &BTreeSet<Hash>) {
        self.blocks.retain(|block, _| keep.contains(block));
    }
}
