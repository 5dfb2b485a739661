//! Rewards, conservation and the validity rules of carried votes.

use super::*;
use crate::block::{BlockLimits, CarriedVote};
use crate::quorum::{Validator, ValidatorSet};
use crate::types::{Epoch, NodeId, PublicKey, Signature, Stake};
use alloc::format;
use alloc::vec;
use proptest::prelude::*;

struct Empty;

impl Branch for Empty {
    fn has_proof(&self, _: &Hash) -> Result<bool, BranchError> {
        Ok(false)
    }

    fn has_statement(&self, _: &Hash) -> Result<bool, BranchError> {
        Ok(false)
    }
}

struct Known(Hash);

impl Branch for Known {
    fn has_proof(&self, proof: &Hash) -> Result<bool, BranchError> {
        Ok(*proof == self.0)
    }

    fn has_statement(&self, statement: &Hash) -> Result<bool, BranchError> {
        Ok(*statement == self.0)
    }
}

fn fault(none: NoLedger) -> LedgerFault {
    match none {
        NoLedger::Fault(fault) => fault,
        NoLedger::Branch(error) => panic!("the branch answers: {error}"),
    }
}

fn set(stakes: &[u64]) -> ValidatorSet {
    let validators = stakes.iter().enumerate().map(|(index, stake)| Validator {
        node_id: NodeId::new(&format!("node_{index}")).unwrap(),
        key: PublicKey([index as u8; 32]),
        stake: Stake(*stake),
    });
    ValidatorSet::new(Hash::ZERO, Epoch(0), validators.collect()).unwrap()
}

fn genesis(set: &ValidatorSet, pool: u128) -> Ledger {
    let accounts: Vec<_> = set
        .iter()
        .map(|(_, validator)| GenesisAccount { balance: Amount(0), stake: Amount::from_tokens(validator.stake.0) })
        .collect();
    Ledger::genesis(&accounts, Amount(pool), Millis(0))
}

const LIMITS: BlockLimits = BlockLimits { proofs_max: 10, bytes_max: 4_096 };

fn id(sequence: u64) -> Hash {
    Layout::new("test").u64(sequence).digest()
}

fn votes(block: Hash, voters: &[u16]) -> Carried {
    let vote = |voter: &u16| CarriedVote {
        voter: ValidatorIndex(*voter),
        epoch: Epoch(0),
        view: View(1),
        signature: Signature([0; 64]),
    };
    Carried { block, votes: voters.iter().map(vote).collect() }
}

fn entry(value: u64, difficulty: u64) -> Entry {
    Entry { proof: id(1_000 + value), statement: id(2_000 + value), difficulty: ResourceCount(difficulty) }
}

fn step(ledger: &Ledger, set: &ValidatorSet, body: Body) -> Result<Ledger, LedgerFault> {
    let sequence = ledger.sequence().next();
    let at = Position { parent: id(sequence.0 - 1), sequence, time: Millis(sequence.0) };
    ledger.execute(set, at, &body, LIMITS, &Empty).map_err(fault)
}

/// A chain in which every block carries the given voters for its parent.
fn chain(set: &ValidatorSet, pool: u128, length: u64, first: Vec<Entry>, voters: &[u16]) -> Ledger {
    let mut ledger = genesis(set, pool);
    for sequence in 1..=length {
        let carried = if sequence > 1 { vec![votes(id(sequence - 1), voters)] } else { Vec::new() };
        let proofs = if sequence == 1 { first.clone() } else { Vec::new() };
        ledger = step(&ledger, set, Body { proofs, carried }).unwrap();
    }
    ledger
}

#[test]
fn a_block_is_paid_eight_blocks_later_by_share_of_the_total_stake() {
    let set = set(&[1; 4]);
    let unpaid = chain(&set, 1_000_000, 8, vec![entry(1, 1_000)], &[0, 1, 2]);
    assert_eq!(unpaid.paid(), Amount(0));
    let paid = chain(&set, 1_000_000, 9, vec![entry(1, 1_000)], &[0, 1, 2]);
    let balances: Vec<_> = paid.accounts().iter().map(|account| account.balance.0).collect();
    assert_eq!(balances, [2_500, 2_500, 2_500, 0]);
    assert_eq!(paid.pool(), Amount(1_000_000 - 7_500));
}

#[test]
fn a_late_vote_earns_until_the_reward_is_paid() {
    let set = set(&[1; 4]);
    let mut ledger = chain(&set, 1_000_000, 8, vec![entry(1, 1_000)], &[0, 1, 2]);
    let carried = vec![votes(id(8), &[0, 1, 2]), votes(id(1), &[3])];
    ledger = step(&ledger, &set, Body { proofs: Vec::new(), carried }).unwrap();
    assert_eq!(ledger.accounts()[3].balance, Amount(2_500));
    let too_late = Body { proofs: Vec::new(), carried: vec![votes(id(9), &[0, 1, 2]), votes(id(1), &[3])] };
    assert_eq!(step(&ledger, &set, too_late), Err(LedgerFault::NotAnAncestor(id(1))));
}

