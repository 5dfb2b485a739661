//! Latency and throughput, from final blocks.
//!
//! Each figure says over which blocks it is: a percentile without its span is a rumour. Must never: mix times of this
//! machine's clock with another's without saying so; a block that comes while one looks counts when it came, an older one at
//! its proposer's time.

use super::facts::Block;
use protocol::types::Millis;
use serde::Serialize;
use std::collections::VecDeque;

/// Blocks that are remembered: at ten a second the last three and a half minutes, idle most of a working day.
const BLOCKS_MAX: usize = 2_048;
/// What *now* means for throughput.
pub const CURRENT_SPAN: Millis = Millis(30_000);

/// A final block, as far as it is counted.
#[derive(Debug, Clone, PartialEq)]
struct Sample {
    sequence: u64,
    id: String,
    /// Which node told it, and when.
    by: usize,
    told: Millis,
    /// When it became final, as far as is known.
    at: Millis,
    proofs: u64,
    latency_ms: Option<f64>,
}

/// The newest final blocks, each once.
#[derive(Debug, Default)]
pub struct Figures {
    samples: VecDeque<Sample>,
}

/// From a block's proposal until it was final, both as one node saw them. Milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Latency {
    /// Blocks whose time is known, and the first of them.
    pub blocks: usize,
    pub first_block: u64,
    pub since_ms: u64,
    pub average_ms: f64,
    pub minimum_ms: f64,
    pub maximum_ms: f64,
    /// The smallest time that half, 99 of 100, of them do not exceed.
    pub p50_ms: f64,
    pub p99_ms: f64,
}

/// Proofs that became final.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Throughput {
    /// A second, over the last 30 s.
    pub current_per_second: f64,
    /// A second, over the blocks that the monitor knows.
    pub average_per_second: f64,
    pub blocks: usize,
    pub first_block: u64,
    pub since_ms: u64,
}

impl Figures {
    /// Takes a block in that a node told. False if it is known, or older than what is known.
    pub fn add(&mut self, block: &Block, by: usize, told: Millis, at: Millis) -> bool {
        if self.samples.back().is_some_and(|last| last.sequence >= block.sequence) {
            return false;
        }
        let at = self.samples.back().map_or(at, |last| last.at.max(at));
        let proofs = block.proofs.len() as u64;
        let (sequence, id, latency_ms) = (block.sequence, block.id.clone(), block.latency_ms);
        self.samples.push_back(Sample { sequence, id, by, told, at, proofs, latency_ms });
        if self.samples.len() > BLOCKS_MAX {
            self.samples.pop_front();
        }
        true
    }

    pub fn clear(&mut self) {
        self.samples.clear();
    }

    /// Forgets this block and all after it.
    pub fn forget_from(&mut self, sequence: u64) {
        self.samples.retain(|sample| sample.sequence < sequence);
    }

    /// The first block above a sequence that was told before a moment, and who told it.
    pub fn first_above(&self, sequence: u64, before: Millis) -> Option<(u64, usize)> {
        let above = self.samples.iter().rev().take_while(|sample| sample.sequence > sequence);
        let first = above.filter(|sample| sample.told < before).last()?;
        Some((first.sequence, first.by))
    }

    /// The id of a block and who told it, if the block is known.
    pub fn block(&self, sequence: u64) -> Option<(&str, usize)> {
        let place = self.samples.binary_search_by_key(&sequence, |sample| sample.sequence).ok()?;
        let sample = &self.samples[place];
        Some((&sample.id, sample.by))
    }

    /// When the newest block was final, as far as this monitor knows.
    pub fn last_final(&self) -> Option<Millis> {
        self.samples.back().map(|last| last.at)
    }

    /// The newest block.
    pub fn last_sequence(&self) -> Option<u64> {
        self.samples.back().map(|last| last.sequence)
    }

    pub fn latency(&self) -> Option<Latency> {
        let first = self.samples.iter().find(|sample| sample.latency_ms.is_some())?;
        let mut times = self.latencies();
        times.sort_unstable_by(f64::total_cmp);
        Some(Latency {
            blocks: times.len(),
            first_block: first.sequence,
            since_ms: first.at.0,
            average_ms: times.iter().sum::<f64>() / times.len() as f64,
            minimum_ms: times[0],
            maximum_ms: times[times.len() - 1],
            p50_ms: nearest_rank(&times, 50),
            p99_ms: nearest_rank(&times, 99),
        })
    }

