//! What a check may use: the verifier's part of the genesis.

use crate::bytes::Layout;
use serde::{Deserialize, Serialize};

/// What one check may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SolverLimits {
    /// Processor time, in milliseconds.
    pub cpu_ms: u64,
    /// Memory, in bytes: of address space for the hard limit, of resident memory for the soft one.
    pub memory_bytes: u64,
    /// Z3's own count of its steps.
    pub resource_count: u64,
}

impl SolverLimits {
    fn write(&self, layout: Layout) -> Layout {
        layout.u64(self.cpu_ms).u64(self.memory_bytes).u64(self.resource_count)
    }

    fn within(&self, other: &SolverLimits) -> bool {
        self.cpu_ms <= other.cpu_ms
            && self.memory_bytes <= other.memory_bytes
            && self.resource_count <= other.resource_count
    }
}

/// The verifier's part of the genesis: every validator checks under the same limits.
///
/// The limits on a script's form (tokens, nesting, expanded size, …) belong to the normaliser's version, which the
/// [`SolverPin`](super::SolverPin) names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct VerifierParameters {
    /// Longest script, in bytes. At most [`VerifierParameters::SCRIPT_BYTES_MAX`].
    pub script_bytes_max: u64,
    /// Beyond these a check ends without a verdict.
    pub hard: SolverLimits,
    /// Within these a proof may be announced Ready.
    pub soft: SolverLimits,
}

impl Default for VerifierParameters {
    fn default() -> Self {
        let hard = SolverLimits { cpu_ms: 20_000, memory_bytes: 1 << 30, resource_count: 200_000_000 };
        VerifierParameters {
            script_bytes_max: 4 << 20,
            hard,
            soft: SolverLimits {
                cpu_ms: hard.cpu_ms / 4,
                memory_bytes: hard.memory_bytes / 4,
                resource_count: hard.resource_count / 4,
            },
        }
    }
}

/// A relation between the verifier's parameters that does not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VerifierParametersError {
    #[error("verifier.script_bytes_max is {0}: it must be from 1 to {max}", max = VerifierParameters::SCRIPT_BYTES_MAX)]
    ScriptBytes(u64),
    #[error("verifier.soft must not exceed verifier.hard in any limit")]
    SoftAboveHard,
    #[error("verifier.{name} is {value}: it must be from {min} to {max}")]
    OutOfRange { name: &'static str, value: u64, min: u64, max: u64 },
}

impl VerifierParameters {
    /// No network may let in longer scripts: frames and queues are sized by it.
    pub const SCRIPT_BYTES_MAX: u64 = 16 << 20;
    /// Z3 needs some 160 MiB of address space before it has done anything.
    pub const MEMORY_BYTES_MIN: u64 = 256 << 20;
    pub const MEMORY_BYTES_MAX: u64 = 1 << 40;
    pub const CPU_MS_MAX: u64 = 3_600_000;
    /// Z3 takes its limit as an unsigned 32-bit number.
    pub const RESOURCE_COUNT_MAX: u64 = u32::MAX as u64;

    /// Checks ranges and relations.
    ///
    /// # Errors
    /// The first one that does not hold.
    pub fn check(&self) -> Result<(), VerifierParametersError> {
        let in_range = |name, value, min, max| {
            if (min..=max).contains(&value) {
                Ok(())
            } else {
                Err(VerifierParametersError::OutOfRange { name, value, min, max })
            }
        };
        if !(1..=Self::SCRIPT_BYTES_MAX).contains(&self.script_bytes_max) {
            return Err(VerifierParametersError::ScriptBytes(self.script_bytes_max));
        }
        in_range("hard.cpu_ms", self.hard.cpu_ms, 1, Self::CPU_MS_MAX)?;
        in_range("hard.memory_bytes", self.hard.memory_bytes, Self::MEMORY_BYTES_MIN, Self::MEMORY_BYTES_MAX)?;
        in_range("hard.resource_count", self.hard.resource_count, 1, Self::RESOURCE_COUNT_MAX)?;
        if self.soft.within(&self.hard) { Ok(()) } else { Err(VerifierParametersError::SoftAboveHard) }
    }

    /// Adds the parameters to the genesis' fixed layout.
    pub fn write(&self, layout: Layout) -> Layout {
        let layout = layout.u64(self.script_bytes_max);
        self.soft.write(self.hard.write(layout))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_limits_are_the_documented_ones_and_hold_together() {
        let defaults = VerifierParameters::default();
        assert_eq!(defaults.hard, SolverLimits { cpu_ms: 20_000, memory_bytes: 1 << 30, resource_count: 200_000_000 });
        assert_eq!(defaults.soft, SolverLimits { cpu_ms: 5_000, memory_bytes: 1 << 28, resource_count: 50_000_000 });
        assert_eq!(defaults.check(), Ok(()));
    }

    #[test]
    fn soft_limits_above_the_hard_ones_are_refused() {
        let mut parameters = VerifierParameters::default();
        parameters.soft.cpu_ms = parameters.hard.cpu_ms + 1;
        assert_eq!(parameters.check(), Err(VerifierParametersError::SoftAboveHard));
    }

    #[test]
    fn unknown_keys_of_the_genesis_are_refused() {
        assert!(serde_json::from_str::<VerifierParameters>(r#"{"script_bytes_max": 10}"#).is_ok());
        assert!(serde_json::from_str::<VerifierParameters>(r#"{"scripts": 10}"#).is_err());
    }
}
