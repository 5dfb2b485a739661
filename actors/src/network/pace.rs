//! How often a session is asked whether it is alive, when nothing else is said in it.
//!
//! Every pair of validators has a session: what is asked in each once a second grows with the square of their number, and
//! with sixteen it was a third of all frames of an idle network. What is heard anyway needs no question.

use std::time::Duration;

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
    /// For so many validators, all told. Many hear of each other every 2 s, or when it is their turn to be told a status
    /// (T1, `docs/CONSENSUS_PROTOCOL.md`), whichever is later.
    pub fn of(validators: usize) -> Pace {
        let second = Duration::from_secs(1);
        let (quiet, measured) = if validators <= FEW {
            (second, second)
        } else {
            let turn = Duration::from_millis(40).saturating_mul(u32::try_from(validators).unwrap_or(u32::MAX));
            (turn.max(second * 5 / 2), second * 10)
        };
        let answers_within = quiet + second / 2;
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
        assert_eq!(pace(100), [4_000, 10_000, 8_000, 4_500]);
    }

    #[test]
    fn a_turn_of_statuses_comes_before_anybody_is_quiet() {
        for validators in [10, 17, 33, 64, 100, 1_000] {
            let turn = Duration::from_millis(500) * (validators as u32 - 1).div_ceil(16);
            assert!(Pace::of(validators).quiet > turn.max(Duration::from_secs(2)), "{validators}");
        }
    }
}
