//! The user's own directories, outside of every project: the cache of `pop check`, and the submitter's key.
//!
//! Must never: lie in the project's folder. A cloned repository would bring its own files along. So relative directories in the
//! environment do not count.

use actors::keys::{self, KeyError};
use actors::storage::files::FileError;
use ed25519_dalek::SigningKey;
use std::path::{Path, PathBuf};

const PROGRAM: &str = "proof-of-proof";

/// Where this program keeps what is the user's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Home {
    /// What may be lost at any time.
    pub cache: PathBuf,
    /// Keys.
    pub data: PathBuf,
}

/// Why something of the user's is not to be had.
#[derive(Debug, thiserror::Error)]
pub enum HomeError {
    #[error("neither HOME nor XDG_CACHE_HOME and XDG_DATA_HOME say where the user's own directories are")]
    Nowhere,
    #[error(transparent)]
    Key(#[from] KeyError),
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
        Some(Home { cache: cache.join(PROGRAM), data: data.join(PROGRAM) })
    }
}

/// The key that signs this user's submissions: from the given file, else the user's own, which is created if it is
/// missing.
///
/// # Errors
/// If there is no place for it, or the file is not a key.
pub fn submitter_key(given: Option<&Path>) -> Result<SigningKey, HomeError> {
    let path = match given {
        Some(path) => path.to_owned(),
        None => keys::submitter_key_path(&Home::find()?.data),
    };
    Ok(keys::load_or_create(&path)?.0)
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
        assert_eq!(home.cache, Path::new("/home/a/.cache/proof-of-proof"));
        assert_eq!(home.data, Path::new("/home/a/.local/share/proof-of-proof"));
        let named = of(&[("HOME", "/home/a"), ("XDG_CACHE_HOME", "/c"), ("XDG_DATA_HOME", "/d")]).unwrap();
        assert_eq!(
            (named.cache.as_path(), named.data.as_path()),
            (Path::new("/c/proof-of-proof"), Path::new("/d/proof-of-proof"))
        );
        assert_eq!(of(&[("HOME", "/home/a"), ("XDG_CACHE_HOME", "cache"), ("XDG_DATA_HOME", "")]), Some(home));
        assert_eq!(of(&[("XDG_CACHE_HOME", "/c")]), None);
        assert_eq!(of(&[("HOME", "")]), None);
    }

    #[test]
    fn the_submitters_key_is_made_once() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("below/submitter.key");
        let first = submitter_key(Some(&place)).unwrap();
        assert_eq!(submitter_key(Some(&place)).unwrap().to_bytes(), first.to_bytes());
    }
}
