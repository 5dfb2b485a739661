//! Doing one fault and watching what becomes of it: a thread for each, which waits as long as that takes.

use super::admin::KillError;
use super::network::Node;
use super::record::{Outcome, Record, Times};
use super::schedule::{Entry, HOLD_DEFAULT};
use super::target::{Fault, Part};
use super::watch::Seen;
use crate::processes::{Process, Signal, Stopped};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long a validator's process may take until it serves again; process supervision waits between its attempts.
const PROCESS_DEADLINE: Duration = Duration::from_secs(90);
/// How long a pool may take to replace a worker.
const WORKER_DEADLINE: Duration = Duration::from_secs(30);
/// Between two looks at a validator that is expected to answer.
const LOOK: Duration = Duration::from_millis(5);
/// Between two looks at its workers, each of which reads all of /proc.
const WORKERS_LOOK: Duration = Duration::from_millis(25);

/// A fault that was done, for who keeps the book.
pub struct Done {
    pub record: Record,
    /// When it was done; none if it was not.
    pub injected: Option<Instant>,
    /// Its validator's process was out by it, whether it was meant to be or not.
    pub took_the_process: bool,
}

/// Where a fault is done and watched.
pub struct Injection<'a> {
    pub seen: &'a Arc<Seen>,
    pub node: &'a Node,
    pub entry: &'a Entry,
    /// The start of the run.
    pub started: Instant,
    /// Told when a process is out that was not meant to be.
    pub escalates: &'a dyn Fn(),
}

