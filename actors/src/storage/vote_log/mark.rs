//! The mark beside the key: that this key has signed, and how many batches its log had at least.
//!
//! It outlives the log. Without a log it says that votes may have been sent that nobody here remembers; with a log that has
//! fewer batches, that the log is an old copy. It is never ahead of the log, or a whole log would look old.

use super::VoteLogError;
use crate::storage::files::{self, Existing};
use protocol::bytes::Layout;
use std::io;
use std::path::Path;

/// Batches between two writings of the durable watermark, except for the first after a start: a copy of the log that is
/// older than this is recognised from the log itself.
pub const BATCHES_UNMARKED_MAX: u64 = 64;

const SENTENCE: &str =
    "This key has signed votes. Without its vote log the validator must not sign: leave this file here.\n";
const FILE_BYTES_MAX: u64 = 4_096;

/// What the mark says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// It is missing: nothing was ever signed with this key on this chain, as far as this machine knows.
    None,
    /// The log has had every batch below this number.
    Reached(u64),
    /// It was there, and nobody knows what it said.
    Damaged,
}

pub(super) fn read(path: &Path) -> Result<Mark, VoteLogError> {
    match files::read_bounded(path, FILE_BYTES_MAX) {
        Ok(bytes) => Ok(parse(&bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Mark::None),
        Err(error) if error.kind() == io::ErrorKind::InvalidData => Ok(Mark::Damaged),
        Err(error) => Err(error.into()),
    }
}

pub(super) fn write(path: &Path, reached: u64) -> Result<(), VoteLogError> {
    Ok(files::write_whole(path, text(reached).as_bytes(), 0o600, Existing::Replace)?)
}

fn text(reached: u64) -> String {
    let check = Layout::new("pop/vote-mark/1").u64(reached).digest();
    format!("{SENTENCE}Batches: {reached}\nCheck: {check}\n")
}

fn parse(bytes: &[u8]) -> Mark {
    // What earlier versions wrote: they did not count.
    if bytes == SENTENCE.as_bytes() {
        return Mark::Reached(0);
    }
    let number = |line: &str| line.strip_prefix("Batches: ")?.parse().ok();
    let reached = std::str::from_utf8(bytes).ok().and_then(|text| text.lines().find_map(number));
    reached.filter(|reached| text(*reached).as_bytes() == bytes).map_or(Mark::Damaged, Mark::Reached)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_flipped_bit_and_no_cut_makes_another_number() {
        let whole = text(1_234).into_bytes();
        assert_eq!(parse(&whole), Mark::Reached(1_234));
        for at in 0..whole.len() {
            for bit in 0..8 {
                let mut bytes = whole.clone();
                bytes[at] ^= 1 << bit;
                assert_eq!(parse(&bytes), Mark::Damaged, "byte {at}, bit {bit}");
            }
            let expected = if at == SENTENCE.len() { Mark::Reached(0) } else { Mark::Damaged };
            assert_eq!(parse(&whole[..at]), expected, "{at} bytes");
        }
    }
}
