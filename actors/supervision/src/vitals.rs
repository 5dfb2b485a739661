//! What is seen of an actor from outside: its heartbeat, what it is handling, what it lost, how it failed.
//!
//! Written by the actor's thread and read by anyone without asking the actor, so that a hung one can be looked at.

use parking_lot::Mutex;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Why an incarnation ended that was not asked to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    Panicked,
    /// It stopped, or was terminated, without being asked to.
    Terminated,
    /// It ended itself with an error: [`fail`](crate::fail).
    Failed,
    /// Its factory failed or panicked.
    StartFailed,
    /// It handled nothing for longer than its deadline while its thread ran.
    Hung,
    /// It blocked its thread for longer than the thread's deadline.
    Blocked,
    /// It did not fail: its supervisor restarted it with one that did.
    WithSibling,
}

/// The last failure of an actor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    pub reason: Reason,
    pub text: String,
    /// `file:line` of a panic.
    pub place: Option<String>,
    pub at: Instant,
}

/// Incarnations that ended, by reason.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct Restarts {
    pub panicked: u64,
    pub failed: u64,
    pub terminated: u64,
    pub start_failed: u64,
    pub hung: u64,
    pub blocked: u64,
    pub with_sibling: u64,
}

impl Restarts {
    fn of(&mut self, reason: Reason) -> &mut u64 {
        match reason {
            Reason::Panicked => &mut self.panicked,
            Reason::Failed => &mut self.failed,
            Reason::Terminated => &mut self.terminated,
            Reason::StartFailed => &mut self.start_failed,
            Reason::Hung => &mut self.hung,
            Reason::Blocked => &mut self.blocked,
            Reason::WithSibling => &mut self.with_sibling,
        }
    }

    pub fn total(&self) -> u64 {
        let Restarts { panicked, failed, terminated, start_failed, hung, blocked, with_sibling } = self;
        panicked + failed + terminated + start_failed + hung + blocked + with_sibling
    }
}

/// What an actor does right now.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Handling {
    pub(crate) kind: &'static str,
    pub(crate) since: Instant,
}

/// A message's type; asked only by who looks.
pub(crate) type Kind = fn() -> &'static str;

/// A moment that is written for every message and every poll: without a lock.
#[derive(Debug, Default)]
struct Moment(AtomicU64);

impl Moment {
    /// Moments are nanoseconds after the first one; 0 is none.
    fn base() -> Instant {
        static BASE: OnceLock<Instant> = OnceLock::new();
        *BASE.get_or_init(Instant::now)
    }

    fn set(&self, at: Option<Instant>) {
        let nanos = at.map_or(0, |at| at.saturating_duration_since(Self::base()).as_nanos() + 1);
        self.0.store(u64::try_from(nanos).unwrap_or(u64::MAX), Ordering::Release);
    }

    fn get(&self) -> Option<Instant> {
        let nanos = self.0.load(Ordering::Acquire).checked_sub(1)?;
        Some(Self::base() + Duration::from_nanos(nanos))
    }
}

#[derive(Debug, Default)]
pub(crate) struct Vitals {
    seen: Mutex<Seen>,
    handling: Mutex<Option<(Kind, Instant)>>,
    /// When this incarnation last looked into its mailbox.
    beat: Moment,
    /// When it was first asked to show itself since it last did.
    nudged: Moment,
    /// Since when its thread has been inside of it.
    polled_since: Moment,
    handled: AtomicU64,
    handler_nanos: AtomicU64,
    refused: AtomicU64,
    lost: AtomicU64,
}

#[derive(Debug, Default)]
struct Seen {
    /// Since when its factory runs.
    starting_since: Option<Instant>,
    running_since: Option<Instant>,
    injected: Option<Instant>,
    detected: Option<Instant>,
    restarts: Restarts,
    last_failure: Option<Failure>,
}

/// When an actor showed itself, and since when it has had its thread.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moments {
    pub(crate) beat: Option<Instant>,
    /// Since when it is polled, or its factory runs.
    pub(crate) inside: Option<Instant>,
    pub(crate) is_starting: bool,
}

/// One look at an actor's life.
#[derive(Debug, Clone)]
pub(crate) struct Look {
    pub(crate) beat: Option<Instant>,
    pub(crate) running_since: Option<Instant>,
    pub(crate) injected: Option<Instant>,
    pub(crate) detected: Option<Instant>,
    pub(crate) restarts: Restarts,
    pub(crate) last_failure: Option<Failure>,
    pub(crate) handling: Option<Handling>,
    pub(crate) handled: u64,
    pub(crate) handler_time: Duration,
    pub(crate) refused: u64,
    pub(crate) lost: u64,
}

