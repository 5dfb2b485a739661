//! What consensus was seen to do since the process started, for people: how long blocks took, views with a proposal, view
//! changes. Nothing is decided by it; it outlives the actor's incarnations.

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

#[derive(Debug, Default)]
struct Inner {
    counts: Counts,
    proposed: BTreeMap<View, Instant>,
    times: BTreeMap<Sequence, Duration>,
}

/// Shared between the actor, which writes, and whoever answers people. Every lock is held for a look-up's time.
#[derive(Debug, Default)]
pub struct Observed(Mutex<Inner>);

impl Observed {
    /// Follows a notice; `began` is when the step that gave it did, before its records were durable.
    pub fn notice(&self, began: Instant, notice: &Notice) {
        let inner = &mut *self.0.lock();
        match notice {
            Notice::Proposed { view, .. } => {
                inner.counts.proposals += 1;
                inner.proposed.insert(*view, began);
                if inner.proposed.len() > OPEN_MAX {
                    inner.proposed.pop_first();
                }
            }
            Notice::ViewEntered { by: Some(VoteKind::ViewChange), .. } => inner.counts.view_changes += 1,
            Notice::ViewEntered { .. }
            | Notice::ClockStarted { .. }
            | Notice::Work { .. }
            | Notice::WorkGone { .. }
            | Notice::Prepared { .. }
            | Notice::Heard(_)
            | Notice::GaveUp { .. }
            | Notice::Contradiction(_)
            | Notice::Signing => {}
        }
    }

    /// Blocks became final; the last of them in view `commit`.
    pub fn finalized(&self, now: Instant, blocks: &[FinalBlock], commit: View) {
        let inner = &mut *self.0.lock();
        for (place, block) in blocks.iter().enumerate() {
            let last = place + 1 == blocks.len();
            let view = block.prepare.as_ref().map(|prepare| prepare.view()).or(last.then_some(commit));
            let proposed = view.and_then(|view| inner.proposed.remove(&view));
            if let Some(proposed) = proposed {
                inner.times.insert(block.block.header.sequence, now.duration_since(proposed));
            }
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
        assert_eq!(observed.0.lock().proposed.len(), OPEN_MAX);
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
