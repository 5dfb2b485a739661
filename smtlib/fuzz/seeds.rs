//! The scripts to start from: the public corpus where it is at hand, the example proofs, and those written in the style
//! of each generator.
//!
//! Must never: fail because there is no corpus.

use std::path::{Path, PathBuf};

/// Every `.smt2` file below these folders of at most so many bytes, in the order of their names.
pub fn scripts(bytes_max: usize) -> Vec<Vec<u8>> {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    let root = own.parent().unwrap_or(own);
    let mut folders =
        vec![root.join("data/proofs"), root.join("smtlib/tests/generators"), root.join("../shared/corpus")];
    // More seeds than the project has, such as a solver's own regression scripts.
    folders.extend(std::env::var_os("POP_SCRIPTS").map(PathBuf::from));
    let mut paths = Vec::new();
    while let Some(folder) = folders.pop() {
        let Ok(entries) = std::fs::read_dir(folder) else { continue };
        for path in entries.flatten().map(|entry| entry.path()) {
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "smt2") {
                paths.push(path);
            }
        }
    }
    paths.sort();
    let read = paths.iter().filter_map(|path| std::fs::read(path).ok());
    read.filter(|script| script.len() <= bytes_max).collect()
}
