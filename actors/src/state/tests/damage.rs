//! The database with one bit flipped, anywhere: it opens with all that was written or one transaction less, and passes on
//! nothing else; or it is refused with a code and a message that says what to do.

use super::super::head::base;
use super::*;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

/// Long enough for trees of two levels.
const BLOCKS: u64 = 60;
const PENDING: u8 = 40;
const PAGE: usize = 4_096;
/// Before the first page: the file's header and two commit slots.
const HEAD: usize = 320;

struct Written {
    genesis: Genesis,
    blocks: Vec<FinalBlock>,
    /// The file as a clean end leaves it, and as a kill does.
    closed: Vec<u8>,
    killed: Vec<u8>,
}

fn open(directory: &Path, genesis: &Genesis) -> Result<Database, DatabaseError> {
    Database::open(directory, &genesis.chain_id(), 1 << 20)
}

/// In memory where that is possible: hundreds of transactions, each with its syncs.
fn folder() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

fn write() -> Written {
    let genesis = genesis();
    let directory = folder();
    let file = directory.path().join(super::super::database::FILE_NAME);
    let database = open(directory.path(), &genesis).unwrap();
    let blocks = chain(&genesis, BLOCKS);
    for block in &blocks {
        let value = block.block.header.sequence.0 as u8;
        let (candidate, proof) = proof(value);
        change(&database, vec![Change::Put(candidate, proof)]);
        let sequence = block.block.header.sequence;
        let prepares = vec![(sequence, certificate(Choice::Prepare(block.id), sequence.0))];
        let commits = vec![(sequence, commit(block))];
        append_batch(&database, Batch { blocks: vec![block.clone()], prepares, commits });
    }
    for value in 100..100 + PENDING {
        let (candidate, proof) = proof(value);
        change(&database, vec![Change::Put(candidate, proof)]);
    }
    let killed = fs::read(&file).unwrap();
    drop(database);
    let closed = fs::read(&file).unwrap();
    Written { genesis, blocks, closed, killed }
}

#[derive(Debug, Default)]
struct Counts {
    whole: u32,
    one_less: u32,
    refused: u32,
}

impl Written {
    /// Opens a file with these bytes and reads all of it.
    fn try_all(&self, directory: &Path, bytes: &[u8], what: &str, counts: &mut Counts) {
        fs::write(directory.join(super::super::database::FILE_NAME), bytes).unwrap();
        // A panic would end a process, too, but with nothing said.
        let read = catch_unwind(AssertUnwindSafe(|| self.read(directory)));
        match read.unwrap_or_else(|_| panic!("{what}: it panics")) {
            Ok(0) => counts.whole += 1,
            Ok(1) => counts.one_less += 1,
            Ok(missing) => panic!("{what}: {missing} transactions are gone, and nothing is said"),
            Err(error) => {
                assert_eq!(error.exit_code(), 8, "{what}: {error}");
                assert!(error.to_string().contains("move it away"), "{what}: {error}");
                counts.refused += 1;
            }
        }
    }

    /// How many transactions are missing; everything else must be as it was written.
    fn read(&self, directory: &Path) -> Result<u8, DatabaseError> {
        let database = open(directory, &self.genesis)?;
        assert_eq!(Some(base(&database, &self.genesis)?.id), self.blocks.last().map(|block| block.id));
        for block in &self.blocks {
            let sequence = block.block.header.sequence;
            let stored = database.block(sequence)?.expect("no block is gone");
            assert_eq!((stored.id, &stored.block), (block.id, &block.block));
            assert_eq!(stored.commit, Some(commit(block)));
            assert_eq!(stored.prepare, Some(certificate(Choice::Prepare(block.id), sequence.0)));
            let proof = &block.block.body.proofs[0];
            assert_eq!(database.final_proof(&proof.proof)?, Some((sequence, *proof)));
            assert!(database.final_statement(&proof.statement).unwrap().is_some());
            assert_eq!(database.read_script(&proof.proof)?, Some(raw(sequence.0 as u8)));
        }
        let pending = database.pending().unwrap();
        for ((candidate, _), value) in pending.iter().zip(100..) {
            assert_eq!(*candidate, proof(value).0);
            assert_eq!(database.read_script(&candidate.proof)?, Some(raw(value)));
        }
        Ok(PENDING - pending.len() as u8)
    }
}

