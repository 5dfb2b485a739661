//! The vote log's bytes. Pure: no file is touched here.
//!
//! ```text
//! file   = header, batch*, zeros            all of them multiples of a sector (4096 bytes)
//! header = magic[8] version:u32 identity[32] salt[32] first sequence:u64 check[32], zeros
//! batch  = length:u32 sequence:u64 payload check[32] head check[16] payload[length], zeros
//! payload = (length:u32 record[length])*
//! ```
//! Integers are big-endian. Checks are BLAKE3 keyed by identity and salt: the salt is random and the file's own, so that
//! nothing that a peer sends can look like a batch. The payload's check covers the zeros behind it too.

use super::{BATCH_BYTES_MAX, Identity, VoteLogError};
use protocol::bytes::Layout;

/// The unit that a disk writes whole, and the page of the system's cache: no batch shares one.
pub const SECTOR: usize = 4_096;

pub const VERSION: u32 = 1;

const MAGIC: [u8; 8] = *b"popvotes";

/// Bytes of a batch before its payload.
pub const HEAD: usize = 4 + 8 + 32 + 16;

/// Bytes of a record before its own.
pub const RECORD_HEAD: usize = 4;

/// Bytes of the file's header that mean something.
const FILE_HEAD: usize = 8 + 4 + 32 + 32 + 8 + 32;

/// The first sector.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileHeader {
    pub version: u32,
    identity: [u8; 32],
    salt: [u8; 32],
    pub first: u64,
}

/// Why a first sector is none.
#[derive(Debug, PartialEq, Eq)]
pub enum HeaderFault {
    Damaged,
    Version(u32),
}

impl FileHeader {
    pub fn new(identity: &Identity, first: u64, salt: [u8; 32]) -> FileHeader {
        FileHeader { version: VERSION, identity: digest(identity), salt, first }
    }

    pub fn belongs_to(&self, identity: &Identity) -> bool {
        self.identity == digest(identity)
    }

    pub fn seal(&self) -> Seal {
        let layout = Layout::new("pop/vote-log-key/1").bytes(&self.identity).bytes(&self.salt);
        Seal { key: layout.digest().0 }
    }

    /// One sector.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(SECTOR);
        bytes.extend_from_slice(&MAGIC);
        bytes.extend_from_slice(&self.version.to_be_bytes());
        bytes.extend_from_slice(&self.identity);
        bytes.extend_from_slice(&self.salt);
        bytes.extend_from_slice(&self.first.to_be_bytes());
        // Not keyed: a foreign header must still be told from a damaged one.
        let check = *blake3::hash(&bytes).as_bytes();
        bytes.extend_from_slice(&check);
        bytes.resize(SECTOR, 0);
        bytes
    }

    pub fn decode(file: &[u8]) -> Result<FileHeader, HeaderFault> {
        let sector = file.get(..SECTOR).ok_or(HeaderFault::Damaged)?;
        let header = FileHeader {
            version: u32::from_be_bytes(array(sector, 8)),
            identity: array(sector, 12),
            salt: array(sector, 44),
            first: u64::from_be_bytes(array(sector, 76)),
        };
        // Before the check, which another version may make in another way.
        if sector[..8] == MAGIC && header.version != VERSION && sector[84..FILE_HEAD] == check_of(&sector[..84]) {
            return Err(HeaderFault::Version(header.version));
        }
        if header.encode() == sector { Ok(header) } else { Err(HeaderFault::Damaged) }
    }
}

fn check_of(bytes: &[u8]) -> [u8; 32] {
    *blake3::hash(bytes).as_bytes()
}

fn digest(identity: &Identity) -> [u8; 32] {
    Layout::new("pop/vote-log/1").hash(&identity.chain).bytes(&identity.key.0).digest().0
}

/// The `N` bytes at a place.
///
/// # Panics
/// If there are fewer: callers have checked the length.
fn array<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    bytes[at..at + N].try_into().expect("a slice of N bytes has N bytes")
}

/// Makes and checks the batches of one file.
#[derive(Debug, Clone)]
pub struct Seal {
    key: [u8; 32],
}

/// A batch's head whose check holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    pub sequence: u64,
    length: usize,
    payload_check: [u8; 32],
}

impl Head {
    /// Bytes of the whole batch, with the zeros behind it.
    pub fn extent(&self) -> usize {
        (HEAD + self.length).next_multiple_of(SECTOR)
    }
}

