//! The worker registry: which worker processes live, and which of them have a job, for observers outside the pool.

use super::probe;
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// The worker processes as they are at one moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Workers {
    /// At a job.
    pub busy: usize,
    /// Ready for the next one, or just being started.
    pub idle: usize,
    /// Kept ready for when a worker is lost.
    pub spare: usize,
    /// Memory of all of them; 0 where the system does not report it.
    pub resident_bytes: u64,
}

/// By process number, whether it is at a job.
#[derive(Debug, Default)]
pub struct Roll(Mutex<BTreeMap<libc::pid_t, Arc<AtomicBool>>>);

/// A worker's entry in the registry, until it is dropped.
#[derive(Debug)]
pub(super) struct Entry {
    roll: Arc<Roll>,
    pid: libc::pid_t,
    is_busy: Arc<AtomicBool>,
}

/// The worker is at a job, until it is dropped.
pub(super) struct Busy(Arc<AtomicBool>);

impl Roll {
    pub(super) fn enter(self: &Arc<Self>, pid: libc::pid_t) -> Entry {
        let is_busy = Arc::<AtomicBool>::default();
        self.0.lock().insert(pid, Arc::clone(&is_busy));
        Entry { roll: Arc::clone(self), pid, is_busy }
    }

    /// One look; `spare` is the process that is kept ready.
    pub(super) fn look(&self, spare: Option<u32>) -> Workers {
        let listed: Vec<(libc::pid_t, bool)> =
            self.0.lock().iter().map(|(pid, busy)| (*pid, busy.load(Ordering::Relaxed))).collect();
        let mut workers = Workers::default();
        for (pid, is_busy) in listed {
            if is_busy {
                workers.busy += 1;
            } else if Some(pid.unsigned_abs()) == spare {
                workers.spare += 1;
            } else {
                workers.idle += 1;
            }
            workers.resident_bytes += probe::memory(pid).map_or(0, |memory| memory.resident_bytes);
        }
        workers
    }
}

impl Entry {
    pub(super) fn busy(&self) -> Busy {
        self.is_busy.store(true, Ordering::Relaxed);
        Busy(Arc::clone(&self.is_busy))
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.roll.0.lock().remove(&self.pid);
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_worker_is_busy_spare_or_idle_until_it_ends() {
        let roll = Arc::<Roll>::default();
        let this = libc::pid_t::try_from(std::process::id()).unwrap();
        // Numbers that no process has.
        let (first, second, third) = (roll.enter(this), roll.enter(1 << 23), roll.enter((1 << 23) + 1));
        let busy = second.busy();
        let Workers { busy: at_work, idle, spare, resident_bytes } = roll.look(Some((1 << 23) + 1));
        assert_eq!((at_work, idle, spare), (1, 1, 1));
        if cfg!(target_os = "linux") {
            assert!(resident_bytes > 0);
        }
        drop((busy, first, third));
        assert_eq!(roll.look(None), Workers { idle: 1, ..Workers::default() });
        drop(second);
        assert_eq!(roll.look(None), Workers::default());
    }
}
