//! How long `pop submit-proof` waits, for the node and for each proof, and what it says meanwhile.
//!
//! Must never: wait longer than it was asked to.

use crate::client::Client;
use crate::exit::{Exit, Failure};
use crate::node_batch::wire::{self, LOOKUPS_MAX, Name, State};
use crate::progress::{Line, bar, fitted};
use crate::text::plain;
use crate::why;
use protocol::types::Hash;
use serde_json::Value;
use std::time::{Duration, Instant};

/// The longest that one request waits; longer waits are several.
const WAIT_OF_ONE_REQUEST: Duration = Duration::from_secs(20);
/// The same while a line is drawn over.
const WAIT_WHILE_DRAWN: Duration = Duration::from_millis(500);
/// What takes longer is told why.
const QUIET: Duration = Duration::from_secs(3);
/// Nothing is drawn before.
const FIRST: Duration = Duration::from_millis(300);
/// Before a node that does not answer is asked again.
const AGAIN: Duration = Duration::from_millis(200);
/// A node that is full answers before it has waited; it is asked again no sooner than this.
pub const ASKED_AGAIN: Duration = Duration::from_millis(100);
/// The node looks for a counterexample first.
const EXPLAINED_WITHIN: Duration = Duration::from_secs(6);

pub struct Waiting {
    pub begun: Instant,
    /// How long at most; not at all without `--wait`.
    pub timeout: Option<Duration>,
    total: usize,
    line: Line,
    /// The state of health that was told last: what takes long says once why, and again when that changes.
    told: Option<why::State>,
}

impl Waiting {
    pub fn new(timeout: Option<Duration>, total: usize) -> Waiting {
        Waiting { begun: Instant::now(), timeout, total, line: Line::after(FIRST), told: None }
    }

    fn left(&self) -> Duration {
        let deadline = self.begun + self.timeout.unwrap_or_default();
        deadline.saturating_duration_since(Instant::now())
    }

    pub fn has_left(&self, span: Duration) -> bool {
        self.left() > span
    }

    /// A line on standard error, above the one that is drawn over.
    pub fn note(&mut self, text: &str) {
        self.line.clear();
        eprintln!("{text}");
    }

    pub fn clear(&mut self) {
        self.line.clear();
    }

    pub fn draw(&mut self, missing: usize, in_network: usize) {
        let done = self.total.saturating_sub(missing + in_network);
        let place = format!(" ({missing} to submit, {in_network} in the network)");
        self.line.draw(|columns| fitted(bar(done, self.total) + &place, columns));
    }

    /// Asks; a node that does not answer is asked again, by who waits.
    ///
    /// # Errors
    /// Those of the last answer.
    pub fn patiently<T>(&mut self, mut ask: impl FnMut() -> Result<T, Failure>) -> Result<T, Failure> {
        let mut told = false;
        loop {
            let failure = match ask() {
                Err(failure) if failure.exit == Exit::Unreachable && self.has_left(AGAIN) => failure,
                other => return other,
            };
            if !std::mem::replace(&mut told, true) {
                self.note(&format!("{}; asking again for {:.0} s", plain(&failure.message), self.left().as_secs_f64()));
            }
            std::thread::sleep(AGAIN);
        }
    }

