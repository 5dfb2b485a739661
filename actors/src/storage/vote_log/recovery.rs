//! Reading the log back: what is whole, and whether what is not can be explained by one batch in flight (R12).
//!
//! Never writes. The batches are taken one after the other; the first that does not hold is the end, and what lies behind
//! it decides: nothing but zeros is a clean end, one damaged batch and nothing of a later one is torn, anything else is
//! damage that nobody may paper over.

use super::format::{FileHeader, HEAD, HeaderFault, SECTOR, Seal, VERSION};
use super::{CHUNK, Identity, LOG_BYTES_MAX, VoteLogError};
use crate::storage::files::FileError;
use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::path::Path;

/// How the file ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tail {
    Clean,
    Torn,
}

pub struct Found {
    pub seal: Seal,
    pub records: Vec<Vec<u8>>,
    /// Sequence number of the next batch.
    pub next: u64,
    pub end: u64,
    pub allocated: u64,
    pub tail: Tail,
}

pub fn remove_if_there(path: &Path) -> Result<(), VoteLogError> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(FileError::at("remove", path)(error).into()),
        _ => Ok(()),
    }
}

/// The log's file, or `None` if it is missing. An empty file counts as missing: this program gives a log its name only
/// when its first batch is in it, so something else emptied or created it, and it holds as much as a missing one.
pub fn open_existing(path: &Path) -> Result<Option<File>, VoteLogError> {
    match OpenOptions::new().read(true).write(true).open(path) {
        Ok(file) => {
            let length = file.metadata().map_err(FileError::at("read", path))?.len();
            Ok((length > 0).then_some(file))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(FileError::at("open", path)(error).into()),
    }
}

pub fn read(path: &Path, file: &File, identity: &Identity) -> Result<Found, VoteLogError> {
    let damaged = |offset: usize, what| VoteLogError::Damaged { path: path.into(), offset: offset as u64, what };
    // As much at once as there is; a size that cannot be told, or is too large, is told by the reading below.
    let size = file.metadata().map_or(0, |about| about.len()).min(LOG_BYTES_MAX);
    let mut bytes = Vec::with_capacity(size as usize + 1);
    // What was written ends at LOG_BYTES_MAX, and space behind it at the next chunk.
    file.take(LOG_BYTES_MAX + CHUNK + 1).read_to_end(&mut bytes).map_err(FileError::at("read", path))?;
    if bytes.len() as u64 > LOG_BYTES_MAX + CHUNK {
        return Err(VoteLogError::Full { path: path.into(), max: LOG_BYTES_MAX });
    }
    let header = FileHeader::decode(&bytes).map_err(|fault| match fault {
        HeaderFault::Damaged => damaged(0, "the file's header does not hold"),
        HeaderFault::Version(got) => VoteLogError::Version { path: path.into(), expected: VERSION, got },
    })?;
    if !header.belongs_to(identity) {
        return Err(VoteLogError::Foreign { path: path.into() });
    }
    let seal = header.seal();
    let mut found = Found {
        seal: seal.clone(),
        records: Vec::new(),
        next: header.first,
        end: SECTOR as u64,
        allocated: bytes.len() as u64,
        tail: Tail::Clean,
    };
    let mut end = SECTOR;
    while let Some((extent, records)) = batch_at(&seal, &bytes, end, found.next) {
        found.records.extend(records);
        found.next += 1;
        end += extent;
    }
    found.end = end as u64;
    found.tail = judge(&seal, &bytes, end, found.next).map_err(|(offset, what)| damaged(offset, what))?;
    Ok(found)
}

fn batch_at(seal: &Seal, bytes: &[u8], at: usize, sequence: u64) -> Option<(usize, Vec<Vec<u8>>)> {
    let rest = bytes.get(at..)?;
    let head = seal.read_head(rest).filter(|head| head.sequence == sequence)?;
    Some((head.extent(), seal.read_records(&head, rest)?))
}

/// What to make of the bytes from the first place on where no whole batch of the right number is.
fn judge(seal: &Seal, bytes: &[u8], end: usize, next: u64) -> Result<Tail, (usize, &'static str)> {
    let rest = bytes.get(end..).unwrap_or_default();
    if is_zero(rest) {
        // Space is made up to a whole chunk, in the same write as a batch: a shorter file lost its end.
        let whole = (bytes.len() as u64).is_multiple_of(CHUNK) && end <= bytes.len();
        return Ok(if whole { Tail::Clean } else { Tail::Torn });
    }
    // The batch that was in flight has the next number; whatever holds a later one was synced after it.
    let own = seal.read_head(rest).filter(|head| head.sequence == next);
    let behind = own.as_ref().map_or(SECTOR, |head| head.extent());
    for at in (SECTOR..rest.len().saturating_sub(HEAD)).step_by(SECTOR) {
        if let Some(head) = seal.read_head(&rest[at..])
            && head.sequence != next
        {
            return Err((end, "a batch that does not hold is followed by another"));
        }
    }
    if seal.read_head(rest).is_some() && own.is_none() {
        return Err((end, "a batch has the wrong number"));
    }
    // With its head whole the torn batch's extent is known, and nothing was ever written behind it.
    if own.is_some() && !is_zero(rest.get(behind..).unwrap_or_default()) {
        return Err((end + behind, "something follows the last batch"));
    }
    Ok(Tail::Torn)
}

/// By sectors, since comparing memory is much faster than looking at bytes.
fn is_zero(bytes: &[u8]) -> bool {
    const ZEROS: [u8; SECTOR] = [0; SECTOR];
    bytes.chunks(SECTOR).all(|sector| sector == &ZEROS[..sector.len()])
}
