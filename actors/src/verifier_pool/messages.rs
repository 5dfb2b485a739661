//! The questions that the verifier pool's actor answers. What it is told are [`PoolRequest`](crate::routes::PoolRequest)s.

use actix::Message;
use protocol::explanation::Explanation;
use protocol::types::Hash;
use protocol::verdict::Report;
use std::time::{Duration, Instant};

/// Everything that the check of a statement reported, if it is still remembered.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "Option<Report>")]
pub struct ReportOf(pub Hash);

/// Explain the verdict on a statement, when there is nothing else to do. One at a time is looked for, and a check that needs
/// its worker ends the search.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "Explained")]
pub struct Explain(pub Hash);

/// What is being checked, the oldest first; at most so many.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "Vec<UnderWay>")]
pub struct TellUnderWay(pub usize);

/// A proof that is being checked, or waits for a worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnderWay {
    pub proof: Hash,
    /// Since it was asked for.
    pub since: Duration,
    /// A worker has it, or is about to.
    pub is_running: bool,
}

/// What comes of a question why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Explained {
    Found(Explanation),
    /// There is no verdict here, or none that leaves anything open.
    Nothing,
    /// The script is not remembered any more.
    Forgotten,
    /// Checks go first. Asking again may help.
    Busy,
}

/// What the pool publishes: statements that wait for a worker, and since when the oldest of them does.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Backlog {
    pub statements: usize,
    pub oldest: Option<Instant>,
}
