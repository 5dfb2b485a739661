//! Proofs that ended here: enough to answer a status query, and not to fetch them again.
//!
//! Bounded: the oldest entry goes first. Final proofs stay in the database's index forever; this is only a shortcut.

use super::events::Refusal;
use crate::message::Word;
use crate::prefix::HashPrefix;
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

impl End {
    /// The statement that attestations refuse. What was displaced, or malformed, says nothing of its statement.
    fn refused_statement(&self) -> Option<Hash> {
        match self {
            End::Refused { refusal: Refusal::Words { .. }, statement, .. } => *statement,
            End::Refused { .. } | End::Final(_) => None,
        }
    }
}

#[derive(Debug, Clone)]
pub(super) struct Ring {
    ends: BTreeMap<Hash, (u64, End)>,
    /// The newest of the proofs in `ends` whose statement attestations refuse.
    refused: BTreeMap<Hash, Hash>,
    order: VecDeque<(u64, Hash)>,
    max: usize,
}

impl Ring {
    fn new(max: usize) -> Ring {
        Ring { ends: BTreeMap::new(), refused: BTreeMap::new(), order: VecDeque::new(), max }
    }

    fn insert(&mut self, number: u64, proof: Hash, end: End) {
        if let Some(statement) = end.refused_statement() {
            self.refused.insert(statement, proof);
        }
        self.ends.insert(proof, (number, end));
        self.order.push_back((number, proof));
        // Entries that were replaced or removed leave a stale place in the order: it is skipped when its turn comes,
        // and the order is never longer than twice the bound.
        while self.ends.len() > self.max || self.order.len() > 2 * self.max {
            let Some((number, oldest)) = self.order.pop_front() else { return };
            if self.ends.get(&oldest).is_some_and(|(current, _)| *current == number) {
                self.remove(&oldest);
            }
        }
    }

    fn remove(&mut self, proof: &Hash) {
        let Some((_, end)) = self.ends.remove(proof) else { return };
        // An older proof of the same statement may still be remembered; the newest one was what counted.
        if let Some(statement) = end.refused_statement().filter(|one| self.refused.get(one) == Some(proof)) {
            self.refused.remove(&statement);
        }
    }

    /// With their numbers, newest first.
    fn newest(&self) -> impl Iterator<Item = (u64, Hash)> {
        let is_current = |place: &&(u64, Hash)| self.ends.get(&place.1).is_some_and(|(number, _)| *number == place.0);
        self.order.iter().rev().filter(is_current).copied()
    }

    /// Proofs whose id begins so, and then those whose refused statement does.
    pub(super) fn with_prefix(&self, prefix: &HashPrefix) -> impl Iterator<Item = Hash> {
        let ids = self.ends.range(prefix.low()..=prefix.high()).map(|(proof, _)| *proof);
        ids.chain(self.refused.range(prefix.low()..=prefix.high()).map(|(_, proof)| *proof))
    }
}

#[derive(Debug, Clone)]
pub(super) struct Ended {
    pub(super) judged: Ring,
    pub(super) malformed: Ring,
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
        self.judged.remove(proof);
        self.malformed.remove(proof);
    }

    /// By when they ended, newest first.
    pub(super) fn newest(&self) -> impl Iterator<Item = Hash> {
        let mut malformed = self.malformed.newest().peekable();
        let mut judged = self.judged.newest().peekable();
        core::iter::from_fn(move || {
            let next = match (judged.peek(), malformed.peek()) {
                (Some((one, _)), Some((other, _))) if other > one => malformed.next(),
                (None, Some(_)) => malformed.next(),
                (Some(_), Some(_) | None) | (None, None) => judged.next(),
            };
            next.map(|(_, proof)| proof)
        })
    }

    /// The newest proof of this statement that attestations refuse.
    pub(super) fn refused(&self, statement: &Hash) -> Option<Hash> {
        self.judged.refused.get(statement).copied()
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
    use alloc::vec;

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
    fn a_refused_statement_is_found_while_its_proof_is_remembered() {
        let mut ended = Ended::new();
        let refused = |refusal, statement| End::Refused { refusal, statement: Some(id(statement)), mine: None };
        ended.remember(id(1), refused(Refusal::Words { words: vec![] }, 100));
        ended.remember(id(2), refused(Refusal::Displaced, 101));
        assert_eq!((ended.refused(&id(100)), ended.refused(&id(101))), (Some(id(1)), None));
        ended.remember(id(3), refused(Refusal::Words { words: vec![] }, 100));
        ended.forget(&id(1));
        assert_eq!(ended.refused(&id(100)), Some(id(3)), "the newest is what counts");
        (10..10 + ENDED_MAX as u64).for_each(|value| ended.remember(id(value), End::Final(Sequence(value))));
        assert_eq!((ended.refused(&id(100)), ended.judged.refused.len()), (None, 0));
    }

    #[test]
    fn the_newest_end_comes_first_whichever_memory_has_it_and_once() {
        let mut ended = Ended::new();
        let malformed = Refusal::Malformed { line: 1, column: 1, text: "no".into() };
        ended.remember(id(1), End::Final(Sequence(1)));
        ended.remember(id(2), End::Refused { refusal: malformed, statement: None, mine: None });
        ended.remember(id(3), End::Refused { refusal: Refusal::Displaced, statement: None, mine: None });
        ended.remember(id(1), End::Final(Sequence(2)));
        assert!(ended.newest().eq([id(1), id(3), id(2)]));
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
