//! Proof obligations on disk: which files, and which answer each one claims.
//!
//! The claim is what the user said, else what a `manifest.json` beside the file says, else what the script says of itself
//! by `(set-info :status …)`. Nothing is guessed. Every command that takes scripts from files reads them here.

use crate::unpack::STANDARD_INPUT;
use protocol::verdict::{Claim, VerifierParameters};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// The name of the file with the claims of the scripts beside it.
pub const MANIFEST: &str = "manifest.json";

/// Longest manifest, in bytes.
const MANIFEST_BYTES_MAX: u64 = 16 << 20;

/// A script with its claim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Obligation {
    pub path: PathBuf,
    pub script: Vec<u8>,
    pub claim: Option<(Claim, ClaimSource)>,
}

/// Who said what the answer should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClaimSource {
    User,
    Manifest,
    Script,
    /// The tool that wrote the log: what it hopes for.
    Tool,
    /// The answer that stands in the log.
    Logged,
}

impl ClaimSource {
    pub fn word(self) -> &'static str {
        match self {
            ClaimSource::User => "by --claim",
            ClaimSource::Manifest => "by the manifest",
            ClaimSource::Script => "by the script's :status",
            ClaimSource::Tool => "by the tool that wrote it",
            ClaimSource::Logged => "by the log's own answer",
        }
    }
}

/// Why a file is no obligation.
#[derive(Debug, thiserror::Error)]
pub enum ObligationError {
    #[error("cannot read {}: {error}", path.display())]
    Read { path: PathBuf, error: io::Error },
    #[error("{} is longer than {max} bytes, which no network lets in", path.display())]
    TooLong { path: PathBuf, max: u64 },
    #[error("{} is longer than {max} bytes, unpacked: hand it in by parts", path.display())]
    LogTooLong { path: PathBuf, max: u64 },
    #[error("{} is not a manifest: {error} (a list of {{\"file\": …, \"claim\": \"sat\" or \"unsat\"}} is expected)", path.display())]
    Manifest { path: PathBuf, error: serde_json::Error },
    #[error("cannot read the standard input: {error}")]
    Input { error: io::Error },
    #[error("{} names no script: give it a folder with .smt2 files, a manifest, or a script", path.display())]
    Empty { path: PathBuf },
}

impl ObligationError {
    /// The same for a place where the file is named already.
    pub fn why(&self) -> String {
        match self {
            ObligationError::Read { error, .. } | ObligationError::Input { error } => error.to_string(),
            ObligationError::TooLong { max, .. } => format!("it is longer than {max} bytes, which no network lets in"),
            ObligationError::LogTooLong { max, .. } => format!("it is longer than {max} bytes, unpacked"),
            ObligationError::Manifest { .. } | ObligationError::Empty { .. } => self.to_string(),
        }
    }
}

/// One line of a manifest. What others write beside these is of no concern here.
#[derive(Debug, Deserialize)]
struct Entry {
    file: PathBuf,
    #[serde(alias = "expected")]
    claim: Option<String>,
}

/// Reads scripts and their claims, and each folder's manifest once.
#[derive(Debug, Default)]
pub struct Reader {
    claimed: Option<Claim>,
    manifests: HashMap<PathBuf, HashMap<PathBuf, Claim>>,
}

impl Reader {
    /// With the claim that the user gave for every file, if any.
    pub fn new(claimed: Option<Claim>) -> Reader {
        Reader { claimed, manifests: HashMap::new() }
    }

    /// Reads one script and finds its claim.
    ///
    /// # Errors
    /// If the file or a manifest beside it cannot be read, or is too long.
    pub fn read(&mut self, path: &Path) -> Result<Obligation, ObligationError> {
        let script = read_bounded(path, VerifierParameters::SCRIPT_BYTES_MAX)?;
        let claim = match self.claimed {
            Some(claim) => Some((claim, ClaimSource::User)),
            None => match self.manifest_claim(path)? {
                Some(claim) => Some((claim, ClaimSource::Manifest)),
                None => status(&script).map(|claim| (claim, ClaimSource::Script)),
            },
        };
        Ok(Obligation { path: path.to_owned(), script, claim })
    }

    /// What a manifest says of a script: the one in its folder, or in the folder above, which may hold several.
    pub fn manifest_claim(&mut self, path: &Path) -> Result<Option<Claim>, ObligationError> {
        let folders = if path == Path::new(STANDARD_INPUT) { 0 } else { 2 };
        for folder in path.ancestors().skip(1).take(folders) {
            let manifest = folder.join(MANIFEST);
            let name = path.strip_prefix(folder).unwrap_or(path);
            if !self.manifests.contains_key(&manifest) {
                let claims = if manifest.is_file() { claims_of(&manifest)? } else { HashMap::new() };
                self.manifests.insert(manifest.clone(), claims);
            }
            if let Some(claim) = self.manifests.get(&manifest).and_then(|claims| claims.get(name)) {
                return Ok(Some(*claim));
            }
        }
        Ok(None)
    }
}

