//! How far this node's wall clock is from its peers', for people: nothing is decided by it.
//!
//! Each pong brings its sender's clock. A peer may lie about it; what is said of this node's own clock is the median of
//! what all of them tell.

use super::frames::PeerMessage;
use super::table::Network;
use crate::tap;
use std::time::Duration;

/// From here on people are told. A validator loses its turns or votes when it is 10 s off.
pub const TOLD_MS_MIN: u64 = 2_000;
/// A slower answer says too little about the time in between.
const ROUND_TRIP_MAX: Duration = Duration::from_secs(1);
/// What is farther apart is as wrong: about 30 years.
const AHEAD_MS_MAX: i128 = 1_000_000_000_000;

/// By how much a peer's clock is ahead of mine, both in milliseconds, from the answer to a ping that just came.
pub(super) fn ahead_ms(theirs: u64, mine: u64, round_trip: Duration) -> Option<i64> {
    // It was read about half a round trip ago.
    let then = i128::from(mine) - i128::try_from(round_trip.as_millis() / 2).unwrap_or(0);
    let ahead = (i128::from(theirs) - then).clamp(-AHEAD_MS_MAX, AHEAD_MS_MAX);
    i64::try_from(ahead).ok().filter(|_| round_trip <= ROUND_TRIP_MAX)
}

/// By how much my clock is ahead of the median of clocks of which these are how far they are ahead of mine. Of two in the
/// middle the one that is nearer to mine counts: half of the others are no reason to doubt it.
pub fn mine_ahead_ms(theirs: impl IntoIterator<Item = i64>) -> Option<i64> {
    let mut theirs: Vec<i64> = theirs.into_iter().collect();
    theirs.sort_unstable();
    let (low, high) = (theirs.get(theirs.len().saturating_sub(1) / 2)?, theirs.get(theirs.len() / 2)?);
    let nearer = if low.unsigned_abs() <= high.unsigned_abs() { low } else { high };
    Some(nearer.saturating_neg())
}

/// Whether people are told of a difference.
pub fn is_told(ahead_ms: i64) -> bool {
    ahead_ms.unsigned_abs() >= TOLD_MS_MIN
}

/// How a difference to something is said.
pub fn words(ahead_ms: i64, of: &str) -> String {
    let seconds = ahead_ms.unsigned_abs() / 1_000;
    if ahead_ms < 0 { format!("{seconds} s behind {of}") } else { format!("{seconds} s ahead of {of}") }
}

/// What was said of my clock last, so that it is said once.
#[derive(Debug, Default)]
pub struct Watch {
    told: bool,
}

impl Watch {
    /// Looks at the sessions' clocks; to be called about once a second.
    pub fn look<M: PeerMessage>(&mut self, network: &Network<M>) {
        let Some(ahead) = mine_ahead_ms(network.clocks()) else { return };
        tap::network::clock_ahead(ahead);
        if is_told(ahead) != self.told {
            self.told = !self.told;
            if self.told {
                tracing::warn!(
                    clock = words(ahead, "the median of the peers' clocks"),
                    "this machine's clock is wrong, or most others' are: a validator that is 10 s off loses its own turns or \
                     votes; set it by NTP"
                );
            } else {
                tracing::info!("this machine's clock agrees with the peers' again");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_is_measured_to_half_a_round_trip_and_bounded() {
        let span = Duration::from_millis(100);
        assert_eq!(ahead_ms(10_000, 10_050, span), Some(0));
        assert_eq!(ahead_ms(3_610_000, 10_050, span), Some(3_600_000));
        assert_eq!(ahead_ms(0, 3_600_050, span), Some(-3_600_000));
        assert_eq!(ahead_ms(u64::MAX, 0, span), Some(1_000_000_000_000));
        assert_eq!(ahead_ms(0, u64::MAX, span), Some(-1_000_000_000_000));
        assert_eq!(ahead_ms(0, 0, Duration::from_millis(1_001)), None);
    }

    #[test]
    fn only_most_of_the_others_make_my_clock_wrong() {
        assert_eq!(mine_ahead_ms([]), None);
        assert_eq!(mine_ahead_ms([-3_600]), Some(3_600));
        assert_eq!(mine_ahead_ms([0, 3_600]), Some(0), "one of two");
        assert_eq!(mine_ahead_ms([5, 3_600, -2]), Some(-5));
        assert_eq!(mine_ahead_ms([-3_600, 4, -3_601]), Some(3_600));
        assert_eq!(mine_ahead_ms([0, 0, -3_600, -3_600]), Some(0));
    }

    #[test]
    fn a_difference_is_said_in_words() {
        assert_eq!(words(3_600_400, "ours"), "3600 s ahead of ours");
        assert_eq!(words(-2_000, "ours"), "2 s behind ours");
        assert!(!is_told(1_999) && is_told(-2_000));
    }
}
