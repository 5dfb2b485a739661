//! What a person sees of a run while it lasts: a line for what is worth one, and a progress line now and then. With `--json` it
//! goes to standard error, so that standard output is the report and nothing else.

use super::record::{Outcome, Record};
use super::watch::Seen;
use crate::say;
use std::time::{Duration, Instant};

/// Between two progress lines.
const INTERVAL: Duration = Duration::from_secs(10);

pub struct Screen {
    to_stderr: bool,
    last: Instant,
}

impl Screen {
    pub fn new(json: bool) -> Screen {
        Screen { to_stderr: json, last: Instant::now() }
    }

    pub fn tell(&self, line: &str) {
        if self.to_stderr {
            eprintln!("{line}");
        } else {
            say!("{line}");
        }
    }

    /// Of thousands of faults, prints only those that a person would want to look at.
    pub fn fault(&self, record: &Record) {
        let Record { target, fault, .. } = record;
        match &record.outcome {
            Outcome::Recovered => {}
            Outcome::NotInjected(_) => {}
            Outcome::Escalated => {
                let back = record.times.serving_ms.map_or("?".into(), |ms| format!("{ms:.0} ms"));
                self.tell(&format!("{fault} of {target} ended the process, which serves again after {back}"));
            }
            Outcome::NotRecovered(why) => self.tell(&format!("{fault} of {target}: NOT RECOVERED: {why}")),
        }
    }

    pub fn progress(&mut self, elapsed: Duration, done: usize, all: usize, seen: &Seen) {
        if self.last.elapsed() < INTERVAL {
            return;
        }
        self.last = Instant::now();
        let counts = seen.accounts.lock().counts();
        let block = seen.history.lock().head();
        self.tell(&format!(
            "… {:.0} s · {done} of {all} faults · block {block} · {} proofs final of {} accepted",
            elapsed.as_secs_f64(),
            counts.r#final,
            counts.accepted
        ));
    }

    pub fn healing(&self) {
        self.tell("No more faults and no more proofs: everything must heal now");
    }
}
