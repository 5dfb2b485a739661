//! What README and docs tell people to type exists: every `pop` command with its options, and every target of make.
//!
//! The commands of a walk are run by the tests of what they do; this holds the words on paper against the program's own.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn documents() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut documents = vec![root.join("README.md"), root.join("data/proofs/README.md")];
    let docs = fs::read_dir(root.join("docs")).unwrap().map(|entry| entry.unwrap().path());
    documents.extend(docs.filter(|path| path.extension().is_some_and(|extension| extension == "md")));
    documents
}

/// Lines of code blocks, and code within lines: what a reader would copy.
fn code(text: &str) -> Vec<String> {
    let mut code = Vec::new();
    let mut fenced = false;
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        } else if fenced || line.starts_with("    ") {
            code.push(line.trim().trim_start_matches("$ ").to_owned());
        } else {
            code.extend(line.split('`').skip(1).step_by(2).map(str::to_owned));
        }
    }
    code
}

/// The options in what follows a command; a comment ends it.
fn options(words: &[&str]) -> BTreeSet<String> {
    let said = words.iter().take_while(|word| !word.starts_with('#'));
    let name = |word: &&str| {
        word.trim_matches(|letter| "[]().,;:'\"…|".contains(letter)).split('=').next().unwrap().to_owned()
    };
    said.map(name).filter(|word| word.len() > 2 && word.starts_with("--")).collect()
}

fn help(arguments: &[&str]) -> Option<String> {
    let output = Command::new(env!("CARGO_BIN_EXE_pop")).args(arguments).arg("--help").output().unwrap();
    output.status.success().then(|| String::from_utf8(output.stdout).unwrap())
}

#[test]
fn every_command_that_is_written_down_exists_with_its_options() {
    let mut known: BTreeMap<String, Option<String>> = BTreeMap::new();
    let mut commands = 0;
    for path in documents() {
        for line in code(&fs::read_to_string(&path).unwrap()) {
            let words: Vec<&str> = line.split_whitespace().collect();
            let [program, command, rest @ ..] = words.as_slice() else { continue };
            if *program != "pop" || !command.starts_with(|letter: char| letter.is_ascii_lowercase()) {
                continue;
            }
            commands += 1;
            // `pop key new`: what has commands of its own is asked with them.
            let has_own = help(&[command]).is_some_and(|text| text.contains("Commands:"));
            let path_of: Vec<&str> =
                [*command].into_iter().chain(rest.iter().copied().take(usize::from(has_own))).collect();
            let text = known.entry(path_of.join(" ")).or_insert_with(|| help(&path_of));
            let text =
                text.as_ref().unwrap_or_else(|| panic!("{}: there is no `pop {command}`: {line}", path.display()));
            for option in options(rest) {
                let is_there = text.split(|letter: char| letter.is_whitespace() || ",=<[".contains(letter));
                assert!(
                    is_there.clone().any(|word| word == option),
                    "{}: `pop {command}` has no {option}: {line}",
                    path.display()
                );
            }
        }
    }
    println!("{commands} commands are as they are written down");
    assert!(commands > 30, "only {commands} commands were found");
}

#[test]
fn every_target_of_make_that_is_written_down_exists() {
    let makefile = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("Makefile")).unwrap();
    let targets: BTreeSet<&str> = makefile.lines().filter_map(|line| Some(line.split_once(':')?.0)).collect();
    for path in documents() {
        for line in code(&fs::read_to_string(&path).unwrap()) {
            let mut words = line.split_whitespace();
            let target = words.next().filter(|word| *word == "make").and_then(|_| words.next());
            let Some(target) =
                target.filter(|target| target.chars().all(|letter| letter.is_ascii_lowercase() || letter == '-'))
            else {
                continue;
            };
            assert!(targets.contains(target), "{}: there is no `make {target}`: {line}", path.display());
        }
    }
}
