//! Where findings are kept, and the key that marks them as this user's. It lies apart from them: whoever brings the one
//! along has not the other.

use crate::home::{self, HomeError};
use actors::keys::KeyError;
use actors::randomness::random_bytes;
use actors::storage::files::{self, Existing, FileError};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// Where the cache and its key are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Home {
    pub segments: PathBuf,
    pub key: PathBuf,
}

impl Home {
    /// In the user's own directories.
    ///
    /// # Errors
    /// If nothing says where they are.
    pub fn find() -> Result<Home, HomeError> {
        let home::Home { cache, data } = home::Home::find()?;
        Ok(Home { segments: cache.join("check"), key: data.join("check-cache.key") })
    }

    /// The key; a new one if there is none, or if it is damaged or others may read it: what was marked with that is then
    /// checked again.
    ///
    /// # Errors
    /// If none can be made.
    pub fn key(&self) -> Result<[u8; 32], HomeError> {
        match std::fs::metadata(&self.key) {
            Ok(metadata) => match read(&self.key) {
                Some(key) if metadata.permissions().mode() & 0o077 == 0 => Ok(key),
                _ => self.new_key(Existing::Replace),
            },
            // Only what is surely not there is made: two processes that start at once must come to one key.
            Err(error) if error.kind() == io::ErrorKind::NotFound => self.new_key(Existing::Keep),
            Err(error) => Err(FileError::at("read", &self.key)(error).into()),
        }
    }

    fn new_key(&self, existing: Existing) -> Result<[u8; 32], HomeError> {
        if let Some(directory) = self.key.parent() {
            files::make_directory(directory, 0o700)?;
        }
        let fresh = random_bytes().map_err(KeyError::from)?;
        match files::write_whole(&self.key, &fresh, 0o600, existing) {
            Ok(()) => Ok(fresh),
            // Another process was faster: its key is as good.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(read(&self.key).unwrap_or(fresh)),
            Err(error) => Err(error.into()),
        }
    }
}

fn read(path: &Path) -> Option<[u8; 32]> {
    files::read_bounded(path, 32).ok()?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_others_may_read_or_that_is_damaged_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home { segments: folder.path().join("c"), key: folder.path().join("d/k") };
        let first = home.key().unwrap();
        assert_eq!(home.key().unwrap(), first);
        assert_eq!(std::fs::metadata(&home.key).unwrap().permissions().mode() & 0o777, 0o600);
        std::fs::set_permissions(&home.key, std::fs::Permissions::from_mode(0o644)).unwrap();
        let second = home.key().unwrap();
        assert_ne!(second, first);
        assert_eq!(std::fs::metadata(&home.key).unwrap().permissions().mode() & 0o777, 0o600);
        std::fs::write(&home.key, b"short").unwrap();
        assert_ne!(home.key().unwrap(), second);
    }
}
