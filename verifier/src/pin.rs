//! Finds the library that is really loaded, and hashes its file. It is opened before the sandbox and hashed by a thread
//! inside of it, while the rest of the start goes on; the hash is there before any script.

use crate::solver;
use protocol::types::Hash;
use protocol::worker::{FileIdentity, Library};
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::thread::JoinHandle;

/// Stack of the thread that hashes; its buffer is not on it.
const STACK_BYTES: usize = 256 << 10;

/// The library that this process has loaded: found and opened, but perhaps not hashed yet.
pub struct Loaded {
    file: FileIdentity,
    /// From an earlier worker that had the very same file, or the file that is to be hashed.
    hash: Result<Hash, File>,
}

/// A hash that a thread of its own takes meanwhile.
pub enum Hashing {
    Known(Library),
    Running(FileIdentity, JoinHandle<io::Result<Hash>>),
}

impl Loaded {
    /// Finds and opens the library; its hash is taken over from `known` if the file is the very same.
    ///
    /// # Errors
    /// If the library's file is not found, not readable, or another one lies there by now.
    pub fn find(known: Option<&Library>) -> io::Result<Loaded> {
        let path = loaded_path(solver::address())?;
        let open = File::open(&path).and_then(|file| Ok((file.metadata()?, file)));
        let (metadata, file) = open.map_err(|error| with_path(&path, error))?;
        let identity = FileIdentity {
            device: metadata.dev(),
            inode: metadata.ino(),
            bytes: metadata.len(),
            modified_ns: metadata.mtime().saturating_mul(1_000_000_000).saturating_add(metadata.mtime_nsec()),
        };
        let known = known.filter(|known| known.file == identity);
        Ok(Loaded { file: identity, hash: known.map(|known| known.hash).ok_or(file) })
    }

    /// Begins to hash what is not known. The thread runs when this returns: its start needs system calls that the sandbox
    /// denies.
    ///
    /// # Errors
    /// If no thread can be started.
    pub fn hash(self) -> io::Result<Hashing> {
        match self.hash {
            Ok(hash) => Ok(Hashing::Known(Library { file: self.file, hash })),
            Err(file) => {
                // The system may keep its stack for the next thread, and address space is limited.
                let thread = std::thread::Builder::new().name("pin".to_owned()).stack_size(STACK_BYTES);
                let (ready, started) = std::sync::mpsc::channel();
                let hashing = thread.spawn(move || {
                    let _ = ready.send(());
                    hash_file(file)
                })?;
                started.recv().map_err(|_| io::Error::other("the thread that hashes it did not start"))?;
                Ok(Hashing::Running(self.file, hashing))
            }
        }
    }
}

impl Hashing {
    /// The library with its hash; the thread is gone then.
    ///
    /// # Errors
    /// If the file could not be read to its end.
    pub fn finish(self) -> io::Result<Library> {
        match self {
            Hashing::Known(library) => Ok(library),
            Hashing::Running(file, thread) => {
                let hash = thread.join().map_err(|_| io::Error::other("the thread that hashes it panicked"))??;
                Ok(Library { file, hash })
            }
        }
    }
}

fn with_path(path: &Path, error: io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}

fn hash_file(mut file: File) -> io::Result<Hash> {
    let mut hasher = blake3::Hasher::new();
    let mut buffer = vec![0; 1 << 18];
    loop {
        let count = file.read(&mut buffer)?;
        if count == 0 {
            return Ok(Hash(*hasher.finalize().as_bytes()));
        }
        hasher.update(&buffer[..count]);
    }
}

/// The file that is mapped at an address. The kernel's list is asked, since the loader's name may be relative.
#[cfg(target_os = "linux")]
fn loaded_path(address: usize) -> io::Result<PathBuf> {
    let maps = std::fs::read_to_string("/proc/self/maps")?;
    let path = maps.lines().find_map(|line| mapped_file(line, address));
    let path = path.ok_or_else(|| io::Error::other("the solver library is not among the mapped files"))?;
    if path.as_os_str().as_encoded_bytes().ends_with(b" (deleted)") {
        return Err(io::Error::other(format!(
            "the solver library was replaced since it was loaded: {}",
            path.display()
        )));
    }
    Ok(path)
}

/// The file of one line of `/proc/self/maps`, if its range holds the address.
#[cfg(target_os = "linux")]
fn mapped_file(line: &str, address: usize) -> Option<PathBuf> {
    let (range, rest) = line.split_once(' ')?;
    let (from, to) = range.split_once('-')?;
    let held = usize::from_str_radix(from, 16).ok()? <= address && address < usize::from_str_radix(to, 16).ok()?;
    let path = &rest[rest.find('/')?..];
    held.then(|| PathBuf::from(path))
}

#[cfg(not(target_os = "linux"))]
fn loaded_path(address: usize) -> io::Result<PathBuf> {
    use std::os::unix::ffi::OsStrExt;
    // SAFETY: `dladdr` only reads the address and fills the structure, whose name outlives the library.
    unsafe {
        let mut information: libc::Dl_info = std::mem::zeroed();
        if libc::dladdr(address as *const libc::c_void, &mut information) == 0 || information.dli_fname.is_null() {
            return Err(io::Error::other("the solver library is not among the loaded images"));
        }
        let name = std::ffi::CStr::from_ptr(information.dli_fname);
        Ok(PathBuf::from(std::ffi::OsStr::from_bytes(name.to_bytes())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn loaded_library(known: Option<&Library>) -> io::Result<Library> {
        Loaded::find(known)?.hash()?.finish()
    }

    #[test]
    fn the_loaded_library_is_found_and_hashed_once() {
        let first = loaded_library(None).unwrap();
        assert_eq!(loaded_library(Some(&first)).unwrap(), first);
        assert!(first.file.bytes > 1 << 20, "the solver is larger than {} bytes", first.file.bytes);
        let other = Library { hash: Hash::ZERO, ..first };
        assert_eq!(loaded_library(Some(&other)).unwrap().hash, Hash::ZERO, "a known hash of the same file is believed");
        let stale = Library { file: FileIdentity { inode: first.file.inode + 1, ..first.file }, hash: Hash::ZERO };
        assert_eq!(loaded_library(Some(&stale)).unwrap(), first, "another file's hash is not");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_line_of_the_memory_map_gives_its_file() {
        let line = "7f00-8000 r-xp 00001000 08:01 42     /opt/a folder/libz3.so";
        assert_eq!(mapped_file(line, 0x7f80), Some(PathBuf::from("/opt/a folder/libz3.so")));
        assert_eq!(mapped_file(line, 0x8000), None);
        assert_eq!(mapped_file("7f00-8000 rw-p 00000000 00:00 0", 0x7f80), None);
    }
}
