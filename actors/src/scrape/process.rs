//! What the system reports of this process and of its data directory. What it does not report is not on the page.

use std::ffi::CString;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// The file system that holds a path, for this user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Room {
    pub(super) free_bytes: u64,
    pub(super) size_bytes: u64,
}

/// One look at this process.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Process {
    pub(super) start_seconds: Option<f64>,
    pub(super) cpu_seconds: Option<f64>,
    pub(super) resident_bytes: Option<u64>,
    pub(super) virtual_bytes: Option<u64>,
    pub(super) open_fds: Option<u64>,
    pub(super) max_fds: Option<u64>,
    pub(super) threads: Option<u64>,
}

impl Process {
    #[cfg(target_os = "linux")]
    pub(super) fn look() -> Process {
        // The name of the program may hold anything but ends with the last parenthesis; fields are numbered from 3 behind it.
        let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
        let fields: Vec<&str> = stat.rsplit_once(')').map_or("", |(_, rest)| rest).split_whitespace().collect();
        let field = |number: usize| fields.get(number - 3)?.parse::<u64>().ok();
        let ticks = system(libc::_SC_CLK_TCK);
        let seconds = |count: u64| Some(count as f64 / ticks? as f64);
        let page = system(libc::_SC_PAGESIZE);
        Process {
            start_seconds: field(22).and_then(seconds).and_then(|since_boot| Some(boot_seconds()? + since_boot)),
            cpu_seconds: field(14).zip(field(15)).and_then(|(user, kernel)| seconds(user + kernel)),
            threads: field(20),
            virtual_bytes: field(23),
            resident_bytes: field(24).zip(page).map(|(pages, bytes)| pages * bytes),
            // The descriptor that reads the folder is one of them.
            open_fds: std::fs::read_dir("/proc/self/fd").ok().map(|entries| (entries.count() as u64).saturating_sub(1)),
            max_fds: max_fds(),
        }
    }

    #[cfg(not(target_os = "linux"))]
    pub(super) fn look() -> Process {
        Process { max_fds: max_fds(), ..Process::default() }
    }
}

#[cfg(target_os = "linux")]
fn system(name: libc::c_int) -> Option<u64> {
    // SAFETY: a plain question.
    u64::try_from(unsafe { libc::sysconf(name) }).ok().filter(|value| *value > 0)
}

/// When the machine started, since the Unix epoch.
#[cfg(target_os = "linux")]
fn boot_seconds() -> Option<f64> {
    let stat = std::fs::read_to_string("/proc/stat").ok()?;
    stat.lines().find_map(|line| line.strip_prefix("btime "))?.trim().parse().ok()
}

fn max_fds() -> Option<u64> {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: the call fills the structure.
    let failed = unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &mut limit) } != 0;
    (!failed).then_some(limit.rlim_cur)
}

/// The room of the file system that holds a path; none if there is no such path.
#[allow(clippy::unnecessary_cast)] // The fields' widths differ between systems.
pub(super) fn room(directory: &Path) -> Option<Room> {
    let path = CString::new(directory.as_os_str().as_bytes()).ok()?;
    // SAFETY: plain data that the call fills; the path ends with a zero byte.
    let (failed, stats) = unsafe {
        let mut stats = std::mem::zeroed::<libc::statvfs>();
        (libc::statvfs(path.as_ptr(), &mut stats) != 0, stats)
    };
    let unit = stats.f_frsize as u64;
    (!failed).then(|| Room { free_bytes: stats.f_bavail as u64 * unit, size_bytes: stats.f_blocks as u64 * unit })
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use std::time::{SystemTime, UNIX_EPOCH};

    #[test]
    fn this_process_is_told_as_the_system_has_it() {
        let Process { start_seconds, cpu_seconds, resident_bytes, virtual_bytes, open_fds, max_fds, threads } =
            Process::look();
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs_f64();
        let started = start_seconds.unwrap();
        assert!(started <= now + 1.0 && started > now - 86_400.0, "{started} {now}");
        assert!(cpu_seconds.unwrap() >= 0.0);
        assert!(virtual_bytes.unwrap() > resident_bytes.unwrap() && resident_bytes.unwrap() > 1 << 20);
        assert!(open_fds.unwrap() >= 3 && open_fds <= max_fds);
        assert!(threads.unwrap() >= 1);
    }

    #[test]
    fn a_folder_has_room_and_what_is_none_has_not() {
        let Room { free_bytes, size_bytes } = room(Path::new("/")).unwrap();
        assert!(size_bytes > 0 && free_bytes <= size_bytes);
        assert_eq!(room(Path::new("/nothing/is/here")), None);
    }
}
