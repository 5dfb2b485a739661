//! Final blocks that are not in the database yet, and those that are and of which the mempool has not heard. They outlive the
//! actor that writes them: an incarnation that dies loses none.

use super::actor::StateActor;
use super::messages::StateStep;
use crate::delivery::UNDELIVERED_MAX;
use crate::outlet::Outlet;
use crate::supervision::Handle;
use parking_lot::Mutex;
use protocol::certificate::Certificate;
use protocol::consensus::events::FinalBlock;
use protocol::types::Sequence;
use protocol::validator::route::{StateEffect, StateInput};
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
pub struct Waiting(Arc<Mutex<Queues>>);

#[derive(Debug, Default)]
struct Queues {
    unwritten: VecDeque<Arc<Apply>>,
    /// At most as many as the actor itself would send again.
    unannounced: VecDeque<StateEffect>,
}

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
        let unwritten = &mut self.0.lock().unwritten;
        if unwritten.len() >= WAITING_MAX {
            return Err(apply);
        }
        unwritten.push_back(Arc::new(apply));
        Ok(())
    }

    /// All that are to be written; they stay until they are [`written`](Waiting::written).
    pub(super) fn unwritten(&self) -> Vec<Arc<Apply>> {
        self.0.lock().unwritten.iter().cloned().collect()
    }

    /// The first `count` are in the database, whichever incarnation wrote them. Returns what is to be announced of them; it
    /// stays until it is [`announced`](Waiting::announced).
    pub(super) fn written(&self, count: usize) -> Vec<StateEffect> {
        let Queues { unwritten, unannounced } = &mut *self.0.lock();
        let count = count.min(unwritten.len());
        let written: Vec<Arc<Apply>> = unwritten.drain(..count).collect();
        let finals: Vec<StateEffect> = written.iter().flat_map(|apply| &apply.blocks).map(became_final).collect();
        let room = UNDELIVERED_MAX.saturating_sub(unannounced.len());
        unannounced.extend(finals.iter().take(room).cloned());
        finals
    }

    /// What an earlier incarnation wrote, and perhaps did not announce.
    pub(super) fn unannounced(&self) -> Vec<StateEffect> {
        self.0.lock().unannounced.iter().cloned().collect()
    }

    /// Announcements are taken in order: this one was, and so all before it.
    pub(super) fn announced(&self, sequence: Sequence) {
        let unannounced = &mut self.0.lock().unannounced;
        let is_announced =
            |effect: &StateEffect| matches!(effect, StateEffect::Final { sequence: of, .. } if *of <= sequence);
        while unannounced.front().is_some_and(is_announced) {
            unannounced.pop_front();
        }
    }
}

fn became_final(block: &FinalBlock) -> StateEffect {
    StateEffect::Final {
        sequence: block.block.header.sequence,
        proofs: block.block.body.proofs.iter().map(|entry| entry.proof).collect(),
    }
}
