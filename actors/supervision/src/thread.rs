//! A thread that actors run on: an actix arbiter with a name and a heartbeat.
//!
//! A handler that blocks stops everything on its thread, and no thread can be killed. What then happens is the thread's
//! [`OnBlock`]: its actors move to a new one, or the process ends.

use crate::account::{DISK_DEADLINE, WaitsFor};
use crate::report::ThreadReport;
use crate::scheduling::{Counters, Source};
use actix::{Arbiter, ArbiterHandle, System};
use parking_lot::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread::ThreadId;
use std::time::{Duration, Instant};
use tokio::sync::Notify;

/// A thread is taken for blocked when it has not run a ready task for this long, unless it says otherwise. Time in which it had no
/// processor, or waited for the disk, does not count.
pub const BLOCK_DEADLINE: Duration = Duration::from_secs(2);

/// What happens when a thread is blocked for longer than its deadline.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnBlock {
    /// It is left behind, fenced, and its actors start on a new thread.
    Replace,
    /// The process ends: what runs there must never run twice, or cannot be moved.
    ExitProcess,
}

/// A named thread for actors; clones are the same thread.
#[derive(Clone)]
pub struct Thread(Arc<Inner>);

struct Inner {
    name: &'static str,
    on_block: OnBlock,
    deadline: Duration,
    disk_deadline: Duration,
    /// The system that a new OS thread belongs to.
    system: Option<System>,
    now: Mutex<Now>,
    seen: Mutex<Seen>,
}

/// What the watch saw of a thread when it looked last.
#[derive(Default)]
struct Seen {
    waits_for: Option<WaitsFor>,
    at: Option<Instant>,
    /// Of the OS thread that it is now, and of those that were left behind.
    waited: Duration,
    waited_before: Duration,
}

/// What the watch saw is believed for so long.
const SEEN_MAX: Duration = Duration::from_secs(10);

struct Now {
    arbiter: ArbiterHandle,
    pulse: Arc<Pulse>,
}

/// The heartbeat of one OS thread.
pub(crate) struct Pulse {
    asked: Notify,
    last: Mutex<Instant>,
    ended: AtomicBool,
    /// Known once the thread has run.
    source: OnceLock<(ThreadId, Option<Source>)>,
}

impl Thread {
    /// Starts a thread of its own.
    pub fn new(name: &'static str, on_block: OnBlock) -> Thread {
        Self::of(name, named(name), on_block)
    }

    /// An arbiter that exists already.
    pub fn of(name: &'static str, arbiter: ArbiterHandle, on_block: OnBlock) -> Thread {
        let pulse = Pulse::start(&arbiter);
        let now = Mutex::new(Now { arbiter, pulse });
        let system = System::try_current();
        let seen = Mutex::default();
        let (deadline, disk_deadline) = (BLOCK_DEADLINE, DISK_DEADLINE);
        Thread(Arc::new(Inner { name, on_block, deadline, disk_deadline, system, now, seen }))
    }

    /// The arbiter of this thread.
    ///
    /// # Panics
    /// If none runs here.
    pub fn here(name: &'static str, on_block: OnBlock) -> Thread {
        let thread = Self::of(name, Arbiter::current(), on_block);
        // It may be long until it runs a task, on a machine without time.
        thread.pulse().is_of_this_thread();
        thread
    }

    /// Another deadline than [`BLOCK_DEADLINE`].
    ///
    /// # Panics
    /// If the thread was cloned before.
    pub fn deadline(mut self, deadline: Duration) -> Thread {
        Arc::get_mut(&mut self.0).expect("set before the thread is given to anyone").deadline = deadline;
        self
    }

    /// Another deadline than [`DISK_DEADLINE`] for a thread that waits for the disk.
    ///
    /// # Panics
    /// If the thread was cloned before.
    pub fn disk_deadline(mut self, deadline: Duration) -> Thread {
        Arc::get_mut(&mut self.0).expect("set before the thread is given to anyone").disk_deadline = deadline;
        self
    }

