//! Values on the command line: read with their bounds, so that a wrong one is named before anything is done.

use std::time::Duration;

/// A year; longer waits are mistakes.
const SECONDS_MAX: f64 = 31_536_000.0;

/// A whole number.
pub fn whole(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| format!("write a whole number from 0 to {}", u64::MAX))
}

/// A span in seconds, fractions allowed.
pub fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = text.parse().ok().filter(|seconds| (0.0..=SECONDS_MAX).contains(seconds));
    let span = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    span.ok_or_else(|| format!("write a number of seconds from 0 to {SECONDS_MAX}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_number_within_its_bounds_is_refused() {
        assert_eq!(seconds("0.25"), Ok(Duration::from_millis(250)));
        assert_eq!(seconds("0"), Ok(Duration::ZERO));
        for text in ["NaN", "inf", "-1", "-0.1", "1e300", "", "ten", "31536001"] {
            assert!(seconds(text).is_err(), "{text:?}");
        }
        assert_eq!(whole("18446744073709551615"), Ok(u64::MAX));
        for text in ["-1", "1.5", "18446744073709551616", "", "1e3"] {
            assert!(whole(text).is_err(), "{text:?}");
        }
    }
}
