//! Values on the command line: read with their bounds, so that a wrong one is named before anything is done.

use crate::text::plain;
use std::time::Duration;

/// A year; longer waits are mistakes.
const SECONDS_MAX: f64 = 31_536_000.0;

/// Ten years.
const SPAN_SECONDS_MAX: f64 = 87_600.0 * 3_600.0;

/// A value that is not what its argument takes: says what to write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ValueError {
    #[error("write a whole number from 0 to {max}", max = u64::MAX)]
    Whole,
    #[error("write a number of seconds from 0 to {max}", max = SECONDS_MAX)]
    Seconds,
    #[error("write a span above 0, as 90s, 10m or 1h; a number without a unit is hours")]
    Span,
}

/// A whole number.
///
/// # Errors
/// [`ValueError::Whole`]
pub fn whole(text: &str) -> Result<u64, ValueError> {
    text.parse().map_err(|_| ValueError::Whole)
}

/// A span in seconds, fractions allowed.
///
/// # Errors
/// [`ValueError::Seconds`]
pub fn seconds(text: &str) -> Result<Duration, ValueError> {
    let seconds = text.parse().ok().filter(|seconds| (0.0..=SECONDS_MAX).contains(seconds));
    let span = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    span.ok_or(ValueError::Seconds)
}

/// A span: `90s`, `10m`, `1h`, or a number of hours as the guide has it; fractions are allowed.
///
/// # Errors
/// [`ValueError::Span`]
pub fn span(text: &str) -> Result<Duration, ValueError> {
    let (number, unit) = match text.char_indices().next_back() {
        Some((at, 's')) => (&text[..at], 1.0),
        Some((at, 'm')) => (&text[..at], 60.0),
        Some((at, 'h')) => (&text[..at], 3_600.0),
        _ => (text, 3_600.0),
    };
    let seconds = number.parse::<f64>().ok().map(|number| number * unit);
    let seconds = seconds.filter(|seconds| *seconds > 0.0 && *seconds <= SPAN_SECONDS_MAX);
    let span = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()).filter(|span| !span.is_zero());
    span.ok_or(ValueError::Span)
}

/// This program as the user typed it, for commands that are to be typed next: who ran it by its path may not find `pop`.
pub fn program() -> String {
    let typed = std::env::args().next().unwrap_or_default();
    if typed.contains('/') { plain(&typed) } else { "pop".to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_has_a_unit_or_is_in_hours() {
        let seconds = |text| span(text).map(|span| span.as_secs_f64());
        for (text, expected) in [("90s", 90.0), ("10m", 600.0), ("1h", 3_600.0), ("1.5h", 5_400.0), ("0.05", 180.0)] {
            assert_eq!(seconds(text), Ok(expected), "{text}");
        }
        for text in ["0", "-1", "-1s", "nan", "nanh", "inf", "", "s", "1d", "10 m", "87601", "1e-300", "1ä"] {
            assert!(span(text).is_err(), "{text:?}");
        }
    }

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
