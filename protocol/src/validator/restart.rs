//! What a part of a living validator that was restarted, and the others, are told, and do.
//!
//! A restarted part has lost what only its memory held. Mailboxes, sessions, the vote log, the database, worker processes and the
//! final blocks that wait for the database outlive it.

use super::route::Part;

/// What follows from a restart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AfterRestart {
    /// The part itself is told of every open session, since it was not there when they opened.
    Sessions,
    /// Consensus tells `view_change` and `leader_election` again which view it is in, and what is under way in it.
    Again,
    /// The mempool tells every attestation again: consensus has none of this validator's own.
    ConsensusRestarted,
    /// The mempool asks again for every check that was under way.
    PoolRestarted,
    /// The state tells consensus how far the database is, tells the mempool of final blocks that it may not have heard of, and
    /// writes those that wait.
    Waiting,
}

/// In this order.
pub fn restart(part: Part) -> &'static [AfterRestart] {
    match part {
        Part::Consensus => &[AfterRestart::Sessions, AfterRestart::ConsensusRestarted],
        Part::ViewChange | Part::LeaderElection => &[AfterRestart::Sessions, AfterRestart::Again],
        // It begins with what the database holds (`Mempool::restored`). Its first tick tells consensus what it holds, and every attestation of that.
        Part::Mempool => &[AfterRestart::Sessions],
        Part::VerifierPool => &[AfterRestart::PoolRestarted],
        Part::State => &[AfterRestart::Waiting],
    }
}
