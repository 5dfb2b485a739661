//! Final blocks that are not in the database yet. They outlive the actor that writes them: an incarnation that dies
//! loses none.

use super::actor::StateActor;
use super::messages::StateStep;
use crate::outlet::Outlet;
use crate::supervision::Handle;
use parking_lot::Mutex;
use protocol::certificate::Certificate;
use protocol::consensus::events::FinalBlock;
use protocol::validator::route::StateInput;
use std::collections::VecDeque;
use std::sync::Arc;

/// Final blocks, or batches of them, that may wait: several seconds' worth.
pub const WAITING_MAX: usize = 4_096;

/// A database that did not end one write while [`WAITING_MAX`] blocks became final.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a write of the database did not end while {WAITING_MAX} blocks became final")]
pub struct NotWritten;

/// Blocks that became final, ascending; the certificate is of the last.
#[derive(Debug)]
pub(super) struct Apply {
    pub blocks: Vec<FinalBlock>,
    pub commit: Certificate,
}

/// In the order in which they became final; cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Waiting(Arc<Mutex<VecDeque<Arc<Apply>>>>);

impl Waiting {
    /// The way to the state: final blocks are put here before the actor is told of them, so that one that is down finds them
    /// when it is restarted.
    pub fn before(&self, state: &Handle<StateActor>) -> Outlet<StateInput> {
        let (waiting, state) = (self.clone(), Outlet::to(state));
        Outlet::new(move |input| match input {
            StateInput::Apply { blocks, commit } => match waiting.push(Apply { blocks, commit }) {
                Ok(()) => {
                    _ = state.send(StateStep::ApplyWaiting);
                    None
                }
                Err(Apply { blocks, commit }) => Some(StateInput::Apply { blocks, commit }),
            },
            StateInput::Serve { to, above } => {
                state.send(StateStep::Serve { to, above }).err().map(|_| StateInput::Serve { to, above })
            }
        })
    }

    /// Gives it back if too many wait. They are in the vote log, from which a new process applies them.
    fn push(&self, apply: Apply) -> Result<(), Apply> {
        let mut waiting = self.0.lock();
        if waiting.len() >= WAITING_MAX {
            return Err(apply);
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
