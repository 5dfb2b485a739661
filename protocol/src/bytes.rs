//! The fixed byte layouts: what is hashed and signed is written here, never by serde.
//!
//! Integers are big-endian and of fixed width; a sequence is its length as `u32`, then its items; a byte string is its
//! length as `u64`, then the bytes. A layout starts with its domain tag, so that no two layouts share a byte string.

use crate::types::Hash;
use alloc::vec::Vec;

/// Collects the bytes of one layout.
#[derive(Debug, Clone)]
pub struct Layout(Vec<u8>);

impl Layout {
    /// Starts a layout with its domain tag, which is written like any other byte string.
    pub fn new(domain: &str) -> Self {
        Layout(Vec::with_capacity(128)).bytes(domain.as_bytes())
    }

    pub fn u8(mut self, value: u8) -> Self {
        self.0.push(value);
        self
    }

    pub fn u32(mut self, value: u32) -> Self {
        self.0.extend_from_slice(&value.to_be_bytes());
        self
    }

    pub fn u64(mut self, value: u64) -> Self {
        self.0.extend_from_slice(&value.to_be_bytes());
        self
    }

    pub fn u128(mut self, value: u128) -> Self {
        self.0.extend_from_slice(&value.to_be_bytes());
        self
    }

    /// The 32 bytes themselves: a hash has a fixed width and needs no length.
    pub fn hash(mut self, value: &Hash) -> Self {
        self.0.extend_from_slice(&value.0);
        self
    }

    /// Length as `u64`, then the bytes.
    pub fn bytes(mut self, value: &[u8]) -> Self {
        self.0.extend_from_slice(&(value.len() as u64).to_be_bytes());
        self.0.extend_from_slice(value);
        self
    }

    /// Length as `u32`, then every item.
    ///
    /// # Panics
    /// With more than `u32::MAX` items: every sequence here has a named maximum far below.
    pub fn sequence<T>(
        mut self,
        items: impl ExactSizeIterator<Item = T>,
        mut write: impl FnMut(Self, T) -> Self,
    ) -> Self {
        let count = u32::try_from(items.len()).expect("sequences are bounded far below u32::MAX");
        self = self.u32(count);
        for item in items {
            self = write(self, item);
        }
        self
    }

    pub fn finish(self) -> Vec<u8> {
        self.0
    }

    /// BLAKE3 of the layout.
    pub fn digest(self) -> Hash {
        Hash(*blake3::hash(&self.0).as_bytes())
    }
}
