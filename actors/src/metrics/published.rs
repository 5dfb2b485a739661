//! What actors publish for others to read: small copies, so that nobody has to ask them. It outlives their
//! incarnations.

use crate::state::Standing;
use parking_lot::Mutex;
use protocol::mempool::Holdings;
use std::sync::Arc;
use std::time::Instant;

/// Every lock is held for a copy's time.
#[derive(Debug, Default)]
pub struct Published {
    mempool: Mutex<Option<Held>>,
    verifier: Mutex<Waiting>,
    state: Mutex<Option<Arc<Standing>>>,
}

/// What the mempool holds, and since when the oldest of it is held.
#[derive(Debug, Clone, Copy)]
pub(super) struct Held {
    pub(super) holdings: Holdings,
    pub(super) oldest: Option<Instant>,
}

/// Statements that wait for a worker, and since when the oldest of them does.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Waiting {
    pub statements: usize,
    pub oldest: Option<Instant>,
}

impl Published {
    pub fn mempool_holds(&self, holdings: Holdings, oldest: Option<Instant>) {
        *self.mempool.lock() = Some(Held { holdings, oldest });
    }

    pub fn verifier_waits(&self, waiting: Waiting) {
        *self.verifier.lock() = waiting;
    }

    pub fn state_stands(&self, standing: &Arc<Standing>) {
        *self.state.lock() = Some(Arc::clone(standing));
    }

    pub(super) fn mempool(&self) -> Option<Held> {
        *self.mempool.lock()
    }

    pub(super) fn verifier(&self) -> Waiting {
        *self.verifier.lock()
    }

    pub(super) fn state(&self) -> Option<Arc<Standing>> {
        self.state.lock().clone()
    }
}
