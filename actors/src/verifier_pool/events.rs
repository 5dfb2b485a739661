//! What a pool does that is worth counting. Must never: hold what a script says.

use protocol::types::ResourceCount;
use protocol::verdict::Verdict;
use std::sync::Arc;
use std::time::Duration;

/// A subscriber to what the pool does.
pub type Observer = Arc<dyn Fn(&PoolEvent) + Send + Sync>;

/// What is worth counting.
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

/// A short fixed label for metrics.
pub fn verdict_label(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Confirmed { .. } => "confirmed",
        Verdict::Refuted { .. } => "refuted",
        Verdict::NoVerdict { reason } => reason.label(),
        Verdict::Rejected { .. } => "rejected",
    }
}