    pub fn name(&self) -> &'static str {
        self.0.name
    }

    pub fn on_block(&self) -> OnBlock {
        self.0.on_block
    }

    pub fn block_deadline(&self) -> Duration {
        self.0.deadline
    }

    pub(crate) fn own_disk_deadline(&self) -> Duration {
        self.0.disk_deadline
    }

    pub fn arbiter(&self) -> ArbiterHandle {
        self.0.now.lock().arbiter.clone()
    }

    pub(crate) fn is(&self, other: &Thread) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    pub(crate) fn pulse(&self) -> Arc<Pulse> {
        Arc::clone(&self.0.now.lock().pulse)
    }

    /// Leaves the OS thread with this pulse behind, which ends when it comes back, and goes on with a new one. False if
    /// another tree has done so: its actors are on the new one.
    pub(crate) fn replace(&self, blocked: &Arc<Pulse>) -> bool {
        if !Arc::ptr_eq(blocked, &self.pulse()) {
            return false;
        }
        // Asked from the thread for supervision, which belongs to no system of its own.
        if let Some(system) = &self.0.system {
            System::set_current(system.clone());
        }
        let arbiter = named(self.0.name);
        let pulse = Pulse::start(&arbiter);
        let old = std::mem::replace(&mut *self.0.now.lock(), Now { arbiter, pulse });
        old.arbiter.stop();
        let mut seen = self.0.seen.lock();
        let waited_before = seen.waited_before + seen.waited;
        *seen = Seen { waited_before, ..Seen::default() };
        true
    }

    pub(crate) fn on_seen(&self, counters: Option<Counters>, waits_for: Option<WaitsFor>, now: Instant) {
        let mut seen = self.0.seen.lock();
        seen.waited = counters.map_or(seen.waited, |counters| counters.waited);
        (seen.waits_for, seen.at) = (waits_for, Some(now));
    }

    /// What keeps it from going on, as it was seen lately.
    pub(crate) fn waits_for(&self, now: Instant) -> Option<WaitsFor> {
        let seen = self.0.seen.lock();
        seen.waits_for.filter(|_| seen.at.is_some_and(|at| now.saturating_duration_since(at) <= SEEN_MAX))
    }

    pub(crate) fn report(&self, now: Instant) -> ThreadReport {
        let waited = {
            let seen = self.0.seen.lock();
            seen.waited_before + seen.waited
        };
        ThreadReport { name: self.name(), waits_for: self.waits_for(now), processor_wait: waited }
    }
}

/// A new arbiter whose thread goes by this name.
fn named(name: &'static str) -> ArbiterHandle {
    let arbiter = Arbiter::new().handle();
    arbiter.spawn_fn(move || name_this_thread(name));
    arbiter
}

/// Gives the calling thread a name under which `top -H`, `perf` and testnets' reports show it: its first 15 bytes. An
/// arbiter's own name is the same for all. Linux only.
pub fn name_this_thread(name: &str) {
    // Nothing depends on it.
    #[cfg(target_os = "linux")]
    let _ = std::fs::write("/proc/thread-self/comm", name);
    #[cfg(not(target_os = "linux"))]
    let _ = name;
}

impl std::fmt::Debug for Thread {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Thread({})", self.name())
    }
}

impl Pulse {
    fn start(arbiter: &ArbiterHandle) -> Arc<Pulse> {
        let pulse = Arc::new(Pulse {
            asked: Notify::new(),
            last: Mutex::new(Instant::now()),
            ended: AtomicBool::new(false),
            source: OnceLock::new(),
        });
        // Dropped with the arbiter's last task, also if it never ran.
        let beating = Beating(Arc::clone(&pulse));
        arbiter.spawn(async move {
            beating.0.is_of_this_thread();
            loop {
                beating.0.asked.notified().await;
                *beating.0.last.lock() = Instant::now();
            }
        });
        pulse
    }

    pub(crate) fn ask(&self) {
        self.asked.notify_one();
    }

    pub(crate) fn last(&self) -> Instant {
        *self.last.lock()
    }

    fn is_of_this_thread(&self) {
        self.source.get_or_init(|| (std::thread::current().id(), Source::of_this_thread()));
    }

    pub(crate) fn source(&self) -> Option<&Source> {
        self.source.get()?.1.as_ref()
    }

    pub(crate) fn id(&self) -> Option<ThreadId> {
        self.source.get().map(|(id, _)| *id)
    }

    /// Whether the thread has ended.
    pub(crate) fn ended(&self) -> bool {
        self.ended.load(Ordering::Acquire)
    }
}

struct Beating(Arc<Pulse>);

impl Drop for Beating {
    fn drop(&mut self) {
        self.0.ended.store(true, Ordering::Release);
    }
}
