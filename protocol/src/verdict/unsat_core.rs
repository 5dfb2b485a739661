//! An unsatisfiable core, bounded and in order.

use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

/// Assertions on which an answer `unsat` rests, of those in force at a script's check. Not always the fewest: what is not
/// among them was surely not needed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Core {
    /// How many are in force.
    assertions: u32,
    /// Those that are needed, counted from 0 in the script's order; each greater than the one before.
    needed: Vec<u32>,
}

impl Core {
    /// More are not reported: a core this large explains nothing.
    pub const NEEDED_MAX: usize = 2_048;

    /// None if there are too many, or if they are not in order or beyond the script's assertions.
    pub fn new(assertions: u32, needed: Vec<u32>) -> Option<Core> {
        Core { assertions, needed }.bounded()
    }

    /// How many assertions are in force.
    pub fn assertions(&self) -> u32 {
        self.assertions
    }

    pub fn needs(&self, index: u32) -> bool {
        self.needed.binary_search(&index).is_ok()
    }

    /// How many assertions are not needed.
    pub fn unneeded(&self) -> u32 {
        self.assertions.saturating_sub(u32::try_from(self.needed.len()).unwrap_or(u32::MAX))
    }

    /// The same, if it is within its bounds: it comes from a process that ran a stranger's script.
    pub fn bounded(self) -> Option<Core> {
        let is_sorted = self.needed.windows(2).all(|pair| pair[0] < pair[1]);
        let is_within = self.needed.last().is_none_or(|last| *last < self.assertions);
        (self.needed.len() <= Self::NEEDED_MAX && is_sorted && is_within).then_some(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_core_that_is_out_of_bounds_is_none() {
        let core = Core::new(4, alloc::vec![0, 3]).unwrap();
        assert_eq!((core.needs(0), core.needs(1), core.needs(3), core.unneeded()), (true, false, true, 2));
        for needed in [alloc::vec![3, 0], alloc::vec![1, 1], alloc::vec![4], (0..4_096).collect()] {
            assert_eq!(Core::new(4, needed), None);
        }
    }
}
