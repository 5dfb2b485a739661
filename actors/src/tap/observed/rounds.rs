//! Who took part in which final block: the voters of its Prepare certificate, and those whose vote one of the blocks
//! above includes for it. Each counts once, whichever shows it first.

use crate::metrics::VALIDATORS_MAX;
use protocol::consensus::events::FinalBlock;
use protocol::ledger::WINDOW;
use protocol::types::{Hash, ValidatorIndex};
use std::collections::VecDeque;

/// A bit for each of the first validators.
type Voters = u128;
const _: () = assert!(VALIDATORS_MAX as u32 == Voters::BITS);

/// The newest final blocks of this process for which votes may still be included, and whose votes were counted.
#[derive(Debug, Default)]
pub(super) struct TookPart(VecDeque<(Hash, Voters)>);

impl TookPart {
    /// Takes the next final block, and reports each validator newly found to have taken part in it or in one below.
    pub(super) fn block(&mut self, block: &FinalBlock, mut took_part: impl FnMut(usize)) {
        if self.0.len() > WINDOW {
            self.0.pop_front();
        }
        self.0.push_back((block.id, 0));
        let certified = block.prepare.iter().flat_map(|prepare| prepare.signers());
        self.count(&block.id, certified, &mut took_part);
        for carried in &block.block.body.carried {
            self.count(&carried.block, carried.votes.iter().map(|vote| vote.voter), &mut took_part);
        }
    }

    /// Votes for what became final before the process started were counted then.
    fn count(&mut self, block: &Hash, voters: impl Iterator<Item = ValidatorIndex>, took_part: &mut impl FnMut(usize)) {
        let Some((_, counted)) = self.0.iter_mut().find(|(id, _)| id == block) else { return };
        for voter in voters.map(ValidatorIndex::as_usize).filter(|voter| *voter < VALIDATORS_MAX) {
            if *counted >> voter & 1 == 0 {
                *counted |= 1 << voter;
                took_part(voter);
            }
        }
    }
}
