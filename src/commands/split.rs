//! `pop split`: the logs of a verifier as files, one for each obligation, with a manifest of what they claim.
//!
//! Must never: overwrite what it was not told to, or write a file for a check that is no obligation.

use crate::exit::{Exit, Failure, Outcome};
use crate::logs::{ClaimRule, LogFile, LogObligation};
use crate::obligation::{MANIFEST, Reader};
use crate::say;
use crate::text::plain;
use clap::Args;
use protocol::verdict::Claim;
use serde::Serialize;
use std::collections::HashMap;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Split the logs of verifiers into one script for each obligation.
///
/// Each check of a log becomes a script of its own, with everything that was in force at it: pop check-proof, submit-proof
/// and check take the folder as it is. A comment in its first line says where it comes from.
///
/// Exit code: 0 everything was written, 2 a log breaks off or asks nothing (what came before is written), or nothing was
/// written.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Logs, plain or gzipped; - is the standard input
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// The folder to write to, with a manifest.json; made if it is not there
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// The answer that is claimed, for all; logged takes each log's own answers. If not given, the manifest.json beside a
    /// log, a query's :status or the tool that wrote the log says it
    #[arg(long, value_parser = ["unsat", "sat", "logged"])]
    claim: Option<String>,
    /// Write although the folder is not empty, and overwrite files of the same names
    #[arg(long)]
    force: bool,
}

/// One line of the manifest.
#[derive(Debug, Serialize)]
struct Entry {
    file: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    claim: Option<Claim>,
    log: String,
    query: u32,
    line: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
}

impl Arguments {
    pub fn run(&self) -> Outcome {
        let rule = match self.claim.as_deref() {
            None => ClaimRule::Found,
            Some("logged") => ClaimRule::Logged,
            // clap has let in nothing but the two words.
            Some(word) => word.parse().map_or(ClaimRule::Found, ClaimRule::Given),
        };
        self.look_at_folder()?;
        let mut manifests = Reader::new(None);
        let mut stems = HashMap::new();
        let mut entries = Vec::new();
        let mut exit = Exit::Fine;
        for path in &self.files {
            let file = match LogFile::open(path, rule, &mut manifests) {
                Ok(file) => file,
                Err(error) => {
                    eprintln!("error: {error}");
                    exit = Exit::Input;
                    continue;
                }
            };
            let written = self.write(&file, &stem(path, &mut stems))?;
            tell(&file, &written);
            entries.extend(written);
            if file.is_broken() {
                exit = Exit::Input;
            }
        }
        if entries.is_empty() {
            return Err(Failure::new(Exit::Input, "no obligation was found: nothing was written"));
        }
        self.write_manifest(&entries)?;
        let count =
            if entries.len() == 1 { "1 obligation".to_owned() } else { format!("{} obligations", entries.len()) };
        say!("{count} in {}", plain(&self.out.display().to_string()));
        Ok(exit)
    }

    /// What is in the folder is somebody's.
    fn look_at_folder(&self) -> Result<(), Failure> {
        let out = plain(&self.out.display().to_string());
        match fs::read_dir(&self.out).map(|mut entries| entries.next().is_none()) {
            Ok(false) if !self.force => Err(Failure::new(
                Exit::Input,
                format!("{out} is not empty: name another folder, or say --force to overwrite files of the same names"),
            )),
            Ok(_) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(Failure::new(Exit::Input, format!("cannot write to {out}: {error}"))),
        }
    }

    fn write(&self, file: &LogFile, stem: &str) -> Result<Vec<Entry>, Failure> {
        let mut entries = Vec::with_capacity(file.len());
        for obligation in file.obligations() {
            let name = file_name(stem, &obligation);
            let text = [head(file, &obligation).as_bytes(), &obligation.script()].concat();
            self.write_file(&name, &text)?;
            entries.push(Entry {
                file: name,
                claim: obligation.claim().map(|(claim, _)| claim),
                log: file.path().display().to_string(),
                query: obligation.number(),
                line: obligation.line(),
                name: obligation.label().map(str::to_owned),
            });
        }
        Ok(entries)
    }

    fn write_manifest(&self, entries: &[Entry]) -> Result<(), Failure> {
        let mut text = serde_json::to_vec_pretty(entries).map_err(Failure::with(Exit::Internal))?;
        text.push(b'\n');
        self.write_file(MANIFEST, &text)
    }

    fn write_file(&self, name: &str, bytes: &[u8]) -> Result<(), Failure> {
        let path = self.out.join(name);
        let mut options = OpenOptions::new();
        options.write(true).truncate(true);
        // Without --force the folder was empty: what is there now, another process wrote.
        if self.force {
            options.create(true)
        } else {
            options.create_new(true)
        };
        let written =
            fs::create_dir_all(&self.out).and_then(|()| options.open(&path)).and_then(|mut file| file.write_all(bytes));
        written.map_err(|error| {
            Failure::new(Exit::Input, format!("cannot write {}: {error}", plain(&path.display().to_string())))
        })
    }
}