impl Vitals {
    pub(crate) fn on_starting(&self) {
        *self.handling.lock() = None;
        let mut seen = self.seen.lock();
        seen.starting_since = Some(Instant::now());
        seen.running_since = None;
        self.polled_since.set(None);
    }

    pub(crate) fn on_running(&self) {
        let now = Instant::now();
        let mut seen = self.seen.lock();
        (seen.starting_since, seen.running_since) = (None, Some(now));
        self.beat.set(Some(now));
    }

    /// It looks into its mailbox, in the poll that has begun.
    pub(crate) fn on_beat(&self) {
        self.beat.0.store(self.polled_since.0.load(Ordering::Relaxed), Ordering::Release);
        // Who was asked during this poll answers in it; the next question is soon enough for who does not.
        self.nudged.set(None);
    }

    pub(crate) fn on_nudged(&self, now: Instant) {
        if self.nudged.get() <= self.beat.get() {
            self.nudged.set(Some(now));
        }
    }

    /// For how long it has been asked in vain. Not since its last heartbeat: on a machine without time nobody asks for the next.
    pub(crate) fn silence(&self) -> Duration {
        let is_running = self.seen.lock().running_since.is_some();
        let nudged =
            self.nudged.get().filter(|nudged| is_running && self.beat.get().is_some_and(|beat| beat < *nudged));
        nudged.map_or(Duration::ZERO, |nudged| nudged.elapsed())
    }

    pub(crate) fn on_polled(&self, since: Option<Instant>) {
        self.polled_since.set(since);
    }

    pub(crate) fn on_injected(&self) {
        let mut seen = self.seen.lock();
        (seen.injected, seen.detected) = (Some(Instant::now()), None);
    }

    pub(crate) fn on_failed(&self, reason: Reason, text: String, place: Option<String>) {
        let now = Instant::now();
        *self.handling.lock() = None;
        let mut seen = self.seen.lock();
        *seen.restarts.of(reason) += 1;
        seen.detected = Some(now);
        (seen.starting_since, seen.running_since) = (None, None);
        self.polled_since.set(None);
        if reason != Reason::WithSibling {
            seen.last_failure = Some(Failure { reason, text, place, at: now });
        }
    }

    pub(crate) fn on_stopped(&self) {
        *self.handling.lock() = None;
        let mut seen = self.seen.lock();
        (seen.starting_since, seen.running_since) = (None, None);
        self.polled_since.set(None);
    }

    pub(crate) fn on_handling(&self, kind: Kind, since: Instant) {
        *self.handling.lock() = Some((kind, since));
    }

    pub(crate) fn on_handled(&self, took: Duration) {
        self.handled.fetch_add(1, Ordering::Relaxed);
        self.handler_nanos.fetch_add(u64::try_from(took.as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    pub(crate) fn on_idle(&self) {
        *self.handling.lock() = None;
    }

    pub(crate) fn on_refused(&self) {
        self.refused.fetch_add(1, Ordering::Relaxed);
    }

    /// Messages that were taken and never handled, or whose asker never hears.
    pub(crate) fn on_dropped(&self, messages: usize) {
        self.lost.fetch_add(messages as u64, Ordering::Relaxed);
    }

    pub(crate) fn moments(&self) -> Moments {
        let starting = self.seen.lock().starting_since;
        let inside = [self.polled_since.get(), starting].into_iter().flatten().min();
        Moments { beat: self.beat.get(), inside, is_starting: starting.is_some() }
    }

    pub(crate) fn look(&self) -> Look {
        let handling = self.handling.lock().map(|(kind, since)| Handling { kind: kind(), since });
        let seen = self.seen.lock();
        Look {
            beat: self.beat.get(),
            running_since: seen.running_since,
            injected: seen.injected,
            detected: seen.detected,
            restarts: seen.restarts,
            last_failure: seen.last_failure.clone(),
            handling,
            handled: self.handled.load(Ordering::Relaxed),
            handler_time: Duration::from_nanos(self.handler_nanos.load(Ordering::Relaxed)),
            refused: self.refused.load(Ordering::Relaxed),
            lost: self.lost.load(Ordering::Relaxed),
        }
    }
}
