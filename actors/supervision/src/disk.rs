//! Which threads of the process wait for the disk, and for which file.
//!
//! Code that syncs says so here: a system tells at most that a thread waits for some disk, and not every system tells that.

use parking_lot::Mutex;
use std::path::{Path, PathBuf};
use std::thread::ThreadId;

/// As many as there are threads inside of [`on_disk`].
static WAITING: Mutex<Vec<(ThreadId, PathBuf)>> = Mutex::new(Vec::new());

/// Runs what writes to a disk, or waits for one. A thread that is silent meanwhile is not taken for blocked before
/// [`DISK_DEADLINE`](crate::DISK_DEADLINE), and then the file is named. No lock is held meanwhile.
pub fn on_disk<T>(file: &Path, run: impl FnOnce() -> T) -> T {
    let mine = std::thread::current().id();
    WAITING.lock().push((mine, file.to_path_buf()));
    let _waiting = Waiting(mine);
    run()
}

struct Waiting(ThreadId);

impl Drop for Waiting {
    fn drop(&mut self) {
        let mut waiting = WAITING.lock();
        // The last one, should one be inside of another.
        if let Some(at) = waiting.iter().rposition(|(thread, _)| *thread == self.0) {
            waiting.remove(at);
        }
    }
}

/// What this thread waits for; if it does not, what another does.
pub(crate) fn file(thread: Option<ThreadId>) -> Option<(bool, PathBuf)> {
    let waiting = WAITING.lock();
    let own = waiting.iter().rev().find(|(waits, _)| Some(*waits) == thread);
    let (waits, file) = own.or(waiting.first())?;
    Some((Some(*waits) == thread, file.clone()))
}
