//! How much one peer may send: a token bucket for each kind of message and one for bytes.
//!
//! Who sends more is read later; the connection's own flow control then slows it down, and nothing is lost. Pure: the
//! time is an argument.

use std::time::{Duration, Instant};

/// Bytes that one peer may send for long.
pub const BYTES_PER_SECOND: u32 = 32 << 20;
/// Bytes that it may send at once.
pub const BYTES_BURST: u32 = 32 << 20;

/// A token bucket, kept as the instant at which it would be full again.
#[derive(Debug, Clone, Copy)]
pub struct Bucket {
    full_at: Instant,
    nanos_per_unit: f64,
    burst: Duration,
}

impl Bucket {
    pub fn new(per_second: u32, burst: u32, now: Instant) -> Bucket {
        let nanos_per_unit = 1e9 / f64::from(per_second.max(1));
        Bucket { full_at: now, nanos_per_unit, burst: nanos(nanos_per_unit * f64::from(burst.max(1))) }
    }

    /// How long to wait until `units` could be taken without a wait. Takes nothing.
    pub fn peek(&self, units: usize, now: Instant) -> Duration {
        Bucket::take(&mut { *self }, units, now)
    }

    /// Takes `units` out and says how long to wait until they were there. What is more than the burst waits, too.
    pub fn take(&mut self, units: usize, now: Instant) -> Duration {
        self.full_at = self.full_at.max(now) + nanos(self.nanos_per_unit * units as f64);
        self.full_at.saturating_duration_since(now + self.burst)
    }
}

fn nanos(nanos: f64) -> Duration {
    // A float turned into an integer saturates; 2^53 nanoseconds are a hundred days.
    Duration::from_nanos(nanos as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_passes_and_what_follows_is_slowed_to_the_rate() {
        let start = Instant::now();
        let mut bucket = Bucket::new(100, 10, start);
        for _ in 0..10 {
            assert_eq!(bucket.take(1, start), Duration::ZERO);
        }
        assert_eq!(bucket.take(1, start), Duration::from_millis(10));
        assert_eq!(bucket.take(1, start), Duration::from_millis(20));
    }

    #[test]
    fn a_bucket_fills_again_and_never_beyond_its_burst() {
        let start = Instant::now();
        let mut bucket = Bucket::new(100, 10, start);
        bucket.take(10, start);
        let later = start + Duration::from_secs(1_000);
        assert_eq!(bucket.take(10, later), Duration::ZERO);
        assert_eq!(bucket.take(1, later), Duration::from_millis(10));
    }
}
