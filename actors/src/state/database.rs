//! The database: final blocks with their certificates, the last ledger, the index of final proofs, and pending proofs
//! with their scripts.
//!
//! Changes go through [`super::writer`]. It stores and finds; it decides nothing, and it never tries a failed write again:
//! nobody knows what the disk holds then. Every page's checksum is compared when the database is opened, and what is read
//! is compared with the hash it goes by: what is not what was written is never passed on.

use super::pending::{Moves, Places};
use super::search;
use super::tables::{
    BLOCK_IDS, BLOCKS, COMMITS, META, NO_SCRIPT, PENDING, PREPARES, PROOFS, SCRIPTS, STATEMENTS, VERSION,
};
use super::writer::{Done, Work, Writer};
use crate::exit_code;
use crate::mempool::{Change, ProofStore, StoreError};

use protocol::block::{Block, Entry, Header};
use protocol::certificate::Certificate;
use protocol::consensus::events::FinalBlock;
use protocol::ledger::{Branch, BranchCause, BranchError, Ledger};
use protocol::mempool::Candidate;
use protocol::message::Word;
use protocol::proof::Proof;
use protocol::types::{Hash, Sequence};
use redb::{ReadTransaction, ReadableDatabase, ReadableTable, WriteTransaction};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The database's name in the data directory.
pub const FILE_NAME: &str = "state.redb";
/// Why the database cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
    #[error("{path} is in use by another process: is this validator running already? Each needs a data directory of its \
             own", path = path.display())]
    InUse { path: PathBuf },
    #[error("{path} belongs to the network {found}, the genesis is of {expected}: give the genesis of that \
             network, or move the folder away, or give another --data-dir", path = path.display())]
    OtherChain { path: PathBuf, expected: Hash, found: Hash },
    #[error("the database has form {found}, this program reads {VERSION}: use the program that wrote it")]
    Version { found: u64 },
    #[error("the database cannot be read or written: {0}; {advice}", advice = exit_code::DISK_ADVICE)]
    Disk(Box<redb::Error>),
    #[error("the database failed: {0}")]
    Internal(Box<redb::Error>),
    #[error(
        "the database {FILE_NAME} in the data directory is damaged ({what}): move it away, and the validator gets final \
         blocks from the others; proofs that only it had must be submitted again"
    )]
    Damaged { what: String },
    #[error("block {got} cannot follow block {head}")]
    Gap { head: Sequence, got: Sequence },
}

impl DatabaseError {
    /// The process' exit code: damaged data has another one than a failing disk, missing space or wrong configuration.
    pub fn exit_code(&self) -> i32 {
        match self {
            DatabaseError::Damaged { .. } => exit_code::DAMAGED,
            DatabaseError::InUse { .. }
            | DatabaseError::OtherChain { .. }
            | DatabaseError::Version { .. }
            | DatabaseError::Disk(_) => exit_code::CONFIGURATION,
            DatabaseError::Internal(_) | DatabaseError::Gap { .. } => exit_code::INTERNAL,
        }
    }

    /// Tells damage from a disk that fails, and both from wrong use.
    fn of(error: redb::Error) -> DatabaseError {
        match error {
            redb::Error::Corrupted(what) => DatabaseError::Damaged { what },
            // No system call of ours answers so: redb says it of a file that is none of its own.
            redb::Error::Io(error) if matches!(error.kind(), ErrorKind::InvalidData | ErrorKind::UnexpectedEof) => {
                DatabaseError::Damaged { what: error.to_string() }
            }
            redb::Error::TableTypeMismatch { .. }
            | redb::Error::TableIsMultimap(_)
            | redb::Error::TableIsNotMultimap(_)
            | redb::Error::TypeDefinitionChanged { .. }
            | redb::Error::TableDoesNotExist(_)
            | redb::Error::UpgradeRequired(_) => DatabaseError::Damaged { what: error.to_string() },
            redb::Error::Io(_) | redb::Error::Backend(_) | redb::Error::Unsupported | redb::Error::PreviousIo => {
                DatabaseError::Disk(Box::new(error))
            }
            // The enum is open; all the rest is wrong use.
            error => DatabaseError::Internal(Box::new(error)),
        }
    }
}

macro_rules! from_redb {
    ($($error:ty),*) => {
        $(impl From<$error> for DatabaseError {
            fn from(error: $error) -> Self {
                DatabaseError::of(error.into())
            }
        })*
    };
}
from_redb!(redb::DatabaseError, redb::TransactionError, redb::TableError, redb::StorageError, redb::CommitError);

