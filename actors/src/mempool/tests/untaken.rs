//! A check that the pool does not take is tried again with the script that was read.

use super::*;
use crate::routes::{Check, PoolRequest};
use protocol::mempool::Candidate;
use std::sync::atomic::AtomicUsize;

/// A database that counts how often a script is read.
struct Counting {
    database: Arc<Database>,
    reads: Arc<AtomicUsize>,
}

impl ProofStore for Counting {
    fn change(&self, changes: Vec<Change>, done: Box<dyn FnOnce(Result<(), StoreError>) + Send>) {
        self.database.change(changes, done);
    }

    fn pending(&self) -> Result<Vec<(Candidate, Option<Word>)>, StoreError> {
        self.database.pending()
    }

    fn note(&self, proof: &Hash, word: Word) {
        self.database.note(proof, word);
    }

    fn proof(&self, proof: &Hash) -> Result<Option<Proof>, StoreError> {
        self.reads.fetch_add(1, Ordering::SeqCst);
        self.database.proof(proof)
    }

    fn final_in(&self, proof: &Hash) -> Result<Option<(Sequence, Hash)>, StoreError> {
        self.database.final_in(proof)
    }
}

#[actix::test]
async fn the_script_of_a_check_that_the_pool_does_not_take_is_read_once() {
    const REFUSED: usize = 5;
    let database = Arc::new(Database::in_memory(&CHAIN));
    let reads = Arc::<AtomicUsize>::default();
    let (take, mut taken) = unbounded_channel();
    let bench = bench_with(database.clone(), |settings| {
        settings.store = Arc::new(Counting { database, reads: reads.clone() });
        let attempts = AtomicUsize::new(0);
        settings.routes.verifier_pool = Outlet::new(move |request| match request {
            PoolRequest::Check(_) if attempts.fetch_add(1, Ordering::SeqCst) < 2 * REFUSED => Some(request),
            PoolRequest::Check(check) => take.send(check).err().map(|error| PoolRequest::Check(error.0)),
            PoolRequest::Foresee(_) | PoolRequest::Cancel(_) => None,
        });
    });
    let proofs = [0, 1].map(|nonce| {
        let key = SigningKey::from_bytes(&[1; 32]);
        Proof::sign(&CHAIN, &key, public_key(&key), Claim::Unsat, nonce, GOOD.as_bytes().to_vec())
    });
    for proof in &proofs {
        submit(&bench, proof.clone()).await.unwrap();
    }
    for proof in &proofs {
        let check: Check = tokio::time::timeout(LONG, taken.recv()).await.expect("it is tried again").unwrap();
        assert_eq!((check.proof, check.script), (proof.id(&CHAIN), GOOD.as_bytes().to_vec()));
    }
    assert_eq!(reads.load(Ordering::SeqCst), 2, "once for each proof");
}
