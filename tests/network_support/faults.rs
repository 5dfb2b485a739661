//! Disks and clocks that are not as they should be, for real processes: file systems of a test's own, syncs and writes
//! that fail or are slow, a wall clock that is wrong.
//!
//! Nothing outlives the test: mounts are in a namespace that ends with its thread and its processes.

use super::Validator;
#[cfg(target_os = "linux")]
use std::ffi::CString;
use std::fs::{self, File};
#[cfg(target_os = "linux")]
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// Fields of the page in `faults.c`.
const CLOCK_OFFSET_MS: u64 = 0;
const SYNC_ERROR: u64 = 8;
const WRITE_ERROR: u64 = 16;
const SYNCS_FAILED: u64 = 24;
const WRITES_FAILED: u64 = 32;
const SYNC_DELAY_MS: u64 = 40;
const PATH_END: u64 = 48;
const PAGE_BYTES: usize = 112;

/// What one validator's processes are made to see from now on.
pub struct Faults {
    page: File,
}

impl Faults {
    /// For a validator that does not run yet; nothing is wrong at first. `Err` says why this machine cannot do that.
    pub fn of(node: &mut Validator) -> Result<Faults, String> {
        let library = library()?;
        let path = node.folder.join(format!("{}.faults", node.name));
        fs::write(&path, [0; PAGE_BYTES]).unwrap();
        node.environment = vec![("LD_PRELOAD", library), ("POP_TEST_FAULTS", path.clone())];
        Ok(Faults { page: File::options().read(true).write(true).open(path).unwrap() })
    }

    pub fn clock_is_ahead(&self, seconds: i64) {
        self.put(CLOCK_OFFSET_MS, seconds * 1_000);
    }

    /// Syncs of files whose path ends so fail with this error.
    pub fn syncs_fail(&self, path_end: &str, error: i32) {
        self.aim(path_end);
        self.put(SYNC_ERROR, error.into());
    }

    /// Syncs of files whose path ends so take so much longer, as on a slow disk.
    pub fn syncs_are_slow(&self, path_end: &str, milliseconds: i64) {
        self.aim(path_end);
        self.put(SYNC_DELAY_MS, milliseconds);
    }

    /// Writes to files whose path ends so fail with this error.
    pub fn writes_fail(&self, path_end: &str, error: i32) {
        self.aim(path_end);
        self.put(WRITE_ERROR, error.into());
    }

    /// The disk is whole again. How often a sync and a write failed.
    pub fn heal(&self) -> (i64, i64) {
        let counts = (self.get(SYNCS_FAILED), self.get(WRITES_FAILED));
        let fields = [SYNC_ERROR, WRITE_ERROR, SYNCS_FAILED, WRITES_FAILED, SYNC_DELAY_MS];
        fields.into_iter().for_each(|field| self.put(field, 0));
        counts
    }

    fn aim(&self, path_end: &str) {
        let mut bytes = [0; PAGE_BYTES - PATH_END as usize];
        bytes[..path_end.len()].copy_from_slice(path_end.as_bytes());
        self.page.write_all_at(&bytes, PATH_END).unwrap();
    }

    fn put(&self, field: u64, value: i64) {
        self.page.write_all_at(&value.to_ne_bytes(), field).unwrap();
    }

    fn get(&self, field: u64) -> i64 {
        let mut bytes = [0; 8];
        self.page.read_exact_at(&mut bytes, field).unwrap();
        i64::from_ne_bytes(bytes)
    }
}

/// `faults.c` as a library, made once.
fn library() -> Result<PathBuf, String> {
    static LIBRARY: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    LIBRARY.get_or_init(compile).clone()
}

fn compile() -> Result<PathBuf, String> {
    if !cfg!(all(target_os = "linux", target_pointer_width = "64")) {
        return Err("faults are put between a process and the system in the way of 64-bit Linux".into());
    }
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/network_support/faults.c");
    let library = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("faults-{}.so", std::process::id()));
    let made = Command::new("cc").args(["-shared", "-fPIC", "-O1", "-Wall", "-o"]).args([&library, &source]).output();
    match made {
        Ok(made) if made.status.success() => Ok(library),
        Ok(made) => Err(format!("cc fails: {}", String::from_utf8_lossy(&made.stderr))),
        Err(error) => Err(format!("there is no cc: {error}")),
    }
}

/// Gives this thread, and every process that it starts, mounts of its own.
///
/// # Errors
/// Why this process may not do that.
#[cfg(target_os = "linux")]
pub fn own_mounts() -> Result<(), String> {
    // SAFETY: a plain system call that concerns this thread.
    if unsafe { libc::unshare(libc::CLONE_NEWNS) } != 0 {
        return Err(format!("mounts of its own are for root: {}", io::Error::last_os_error()));
    }
    mount(None, Path::new("/"), None, libc::MS_REC | libc::MS_PRIVATE, "").map_err(|error| error.to_string())
}

/// Something mounted, until it is dropped.
#[cfg(target_os = "linux")]
pub struct Mounted(CString);

#[cfg(target_os = "linux")]
impl Drop for Mounted {
    fn drop(&mut self) {
        // SAFETY: a plain system call with a string that lives. If it fails, the mount ends with the thread.
        unsafe { libc::umount2(self.0.as_ptr(), libc::MNT_DETACH) };
    }
}

/// A file system of so many bytes in memory.
#[cfg(target_os = "linux")]
pub fn mount_small(at: &Path, bytes: u64) -> Mounted {
    fs::create_dir_all(at).unwrap();
    mount(Some("tmpfs"), at, Some("tmpfs"), 0, &format!("size={bytes}")).unwrap();
    Mounted(text(at.to_str().unwrap()))
}

/// What is below a folder is read-only for as long as this lives.
#[cfg(target_os = "linux")]
pub fn mount_read_only(at: &Path) -> Mounted {
    mount(at.to_str(), at, None, libc::MS_BIND, "").unwrap();
    let mounted = Mounted(text(at.to_str().unwrap()));
    mount(None, at, None, libc::MS_REMOUNT | libc::MS_BIND | libc::MS_RDONLY, "").unwrap();
    mounted
}

#[cfg(target_os = "linux")]
fn text(text: &str) -> CString {
    CString::new(text).unwrap()
}

#[cfg(target_os = "linux")]
fn mount(source: Option<&str>, at: &Path, kind: Option<&str>, flags: u64, options: &str) -> io::Result<()> {
    let (source, kind) = (source.map(text), kind.map(text));
    let (at, options) = (text(at.to_str().unwrap()), text(options));
    let pointer = |text: &Option<CString>| text.as_ref().map_or(std::ptr::null(), |text| text.as_ptr());
    // SAFETY: a plain system call with strings that live.
    let result = unsafe { libc::mount(pointer(&source), at.as_ptr(), pointer(&kind), flags, options.as_ptr().cast()) };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}
