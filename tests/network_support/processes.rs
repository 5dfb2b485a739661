//! Processes as the system shows them.

use std::fs;
use std::process::Child;

/// A process that is no validator of the network; it ends with the test, too.
pub struct Stranger(pub Child);

impl Drop for Stranger {
    fn drop(&mut self) {
        // It may have ended by itself.
        _ = self.0.kill();
        _ = self.0.wait();
    }
}

/// The processes that one started and that have not ended.
pub fn children(parent: i32) -> Vec<i32> {
    let processes = fs::read_dir("/proc").unwrap();
    let numbers = processes.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    numbers.filter(|&pid| is_running(pid) && field(pid, 1) == u64::try_from(parent).ok()).collect()
}

/// Whether a process is there and has not ended: one that nobody has reaped yet has.
pub fn is_running(pid: i32) -> bool {
    let status = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    status.rsplit_once(')').is_some_and(|(_, rest)| !rest.trim_start().starts_with(['Z', 'X']))
}

/// User and system time of a process, in hundredths of a second.
pub fn processor_ticks(pid: i32) -> Option<u64> {
    Some(field(pid, 11)? + field(pid, 12)?)
}

fn field(pid: i32, index: usize) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    status.rsplit_once(')')?.1.split_whitespace().nth(index)?.parse().ok()
}