impl Injection<'_> {
    /// Returns when what was hit serves again, or is waited for no longer.
    pub fn run(&self) -> Done {
        match &self.entry.target.part {
            Part::Actor(name) => self.hit_actor(name),
            Part::Worker => self.hit_worker(),
            Part::Process => self.hit_process(),
        }
    }

    fn hit_actor(&self, actor: &str) -> Done {
        let injected = Instant::now();
        match self.node.admin.kill(actor, self.entry.fault.name()) {
            Ok(killed) => {
                let outcome = match killed.serving_ms {
                    Some(_) => Outcome::Recovered,
                    None => Outcome::NotRecovered("it did not serve again while the validator waited".into()),
                };
                let mut record = self.record(injected, outcome);
                record.times = Times {
                    detected_ms: killed.detected_ms,
                    up_ms: killed.up_ms,
                    serving_ms: killed.serving_ms,
                    next_final_ms: None,
                };
                (record.lost, record.rejected) = (killed.lost, killed.rejected);
                Done { record, injected: Some(injected), took_the_process: false }
            }
            Err(KillError::Broke(_)) => {
                (self.escalates)();
                let detected = injected.elapsed();
                let mut done = self.await_process(injected, injected, Outcome::Escalated);
                done.record.times.detected_ms = Some(ms(detected));
                done
            }
            Err(error @ KillError::Silent) => Done {
                record: self.record(injected, Outcome::NotRecovered(error.to_string())),
                injected: Some(injected),
                took_the_process: false,
            },
            Err(error @ (KillError::Absent(_) | KillError::Refused(_) | KillError::NoToken(_))) => {
                self.not_injected(error.to_string())
            }
        }
    }

    fn hit_process(&self) -> Done {
        let process = match self.node.process() {
            Ok(process) => process,
            Err(why) => return self.not_injected(why.to_string()),
        };
        let injected = Instant::now();
        let failed = |error: std::io::Error| self.not_injected(format!("its process cannot be signalled: {error}"));
        match self.entry.fault {
            Fault::Stop => {
                let stopped = match Stopped::stop(process) {
                    Ok(stopped) => stopped,
                    Err(error) => return failed(error),
                };
                self.hold();
                drop(stopped);
                self.await_process(injected, Instant::now(), Outcome::Recovered)
            }
            Fault::Kill | Fault::Restart => {
                let signal = if self.entry.fault == Fault::Kill { Signal::Kill } else { Signal::Terminate };
                if let Err(error) = process.signal(signal) {
                    return failed(error);
                }
                let ended = self.until(PROCESS_DEADLINE, LOOK, || process.has_ended().then_some(()));
                let detected = ended.map(|()| ms(injected.elapsed()));
                let mut done = self.await_process(injected, injected, Outcome::Recovered);
                done.record.times.detected_ms = detected;
                done
            }
            Fault::Panic | Fault::Terminate | Fault::Hang | Fault::Block | Fault::Flood => {
                self.not_injected(format!("{} is for actors", self.entry.fault))
            }
        }
    }

    /// Waits until the process answers, and then until it serves. Times count from `from`.
    fn await_process(&self, injected: Instant, from: Instant, fine: Outcome) -> Done {
        let up = self.until(PROCESS_DEADLINE, LOOK, || self.node.standing().map(|_| ms(from.elapsed())));
        let serves = || self.node.standing().filter(|standing| standing.serves).map(|_| ms(from.elapsed()));
        let serving = self.until(PROCESS_DEADLINE, LOOK, serves);
        let outcome = match serving {
            Some(_) => fine,
            None => {
                let what = if up.is_some() { "answers, but does not serve" } else { "does not answer" };
                Outcome::NotRecovered(format!("its process {what} {} s later", PROCESS_DEADLINE.as_secs()))
            }
        };
        let mut record = self.record(injected, outcome);
        record.times.up_ms = up;
        record.times.serving_ms = serving;
        Done { record, injected: Some(injected), took_the_process: true }
    }

    fn hit_worker(&self) -> Done {
        let workers = || self.node.process().map(|process| Process::workers_of(&process));
        let mut before = match workers() {
            Ok(workers) if workers.is_empty() => return self.not_injected("it had no worker process".into()),
            Ok(workers) => workers,
            Err(why) => return self.not_injected(why.to_string()),
        };
        let count = before.len();
        // The oldest: whoever is killed, the next one has its turn at the next fault.
        let worker = before.swap_remove(0);
        let injected = Instant::now();
        let failed = |error: std::io::Error| self.not_injected(format!("its worker cannot be signalled: {error}"));
        let from = if self.entry.fault == Fault::Stop {
            match Stopped::stop(Arc::new(worker)) {
                Ok(_stopped) => self.hold(),
                Err(error) => return failed(error),
            }
            Instant::now()
        } else {
            if let Err(error) = worker.signal(Signal::Kill) {
                return failed(error);
            }
            injected
        };
        let full = || workers().is_ok_and(|now| now.len() >= count).then(|| ms(from.elapsed()));
        let up = self.until(WORKER_DEADLINE, WORKERS_LOOK, full);
        let outcome = match up {
            Some(_) => Outcome::Recovered,
            None => Outcome::NotRecovered(format!("there were {count} workers, and are not again")),
        };
        let mut record = self.record(injected, outcome);
        record.times.up_ms = up;
        Done { record, injected: Some(injected), took_the_process: false }
    }

    /// Until the hold is over, or somebody wants the end of the run.
    fn hold(&self) {
        let hold = self.entry.hold.unwrap_or(HOLD_DEFAULT);
        self.seen.hold(Duration::from_millis(hold.0));
    }

    fn until<T>(&self, deadline: Duration, look: Duration, mut condition: impl FnMut() -> Option<T>) -> Option<T> {
        let end = Instant::now() + deadline;
        loop {
            if let Some(value) = condition() {
                return Some(value);
            }
            if Instant::now() > end || !self.seen.pause(look) {
                return None;
            }
        }
    }

    fn record(&self, injected: Instant, outcome: Outcome) -> Record {
        let at = injected.saturating_duration_since(self.started).as_secs_f64();
        Record::new(self.entry, Some((at * 1e3).round() / 1e3), outcome)
    }

    fn not_injected(&self, why: String) -> Done {
        Done { record: Record::not_injected(self.entry, why), injected: None, took_the_process: false }
    }
}

fn ms(span: Duration) -> f64 {
    (span.as_secs_f64() * 1e6).round() / 1e3
}