/// The scripts that a folder, a manifest or a script's own path names: a folder's in the order of its manifest, or of
/// their names if it has none.
///
/// # Errors
/// If it cannot be read, or names none.
pub fn scripts(path: &Path) -> Result<Vec<PathBuf>, ObligationError> {
    let read = |error| ObligationError::Read { path: path.to_owned(), error };
    let manifest = path.join(MANIFEST);
    let found = if path.is_dir() && manifest.is_file() {
        named_by(&manifest)?
    } else if path.is_dir() {
        let entries = std::fs::read_dir(path).map_err(read)?;
        let entries: io::Result<Vec<PathBuf>> = entries.map(|entry| entry.map(|entry| entry.path())).collect();
        let mut files = entries.map_err(read)?;
        files.retain(|file| file.extension().is_some_and(|extension| extension == "smt2"));
        files.sort();
        files
    } else if path.extension().is_some_and(|extension| extension == "json") {
        named_by(path)?
    } else {
        vec![path.to_owned()]
    };
    if found.is_empty() { Err(ObligationError::Empty { path: path.to_owned() }) } else { Ok(found) }
}

fn named_by(manifest: &Path) -> Result<Vec<PathBuf>, ObligationError> {
    let folder = manifest.parent().unwrap_or(Path::new(""));
    Ok(entries(manifest)?.into_iter().map(|entry| folder.join(entry.file)).collect())
}

/// The claims of a manifest. What is neither `sat` nor `unsat` (some write `unknown`) is no claim.
fn claims_of(manifest: &Path) -> Result<HashMap<PathBuf, Claim>, ObligationError> {
    let claim = |entry: Entry| Some((entry.file, entry.claim?.parse().ok()?));
    Ok(entries(manifest)?.into_iter().filter_map(claim).collect())
}

fn entries(manifest: &Path) -> Result<Vec<Entry>, ObligationError> {
    let bytes = read_bounded(manifest, MANIFEST_BYTES_MAX)?;
    serde_json::from_slice(&bytes).map_err(|error| ObligationError::Manifest { path: manifest.to_owned(), error })
}

fn read_bounded(path: &Path, max: u64) -> Result<Vec<u8>, ObligationError> {
    let mut bytes = Vec::new();
    if path == Path::new(STANDARD_INPUT) {
        let read = |error| ObligationError::Input { error };
        io::stdin().lock().take(max + 1).read_to_end(&mut bytes).map_err(read)?;
    } else {
        let read = |error| ObligationError::Read { path: path.to_owned(), error };
        File::open(path).map_err(read)?.take(max + 1).read_to_end(&mut bytes).map_err(read)?;
    }
    if bytes.len() as u64 > max { Err(ObligationError::TooLong { path: path.to_owned(), max }) } else { Ok(bytes) }
}

/// The script's own `:status`. Whether the script is accepted is not determined: that costs much more, and the check
/// does it.
pub fn status(script: &[u8]) -> Option<Claim> {
    match smtlib::announced_status(script, &smtlib::Limits::default())? {
        smtlib::Status::Sat => Some(Claim::Sat),
        smtlib::Status::Unsat => Some(Claim::Unsat),
        smtlib::Status::Unknown => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCRIPT: &str = "(set-info :status sat)\n(declare-const p Bool)\n(assert p)\n(check-sat)\n";

    fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        files.iter().for_each(|(name, text)| std::fs::write(folder.path().join(name), text).unwrap());
        folder
    }

    #[test]
    fn the_user_goes_before_the_manifest_and_that_before_the_script() {
        let bare = folder(&[("a.smt2", SCRIPT)]);
        let claim = |folder: &tempfile::TempDir, claimed| {
            Reader::new(claimed).read(&folder.path().join("a.smt2")).unwrap().claim
        };
        assert_eq!(claim(&bare, None), Some((Claim::Sat, ClaimSource::Script)));
        let listed = folder(&[("a.smt2", SCRIPT), (MANIFEST, r#"[{"file": "a.smt2", "claim": "unsat"}]"#)]);
        assert_eq!(claim(&listed, None), Some((Claim::Unsat, ClaimSource::Manifest)));
        assert_eq!(claim(&listed, Some(Claim::Sat)), Some((Claim::Sat, ClaimSource::User)));
    }

    #[test]
    fn a_manifest_orders_the_scripts_of_its_folder() {
        let listed = folder(&[
            ("a.smt2", SCRIPT),
            ("b.smt2", SCRIPT),
            (MANIFEST, r#"[{"file": "b.smt2", "expected": "unknown", "bytes": 3}, {"file": "a.smt2"}]"#),
        ]);
        let names: Vec<PathBuf> = ["b.smt2", "a.smt2"].iter().map(|name| listed.path().join(name)).collect();
        assert_eq!(scripts(listed.path()).unwrap(), names);
        assert_eq!(scripts(&listed.path().join(MANIFEST)).unwrap(), names);
        let claim = Reader::new(None).read(&names[0]).unwrap().claim;
        assert_eq!(claim, Some((Claim::Sat, ClaimSource::Script)), "unknown is no claim");
    }

    #[test]
    fn what_is_not_there_or_no_manifest_is_named() {
        let broken = folder(&[("a.smt2", SCRIPT), (MANIFEST, "{}")]);
        let error = Reader::new(None).read(&broken.path().join("a.smt2")).unwrap_err();
        assert!(error.to_string().contains(MANIFEST), "{error}");
        assert!(Reader::new(None).read(&broken.path().join("b.smt2")).is_err());
        assert!(matches!(scripts(tempfile::tempdir().unwrap().path()), Err(ObligationError::Empty { .. })));
    }
}