    pub fn throughput(&self, now: Millis) -> Option<Throughput> {
        let first = self.samples.front()?;
        let newest = self.samples.iter().rev().take_while(|sample| now.since(sample.at) < CURRENT_SPAN);
        let proofs: u64 = newest.map(|sample| sample.proofs).sum();
        let all: u64 = self.samples.iter().map(|sample| sample.proofs).sum();
        // Less than a second of blocks would be extrapolated to many.
        let seconds = (now.since(first.at).0 as f64 / 1e3).max(1.0);
        Some(Throughput {
            current_per_second: proofs as f64 / (CURRENT_SPAN.0 as f64 / 1e3),
            average_per_second: all as f64 / seconds,
            blocks: self.samples.len(),
            first_block: first.sequence,
            since_ms: first.at.0,
        })
    }

    /// The known latencies, oldest first.
    pub fn latencies(&self) -> Vec<f64> {
        self.samples.iter().filter_map(|sample| sample.latency_ms).collect()
    }

    /// Proofs a second in each of `count` steps of time that end now, oldest first.
    pub fn rates(&self, now: Millis, step: Millis, count: usize) -> Vec<f64> {
        let mut rates = vec![0.0; count];
        let step = step.0.max(1);
        for sample in self.samples.iter().rev() {
            let back = usize::try_from(now.since(sample.at).0 / step).unwrap_or(usize::MAX);
            if back >= count {
                break;
            }
            rates[count - 1 - back] += sample.proofs as f64 * 1e3 / step as f64;
        }
        rates
    }
}

/// Of sorted values, which are not empty.
fn nearest_rank(sorted: &[f64], percent: usize) -> f64 {
    let rank = (sorted.len() * percent).div_ceil(100);
    sorted[rank.clamp(1, sorted.len()) - 1]
}

#[cfg(test)]
mod tests {
    use super::super::facts::Entry;
    use super::*;
    use protocol::types::Hash;

    fn block(sequence: u64, proofs: usize, latency_ms: Option<f64>) -> Block {
        Block {
            sequence,
            proofs: vec![Entry { proof: Hash::ZERO, difficulty: 1 }; proofs],
            latency_ms,
            ..Block::default()
        }
    }

    #[test]
    fn percentiles_are_times_that_were_seen() {
        let mut figures = Figures::default();
        assert_eq!((figures.latency(), figures.throughput(Millis(0))), (None, None));
        figures.add(&block(1, 0, None), 0, Millis(0), Millis(1_000));
        assert_eq!(figures.latency(), None, "no time of it is known");
        for number in 1..=200u64 {
            figures.add(&block(number + 1, 0, Some(number as f64)), 0, Millis(0), Millis(1_000 + number));
        }
        let latency = figures.latency().unwrap();
        assert_eq!(
            (latency.p50_ms, latency.p99_ms, latency.minimum_ms, latency.maximum_ms),
            (100.0, 198.0, 1.0, 200.0)
        );
        assert_eq!((latency.average_ms, latency.blocks, latency.first_block, latency.since_ms), (100.5, 200, 2, 1_001));
        assert_eq!(nearest_rank(&[7.0], 99), 7.0);
    }

    #[test]
    fn throughput_counts_each_block_once_and_over_the_span_that_it_says() {
        let mut figures = Figures::default();
        assert!(figures.add(&block(1, 30, None), 0, Millis(0), Millis(10_000)));
        assert!(!figures.add(&block(1, 30, None), 0, Millis(0), Millis(11_000)), "known");
        assert!(figures.add(&block(2, 60, None), 0, Millis(0), Millis(100_000)));
        let throughput = figures.throughput(Millis(110_000)).unwrap();
        assert_eq!((throughput.current_per_second, throughput.average_per_second), (2.0, 0.9));
        assert_eq!((throughput.since_ms, throughput.first_block, throughput.blocks), (10_000, 1, 2));
        assert_eq!(figures.throughput(Millis(131_000)).unwrap().current_per_second, 0.0);
        assert_eq!(figures.rates(Millis(101_000), Millis(2_000), 3), [0.0, 0.0, 30.0]);
        assert_eq!(figures.rates(Millis(103_000), Millis(2_000), 3), [0.0, 30.0, 0.0]);
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let mut figures = Figures::default();
        (1..=3 * BLOCKS_MAX as u64)
            .for_each(|number| _ = figures.add(&block(number, 1, Some(1.0)), 0, Millis(0), Millis(number)));
        assert_eq!(figures.latency().unwrap().blocks, BLOCKS_MAX);
    }
}
