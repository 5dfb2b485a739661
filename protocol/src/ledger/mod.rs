//! The ledger: balances, stakes, the reward pool, and the append-only index of final proofs, under one root.
//!
//! What it depends on is in blocks, never in the certificates a validator happens to hold: these differ in whose
//! votes they have. Integers only, in micro-tokens; nothing appears or vanishes. Slashing comes with evidence, later.

mod accumulator;

pub use accumulator::Accumulator;

use crate::block::{Block, BlockLimits, Body, Carried, Entry};
use crate::bytes::Layout;
use crate::quorum::ValidatorSet;
use crate::types::{Amount, Hash, Millis, ResourceCount, Sequence, ValidatorIndex, View};
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::String;
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

/// Ancestors whose votes a block may include, and the number of blocks that a reward waits.
pub const WINDOW: usize = 8;

/// Micro-tokens paid for each unit of difficulty: the guide's 10 × difficulty / 1,000,000 tokens.
pub const REWARD_PER_DIFFICULTY: u128 = 10;

/// One validator's holdings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    pub balance: Amount,
    pub stake: Amount,
}

/// A block of the window: what it will pay, and whose Prepare votes the branch carried so far.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Recent {
    /// Zero for the newest block, whose id covers the root that covers this.
    block: Hash,
    difficulty: u128,
    carried: BTreeSet<ValidatorIndex>,
}

/// The state after one block. Cloned for every block, so it holds nothing that grows with history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ledger {
    accounts: Vec<Account>,
    pool: Amount,
    /// Balances, stakes and pool of the genesis; for ever the same.
    supply: Amount,
    time: Millis,
    sequence: Sequence,
    window: Vec<Recent>,
    proofs: Accumulator,
    /// Rewards paid since the genesis.
    paid: Amount,
}

/// Why a body does not execute on its parent's ledger: its proposer's fault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LedgerFault {
    #[error("the sequence is {got}, the parent's is {parent}")]
    Sequence { parent: Sequence, got: Sequence },
    #[error("the time {got} ms is below the parent's {parent} ms")]
    TimeRunsBack { parent: u64, got: u64 },
    #[error("votes are carried for {0}, which is not among the last {WINDOW} ancestors")]
    NotAnAncestor(Hash),
    #[error("votes for {0} are carried twice, or not in order")]
    CarriedTwice(Hash),
    #[error("the vote of {voter} for {block} was carried before")]
    VoteCarriedTwice { block: Hash, voter: ValidatorIndex },
    #[error("the votes carried for the parent {0} are no quorum of one view")]
    ParentWithoutQuorum(Hash),
    #[error("the block has {got} proofs, at most {max} are allowed")]
    TooManyProofs { got: usize, max: usize },
    #[error("the block has {got} bytes, at most {max} are allowed")]
    TooLarge { got: usize, max: usize },
    #[error("the proof {0} is in this block twice")]
    ProofTwice(Hash),
    #[error("the proof {0} is in an ancestor already")]
    ProofInAncestor(Hash),
}

/// The database below a branch gives no answer. Nothing may be decided without it: the process must end.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct BranchError {
    pub cause: BranchCause,
    /// What failed, and what to do about it.
    pub reason: String,
}

/// Why there is no answer; all are there after the next start, too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BranchCause {
    /// What is on the disk is not what was written there.
    Damaged,
    /// The disk cannot be read.
    Disk,
    /// A fault of this program.
    Internal,
}