    /// Waits for a proof's end, the first of those that are waited for. What comes back may not have ended: time was up.
    ///
    /// # Errors
    /// If the node does not answer.
    pub fn await_end(&mut self, client: &Client, id: &Hash, others: &[Hash]) -> Result<Value, Failure> {
        let since = Instant::now();
        loop {
            let longest = match (self.line.is_shown(), QUIET.checked_sub(since.elapsed())) {
                (true, _) => WAIT_WHILE_DRAWN,
                (false, Some(rest)) => rest,
                (false, None) => WAIT_OF_ONE_REQUEST,
            };
            let span = self.left().min(longest);
            let path = format!("/v1/proofs/{id}?explain=false&wait={}", span.as_secs_f64());
            let asked = Instant::now();
            let view = match self.patiently(|| client.fetch(&path, span))? {
                Ok(view) => view,
                // Only room is waited for; what is missing or wrong stays so.
                Err(refusal) if refusal.is_passing() && !self.left().is_zero() => {
                    let span = refusal.retry_after.unwrap_or(ASKED_AGAIN).max(ASKED_AGAIN);
                    std::thread::sleep(span.min(self.left()));
                    continue;
                }
                Err(refusal) => return Err(Failure::new(refusal.exit(), refusal.message)),
            };
            if view["ended"] == true || self.left().is_zero() {
                return Ok(view);
            }
            // It may have needed the place in which this waited.
            std::thread::sleep(ASKED_AGAIN.saturating_sub(asked.elapsed()).min(self.left()));
            if self.line.is_shown() {
                let under_way = under_way(client, others).unwrap_or(others.len());
                self.draw(0, under_way);
            }
            if since.elapsed() >= QUIET {
                self.say_why(client);
            }
        }
    }

    /// A node without an answer to this may have one to what is waited for.
    fn say_why(&mut self, client: &Client) {
        if let Some(health) = client.get("/v1/why").ok().and_then(|why| why::of_answer(&why))
            && self.told.replace(health.state) != Some(health.state)
        {
            self.note(&plain(&health.sentence));
        }
    }
}

/// How many of these proofs have not ended.
fn under_way(client: &Client, proofs: &[Hash]) -> Option<usize> {
    let mut count = 0;
    for some in proofs.chunks(LOOKUPS_MAX) {
        let names: Vec<_> = some.iter().copied().map(Name::Proof).collect();
        let found = wire::look_up(client, &names).ok()?.ok()?;
        count += found.iter().filter(|found| !matches!(found.state, State::Final | State::Refused)).count();
    }
    Some(count)
}

/// A proof as its node knows it, with its counterexample if it has one.
///
/// # Errors
/// If the node does not answer.
pub fn explained(client: &Client, id: &Hash) -> Result<Value, Failure> {
    client.get_after(&format!("/v1/proofs/{id}"), EXPLAINED_WITHIN)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};
    use std::net::TcpListener;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    /// How often a node is asked, by somebody who waits for a second, that always answers this at once.
    fn asked(status: &'static str, body: &'static str) -> (usize, Result<Value, Failure>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let count = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&count);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                _ = stream.read(&mut [0; 4_096]);
                counted.fetch_add(1, Ordering::Relaxed);
                let length = body.len();
                let head = format!("HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n");
                _ = stream.write_all((head + body).as_bytes());
            }
        });
        let mut waiting = Waiting::new(Some(Duration::from_secs(1)), 1);
        let ended = waiting.await_end(&Client::at("node_1", &address), &Hash::ZERO, &[Hash::ZERO]);
        (count.load(Ordering::Relaxed), ended)
    }

    #[test]
    fn a_node_that_answers_at_once_is_not_asked_in_a_hot_loop() {
        let (count, ended) = asked("200 OK", r#"{"state": "pending", "ended": false}"#);
        assert_eq!(ended.unwrap()["state"], "pending");
        assert!(count <= 12, "{count} times in a second");
        for body in [r#"{"message": "no room"}"#, r#"{"message": "no room", "retry_after": 0}"#] {
            let (count, ended) = asked("429 Too Many Requests", body);
            assert!(ended.unwrap_err().message.starts_with("no room"));
            assert!(count <= 12, "{count} times in a second");
        }
        let (count, ended) = asked("429 Too Many Requests", r#"{"message": "no room", "retry_after": 9}"#);
        assert!(ended.is_err() && count <= 2, "{count}: it comes back when it is told to, or at its end");
        let (count, ended) = asked("404 Not Found", r#"{"message": "nothing here"}"#);
        assert!(ended.is_err() && count == 1, "what is missing stays so");
    }
}