impl From<DatabaseError> for BranchError {
    fn from(error: DatabaseError) -> BranchError {
        let cause = match error {
            DatabaseError::Damaged { .. } => BranchCause::Damaged,
            DatabaseError::InUse { .. }
            | DatabaseError::OtherChain { .. }
            | DatabaseError::Version { .. }
            | DatabaseError::Disk(_) => BranchCause::Disk,
            DatabaseError::Internal(_) | DatabaseError::Gap { .. } => BranchCause::Internal,
        };
        BranchError { cause, reason: error.to_string() }
    }
}

impl From<DatabaseError> for StoreError {
    fn from(error: DatabaseError) -> StoreError {
        StoreError { exit_code: error.exit_code(), reason: error.to_string() }
    }
}

/// A final block with what shows that it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredBlock {
    pub id: Hash,
    pub block: Block,
    pub prepare: Option<Certificate>,
    /// Kept for the last of the blocks that became final together.
    pub commit: Option<Certificate>,
}

/// The last final block and the state after it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    pub sequence: Sequence,
    pub id: Hash,
    pub ledger: Ledger,
}

#[derive(Serialize, Deserialize)]
pub(super) struct HeadRow {
    pub sequence: Sequence,
    id: Hash,
    ledger: Ledger,
}

#[derive(Deserialize)]
pub(super) struct BlockRow {
    pub(super) id: Hash,
    block: Block,
}

impl BlockRow {
    /// The block, if it is the one that was written at this place.
    pub(super) fn checked(self, sequence: Sequence) -> Result<Block, DatabaseError> {
        let BlockRow { id, block } = self;
        let Header { sequence: named, body, .. } = block.header;
        require(block.id() == id && named == sequence && body == block.body.digest(), "a block", sequence)?;
        Ok(block)
    }
}

/// Blocks that are added to final history together, ascending.
pub(super) struct Batch {
    pub blocks: Vec<FinalBlock>,
    pub prepares: Vec<(Sequence, Certificate)>,
    pub commits: Vec<(Sequence, Certificate)>,
}

/// May be shared between threads: reads never wait for a write.
pub struct Database {
    writer: Writer,
    redb: Arc<redb::Database>,
    places: Arc<Places>,
    chain: Hash,
}

pub(super) fn encode<T: Serialize>(value: &T) -> Result<Vec<u8>, DatabaseError> {
    rmp_serde::to_vec(value).map_err(|error| DatabaseError::Damaged { what: format!("cannot be encoded: {error}") })
}

/// What is read is what was written.
pub(super) fn require(holds: bool, what: &str, which: impl std::fmt::Display) -> Result<(), DatabaseError> {
    if holds { Ok(()) } else { Err(DatabaseError::Damaged { what: format!("{what} {which} is another one") }) }
}

pub(super) fn decode<T: DeserializeOwned>(what: &'static str, bytes: &[u8]) -> Result<T, DatabaseError> {
    rmp_serde::from_slice(bytes).map_err(|error| DatabaseError::Damaged { what: format!("{what}: {error}") })
}

impl Database {
    /// Opens or makes the database of a chain in a data directory.
    ///
    /// # Errors
    /// See [`DatabaseError`]; nothing was changed then.
    pub fn open(directory: &Path, chain: &Hash, cache_bytes: usize) -> Result<Database, DatabaseError> {
        let path = directory.join(FILE_NAME);
        // After a clean end, too, or a bit that flipped meanwhile would be trusted.
        let builder = redb::Builder::new().set_cache_size(cache_bytes).set_check_integrity_on_open(true).create(&path);
        let redb = match builder {
            Ok(redb) => redb,
            Err(redb::DatabaseError::DatabaseAlreadyOpen) => return Err(DatabaseError::InUse { path }),
            Err(other) => return Err(other.into()),
        };
        Database::with(redb, &path, chain)
    }

    #[cfg(test)]
    pub(crate) fn in_memory(chain: &Hash) -> Database {
        let backend = redb::backends::InMemoryBackend::new();
        let redb = redb::Builder::new().create_with_backend(backend).unwrap();
        Database::with(redb, Path::new("memory"), chain).unwrap()
    }

    fn with(redb: redb::Database, path: &Path, chain: &Hash) -> Result<Database, DatabaseError> {
        let write = redb.begin_write()?;
        {
            let mut meta = write.open_table(META)?;
            let found = meta.get("chain")?.map(|bytes| bytes.value().to_vec());
            match found {
                None => {
                    meta.insert("chain", chain.0.as_slice())?;
                    meta.insert("version", VERSION.to_be_bytes().as_slice())?;
                }
                Some(found) if found == chain.0 => {
                    let version = meta.get("version")?.map(|bytes| bytes.value().to_vec());
                    let found = version.and_then(|bytes| bytes.try_into().ok()).map_or(0, u64::from_be_bytes);
                    if found != VERSION {
                        return Err(DatabaseError::Version { found });
                    }
                }
                Some(found) => {
                    let found = Hash(found.try_into().unwrap_or([0; 32]));
                    return Err(DatabaseError::OtherChain { path: path.to_owned(), expected: *chain, found });
                }
            }
            write.open_table(BLOCKS)?;
            write.open_table(PREPARES)?;
            write.open_table(COMMITS)?;
            write.open_table(PROOFS)?;
            write.open_table(STATEMENTS)?;
            write.open_table(SCRIPTS)?;
            write.open_table(PENDING)?;
        }
        search::name_blocks(&write)?;
        write.commit()?;
        let redb = Arc::new(redb);
        let places = Arc::new(Places::read(&redb.begin_read()?)?);
        let writer = Writer::start(Arc::clone(&redb), path.to_owned(), Arc::clone(&places))
            .map_err(|error| DatabaseError::Internal(Box::new(redb::Error::Io(error))))?;
        Ok(Database { writer, redb, places, chain: *chain })
    }

