//! The status that the tokens announce is the one that the whole normaliser finds, in every script that there is.

use smtlib::{Limits, announced_status, normalise};
use std::path::Path;

#[test]
fn every_accepted_script_announces_what_it_is_normalised_with() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folders = ["tests/generators", "../data/proofs", "../../shared/corpus/smt2", "../../shared/corpus/vcs"];
    let (mut compared, mut announced) = (0, 0);
    for folder in folders {
        let Ok(entries) = std::fs::read_dir(root.join(folder)) else {
            println!("NOT RUN: there are no scripts at {folder}");
            continue;
        };
        for path in entries.map(|entry| entry.unwrap().path()) {
            let Ok(script) = std::fs::read(&path) else { continue };
            let Ok(normalised) = normalise(&script, &Limits::default()) else { continue };
            let found = announced_status(&script, &Limits::default());
            assert_eq!(found, normalised.status, "{}", path.display());
            compared += 1;
            announced += usize::from(found.is_some());
        }
    }
    assert!(compared >= 50 && announced >= 40, "{announced} of {compared} scripts announce a status");
}