/// Why a body has no ledger.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoLedger {
    #[error("{0}")]
    Fault(#[from] LedgerFault),
    #[error("{0}")]
    Branch(#[from] BranchError),
}

/// Where a block stands, for execution.
#[derive(Debug, Clone, Copy)]
pub struct Position {
    pub parent: Hash,
    pub sequence: Sequence,
    pub time: Millis,
}

/// What the branch below already holds: final history and the prepared blocks above it.
pub trait Branch {
    /// # Errors
    /// [`BranchError`] if the database cannot say so.
    fn has_proof(&self, proof: &Hash) -> Result<bool, BranchError>;

    /// # Errors
    /// [`BranchError`] if the database cannot say so.
    fn has_statement(&self, statement: &Hash) -> Result<bool, BranchError>;

    /// From here on it is asked about blocks up to this sequence, and must not answer for later ones: a consensus that
    /// starts from an older block executes those itself.
    fn applied(&mut self, _: Sequence) {}
}

/// One validator's holdings in the genesis.
#[derive(Debug, Clone, Copy)]
pub struct GenesisAccount {
    pub balance: Amount,
    pub stake: Amount,
}

impl Ledger {
    /// The state before the first block.
    pub fn genesis(accounts: &[GenesisAccount], pool: Amount, time: Millis) -> Ledger {
        let accounts: Vec<_> =
            accounts.iter().map(|account| Account { balance: account.balance, stake: account.stake }).collect();
        let mut ledger = Ledger {
            accounts,
            pool,
            supply: Amount(0),
            time,
            sequence: Sequence(0),
            window: Vec::new(),
            proofs: Accumulator::default(),
            paid: Amount(0),
        };
        ledger.supply = ledger.sum();
        ledger
    }

    pub fn accounts(&self) -> &[Account] {
        &self.accounts
    }

    pub fn pool(&self) -> Amount {
        self.pool
    }

    pub fn supply(&self) -> Amount {
        self.supply
    }

    pub fn paid(&self) -> Amount {
        self.paid
    }

    pub fn sequence(&self) -> Sequence {
        self.sequence
    }

    /// The time of the block that this is the state after.
    pub fn time(&self) -> Millis {
        self.time
    }

    /// Final proofs, and their accumulator's peaks.
    pub fn proofs(&self) -> &Accumulator {
        &self.proofs
    }

    /// The voters that the branch may still include for `block`: none if it is outside the window.
    pub fn carried(&self, block: &Hash, parent: &Hash) -> Option<&BTreeSet<ValidatorIndex>> {
        let newest = self.window.len().checked_sub(1)?;
        self.window.iter().enumerate().find_map(|(index, recent)| {
            let id = if index == newest { parent } else { &recent.block };
            (id == block).then_some(&recent.carried)
        })
    }

    /// The ids of the window's blocks, nearest first, given the id of the newest.
    pub fn window(&self, newest: &Hash) -> Vec<Hash> {
        let older = self.window.iter().rev().skip(1).map(|recent| recent.block);
        self.window.last().map(|_| *newest).into_iter().chain(older).collect()
    }

    /// The state after a block with this body. Signatures of included votes were checked before.
    ///
    /// First the included votes count, then the block WINDOW below is paid, then the proofs enter the index.
    ///
    /// # Errors
    /// The [`LedgerFault`] that makes the block invalid on this parent, or the [`BranchError`] that leaves it unknown.
    pub fn execute(
        &self,
        set: &ValidatorSet,
        at: Position,
        body: &Body,
        limits: BlockLimits,
        branch: &dyn Branch,
    ) -> Result<Ledger, NoLedger> {
        let mut next = self.clone();
        let bytes = Block::bytes_of(body);
        if bytes > limits.bytes_max {
            return Err(LedgerFault::TooLarge { got: bytes, max: limits.bytes_max }.into());
        }
        if self.sequence.0.checked_add(1) != Some(at.sequence.0) {
            return Err(LedgerFault::Sequence { parent: self.sequence, got: at.sequence }.into());
        }
        if at.time < self.time {
            return Err(LedgerFault::TimeRunsBack { parent: self.time.0, got: at.time.0 }.into());
        }
        next.sequence = at.sequence;
        next.time = at.time;
        next.carry(set, at.parent, &body.carried)?;
        next.pay(set);
        let difficulty = next.append(at.sequence, &body.proofs, limits.proofs_max, branch)?;
        next.window.push(Recent { block: Hash::ZERO, difficulty, carried: BTreeSet::new() });
        assert_eq!(next.sum(), next.supply, "conservation: balances, stakes and pool make the supply");
        Ok(next)
    }

    fn carry(&mut self, set: &ValidatorSet, parent: Hash, carried: &[Carried]) -> Result<(), LedgerFault> {
        if let Some(newest) = self.window.last_mut() {
            newest.block = parent;
            let votes = carried.iter().filter(|votes| votes.block == parent);
            let mut stake_by_view: BTreeMap<View, u64> = BTreeMap::new();
            for vote in votes.flat_map(|votes| &votes.votes) {
                let stake = stake_by_view.entry(vote.view).or_default();
                *stake = stake.saturating_add(set.stake(vote.voter).0);
            }
            if !stake_by_view.values().any(|stake| set.is_quorum(crate::types::Stake(*stake))) {
                return Err(LedgerFault::ParentWithoutQuorum(parent));
            }
        }
        let mut named = BTreeSet::new();
        for votes in carried {
            let in_order = votes.votes.is_sorted_by(|a, b| a.voter < b.voter);
            if !named.insert(votes.block) || !in_order {
                return Err(LedgerFault::CarriedTwice(votes.block));
            }
            let ancestor = self.window.iter_mut().find(|recent| recent.block == votes.block);
            let ancestor = ancestor.ok_or(LedgerFault::NotAnAncestor(votes.block))?;
            for vote in &votes.votes {
                if !ancestor.carried.insert(vote.voter) {
                    return Err(LedgerFault::VoteCarriedTwice { block: votes.block, voter: vote.voter });
                }
            }
        }
        Ok(())
    }

    /// Pays the oldest block of a full window. Each carried voter's share is its stake ÷ total stake, rounded down, so
    /// that nobody gains by leaving votes out; what remains stays in the pool.
    fn pay(&mut self, set: &ValidatorSet) {
        if self.window.len() < WINDOW {
            return;
        }
        let oldest = self.window.remove(0);
        let reward = oldest.difficulty.saturating_mul(REWARD_PER_DIFFICULTY).min(self.pool.0);
        let total = u128::from(set.total().0);
        for voter in oldest.carried {
            let stake = u128::from(set.stake(voter).0);
            // Divided first where the product would not fit: less than a token of a reward that no pool can hold.
            let share = reward.checked_mul(stake).map_or(reward / total * stake, |product| product / total);
            if let Some(account) = self.accounts.get_mut(voter.as_usize()) {
                account.balance.0 += share;
                self.pool.0 -= share;
                self.paid.0 += share;
            }
        }
    }

    /// Enters the proofs into the index; the sum of the difficulties that pay.
    fn append(
        &mut self,
        sequence: Sequence,
        proofs: &[Entry],
        proofs_max: usize,
        branch: &dyn Branch,
    ) -> Result<u128, NoLedger> {
        if proofs.len() > proofs_max {
            return Err(LedgerFault::TooManyProofs { got: proofs.len(), max: proofs_max }.into());
        }
        let mut ids = BTreeSet::new();
        let mut statements = BTreeSet::new();
        let mut difficulty = 0u128;
        for entry in proofs {
            if !ids.insert(entry.proof) {
                return Err(LedgerFault::ProofTwice(entry.proof).into());
            }
            if branch.has_proof(&entry.proof)? {
                return Err(LedgerFault::ProofInAncestor(entry.proof).into());
            }
            if statements.insert(entry.statement) && !branch.has_statement(&entry.statement)? {
                difficulty += u128::from(entry.difficulty.0);
            }
            self.proofs.push(proof_leaf(sequence, entry));
        }
        Ok(difficulty)
    }

    fn sum(&self) -> Amount {
        let accounts = self.accounts.iter().map(|account| account.balance.0 + account.stake.0);
        Amount(accounts.sum::<u128>() + self.pool.0)
    }

    /// The Merkle root: of accounts, pool and supply, the reward window, and the proof index' peaks.
    ///
    /// Cost: O(validators), never O(final proofs).
    pub fn root(&self) -> Hash {
        let accounts: Vec<Hash> = self
            .accounts
            .iter()
            .map(|account| Layout::new("pop/account/1").u128(account.balance.0).u128(account.stake.0).digest())
            .collect();
        let window = Layout::new("pop/window/1").sequence(self.window.iter(), |layout, recent| {
            layout
                .hash(&recent.block)
                .u128(recent.difficulty)
                .sequence(recent.carried.iter(), |layout, voter| layout.u32(voter.0.into()))
        });
        Layout::new("pop/state/1")
            .u64(self.sequence.0)
            .u64(self.time.0)
            .u128(self.pool.0)
            .u128(self.supply.0)
            .u128(self.paid.0)
            .hash(&merkle_root(&accounts))
            .hash(&window.digest())
            .hash(&self.proofs.root())
            .digest()
    }
}

/// A final proof's leaf in the index: domain tag `pop/leaf/1`, sequence, id, statement, difficulty.
pub fn proof_leaf(sequence: Sequence, entry: &Entry) -> Hash {
    Layout::new("pop/leaf/1")
        .u64(sequence.0)
        .hash(&entry.proof)
        .hash(&entry.statement)
        .u64(ResourceCount(entry.difficulty.0).0)
        .digest()
}

/// Root of a binary Merkle tree with the leaves' count bound in; an odd node moves up unpaired.
fn merkle_root(leaves: &[Hash]) -> Hash {
    let mut level = leaves.to_vec();
    while level.len() > 1 {
        level = level
            .chunks(2)
            .map(|pair| match pair {
                [left, right] => node(left, right),
                other => other[0],
            })
            .collect();
    }
    let top = level.first().copied().unwrap_or(Hash::ZERO);
    Layout::new("pop/tree/1").u64(leaves.len() as u64).hash(&top).digest()
}

fn node(left: &Hash, right: &Hash) -> Hash {
    Layout::new("pop/node/1").hash(left).hash(right).digest()
}

#[cfg(test)]
mod tests;
