//! What a run is asked to do, and under which limits.

use super::paths::Filter;
use crate::logs::ClaimRule;
use protocol::verdict::{SolverLimits, VerifierParameters};
use protocol::worker::SandboxMode;
use std::path::PathBuf;
use std::time::Duration;

/// Whether an obligation that holds with any goal fails the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VacuousMeans {
    Pass,
    Fail,
}

/// A run's settings.
#[derive(Debug, Clone)]
pub struct Settings {
    pub paths: Vec<PathBuf>,
    pub filter: Filter,
    /// Where claims come from.
    pub rule: ClaimRule,
    /// Scripts that are checked at once; at least 1.
    pub jobs: usize,
    pub limits: VerifierParameters,
    pub sandbox: SandboxMode,
    /// What the queries of a log have in common is asserted once.
    pub incremental: bool,
    /// Who is asked; without one it is checked on this machine.
    pub node: Option<ByNode>,
    pub besides: Besides,
    /// What an obligation that is found to be vacuous comes to.
    pub vacuous: VacuousMeans,
}

/// What is asked of each obligation besides its verdict.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Besides {
    /// Whether one that holds is vacuous, and what it needs.
    pub explain: bool,
    /// Seeds with which it is checked again.
    pub seeds: u32,
}

/// A node that is asked, and what it may be given.
#[derive(Debug, Clone)]
pub struct ByNode {
    /// A node id, or HOST:PORT of its HTTP.
    pub node: String,
    /// The submitter's key; the user's own if there is none.
    pub key: Option<PathBuf>,
    /// Scripts may become public without being asked about.
    pub yes: bool,
}

/// The limits of a check, of which the user may set processor time and memory.
///
/// Who sets the time means that: the solver's own count of its steps ends no check then. Without it the defaults of a genesis
/// hold, under which every machine comes to the same verdict.
pub fn limits(time: Option<Duration>, memory_bytes: Option<u64>) -> VerifierParameters {
    let mut limits = VerifierParameters::default();
    let SolverLimits { cpu_ms, memory_bytes: memory, resource_count } = &mut limits.hard;
    if let Some(time) = time {
        *cpu_ms = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        *resource_count = VerifierParameters::RESOURCE_COUNT_MAX;
    }
    *memory = memory_bytes.unwrap_or(*memory);
    let (hard, soft) = (limits.hard, &mut limits.soft);
    soft.cpu_ms = soft.cpu_ms.min(hard.cpu_ms);
    soft.memory_bytes = soft.memory_bytes.min(hard.memory_bytes);
    limits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_hold_together_whatever_is_given() {
        assert_eq!(limits(None, None), VerifierParameters::default());
        for (time, memory) in [(Some(1), None), (Some(3_600_000), Some(VerifierParameters::MEMORY_BYTES_MIN))] {
            let limits = limits(time.map(Duration::from_millis), memory);
            assert_eq!(limits.check(), Ok(()));
            assert_eq!(limits.hard.resource_count, VerifierParameters::RESOURCE_COUNT_MAX);
            assert_eq!(Some(limits.hard.cpu_ms), time);
        }
    }
}
