//! Remembered explanations, by statement, and the scripts of those that can still be found.
//!
//! A refused proof's script leaves the disk, so it is kept here until somebody asks why. Bounded in count and bytes;
//! the oldest goes first. A lost explanation costs nothing else: nothing depends on one.

use parking_lot::Mutex;
use protocol::explanation::Explanation;
use protocol::types::Hash;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

/// Statements with an explanation or a script.
pub const EXPLANATIONS_MAX: usize = 4_096;
/// Bytes of what is kept for them, about.
pub const EXPLANATIONS_BYTES_MAX: usize = 16 << 20;

#[derive(Default)]
pub struct Explanations(Mutex<Inner>);

#[derive(Default)]
struct Inner {
    entries: HashMap<Hash, Entry>,
    order: VecDeque<Hash>,
    bytes: usize,
}

/// What is kept for a statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    Script(Arc<[u8]>),
    Found(Explanation),
}

impl Entry {
    fn weight(&self) -> usize {
        size_of::<Entry>()
            + match self {
                Entry::Script(script) => script.len(),
                Entry::Found(explanation) => explanation.weight(),
            }
    }
}

impl Explanations {
    pub fn get(&self, statement: &Hash) -> Option<Entry> {
        self.0.lock().entries.get(statement).cloned()
    }

    /// Keeps the script, if nothing is kept yet.
    pub fn keep_script(&self, statement: Hash, script: Vec<u8>) {
        let mut inner = self.0.lock();
        if !inner.entries.contains_key(&statement) {
            inner.put(statement, Entry::Script(script.into()));
        }
    }

    /// Keeps what was found, in the place of the script.
    pub fn keep(&self, statement: Hash, explanation: Explanation) {
        self.0.lock().put(statement, Entry::Found(explanation));
    }

    #[cfg(test)]
    fn size(&self) -> (usize, usize) {
        let inner = self.0.lock();
        (inner.entries.len(), inner.bytes)
    }
}

impl Inner {
    fn put(&mut self, statement: Hash, entry: Entry) {
        self.bytes += entry.weight();
        match self.entries.insert(statement, entry) {
            Some(before) => self.bytes -= before.weight(),
            None => self.order.push_back(statement),
        }
        while self.entries.len() > EXPLANATIONS_MAX || self.bytes > EXPLANATIONS_BYTES_MAX {
            let Some(oldest) = self.order.pop_front() else { return };
            self.bytes -= self.entries.remove(&oldest).map_or(0, |entry| entry.weight());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn statement(value: u64) -> Hash {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&value.to_be_bytes());
        Hash(bytes)
    }

    #[test]
    fn the_oldest_scripts_make_room_by_count_and_by_bytes() {
        let kept = Explanations::default();
        (0..EXPLANATIONS_MAX as u64 + 3).for_each(|value| kept.keep_script(statement(value), vec![1; 10]));
        assert_eq!(kept.size().0, EXPLANATIONS_MAX);
        assert_eq!(kept.get(&statement(2)), None);
        assert_eq!(kept.get(&statement(3)), Some(Entry::Script([1; 10].into())));
        (0..6).for_each(|value| kept.keep_script(statement(u64::MAX - value), vec![1; 4 << 20]));
        assert!(kept.size().1 <= EXPLANATIONS_BYTES_MAX, "{:?}", kept.size());
        assert_eq!(kept.size().0, 3, "three of these leave no room for anything else");
    }

    #[test]
    fn what_was_found_takes_the_scripts_place() {
        let kept = Explanations::default();
        kept.keep_script(statement(1), vec![1; 1_000]);
        let with_script = kept.size().1;
        kept.keep(statement(1), Explanation::Vacuous);
        kept.keep_script(statement(1), vec![1; 1_000]);
        assert_eq!(kept.get(&statement(1)), Some(Entry::Found(Explanation::Vacuous)));
        assert!(kept.size().1 + 900 < with_script);
    }
}
