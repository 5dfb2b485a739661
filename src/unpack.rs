//! Files as they come: plain or gzipped, recognised by their first bytes and never by their name, from disk or standard
//! input.
//!
//! Must never: unpack more than its limit, whatever a small file claims to contain.

use flate2::read::MultiGzDecoder;
use std::fs::File;
use std::io::{self, BufReader, Cursor, Read};
use std::path::Path;

/// Stands for the standard input.
pub const STANDARD_INPUT: &str = "-";

const GZIP: [u8; 2] = [0x1F, 0x8B];

/// What is read before it is known whether more comes.
const FIRST_BYTES: usize = 16 << 10;

/// What a file holds.
#[derive(Debug, PartialEq, Eq)]
pub enum Unpacked {
    Whole(Vec<u8>),
    /// The packed stream is damaged or cut off behind these bytes.
    Begun {
        bytes: Vec<u8>,
        why: String,
    },
    /// It is longer than that.
    TooLong,
}

/// Reads a file, or the standard input for `-`, and unpacks it if it is gzipped: at most so many bytes.
///
/// # Errors
/// If it cannot be read.
pub fn read(path: &Path, bytes_max: u64) -> io::Result<Unpacked> {
    if path == Path::new(STANDARD_INPUT) {
        return unpack(io::stdin().lock(), bytes_max);
    }
    unpack(File::open(path)?, bytes_max)
}

/// The same for whatever can be read.
///
/// # Errors
/// If it cannot be read.
pub fn unpack(mut source: impl Read, bytes_max: u64) -> io::Result<Unpacked> {
    // A small file is read at once, without a buffer between.
    let mut bytes = Vec::with_capacity(FIRST_BYTES);
    let count = source.by_ref().take(FIRST_BYTES as u64).read_to_end(&mut bytes)?;
    if !bytes.starts_with(&GZIP) {
        if count == FIRST_BYTES {
            source.take(bytes_max.saturating_add(1).saturating_sub(count as u64)).read_to_end(&mut bytes)?;
        }
        return Ok(if bytes.len() as u64 > bytes_max { Unpacked::TooLong } else { Unpacked::Whole(bytes) });
    }
    let packed = BufReader::new(Cursor::new(bytes).chain(source));
    let mut bytes = Vec::new();
    let read = MultiGzDecoder::new(packed).take(bytes_max.saturating_add(1)).read_to_end(&mut bytes);
    match read {
        _ if bytes.len() as u64 > bytes_max => Ok(Unpacked::TooLong),
        Ok(_) => Ok(Unpacked::Whole(bytes)),
        Err(error) => Ok(Unpacked::Begun { bytes, why: error.to_string() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::Compression;
    use flate2::write::GzEncoder;
    use std::io::Write;

    fn packed(text: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn plain_and_packed_bytes_are_told_apart_by_their_beginning() {
        for text in [&b""[..], b"(", b"(check-sat)"] {
            assert_eq!(unpack(text, 100).unwrap(), Unpacked::Whole(text.to_vec()));
            assert_eq!(unpack(&*packed(text), 100).unwrap(), Unpacked::Whole(text.to_vec()));
        }
        let two = [packed(b"(assert true)"), packed(b"(check-sat)")].concat();
        assert_eq!(unpack(&*two, 100).unwrap(), Unpacked::Whole(b"(assert true)(check-sat)".to_vec()));
    }

    #[test]
    fn nothing_is_unpacked_beyond_the_limit() {
        assert_eq!(unpack(&b"12345"[..], 4).unwrap(), Unpacked::TooLong);
        assert_eq!(unpack(&b"1234"[..], 4).unwrap(), Unpacked::Whole(b"1234".to_vec()));
        let bomb = packed(&vec![b' '; 8 << 20]);
        assert!(bomb.len() < 10_000);
        assert_eq!(unpack(&*bomb, 1 << 20).unwrap(), Unpacked::TooLong);
    }

    #[test]
    fn of_a_stream_that_breaks_off_the_beginning_counts() {
        let text: Vec<u8> =
            (0..20_000u32).flat_map(|number| format!("(assert (= {number} x))\n").into_bytes()).collect();
        let whole = packed(&text);
        let Unpacked::Begun { bytes, .. } = unpack(&whole[..whole.len() / 2], 1 << 30).unwrap() else {
            panic!("whole")
        };
        assert!(bytes.len() > 1_000 && text.starts_with(&bytes), "{}", bytes.len());
    }
}
