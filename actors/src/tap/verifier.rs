//! Worker processes and their verdicts. It must never hold what a script says.

use crate::metrics::*;
use metrics::{counter, histogram};
use protocol::types::ResourceCount;
use protocol::verdict::Verdict;
use std::sync::Arc;
use std::time::Duration;

/// A subscriber to what the pool does.
pub type Observer = Arc<dyn Fn(&PoolEvent) + Send + Sync>;

/// What the verifier pool does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PoolEvent {
    WorkerStarted {
        pid: u32,
    },
    WorkerNotStarted {
        error: String,
    },
    /// `cause` is one of a few fixed values.
    WorkerEnded {
        pid: u32,
        cause: &'static str,
    },
    /// A job has its report; `verdict` is one of a few fixed values.
    Checked {
        verdict: &'static str,
        cpu: Duration,
        wall: Duration,
        resource_count: Option<ResourceCount>,
        attempts: u32,
    },
}

/// Counts what the pool does; its observer in a node.
pub fn pool_event(event: &PoolEvent) {
    match event {
        PoolEvent::WorkerStarted { .. } => counter!(VERIFIER_WORKERS_STARTED).increment(1),
        PoolEvent::WorkerNotStarted { .. } => counter!(VERIFIER_WORKERS_NOT_STARTED).increment(1),
        PoolEvent::WorkerEnded { cause, .. } => counter!(VERIFIER_WORKERS_ENDED, "reason" => *cause).increment(1),
        PoolEvent::Checked { verdict, cpu, resource_count, .. } => {
            counter!(VERIFIER_VERDICTS, "verdict" => *verdict).increment(1);
            histogram!(VERIFIER_PROCESSOR_TIME).record(cpu.as_secs_f64());
            if let Some(count) = resource_count {
                histogram!(VERIFIER_RESOURCE_COUNTS).record(count.0 as f64);
            }
        }
    }
}

/// A short fixed label for metrics.
pub fn verdict_label(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Confirmed { .. } => "confirmed",
        Verdict::Refuted { .. } => "refuted",
        Verdict::NoVerdict { reason } => reason.label(),
        Verdict::Rejected { .. } => "rejected",
    }
}
