//! One finding as it lies in a segment: its keys, its text, and a keyed hash over all of it.
//!
//! ```text
//! length of the text: u32, little-endian │ key by bytes: 32 │ key by statement: 32, or zeros │ text │ keyed BLAKE3: 32
//! ```
//!
//! Must never: give back a text whose hash is not right.

use crate::check::keys::Key;

const HEAD: usize = 4 + 32 + 32;
const MARK: usize = 32;
/// Longest text, in bytes: a counter-model has 16 KiB at most, which JSON may write as six times that.
const TEXT_BYTES_MAX: usize = 128 << 10;
/// Stands where there is no key by statement.
const NONE: Key = Key([0; 32]);

/// A record that is there whole, as far as its length tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Record<'a>(&'a [u8]);

impl<'a> Record<'a> {
    /// The record that some bytes begin with, and what follows it.
    pub fn split(bytes: &'a [u8]) -> Option<(Record<'a>, &'a [u8])> {
        let length = u32::from_le_bytes(*bytes.first_chunk()?) as usize;
        if length > TEXT_BYTES_MAX {
            return None;
        }
        let (record, rest) = bytes.split_at_checked(HEAD + length + MARK)?;
        Some((Record(record), rest))
    }

    pub fn len(self) -> usize {
        self.0.len()
    }

    /// The keys under which it may be found.
    pub fn keys(self) -> impl Iterator<Item = Key> {
        let key = |at: usize| Key(*self.0[at..].first_chunk().expect("a record holds both keys"));
        [key(4), key(36)].into_iter().filter(|key| *key != NONE)
    }

    /// The text, if it is as it was written, with this key.
    pub fn text(self, key: &[u8; 32]) -> Option<&'a [u8]> {
        let (marked, mark) = self.0.split_at(self.0.len() - MARK);
        // The comparison takes the same time wherever the two differ.
        let is_right = blake3::keyed_hash(key, marked) == blake3::Hash::from_slice(mark).ok()?;
        is_right.then(|| &marked[HEAD..])
    }
}

/// A record's bytes, or none if the text is too long to be kept.
pub fn encode(bytes: Key, statement: Option<Key>, text: &[u8], key: &[u8; 32]) -> Option<Vec<u8>> {
    let length = u32::try_from(text.len()).ok().filter(|_| text.len() <= TEXT_BYTES_MAX)?;
    let mut record = Vec::with_capacity(HEAD + text.len() + MARK);
    record.extend_from_slice(&length.to_le_bytes());
    record.extend_from_slice(&bytes.0);
    record.extend_from_slice(&statement.unwrap_or(NONE).0);
    record.extend_from_slice(text);
    let mark = blake3::keyed_hash(key, &record);
    record.extend_from_slice(mark.as_bytes());
    Some(record)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: [u8; 32] = [7; 32];

    #[test]
    fn a_record_is_read_as_it_was_written_and_a_cut_one_not_at_all() {
        let bytes = encode(Key([1; 32]), Some(Key([2; 32])), b"holds", &KEY).unwrap();
        let (record, rest) = Record::split(&bytes).unwrap();
        assert_eq!((record.text(&KEY), rest.len()), (Some(&b"holds"[..]), 0));
        assert_eq!(record.keys().collect::<Vec<_>>(), [Key([1; 32]), Key([2; 32])]);
        for cut in 0..bytes.len() {
            assert_eq!(Record::split(&bytes[..cut]), None, "{cut}");
        }
        let alone = encode(Key([1; 32]), None, b"", &KEY).unwrap();
        assert_eq!(Record::split(&alone).unwrap().0.keys().count(), 1);
        assert_eq!(encode(Key([1; 32]), None, &vec![0; TEXT_BYTES_MAX + 1], &KEY), None);
    }

    #[test]
    fn whatever_bit_is_flipped_the_text_is_not_given_back() {
        let bytes = encode(Key([1; 32]), Some(Key([2; 32])), b"holds", &KEY).unwrap();
        for bit in 0..bytes.len() * 8 {
            let mut damaged = bytes.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(Record::split(&damaged).and_then(|(record, _)| record.text(&KEY)), None, "bit {bit}");
        }
        assert_eq!(Record::split(&bytes).unwrap().0.text(&[8; 32]), None, "another key");
    }
}
