//! The consensus vote log: what this validator signed, durable before it is sent (R12 and "durable before sent").
//!
//! One file of batches, each synced before the next is written, so that only the last can ever be torn. A batch starts on
//! a sector of its own: writing the next one cannot harm one that was synced. Space is written with zeros beforehand, so
//! an append changes no metadata and costs one data sync.
//!
//! The log never repairs what it cannot explain: a damaged last batch is dropped and said ([`LogState::Torn`]); any other
//! damage is an error with which the process ends, and the file stays as it is. After a failed write or sync nobody
//! knows what the disk holds: every later call fails.
//!
//! The [`mark`] is a file beside the key. It is made with the log and outlives it: a mark without a log says that votes may
//! have been sent that nobody here remembers ([`LogState::Lost`]), and a mark that has seen more batches than the log that
//! the log is an old copy ([`LogState::Outdated`]). Without a mark only the key's `.born` says that nothing was signed: its first
//! start makes the log and the mark, and only then removes it.

mod format;
mod mark;
mod recovery;

use super::beside_key::BesideKey;
use super::files::{self, FileError};
use crate::exit_code;
use crate::randomness::{NoRandomness, random_bytes};
use crate::supervision::on_disk;
use format::{FileHeader, SECTOR, Seal};
use mark::Mark;
use protocol::types::{Hash, PublicKey};
use protocol::validator::startup::LogState;
use std::fs::{File, OpenOptions};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// The log's name in the data directory.
pub const FILE_NAME: &str = "votes.log";

/// Bytes of one batch's records. A batch holds a few votes and certificates and at most a block.
pub const BATCH_BYTES_MAX: usize = 64 << 20;

/// Bytes of the whole file, and about what its records take in memory. Consensus shortens the log long before; a log that
/// reaches this was never shortened.
pub const LOG_BYTES_MAX: u64 = 1 << 30;

/// Space is made in steps of this: some 250 batches.
const CHUNK: u64 = 1 << 20;

/// Whose log it is. Another validator's log, or this one's of another network, is noticed and refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Identity {
    pub chain: Hash,
    pub key: PublicKey,
}

