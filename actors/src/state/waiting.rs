//! Final blocks that are not in the database yet. They outlive the actor that writes them: an incarnation that dies
//! loses none.

use super::messages::Apply;
use parking_lot::Mutex;
use std::collections::VecDeque;
use std::sync::Arc;

/// Final blocks, or batches of them, that may wait: several seconds' worth.
pub const WAITING_MAX: usize = 4_096;

/// A database that did not end one write while [`WAITING_MAX`] blocks became final.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a write of the database did not end while {WAITING_MAX} blocks became final")]
pub struct NotWritten;

/// In the order in which they became final; cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Waiting(Arc<Mutex<VecDeque<Arc<Apply>>>>);

impl Waiting {
    /// # Errors
    /// If too many wait. They are in the vote log, from which a new process applies them.
    pub fn push(&self, apply: Apply) -> Result<(), NotWritten> {
        let mut waiting = self.0.lock();
        if waiting.len() >= WAITING_MAX {
            return Err(NotWritten);
        }
        waiting.push_back(Arc::new(apply));
        Ok(())
    }

    /// All that wait; they stay until they are [`done`](Waiting::done).
    pub(super) fn all(&self) -> Vec<Arc<Apply>> {
        self.0.lock().iter().cloned().collect()
    }

    /// The first `count` are in the database.
    pub(super) fn done(&self, count: usize) {
        let mut waiting = self.0.lock();
        let count = count.min(waiting.len());
        waiting.drain(..count);
    }
}
