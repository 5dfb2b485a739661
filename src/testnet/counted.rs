//! What validators count of themselves, read from their pages of metrics at the begin and at the end of a run: how far they
//! are, what they sent to each other, which signatures they checked, how long they kept their sessions waiting.

use super::asking;
use super::validators::Running;
use crate::client::Client;
use actors::metrics::{CONSENSUS_SEQUENCE, NETWORK_BYTES, NETWORK_MESSAGES, NETWORK_STEP_MAX, SIGNATURES_CHECKED};
use serde::Serialize;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// How long the first pages are waited for.
const FIRST_PAGES: Duration = Duration::from_secs(5);

/// What one page says.
#[derive(Debug, Clone, Default, PartialEq)]
struct Counts {
    sequence: u64,
    sent: BTreeMap<String, SentKind>,
    signatures: BTreeMap<String, u64>,
    step_max_seconds: f64,
}

/// Of each process, by its number: one that was started again counts from nothing.
type ByProcess = BTreeMap<u32, Counts>;

#[derive(Debug)]
pub struct Counted {
    before: ByProcess,
    after: ByProcess,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct SentKind {
    pub messages: u64,
    /// Of frames, before TLS.
    pub bytes: u64,
}

impl Counted {
    pub fn start(running: &[Running]) -> Counted {
        Counted { before: pages(running, Instant::now() + FIRST_PAGES), after: ByProcess::new() }
    }

    /// Reads the last pages of those that answer by then.
    pub fn end(&mut self, running: &[Running], until: Instant) {
        self.after = pages(running, until);
    }

    /// Final blocks between the two readings.
    pub fn blocks(&self) -> u64 {
        let highest = |pages: &ByProcess| pages.values().map(|page| page.sequence).max().unwrap_or_default();
        highest(&self.after).saturating_sub(highest(&self.before))
    }

    /// By kind of message, of all validators together that answered at the end.
    pub fn sent(&self) -> BTreeMap<String, SentKind> {
        let mut sum = BTreeMap::<String, SentKind>::new();
        for (now, before) in self.both() {
            for (kind, sent) in &now.sent {
                let earlier = before.and_then(|before| before.sent.get(kind)).copied().unwrap_or_default();
                let of = sum.entry(kind.clone()).or_default();
                of.messages += sent.messages.saturating_sub(earlier.messages);
                of.bytes += sent.bytes.saturating_sub(earlier.bytes);
            }
        }
        sum.retain(|_, sent| sent.bytes > 0);
        sum
    }

    /// Signatures that were checked, by what they were of; the same.
    pub fn signatures(&self) -> BTreeMap<String, u64> {
        let mut sum = BTreeMap::<String, u64>::new();
        for (now, before) in self.both() {
            for (kind, count) in &now.signatures {
                let earlier = before.and_then(|before| before.signatures.get(kind)).copied().unwrap_or_default();
                *sum.entry(kind.clone()).or_default() += count.saturating_sub(earlier);
            }
        }
        sum.retain(|_, count| *count > 0);
        sum
    }

    /// The most processor time that any of these processes' sessions had to wait for one step, from the process's start on, in
    /// milliseconds. None if nobody answered.
    pub fn step_max_ms(&self) -> Option<f64> {
        self.after.values().map(|page| page.step_max_seconds * 1e3).max_by(f64::total_cmp)
    }

    /// Each process's last counts, and its first ones if it ran then.
    fn both(&self) -> impl Iterator<Item = (&Counts, Option<&Counts>)> {
        self.after.iter().map(|(pid, now)| (now, self.before.get(pid)))
    }
}

fn pages(running: &[Running], until: Instant) -> ByProcess {
    let page = |one: &Running, left| {
        let client = Client::with_deadline(one.place.node_id.as_str(), &one.place.http, left);
        let page = client.page("/metrics").ok()?;
        Some((one.pid, counts(&page)))
    };
    asking::each(running, until, page).into_iter().flatten().flatten().collect()
}

fn counts(page: &str) -> Counts {
    let mut counts = Counts::default();
    for (name, labels, value) in page.lines().filter_map(series) {
        let kind = || label(labels, "kind").unwrap_or_default().to_owned();
        match name {
            CONSENSUS_SEQUENCE => counts.sequence = value as u64,
            SIGNATURES_CHECKED => _ = counts.signatures.insert(kind(), value as u64),
            NETWORK_STEP_MAX => counts.step_max_seconds = counts.step_max_seconds.max(value),
            NETWORK_MESSAGES | NETWORK_BYTES if label(labels, "direction") == Some("out") => {
                let sent = counts.sent.entry(kind()).or_default();
                *(if name == NETWORK_BYTES { &mut sent.bytes } else { &mut sent.messages }) += value as u64;
            }
            _ => {}
        }
    }
    counts
}

/// Name, labels and value of a line; none of a comment, or of what is no number.
fn series(line: &str) -> Option<(&str, &str, f64)> {
    let (series, value) = line.rsplit_once(' ').filter(|_| !line.starts_with('#'))?;
    let (name, labels) = series.split_once('{').unwrap_or((series, ""));
    Some((name, labels, value.parse().ok()?))
}

/// The value of a label. Those that are looked for hold neither quotes nor commas.
fn label<'a>(labels: &'a str, name: &str) -> Option<&'a str> {
    let of_name = |part: &'a str| part.strip_prefix(name)?.strip_prefix("=\"")?.strip_suffix('"');
    labels.trim_end_matches('}').split(',').find_map(of_name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_of_metrics_tells_what_was_counted() {
        let page = "\
# HELP pop_network_bytes_total bytes
pop_network_messages_total{direction=\"out\",kind=\"vote\"} 7
pop_network_bytes_total{kind=\"vote\",direction=\"out\"} 700
pop_network_bytes_total{direction=\"in\",kind=\"vote\"} 9
pop_network_bytes_total{direction=\"out\",kind=\"vote\"} x
pop_signatures_checked_total{kind=\"certificate\"} 5
pop_network_step_max_seconds{step=\"dial\"} 0.004
pop_network_step_max_seconds{step=\"accept\"} 0.003
pop_consensus_sequence 12
pop_network_sessions 3";
        let counts = counts(page);
        assert_eq!(counts.sequence, 12);
        assert_eq!(counts.sent, BTreeMap::from([("vote".to_owned(), SentKind { messages: 7, bytes: 700 })]));
        assert_eq!(counts.signatures, BTreeMap::from([("certificate".to_owned(), 5)]));
        assert!((counts.step_max_seconds - 0.004).abs() < 1e-9);
    }

    #[test]
    fn what_was_counted_before_is_not_counted_and_a_new_process_counts_whole() {
        let page = |sequence, votes| Counts {
            sequence,
            signatures: [("vote".to_owned(), votes)].into(),
            sent: [("vote".to_owned(), SentKind { messages: votes, bytes: 100 * votes })].into(),
            ..Counts::default()
        };
        let before = [(1, page(3, 10)), (2, page(4, 10))].into();
        let after = [(1, page(9, 15)), (7, page(8, 2))].into();
        let counted = Counted { before, after };
        assert_eq!(counted.blocks(), 5);
        assert_eq!(counted.signatures()["vote"], 7);
        assert_eq!(counted.sent()["vote"], SentKind { messages: 7, bytes: 700 });
    }
}
