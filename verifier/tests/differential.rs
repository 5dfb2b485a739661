//! Public scripts, the example proofs, and those in the style of each generator: through normaliser and check, and by the
//! library on the original text. No definite answer differs, and what has a known answer gets it.
//!
//! `POP_SCRIPTS` names a folder of more scripts.
//!
//! Must never: pass silently where there is no corpus.

mod direct;

use direct::{Asker, Both, Bounds, Library};
use protocol::verdict::Answer;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

#[test]
#[ignore = "the child process of the tests beside it"]
fn child() {
    direct::child();
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn scripts_in(folder: &Path) -> Vec<PathBuf> {
    let mut folders = vec![folder.to_owned()];
    let mut found = Vec::new();
    while let Some(folder) = folders.pop() {
        for path in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "smt2") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// What both sides say of every script, from two children at a time.
fn ask_all(paths: &[PathBuf], bounds: impl Fn(&Path) -> Bounds + Sync) -> Vec<(PathBuf, Both)> {
    let next = Mutex::new(paths.iter());
    let told = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let mut asker = Asker::new("child");
                loop {
                    let Some(path) = next.lock().unwrap().next() else { return };
                    let both = asker.ask(&std::fs::read(path).unwrap(), bounds(path));
                    told.lock().unwrap().push((path.clone(), both));
                }
            });
        }
    });
    told.into_inner().unwrap()
}

/// Prints past the harness how many agree, and fails on any that contradict.
fn compare(name: &str, told: &[(PathBuf, Both)]) {
    let count = |fit: &dyn Fn(&Both) -> bool| told.iter().filter(|(_, both)| fit(both)).count();
    let agree = count(&Both::agree);
    let errors = count(&|both| matches!(both.library, Some(Library::Error(_))));
    let open = count(&|both| both.answer().is_none() && !both.is_rejected());
    let rejected = count(&Both::is_rejected);
    let line = format!(
        "{name}: {} scripts, {agree} answered alike, {open} without an answer of ours, {errors} with an error of the \
         library's on the original, {rejected} rejected\n",
        told.len()
    );
    std::io::stdout().write_all(line.as_bytes()).unwrap();
    let wrong: Vec<_> = told.iter().filter(|(_, both)| both.contradict()).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    for (path, both) in told.iter().filter(|(_, both)| std::env::var_os("POP_TELL").is_some() && !both.agree()) {
        println!("{}: {both:?}", path.display());
    }
}

#[test]
fn what_the_generators_of_proofs_write_is_answered_as_they_expect() {
    let mut paths = scripts_in(&root().join("smtlib/tests/generators"));
    paths.extend(scripts_in(&root().join("data/proofs")));
    let told = ask_all(&paths, |_| Bounds { cpu_ms: 20_000, resource_count: 50_000_000, ..Bounds::default() });
    compare("generators and examples", &told);
    for (path, both) in told {
        let text = std::fs::read_to_string(&path).unwrap();
        let expected = match text.split_once('.').map(|(first, _)| first) {
            Some("; unsat") => Answer::Unsat,
            Some("; sat") => Answer::Sat,
            // An example proof: some are false, and say so elsewhere.
            _ => {
                assert!(both.agree(), "{}: {both:?}", path.display());
                continue;
            }
        };
        // A sat of a script with recursive definitions would be none; those here are proofs.
        assert_eq!(both.answer(), Some(expected), "{}: {both:?}", path.display());
    }
}

#[test]
fn the_corpus_is_answered_as_the_library_answers_it() {
    let corpus = root().join("../shared/corpus");
    if !corpus.join("manifest.json").is_file() {
        writeln!(std::io::stdout(), "\nNOT RUN: no corpus beside the project").unwrap();
        return;
    }
    let manifest: serde_json::Value =
        serde_json::from_slice(&std::fs::read(corpus.join("manifest.json")).unwrap()).unwrap();
    let endless: Vec<PathBuf> = manifest
        .as_array()
        .unwrap()
        .iter()
        .filter(|entry| !["sat", "unsat"].contains(&entry["expected"].as_str().unwrap()))
        .map(|entry| corpus.join(entry["file"].as_str().unwrap()))
        .collect();
    let told = ask_all(&scripts_in(&corpus), |path| {
        let cpu_ms = if endless.iter().any(|endless| endless == path) { 1_000 } else { 20_000 };
        Bounds { cpu_ms, resource_count: 200_000_000, ..Bounds::default() }
    });
    compare("corpus", &told);
    let rejected: Vec<_> = told.iter().filter(|(_, both)| both.is_rejected()).collect();
    assert!(rejected.is_empty(), "{rejected:#?}");
}

/// For a folder of one's own, such as a solver's regression scripts.
#[test]
fn more_scripts_are_answered_as_the_library_answers_them() {
    let Some(folder) = std::env::var_os("POP_SCRIPTS") else { return };
    let told = ask_all(&scripts_in(Path::new(&folder)), |_| Bounds {
        cpu_ms: 3_000,
        resource_count: 20_000_000,
        ..Bounds::default()
    });
    compare("more", &told);
}
