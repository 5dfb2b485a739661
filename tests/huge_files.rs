//! Files that are far longer than a script may be: refused by name and limit, without reading them whole.

#![cfg(unix)]

use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// What a run of `pop` came to: its exit code, what it said, and its highest resident memory in bytes.
#[expect(clippy::zombie_processes, reason = "wait4 takes the child away, and tells its memory")]
fn run(arguments: &[&str], folder: &Path) -> (i32, String, u64) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_pop"))
        .args(arguments)
        .current_dir(folder)
        .env("XDG_DATA_HOME", folder.join("user"))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // Both are short.
    let mut text = String::new();
    child.stderr.take().unwrap().read_to_string(&mut text).unwrap();
    child.stdout.take().unwrap().read_to_string(&mut text).unwrap();
    let (mut status, mut usage) = (0, std::mem::MaybeUninit::<libc::rusage>::zeroed());
    // SAFETY: a child of this process that nobody else waits for; both places are valid for the call.
    let usage = unsafe {
        assert_eq!(libc::wait4(child.id() as i32, &mut status, 0, usage.as_mut_ptr()), child.id() as i32);
        usage.assume_init()
    };
    assert!(libc::WIFEXITED(status), "{text}");
    let unit = if cfg!(target_os = "macos") { 1 } else { 1024 };
    (libc::WEXITSTATUS(status), text, usage.ru_maxrss.unsigned_abs() * unit)
}

/// A file of a gigabyte that takes no room: what was not written reads as NUL.
fn sparse(path: &Path, begin: &str) {
    std::fs::write(path, begin).unwrap();
    std::fs::File::options().write(true).open(path).unwrap().set_len(1 << 30).unwrap();
}

fn is_refused(arguments: &[&str], folder: &Path) {
    let begun = Instant::now();
    let (code, text, memory) = run(arguments, folder);
    assert_eq!(code, 2, "{arguments:?}: {text}");
    assert!(text.contains("huge") && text.contains("bytes"), "{arguments:?}: {text}");
    assert!(memory < 150 << 20, "{arguments:?} took {memory} bytes of memory");
    assert!(begun.elapsed() < Duration::from_secs(30), "{arguments:?} took {:?}", begun.elapsed());
}

#[test]
fn a_script_of_a_gigabyte_is_refused_without_reading_it_whole() {
    let folder = tempfile::tempdir().unwrap();
    sparse(&folder.path().join("huge.smt2"), "(assert false)\n(check-sat)\n");
    is_refused(&["submit-proof", "huge.smt2", "--claim", "unsat"], folder.path());
    is_refused(&["check-proof", "huge.smt2", "--claim", "unsat"], folder.path());
}

#[test]
fn a_manifest_of_a_gigabyte_is_refused_without_reading_it_whole() {
    let folder = tempfile::tempdir().unwrap();
    sparse(&folder.path().join("huge.json"), "[");
    is_refused(&["submit-proof", "huge.json"], folder.path());
    is_refused(&["check-proof", "huge.json"], folder.path());
}

#[test]
fn a_device_that_never_ends_is_no_script() {
    let folder = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink("/dev/zero", folder.path().join("huge.smt2")).unwrap();
    is_refused(&["submit-proof", "huge.smt2", "--claim", "unsat"], folder.path());
}
