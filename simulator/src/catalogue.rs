//! The proofs of a run: what each validator's solver says of each, and how long it takes.
//!
//! Most are confirmed by everybody at one count. Some meet a minority that says otherwise, and must become final all the
//! same; of some a third of the stake or more says otherwise, and they must be refused.

use crate::keyed::KeyedSigner;
use crate::random::Random;
use protocol::mempool::{Candidate, Source};
use protocol::message::Word;
use protocol::proof::Proof;
use protocol::quorum::ValidatorSet;
use protocol::types::{Hash, PublicKey, ResourceCount, ValidatorIndex};
use protocol::verdict::Claim;
use std::collections::HashMap;

/// What becomes of a proof once everybody has spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    Final,
    Refused,
    /// A bad validator decides: final, refused, or neither for ever.
    Open,
}

/// One proof with every validator's word on it.
#[derive(Debug, Clone)]
pub struct Item {
    pub id: Hash,
    pub proof: Proof,
    pub statement: Hash,
    pub words: Vec<Word>,
    /// Milliseconds that each validator's solver takes.
    pub solver_ms: Vec<u64>,
    pub fate: Fate,
}

impl Item {
    pub fn is_uncontested(&self) -> bool {
        self.words.iter().all(|word| matches!(word, Word::Confirmed(_)) && *word == self.words[0])
    }

    pub fn candidate(&self, source: Source) -> Candidate {
        Candidate { proof: self.id, statement: self.statement, size: self.proof.script.len() as u64, source }
    }
}

/// Every proof that a run may submit, in order.
pub struct Catalogue {
    items: Vec<Item>,
    places: HashMap<Hash, usize>,
}

const SUBMITTERS: u64 = 3;
const SOLVER_MS_MAX: u64 = 400;

impl Catalogue {
    pub fn new(set: &ValidatorSet, random: &mut Random, count: usize) -> Self {
        let items: Vec<Item> = (0..count).map(|number| item(set, random, number as u64)).collect();
        let places = items.iter().enumerate().map(|(place, item)| (item.id, place)).collect();
        Catalogue { items, places }
    }

    /// Lets one validator other than `spared` say otherwise of some more proofs.
    pub fn contest(&mut self, set: &ValidatorSet, random: &mut Random, per_mille: u64, spared: ValidatorIndex) {
        let others: Vec<ValidatorIndex> = set.indices().filter(|index| *index != spared).collect();
        for item in &mut self.items {
            let by = random.pick(&others).as_usize();
            if random.per_mille(per_mille) && item.is_uncontested() {
                item.words[by] = Word::Refuted;
                item.fate = if has_quorum(set, &item.words) { Fate::Final } else { Fate::Refused };
            }
        }
    }

    /// One validator says what it wants: a proof's fate is certain only if it is the same whatever that is.
    pub fn distrust(&mut self, set: &ValidatorSet, bad: ValidatorIndex) {
        for item in &mut self.items {
            let mut with = item.words.clone();
            let best =
                |word: &Word| set.indices().filter(|by| *by != bad && item.words[by.as_usize()] == *word).count();
            with[bad.as_usize()] = item.words.iter().copied().max_by_key(best).unwrap_or(Word::NoVerdict);
            let mut without = item.words.clone();
            without[bad.as_usize()] = Word::NoVerdict;
            item.fate = match (has_quorum(set, &without), has_quorum(set, &with)) {
                (true, _) => Fate::Final,
                (false, true) => Fate::Open,
                (false, false) => Fate::Refused,
            };
        }
    }

    pub fn at(&self, number: usize) -> Option<&Item> {
        self.items.get(number)
    }

    /// # Panics
    /// If nobody submitted it: validators make no proofs.
    pub fn get(&self, id: &Hash) -> &Item {
        &self.items[self.places[id]]
    }

    /// Whether this validator's own solver confirms the proof at this count.
    pub fn confirms(&self, by: ValidatorIndex, id: &Hash, count: ResourceCount) -> bool {
        let word = self.places.get(id).map(|place| self.items[*place].words[by.as_usize()]);
        matches!(word, Some(Word::Confirmed(own) | Word::ConfirmedBeyondSoft(own)) if own == count)
    }
}

fn item(set: &ValidatorSet, random: &mut Random, number: u64) -> Item {
    let submitter = PublicKey([200 + random.below(SUBMITTERS) as u8; 32]);
    let script = number.to_be_bytes().to_vec();
    let proof = Proof::sign(set.chain(), &KeyedSigner(submitter), submitter, Claim::Unsat, number, script);
    let id = proof.id(set.chain());
    // Now and then the same statement again: only its first final proof pays.
    let statement = if random.per_mille(50) { Hash([1; 32]) } else { id };
    let count = ResourceCount(random.within(1..=100_000));
    let mut words = vec![Word::Confirmed(count); set.len()];
    let otherwise = |random: &mut Random| match random.below(4) {
        0 => Word::Refuted,
        1 => Word::NoVerdict,
        2 => Word::ConfirmedBeyondSoft(count),
        _ => Word::Confirmed(ResourceCount(count.0 + 1)),
    };
    let mut order: Vec<ValidatorIndex> = set.indices().collect();
    random.shuffle(&mut order);
    let blocking = random.below(100);
    for last in 1..=order.len() {
        let is_blocking = set.is_blocking(set.stake_of(order[..last].iter().copied()));
        let speaks_otherwise = match blocking {
            // A minority, as many as remain below a third.
            0..12 => !is_blocking,
            // A third or more, as few as reach it.
            12..18 => !set.is_blocking(set.stake_of(order[..last - 1].iter().copied())),
            _ => false,
        };
        if speaks_otherwise {
            words[order[last - 1].as_usize()] = otherwise(random);
        }
    }
    let solver_ms = set.indices().map(|_| random.within(1..=SOLVER_MS_MAX)).collect();
    let fate = if has_quorum(set, &words) { Fate::Final } else { Fate::Refused };
    Item { id, proof, statement, words, solver_ms, fate }
}

/// Whether a quorum is Ready with one count.
fn has_quorum(set: &ValidatorSet, words: &[Word]) -> bool {
    words.iter().any(|word| {
        let same = set.indices().filter(|by| words[by.as_usize()] == *word);
        matches!(word, Word::Confirmed(_)) && set.is_quorum(set.stake_of(same))
    })
}
