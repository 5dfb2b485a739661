//! What each validator attested about one proof, by index.
//!
//! Thousands of proofs are pending, each with an attestation of every validator, and all of them are created and
//! dropped at once when an actor is restarted: the attestations of a small network need no allocation of their own,
//! those of a large one a single one.

use crate::message::Word;
use crate::types::ValidatorIndex;
use smallvec::SmallVec;

/// At most one attestation of each validator. Finding one is O(log n), a new one O(n).
#[derive(Debug, Clone, Default)]
pub(crate) struct Words(SmallVec<[(ValidatorIndex, Word); 4]>);

impl Words {
    fn place(&self, by: ValidatorIndex) -> Result<usize, usize> {
        self.0.binary_search_by_key(&by, |(by, _)| *by)
    }

    pub(crate) fn get(&self, by: ValidatorIndex) -> Option<Word> {
        self.place(by).ok().map(|place| self.0[place].1)
    }

    pub(crate) fn contains(&self, by: ValidatorIndex) -> bool {
        self.place(by).is_ok()
    }

    /// Gives back what it said before.
    pub(crate) fn insert(&mut self, by: ValidatorIndex, word: Word) -> Option<Word> {
        match self.place(by) {
            Ok(place) => Some(core::mem::replace(&mut self.0[place].1, word)),
            Err(place) => {
                self.0.insert(place, (by, word));
                None
            }
        }
    }

    pub(crate) fn remove(&mut self, by: ValidatorIndex) {
        if let Ok(place) = self.place(by) {
            self.0.remove(place);
        }
    }

    /// By index.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (ValidatorIndex, Word)> + '_ {
        self.0.iter().copied()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::ResourceCount;
    use alloc::collections::BTreeMap;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn it_is_a_map(changes in prop::collection::vec((0u16..9, any::<Option<u64>>()), 0..60)) {
            let (mut words, mut model) = (Words::default(), BTreeMap::new());
            for (by, word) in changes {
                let by = ValidatorIndex(by);
                match word.map(|count| Word::Confirmed(ResourceCount(count))) {
                    Some(word) => prop_assert_eq!(words.insert(by, word), model.insert(by, word)),
                    None => {
                        words.remove(by);
                        model.remove(&by);
                    }
                }
                prop_assert_eq!((words.get(by), words.contains(by)), (model.get(&by).copied(), model.contains_key(&by)));
            }
            prop_assert!(words.iter().eq(model.iter().map(|(by, word)| (*by, *word))));
            prop_assert_eq!(words.is_empty(), model.is_empty());
        }
    }
}
