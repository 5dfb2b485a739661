//! What every validator of a network must share: fixed in the genesis, part of the chain id, never a node's own choice.
//!
//! What one operator may tune without asking the others (ports, time-outs, the size of the mempool) is not here but in
//! the node's configuration. A new parameter goes into [`ConsensusParameters::write`] as well, or two networks that
//! differ in it would have one chain id.

use crate::bytes::Layout;
use crate::ledger::{REWARD_PER_DIFFICULTY, WINDOW};
use crate::message::limits::BLOCK_PROOFS_MAX;
use crate::types::{Amount, Millis, Stake};
use crate::verdict::{SolverPin, VerifierParameters, VerifierParametersError};
use serde::{Deserialize, Serialize};

/// Whole tokens, as people write them; the ledger counts in [`Amount`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Tokens(pub u64);

impl Tokens {
    pub fn amount(self) -> Amount {
        Amount::from_tokens(self.0)
    }
}

impl core::fmt::Display for Tokens {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        self.0.fmt(f)
    }
}

/// The rules that are numbers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConsensusParameters {
    /// Whole tokens. Nobody validates with less.
    pub minimum_stake: Stake,
    /// Whole tokens in the pool that blocks are paid from.
    pub reward_pool: Tokens,
    /// Micro-tokens that a block pays for each unit of its difficulty.
    pub reward_micro_per_difficulty: u64,
    /// Blocks whose late Prepare votes still earn; the reward of sequence s − window is paid at s.
    pub ledger_window: u64,
    /// How far a block's time may be ahead of a validator's clock, in milliseconds.
    pub clock_tolerance_ms: Millis,
    pub slashing: SlashingParameters,
    pub block: BlockParameters,
    pub verifier: VerifierParameters,
    /// The solver and normaliser that the network was made for: others count otherwise, so peers with them are refused.
    pub solver_pin: SolverPin,
}

/// Percent of the stake that a proven fault costs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SlashingParameters {
    pub wrong_verification_percent: u8,
    pub double_sign_percent: u8,
}

/// Hard bounds on one block. A leader may be configured to propose less.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BlockParameters {
    /// Proofs in one block.
    pub proofs_max: u32,
    /// Bytes of one encoded block, included votes counted.
    pub bytes_max: u32,
}

impl ConsensusParameters {
    /// The defaults of a new network whose solver has this pin.
    pub fn new(solver_pin: SolverPin) -> Self {
        ConsensusParameters {
            minimum_stake: Stake(1_000),
            reward_pool: Tokens(1_000_000),
            reward_micro_per_difficulty: REWARD_PER_DIFFICULTY as u64,
            ledger_window: WINDOW as u64,
            clock_tolerance_ms: Millis(10_000),
            slashing: SlashingParameters { wrong_verification_percent: 5, double_sign_percent: 20 },
            block: BlockParameters { proofs_max: BLOCK_PROOFS_MAX as u32, bytes_max: 4 << 20 },
            verifier: VerifierParameters::default(),
            solver_pin,
        }
    }
}

/// A parameter outside its range, or two that contradict each other.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParameterError {
    #[error("parameter {name} is {value}: {rule}")]
    OutOfRange {
        name: &'static str,
        value: u64,
        /// What would be accepted.
        rule: &'static str,
    },
    #[error(transparent)]
    Verifier(#[from] VerifierParametersError),
}

impl ConsensusParameters {
    /// One block travels in one frame, and a frame is at most 16 MiB.
    pub const BLOCK_BYTES_MAX: u32 = 12 << 20;

    /// Checks every range and relation.
    ///
    /// # Errors
    /// The first parameter, in the order of the fields, that is out of range.
    pub fn validate(&self) -> Result<(), ParameterError> {
        let rule = |holds: bool, name, value, rule| {
            if holds { Ok(()) } else { Err(ParameterError::OutOfRange { name, value, rule }) }
        };
        let (block, slashing) = (&self.block, &self.slashing);
        rule(self.minimum_stake.0 >= 1, "minimum_stake", self.minimum_stake.0, "it must be at least 1 token")?;
        // The ledger's arithmetic is fixed; a genesis states it, so that a later program with another one refuses it.
        rule(
            u128::from(self.reward_micro_per_difficulty) == REWARD_PER_DIFFICULTY,
            "reward_micro_per_difficulty",
            self.reward_micro_per_difficulty,
            "this program pays 10 micro-tokens",
        )?;
        rule(
            usize::try_from(self.ledger_window) == Ok(WINDOW),
            "ledger_window",
            self.ledger_window,
            "this program's ledger has 8 sequences",
        )?;
        rule(
            (1..=3_600_000).contains(&self.clock_tolerance_ms.0),
            "clock_tolerance_ms",
            self.clock_tolerance_ms.0,
            "it must be 1 ms to one hour",
        )?;
        for (name, percent) in [
            ("slashing.wrong_verification_percent", slashing.wrong_verification_percent),
            ("slashing.double_sign_percent", slashing.double_sign_percent),
        ] {
            rule(percent <= 100, name, percent.into(), "it must be at most 100 percent")?;
        }
        rule(
            (1..=BLOCK_PROOFS_MAX).contains(&(block.proofs_max as usize)),
            "block.proofs_max",
            block.proofs_max.into(),
            "it must be 1 to 1,000 proofs",
        )?;
        rule(
            (65_536..=Self::BLOCK_BYTES_MAX).contains(&block.bytes_max),
            "block.bytes_max",
            block.bytes_max.into(),
            "it must be 64 KiB to 12 MiB",
        )?;
        self.verifier.check()?;
        Ok(())
    }

    /// Writes every parameter, in the order of the fields.
    pub fn write(&self, layout: Layout) -> Layout {
        let layout = layout
            .u64(self.minimum_stake.0)
            .u64(self.reward_pool.0)
            .u64(self.reward_micro_per_difficulty)
            .u64(self.ledger_window)
            .u64(self.clock_tolerance_ms.0)
            .u8(self.slashing.wrong_verification_percent)
            .u8(self.slashing.double_sign_percent)
            .u32(self.block.proofs_max)
            .u32(self.block.bytes_max);
        self.solver_pin.write(self.verifier.write(layout))
    }
}
