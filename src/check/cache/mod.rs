//! What earlier runs found, in the user's own cache directory.
//!
//! Segments are only appended to, each by the one process that made it and holds its lock; the index is built anew from all of
//! them at each start. So two processes never write to one file, and whatever instant one is killed at, what it had written
//! before stands, and a torn end is no record. A record counts only if its keyed hash is right ([`record`]).
//!
//! Bounds: a segment [`SEGMENT_BYTES_MAX`], all of them [`CACHE_BYTES_MAX`]; beyond that the oldest segments are removed.
//! Small ones are put together once there are more than [`SEGMENTS_MAX`].
//!
//! Must never: make a run fail. Without a cache, or with a damaged one, more is checked.

mod home;
mod record;
mod segments;

use super::keys::Key;
use super::outcome::Finding;
use super::settings::Besides;
use crate::home::HomeError;
use home::Home;
use record::Record;
use segments::{Segments, Writer};
use std::collections::HashMap;

/// Longest segment, in bytes.
const SEGMENT_BYTES_MAX: u64 = 4 << 20;
/// All segments together, in bytes: some 200,000 findings without counter-models.
const CACHE_BYTES_MAX: u64 = 64 << 20;
/// More segments than this are put together.
const SEGMENTS_MAX: usize = 32;

/// What was known when this run began. May be asked from several threads.
pub struct Known {
    key: [u8; 32],
    segments: Vec<Vec<u8>>,
    index: HashMap<Key, (usize, usize)>,
}

impl Known {
    fn new(key: [u8; 32], segments: Vec<Vec<u8>>) -> Known {
        let mut index = HashMap::new();
        for (number, segment) in segments.iter().enumerate() {
            let mut at = 0;
            while let Some((record, _)) = Record::split(&segment[at..]) {
                // The same again, or one to replace a damaged one: the newer counts.
                index.extend(record.keys().map(|key| (key, (number, at))));
                at += record.len();
            }
        }
        Known { key, segments, index }
    }

    pub fn is_empty(&self) -> bool {
        self.index.is_empty()
    }

    /// What was found under a key. None too if the record is damaged or of another key file.
    pub fn get(&self, key: &Key) -> Option<Finding> {
        let (segment, at) = *self.index.get(key)?;
        let (record, _) = Record::split(&self.segments[segment][at..])?;
        let finding: Finding = serde_json::from_slice(record.text(&self.key)?).ok()?;
        // Nothing else is ever written; what another version may have written is checked again.
        finding.lasts().then_some(finding)
    }
}

impl Known {
    /// The same, if it says all that is asked.
    pub fn answer(&self, key: &Key, asked: Besides) -> Option<Finding> {
        self.get(key).filter(|finding| finding.answers(asked))
    }
}

/// The cache of a run: what was known, and where what is found is kept.
pub struct Cache {
    key: [u8; 32],
    writer: Option<Writer>,
    /// Why nothing is read or kept, for people.
    pub trouble: Option<String>,
}

impl Cache {
    /// Opens the user's cache. If there is none to be had, nothing is known, and nothing will be kept.
    pub fn open() -> (Cache, Known) {
        let opened = Home::find().and_then(|home| Ok((home.key()?, home)));
        match opened {
            Ok((key, home)) => Cache::at(&home, key),
            Err(error) => Cache::without(&error),
        }
    }

    fn without(error: &HomeError) -> (Cache, Known) {
        let trouble = format!("nothing is remembered: {error}");
        (Cache { key: [0; 32], writer: None, trouble: Some(trouble) }, Known::new([0; 32], Vec::new()))
    }

    fn at(home: &Home, key: [u8; 32]) -> (Cache, Known) {
        let segments = Segments::at(&home.segments);
        let known = Known::new(key, segments.read());
        (Cache { key, writer: Some(Writer::new(segments)), trouble: None }, known)
    }

    /// Keeps a finding, if it is one that lasts. It is safe from `kill -9` when this returns.
    pub fn put(&mut self, bytes: Key, statement: Option<Key>, finding: &Finding) {
        let Some(writer) = self.writer.as_mut().filter(|_| finding.lasts()) else { return };
        let Ok(text) = serde_json::to_vec(finding) else { return };
        let Some(record) = record::encode(bytes, statement, &text, &self.key) else { return };
        if let Err(error) = writer.append(&record) {
            self.trouble = Some(format!("what is found is not remembered: {error}"));
            self.writer = None;
        }
    }

    /// Ends the writing, and keeps the cache within its bounds.
    pub fn close(self) {
        if let Some(writer) = self.writer {
            writer.close();
        }
    }
}

#[cfg(test)]
mod tests;