impl Seal {
    /// Appends a batch to the buffer, whose length is a multiple of a sector, as it is after.
    ///
    /// # Errors
    /// `BatchTooLarge`, and the buffer is as before.
    pub fn write_batch(&self, sequence: u64, records: &[Vec<u8>], buffer: &mut Vec<u8>) -> Result<(), VoteLogError> {
        let length: usize = records.iter().map(|record| RECORD_HEAD + record.len()).sum();
        if length > BATCH_BYTES_MAX {
            return Err(VoteLogError::BatchTooLarge { max: BATCH_BYTES_MAX, got: length });
        }
        let start = buffer.len();
        buffer.resize(start + HEAD, 0);
        for record in records {
            buffer.extend_from_slice(&(record.len() as u32).to_be_bytes());
            buffer.extend_from_slice(record);
        }
        buffer.resize(buffer.len().next_multiple_of(SECTOR), 0);
        let payload_check = self.check(&buffer[start + HEAD..]);
        let head = Head { sequence, length, payload_check };
        buffer[start..start + HEAD].copy_from_slice(&self.encode_head(&head));
        Ok(())
    }

    fn check(&self, bytes: &[u8]) -> [u8; 32] {
        *blake3::keyed_hash(&self.key, bytes).as_bytes()
    }

    fn encode_head(&self, head: &Head) -> [u8; HEAD] {
        let mut bytes = [0; HEAD];
        bytes[..4].copy_from_slice(&(head.length as u32).to_be_bytes());
        bytes[4..12].copy_from_slice(&head.sequence.to_be_bytes());
        bytes[12..44].copy_from_slice(&head.payload_check);
        let check = self.check(&bytes[..44]);
        bytes[44..].copy_from_slice(&check[..16]);
        bytes
    }

    /// The head at the start of these bytes, if its check holds.
    pub fn read_head(&self, bytes: &[u8]) -> Option<Head> {
        let given = bytes.get(..HEAD)?;
        let head = Head {
            length: u32::from_be_bytes(array(given, 0)) as usize,
            sequence: u64::from_be_bytes(array(given, 4)),
            payload_check: array(given, 12),
        };
        (self.encode_head(&head) == given).then_some(head)
    }

    /// The records of the batch at the start of these bytes, if its check holds.
    pub fn read_records(&self, head: &Head, bytes: &[u8]) -> Option<Vec<Vec<u8>>> {
        let payload = bytes.get(HEAD..head.extent())?;
        if self.check(payload) != head.payload_check {
            return None;
        }
        let mut rest = &payload[..head.length];
        let mut records = Vec::new();
        while !rest.is_empty() {
            let (length, after) = rest.split_first_chunk::<4>()?;
            let (record, after) = after.split_at_checked(u32::from_be_bytes(*length) as usize)?;
            records.push(record.to_vec());
            rest = after;
        }
        Some(records)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::types::{Hash, PublicKey};

    fn header() -> FileHeader {
        FileHeader::new(&Identity { chain: Hash([1; 32]), key: PublicKey([2; 32]) }, 7, [3; 32])
    }

    /// The disk format: a change here needs another version.
    #[test]
    fn the_form_is_the_golden_one() {
        let mut bytes = header().encode();
        header().seal().write_batch(7, &[b"one".to_vec(), vec![]], &mut bytes).unwrap();
        assert_eq!(bytes.len(), 2 * SECTOR);
        let golden = "b2dd5a9c57f205754962e0b8e15fcb620947a0ef5cb54679c9ba44f9c4c70f54";
        assert_eq!(hex::encode(blake3::hash(&bytes).as_bytes()), golden);
    }

    #[test]
    fn another_version_is_told_from_damage() {
        let header = FileHeader { version: 2, ..header() };
        assert_eq!(FileHeader::decode(&header.encode()), Err(HeaderFault::Version(2)));
        let mut damaged = header.encode();
        damaged[20] ^= 1;
        assert_eq!(FileHeader::decode(&damaged), Err(HeaderFault::Damaged));
        assert_eq!(FileHeader::decode(&[0; 100]), Err(HeaderFault::Damaged));
    }

    #[test]
    fn a_batch_that_is_too_large_leaves_the_buffer_as_it_was() {
        let mut buffer = vec![];
        let records = vec![vec![0; BATCH_BYTES_MAX - 3]];
        let error = header().seal().write_batch(1, &records, &mut buffer).unwrap_err();
        assert!(matches!(error, VoteLogError::BatchTooLarge { got, .. } if got == BATCH_BYTES_MAX + 1));
        assert!(buffer.is_empty());
    }
}
