//! What one part of this validator tells another, as it lies in a mailbox.

use actix::Message;
use protocol::types::Hash;
use protocol::validator::sessions::{Session, SessionEvent};
use protocol::verdict::Claim;
use std::time::Instant;

/// What an actor takes that follows sessions.
#[derive(Debug, Clone)]
pub enum Step<I> {
    Input(I),
    /// What a peer said in a session, and since when it waits.
    Heard {
        session: Session,
        input: I,
        since: Instant,
    },
    Session(SessionEvent),
}

impl<I: 'static> Message for Step<I> {
    type Result = ();
}

impl<I> Step<I> {
    /// Of one that is not of a session.
    pub(super) fn into_input(self) -> I
    where
        I: std::fmt::Debug,
    {
        match self {
            Step::Input(input) | Step::Heard { input, .. } => input,
            Step::Session(event) => unreachable!("{event:?} was not sent as an input"),
        }
    }
}

/// From a subscriber that was restarted: report the current view.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "()")]
pub struct TellAgain;

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
