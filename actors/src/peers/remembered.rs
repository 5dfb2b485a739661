//! Signatures that were checked before and held: the votes of a certificate have mostly arrived one by one already.
//!
//! A signature is looked up by key, bytes and signature together, so what is remembered is the answer to exactly the same
//! question. Only signatures that held are remembered, each with its signer's others: who signs much forgets its own.

use ed25519_dalek::VerifyingKey;
use parking_lot::Mutex;
use protocol::signature::{Ed25519, SignatureCheck};
use protocol::types::{PublicKey, Signature};
use std::collections::{BTreeMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};

/// Signatures that are remembered of all signers together, twice this at the most.
const REMEMBERED_MAX: usize = 8_192;
/// But so many of each: some four views' votes, as many as a proposal's certificates and included votes hold.
const OF_ONE_MIN: usize = 16;

/// BLAKE3 of key, signature and bytes.
type Question = [u8; 32];

/// Of one signer: the key as it is calculated with, then the newer half of what is remembered, and the older; when the
/// newer is full it becomes the older.
#[derive(Debug, Default)]
struct Halves {
    key: Option<VerifyingKey>,
    newer: HashSet<Question>,
    older: HashSet<Question>,
}

/// Checks as [`Ed25519`] does, at a hundredth of the cost if it did so before.
#[derive(Debug)]
pub struct Remembered {
    of_one_max: usize,
    signers: Mutex<BTreeMap<PublicKey, Halves>>,
}

impl Remembered {
    /// For a set of so many signers; it is asked about no others' signatures.
    pub fn new(signers: usize) -> Self {
        let of_one_max = (REMEMBERED_MAX / signers.max(1)).max(OF_ONE_MIN);
        Remembered { of_one_max, signers: Mutex::default() }
    }
}

fn question(key: &PublicKey, bytes: &[u8], signature: &Signature) -> Question {
    // Key and signature have constant lengths, so no two questions have the same bytes.
    *blake3::Hasher::new().update(&key.0).update(&signature.0).update(bytes).finalize().as_bytes()
}

/// Whether a signature holds, and how that is known.
enum Answer {
    Remembered,
    Calculated(bool),
}

impl Remembered {
    fn answer(&self, key: &PublicKey, bytes: &[u8], signature: &Signature) -> Answer {
        let question = question(key, bytes, signature);
        let known = |halves: &Halves| halves.newer.contains(&question) || halves.older.contains(&question);
        let kept = match self.signers.lock().get(key) {
            Some(halves) if known(halves) => return Answer::Remembered,
            Some(halves) => halves.key,
            None => None,
        };
        let Some(calculated) = kept.or_else(|| Ed25519::key(key)) else { return Answer::Calculated(false) };
        // Not under the lock: several sessions may check at once.
        let holds = Ed25519::verify_by(&calculated, bytes, signature);
        if holds {
            let mut signers = self.signers.lock();
            let halves = signers.entry(*key).or_default();
            halves.key = Some(calculated);
            halves.newer.insert(question);
            if halves.newer.len() >= self.of_one_max {
                halves.older = std::mem::take(&mut halves.newer);
            }
        }
        Answer::Calculated(holds)
    }
}

impl SignatureCheck for Remembered {
    fn verify(&self, key: &PublicKey, bytes: &[u8], signature: &Signature) -> bool {
        match self.answer(key, bytes, signature) {
            Answer::Remembered => true,
            Answer::Calculated(holds) => holds,
        }
    }
}

/// The same for one message, and how many of its signatures had to be calculated.
pub struct Counting<'a> {
    checks: &'a Remembered,
    calculated: AtomicU64,
}

impl<'a> Counting<'a> {
    pub fn new(checks: &'a Remembered) -> Self {
        Counting { checks, calculated: AtomicU64::new(0) }
    }

    pub fn calculated(&self) -> u64 {
        self.calculated.load(Ordering::Relaxed)
    }
}

impl SignatureCheck for Counting<'_> {
    fn verify(&self, key: &PublicKey, bytes: &[u8], signature: &Signature) -> bool {
        match self.checks.answer(key, bytes, signature) {
            Answer::Remembered => true,
            Answer::Calculated(holds) => {
                self.calculated.fetch_add(1, Ordering::Relaxed);
                holds
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ed25519_dalek::SigningKey;
    use protocol::signature::{Signer, public_key};

    fn remembered(checks: &Remembered, key: &PublicKey) -> usize {
        checks.signers.lock().get(key).map_or(0, |halves| halves.newer.len() + halves.older.len())
    }

    #[test]
    fn only_the_same_signature_of_the_same_bytes_by_the_same_key_is_remembered() {
        let checks = Remembered::new(4);
        let (key, other) = (SigningKey::from_bytes(&[1; 32]), SigningKey::from_bytes(&[2; 32]));
        let signature = key.sign(b"vote");
        assert!(checks.verify(&public_key(&key), b"vote", &signature));
        assert!(checks.verify(&public_key(&key), b"vote", &signature), "asked again");
        assert!(!checks.verify(&public_key(&key), b"vote!", &signature));
        assert!(!checks.verify(&public_key(&other), b"vote", &signature));
        let mut bent = signature;
        bent.0[0] ^= 1;
        assert!(!checks.verify(&public_key(&key), b"vote", &bent));
        assert_eq!(remembered(&checks, &public_key(&key)), 1);
        let counting = Counting::new(&checks);
        assert!(counting.verify(&public_key(&key), b"vote", &signature));
        assert_eq!(counting.calculated(), 0, "it is remembered");
        assert!(!counting.verify(&public_key(&key), b"vote", &bent));
        assert_eq!(counting.calculated(), 1);
        assert_eq!(remembered(&checks, &public_key(&other)), 0, "what did not hold is not remembered");
    }

    #[test]
    fn who_signs_much_forgets_its_own_signatures_and_nobody_elses() {
        let checks = Remembered::new(REMEMBERED_MAX);
        let (key, other) = (SigningKey::from_bytes(&[1; 32]), SigningKey::from_bytes(&[2; 32]));
        assert!(checks.verify(&public_key(&other), b"vote", &other.sign(b"vote")));
        for number in 0..10 * OF_ONE_MIN as u64 {
            let bytes = number.to_be_bytes();
            assert!(checks.verify(&public_key(&key), &bytes, &key.sign(&bytes)));
            assert!(remembered(&checks, &public_key(&key)) < 2 * OF_ONE_MIN);
        }
        assert_eq!(remembered(&checks, &public_key(&other)), 1);
    }
}
