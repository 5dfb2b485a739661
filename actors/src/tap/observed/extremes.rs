//! The fastest and the slowest block of the last minutes, exactly: a histogram knows only the bucket.
//!
//! Must never: allocate, or read a clock.

use std::time::{Duration, Instant};

/// A span that is over is kept until the next one is over, so that no scrape of less than this interval misses a block.
const SPAN: Duration = Duration::from_secs(60);

/// The least and the most of some times.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extremes {
    pub min: Duration,
    pub max: Duration,
}

impl Extremes {
    fn with(self, other: Extremes) -> Extremes {
        Extremes { min: self.min.min(other.min), max: self.max.max(other.max) }
    }
}

/// Times in two generations: the newest is between nothing and [`SPAN`] old, the one before it up to twice that.
#[derive(Debug, Default)]
pub(super) struct RecentExtremes {
    /// When the newest generation began, and what it holds.
    newest: Option<(Instant, Extremes)>,
    before: Option<Extremes>,
}

impl RecentExtremes {
    pub(super) fn record(&mut self, now: Instant, took: Duration) {
        let one = Extremes { min: took, max: took };
        self.newest = match self.newest {
            Some((began, held)) if now.saturating_duration_since(began) < SPAN => Some((began, held.with(one))),
            over => {
                self.before = over.map(|(_, held)| held);
                Some((now, one))
            }
        };
    }

    /// Of the times recorded in the last one or two [`SPAN`]s in which any were; none before the first.
    pub(super) fn get(&self) -> Option<Extremes> {
        let (_, newest) = self.newest?;
        Some(self.before.map_or(newest, |before| before.with(newest)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fastest_and_the_slowest_are_kept_for_a_span_at_least_and_two_at_most() {
        let (began, ms) = (Instant::now(), Duration::from_millis);
        let mut recent = RecentExtremes::default();
        assert_eq!(recent.get(), None);
        recent.record(began, ms(30));
        recent.record(began + SPAN - ms(1), ms(700));
        assert_eq!(recent.get(), Some(Extremes { min: ms(30), max: ms(700) }));
        recent.record(began + SPAN, ms(40));
        assert_eq!(recent.get(), Some(Extremes { min: ms(30), max: ms(700) }));
        recent.record(began + SPAN * 2, ms(50));
        assert_eq!(recent.get(), Some(Extremes { min: ms(40), max: ms(50) }));
    }
}
