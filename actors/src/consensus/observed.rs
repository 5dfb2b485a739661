//! What consensus was seen to do since the process started, for people: how long blocks took, views with a proposal, view
//! changes. It measures rounds for the metrics and the log. Nothing is decided by it; it outlives the actor's
//! incarnations.

use crate::metrics;
use parking_lot::Mutex;
use protocol::consensus::events::{FinalBlock, Notice};
use protocol::types::{Sequence, View};
use protocol::vote::VoteKind;
use serde::Serialize;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// Proposals whose block is not final yet; the oldest give way.
const OPEN_MAX: usize = 256;
/// Newest blocks whose times are remembered.
const TIMES_MAX: usize = 4_096;

/// Counts since the process started.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Views whose proposal was sent or first seen here.
    pub proposals: u64,
    /// Views that were left by a ViewChange certificate.
    pub view_changes: u64,
}

/// When a view's block got how far.
#[derive(Debug, Clone, Copy, Default)]
struct Moments {
    proposed: Option<Instant>,
    prepared: Option<Instant>,
}

#[derive(Debug, Default)]
struct Inner {
    counts: Counts,
    open: BTreeMap<View, Moments>,
    times: BTreeMap<Sequence, Duration>,
}

/// Shared between the actor, which writes, and whoever answers people. Every lock is held for a look-up's time.
#[derive(Debug, Default)]
pub struct Observed(Mutex<Inner>);

impl Inner {
    fn moments(&mut self, view: View) -> &mut Moments {
        if !self.open.contains_key(&view) && self.open.len() >= OPEN_MAX {
            self.open.pop_first();
        }
        self.open.entry(view).or_default()
    }
}

impl Observed {
    /// Follows a notice; `began` is when the step that gave it did, before its records were durable.
    pub fn notice(&self, began: Instant, notice: &Notice) {
        let inner = &mut *self.0.lock();
        match notice {
            Notice::Proposed { view, .. } => {
                inner.counts.proposals += 1;
                inner.moments(*view).proposed.get_or_insert(began);
            }
            Notice::Prepared { view, .. } => {
                let moments = inner.moments(*view);
                if moments.prepared.is_none() {
                    moments.prepared = Some(began);
                    let took = moments.proposed.map(|proposed| began.saturating_duration_since(proposed));
                    took.into_iter().for_each(metrics::proposed_to_prepared);
                }
            }
            Notice::ViewEntered { by: Some(VoteKind::ViewChange), .. } => inner.counts.view_changes += 1,
            Notice::ViewEntered { .. }
            | Notice::ClockStarted { .. }
            | Notice::Work { .. }
            | Notice::WorkGone { .. }
            | Notice::Heard(_)
            | Notice::GaveUp { .. }
            | Notice::Contradiction(_)
            | Notice::Signing => {}
        }
    }

    /// Blocks became final; the last of them in view `commit`. A line of the log for each: the view of one that became
    /// final with a later one is known if its certificate is held.
    pub fn finalized(&self, now: Instant, blocks: &[FinalBlock], commit: View) {
        let inner = &mut *self.0.lock();
        for (place, block) in blocks.iter().enumerate() {
            let last = place + 1 == blocks.len();
            let view = block.prepare.as_ref().map(|prepare| prepare.view()).or(last.then_some(commit));
            let moments = view.and_then(|view| inner.open.remove(&view)).unwrap_or_default();
            if let Some(prepared) = moments.prepared {
                metrics::prepared_to_final(now.saturating_duration_since(prepared));
            }
            let took = moments.proposed.map(|proposed| now.saturating_duration_since(proposed));
            if let Some(took) = took {
                inner.times.insert(block.block.header.sequence, took);
            }
            tracing::info!(
                sequence = block.block.header.sequence.0,
                view = view.map(|view| view.0),
                proofs = block.block.body.proofs.len(),
                took_ms = took.map(|took| took.as_millis() as u64),
                "block final"
            );
        }
        while inner.times.len() > TIMES_MAX {
            inner.times.pop_first();
        }
    }

    /// From a block's proposal, sent or first seen here, until it was final here. None for blocks that were fetched, and
    /// for old ones.
    pub fn proposal_to_final(&self, sequence: Sequence) -> Option<Duration> {
        self.0.lock().times.get(&sequence).copied()
    }

    pub fn counts(&self) -> Counts {
        self.0.lock().counts
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::types::ValidatorIndex;

    #[test]
    fn proposals_are_counted_and_their_number_is_bounded() {
        let observed = Observed::default();
        for view in 1..=OPEN_MAX as u64 + 10 {
            observed.notice(Instant::now(), &Notice::Proposed { view: View(view), leader: ValidatorIndex(0) });
        }
        assert_eq!(observed.counts().proposals, OPEN_MAX as u64 + 10);
        assert_eq!(observed.0.lock().open.len(), OPEN_MAX);
    }

    #[test]
    fn only_view_change_certificates_count_as_view_changes() {
        let observed = Observed::default();
        for by in [None, Some(VoteKind::Prepare), Some(VoteKind::Commit), Some(VoteKind::ViewChange)] {
            let leader = ValidatorIndex(0);
            let entered = Notice::ViewEntered { view: View(2), leader, by, fetched: false, doubles: false };
            observed.notice(Instant::now(), &entered);
        }
        assert_eq!(observed.counts(), Counts { proposals: 0, view_changes: 1 });
    }
}
