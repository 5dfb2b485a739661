//! What the newest scripts were normalised to: the same script under another nonce is hashed, and not read again.
//!
//! Bounded in count. Only scripts of the right form are remembered; their statement is a function of their bytes alone.

use parking_lot::Mutex;
use protocol::types::Hash;
use std::collections::HashMap;

/// Scripts that are remembered, twice this at the most: some two megabytes.
const SCRIPTS_MAX: usize = 8_192;

/// The newer half of what is remembered, and the older; when the newer is full it becomes the older.
#[derive(Default)]
struct Halves {
    newer: HashMap<[u8; 32], Hash>,
    older: HashMap<[u8; 32], Hash>,
}

/// Shared by the threads that look at proofs.
#[derive(Default)]
pub(super) struct Forms(Mutex<Halves>);

impl Forms {
    /// The identity of a script's normal form, which `read` finds if it is not remembered.
    ///
    /// # Errors
    /// What `read` says is wrong with the script.
    pub(super) fn identity<E>(&self, script: &[u8], read: impl FnOnce() -> Result<Hash, E>) -> Result<Hash, E> {
        let bytes = *blake3::hash(script).as_bytes();
        if let Some(identity) = self.get(&bytes) {
            return Ok(identity);
        }
        // Not under the lock: several threads may read at once.
        let identity = read()?;
        self.keep(bytes, identity);
        Ok(identity)
    }

    fn get(&self, bytes: &[u8; 32]) -> Option<Hash> {
        let mut halves = self.0.lock();
        if let Some(identity) = halves.newer.get(bytes) {
            return Some(*identity);
        }
        let identity = halves.older.get(bytes).copied()?;
        // What is asked for again is not forgotten with the older half.
        halves.keep(*bytes, identity);
        Some(identity)
    }

    fn keep(&self, bytes: [u8; 32], identity: Hash) {
        self.0.lock().keep(bytes, identity);
    }
}

impl Halves {
    fn keep(&mut self, bytes: [u8; 32], identity: Hash) {
        self.newer.insert(bytes, identity);
        if self.newer.len() >= SCRIPTS_MAX {
            self.older = std::mem::take(&mut self.newer);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity(forms: &Forms, script: u64, reads: &mut u64) -> Result<Hash, ()> {
        forms.identity(&script.to_be_bytes(), || {
            *reads += 1;
            if script == 0 { Err(()) } else { Ok(Hash([script as u8; 32])) }
        })
    }

    #[test]
    fn a_script_is_read_once_and_a_bad_one_each_time() {
        let (forms, mut reads) = (Forms::default(), 0);
        for _ in 0..3 {
            assert_eq!(identity(&forms, 5, &mut reads), Ok(Hash([5; 32])));
            assert_eq!(identity(&forms, 0, &mut reads), Err(()));
        }
        assert_eq!(reads, 1 + 3);
    }

    #[test]
    fn what_is_remembered_is_bounded_and_what_is_asked_for_stays() {
        let (forms, mut reads) = (Forms::default(), 0);
        for script in 1..4 * SCRIPTS_MAX as u64 {
            identity(&forms, script, &mut reads).unwrap();
            identity(&forms, 1, &mut reads).unwrap();
            let halves = forms.0.lock();
            assert!(halves.newer.len() + halves.older.len() < 2 * SCRIPTS_MAX);
        }
        assert_eq!(reads, 4 * SCRIPTS_MAX as u64 - 1, "the first one was read once");
        identity(&forms, 2, &mut reads).unwrap();
        assert_eq!(reads, 4 * SCRIPTS_MAX as u64, "an old one was forgotten");
    }
}
