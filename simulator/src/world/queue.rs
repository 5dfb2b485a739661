//! The queue of what is to happen, in the order of virtual time.

use crate::faults::Fault;
use crate::node::{Life, SessionId, Verdict};
use protocol::message::Message;
use protocol::types::{Hash, Millis, Sequence, ValidatorIndex};
use protocol::validator::route::Part;
use protocol::validator::sessions::SessionEvent;
use protocol::verify::Verified;
use std::cmp::Ordering;
use std::sync::Arc;

/// What happens to a validator; only if it is still in the incarnation in which it was begun.
pub(super) enum Happening {
    Deliver {
        session: SessionId,
        from: ValidatorIndex,
        message: Arc<Verified<Message>>,
    },
    Wake,
    Synced(Life),
    Applied(Life),
    Stored(Hash, Life),
    Judged(Verdict),
    ServeBlocks {
        to: ValidatorIndex,
        above: Sequence,
    },
    ServeProofs {
        to: ValidatorIndex,
        proofs: Vec<Hash>,
    },
    SessionOpened {
        peer: ValidatorIndex,
        session: SessionId,
    },
    SessionClosed {
        peer: ValidatorIndex,
        session: SessionId,
    },
    /// A part hears of it.
    SessionTold(Part, SessionEvent),
}

/// What happens in a run.
pub(super) enum Event {
    At {
        node: ValidatorIndex,
        incarnation: u64,
        what: Happening,
    },
    Connect(ValidatorIndex, ValidatorIndex),
    Start {
        node: ValidatorIndex,
        incarnation: u64,
        lost: bool,
    },
    Disrupt(Fault),
    Heal,
    Submit,
    /// Hands a proof to a validator, as it was planned; or says that it was the last.
    HandIn(ValidatorIndex, usize),
    HandedIn,
    /// Looks whether what must have happened by now has.
    Look,
}

/// An event at its time; those of one time in the order in which they were entered.
pub(super) struct Queued {
    pub at: Millis,
    pub number: u64,
    pub event: Event,
}

impl PartialEq for Queued {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Queued {}

impl PartialOrd for Queued {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Queued {
    /// The heap's greatest is the earliest.
    fn cmp(&self, other: &Self) -> Ordering {
        (other.at, other.number).cmp(&(self.at, self.number))
    }
}
