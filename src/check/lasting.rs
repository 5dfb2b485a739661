//! Which ends of a check come out so each time, and so may be remembered.

use protocol::verdict::NoVerdict;

/// Whether every later check under the same limits ends for this reason.
pub fn lasts(reason: &NoVerdict) -> bool {
    match reason {
        NoVerdict::Unknown { why } => !names_a_limit(why),
        NoVerdict::ResourceLimit { .. }
        | NoVerdict::SatWithRecursion
        | NoVerdict::NothingAsked
        | NoVerdict::IllSorted { .. } => true,
        NoVerdict::ProcessorTime { .. }
        | NoVerdict::Deadline { .. }
        | NoVerdict::Memory { .. }
        | NoVerdict::Stack { .. }
        | NoVerdict::Crashed { .. }
        | NoVerdict::SolverError { .. }
        | NoVerdict::SatNotRepeated
        | NoVerdict::SatNotChecked { .. }
        | NoVerdict::EndedFromOutside { .. } => false,
    }
}

/// Why a solver does not know, in its own words: some of them mean its time or memory.
fn names_a_limit(why: &str) -> bool {
    ["mem", "time", "cancel", "interrupt", "resource"].iter().any(|word| why.contains(word))
}
