//! What the system says of this process' threads: processor time, waits for a processor, what each does now.
//!
//! Reads `/proc` of Linux, and nothing elsewhere. Each read is bounded; a thread that is gone, and a system that does not count, are `None`.

use crate::account::{Condition, Did, Others};
use std::collections::HashMap;
use std::fs::File;
use std::io::Read;
use std::os::unix::fs::FileExt;
use std::time::Duration;

/// Of a process with more threads only so many are looked at.
const THREADS_MAX: usize = 1_024;

/// What the system has counted of one thread since it began.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counters {
    pub(crate) ran: Duration,
    /// Waits for a processor that are over.
    pub(crate) waited: Duration,
}

/// One thread of this process, found by itself, looked at by any other.
#[derive(Debug)]
pub(crate) struct Source {
    /// Kept open: it is read at each look.
    schedstat: File,
    id: u32,
}

impl Source {
    /// The calling thread.
    pub(crate) fn of_this_thread() -> Option<Source> {
        let link = std::fs::read_link("/proc/thread-self").ok()?;
        let id = link.file_name()?.to_str()?.parse().ok()?;
        let source = Source { schedstat: File::open("/proc/thread-self/schedstat").ok()?, id };
        source.counters().is_some().then_some(source)
    }

    /// Costs one system call.
    pub(crate) fn counters(&self) -> Option<Counters> {
        let mut bytes = [0; 96];
        let length = self.schedstat.read_at(&mut bytes, 0).ok()?;
        counters(&bytes[..length])
    }

    pub(crate) fn condition(&self) -> Option<Condition> {
        condition_of(self.id)
    }
}

/// All threads of the process, from one look to the next.
#[derive(Debug, Default)]
pub(crate) struct Crowd {
    before: HashMap<u32, Counters>,
    /// The look at which `before` was read.
    look: u64,
}

impl Crowd {
    /// What they did since the look before this one; nothing, if nobody asked at that one. Costs two files a thread.
    pub(crate) fn since_the_last_look(&mut self, look: u64, took: Duration) -> Option<Others> {
        let is_next = self.look + 1 == look && !self.before.is_empty();
        let before = std::mem::take(&mut self.before);
        let mut others = Others::default();
        for id in threads().take(THREADS_MAX) {
            let (Some(now), Some(condition)) = (counters_of(id), condition_of(id)) else { continue };
            // One that began meanwhile had waited for nothing.
            let then = before.get(&id).copied().unwrap_or_default();
            let did = now.since(then, condition);
            others.waited = others.waited.max(did.waited_of(took));
            others.on_disk |= condition == Condition::OnDisk;
            self.before.insert(id, now);
        }
        self.look = look;
        is_next.then_some(others)
    }
}

impl Counters {
    pub(crate) fn since(self, before: Counters, condition: Condition) -> Did {
        Did { ran: self.ran.saturating_sub(before.ran), waited: self.waited.saturating_sub(before.waited), condition }
    }
}

fn threads() -> impl Iterator<Item = u32> {
    let entries = std::fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

fn counters_of(id: u32) -> Option<Counters> {
    let mut bytes = [0; 96];
    let length = File::open(format!("/proc/self/task/{id}/schedstat")).ok()?.read(&mut bytes).ok()?;
    counters(&bytes[..length])
}

/// Nanoseconds: on a processor, ready and waiting for one; then how often.
fn counters(line: &[u8]) -> Option<Counters> {
    let mut numbers = std::str::from_utf8(line).ok()?.split_ascii_whitespace().map(str::parse);
    let (ran, waited, times): (u64, u64, u64) = (numbers.next()?.ok()?, numbers.next()?.ok()?, numbers.next()?.ok()?);
    // Every thread has been on a processor once: a kernel that does not count shows zeros.
    (times > 0).then(|| Counters { ran: Duration::from_nanos(ran), waited: Duration::from_nanos(waited) })
}

fn condition_of(id: u32) -> Option<Condition> {
    let mut bytes = [0; 512];
    let length = File::open(format!("/proc/self/task/{id}/stat")).ok()?.read(&mut bytes).ok()?;
    condition(&bytes[..length])
}

/// The letter behind the name, which is in parentheses and may hold anything.
fn condition(line: &[u8]) -> Option<Condition> {
    let end = line.iter().rposition(|byte| *byte == b')')?;
    match line.get(end + 2)? {
        b'R' => Some(Condition::Ready),
        b'S' | b'I' => Some(Condition::Asleep),
        b'D' => Some(Condition::OnDisk),
        _ => Some(Condition::Stopped),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_the_system_are_read_and_others_are_nothing() {
        let read = Counters { ran: Duration::from_nanos(28_416_560), waited: Duration::from_nanos(74_097_133) };
        assert_eq!(counters(b"28416560 74097133 80\n"), Some(read));
        for line in [&b""[..], b"0 0 0\n", b"5 5\n", b"a b c", b"\xff 1", b"-1 2 3"] {
            assert_eq!(counters(line), None);
        }
        for (line, expected) in [
            (&b"7 (a) b) R 1"[..], Some(Condition::Ready)),
            (b"7 (pop) S 1", Some(Condition::Asleep)),
            (b"7 (pop) D 1", Some(Condition::OnDisk)),
            (b"7 (pop) T 1", Some(Condition::Stopped)),
            (b"7 (pop)", None),
            (b"", None),
        ] {
            assert_eq!(condition(line), expected);
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_thread_that_runs_is_seen_to_run_and_one_that_sleeps_to_sleep() {
        let (tell, told) = std::sync::mpsc::channel();
        let (end, wait) = std::sync::mpsc::channel::<()>();
        let sleeper = std::thread::spawn(move || {
            tell.send(Source::of_this_thread().expect("Linux counts")).unwrap();
            let _ = wait.recv();
        });
        let source = told.recv().unwrap();
        let until = std::time::Instant::now() + Duration::from_secs(60);
        while source.condition() != Some(Condition::Asleep) {
            assert!(std::time::Instant::now() < until, "it only waits");
        }
        let before = source.counters().unwrap();
        assert_eq!(source.counters().unwrap(), before, "what sleeps neither runs nor waits");
        let mine = Source::of_this_thread().unwrap();
        let began = mine.counters().unwrap();
        while mine.counters().unwrap().ran < began.ran + Duration::from_millis(20) {
            assert!(std::time::Instant::now() < until, "its processor time grows");
        }
        assert_eq!(mine.condition(), Some(Condition::Ready));
        let mut crowd = Crowd::default();
        let span = Duration::from_secs(1);
        assert_eq!(crowd.since_the_last_look(1, span), None, "there is nothing to compare with");
        assert!(crowd.since_the_last_look(2, span).is_some());
        assert_eq!(crowd.since_the_last_look(4, span), None, "a look was left out");
        drop(end);
        sleeper.join().unwrap();
        assert!(source.counters().is_none() || source.condition().is_none(), "one that is gone is told as nothing");
    }
}
