//! Small files beside a validator's key: what the key alone cannot say, and what has to outlive the data directory (R12).

use super::files::{self, Existing, FileError};
use protocol::types::Hash;
use std::io;
use std::path::{Path, PathBuf};

const BORN: &str =
    "This key has never signed a vote. Its first start removes this file; a copy of the key must not bring it along.\n";
const TWIN: &str = "Another process has signed votes with this key. One of the two must never start again. If that is the other \
                    one, remove this file.\n";

/// Where they are, for one key and one chain: a new genesis with an old key is a new history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BesideKey {
    /// The durable watermark: this key has signed on this chain.
    pub mark: PathBuf,
    /// The key has never signed, on any chain.
    pub born: PathBuf,
    /// Another process signs with this key on this chain.
    pub twin: PathBuf,
}

impl BesideKey {
    pub fn of(key_file: &Path, chain: &Hash) -> BesideKey {
        let chain = &chain.to_string()[..16];
        BesideKey {
            mark: beside(key_file, &format!(".voted-on-{chain}")),
            born: born_path(key_file),
            twin: beside(key_file, &format!(".twin-on-{chain}")),
        }
    }

    /// Whether the key has never signed.
    ///
    /// # Errors
    /// If that cannot be said.
    pub fn is_born(&self) -> Result<bool, FileError> {
        self.born.try_exists().map_err(FileError::at("read", &self.born))
    }

    /// From here on nothing says that the key has never signed. Durable when this returns.
    ///
    /// # Errors
    /// If it cannot be removed: then nothing may be signed.
    pub fn consume_born(&self) -> Result<(), FileError> {
        match std::fs::remove_file(&self.born) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(FileError::at("remove", &self.born)(error)),
            Ok(()) => files::sync_directory_of(&self.born),
        }
    }

    /// Whether another process is known to sign with this key.
    ///
    /// # Errors
    /// If that cannot be said.
    pub fn has_twin(&self) -> Result<bool, FileError> {
        self.twin.try_exists().map_err(FileError::at("read", &self.twin))
    }

    /// Another process signs with this key: no start until an operator has decided.
    ///
    /// # Errors
    /// If it cannot be written durably.
    pub fn mark_twin(&self) -> Result<(), FileError> {
        files::write_whole(&self.twin, TWIN.as_bytes(), 0o600, Existing::Replace)
    }
}

/// Where it stands that a key has never signed.
pub fn born_path(key_file: &Path) -> PathBuf {
    beside(key_file, ".born")
}

/// Says that a key has never signed: of a key that was just made, or is given to a chain that was just made.
///
/// # Errors
/// If it cannot be written durably.
pub fn bear(key_file: &Path) -> Result<(), FileError> {
    files::write_whole(&born_path(key_file), BORN.as_bytes(), 0o600, Existing::Replace)
}

fn beside(key_file: &Path, ending: &str) -> PathBuf {
    let mut name = key_file.file_name().unwrap_or_default().to_owned();
    name.push(ending);
    key_file.with_file_name(name)
}