/// Why the log cannot be used. All of them end the process.
#[derive(Debug, thiserror::Error)]
pub enum VoteLogError {
    #[error(
        "the vote log {path} is damaged at byte {offset} ({what}), and it was not the last batch: votes that were sent may \
         be missing from it. Nothing was changed. Move the file away to start with an unknown history: the validator \
         then signs nothing until a quorum of the others has reported its state",
        path = path.display()
    )]
    Damaged { path: PathBuf, offset: u64, what: &'static str },
    #[error(
        "the vote log {path} belongs to another validator or another network: give the data directory that belongs to \
         this key and genesis, or an empty one",
        path = path.display()
    )]
    Foreign { path: PathBuf },
    #[error("the vote log {path} has form version {got}, this program writes version {expected}", path = path.display())]
    Version { path: PathBuf, expected: u32, got: u32 },
    #[error("{got} bytes of records in one batch, at most {max} are possible")]
    BatchTooLarge { max: usize, got: usize },
    #[error("the vote log {path} would exceed {max} bytes: it was not shortened for very long", path = path.display())]
    Full { path: PathBuf, max: u64 },
    #[error("the vote log {path} failed before and is not used any more", path = path.display())]
    FailedBefore { path: PathBuf },
    #[error(
        "another process has signed votes with this validator's key, says {path}. Decide which of the two lives, and see to it that \
         the other one never starts again; then remove that file",
        path = path.display()
    )]
    Twin { path: PathBuf },
    #[error("{0}; {advice}", advice = exit_code::DISK_ADVICE)]
    Disk(#[from] FileError),
    #[error(transparent)]
    Randomness(#[from] NoRandomness),
}

impl VoteLogError {
    /// The process' exit code: damaged data has another one than a failing disk, missing space or wrong configuration.
    pub fn exit_code(&self) -> i32 {
        match self {
            VoteLogError::Damaged { .. } => exit_code::DAMAGED,
            VoteLogError::Twin { .. } => exit_code::TWIN,
            VoteLogError::Foreign { .. } | VoteLogError::Version { .. } | VoteLogError::Disk(_) => {
                exit_code::CONFIGURATION
            }
            VoteLogError::BatchTooLarge { .. }
            | VoteLogError::Full { .. }
            | VoteLogError::FailedBefore { .. }
            | VoteLogError::Randomness(_) => exit_code::INTERNAL,
        }
    }
}

/// An open log, and what is in it: the next incarnation that takes it over need not read the file. Dropping it closes
/// the file; nothing is pending at any time.
#[derive(Debug)]
pub struct VoteLog {
    path: PathBuf,
    beside: BesideKey,
    /// When `next` comes so far, the mark is written anew.
    mark_due: u64,
    identity: Identity,
    /// Sequence number of the next batch.
    next: u64,
    state: State,
    /// All that is durable here, in the order in which it was appended.
    records: Vec<Vec<u8>>,
    /// Reused for every batch.
    buffer: Vec<u8>,
}

#[derive(Debug)]
enum State {
    /// There is no file yet. It is made with the first batch in it, so that a log without a record never looks whole.
    Unmade,
    Open(Open),
    /// The file ends in a torn batch or is an old copy. It stays as the evidence of itself until the first append replaces
    /// it by what is whole of it and its own.
    Evidence,
    Failed,
}

#[derive(Debug)]
struct Open {
    file: File,
    seal: Seal,
    /// Where the next batch goes: a multiple of the sector.
    end: u64,
    /// Bytes of the file; all of them beyond `end` are zero.
    allocated: u64,
}

/// The records of a log, as far as it is whole, or none if there is no log. Changes nothing, neither the log nor its mark,
/// so it may be used beside a validator that runs.
///
/// Cost: O(file).
///
/// # Errors
/// `Damaged`, `Foreign`, `Version`, `Disk`.
pub fn inspect(directory: &Path, identity: &Identity) -> Result<Option<Vec<Vec<u8>>>, VoteLogError> {
    let path = directory.join(FILE_NAME);
    let file = match File::open(&path) {
        Ok(file) if file.metadata().is_ok_and(|about| about.len() == 0) => return Ok(None),
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(FileError::at("open", &path)(error).into()),
    };
    Ok(Some(recovery::read(&path, &file, identity)?.records))
}

impl VoteLog {
    /// Opens the log in a data directory, of which the caller holds the lock, and reads everything in it. Makes nothing
    /// but the mark that a first start was ended before, and leaves no `.born` beside a mark.
    ///
    /// Cost: O(file), once.
    ///
    /// # Errors
    /// `Damaged`, `Foreign`, `Version`, `Twin`, `Disk`.
    pub fn open(directory: &Path, beside: &BesideKey, identity: Identity) -> Result<(VoteLog, LogState), VoteLogError> {
        if beside.has_twin()? {
            return Err(VoteLogError::Twin { path: beside.twin.clone() });
        }
        let path = directory.join(FILE_NAME);
        // A replacement that was never renamed holds nothing that is not in the log itself.
        recovery::remove_if_there(&replacement_path(&path))?;
        // The first batch after a start is marked: a copy from before the start is older than that.
        let log = |next: u64, state, records| VoteLog {
            path: path.clone(),
            beside: beside.clone(),
            mark_due: next + 1,
            identity,
            next,
            state,
            records,
            buffer: Vec::new(),
        };
        let marked = mark::read(&beside.mark)?;
        if marked != Mark::None {
            // It means nothing beside a mark.
            beside.consume_born()?;
        }
        let is_born = beside.is_born()?;
        let Some(file) = recovery::open_existing(&path)? else {
            let (history, next) = match marked {
                Mark::None if is_born => (LogState::New, 1),
                Mark::Reached(reached) => (LogState::Lost, reached.max(1)),
                // What a key has signed whose files were not all brought along, nobody here knows.
                Mark::None | Mark::Damaged => (LogState::Lost, 1),
            };
            return Ok((log(next, State::Unmade, Vec::new()), history));
        };
        let found = recovery::read(&path, &file, &identity)?;
        let (history, next) = match (marked, found.tail) {
            // Batches are numbered above all that were ever written, or the new log would look old again.
            (Mark::Reached(reached), _) if reached > found.next => (LogState::Outdated, reached),
            (Mark::Damaged, _) => (LogState::Outdated, found.next),
            // Nobody knows how far the log had come.
            (Mark::None, _) if !is_born => (LogState::Outdated, found.next),
            (Mark::None | Mark::Reached(_), recovery::Tail::Torn) => (LogState::Torn, found.next),
            (marked @ (Mark::None | Mark::Reached(_)), recovery::Tail::Clean) => {
                if marked == Mark::None {
                    // The first start was ended in between.
                    mark::write(&beside.mark, found.next)?;
                    beside.consume_born()?;
                }
                let open = Open { file, seal: found.seal, end: found.end, allocated: found.allocated };
                return Ok((log(found.next, State::Open(open), found.records), LogState::Whole));
            }
        };
        Ok((log(next, State::Evidence, found.records), history))
    }

    /// Another process signs with this key: no start until an operator has decided.
    ///
    /// # Errors
    /// If that cannot be made durable.
    pub fn mark_twin(&self) -> Result<(), VoteLogError> {
        Ok(self.beside.mark_twin()?)
    }

    /// What is durable here, in the order in which it was appended.
    pub fn records(&self) -> &[Vec<u8>] {
        &self.records
    }

    /// Whether the file holds just [`VoteLog::records`], whole: nothing failed, and nothing was dropped.
    pub fn is_whole(&self) -> bool {
        matches!(self.state, State::Open(_))
    }

    /// Appends one batch; it is durable when this returns. An empty batch costs nothing.
    ///
    /// Cost: one write and one data sync.
    ///
    /// # Errors
    /// Any; after an error of the disk the log refuses every later call, and the process must end.
    pub fn append(&mut self, records: &[Vec<u8>]) -> Result<(), VoteLogError> {
        if records.is_empty() {
            return Ok(());
        }
        match std::mem::replace(&mut self.state, State::Failed) {
            State::Open(mut open) => {
                self.append_to(&mut open, records)?;
                self.see_to_the_mark()?;
                self.records.extend_from_slice(records);
                self.state = State::Open(open);
                Ok(())
            }
            State::Unmade | State::Evidence => self.make([&self.records, records].concat()),
            State::Failed => Err(VoteLogError::FailedBefore { path: self.path.clone() }),
        }
    }

    /// Replaces everything by these records: how consensus shortens the log. Whatever instant the power fails at, the old
    /// records or the new ones are there, whole.
    ///
    /// Cost: writing a file, two syncs and a rename.
    ///
    /// # Errors
    /// As [`VoteLog::append`].
    pub fn replace(&mut self, records: &[Vec<u8>]) -> Result<(), VoteLogError> {
        match std::mem::replace(&mut self.state, State::Failed) {
            State::Failed => Err(VoteLogError::FailedBefore { path: self.path.clone() }),
            State::Unmade | State::Open(_) | State::Evidence => self.make(records.to_vec()),
        }
    }

    /// The number of the batch that comes next; batches are numbered from 1 on, whatever was shortened.
    pub fn next_batch(&self) -> u64 {
        self.next
    }

    /// Bytes of the file that batches take.
    pub fn bytes(&self) -> u64 {
        match &self.state {
            State::Open(open) => open.end,
            State::Unmade | State::Evidence | State::Failed => 0,
        }
    }

    fn append_to(&mut self, open: &mut Open, records: &[Vec<u8>]) -> Result<(), VoteLogError> {
        self.buffer.clear();
        open.seal.write_batch(self.next, records, &mut self.buffer)?;
        let end = open.end + self.buffer.len() as u64;
        if end > LOG_BYTES_MAX {
            return Err(VoteLogError::Full { path: self.path.clone(), max: LOG_BYTES_MAX });
        }
        if end > open.allocated {
            // The batch and the space for those after it, in one write.
            open.allocated = end.next_multiple_of(CHUNK);
            self.buffer.resize((open.allocated - open.end) as usize, 0);
        }
        on_disk(&self.path, || {
            open.file.write_all_at(&self.buffer, open.end).map_err(FileError::at("write", &self.path))?;
            open.file.sync_data().map_err(FileError::at("sync", &self.path))
        })?;
        open.end = end;
        self.next += 1;
        self.buffer.shrink_to(CHUNK as usize);
        Ok(())
    }

    /// Writes a new file with these records, and gives it the log's name; then sees to the mark.
    fn make(&mut self, records: Vec<Vec<u8>>) -> Result<(), VoteLogError> {
        let temporary = replacement_path(&self.path);
        recovery::remove_if_there(&temporary)?;
        let header = FileHeader::new(&self.identity, self.next, random_bytes()?);
        let seal = header.seal();
        let mut bytes = header.encode();
        // Several batches where one would be too large: the rename makes them one.
        for batch in batches(&records) {
            seal.write_batch(self.next, batch, &mut bytes)?;
            self.next += 1;
        }
        let end = bytes.len() as u64;
        let allocated = (end + 1).next_multiple_of(CHUNK);
        bytes.resize(allocated as usize, 0);
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&temporary)
            .map_err(FileError::at("create", &temporary))?;
        on_disk(&self.path, || {
            file.write_all_at(&bytes, 0).map_err(FileError::at("write", &temporary))?;
            file.sync_all().map_err(FileError::at("sync", &temporary))?;
            std::fs::rename(&temporary, &self.path).map_err(FileError::at("replace", &self.path))?;
            files::sync_directory_of(&self.path)
        })?;
        self.see_to_the_mark()?;
        self.records = records;
        self.state = State::Open(Open { file, seal, end, allocated });
        Ok(())
    }

    /// The log first: a mark ahead of the log, or without one, would say that a history was lost which never was.
    fn see_to_the_mark(&mut self) -> Result<(), VoteLogError> {
        if self.next >= self.mark_due {
            on_disk(&self.beside.mark, || mark::write(&self.beside.mark, self.next))?;
            // Before the first vote of the key may be sent.
            on_disk(&self.beside.born, || self.beside.consume_born())?;
            self.mark_due = self.next + mark::BATCHES_UNMARKED_MAX;
        }
        Ok(())
    }
}

/// Splits records into batches of at most `BATCH_BYTES_MAX`, as long as no single record exceeds it.
fn batches(records: &[Vec<u8>]) -> impl Iterator<Item = &[Vec<u8>]> {
    let mut rest = records;
    std::iter::from_fn(move || {
        let mut bytes = 0;
        let fits = rest.iter().take_while(|record| {
            bytes += format::RECORD_HEAD + record.len();
            bytes <= BATCH_BYTES_MAX
        });
        // A record that fits nowhere goes alone, and is refused where batches are written.
        let count = fits.count().max(1).min(rest.len());
        let (batch, after) = rest.split_at(count);
        rest = after;
        (!batch.is_empty()).then_some(batch)
    })
}

fn replacement_path(path: &Path) -> PathBuf {
    path.with_extension("log.new")
}

const _: () = assert!(CHUNK.is_multiple_of(SECTOR as u64), "batches and space are laid out in sectors");

#[cfg(test)]
mod tests;