/// Where a bit is flipped: everywhere in the head, and in each page that is used at its start, inside and at its end.
fn places(bytes: &[u8], seed: u64) -> Vec<(usize, u8)> {
    let mut state = seed;
    let mut random = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize
    };
    // Every second byte of the head each time.
    let mut places: Vec<_> = (random() % 2..HEAD).step_by(2).map(|at| (at, (random() % 8) as u8)).collect();
    // The god byte decides which root is the newest.
    places.extend((0..8).map(|bit| (9, bit)));
    let used = |page: &usize| bytes[page * PAGE..(page + 1) * PAGE].iter().any(|byte| *byte != 0);
    let pages: Vec<usize> = (1..bytes.len() / PAGE).filter(used).collect();
    for page in pages {
        for offset in [random() % 256, random() % PAGE] {
            places.push((page * PAGE + offset, (random() % 8) as u8));
        }
    }
    places
}

#[test]
fn a_flipped_bit_is_refused_or_costs_nothing_that_was_final() {
    let written = write();
    let seed = std::env::var("POP_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(20_261_130u64);
    println!("seed {seed} (POP_SEED names another)");
    for (how, bytes) in [("closed", &written.closed), ("killed", &written.killed)] {
        let directory = folder();
        let mut counts = Counts::default();
        written.try_all(directory.path(), bytes, how, &mut counts);
        assert_eq!(counts.whole, 1, "unharmed it is whole");
        let places = places(bytes, seed);
        for (at, bit) in &places {
            let mut bytes = bytes.clone();
            bytes[*at] ^= 1 << bit;
            written.try_all(
                directory.path(),
                &bytes,
                &format!("{how}, seed {seed}, byte {at}, bit {bit}"),
                &mut counts,
            );
        }
        println!("{how}: {} flips: {counts:?}", places.len());
        assert!(counts.whole > 0 && counts.refused > 0);
    }
}

#[test]
fn what_is_read_is_compared_with_the_hash_it_goes_by() {
    let genesis = genesis();
    let database = Database::in_memory(&genesis.chain_id());
    let blocks = chain(&genesis, 2);
    let mut written = blocks.clone();
    written[1].block.body.proofs[0].difficulty = ResourceCount(999);
    let commits = vec![(Sequence(2), commit(&blocks[0]))];
    append_batch(&database, Batch { blocks: written, prepares: Vec::new(), commits });
    let damaged = |error: DatabaseError| {
        assert_eq!(error.exit_code(), 8);
        error.to_string()
    };
    assert!(damaged(database.block(Sequence(2)).unwrap_err()).contains("a block 2 is another one"));
    assert!(database.block(Sequence(1)).is_ok());
    let (candidate, mut script) = proof(9);
    script.script[0] ^= 1;
    change(&database, vec![Change::Put(candidate, script)]);
    assert!(damaged(database.read_script(&candidate.proof).unwrap_err()).contains("the script of proof"));
}

/// Not a test of behaviour: prints what comparing every checksum costs at a start.
/// `cargo test --release -p actors cost_of_opening -- --ignored --nocapture`
#[test]
#[ignore = "a measurement"]
fn the_cost_of_opening() {
    let genesis = genesis();
    let directory = tempfile::tempdir_in(env!("CARGO_MANIFEST_DIR")).unwrap();
    let database = open(directory.path(), &genesis).unwrap();
    let (mut sequence, script) = (0, vec![b' '; 1_000]);
    let first = chain(&genesis, 1).remove(0);
    for _ in 0..100 {
        let (mut changes, mut blocks) = (Vec::new(), Vec::new());
        for _ in 0..100 {
            sequence += 1;
            let mut block = first.block.clone();
            block.header.sequence = Sequence(sequence);
            block.body.proofs.clear();
            for nonce in sequence * 10..sequence * 10 + 10 {
                let proof = Proof { nonce, script: script.clone(), ..raw(1) };
                let (id, submitter) = (proof.id(&genesis.chain_id()), proof.submitter);
                let statement = Hash(*blake3::hash(&nonce.to_be_bytes()).as_bytes());
                let candidate = Candidate { proof: id, statement, size: 1_000, source: Source::Submitter(submitter) };
                changes.push(Change::Put(candidate, Box::new(proof)));
                block.body.proofs.push(Entry { proof: id, statement, difficulty: ResourceCount(1) });
            }
            block.header.body = block.body.digest();
            blocks.push(FinalBlock { id: block.id(), block, ledger: first.ledger.clone(), prepare: None });
        }
        change(&database, changes);
        append(&database, blocks);
    }
    drop(database);
    let bytes = fs::metadata(directory.path().join(super::super::database::FILE_NAME)).unwrap().len();
    for _ in 0..3 {
        let begun = std::time::Instant::now();
        drop(open(directory.path(), &genesis).unwrap());
        println!("{} proofs, {} MB: opened and closed in {:?}", sequence * 10, bytes >> 20, begun.elapsed());
    }
}