#[test]
fn the_pool_is_the_most_that_is_paid() {
    let set = set(&[1; 4]);
    let ledger = chain(&set, 100, 9, vec![entry(1, u64::MAX)], &[0, 1, 2, 3]);
    assert_eq!(ledger.pool(), Amount(0));
    assert_eq!(ledger.paid(), Amount(100));
}

#[test]
fn only_the_first_proof_of_a_statement_pays() {
    let set = set(&[1; 4]);
    let twice = vec![entry(1, 1_000), Entry { proof: id(77), ..entry(1, 1_000) }];
    let ledger = chain(&set, 1_000_000, 9, twice, &[0, 1, 2, 3]);
    assert_eq!(ledger.paid(), Amount(10_000));
    assert_eq!(ledger.proofs().count(), 2);
}

#[test]
fn a_parent_needs_a_quorum_of_one_view() {
    let set = set(&[1; 4]);
    let ledger = chain(&set, 0, 1, Vec::new(), &[]);
    let body = |carried| Body { proofs: Vec::new(), carried };
    let without = Err(LedgerFault::ParentWithoutQuorum(id(1)));
    assert_eq!(step(&ledger, &set, body(Vec::new())), without);
    assert_eq!(step(&ledger, &set, body(vec![votes(id(1), &[0, 1])])), without);
    let mut split = votes(id(1), &[0, 1, 2]);
    split.votes[2].view = View(2);
    assert_eq!(step(&ledger, &set, body(vec![split])), without);
    assert!(step(&ledger, &set, body(vec![votes(id(1), &[0, 1, 2])])).is_ok());
}

#[test]
fn a_vote_is_carried_once() {
    let set = set(&[1; 4]);
    let ledger = chain(&set, 0, 2, Vec::new(), &[0, 1, 2]);
    let again = Body { proofs: Vec::new(), carried: vec![votes(id(2), &[0, 1, 2]), votes(id(1), &[2])] };
    let expected = LedgerFault::VoteCarriedTwice { block: id(1), voter: ValidatorIndex(2) };
    assert_eq!(step(&ledger, &set, again), Err(expected));
    let unordered = Body { proofs: Vec::new(), carried: vec![votes(id(2), &[0, 2, 1])] };
    assert_eq!(step(&ledger, &set, unordered), Err(LedgerFault::CarriedTwice(id(2))));
}

#[test]
fn proofs_are_bounded_new_and_named_once() {
    let set = set(&[1; 4]);
    let ledger = genesis(&set, 0);
    let body = |proofs| Body { proofs, carried: Vec::new() };
    let many = body((0..11).map(|value| entry(value, 1)).collect());
    assert_eq!(step(&ledger, &set, many), Err(LedgerFault::TooManyProofs { got: 11, max: 10 }));
    let voters: Vec<u16> = (0..100).collect();
    let large = Body { proofs: Vec::new(), carried: vec![votes(id(0), &voters)] };
    assert_eq!(step(&ledger, &set, large), Err(LedgerFault::TooLarge { got: 168 + 40 + 100 * 84, max: 4_096 }));
    let twice = body(vec![entry(1, 1), entry(1, 1)]);
    assert_eq!(step(&ledger, &set, twice), Err(LedgerFault::ProofTwice(entry(1, 1).proof)));
    let at = Position { parent: Hash::ZERO, sequence: Sequence(1), time: Millis(0) };
    let old = ledger.execute(&set, at, &body(vec![entry(1, 1)]), LIMITS, &Known(entry(1, 1).proof));
    assert_eq!(old, Err(LedgerFault::ProofInAncestor(entry(1, 1).proof).into()));
}

#[test]
fn time_and_sequence_follow_the_parent() {
    let set = set(&[1; 4]);
    let ledger = chain(&set, 0, 1, Vec::new(), &[]);
    let run = |sequence, time| {
        let at = Position { parent: id(1), sequence: Sequence(sequence), time: Millis(time) };
        ledger.execute(&set, at, &Body { proofs: Vec::new(), carried: vec![votes(id(1), &[0, 1, 2])] }, LIMITS, &Empty)
    };
    assert_eq!(run(3, 5), Err(LedgerFault::Sequence { parent: Sequence(1), got: Sequence(3) }.into()));
    assert_eq!(run(2, 0), Err(LedgerFault::TimeRunsBack { parent: 1, got: 0 }.into()));
    assert!(run(2, 1).is_ok());
}

proptest! {
    #[test]
    fn tokens_are_conserved_to_the_micro_token(
        stakes in prop::collection::vec(1u64..1_000_000, 1..8),
        pool in 0u128..1_000_000_000_000,
        difficulties in prop::collection::vec(0u64..100_000_000, 30),
    ) {
        let set = set(&stakes);
        let everybody: Vec<u16> = (0..stakes.len() as u16).collect();
        let mut ledger = genesis(&set, pool);
        let mut root = ledger.root();
        for (value, difficulty) in difficulties.iter().enumerate() {
            let carried = if value > 0 { vec![votes(id(value as u64), &everybody)] } else { Vec::new() };
            ledger = step(&ledger, &set, Body { proofs: vec![entry(value as u64, *difficulty)], carried }).unwrap();
            prop_assert_eq!(ledger.sum(), ledger.supply());
            prop_assert_ne!(ledger.root(), root);
            root = ledger.root();
        }
    }
}
