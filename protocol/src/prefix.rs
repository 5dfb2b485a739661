//! The beginning of a hash, as a person types it.
//!
//! Must never: accept a beginning that is too short to look for. A look-up reads everything between its bounds, and
//! bounds how much of that it reads.

use crate::types::Hash;
use core::str::FromStr;

/// A beginning of 6 to 64 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HashPrefix {
    low: Hash,
    high: Hash,
}

/// Why a text is no beginning of a hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PrefixError {
    #[error("it has {digits} digits: at least {} are needed", HashPrefix::DIGITS_MIN)]
    TooShort { digits: usize },
    #[error("it is longer than {} digits", HashPrefix::DIGITS_MAX)]
    TooLong,
    #[error("it has a character that is no hexadecimal digit")]
    NotHexadecimal,
}

impl HashPrefix {
    pub const DIGITS_MIN: usize = 6;
    pub const DIGITS_MAX: usize = 64;

    /// The first hash that begins so.
    pub fn low(&self) -> Hash {
        self.low
    }

    /// The last one.
    pub fn high(&self) -> Hash {
        self.high
    }

    /// Whether a hash begins so.
    pub fn covers(&self, hash: &Hash) -> bool {
        (self.low..=self.high).contains(hash)
    }
}

impl FromStr for HashPrefix {
    type Err = PrefixError;

    fn from_str(text: &str) -> Result<HashPrefix, PrefixError> {
        // By its bytes: a digit takes one, and text from outside may be of any length.
        if text.len() > Self::DIGITS_MAX {
            return Err(PrefixError::TooLong);
        }
        let (mut low, mut high) = ([0u8; 32], [0xffu8; 32]);
        for (place, byte) in text.bytes().enumerate() {
            let digit = char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
            let digit = digit.ok_or(PrefixError::NotHexadecimal)?;
            let (shift, kept) = if place % 2 == 0 { (4, 0x0f) } else { (0, 0xf0) };
            for bytes in [&mut low, &mut high] {
                bytes[place / 2] = bytes[place / 2] & kept | digit << shift;
            }
        }
        if text.len() < Self::DIGITS_MIN {
            return Err(PrefixError::TooShort { digits: text.len() });
        }
        Ok(HashPrefix { low: Hash(low), high: Hash(high) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn a_beginning_covers_what_begins_so_and_nothing_else() {
        let prefix: HashPrefix = "AbCdEf1".parse().unwrap();
        let (mut first, mut last) = ([0; 32], [0xff; 32]);
        first[..4].copy_from_slice(&[0xab, 0xcd, 0xef, 0x10]);
        last[..4].copy_from_slice(&[0xab, 0xcd, 0xef, 0x1f]);
        assert_eq!((prefix.low(), prefix.high()), (Hash(first), Hash(last)));
        assert!(prefix.covers(&Hash(first)) && prefix.covers(&Hash(last)));
        last[3] += 1;
        assert!(!prefix.covers(&Hash(last)) && !prefix.covers(&Hash::ZERO));
        let whole = Hash([0x5a; 32]);
        let prefix: HashPrefix = whole.to_string().parse().unwrap();
        assert_eq!((prefix.low(), prefix.high()), (whole, whole));
    }

    #[test]
    fn what_is_no_beginning_is_named() {
        let parse = |text: &str| text.parse::<HashPrefix>().unwrap_err();
        assert_eq!(parse("abcde"), PrefixError::TooShort { digits: 5 });
        assert_eq!(parse(""), PrefixError::TooShort { digits: 0 });
        assert_eq!(parse("abcdeg"), PrefixError::NotHexadecimal);
        assert_eq!(parse("ab cdef"), PrefixError::NotHexadecimal);
        assert_eq!(parse("äöüäöü"), PrefixError::NotHexadecimal);
        assert_eq!(parse(&"a".repeat(65)), PrefixError::TooLong);
    }
}
