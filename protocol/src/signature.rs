//! Signing and checking signatures, behind two small traits so that a simulation may use a keyed hash instead.
//!
//! Signatures are checked one by one with `verify_strict`, never in batches: a batch accepts other signatures, and
//! validators that disagree about a signature disagree about a certificate. Only submitters' signatures, on which no
//! certificate depends, are checked [`together`].

pub mod together;

use crate::types::{PublicKey, Signature};
use ed25519_dalek::{SigningKey, VerifyingKey};

/// Holds one validator's private key. Signing is deterministic: the same bytes give the same signature.
pub trait Signer: Send {
    fn sign(&self, bytes: &[u8]) -> Signature;
}

/// Decides whether a signature is one. Pure.
pub trait SignatureCheck: Send + Sync {
    fn verify(&self, key: &PublicKey, bytes: &[u8], signature: &Signature) -> bool;
}

/// Ed25519 (RFC 8032), with the strict rules of `ed25519-dalek`. Costs about 45 µs a signature.
#[derive(Debug, Clone, Copy, Default)]
pub struct Ed25519;

impl SignatureCheck for Ed25519 {
    fn verify(&self, key: &PublicKey, bytes: &[u8], signature: &Signature) -> bool {
        Ed25519::key(key).is_some_and(|key| Ed25519::verify_by(&key, bytes, signature))
    }
}

impl Ed25519 {
    /// The key as it is calculated with, which takes a tenth of a check. None for what is no key.
    pub fn key(key: &PublicKey) -> Option<VerifyingKey> {
        VerifyingKey::from_bytes(&key.0).ok()
    }

    /// As [`SignatureCheck::verify`], for who keeps the keys.
    pub fn verify_by(key: &VerifyingKey, bytes: &[u8], signature: &Signature) -> bool {
        key.verify_strict(bytes, &ed25519_dalek::Signature::from_bytes(&signature.0)).is_ok()
    }
}

impl Signer for SigningKey {
    fn sign(&self, bytes: &[u8]) -> Signature {
        Signature(ed25519_dalek::Signer::sign(self, bytes).to_bytes())
    }
}

/// The public half of a signing key.
pub fn public_key(key: &SigningKey) -> PublicKey {
    PublicKey(key.verifying_key().to_bytes())
}
