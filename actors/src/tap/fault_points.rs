//! Places inside a consensus round where a test makes actors fail. They exist with the feature `fault-points` alone, which
//! only test builds turn on; otherwise [`reach`] is nothing.

use protocol::types::ValidatorIndex;

/// A step of a round, as one validator sees it; in the actor that is named.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Point {
    /// consensus: a proposal arrived and is about to be looked at.
    ProposalReceived,
    /// verifier_pool: a proof was checked, and the mempool is about to be notified.
    Checked,
    /// consensus: a Prepare certificate is known.
    Prepared,
    /// consensus: a vote is durable and was not sent.
    VoteLogged,
    /// consensus: a vote was sent.
    VoteSent,
    /// consensus: blocks are final, and the state is about to be notified.
    Committed,
    /// state: final blocks are in the database, and consensus is about to be notified.
    Applied,
}

impl Point {
    pub const ALL: [Point; 7] = [
        Point::ProposalReceived,
        Point::Checked,
        Point::Prepared,
        Point::VoteLogged,
        Point::VoteSent,
        Point::Committed,
        Point::Applied,
    ];

    /// The actor in which it lies.
    pub fn actor(self) -> &'static str {
        match self {
            Point::Checked => "verifier_pool",
            Point::Applied => "state",
            Point::ProposalReceived | Point::Prepared | Point::VoteLogged | Point::VoteSent | Point::Committed => {
                "consensus"
            }
        }
    }
}

/// Called at each point; may panic.
#[cfg(feature = "fault-points")]
pub type Hook = std::sync::Arc<dyn Fn(ValidatorIndex, Point) + Send + Sync>;

#[cfg(feature = "fault-points")]
static HOOK: parking_lot::RwLock<Option<Hook>> = parking_lot::RwLock::new(None);

/// Calls `hook` at every point of every validator of this process from now on.
#[cfg(feature = "fault-points")]
pub fn set(hook: Option<Hook>) {
    *HOOK.write() = hook;
}

#[cfg(feature = "fault-points")]
pub(super) fn reach(me: ValidatorIndex, point: Point) {
    // Not called under the lock: it may panic.
    let hook = HOOK.read().clone();
    if let Some(hook) = hook {
        hook(me, point);
    }
}

#[cfg(not(feature = "fault-points"))]
pub(super) fn reach(_: ValidatorIndex, _: Point) {}
