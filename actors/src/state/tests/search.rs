//! Final history by the beginning of an id, and the newest of it.

use super::super::database::Batch;
use super::super::search::{FinalNames, name_blocks};
use super::super::tables::BLOCK_IDS;
use super::*;
use crate::state::{DatabaseError, FinalWithPrefix, NewestFinal, ProofOf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use tokio::sync::oneshot;

fn prefix(of: &Hash, digits: usize) -> protocol::prefix::HashPrefix {
    of.to_string()[..digits].parse().unwrap()
}

#[actix::test]
async fn blocks_proofs_and_statements_are_found_by_their_beginning() {
    let mut bench = bench();
    let blocks = chain(&bench.genesis, 3);
    bench.way.send(StateInput::Apply { blocks: blocks.clone(), commit: commit(&blocks[2]) }).unwrap();
    while bench.told.recv().await != Some(Input::Applied(Sequence(3))) {}
    let find = async |of: &Hash, digits, count| {
        let asked = FinalWithPrefix { prefix: prefix(of, digits), count };
        bench.read(asked).await.unwrap()
    };
    let second = (blocks[1].id, Sequence(2));
    assert_eq!(find(&blocks[1].id, 6, 10).await, FinalNames { blocks: vec![second], ..FinalNames::default() });
    assert_eq!(find(&entry(3).proof, 64, 10).await.proofs, [(entry(3).proof, Sequence(3))]);
    assert_eq!(find(&entry(3).statement, 8, 10).await.statements, [(entry(3).statement, Sequence(3))]);
    assert_eq!(find(&entry(3).proof, 64, 0).await, FinalNames::default(), "no more than asked for");
    assert_eq!(find(&Hash([0xee; 32]), 6, 10).await, FinalNames::default());
    assert_eq!(bench.read(ProofOf(entry(3).proof)).await, Ok(None), "its script never came here");
}

#[actix::test]
async fn the_newest_proofs_come_first_and_what_was_read_is_not_read_again() {
    let mut bench = bench();
    let blocks = chain(&bench.genesis, 3);
    bench.way.send(StateInput::Apply { blocks: blocks.clone(), commit: commit(&blocks[2]) }).unwrap();
    while bench.told.recv().await != Some(Input::Applied(Sequence(3))) {}
    let newest = async |above, count| {
        let asked = NewestFinal { above: Sequence(above), count };
        bench.read(asked).await.unwrap()
    };
    let at = |sequence: u64| (Sequence(sequence), entry(sequence as u8));
    assert_eq!(newest(0, 2).await, (Sequence(3), vec![at(3), at(2)]));
    assert_eq!(newest(1, 9).await, (Sequence(3), vec![at(3), at(2)]));
    assert_eq!(newest(3, 9).await, (Sequence(3), vec![]));
}

/// A read that says when it has begun, and goes on until it is told.
struct Slow {
    begun: mpsc::Sender<()>,
    go_on: mpsc::Receiver<()>,
}

impl Question for Slow {
    type Found = ();

    fn read(&self, _: &Database) -> Result<(), DatabaseError> {
        self.begun.send(()).unwrap();
        self.go_on.recv().unwrap();
        Ok(())
    }
}

#[actix::test]
async fn a_permit_ends_with_the_read_and_not_with_who_asked() {
    struct Permit(Option<oneshot::Sender<()>>);
    impl Drop for Permit {
        fn drop(&mut self) {
            self.0.take().unwrap().send(()).unwrap();
        }
    }
    let bench = bench();
    let ((begin, begun), (proceed, go_on), (free, mut freed)) = (mpsc::channel(), mpsc::channel(), oneshot::channel());
    let read = Read { question: Slow { begun: begin, go_on }, permit: Box::new(Permit(Some(free))) };
    let state = bench.state.clone();
    let asking = tokio::spawn(async move { state.ask(read, LONG).await.map(drop).map_err(drop) });
    tokio::task::spawn_blocking(move || begun.recv_timeout(LONG).unwrap()).await.unwrap();
    asking.abort();
    assert!(asking.await.unwrap_err().is_cancelled());
    // The actor has had its turn since, and heard that nobody waits.
    bench.state.ask(LedgerNow, LONG).await.unwrap();
    assert!(freed.try_recv().is_err(), "the read goes on");
    proceed.send(()).unwrap();
    tokio::time::timeout(LONG, freed).await.expect("the read has ended").unwrap();
}

#[test]
fn blocks_of_an_older_program_are_named_when_the_database_is_opened() {
    let genesis = genesis();
    let directory = tempfile::tempdir().unwrap();
    let open = || Database::open(directory.path(), &genesis.chain_id(), 1 << 20).unwrap();
    let blocks = chain(&genesis, 3);
    let database = open();
    database.append(
        Batch { blocks: blocks.clone(), prepares: Vec::new(), commits: Vec::new() },
        Box::new(|result| result.unwrap()),
    );
    database.settle().unwrap();
    drop(database);
    let raw = redb::Database::open(directory.path().join(super::super::FILE_NAME)).unwrap();
    let write = raw.begin_write().unwrap();
    assert!(write.delete_table(BLOCK_IDS).unwrap());
    write.commit().unwrap();
    drop(raw);
    for block in &blocks {
        let found = open().with_prefix(&prefix(&block.id, 12), 10).unwrap();
        assert_eq!(found.blocks, [(block.id, block.block.header.sequence)]);
    }
    let raw = redb::Database::create(directory.path().join("empty")).unwrap();
    let write = raw.begin_write().unwrap();
    name_blocks(&write).unwrap();
}

/// redb watches in builds with assertions: what is read is still a page of the transaction that reads it.
#[test]
fn scripts_are_read_while_others_are_written() {
    const CHANGES: usize = 100;
    let database = Arc::new(Database::in_memory(&genesis().chain_id()));
    // A long one is being decoded for a while.
    let long = Proof { script: vec![b' '; 500_000], ..raw(1) };
    let candidate = Candidate { proof: long.id(&genesis().chain_id()), ..proof(1).0 };
    let over = Arc::new(AtomicBool::new(false));
    let read = || {
        let (database, over, long) = (Arc::clone(&database), Arc::clone(&over), long.clone());
        std::thread::spawn(move || {
            while !over.load(Ordering::Relaxed) {
                let found = database.proof(&candidate.proof).unwrap();
                assert!(found.is_none_or(|found| found == long));
            }
        })
    };
    let readers: Vec<_> = (0..2).map(|_| read()).collect();
    for _ in 0..CHANGES {
        change(&database, vec![Change::Put(candidate, Box::new(long.clone()))]);
        change(&database, vec![Change::Remove(candidate.proof)]);
    }
    over.store(true, Ordering::Relaxed);
    readers.into_iter().for_each(|reader| reader.join().unwrap());
}