/// What the files of a log are called: its own name without what says its kind, and a number if another log had it.
fn stem(path: &Path, taken: &mut HashMap<String, u32>) -> String {
    const KINDS: [&str; 4] = [".gz", ".smt2", ".log", ".txt"];
    let name = path.file_name().map_or("input".to_owned(), |name| name.to_string_lossy().into_owned());
    let mut stem = name.as_str();
    for kind in KINDS {
        stem = stem.strip_suffix(kind).unwrap_or(stem);
    }
    let stem = match harmless(stem) {
        stem if stem.is_empty() => "input".to_owned(),
        stem => stem,
    };
    let count = taken.entry(stem.clone()).or_insert(0);
    *count += 1;
    if *count == 1 { stem } else { format!("{stem}_{count}") }
}

fn file_name(stem: &str, obligation: &LogObligation<'_>) -> String {
    let name = obligation.label().map(harmless).filter(|name| !name.is_empty());
    let name = name.map_or(String::new(), |name| format!("-{name}"));
    format!("{stem}-{:04}{name}.smt2", obligation.number())
}

/// A name that every file system takes: letters, digits, dots, hyphens and underscores, and not too long.
fn harmless(name: &str) -> String {
    const BYTES_MAX: usize = 80;
    let mut harmless = String::with_capacity(name.len().min(BYTES_MAX));
    for character in name.chars() {
        if harmless.len() == BYTES_MAX {
            break;
        }
        let kept = character.is_ascii_alphanumeric() || matches!(character, '.' | '-' | '_');
        match (kept, harmless.ends_with('_')) {
            (true, _) => harmless.push(character),
            (false, false) => harmless.push('_'),
            (false, true) => {}
        }
    }
    harmless.trim_matches(['.', '-', '_']).to_owned()
}

/// The first line of a script, from which a failure is found in the log.
fn head(file: &LogFile, obligation: &LogObligation<'_>) -> String {
    let name = obligation.label().map_or(String::new(), |name| format!(": {}", plain(name)));
    let log = plain(&file.path().display().to_string());
    format!("; {log}, query {} of {}, line {}{name}\n", obligation.number(), file.len(), obligation.line())
}

/// One line on a log, and one for each thing that a person should know of it.
fn tell(file: &LogFile, written: &[Entry]) {
    let path = plain(&file.path().display().to_string());
    let tool = file.tool().map_or("no tool is recognised", |found| found.tool.name());
    let count = if written.len() == 1 { "1 query".to_owned() } else { format!("{} queries", written.len()) };
    say!("{path}: {tool}, {count}{}", left_out(file));
    for remark in file.remarks().iter().filter(|remark| !remark.starts_with("written by")) {
        say!("  {remark}");
    }
    let unclaimed: Vec<LogObligation<'_>> = file.obligations().filter(|one| one.claim().is_none()).collect();
    if let Some(first) = unclaimed.first() {
        say!("  {} of {count} without a claim: {}", unclaimed.len(), first.why_no_claim());
    }
    let otherwise: Vec<LogObligation<'_>> =
        file.obligations().filter(|one| one.contradicted_by_log().is_some()).collect();
    if let Some(first) = otherwise.first() {
        let logged = first.contradicted_by_log().map_or(String::new(), |logged| logged.to_string());
        let (number, line) = (first.number(), first.line());
        say!(
            "  the log's own answer is not what is claimed for {} of {count}; the first: #{number} in line {line}, {logged}",
            otherwise.len()
        );
    }
}

fn left_out(file: &LogFile) -> String {
    match file.summary().outputs {
        0 => String::new(),
        1 => "; 1 command for output ignored".to_owned(),
        outputs => format!("; {outputs} commands for output ignored"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_named_after_the_log_and_the_goal() {
        let mut taken = HashMap::new();
        for (path, expected) in [
            ("logs/a b.smt2.gz", "a_b"),
            ("other/a b.log", "a_b_2"),
            ("-", "input"),
            ("../..", "input_2"),
            (".smt2", "input_3"),
            ("d5-Impl$$_module.smt2", "d5-Impl__module"),
        ] {
            assert_eq!(stem(Path::new(path), &mut taken), expected, "{path}");
        }
        assert_eq!(harmless("Impl$$_module.__default.Abs"), "Impl__module.__default.Abs");
        assert_eq!(harmless("../../é\n"), "");
        assert_eq!(harmless(&"x".repeat(300)).len(), 80);
    }
}
