//! How single values are written on the monitor's screens.
//!
//! All moments are UTC, as in the nodes' logs. Must never: write what a terminal obeys.

use crate::text::{span, utc};

/// Digits of an identifier that are shown.
const DIGITS: usize = 12;

/// `14:02:11`.
pub fn clock(ms: u64) -> String {
    days(ms).split(' ').nth(1).unwrap_or_default().to_owned()
}

/// `2026-02-10 14:30:45 UTC`.
pub fn days(ms: u64) -> String {
    let text = utc(ms);
    match text.split_once('.') {
        Some((whole, _)) => format!("{whole} UTC"),
        None => text,
    }
}

/// `12 s ago`.
pub fn ago(now_ms: u64, then_ms: u64) -> String {
    match now_ms.saturating_sub(then_ms) {
        0..1_000 => "just now".into(),
        ms => format!("{} ago", span(ms)),
    }
}

/// As the guide writes a latency: `2.345s`.
pub fn seconds(ms: f64) -> String {
    format!("{:.3}s", ms / 1e3)
}

/// In the unit that fits: `0.31 ms`, `12 ms`, `2.35 s`.
pub fn milliseconds(ms: f64) -> String {
    if ms < 10.0 {
        format!("{ms:.2} ms")
    } else if ms < 1_000.0 {
        format!("{ms:.0} ms")
    } else if ms < 100_000.0 {
        format!("{:.2} s", ms / 1e3)
    } else {
        format!("{:.0} s", ms / 1e3)
    }
}

/// The beginning of an identifier.
pub fn short(id: &str) -> &str {
    id.get(..DIGITS).unwrap_or(id)
}

/// The same text in ASCII: lines and marks have their like, and what has none is a question mark.
pub fn ascii(text: &str) -> String {
    let like = |character: char| match character {
        '─' | '–' | '·' => '-',
        '│' => '|',
        '…' => '.',
        '●' => '*',
        '▸' => '>',
        '▲' | '↑' => '^',
        '▼' | '↓' => 'v',
        _ if character.is_ascii() => character,
        _ => '?',
    };
    text.chars().map(like).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_read_well() {
        assert_eq!(
            (clock(1_770_733_845_678).as_str(), days(1_770_733_845_678).as_str()),
            ("14:30:45", "2026-02-10 14:30:45 UTC")
        );
        assert!(!clock(u64::MAX).is_empty());
        assert_eq!(
            (ago(5_000, 4_500).as_str(), ago(9_000, 4_000).as_str(), ago(1, 9).as_str()),
            ("just now", "5 s ago", "just now")
        );
        let said = [0.313, 12.4, 2_345.0, 123_456.0].map(milliseconds);
        assert_eq!(said, ["0.31 ms", "12 ms", "2.35 s", "123 s"]);
        assert_eq!((short("0123456789abcdef"), short("01"), short("ä")), ("0123456789ab", "01", "ä"));
        assert_eq!(ascii("a─b…ü"), "a-b.?");
    }
}
