//! When each round got how far, by this node's own clock: for metrics and for the log. It decides nothing.

use crate::metrics;
use protocol::consensus::events::Notice;
use protocol::types::View;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// Rounds that are remembered; the oldest is forgotten first.
const ROUNDS_MAX: usize = 64;

#[derive(Debug, Clone, Copy, Default)]
struct Moments {
    proposed: Option<Instant>,
    prepared: Option<Instant>,
}

/// The moments of the newest rounds.
#[derive(Debug, Default)]
pub struct Rounds(BTreeMap<View, Moments>);

impl Rounds {
    pub fn on_notice(&mut self, now: Instant, notice: &Notice) {
        match notice {
            Notice::Proposed { view, .. } => _ = self.of(*view).proposed.get_or_insert(now),
            Notice::Prepared { view, .. } => {
                let round = self.of(*view);
                if round.prepared.is_none() {
                    round.prepared = Some(now);
                    if let Some(proposed) = round.proposed {
                        metrics::proposed_to_prepared(now.saturating_duration_since(proposed));
                    }
                }
            }
            Notice::ViewEntered { .. }
            | Notice::ClockStarted { .. }
            | Notice::Work { .. }
            | Notice::Heard(_)
            | Notice::GaveUp { .. }
            | Notice::Contradiction(_)
            | Notice::Signing => {}
        }
    }

    /// The block of this view is final. Returns how long that took since its proposal, if that was seen.
    pub fn on_final(&mut self, now: Instant, view: View) -> Option<Duration> {
        let round = self.0.remove(&view)?;
        if let Some(prepared) = round.prepared {
            metrics::prepared_to_final(now.saturating_duration_since(prepared));
        }
        round.proposed.map(|proposed| now.saturating_duration_since(proposed))
    }

    fn of(&mut self, view: View) -> &mut Moments {
        if !self.0.contains_key(&view) && self.0.len() >= ROUNDS_MAX {
            self.0.pop_first();
        }
        self.0.entry(view).or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::types::ValidatorIndex;

    #[test]
    fn a_round_is_timed_from_its_first_proposal_and_once() {
        let mut rounds = Rounds::default();
        let (start, leader) = (Instant::now(), ValidatorIndex(0));
        let at = |ms| start + Duration::from_millis(ms);
        rounds.on_notice(at(0), &Notice::Proposed { view: View(1), leader });
        rounds.on_notice(at(5), &Notice::Proposed { view: View(1), leader });
        rounds.on_notice(at(7), &Notice::Prepared { view: View(1), leader });
        assert_eq!(rounds.on_final(at(12), View(1)), Some(Duration::from_millis(12)));
        assert_eq!(rounds.on_final(at(13), View(1)), None);
        rounds.on_notice(at(20), &Notice::Prepared { view: View(2), leader });
        assert_eq!(rounds.on_final(at(21), View(2)), None, "fetched, its proposal was never seen");
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let mut rounds = Rounds::default();
        for view in 0..1_000 {
            rounds.on_notice(Instant::now(), &Notice::Proposed { view: View(view), leader: ValidatorIndex(0) });
        }
        assert_eq!(rounds.0.len(), ROUNDS_MAX);
    }
}