    /// What is there at this moment, for reads that belong together.
    pub(super) fn begin_read(&self) -> Result<ReadTransaction, DatabaseError> {
        Ok(self.redb.begin_read()?)
    }

    /// The last final block, with the state after it; none before the first.
    ///
    /// # Errors
    /// If the disk fails or holds nonsense.
    pub(super) fn last(&self) -> Result<Option<(Head, StoredBlock)>, DatabaseError> {
        let read = self.redb.begin_read()?;
        let Some(bytes) = read.open_table(META)?.get("head")? else { return Ok(None) };
        let HeadRow { sequence, id, ledger } = decode("the head", bytes.value())?;
        match Self::block_in(&read, sequence)? {
            Some(block) => Ok(Some((Head { sequence, id, ledger }, block))),
            None => Err(DatabaseError::Damaged { what: format!("the last block, {sequence}, is missing") }),
        }
    }

    /// # Errors
    /// If the disk fails or holds nonsense.
    pub fn block(&self, sequence: Sequence) -> Result<Option<StoredBlock>, DatabaseError> {
        Self::block_in(&self.redb.begin_read()?, sequence)
    }

    fn block_in(read: &ReadTransaction, sequence: Sequence) -> Result<Option<StoredBlock>, DatabaseError> {
        let Some(row) = read.open_table(BLOCKS)?.get(sequence.0)?.map(|bytes| decode("a block", bytes.value())) else {
            return Ok(None);
        };
        let row: BlockRow = row?;
        let (id, block) = (row.id, row.checked(sequence)?);
        let certificate = |table| -> Result<Option<Certificate>, DatabaseError> {
            let bytes = read.open_table::<u64, &[u8]>(table)?.get(sequence.0)?;
            let found: Option<Certificate> = bytes.map(|bytes| decode("a certificate", bytes.value())).transpose()?;
            require(found.iter().all(|found| found.block() == Some(id)), "the certificate of block", sequence)?;
            Ok(found)
        };
        Ok(Some(StoredBlock { id, block, prepare: certificate(PREPARES)?, commit: certificate(COMMITS)? }))
    }

    /// Whether a Prepare certificate is kept for a block.
    pub(super) fn has_prepare(&self, sequence: Sequence) -> Result<bool, DatabaseError> {
        Ok(self.redb.begin_read()?.open_table(PREPARES)?.get(sequence.0)?.is_some())
    }

    /// Where a proof became final, and as what. Reads its block.
    ///
    /// # Errors
    /// If the disk fails or holds nonsense.
    pub fn final_proof(&self, proof: &Hash) -> Result<Option<(Sequence, Entry)>, DatabaseError> {
        let Some((sequence, _)) = self.index(proof)? else { return Ok(None) };
        let sequence = Sequence(sequence);
        let block = self.block(sequence)?.map(|stored| stored.block);
        let entry = block.iter().flat_map(|block| &block.body.proofs).find(|entry| entry.proof == *proof).copied();
        require(entry.is_some(), "the index entry of proof", proof)?;
        Ok(entry.map(|entry| (sequence, entry)))
    }

    /// The sequence of a final proof's block, and the place of its script.
    fn index(&self, proof: &Hash) -> Result<Option<(u64, u64)>, DatabaseError> {
        Ok(self.redb.begin_read()?.open_table(PROOFS)?.get(proof.0)?.map(|row| row.value()))
    }

    /// Adds blocks to final history; their proofs are pending no longer.
    pub(super) fn append(&self, batch: Batch, done: Done) {
        self.writer.write(Work::Blocks(Box::new(batch)), done);
    }

    /// Waits until everything that was asked for is durable.
    ///
    /// # Errors
    /// If it will never be.
    pub(super) fn settle(&self) -> Result<(), StoreError> {
        // Mostly there is nothing to wait for, and two switches of threads are saved.
        if self.writer.is_settled() {
            return Ok(());
        }
        let (tell, told) = std::sync::mpsc::channel();
        // Whoever waits is there below.
        self.writer.write(Work::Settle, Box::new(move |result| drop(tell.send(result))));
        told.recv().unwrap_or_else(|_| Err(StoreError::closed()))
    }

