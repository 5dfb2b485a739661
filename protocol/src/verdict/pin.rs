//! Which solver all validators must have: two builds may answer alike and count differently.

use crate::bytes::Layout;
use crate::types::Hash;
use core::fmt;
use serde::{Deserialize, Serialize};

/// What decides a resource count, besides the script: peers with another pin are refused at the handshake.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SolverPin {
    /// BLAKE3 of the solver library's file.
    pub library: Hash,
    /// Version of the normaliser, form limits included.
    pub normaliser_version: u32,
}

impl SolverPin {
    /// Adds the pin to a fixed layout.
    pub fn write(&self, layout: Layout) -> Layout {
        layout.hash(&self.library).u32(self.normaliser_version)
    }
}

impl fmt::Display for SolverPin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (normaliser {})", self.library, self.normaliser_version)
    }
}
