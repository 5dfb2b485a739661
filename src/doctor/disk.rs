//! The disk of the data folder: its free space, what kind it is, and how long a sync takes, which every block waits for
//! twice.

use super::Finding;
use std::ffi::CString;
use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Syncs that are measured, each after a write of a page.
const SYNCS: usize = 20;
const PAGE: [u8; 4_096] = [0x50; 4_096];
/// Above this it is the disk that decides how soon a block is final (docs/NODE_OPERATOR_GUIDE.md).
const SYNC_WARNED: Duration = Duration::from_millis(10);
const FREE_WARNED: u64 = 1 << 30;
const FREE_NEEDED: u64 = 100 << 20;
/// File systems that forget, and that are slow to promise.
const TMPFS: i64 = 0x0102_1994;
const NFS: i64 = 0x6969;
const CIFS: i64 = 0xff53_4d42;

/// What was seen of the disk.
#[derive(Debug, Clone, Copy)]
struct Disk {
    free_bytes: u64,
    /// Whether it counts files, and has none left.
    no_files_left: bool,
    /// As the system numbers kinds of file systems; 0 where it does not tell.
    kind: i64,
}

pub(super) fn look(data_dir: &Path) -> Vec<Finding> {
    // Before the first start the folder is not there: it will be made on the same disk as the folder above it.
    let Some(folder) = existing(data_dir) else {
        return vec![Finding::failure("disk", format!("{} is on no disk", data_dir.display()), "set data_dir")];
    };
    let seen = match disk(&folder) {
        Ok(seen) => judge(&folder, &seen),
        Err(error) => Finding::failure("disk", format!("{}: {error}", folder.display()), "let the node's user read it"),
    };
    vec![seen, judge_sync(&folder, measure(&folder))]
}

fn existing(path: &Path) -> Option<PathBuf> {
    let path = std::path::absolute(path).ok()?;
    path.ancestors().find(|folder| folder.is_dir()).map(Path::to_owned)
}

#[allow(clippy::unnecessary_cast)] // The fields' widths differ between systems.
fn disk(folder: &Path) -> io::Result<Disk> {
    let path = CString::new(folder.as_os_str().as_bytes())?;
    // SAFETY: plain data that the calls fill; the path ends with a zero byte.
    unsafe {
        let mut room = std::mem::zeroed::<libc::statvfs>();
        let mut kind = std::mem::zeroed::<libc::statfs>();
        if libc::statvfs(path.as_ptr(), &mut room) != 0 || libc::statfs(path.as_ptr(), &mut kind) != 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(Disk {
            free_bytes: (room.f_bavail as u64).saturating_mul(room.f_frsize as u64),
            no_files_left: room.f_files > 0 && room.f_favail == 0,
            kind: if cfg!(target_os = "linux") { kind.f_type as i64 } else { 0 },
        })
    }
}

fn judge(folder: &Path, disk: &Disk) -> Finding {
    let text = format!("{} free at {}", bytes(disk.free_bytes), folder.display());
    if disk.no_files_left {
        return Finding::failure(
            "disk",
            format!("{text}, but it takes no further file"),
            "delete files that nobody needs",
        );
    }
    if disk.free_bytes < FREE_NEEDED {
        return Finding::failure("disk", text, "make room: the node ends at the first write that fails");
    }
    if disk.free_bytes < FREE_WARNED {
        return Finding::warning("disk", text, "make room soon: the node ends at the first write that fails");
    }
    match disk.kind {
        TMPFS => Finding::warning(
            "disk",
            format!("{text}, in memory"),
            "set data_dir to a disk: after a power cut the vote log would be lost, and nothing signed until a quorum has reported",
        ),
        NFS | CIFS => {
            Finding::warning("disk", format!("{text}, over a network"), "set data_dir to a disk of this machine")
        }
        _ => Finding::ok("disk", text),
    }
}

/// The median and the worst of some syncs. The file is gone afterwards, also if the program is killed.
fn measure(folder: &Path) -> io::Result<(Duration, Duration)> {
    let path = folder.join(format!(".pop-doctor-{}", std::process::id()));
    let mut file = File::options().write(true).create_new(true).open(&path)?;
    fs::remove_file(&path)?;
    let mut took = Vec::with_capacity(SYNCS);
    for _ in 0..SYNCS {
        file.write_all(&PAGE)?;
        let began = Instant::now();
        file.sync_data()?;
        took.push(began.elapsed());
    }
    took.sort_unstable();
    Ok((took[SYNCS / 2], took[SYNCS - 1]))
}

fn judge_sync(folder: &Path, measured: io::Result<(Duration, Duration)>) -> Finding {
    match measured {
        Err(error) => Finding::failure(
            "sync",
            format!("cannot write to {}: {error}", folder.display()),
            "mount it writable, or let the node's user write there",
        ),
        Ok((median, worst)) => {
            let ms = |span: Duration| format!("{:.2} ms", span.as_secs_f64() * 1e3);
            let text =
                format!("a write is on the disk after {} (median of {SYNCS}), {} at worst", ms(median), ms(worst));
            if median <= SYNC_WARNED {
                return Finding::ok("sync", text);
            }
            let remedy = "give the node a disk of its own, an SSD: each block waits for two syncs";
            Finding::warning("sync", text, remedy)
        }
    }
}

fn bytes(count: u64) -> String {
    let gib = count as f64 / f64::from(1 << 30);
    if gib >= 1.0 { format!("{gib:.1} GiB") } else { format!("{:.0} MiB", gib * 1024.0) }
}

#[cfg(test)]
mod tests {
    use super::super::Level;
    use super::*;

    #[test]
    fn a_disk_is_judged_by_its_room_and_kind() {
        let of =
            |free_bytes, no_files_left, kind| judge(Path::new("/d"), &Disk { free_bytes, no_files_left, kind }).level;
        assert_eq!(of(FREE_WARNED, false, 0xef53), Level::Ok);
        assert_eq!(of(FREE_WARNED - 1, false, 0xef53), Level::Warning);
        assert_eq!(of(FREE_NEEDED - 1, false, 0xef53), Level::Failure);
        assert_eq!(of(FREE_WARNED, true, 0xef53), Level::Failure);
        assert_eq!(of(FREE_WARNED, false, TMPFS), Level::Warning);
        assert_eq!(of(FREE_WARNED, false, NFS), Level::Warning);
    }

    #[test]
    fn a_sync_is_measured_and_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let (median, worst) = measure(folder.path()).unwrap();
        assert!(median <= worst && !worst.is_zero());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        let ms = |median, worst| {
            judge_sync(folder.path(), Ok((Duration::from_millis(median), Duration::from_millis(worst))))
        };
        assert_eq!((ms(1, 200).level, ms(11, 12).level), (Level::Ok, Level::Warning));
        assert_eq!(judge_sync(folder.path(), measure(Path::new("/no/such/folder"))).level, Level::Failure);
    }

    #[test]
    fn a_folder_to_come_is_looked_for_on_the_disk_above() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(existing(&folder.path().join("data/node_1")).unwrap(), folder.path());
    }
}
