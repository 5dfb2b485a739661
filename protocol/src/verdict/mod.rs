//! Jobs and verdicts: what crosses between the node and the process that runs the solver, and what of it is agreed on.
//!
//! Pure data. Nothing here trusts its sender: a report comes from a process that ran a stranger's script, so
//! [`Report::bounded`] cuts every text and list to its named maximum before anybody keeps it.

mod claim;
pub mod exit_code;
mod job;
mod limits;
mod model;
mod pin;
mod report;
mod unsat_core;

pub use claim::{Answer, Claim, ClaimError, statement_id};
pub use job::{Job, Task};
pub use limits::{SolverLimits, VerifierParameters, VerifierParametersError};
pub use model::Model;
pub use pin::SolverPin;
pub use report::{Assumptions, Ignored, Note, Report};
pub use unsat_core::Core;

use crate::types::ResourceCount;
use alloc::format;
use alloc::string::String;
use serde::{Deserialize, Serialize};

/// The verdict on a proof. Only the first two are definite: they alone may be signed or held against a validator.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Verdict {
    /// The solver gave the claimed answer.
    Confirmed { resource_count: ResourceCount, within_soft_limits: bool },
    /// The solver gave the other answer.
    Refuted { answer: Answer, resource_count: ResourceCount },
    /// Nothing that counts was answered.
    NoVerdict { reason: NoVerdict },
    /// The script does not have an accepted form. Lines and columns start at 1.
    Rejected { line: u32, column: u32, text: String },
}

impl Verdict {
    /// Whether the next query of a series can be asked: the solver finished this one by itself.
    pub fn leaves_a_series_open(&self) -> bool {
        match self {
            Verdict::Confirmed { .. } | Verdict::Refuted { .. } => true,
            Verdict::NoVerdict { reason } => matches!(reason, NoVerdict::Unknown { .. } | NoVerdict::SatNotRepeated),
            Verdict::Rejected { .. } => false,
        }
    }
}

/// Why there is no verdict.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum NoVerdict {
    #[error("the solver answered unknown ({why})")]
    Unknown { why: String },
    #[error("the resource limit of {limit} was reached")]
    ResourceLimit { limit: u64 },
    #[error("the limit of {limit_ms} ms of processor time was reached")]
    ProcessorTime { limit_ms: u64 },
    #[error("{wall_ms} ms passed, and the processor time for it never came")]
    Deadline { wall_ms: u64 },
    #[error("the limit of {limit_bytes} bytes of memory was reached")]
    Memory { limit_bytes: u64 },
    #[error(
        "the limit of {limit_bytes} bytes of stack was reached: the script's terms are nested too deeply for the solver"
    )]
    Stack { limit_bytes: u64 },
    #[error("the solver ended its process ({})", ending(*signal, *code))]
    Crashed { signal: Option<i32>, code: Option<i32> },
    #[error("the solver reported an error: {text}")]
    SolverError { text: String },
    /// The solver refuses a part of the script that has the right form. Lines and columns start at 1.
    #[error("line {line}, column {column}: {text}")]
    IllSorted { line: u32, column: u32, text: String },
    #[error("sat was not obtained again without the script's options and logic")]
    SatNotRepeated,
    #[error("answered sat, could not be checked ({why})")]
    SatNotChecked { why: String },
    #[error("sat with recursive definitions is not relied upon")]
    SatWithRecursion,
    #[error("the script asks nothing: it has no check-sat")]
    NothingAsked,
    #[error("the worker was ended from outside {attempts} times")]
    EndedFromOutside { attempts: u32 },
}

fn ending(signal: Option<i32>, code: Option<i32>) -> String {
    match (signal, code) {
        (Some(signal), _) => format!("signal {signal}"),
        (None, Some(exit_code::SOLVER_EXIT)) => String::from("by a call of exit"),
        (None, Some(exit_code::PANIC)) => String::from("by a panic of the worker's own code"),
        (None, Some(code)) => format!("exit code {code}"),
        (None, None) => String::from("for no known reason"),
    }
}

impl NoVerdict {
    /// Whether it says something about the proof; otherwise a later try may well answer, and it must not be remembered.
    pub fn concerns_the_proof(&self) -> bool {
        !matches!(self, NoVerdict::EndedFromOutside { .. })
    }

    /// A short fixed label for metrics.
    pub fn label(&self) -> &'static str {
        match self {
            NoVerdict::Unknown { .. } => "unknown",
            NoVerdict::ResourceLimit { .. } => "resource_limit",
            NoVerdict::ProcessorTime { .. } => "processor_time",
            NoVerdict::Deadline { .. } => "deadline",
            NoVerdict::Memory { .. } => "memory",
            NoVerdict::Stack { .. } => "stack",
            NoVerdict::Crashed { .. } => "crashed",
            NoVerdict::SolverError { .. } => "solver_error",
            NoVerdict::IllSorted { .. } => "ill_sorted",
            NoVerdict::SatNotRepeated => "sat_not_repeated",
            NoVerdict::SatNotChecked { .. } => "sat_not_checked",
            NoVerdict::SatWithRecursion => "sat_with_recursion",
            NoVerdict::NothingAsked => "nothing_asked",
            NoVerdict::EndedFromOutside { .. } => "ended_from_outside",
        }
    }
}
