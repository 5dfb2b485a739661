//! Seeds of the solver, to measure how much of a proof is luck.
//!
//! Must never: be set by a node. Only a verdict without a seed counts.

use serde::{Deserialize, Serialize};

/// A seed of the solver's pseudo-random choices, from 1 to [`Seed::MAX`]; without one they are the solver's own, which is 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub struct Seed(u32);

/// A number that is no seed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0} is no seed: it must be from 1 to {max}", max = Seed::MAX)]
pub struct SeedError(pub u32);

impl Seed {
    pub const MAX: u32 = 100;

    /// The first so many seeds; at most [`Seed::MAX`].
    pub fn first(count: u32) -> impl Iterator<Item = Seed> {
        (1..=count.min(Self::MAX)).map(Seed)
    }
}

impl TryFrom<u32> for Seed {
    type Error = SeedError;

    fn try_from(number: u32) -> Result<Seed, SeedError> {
        if (1..=Self::MAX).contains(&number) { Ok(Seed(number)) } else { Err(SeedError(number)) }
    }
}

impl From<Seed> for u32 {
    fn from(seed: Seed) -> u32 {
        seed.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;
    use alloc::vec::Vec;

    #[test]
    fn a_seed_is_bounded_wherever_it_comes_from() {
        assert_eq!(Seed::first(3).map(u32::from).collect::<Vec<_>>(), [1, 2, 3]);
        assert_eq!(Seed::first(u32::MAX).count(), Seed::MAX as usize);
        for number in [0, Seed::MAX + 1, u32::MAX] {
            assert_eq!(Seed::try_from(number), Err(SeedError(number)));
            assert!(serde_json::from_str::<Seed>(&number.to_string()).is_err());
        }
    }
}
