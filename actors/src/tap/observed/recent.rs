//! The last ten minutes by spans of five seconds: blocks and proofs that became final here, and how long the blocks
//! took.
//!
//! It is recorded whether or not anybody reads it, so that a newly opened page shows earlier minutes. Bounded: in
//! spans, and in the times kept for each.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// How long a span is.
pub const SPAN: Duration = Duration::from_secs(5);
/// Spans that are kept, the one that has not ended included.
const SPANS_MAX: usize = 120;
/// Times of blocks in one span; those beyond are counted as blocks alone.
const TIMES_MAX: usize = 512;

/// What became final within one span.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Span {
    pub blocks: u32,
    pub proofs: u32,
    /// From a block's proposal, sent or first seen here, until it was final here: the median and the longest. None without a
    /// block whose proposal was seen.
    pub median: Option<Duration>,
    pub longest: Option<Duration>,
}

/// The spans that have ended.
#[derive(Debug, Clone, PartialEq)]
pub struct History {
    /// Oldest first.
    pub spans: Vec<Span>,
    /// How many have ended since the start: what has one number is one history.
    pub number: u64,
    /// How long ago the last of them ended.
    pub ended_ago: Duration,
}

#[derive(Debug, Default)]
struct Open {
    blocks: u32,
    proofs: u32,
    times: Vec<Duration>,
}

impl Open {
    fn close(mut self) -> Span {
        self.times.sort_unstable();
        let median = self.times.get(self.times.len().saturating_sub(1) / 2).copied();
        Span { blocks: self.blocks, proofs: self.proofs, median, longest: self.times.last().copied() }
    }
}

#[derive(Debug)]
pub(super) struct Recent {
    /// When the first span of all began.
    epoch: Instant,
    /// The number of the open span, from the first on.
    number: u64,
    open: Open,
    /// Those before it, oldest first.
    closed: VecDeque<Span>,
}

impl Recent {
    pub(super) fn new(epoch: Instant) -> Recent {
        Recent { epoch, number: 0, open: Open::default(), closed: VecDeque::new() }
    }

    /// Closes what has ended by now.
    fn advance(&mut self, now: Instant) {
        let number = u64::try_from(now.saturating_duration_since(self.epoch).as_millis() / SPAN.as_millis());
        let number = number.unwrap_or(u64::MAX);
        if number <= self.number {
            return;
        }
        // Of a long silence only what is kept is made.
        let passed = usize::try_from(number - self.number).unwrap_or(usize::MAX).min(SPANS_MAX);
        self.closed.push_back(std::mem::take(&mut self.open).close());
        self.closed.extend(std::iter::repeat_n(Span::default(), passed - 1));
        while self.closed.len() >= SPANS_MAX {
            self.closed.pop_front();
        }
        self.number = number;
    }

    /// A block became final; `took` is the time from its proposal, where that was seen.
    pub(super) fn block(&mut self, now: Instant, proofs: usize, took: Option<Duration>) {
        self.advance(now);
        self.open.blocks = self.open.blocks.saturating_add(1);
        self.open.proofs = self.open.proofs.saturating_add(u32::try_from(proofs).unwrap_or(u32::MAX));
        self.open.times.extend(took.filter(|_| self.open.times.len() < TIMES_MAX));
    }

    pub(super) fn history(&mut self, now: Instant) -> History {
        self.advance(now);
        let ended = SPAN.saturating_mul(u32::try_from(self.number).unwrap_or(u32::MAX));
        let ended_ago = now.saturating_duration_since(self.epoch).saturating_sub(ended);
        History { spans: self.closed.iter().cloned().collect(), number: self.number, ended_ago }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn blocks_are_counted_in_the_span_in_which_they_became_final() {
        let epoch = Instant::now();
        let mut recent = Recent::new(epoch);
        recent.block(epoch + ms(100), 3, Some(ms(40)));
        recent.block(epoch + ms(200), 0, Some(ms(10)));
        recent.block(epoch + ms(4_999), 1, Some(ms(20)));
        recent.block(epoch + ms(5_000), 1, None);
        assert_eq!(recent.history(epoch + ms(5_001)).spans.len(), 1, "the open one has not ended");
        let history = recent.history(epoch + ms(16_000));
        let first = Span { blocks: 3, proofs: 4, median: Some(ms(20)), longest: Some(ms(40)) };
        let second = Span { blocks: 1, proofs: 1, median: None, longest: None };
        let spans = vec![first, second, Span::default()];
        assert_eq!(history, History { spans, number: 3, ended_ago: ms(1_000) });
    }

    #[test]
    fn no_more_is_kept_than_ten_minutes() {
        let epoch = Instant::now();
        let mut recent = Recent::new(epoch);
        for second in 0..2_000 {
            recent.block(epoch + ms(second * 1_000), 1, Some(ms(1)));
        }
        assert_eq!(recent.history(epoch + ms(2_000_000)).spans.len(), SPANS_MAX - 1);
        let spans = recent.history(epoch + ms(9_000_000)).spans;
        assert!(spans.len() == SPANS_MAX - 1 && spans.iter().all(|span| *span == Span::default()));
        (0..2 * TIMES_MAX).for_each(|_| recent.block(epoch + ms(9_000_000), 1, Some(ms(1))));
        assert_eq!((recent.open.times.len(), recent.open.blocks), (TIMES_MAX, 2 * TIMES_MAX as u32));
    }
}
