//! Pending proofs: what was asked for is durable, in order, and no place is taken twice.

use super::*;

/// A mempool that is made anew begins with all that the one before asked for.
#[test]
fn what_was_asked_for_is_durable_before_the_pending_proofs_are_told() {
    let database = Database::in_memory(&genesis().chain_id());
    for value in 1..20 {
        let (candidate, proof) = proof(value);
        database.change(vec![Change::Put(candidate, proof)], Box::new(|_| {}));
        assert_eq!(database.pending().unwrap(), [(candidate, None)]);
        database.change(vec![Change::Remove(candidate.proof)], Box::new(|_| {}));
        assert_eq!(database.pending().unwrap(), []);
    }
}

#[test]
fn pending_proofs_are_kept_in_order_until_they_are_removed_or_final() {
    let genesis = genesis();
    let database = Database::in_memory(&genesis.chain_id());
    let put = |value| {
        let (candidate, proof) = proof(value);
        Change::Put(candidate, proof)
    };
    change(&database, vec![put(5), put(2), put(9), put(1), put(2)]);
    let value = |(candidate, _): &(Candidate, _)| candidate.statement.0[0] & 0x7f;
    let ids = || database.pending().unwrap().iter().map(value).collect::<Vec<_>>();
    assert_eq!(ids(), [5, 2, 9, 1]);
    database.note(&entry(2).proof, Word::Refuted);
    database.note(&entry(8).proof, Word::Refuted);
    assert_eq!(database.pending().unwrap()[1], (proof(2).0, Some(Word::Refuted)));
    assert!(
        database.pending().unwrap().iter().all(|(candidate, word)| candidate.proof == entry(2).proof || word.is_none())
    );
    change(&database, vec![Change::Remove(entry(9).proof)]);
    assert_eq!(ids(), [5, 2, 1]);
    assert_eq!(database.proof(&entry(9).proof).unwrap(), None);
    append(&database, chain(&genesis, 2));
    assert_eq!(ids(), [5]);
    assert_eq!(database.final_in(&entry(2).proof).unwrap(), Some((Sequence(2), entry(2).statement)));
    // The script of what is final stays, and what is final does not become pending again.
    change(&database, vec![put(2), Change::Remove(entry(2).proof)]);
    assert_eq!(database.proof(&entry(2).proof).unwrap(), Some(*proof(2).1));
    assert_eq!(ids(), [5]);
}

#[test]
fn a_script_that_comes_after_its_proof_is_final_is_kept_and_no_place_is_taken_twice() {
    let genesis = genesis();
    let directory = tempfile::tempdir().unwrap();
    let open = || Database::open(directory.path(), &genesis.chain_id(), 1 << 20).unwrap();
    let put = |value| {
        let (candidate, proof) = proof(value);
        Change::Put(candidate, proof)
    };
    let database = open();
    append(&database, chain(&genesis, 2));
    assert_eq!(database.proof(&entry(1).proof).unwrap(), None);
    // Put, taken out and put again in one transaction; and the last place is free again when the database is closed.
    change(&database, vec![put(7), Change::Remove(entry(7).proof), put(1), put(7), put(8)]);
    change(&database, vec![Change::Remove(entry(8).proof)]);
    let pending = || open().pending().unwrap().iter().map(|(candidate, _)| candidate.proof).collect::<Vec<_>>();
    drop(database);
    assert_eq!(pending(), [entry(7).proof]);
    let database = open();
    change(&database, vec![put(9), Change::Remove(entry(7).proof), put(2)]);
    drop(database);
    assert_eq!(pending(), [entry(9).proof]);
    let database = open();
    for value in [1, 2, 9] {
        assert_eq!(database.proof(&entry(value).proof).unwrap(), Some(*proof(value).1));
    }
    for value in [7, 8] {
        assert_eq!(database.proof(&entry(value).proof).unwrap(), None);
    }
    assert_eq!(database.final_in(&entry(1).proof).unwrap(), Some((Sequence(1), entry(1).statement)));
}
