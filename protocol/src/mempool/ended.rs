//! What is remembered of proofs that ended here: enough to answer where one is, and not to fetch it again.
//!
//! Bounded: the oldest memory goes first. Final proofs are in the database's index for ever; this is only a shortcut.

use super::events::Refusal;
use crate::message::Word;
use crate::types::{Hash, Sequence};
use alloc::collections::{BTreeMap, VecDeque};

/// Proofs that ended by judgement or in a block.
pub const ENDED_MAX: usize = 16_384;
/// Refused for their form. Apart, so that a flood of nonsense displaces no other memory.
pub const MALFORMED_MAX: usize = 4_096;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum End {
    Final(Sequence),
    Refused {
        refusal: Refusal,
        /// What the verifier pool remembers its report by, if it was ever held.
        statement: Option<Hash>,
        /// My own word on it, for a peer that still holds it.
        mine: Option<Word>,
    },
}

#[derive(Debug, Clone)]
struct Ring {
    ends: BTreeMap<Hash, (u64, End)>,
    order: VecDeque<(u64, Hash)>,
    max: usize,
}

impl Ring {
    fn new(max: usize) -> Ring {
        Ring { ends: BTreeMap::new(), order: VecDeque::new(), max }
    }

    fn insert(&mut self, number: u64, proof: Hash, end: End) {
        self.ends.insert(proof, (number, end));
        self.order.push_back((number, proof));
        // Entries that were replaced or removed leave a stale place in the order: it is skipped when its turn comes,
        // and the order is never longer than twice the bound.
        while self.ends.len() > self.max || self.order.len() > 2 * self.max {
            let Some((number, oldest)) = self.order.pop_front() else { return };
            if self.ends.get(&oldest).is_some_and(|(current, _)| *current == number) {
                self.ends.remove(&oldest);
            }
        }
    }
}

#[derive(Debug, Clone)]
pub(super) struct Ended {
    judged: Ring,
    malformed: Ring,
    next: u64,
}

impl Ended {
    pub(super) fn new() -> Ended {
        Ended { judged: Ring::new(ENDED_MAX), malformed: Ring::new(MALFORMED_MAX), next: 0 }
    }

    pub(super) fn get(&self, proof: &Hash) -> Option<&End> {
        let kept = self.judged.ends.get(proof).or_else(|| self.malformed.ends.get(proof));
        kept.map(|(_, end)| end)
    }

    pub(super) fn remember(&mut self, proof: Hash, end: End) {
        self.next += 1;
        self.forget(&proof);
        let ring = match &end {
            End::Refused { refusal: Refusal::Malformed { .. }, .. } => &mut self.malformed,
            End::Final(_) | End::Refused { .. } => &mut self.judged,
        };
        ring.insert(self.next, proof, end);
    }

    pub(super) fn forget(&mut self, proof: &Hash) {
        self.judged.ends.remove(proof);
        self.malformed.ends.remove(proof);
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> (usize, usize) {
        (self.judged.ends.len(), self.malformed.ends.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bytes::Layout;

    fn id(value: u64) -> Hash {
        Layout::new("test").u64(value).digest()
    }

    #[test]
    fn the_oldest_memory_goes_first() {
        let mut ended = Ended::new();
        let count = ENDED_MAX as u64 + 10;
        (0..count).for_each(|value| ended.remember(id(value), End::Final(Sequence(value))));
        assert_eq!(ended.len(), (ENDED_MAX, 0));
        assert_eq!(ended.get(&id(9)), None);
        assert_eq!(ended.get(&id(10)), Some(&End::Final(Sequence(10))));
    }

    #[test]
    fn nonsense_displaces_no_judgement() {
        let mut ended = Ended::new();
        ended.remember(id(0), End::Final(Sequence(1)));
        for value in 1..20_000 {
            let refusal = Refusal::Malformed { line: 1, column: 1, text: "no".into() };
            ended.remember(id(value), End::Refused { refusal, statement: None, mine: None });
        }
        assert_eq!(ended.len(), (1, MALFORMED_MAX));
        assert_eq!(ended.get(&id(0)), Some(&End::Final(Sequence(1))));
    }

    #[test]
    fn one_proof_that_ends_again_and_again_displaces_nothing() {
        let mut ended = Ended::new();
        ended.remember(id(0), End::Final(Sequence(1)));
        for _ in 0..100 {
            ended.remember(id(1), End::Refused { refusal: Refusal::Displaced, statement: None, mine: None });
        }
        assert_eq!(ended.len(), (2, 0));
        assert!(ended.judged.order.len() <= 2 * ENDED_MAX);
    }
}
