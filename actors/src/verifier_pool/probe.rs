//! Observes another process from outside: its processor time and its memory. Where the system does not report them,
//! there is `None`, and the worker's own limits must do.

use std::time::Duration;

/// Memory of a process, in bytes of residence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Memory {
    pub resident_bytes: u64,
    /// Highest value since the last [`forget_peak`], or since the start.
    pub peak_bytes: u64,
}

/// Processor time that a process has used so far, all threads together.
#[cfg(target_os = "linux")]
pub fn processor_time(pid: libc::pid_t) -> Option<Duration> {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: both calls only fill the given values. A process that is gone makes the second one fail.
    unsafe {
        let mut clock = 0;
        if libc::clock_getcpuclockid(pid, &mut clock) != 0 || libc::clock_gettime(clock, &mut time) != 0 {
            return None;
        }
    }
    Some(Duration::new(u64::try_from(time.tv_sec).ok()?, u32::try_from(time.tv_nsec).ok()?))
}

#[cfg(not(target_os = "linux"))]
pub fn processor_time(_pid: libc::pid_t) -> Option<Duration> {
    None
}

/// How long the main thread of a process was ready to run and got no processor. Zero where the system does not count it.
#[cfg(target_os = "linux")]
pub fn time_in_line(pid: libc::pid_t) -> Duration {
    let text = std::fs::read_to_string(format!("/proc/{pid}/schedstat")).unwrap_or_default();
    let nanoseconds = text.split_whitespace().nth(1).and_then(|word| word.parse().ok());
    Duration::from_nanos(nanoseconds.unwrap_or(0))
}

#[cfg(not(target_os = "linux"))]
pub fn time_in_line(_pid: libc::pid_t) -> Duration {
    Duration::ZERO
}

/// Resident memory of a process now and at its highest.
#[cfg(target_os = "linux")]
pub fn memory(pid: libc::pid_t) -> Option<Memory> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let kibibytes = |key: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(key))?;
        line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok()
    };
    Some(Memory { resident_bytes: kibibytes("VmRSS:")? * 1024, peak_bytes: kibibytes("VmHWM:")? * 1024 })
}

#[cfg(not(target_os = "linux"))]
pub fn memory(_pid: libc::pid_t) -> Option<Memory> {
    None
}

/// Restarts the measurement of the peak. Where that fails the peak is of the whole life: too high, never too low.
pub fn forget_peak(pid: libc::pid_t) {
    #[cfg(target_os = "linux")]
    let _ = std::fs::write(format!("/proc/{pid}/clear_refs"), "5");
    #[cfg(not(target_os = "linux"))]
    let _ = pid;
}

/// What the system says of a process that has ended.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Usage {
    pub processor_time: Duration,
    pub peak_bytes: u64,
}

impl From<&libc::rusage> for Usage {
    fn from(usage: &libc::rusage) -> Self {
        let span = |time: libc::timeval| {
            Duration::from_secs(time.tv_sec.unsigned_abs())
                + Duration::from_micros(u64::from(time.tv_usec.unsigned_abs() as u32))
        };
        let unit = if cfg!(target_os = "macos") { 1 } else { 1024 };
        Usage {
            processor_time: span(usage.ru_utime) + span(usage.ru_stime),
            peak_bytes: usage.ru_maxrss.unsigned_abs().saturating_mul(unit),
        }
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn this_process_has_time_and_memory() {
        let own = libc::pid_t::try_from(std::process::id()).unwrap();
        let memory = memory(own).unwrap();
        assert!(processor_time(own).is_some());
        assert!(memory.resident_bytes > 0 && memory.peak_bytes > 0);
    }

    #[test]
    fn a_process_that_is_not_there_has_neither() {
        // One more than the highest number that Linux gives out.
        let none = (1 << 22) + 1;
        assert_eq!((processor_time(none), memory(none), time_in_line(none)), (None, None, Duration::ZERO));
        forget_peak(none);
    }
}
