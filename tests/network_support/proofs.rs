//! Proofs that nobody has seen before, and submitting them over HTTP.

use super::{PATIENCE, Validator};
use ed25519_dalek::SigningKey;
use protocol::proof::Proof;
use protocol::signature::public_key;
use protocol::types::Hash;
use protocol::verdict::Claim;
use serde_json::{Value, json};
use std::sync::atomic::{AtomicUsize, Ordering};

static NUMBER: AtomicUsize = AtomicUsize::new(0);

/// A contradiction with a number of its own: another statement each time.
pub fn script() -> String {
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    format!(
        "(set-info :status unsat)\n(declare-const x Int)\n(assert (> x {number}))\n(assert (< x {number}))\n(check-sat)\n"
    )
}

/// Eight pigeons for seven holes, a statement of its own each time: some tens of milliseconds for the solver.
pub fn laborious() -> String {
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let (pigeons, holes) = (8, 7);
    let mut script = format!("(set-info :status unsat)\n(declare-const c{number} Bool)\n(assert c{number})\n");
    for pigeon in 0..pigeons {
        (0..holes).for_each(|hole| script += &format!("(declare-const p{pigeon}_{hole} Bool)\n"));
        let somewhere: Vec<_> = (0..holes).map(|hole| format!("p{pigeon}_{hole}")).collect();
        script += &format!("(assert (or {}))\n", somewhere.join(" "));
    }
    for hole in 0..holes {
        for (one, other) in (0..pigeons).flat_map(|one| (0..one).map(move |other| (one, other))) {
            script += &format!("(assert (or (not p{one}_{hole}) (not p{other}_{hole})))\n");
        }
    }
    script + "(check-sat)\n"
}

/// The factors of a product of two primes of 64 bits, which no solver finds in a day; new each time.
pub fn endless() -> String {
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    format!(
        "(declare-const a (_ BitVec 64))
(declare-const b (_ BitVec 64))
(declare-const c{number} Bool)
(assert (= (bvmul (concat #x0000000000000000 a) (concat #x0000000000000000 b)) #xcfa92a1c6559dd55bb75027437309ad3))
(assert (bvugt a #x0000000000000001))
(assert (bvugt b #x0000000000000001))
(assert c{number})
(check-sat)
"
    )
}

/// Signs submissions for one chain.
#[derive(Clone)]
pub struct Submitter {
    chain: Hash,
    key: SigningKey,
}

impl Submitter {
    pub fn new(chain: Hash) -> Submitter {
        Submitter::with_key(chain, 77)
    }

    /// One of several.
    pub fn with_key(chain: Hash, number: u8) -> Submitter {
        Submitter { chain, key: SigningKey::from_bytes(&[number; 32]) }
    }

    /// A new proof, as the body of its submission, and its id.
    pub fn make(&self) -> (Value, Hash) {
        self.sign(&script())
    }

    pub fn sign(&self, script: &str) -> (Value, Hash) {
        self.sign_again(script, 0)
    }

    /// The same script with another nonce is another proof of a statement that is remembered.
    pub fn sign_again(&self, script: &str, nonce: u64) -> (Value, Hash) {
        let script_bytes = script.as_bytes().to_vec();
        let proof = Proof::sign(&self.chain, &self.key, public_key(&self.key), Claim::Unsat, nonce, script_bytes);
        let body = json!({
            "script": script, "claim": proof.claim, "submitter": proof.submitter, "nonce": proof.nonce,
            "signature": proof.signature,
        });
        (body, proof.id(&self.chain))
    }

    /// Submits a new proof, which must be accepted.
    pub fn submit(&self, node: &Validator) -> Hash {
        self.submit_script(node, &script())
    }

    pub fn submit_script(&self, node: &Validator, script: &str) -> Hash {
        let (body, id) = self.sign(script);
        let (status, answer) = node.post("/v1/proofs", &body).expect("the node answers");
        assert_eq!(status, 202, "{answer}");
        id
    }
}

impl Validator {
    /// Waits until a proof is final here, and says in which block.
    pub fn await_final(&mut self, proof: &Hash) -> u64 {
        let path = format!("/v1/proofs/{proof}?wait={}", PATIENCE.as_secs());
        let found = super::until(&format!("{} knows {proof}", self.name), || {
            self.poll_status()?;
            self.try_get(&path)
        });
        assert_eq!(found["state"], "final", "{} on {proof}: {found}", self.name);
        found["block"].as_u64().unwrap()
    }
}
