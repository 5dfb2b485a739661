//! Names, stakes, spans and moments, as they stand in a sentence.

use super::{Absent, How};
use crate::text::{plain, span, utc};

/// Names in one sentence; a network may have a thousand validators.
const NAMES_MAX: usize = 5;
const DAY_MS: u64 = 86_400_000;

/// `20000 of 40000 stake`, in whole tokens.
pub(super) fn stakes(part: u64, total: u64) -> String {
    format!("{part} of {total} stake")
}

/// `0.8 s ago`, `3 min ago`.
pub(super) fn ago(ms: u64) -> String {
    if ms < 10_000 { format!("{}.{} s ago", ms / 1_000, ms % 1_000 / 100) } else { format!("{} ago", span(ms)) }
}

/// `; missing node_3 (since 14:02:11 UTC), node_4 (…)`; nothing if none is.
pub(super) fn list_missing(now_ms: u64, missing: &[Absent<'_>]) -> String {
    if missing.is_empty() {
        return String::new();
    }
    let names: Vec<String> = missing.iter().take(NAMES_MAX).map(|absent| name(now_ms, absent)).collect();
    let more = match missing.len().saturating_sub(NAMES_MAX) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!("; missing {}{more}", names.join(", "))
}

fn name(now_ms: u64, absent: &Absent<'_>) -> String {
    let at = moment(now_ms, absent.since_ms);
    let node_id = plain(absent.node_id);
    match absent.how {
        How::Disconnected => format!("{node_id} (since {at})"),
        How::NeverConnected => format!("{node_id} (never seen, since {at})"),
        How::Silent => format!("{node_id} (connected, no vote since {at})"),
        How::NotSigning => format!("{node_id} itself (does not sign)"),
    }
}

/// The time of a moment, with its day if that is not the last one.
fn moment(now_ms: u64, at_ms: u64) -> String {
    let text = utc(at_ms);
    let (day, time) = text.split_once(' ').unwrap_or(("", &text));
    let time = time.split('.').next().unwrap_or(time);
    if now_ms.saturating_sub(at_ms) < DAY_MS / 2 { format!("{time} UTC") } else { format!("{day} {time} UTC") }
}
