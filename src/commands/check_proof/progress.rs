//! The line of `pop check-proof` on a terminal, while a check takes longer than a second.

use crate::progress::{Line, REDRAW, bar, fitted};
use crate::text::plain;
use actors::verifier_pool::{Pending, PoolError};
use protocol::verdict::Report;
use std::time::{Duration, Instant};
use tokio::time::timeout;

/// Nothing is drawn before: what is over at once needs no line.
const FIRST: Duration = Duration::from_secs(1);

pub struct Progress {
    line: Line,
    done: usize,
    total: usize,
}

impl Progress {
    pub fn new(total: usize) -> Progress {
        Progress { line: Line::after(FIRST), done: 0, total }
    }

    /// One more file has its result.
    pub fn is_done(&mut self) {
        self.done += 1;
    }

    pub fn clear(&mut self) {
        self.line.clear();
    }

    /// Waits for a report, and draws meanwhile.
    ///
    /// # Errors
    /// Why there is none.
    pub fn receive(&mut self, name: &str, mut pending: Pending) -> Result<Report, PoolError> {
        // Where nothing is drawn nothing is to be woken for.
        let runtime = self.line.is_shown().then(|| tokio::runtime::Builder::new_current_thread().enable_time().build());
        let report = match runtime {
            Some(Ok(runtime)) => runtime.block_on(async {
                let since = Instant::now();
                loop {
                    match timeout(REDRAW, &mut pending).await {
                        Ok(report) => break report,
                        Err(_) => self.draw(name, since),
                    }
                }
            }),
            Some(Err(_)) | None => pending.blocking_recv(),
        };
        report.unwrap_or(Err(PoolError::Closed))
    }

    fn draw(&mut self, name: &str, since: Instant) {
        let Progress { line, done, total } = self;
        line.draw(|columns| {
            let bar = bar(*done, *total);
            fitted(format!("{bar}; {} s: {}", since.elapsed().as_secs(), plain(name)), columns)
        });
    }
}
