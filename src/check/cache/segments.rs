//! The cache's files: made, read, appended to, put together and removed.
//!
//! A segment's writer holds its lock as long as it lives; a process that is killed loses it. Nobody removes a segment that is
//! locked, so a lost race costs findings, which are then made again, and nothing else.

use super::record::Record;
use super::{CACHE_BYTES_MAX, SEGMENT_BYTES_MAX, SEGMENTS_MAX};
use actors::storage::files::{self, FileError};
use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

/// What every segment begins with: the form of its records.
const MAGIC: &[u8; 8] = b"popchk1\n";
const ENDING: &str = "segment";
/// Who puts segments together holds this file's lock.
const TIDYING: &str = "tidying";
/// Segments below this size are put together.
const SMALL_BYTES_MAX: u64 = SEGMENT_BYTES_MAX / 4;

/// The directory of the segments.
#[derive(Debug, Clone)]
pub struct Segments {
    directory: PathBuf,
}

/// A segment's path and size.
struct Entry {
    path: PathBuf,
    bytes: u64,
}

impl Segments {
    pub fn at(directory: &Path) -> Segments {
        Segments { directory: directory.to_owned() }
    }

    /// The records of all segments, oldest first. What cannot be read is not there.
    pub fn read(&self) -> Vec<Vec<u8>> {
        self.list().iter().filter_map(|entry| read(&entry.path)).collect()
    }

    /// Oldest first: names begin with the time at which they were made.
    fn list(&self) -> Vec<Entry> {
        let Ok(entries) = std::fs::read_dir(&self.directory) else { return Vec::new() };
        let entry = |entry: std::fs::DirEntry| {
            let path = entry.path();
            let metadata = entry.metadata().ok().filter(std::fs::Metadata::is_file)?;
            let is_segment = path.extension().is_some_and(|ending| ending == ENDING);
            is_segment.then_some(Entry { path, bytes: metadata.len() })
        };
        let mut list: Vec<Entry> = entries.flatten().filter_map(entry).collect();
        list.sort_by(|left, right| left.path.cmp(&right.path));
        list
    }

    fn create(&self) -> Result<(File, PathBuf), FileError> {
        files::make_directory(&self.directory, 0o700)?;
        let ms = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis());
        let mut number = 0;
        loop {
            let path = self.directory.join(format!("{ms:016x}-{}-{number}.{ENDING}", std::process::id()));
            match OpenOptions::new().append(true).create_new(true).mode(0o600).open(&path) {
                Ok(mut file) => {
                    let begun = file.lock().and_then(|()| file.write_all(MAGIC));
                    begun.map_err(FileError::at("write", &path))?;
                    // Who tidied up before the lock was taken may have removed it as nobody's.
                    if path.exists() {
                        return Ok((file, path));
                    }
                    number += 1;
                }
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => number += 1,
                Err(error) => return Err(FileError::at("create", &path)(error)),
            }
        }
    }

    /// Removes the oldest segments beyond the bound, and puts small ones together if there are many. One process at a time;
    /// who comes second leaves it to the first.
    fn tidy(&self) {
        let options = OpenOptions::new().create(true).append(true).mode(0o600).open(self.directory.join(TIDYING));
        let Some(_lock) = options.ok().filter(|file| file.try_lock().is_ok()) else { return };
        self.remove_oldest();
        if self.list().len() > SEGMENTS_MAX {
            self.put_together();
        }
    }

    fn remove_oldest(&self) {
        let list = self.list();
        let mut bytes: u64 = list.iter().map(|entry| entry.bytes).sum();
        for entry in list {
            if bytes <= CACHE_BYTES_MAX {
                break;
            }
            if free(&entry.path).is_some() && std::fs::remove_file(&entry.path).is_ok() {
                bytes -= entry.bytes;
            }
        }
    }

    fn put_together(&self) {
        // The locks are kept until the end: nobody else takes these for their own meanwhile.
        let small = self.list().into_iter().filter(|entry| entry.bytes < SMALL_BYTES_MAX);
        let small: Vec<(Entry, File)> = small.filter_map(|entry| free(&entry.path).map(|lock| (entry, lock))).collect();
        let mut together = Writer::new(self.clone());
        for (entry, _lock) in &small {
            let records = read(&entry.path).unwrap_or_default();
            if together.append_all(&records).is_err() {
                return;
            }
            // Its records stand in the new segment; were this process killed before, they would stand in both.
            let _ = std::fs::remove_file(&entry.path);
        }
    }
}

/// A segment that nobody writes to, locked.
fn free(path: &Path) -> Option<File> {
    OpenOptions::new().append(true).open(path).ok().filter(|file| file.try_lock().is_ok())
}

/// A segment's records, up to the first that is not there whole.
fn read(path: &Path) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path).ok()?.take(2 * SEGMENT_BYTES_MAX).read_to_end(&mut bytes).ok()?;
    bytes.starts_with(MAGIC).then(|| bytes.split_off(MAGIC.len()))
}

/// Appends records to segments of its own.
pub struct Writer {
    segments: Segments,
    current: Option<(File, PathBuf, u64)>,
}

impl Writer {
    pub fn new(segments: Segments) -> Writer {
        Writer { segments, current: None }
    }

    /// Appends one record, by one write: it is there whole or its end is missing.
    ///
    /// # Errors
    /// If the segment cannot be made or written to.
    pub fn append(&mut self, record: &[u8]) -> Result<(), FileError> {
        let length = record.len() as u64;
        if self.current.as_ref().is_some_and(|(_, _, bytes)| bytes + length > SEGMENT_BYTES_MAX) {
            self.current = None;
            self.segments.tidy();
        }
        let (file, path, bytes) = match &mut self.current {
            Some(current) => current,
            None => {
                let (file, path) = self.segments.create()?;
                self.current.insert((file, path, MAGIC.len() as u64))
            }
        };
        file.write_all(record).map_err(FileError::at("write", path))?;
        *bytes += length;
        Ok(())
    }

    fn append_all(&mut self, mut records: &[u8]) -> Result<(), FileError> {
        while let Some((record, rest)) = Record::split(records) {
            self.append(&records[..record.len()])?;
            records = rest;
        }
        Ok(())
    }

    /// Ends the segment.
    pub fn close(mut self) {
        if self.current.take().is_some() {
            self.segments.tidy();
        }
    }
}
