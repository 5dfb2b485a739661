//! How often a session is asked whether it is alive, when nothing else is said in it.
//!
//! Every pair of validators has a session: what is asked in each once a second grows with the square of their number, and
//! with sixteen it was a third of all frames of an idle network. What is heard anyway needs no question.

use protocol::turns::is_crowd;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// Validators that ask each other every second.
const FEW: usize = 9;

/// When to ask in a session, and what its silence means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// A peer that was not heard for so long is asked.
    pub quiet: Duration,
    /// The round trip, and the distance of the clocks, are measured anew after this.
    pub measured: Duration,
    /// Without a byte from the peer for so long, the session ends.
    pub silence_max: Duration,
    /// A peer that was heard so lately has not ended and started anew: it is heard more often than this.
    pub answers_within: Duration,
}

impl Pace {
    /// Sessions look at instants that are so far apart, and the same for all: each look on its own would wake the thread, and when nothing
    /// else is said that was half of its wake-ups.
    fn step(self) -> Duration {
        self.quiet / 8
    }

    /// How long until something is due that comes after `span`, of which so much has passed: nothing if that is within half a step.
    pub(super) fn due_in(self, span: Duration, passed: Duration) -> Duration {
        let left = span.saturating_sub(passed);
        if left <= self.step() / 2 { Duration::ZERO } else { left }
    }

    /// How long until the look that is nearest to the end of `span`, which is longer than half a step. At most half a step more or less.
    pub(super) fn together(self, now: Instant, span: Duration) -> Duration {
        static FIRST: OnceLock<Instant> = OnceLock::new();
        let passed = now.saturating_duration_since(*FIRST.get_or_init(|| now));
        let step = self.step().as_nanos().max(1);
        let past_the_nearest = (passed + span + self.step() / 2).as_nanos() % step;
        let beyond = Duration::from_nanos(u64::try_from(past_the_nearest).unwrap_or(u64::MAX));
        (span + self.step() / 2).saturating_sub(beyond)
    }

    /// For so many validators, all told. Many hear of each other every 2 s, or when it is their turn to be told a status
    /// (T1, `docs/CONSENSUS_PROTOCOL.md`), whichever is later: a crowd tells four each half second.
    pub fn of(validators: usize) -> Pace {
        let second = Duration::from_secs(1);
        let (quiet, measured) = if validators <= FEW {
            (second, second)
        } else if is_crowd(validators) {
            let turns = Duration::from_millis(140).saturating_mul(u32::try_from(validators).unwrap_or(u32::MAX));
            ((turns + second / 2).min(second * 10), second * 10)
        } else {
            (second * 5 / 2, second * 10)
        };
        // A look may be half a step late.
        let answers_within = quiet + (second / 2).max(quiet / 8);
        Pace { quiet, measured, silence_max: (quiet * 2).max(second * 5), answers_within }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pace(validators: usize) -> [u128; 4] {
        let Pace { quiet, measured, silence_max, answers_within } = Pace::of(validators);
        [quiet, measured, silence_max, answers_within].map(|span| span.as_millis())
    }

    #[test]
    fn few_ask_every_second_and_many_only_who_is_quiet() {
        assert_eq!(pace(4), [1_000, 1_000, 5_000, 1_500]);
        assert_eq!(pace(9), pace(4));
        assert_eq!(pace(16), [2_500, 10_000, 5_000, 3_000]);
        assert_eq!(pace(32), [4_980, 10_000, 9_960, 5_602]);
        assert_eq!(pace(100), [10_000, 10_000, 20_000, 11_250]);
    }

    /// Whenever it begins to wait, a session looks when the others do, what was due is asked then, and it waits for something.
    #[test]
    fn sessions_look_at_the_same_instants() {
        // The instants count from the first look of the process, which may be another test's.
        _ = Pace::of(4).together(Instant::now(), Duration::from_secs(1));
        let first = Instant::now();
        for validators in [4, 16, 100] {
            let pace = Pace::of(validators);
            let origin = first + pace.together(first, pace.measured);
            for micros in (0..2_000_000).step_by(7_919) {
                let now = origin + Duration::from_micros(micros);
                let wait = pace.together(now, pace.quiet);
                assert!(wait > Duration::ZERO && wait.abs_diff(pace.quiet) <= pace.step() / 2, "{wait:?}");
                let after = (now + wait).duration_since(origin).as_nanos() % pace.step().as_nanos();
                assert_eq!(after, 0, "{validators}: {wait:?}");
                assert_eq!(pace.due_in(pace.quiet, wait), Duration::ZERO);
                let shortest = pace.step() / 2 + Duration::from_nanos(1);
                assert_eq!(pace.due_in(shortest, Duration::ZERO), shortest);
                assert!(pace.together(now, shortest) > Duration::ZERO);
            }
        }
    }

    /// But for more than seventy, where some are asked: a dead peer is to be noticed.
    #[test]
    fn a_turn_of_statuses_comes_before_anybody_is_quiet() {
        for validators in [10, 17, 18, 33, 64, 70] {
            let at_once =
                if is_crowd(validators) { protocol::turns::FEW_AT_ONCE } else { protocol::turns::PEERS_AT_ONCE };
            let turn = Duration::from_millis(500) * (validators - 1).div_ceil(at_once) as u32;
            let pace = Pace::of(validators);
            assert!(pace.quiet - pace.step() / 2 > turn.max(Duration::from_secs(2)), "{validators}");
        }
    }
}
