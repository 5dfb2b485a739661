//! The messages that the verifier pool's actor receives.

use actix::Message;
use protocol::explanation::Explanation;
use protocol::types::Hash;
use protocol::verdict::{Claim, Report};
use std::time::Duration;

/// What the pool is asked to do.
#[derive(Debug, Clone, Message)]
#[rtype(result = "()")]
pub enum PoolRequest {
    Check(Check),
    Foresee(Foresee),
    /// Nobody waits for this proof's verdict any more.
    Cancel(Hash),
}

/// Check a proof, before what waits if it is urgent. Answered by a
/// [`PoolEffect::Judged`](protocol::validator::route::PoolEffect); the caller must be ready to ask again after a
/// [`PoolRestarted`](protocol::mempool::Input::PoolRestarted).
#[derive(Debug, Clone)]
pub struct Check {
    pub proof: Hash,
    /// Identity of normalised script and claim: what the verdict is remembered by.
    pub statement: Hash,
    pub claim: Claim,
    pub script: Vec<u8>,
    pub urgent: bool,
}

/// A proof that says this will have to be checked soon: a worker that is free may begin. Not answered.
#[derive(Debug, Clone)]
pub struct Foresee {
    pub statement: Hash,
    pub claim: Claim,
    pub script: Vec<u8>,
}

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
