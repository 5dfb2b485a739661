//! Files that are there whole or not at all, whatever instant the power fails at.
//!
//! A file is written beside its final place, synced, and only then given its name; the directory is synced last, or the
//! name itself could be lost. Never writes through a symbolic link and never leaves a temporary file after an error.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// What to do when the file is already there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Existing {
    /// The old file stays as it is, and the error's kind is `AlreadyExists`.
    Keep,
    Replace,
}

/// A file operation that failed: what was tried, on which path.
#[derive(Debug, thiserror::Error)]
#[error("cannot {action} {path}: {source}", path = path.display())]
pub struct FileError {
    pub action: &'static str,
    pub path: PathBuf,
    pub source: io::Error,
}

impl FileError {
    /// For `map_err`: keeps the action and the path with the system's error.
    pub fn at(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> FileError {
        let path = path.to_owned();
        move |source| FileError { action, path, source }
    }

    pub fn kind(&self) -> io::ErrorKind {
        self.source.kind()
    }
}

/// Writes a whole file durably. `mode` holds for the new file, whatever the umask takes away from it.
///
/// # Errors
/// Any step that fails; the final path then holds what it held before.
pub fn write_whole(path: &Path, bytes: &[u8], mode: u32, existing: Existing) -> Result<(), FileError> {
    let (temporary, mut file) = create_temporary(path, mode)?;
    let result = fill(&mut file, bytes, &temporary).and_then(|()| name_it(&temporary, path, existing));
    if result.is_err() || existing == Existing::Keep {
        // After a link the temporary name is a second one for the same file.
        let _ = std::fs::remove_file(&temporary);
    }
    result?;
    sync_directory_of(path)
}

fn fill(file: &mut File, bytes: &[u8], path: &Path) -> Result<(), FileError> {
    file.write_all(bytes).map_err(FileError::at("write", path))?;
    file.sync_all().map_err(FileError::at("sync", path))
}

fn name_it(temporary: &Path, path: &Path, existing: Existing) -> Result<(), FileError> {
    match existing {
        // A rename would replace the old file silently; a link fails when the name is taken.
        Existing::Keep => std::fs::hard_link(temporary, path).map_err(FileError::at("create", path)),
        Existing::Replace => std::fs::rename(temporary, path).map_err(FileError::at("replace", path)),
    }
}

fn create_temporary(path: &Path, mode: u32) -> Result<(PathBuf, File), FileError> {
    static COUNTER: AtomicU64 = AtomicU64::new(0);
    let count = COUNTER.fetch_add(1, Ordering::Relaxed);
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.{count}.new", std::process::id()));
    let temporary = path.with_file_name(name);
    // What an earlier process of the same number left behind is nobody's any more.
    let _ = std::fs::remove_file(&temporary);
    let file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(&temporary)
        .map_err(FileError::at("create", &temporary))?;
    Ok((temporary, file))
}

/// Makes a directory, and those above it, if it is not there. `mode` holds for the last one only.
///
/// # Errors
/// If it cannot be made, or the path is something else.
pub fn make_directory(path: &Path, mode: u32) -> Result<(), FileError> {
    if path.is_dir() {
        return Ok(());
    }
    if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        make_directory(parent, 0o755)?;
    }
    match std::fs::DirBuilder::new().mode(mode).create(path) {
        // Another process was faster.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
        Err(error) => Err(FileError::at("create", path)(error)),
        Ok(()) => sync_directory_of(path),
    }
}

/// Makes the names in the directory that holds `path` durable.
///
/// # Errors
/// If the directory cannot be opened or synced.
pub fn sync_directory_of(path: &Path) -> Result<(), FileError> {
    let directory = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    File::open(directory).and_then(|handle| handle.sync_all()).map_err(FileError::at("sync", directory))
}

/// Reads a file of at most `bytes_max` bytes: a wrong path must not fill the memory.
///
/// # Errors
/// `InvalidData` for a longer file or something that is no file.
pub fn read_bounded(path: &Path, bytes_max: u64) -> Result<Vec<u8>, FileError> {
    use std::io::Read;
    let error = |source| FileError { action: "read", path: path.to_owned(), source };
    // Opening a pipe for reading would block until somebody writes.
    let file = OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open(path).map_err(error)?;
    let invalid = |text: String| io::Error::new(io::ErrorKind::InvalidData, text);
    if !file.metadata().map_err(error)?.is_file() {
        return Err(error(invalid("it is not a file".into())));
    }
    let mut bytes = Vec::new();
    file.take(bytes_max + 1).read_to_end(&mut bytes).map_err(error)?;
    if bytes.len() as u64 > bytes_max {
        return Err(error(invalid(format!("it is longer than {bytes_max} bytes"))));
    }
    Ok(bytes)
}

/// What is wrong with a JSON text, for people to read: what is expected is described by its content, not by its name in
/// the code.
pub fn json_fault(error: &serde_json::Error) -> String {
    let mut text = error.to_string();
    for (code, words) in [
        ("expected u16", "expected a whole number up to 65535"),
        ("expected u32", "expected a whole number up to 4294967295"),
        ("expected u64", "expected a whole number that is not negative"),
        ("expected f64", "expected a number"),
        ("invalid IP address syntax", "not an IP address (write it in numbers, such as 127.0.0.1 or ::1)"),
    ] {
        text = text.replace(code, words);
    }
    if let Some(start) = text.find("expected struct ") {
        let end = text.find(" at line").unwrap_or(text.len());
        text.replace_range(start..end, "expected an object in braces");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn an_existing_file_is_kept_unless_it_is_to_be_replaced() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        write_whole(&path, b"one", 0o600, Existing::Keep).unwrap();
        let error = write_whole(&path, b"two", 0o600, Existing::Keep).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(std::fs::read(&path).unwrap(), b"one");
        write_whole(&path, b"three", 0o600, Existing::Replace).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"three");
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1, "no temporary file stays");
    }

    #[test]
    fn a_directory_in_the_way_is_an_error_that_leaves_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("taken");
        std::fs::create_dir(&path).unwrap();
        assert!(write_whole(&path, b"one", 0o600, Existing::Replace).is_err());
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_file_that_is_too_long_or_no_file_is_not_read() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        std::fs::write(&path, [7; 100]).unwrap();
        assert_eq!(read_bounded(&path, 100).unwrap().len(), 100);
        assert_eq!(read_bounded(&path, 99).unwrap_err().kind(), io::ErrorKind::InvalidData);
        assert_eq!(read_bounded(directory.path(), 99).unwrap_err().kind(), io::ErrorKind::InvalidData);
        assert_eq!(read_bounded(Path::new("/dev/zero"), 99).unwrap_err().kind(), io::ErrorKind::InvalidData);
    }
}
