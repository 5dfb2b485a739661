//! What of a silence counts: the time in which a thread could have gone on and did not.
//!
//! A thread that gets no processor, or whose disk does not answer, is not blocked, however long it is silent. All of it is decided here,
//! from what the system says of threads; this module reads nothing and has no clock ([ADR 10] says why it counts so).
//!
//! [ADR 10]: ../../../../docs/adr/0010-a-thread-without-a-processor-is-not-blocked.md

use std::time::Duration;

/// How long a thread may wait for the disk before it is taken for blocked after all, unless it says otherwise.
pub const DISK_DEADLINE: Duration = Duration::from_secs(30);

/// What a thread was doing at the moment of a look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Condition {
    /// It runs, or is ready to and waits for a processor.
    Ready,
    /// It waits for something that the system does not name: a lock, a message, a timer.
    Asleep,
    /// It waits for the disk.
    OnDisk,
    /// It is stopped, by a debugger or a signal, or has ended.
    Stopped,
}

/// What one thread did between two looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Did {
    pub(crate) ran: Duration,
    /// Waits for a processor that ended meanwhile; the last one of a thread that is ready now is not among them.
    pub(crate) waited: Duration,
    pub(crate) condition: Condition,
}

/// What the threads of the process did between two looks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Others {
    /// For how long the one that waited longest waited for a processor. A lock that somebody sleeps on is held by one thread, which waited
    /// no longer than that.
    pub(crate) waited: Duration,
    /// Whether one waits for the disk now.
    pub(crate) on_disk: bool,
}

/// The time between two looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) took: Duration,
    /// By how much the second look came later than it was to: the watch itself got no processor, or the whole process was stopped.
    pub(crate) late: Duration,
}

/// Where the time of a silence went.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Account {
    /// Processor time that the silent thread had.
    ran: Duration,
    /// It slept while nobody of its process waited for a processor.
    slept: Duration,
    /// It slept, and nobody had looked at the others when that began. Counts as far as the time in which somebody had.
    unseen: Duration,
    /// It slept, and it or somebody of its process waited for the disk.
    on_disk: Duration,
    /// It, or somebody whom it may wait for, or the watch, had no processor: counts for nothing.
    starved: Duration,
}

/// What keeps a thread from going on that is not its own fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum WaitsFor {
    /// A processor: other threads of the machine, or a limit on the process, leave none.
    Processor,
    Disk,
}

/// What follows from an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It may go on yet; if nothing changes, it is over in so long.
    Waits(Duration),
    Blocked,
    /// The disk has not answered for its own deadline.
    DiskSilent,
}

impl Did {
    /// How much of `took` it waited for a processor; the whole, if it was ready all the time and never ran.
    pub(crate) fn waited_of(&self, took: Duration) -> Duration {
        if self.condition == Condition::Ready && self.ran.is_zero() { took } else { self.waited.min(took) }
    }
}

impl Account {
    /// Adds a span of the silence. Without `did` the system does not say what threads do (it is no Linux): only the watch's own delay is
    /// known then. Without `others` nobody looked at them at the beginning of the span.
    pub(crate) fn add(&mut self, span: Span, did: Option<Did>, others: Option<Others>) {
        let Span { took, late } = span;
        let on_disk = others.is_some_and(|others| others.on_disk);
        let Some(did) = did else {
            let late = late.min(took);
            *(if on_disk { &mut self.on_disk } else { &mut self.slept }) += took - late;
            self.starved += late;
            return;
        };
        // What it had counts, no matter who waited meanwhile.
        let ran = did.ran.min(took);
        self.ran += ran;
        let rest = took - ran;
        // They overlap, and nobody knows by how much: the longest is the least that was lost.
        let waited = others.map_or(Duration::ZERO, |others| others.waited);
        let lost = late.max(did.waited).max(waited).min(rest);
        let counts = match did.condition {
            // A wait is counted by the system when it is over: this one is not.
            Condition::Ready | Condition::Stopped => {
                self.starved += rest;
                return;
            }
            Condition::OnDisk => &mut self.on_disk,
            Condition::Asleep if on_disk => &mut self.on_disk,
            Condition::Asleep if others.is_none() => &mut self.unseen,
            Condition::Asleep => &mut self.slept,
        };
        *counts += rest - lost;
        self.starved += lost;
    }

    /// For how long it could have gone on.
    pub(crate) fn blocked(&self) -> Duration {
        let (slept, seen) = (self.slept.as_secs_f64(), (self.slept + self.starved).as_secs_f64());
        let share = if seen > 0.0 { slept / seen } else { 1.0 };
        self.ran + self.slept + self.unseen.mul_f64(share)
    }

    pub(crate) fn starved(&self) -> Duration {
        self.starved
    }

    pub(crate) fn on_disk(&self) -> Duration {
        self.on_disk
    }

    pub(crate) fn verdict(&self, deadline: Duration, disk_deadline: Duration) -> Verdict {
        let left = deadline.saturating_sub(self.blocked());
        if left.is_zero() {
            return Verdict::Blocked;
        }
        let disk_left = disk_deadline.max(deadline).saturating_sub(self.on_disk);
        if disk_left.is_zero() { Verdict::DiskSilent } else { Verdict::Waits(left.min(disk_left)) }
    }

    /// What has kept it for longest, if that was for `least`.
    pub(crate) fn waits_for(&self, least: Duration) -> Option<WaitsFor> {
        if self.on_disk.max(self.starved) < least {
            return None;
        }
        Some(if self.on_disk > self.starved { WaitsFor::Disk } else { WaitsFor::Processor })
    }
}

/// For how long starvation is counted before it is judged.
const WINDOW: Duration = Duration::from_secs(10);
/// A thread is starved that waited for this share of the window, in hundredths, and for longer than it ran; until it is less than the second.
const STARVED_PERCENT: u32 = 10;
const FED_PERCENT: u32 = 5;

/// Whether a thread is starved: how much of the last seconds it waited for a processor.
#[derive(Debug, Default)]
pub(crate) struct Starvation {
    looked: Duration,
    waited: Duration,
    ran: Duration,
    is_starved: bool,
}

/// The end of a window in which that changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Change {
    pub(crate) is_starved: bool,
    pub(crate) waited: Duration,
    pub(crate) of: Duration,
}

impl Starvation {
    /// Adds a span in which the thread did this; says when that makes a difference.
    pub(crate) fn add(&mut self, took: Duration, did: Option<Did>) -> Option<Change> {
        self.looked += took;
        if let Some(did) = did {
            self.waited += did.waited_of(took);
            self.ran += did.ran.min(took);
        }
        if self.looked < WINDOW {
            return None;
        }
        let Starvation { looked: of, waited, ran, is_starved: was_starved } = std::mem::take(self);
        let limit = if was_starved { FED_PERCENT } else { STARVED_PERCENT };
        self.is_starved = waited * 100 >= of * limit && waited >= ran;
        (self.is_starved != was_starved).then_some(Change { is_starved: self.is_starved, waited, of })
    }

    pub(crate) fn is_starved(&self) -> bool {
        self.is_starved
    }
}

#[cfg(test)]
mod tests;