    pub(super) fn read_script(&self, proof: &Hash) -> Result<Option<Proof>, DatabaseError> {
        // In this order: what is not pending any more is final, if it is anywhere.
        let place = match self.places.get(proof) {
            Some(place) => place,
            None => self.index(proof)?.map_or(NO_SCRIPT, |(_, place)| place),
        };
        // Until what it found is decoded: a page of a transaction that is over may be another one's.
        let read = self.redb.begin_read()?;
        let bytes = read.open_table(SCRIPTS)?.get(place)?;
        let found: Option<Proof> = bytes.map(|bytes| decode("a script", bytes.value())).transpose()?;
        require(found.iter().all(|found| found.id(&self.chain) == *proof), "the script of proof", proof)?;
        Ok(found)
    }

    /// Where a statement first became final.
    pub(super) fn final_statement(&self, statement: &Hash) -> Result<Option<Sequence>, DatabaseError> {
        let read = self.redb.begin_read()?;
        let found = read.open_table(STATEMENTS)?.get(statement.0)?;
        Ok(found.map(|sequence| Sequence(sequence.value())))
    }
}

/// The database as consensus asks it: what it knows of blocks up to a sequence, however far it has come itself.
pub struct Below {
    database: Arc<Database>,
    upto: Sequence,
}

impl Below {
    pub fn new(database: Arc<Database>, upto: Sequence) -> Below {
        Below { database, upto }
    }
}

impl Branch for Below {
    fn has_proof(&self, proof: &Hash) -> Result<bool, BranchError> {
        let found = self.database.index(proof)?;
        Ok(found.is_some_and(|(sequence, _)| sequence <= self.upto.0))
    }

    fn has_statement(&self, statement: &Hash) -> Result<bool, BranchError> {
        let found = self.database.final_statement(statement)?;
        Ok(found.is_some_and(|sequence| sequence <= self.upto))
    }

    fn applied(&mut self, sequence: Sequence) {
        self.upto = self.upto.max(sequence);
    }
}

impl ProofStore for Database {
    fn change(&self, changes: Vec<Change>, done: Done) {
        self.writer.write(Work::Pending(changes), done);
    }

    fn pending(&self) -> Result<Vec<(Candidate, Option<Word>)>, StoreError> {
        self.settle()?;
        Ok(self.places.pending())
    }

    fn note(&self, proof: &Hash, word: Word) {
        self.places.note(proof, word);
    }

    fn proof(&self, proof: &Hash) -> Result<Option<Proof>, StoreError> {
        Ok(self.read_script(proof)?)
    }

    fn final_in(&self, proof: &Hash) -> Result<Option<(Sequence, Hash)>, StoreError> {
        Ok(self.final_proof(proof)?.map(|(sequence, entry)| (sequence, entry.statement)))
    }
}

pub(super) fn write_batch(write: &WriteTransaction, moves: &mut Moves<'_>, batch: &Batch) -> Result<(), DatabaseError> {
    let Some(last) = batch.blocks.last() else { return Ok(()) };
    let mut blocks = write.open_table(BLOCKS)?;
    let mut block_ids = write.open_table(BLOCK_IDS)?;
    let mut proofs = write.open_table(PROOFS)?;
    let mut statements = write.open_table(STATEMENTS)?;
    let mut pending = write.open_table(PENDING)?;
    for FinalBlock { id, block, .. } in &batch.blocks {
        let sequence = block.header.sequence;
        blocks.insert(sequence.0, encode(&(id, block))?.as_slice())?;
        block_ids.insert(id.0, sequence.0)?;
        for entry in &block.body.proofs {
            let place = moves.take(&entry.proof);
            proofs.insert(entry.proof.0, (sequence.0, place.unwrap_or(NO_SCRIPT)))?;
            // The first one stays: it is the one that was paid.
            if statements.get(entry.statement.0)?.is_none() {
                statements.insert(entry.statement.0, sequence.0)?;
            }
            if let Some(place) = place {
                pending.remove(place)?;
            }
        }
    }
    let mut prepares = write.open_table(PREPARES)?;
    for (sequence, certificate) in &batch.prepares {
        prepares.insert(sequence.0, encode(certificate)?.as_slice())?;
    }
    let mut commits = write.open_table(COMMITS)?;
    for (sequence, certificate) in &batch.commits {
        commits.insert(sequence.0, encode(certificate)?.as_slice())?;
    }
    let head = HeadRow { sequence: last.block.header.sequence, id: last.id, ledger: last.ledger.clone() };
    write.open_table(META)?.insert("head", encode(&head)?.as_slice())?;
    Ok(())
}
