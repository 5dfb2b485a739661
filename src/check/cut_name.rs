//! Boogie cuts the names of source files in its quantifiers to eight letters: `search.dfy` is `searchdf` there. Which file it
//! is, the folders round the obligation tell, if only one fits.
//!
//! Must never: guess between two files, or read what is in them.

use super::place::Place;
use std::path::Path;

/// Letters that Boogie leaves.
const CUT_AT: usize = 8;
/// Whose files these are.
const ENDINGS: [&str; 2] = ["dfy", "bpl"];
/// Entries of a folder that are looked at.
const ENTRIES_MAX: usize = 10_000;

/// Whether a file's name, as a quantifier says it, was cut.
fn is_cut(name: &str) -> bool {
    name.chars().count() == CUT_AT && !name.contains('.')
}

/// Whether a file may be the one that was cut to this.
fn fits(file: &str, cut: &str) -> bool {
    let has_ending = file.rsplit_once('.').is_some_and(|(_, ending)| ENDINGS.contains(&ending));
    has_ending && file.chars().filter(|letter| *letter != '.').take(CUT_AT).eq(cut.chars())
}

/// Gives a place whose file's name was cut its whole name, by the files in the obligation's folder, the folders above that are
/// below the one in which the program runs, and that one. Without one that fits the line is told, and no file.
pub fn complete(place: &mut Place, obligation: &Path) {
    let Some(source) = place.source.take_if(|source| is_cut(&source.file)) else { return };
    let folders = obligation
        .ancestors()
        .skip(1)
        .map(|folder| if folder.as_os_str().is_empty() { Path::new(".") } else { folder });
    let here = std::env::current_dir().unwrap_or_default();
    let is_inside = |folder: &&Path| folder.is_relative() || folder.starts_with(&here);
    let found = folders.take_while(is_inside).find_map(|folder| the_one_in(folder, &source.file));
    match found {
        Some(file) => place.source = Some(super::place::Source { file, ..source }),
        None => {
            let name = place.name.take().map(|name| format!("{name}, ")).unwrap_or_default();
            place.name = Some(format!("{name}line {} of {}…", source.line, source.file));
        }
    }
}

/// The path of the only file in a folder that fits.
fn the_one_in(folder: &Path, cut: &str) -> Option<String> {
    let entries = std::fs::read_dir(folder).ok()?.take(ENTRIES_MAX).flatten();
    let mut fitting = entries.filter(|entry| entry.file_name().to_str().is_some_and(|name| fits(name, cut)));
    let only = fitting.next()?;
    if fitting.next().is_some() {
        return None;
    }
    let path = only.path();
    Some(path.strip_prefix(".").unwrap_or(&path).to_string_lossy().into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::place::Source;

    fn place(file: &str) -> Place {
        let source = Source { file: file.into(), line: 5, column: Some(3) };
        Place { source: Some(source), name: Some("M".into()) }
    }

    #[test]
    fn a_name_that_was_cut_is_completed_by_the_only_file_that_fits() {
        let folder = tempfile::tempdir().unwrap();
        let (sources, obligation) = (folder.path(), folder.path().join("a.smt2"));
        let told = |file: &str| {
            let mut place = place(file);
            // As if the program ran in that folder.
            let found = the_one_in(sources, file);
            match found {
                Some(file) => place.source.as_mut().unwrap().file = file,
                None => complete(&mut place, &obligation),
            }
            place.text()
        };
        assert_eq!(told("searchdf"), "M, line 5 of searchdf…");
        assert_eq!(told("q.dfy"), "q.dfy:5:3, in M");
        std::fs::write(sources.join("search.dfy"), "").unwrap();
        std::fs::write(sources.join("searchdf.txt"), "").unwrap();
        assert!(told("searchdf").ends_with("search.dfy:5:3, in M"));
        std::fs::write(sources.join("search.dfy.bpl"), "").unwrap();
        assert_eq!(told("searchdf"), "M, line 5 of searchdf…");
    }
}
