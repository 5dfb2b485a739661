//! Which files are meant: paths as they are given, folders with all that is below them, manifests, the standard input.
//!
//! Must never: follow a folder's symbolic link, which may lead round in circles, or stop at one path that is not there.

use super::glob::Glob;
use crate::obligation::{self, MANIFEST, ObligationError};
use crate::unpack::STANDARD_INPUT;
use std::path::{Path, PathBuf};

/// Endings of files that are taken from folders; `.gz` may follow. A log is anybody's: it must begin like a script.
const SCRIPTS: [&str; 2] = ["smt2", "smt"];
const LOGS: [&str; 1] = ["log"];

/// Which of the files are wanted.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    pub include: Vec<Glob>,
    pub exclude: Vec<Glob>,
}

impl Filter {
    fn wants(&self, path: &Path) -> bool {
        let path = path.to_string_lossy();
        let is_included = self.include.is_empty() || self.include.iter().any(|glob| glob.fits(&path));
        is_included && !self.exclude.iter().any(|glob| glob.fits(&path))
    }
}

/// A file that is meant, or why there is none at a path.
pub type Found = Result<PathBuf, (PathBuf, String)>;

/// What is told if nothing is left.
pub const NONE_LEFT: &str = "--include and --exclude leave no file to check";

/// Everything that the paths mean, in their order.
pub fn find(paths: &[PathBuf], filter: &Filter) -> Vec<Found> {
    paths.iter().flat_map(|path| of_one(path, filter)).collect()
}

fn of_one(path: &Path, filter: &Filter) -> Vec<Found> {
    let is_input = path == Path::new(STANDARD_INPUT);
    let files = if path.is_dir() && !path.join(MANIFEST).is_file() {
        below(path)
    } else if is_input {
        Ok(vec![path.to_owned()])
    } else {
        obligation::scripts(path)
    };
    let files = match files {
        Ok(files) => files,
        Err(error) => return vec![Err((path.to_owned(), error.why()))],
    };
    // A pattern is about what lies in the folder, however that is reached.
    let within =
        |file: &Path| file.strip_prefix(path).ok().filter(|rest| !rest.as_os_str().is_empty()).map(Path::to_owned);
    let wanted = |file: &PathBuf| is_input || filter.wants(&within(file).unwrap_or_else(|| file.clone()));
    files.into_iter().filter(wanted).map(Ok).collect()
}

/// The scripts and logs in a folder and those below it, by name. Hidden ones are not meant.
fn below(folder: &Path) -> Result<Vec<PathBuf>, ObligationError> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let read = |error| ObligationError::Read { path: folder.clone(), error };
        for entry in std::fs::read_dir(&folder).map_err(read)? {
            let entry = entry.map_err(read)?;
            let path = entry.path();
            if entry.file_name().to_string_lossy().starts_with('.') {
                continue;
            }
            let kind = entry.file_type().map_err(read)?;
            if kind.is_dir() {
                folders.push(path);
            } else if is_meant(&path) && (kind.is_file() || path.is_file()) {
                found.push(path);
            }
        }
    }
    found.sort();
    if found.is_empty() { Err(ObligationError::Empty { path: folder.to_owned() }) } else { Ok(found) }
}

fn is_meant(path: &Path) -> bool {
    let ending = |path: &Path| path.extension().and_then(|ending| ending.to_str()).map(str::to_ascii_lowercase);
    let bare = if ending(path).as_deref() == Some("gz") { path.with_extension("") } else { path.to_owned() };
    match ending(&bare).as_deref() {
        Some(ending) if SCRIPTS.contains(&ending) => true,
        Some(ending) if LOGS.contains(&ending) => bare != path || begins_like_a_script(path),
        _ => false,
    }
}

/// Whether a text's first letter is a parenthesis or a comment's semicolon.
fn begins_like_a_script(path: &Path) -> bool {
    use std::io::Read;
    let mut begin = Vec::new();
    let read = std::fs::File::open(path).and_then(|file| file.take(1_024).read_to_end(&mut begin));
    let begin = begin.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&begin);
    read.is_ok() && begin.iter().find(|byte| !byte.is_ascii_whitespace()).is_some_and(|byte| b"(;".contains(byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        folder
    }

    fn names(folder: &Path, filter: &Filter) -> Vec<String> {
        let found = find(&[folder.to_owned()], filter);
        let name = |path: PathBuf| path.strip_prefix(folder).unwrap().to_str().unwrap().to_owned();
        found.into_iter().map(|found| name(found.unwrap())).collect()
    }

    fn globs(patterns: &[&str]) -> Vec<Glob> {
        patterns.iter().map(|pattern| pattern.parse().unwrap()).collect()
    }

    #[test]
    fn a_folder_means_the_scripts_and_logs_below_it() {
        let folder = tree(&[
            ("b.smt2", ""),
            ("a/c.smt2.gz", ""),
            ("a/d.SMT", ""),
            ("a/z3.log", "; a log\n(check-sat)"),
            ("a/server.log", "2026-11-30 started"),
            ("a/e.txt", ""),
            ("a/f.tar.gz", ""),
            (".git/g.smt2", ""),
        ]);
        assert_eq!(names(folder.path(), &Filter::default()), ["a/c.smt2.gz", "a/d.SMT", "a/z3.log", "b.smt2"]);
        let filter = Filter { include: globs(&["*.smt2", "a/*"]), exclude: globs(&["*.gz", "**/z3.log"]) };
        assert_eq!(names(folder.path(), &filter), ["a/d.SMT", "b.smt2"]);
    }

    #[test]
    fn a_folder_with_a_manifest_means_what_that_names() {
        let folder = tree(&[
            ("b.smt2", ""),
            ("a.smt2", ""),
            ("c.smt2", ""),
            (MANIFEST, r#"[{"file":"b.smt2"},{"file":"a.smt2"}]"#),
        ]);
        assert_eq!(names(folder.path(), &Filter::default()), ["b.smt2", "a.smt2"]);
    }

    #[test]
    fn what_is_not_there_is_told_and_the_rest_goes_on() {
        let folder = tree(&[("b.smt2", ""), ("empty/readme.txt", "")]);
        let paths = ["none/", "empty", "b.smt2"].map(|name| folder.path().join(name));
        let found = find(&paths, &Filter::default());
        assert!(found[1].as_ref().is_err_and(|(_, why)| why.contains("names no script")), "{found:?}");
        assert_eq!(found[2], Ok(paths[2].clone()));
        assert_eq!(found.len(), 3, "{found:?}");
    }

    #[test]
    fn a_folder_that_leads_into_itself_ends() {
        let folder = tree(&[("a/b.smt2", "")]);
        std::os::unix::fs::symlink(folder.path(), folder.path().join("a/again")).unwrap();
        assert_eq!(names(folder.path(), &Filter::default()), ["a/b.smt2"]);
    }
}
