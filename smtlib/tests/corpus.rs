//! The public scripts: all are accepted.
//!
//! Whether the solver answers them as their manifest says is tested in `verifier/`.
//!
//! Must never: pass silently where there is no corpus.

use std::io::Write;
use std::path::PathBuf;

use smtlib::{Limits, normalise, parse, print};

fn corpus() -> Option<PathBuf> {
    let folder = std::env::var_os("POP_CORPUS")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/corpus"), PathBuf::from);
    folder.join("manifest.json").is_file().then_some(folder)
}

#[test]
fn every_public_script_is_accepted() {
    let Some(folder) = corpus() else {
        // Past the harness, which keeps what a passing test prints to itself; on a line of its own.
        writeln!(std::io::stdout(), "\nNOT RUN: no corpus beside the project (POP_CORPUS names another place)")
            .expect("standard output is open");
        return;
    };
    let manifest = std::fs::read_to_string(folder.join("manifest.json")).expect("the manifest is readable");
    let entries: serde_json::Value = serde_json::from_str(&manifest).expect("the manifest is JSON");
    let entries = entries.as_array().expect("the manifest is a list");
    assert!(!entries.is_empty());
    let mut faults = Vec::new();
    for entry in entries {
        let file = entry["file"].as_str().expect("an entry names its file");
        let script = std::fs::read(folder.join(file)).expect("the file is readable");
        match normalise(&script, &Limits::default()) {
            Ok(normalised) => {
                let again = normalise(normalised.text.as_bytes(), &Limits::default()).expect("its own text");
                assert_eq!(normalised.text, again.text, "{file}");
                let tree = parse(&script, &Limits::default()).expect("it was accepted");
                assert_eq!(parse(print(&tree).as_bytes(), &Limits::default()).expect("printed"), tree, "{file}");
            }
            Err(error) => faults.push(format!("{file}: {error}")),
        }
    }
    println!("{} scripts", entries.len());
    assert!(faults.is_empty(), "{faults:#?}");
}
