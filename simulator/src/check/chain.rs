//! Final blocks: agreement, prefix order, one block for each sequence, conservation, and that the verdicts were there.

use super::Broken;
use crate::scenario::Scenario;
use protocol::consensus::events::FinalBlock;
use protocol::types::{Hash, Sequence, Stake, ValidatorIndex};
use std::collections::HashMap;
use std::sync::Arc;

/// The one history, and how far each validator has said that it is final.
pub struct Chain {
    scenario: Arc<Scenario>,
    blocks: Vec<Hash>,
    proofs: HashMap<Hash, Sequence>,
    /// The last sequence that each validator's present incarnation made final.
    heads: Vec<Sequence>,
}

impl Chain {
    pub fn new(scenario: Arc<Scenario>) -> Self {
        let heads = vec![Sequence(0); scenario.set.len()];
        Chain { scenario, blocks: Vec::new(), proofs: HashMap::new(), heads }
    }

    pub fn height(&self) -> usize {
        self.blocks.len()
    }

    pub fn is_final(&self, proof: &Hash) -> bool {
        self.proofs.contains_key(proof)
    }

    /// A validator starts again, from its database's head.
    pub fn restarted(&mut self, by: ValidatorIndex, head: Sequence) {
        self.heads[by.as_usize()] = head;
    }

    /// # Errors
    /// The rule that these blocks break.
    pub fn made_final(&mut self, by: ValidatorIndex, blocks: &[FinalBlock]) -> Result<(), Broken> {
        for block in blocks {
            self.one(by, block)?;
        }
        Ok(())
    }

    fn one(&mut self, by: ValidatorIndex, block: &FinalBlock) -> Result<(), Broken> {
        let header = &block.block.header;
        let sequence = header.sequence;
        let head = &mut self.heads[by.as_usize()];
        if sequence != head.next() {
            return Err(format!("prefix order: validator {by} made block {sequence} final after {head}"));
        }
        *head = sequence;
        let place = sequence.0 as usize - 1;
        let parent = if place == 0 { self.scenario.genesis } else { self.blocks[place - 1] };
        if header.parent != parent || block.block.id() != block.id {
            return Err(format!(
                "prefix order: final block {sequence} of validator {by} does not follow the final one"
            ));
        }
        match self.blocks.get(place) {
            Some(first) if *first != block.id => {
                return Err(format!("agreement: validator {by} made {} final at {sequence}, others {first}", block.id));
            }
            // What the block says was checked when the first validator made it final.
            Some(_) => return self.ledger(by, block),
            None => self.blocks.push(block.id),
        }
        for entry in &block.block.body.proofs {
            if let Some(before) = self.proofs.insert(entry.proof, sequence) {
                return Err(format!("proof {} is final in block {before} and again in {sequence}", entry.proof));
            }
            let confirming = self.scenario.validators().filter(|validator| {
                self.scenario.bad == Some(*validator)
                    || self.scenario.catalogue.confirms(*validator, &entry.proof, entry.difficulty)
            });
            if !is_quorum(&self.scenario, confirming) {
                return Err(format!(
                    "proof {} is final, and no quorum confirms it at {}",
                    entry.proof, entry.difficulty
                ));
            }
        }
        self.ledger(by, block)
    }

    fn ledger(&self, by: ValidatorIndex, block: &FinalBlock) -> Result<(), Broken> {
        let ledger = &block.ledger;
        let held: u128 = ledger.accounts().iter().map(|account| account.balance.0 + account.stake.0).sum();
        let genesis = &self.scenario.ledger;
        let minted: u128 = genesis.accounts().iter().map(|account| account.balance.0 + account.stake.0).sum();
        if held + ledger.pool().0 != minted + genesis.pool().0 {
            return Err(format!("conservation: {held} + {} at block {}", ledger.pool(), block.block.header.sequence));
        }
        let earned: u128 = ledger.accounts().iter().map(|account| account.balance.0).sum();
        if earned != ledger.paid().0 || ledger.root() != block.block.header.state {
            return Err(format!(
                "state: validator {by} has another ledger after block {}",
                block.block.header.sequence
            ));
        }
        Ok(())
    }
}

/// R1, counted here and not by `protocol::quorum`.
pub(super) fn is_quorum(scenario: &Scenario, voters: impl Iterator<Item = ValidatorIndex>) -> bool {
    let stake = |index: ValidatorIndex| u128::from(scenario.set.get(index).map_or(Stake(0), |one| one.stake).0);
    let total: u128 = scenario.validators().map(stake).sum();
    3 * voters.map(stake).sum::<u128>() > 2 * total
}
