//! The database's one writer: what waits is made durable together, in the order in which it came.
//!
//! A transaction costs a sync, and some half a millisecond of processor time however little is in it. So an idle database
//! is written to at once, and a busy one at intervals ([`Pace`]), longer ones if it stays busy. It decides nothing, and after a failure
//! it writes nothing more: nobody knows what the disk holds then.

use super::database::{Batch, DatabaseError, write_batch};
use super::pending::{Places, write_pending};
use crate::mempool::{Change, StoreError};
use crate::supervision::{is_fenced, on_disk};
use crate::tap;
use parking_lot::{Condvar, Mutex};
use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// From the beginning of one transaction to that of the next, at least; but one may come early.
const INTERVAL: Duration = Duration::from_millis(8);
/// The same where transactions follow each other without end, and how much of it each that finds work waiting adds.
const INTERVAL_MAX: Duration = Duration::from_millis(16);
const INTERVAL_STEP: Duration = Duration::from_millis(1);

/// When transactions may begin: an interval apart on average, and the second after a pause at once. A proof that comes to an
/// idle node is two transactions, its submission and its block, and its submitter waits for both.
struct Pace {
    interval: Duration,
    /// When the next one would be on time; one may be early.
    due: Option<Instant>,
}

impl Pace {
    fn new() -> Pace {
        Pace { interval: INTERVAL, due: None }
    }

    /// A transaction begins, and its work had to wait for that or not. When the next one may begin.
    fn begin(&mut self, now: Instant, idle: bool) -> Instant {
        self.interval = if idle { INTERVAL } else { INTERVAL_MAX.min(self.interval + INTERVAL_STEP) };
        let next = self.due.map_or(now, |due| due.max(now));
        self.due = Some(next + self.interval);
        next
    }
}

/// What one request adds.
pub(super) enum Work {
    Pending(Vec<Change>),
    Blocks(Box<Batch>),
    /// Nothing: it is done when everything before it is.
    Settle,
}

/// Called on the writer's thread once the work is durable, or will never be.
pub(super) type Done = Box<dyn FnOnce(Result<(), StoreError>) + Send>;

#[derive(Default)]
struct Queue {
    /// Bounded by those who ask: the mempool by what it holds, `state` by one batch at a time.
    waiting: VecDeque<(Work, Done)>,
    /// Somebody waits for all of it: an actor that is being made anew.
    hurry: bool,
    /// What was taken from here is not durable yet.
    writing: bool,
    /// Nothing more will be.
    failed: bool,
    closed: bool,
}

#[derive(Default)]
struct Shared {
    queue: Mutex<Queue>,
    filled: Condvar,
}

/// What is to be written next.
struct Next {
    waiting: VecDeque<(Work, Done)>,
    /// Nothing waited when the writer came for it.
    idle: bool,
}

/// Dropping it ends the thread, after what waits is written.
pub(super) struct Writer {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    /// `file` is what a disk that does not answer is named by.
    ///
    /// # Errors
    /// If no thread can be started.
    pub(super) fn start(redb: Arc<redb::Database>, file: PathBuf, places: Arc<Places>) -> std::io::Result<Writer> {
        let shared = Arc::<Shared>::default();
        let own = Arc::clone(&shared);
        let thread = std::thread::Builder::new().name("database".into());
        let thread = thread.spawn(move || own.write(&redb, &file, &places))?;
        Ok(Writer { shared, thread: Some(thread) })
    }

    /// What a replaced incarnation requests is not done, and it is not notified.
    pub(super) fn write(&self, work: Work, done: Done) {
        let mut queue = self.shared.queue.lock();
        if is_fenced() {
            return;
        }
        queue.hurry |= matches!(work, Work::Settle);
        queue.waiting.push_back((work, done));
        self.shared.filled.notify_one();
    }

    /// Whether everything that was asked for is durable.
    pub(super) fn is_settled(&self) -> bool {
        let queue = self.shared.queue.lock();
        queue.waiting.is_empty() && !queue.writing && !queue.failed
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.shared.queue.lock().closed = true;
        self.shared.filled.notify_one();
        // The last user may be a callback on the thread itself, which then ends by itself.
        if let Some(thread) = self.thread.take().filter(|thread| thread.thread().id() != std::thread::current().id()) {
            _ = thread.join();
        }
    }
}

impl Shared {
    fn write(&self, redb: &redb::Database, file: &Path, places: &Places) {
        let mut failed: Option<StoreError> = None;
        let mut pace = Pace::new();
        while let Some(Next { waiting, idle }) = self.next() {
            let next = pace.begin(Instant::now(), idle);
            let (works, dones): (Vec<Work>, Vec<Done>) = waiting.into_iter().unzip();
            if failed.is_none() {
                failed = transaction(redb, file, places, &works).err().map(StoreError::from);
            }
            let result = failed.clone().map_or(Ok(()), Err);
            {
                let mut queue = self.queue.lock();
                (queue.writing, queue.failed) = (false, failed.is_some());
            }
            for done in dones {
                done(result.clone());
            }
            self.rest(next);
        }
    }

    /// Everything that waits, once there is something; none at the end.
    fn next(&self) -> Option<Next> {
        let mut queue = self.queue.lock();
        let idle = queue.waiting.is_empty();
        while queue.waiting.is_empty() {
            if queue.closed {
                return None;
            }
            self.filled.wait(&mut queue);
        }
        queue.hurry = false;
        queue.writing = true;
        Some(Next { waiting: std::mem::take(&mut queue.waiting), idle })
    }

    /// Lets work gather; whoever closes, or is in a hurry, waits for nothing.
    fn rest(&self, until: Instant) {
        let mut queue = self.queue.lock();
        while !queue.closed && !queue.hurry && !self.filled.wait_until(&mut queue, until).timed_out() {}
    }
}

fn transaction(redb: &redb::Database, file: &Path, places: &Places, works: &[Work]) -> Result<(), DatabaseError> {
    if works.iter().all(|work| matches!(work, Work::Settle)) {
        return Ok(());
    }
    let began = Instant::now();
    let mut moves = places.begin();
    let write = redb.begin_write()?;
    for work in works {
        match work {
            Work::Pending(changes) => write_pending(&write, &mut moves, changes)?,
            Work::Blocks(batch) => write_batch(&write, &mut moves, batch)?,
            Work::Settle => {}
        }
    }
    on_disk(file, || write.commit())?;
    tap::process::database_synced(began.elapsed());
    moves.committed();
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(begun: Instant, ms: u64) -> Instant {
        begun + Duration::from_millis(ms)
    }

    #[test]
    fn the_second_transaction_after_a_pause_begins_at_once_and_the_third_on_time() {
        let (mut pace, start) = (Pace::new(), Instant::now());
        for pause in [0, 1_000] {
            assert_eq!(
                pace.begin(after(start, pause), true),
                after(start, pause),
                "a submission: its block is not held up"
            );
            assert_eq!(pace.begin(after(start, pause + 3), true), after(start, pause + 8));
            assert_eq!(pace.begin(after(start, pause + 8), true), after(start, pause + 16));
        }
    }

    #[test]
    fn transactions_without_end_are_an_interval_apart_which_grows() {
        let (mut pace, start) = (Pace::new(), Instant::now());
        let mut now = start;
        for _ in 0..1_000 {
            now = pace.begin(now, false);
        }
        let apart = now.duration_since(start).as_millis();
        assert!((15_800..16_000).contains(&apart), "a thousand took {apart} ms");
        assert_eq!(pace.begin(after(now, 100), true), after(now, 100), "a pause ends it");
    }
}
