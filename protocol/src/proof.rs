//! Proof obligations as submitters sign them.

use crate::bytes::Layout;
use crate::signature::Signer;
use crate::signature::together::{self, Signed};
use crate::types::{Hash, PublicKey, Signature};
use crate::verdict::Claim;
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

/// An SMT-LIB script, the answer that is claimed for it, and who says so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proof {
    pub claim: Claim,
    pub submitter: PublicKey,
    /// 0 unless given: another number makes the same script another submission.
    pub nonce: u64,
    #[serde(with = "script_bytes")]
    pub script: Vec<u8>,
    pub signature: Signature,
}

impl Proof {
    /// Domain tag `pop/proof/1`, chain id, claim (its tag), submitter, nonce, script.
    fn layout(chain: &Hash, claim: Claim, submitter: &PublicKey, nonce: u64, script: &[u8]) -> Layout {
        Layout::new("pop/proof/1").hash(chain).u8(claim.tag()).hash(&Hash(submitter.0)).u64(nonce).bytes(script)
    }

    /// Signs a submission to the given chain.
    pub fn sign(
        chain: &Hash,
        signer: &dyn Signer,
        submitter: PublicKey,
        claim: Claim,
        nonce: u64,
        script: Vec<u8>,
    ) -> Self {
        let signature = signer.sign(&Self::layout(chain, claim, &submitter, nonce, &script).finish());
        Proof { claim, submitter, nonce, script, signature }
    }

    /// The BLAKE3 of the signed bytes. Costs a pass over the script.
    pub fn id(&self, chain: &Hash) -> Hash {
        Self::layout(chain, self.claim, &self.submitter, self.nonce, &self.script).digest()
    }

    fn signed_bytes(&self, chain: &Hash) -> Vec<u8> {
        Self::layout(chain, self.claim, &self.submitter, self.nonce, &self.script).finish()
    }
}

/// Which of these their submitters signed for this chain. Every validator answers alike, whatever is asked together.
pub fn are_signed(chain: &Hash, proofs: &[&Proof]) -> Vec<bool> {
    let bytes: Vec<Vec<u8>> = proofs.iter().map(|proof| proof.signed_bytes(chain)).collect();
    let signed = |(proof, bytes)| {
        let Proof { submitter: key, signature, .. }: &Proof = proof;
        Signed { key: *key, bytes, signature: *signature }
    };
    let signed: Vec<Signed<'_>> = proofs.iter().copied().zip(bytes.iter().map(Vec::as_slice)).map(signed).collect();
    together::hold(&signed)
}

/// Scripts cross the wire as byte strings, not as sequences of integers.
mod script_bytes {
    use alloc::vec::Vec;
    use core::fmt;
    use serde::{Deserializer, Serializer, de};

    pub fn serialize<S: Serializer>(script: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(script)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = Vec<u8>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a byte string")
            }

            fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<Vec<u8>, E> {
                Ok(bytes.into())
            }

            fn visit_byte_buf<E: de::Error>(self, bytes: Vec<u8>) -> Result<Vec<u8>, E> {
                Ok(bytes)
            }
        }
        deserializer.deserialize_byte_buf(Visitor)
    }
}
