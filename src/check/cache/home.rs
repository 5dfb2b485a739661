//! The user's own directories: where findings are kept, and the key that marks them as this user's.
//!
//! Must never: lie in the project's folder. A cloned repository would bring its own *holds* along. So relative directories in
//! the environment do not count, and the key lies apart from the cache.

use actors::keys;
use actors::storage::files::{self, Existing, FileError};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

const PROGRAM: &str = "proof-of-proof";

/// Where the cache and its key are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Home {
    pub segments: PathBuf,
    pub key: PathBuf,
}

/// Why there is no cache.
#[derive(Debug, thiserror::Error)]
pub enum HomeError {
    #[error("neither HOME nor XDG_CACHE_HOME and XDG_DATA_HOME say where the user's own directories are")]
    Nowhere,
    #[error(transparent)]
    Key(#[from] keys::KeyError),
    #[error(transparent)]
    File(#[from] FileError),
}

impl Home {
    /// By the environment.
    ///
    /// # Errors
    /// `Nowhere` if it says nothing.
    pub fn find() -> Result<Home, HomeError> {
        Home::of(|name| std::env::var_os(name).map(PathBuf::from)).ok_or(HomeError::Nowhere)
    }

    fn of(variable: impl Fn(&str) -> Option<PathBuf>) -> Option<Home> {
        let absolute = |name: &str| variable(name).filter(|path| path.is_absolute());
        let home = absolute("HOME");
        let below = |place: &str| home.as_ref().map(|home| home.join(place));
        let (cache, data) = if cfg!(target_os = "macos") {
            ("Library/Caches", "Library/Application Support")
        } else {
            (".cache", ".local/share")
        };
        let cache = absolute("XDG_CACHE_HOME").or_else(|| below(cache))?;
        let data = absolute("XDG_DATA_HOME").or_else(|| below(data))?;
        Some(Home { segments: cache.join(PROGRAM).join("check"), key: data.join(PROGRAM).join("check-cache.key") })
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
        let fresh = keys::random_bytes()?;
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

    fn of(variables: &[(&str, &str)]) -> Option<Home> {
        Home::of(|name| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| PathBuf::from(value)))
    }

    #[test]
    #[cfg(not(target_os = "macos"))]
    fn the_users_own_directories_are_found_and_relative_ones_do_not_count() {
        let home = of(&[("HOME", "/home/a")]).unwrap();
        assert_eq!(home.segments, Path::new("/home/a/.cache/proof-of-proof/check"));
        assert_eq!(home.key, Path::new("/home/a/.local/share/proof-of-proof/check-cache.key"));
        let named = of(&[("HOME", "/home/a"), ("XDG_CACHE_HOME", "/c"), ("XDG_DATA_HOME", "/d")]).unwrap();
        assert_eq!(named.segments, Path::new("/c/proof-of-proof/check"));
        assert_eq!(named.key, Path::new("/d/proof-of-proof/check-cache.key"));
        assert_eq!(of(&[("HOME", "/home/a"), ("XDG_CACHE_HOME", "cache"), ("XDG_DATA_HOME", "")]), Some(home));
        assert_eq!(of(&[("XDG_CACHE_HOME", "/c")]), None);
        assert_eq!(of(&[("HOME", "")]), None);
    }

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
