//! Logs of verifiers as obligations: each check with its script, its claim, and its place.
//!
//! A script with one query is a log of one obligation, so that every command that takes logs takes scripts as well. The
//! claim is the user's, else the manifest's, else the query's `:status`, else what the tool that wrote the log expects.
//! The log's own answer is the claim only if the user says so, because it is exactly what is to be checked.
//!
//! Must never: hold the texts of all obligations at once, or take an answer of this machine for a claim.

use crate::obligation::{ClaimSource, ObligationError, Reader};
use crate::text::plain;
use crate::unpack::{self, Unpacked};
use protocol::verdict::{Claim, VerifierParameters};
use smtlib::{Log, LogLimits, LogSeries, LogSummary, Query, Recognised, Status};
use std::borrow::Cow;
use std::path::{Path, PathBuf};

/// Longest log, in bytes, when it is unpacked: positions in it are 32 bits wide.
pub const LOG_BYTES_MAX: u64 = 1 << 30;

/// Where claims come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClaimRule {
    /// From the user, one for all.
    Given(Claim),
    /// The log's own answers.
    Logged,
    /// From what stands beside and in the log.
    Found,
}

/// A log, or a script, with its claims.
#[derive(Debug)]
pub struct LogFile {
    path: PathBuf,
    log: Log<'static>,
    /// The bytes as they were read, where they are one script.
    script: Option<Vec<u8>>,
    rule: ClaimRule,
    by_manifest: Option<Claim>,
    /// Why the packed file has no end.
    cut: Option<String>,
}

/// One of its obligations.
#[derive(Debug, Clone, Copy)]
pub struct LogObligation<'a> {
    file: &'a LogFile,
    query: &'a Query,
}

impl LogFile {
    /// Reads a file, plain or gzipped, or the standard input for `-`.
    ///
    /// # Errors
    /// If it cannot be read or is too long, or if a manifest beside it cannot be read.
    pub fn open(path: &Path, rule: ClaimRule, manifests: &mut Reader) -> Result<LogFile, ObligationError> {
        let read = |error| match path == Path::new(unpack::STANDARD_INPUT) {
            true => ObligationError::Input { error },
            false => ObligationError::Read { path: path.to_owned(), error },
        };
        LogFile::of(path, unpack::read(path, LOG_BYTES_MAX).map_err(read)?, rule, manifests)
    }

    /// The same for a file that was unpacked already.
    ///
    /// # Errors
    /// If it was too long, or if a manifest beside it cannot be read.
    pub fn of(
        path: &Path,
        unpacked: Unpacked,
        rule: ClaimRule,
        manifests: &mut Reader,
    ) -> Result<LogFile, ObligationError> {
        let (bytes, cut) = match unpacked {
            Unpacked::Whole(bytes) => (bytes, None),
            Unpacked::Begun { bytes, why } => (bytes, Some(why)),
            Unpacked::TooLong => return Err(ObligationError::LogTooLong { path: path.to_owned(), max: LOG_BYTES_MAX }),
        };
        let mut file = LogFile::from_bytes(path, bytes, rule, manifests)?;
        if cut.is_some() {
            file.script = None;
        }
        file.cut = cut;
        Ok(file)
    }

    /// The same for bytes that were read already; the path is what they are called.
    ///
    /// # Errors
    /// If a manifest beside the path cannot be read.
    pub fn from_bytes(
        path: &Path,
        bytes: Vec<u8>,
        rule: ClaimRule,
        manifests: &mut Reader,
    ) -> Result<LogFile, ObligationError> {
        let by_manifest = manifests.manifest_claim(path)?;
        // A script is small, a log that is one query long hardly ever longer.
        let may_be_script = bytes.len() as u64 <= VerifierParameters::SCRIPT_BYTES_MAX;
        let script = may_be_script.then(|| bytes.clone());
        let log = Log::read(bytes, &LogLimits::default());
        let script = script.filter(|_| is_script(&log));
        Ok(LogFile { path: path.to_owned(), log, script, rule, by_manifest, cut: None })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// How many obligations it holds.
    pub fn len(&self) -> usize {
        self.log.queries().len()
    }

    /// One of them, counted from 0.
    pub fn obligation(&self, index: usize) -> Option<LogObligation<'_>> {
        self.log.queries().get(index).map(|query| LogObligation { file: self, query })
    }

    pub fn obligations(&self) -> impl Iterator<Item = LogObligation<'_>> {
        self.log.queries().iter().map(|query| LogObligation { file: self, query })
    }

    /// The script of the first of these queries, counted from 0, and of as many behind it as one series can hold.
    pub fn series(&self, queries: impl IntoIterator<Item = usize>, bytes_max: u64) -> LogSeries {
        self.log.series(queries, bytes_max)
    }

    /// Who wrote it.
    pub fn tool(&self) -> Option<&Recognised> {
        self.summary().tool.as_ref()
    }

    pub fn summary(&self) -> &LogSummary {
        self.log.summary()
    }

    /// It breaks off, or holds no query at all: what it should have said is not known.
    pub fn is_broken(&self) -> bool {
        self.cut.is_some() || self.summary().broken.is_some() || self.len() == 0
    }

    /// What a person should know of it besides its obligations, one line each. Nothing for a plain script.
    pub fn remarks(&self) -> Vec<String> {
        let summary = self.summary();
        let mut remarks = Vec::new();
        if let Some(Recognised { tool, evidence, line }) = &summary.tool
            && self.script.is_none()
        {
            remarks.push(format!("written by {} ({evidence}, line {line})", tool.name()));
        }
        if let Some(first) = summary.first_search {
            let (count, look) = counted(summary.searches.into(), "check", "looks", "look");
            remarks.push(format!(
                "{count} {look} for further errors of an obligation before (the first in line {first}): no obligations"
            ));
        }
        remarks.extend(answers(summary));
        if summary.after_end > 0 {
            let (count, stand) = counted(summary.after_end.into(), "command", "stands", "stand");
            remarks.push(format!("{count} {stand} behind the end, (exit): ignored"));
        }
        if self.len() == 0 && self.cut.is_none() && summary.broken.is_none() {
            remarks.push("no check-sat in it: nothing is asked".to_owned());
        }
        if let Some(broken) = &summary.broken {
            remarks.push(format!("{broken}; what comes behind is not read"));
        }
        if let Some(why) = &self.cut {
            remarks.push(format!("the gzipped file breaks off: {}; what comes behind is not read", plain(why)));
        }
        remarks
    }
}

/// Whether a log is one script and nothing else, so that it may be taken as it is.
fn is_script(log: &Log<'_>) -> bool {
    let [query] = log.queries() else { return false };
    let summary = log.summary();
    let is_plain = !summary.transcript && summary.answers == 0;
    is_plain && summary.searches == 0 && summary.broken.is_none() && query.forgot.is_none()
}

/// What is said of a solver's answers between the commands.
fn answers(summary: &LogSummary) -> Option<String> {
    let first = summary.first_answer?;
    let (count, stand) = counted(summary.answers, "answer", "stands", "stand");
    let errors = summary.first_error.map(|line| {
        let (count, _) = counted(summary.errors, "error", "", "");
        format!("; {count} among them, the first in line {line}")
    });
    let stray = summary.stray_answer.map(|line| {
        format!("; the one in line {line} answers no check that waits for one, so that sat and unsat are not read as the log's own answers")
    });
    let (errors, stray) = (errors.unwrap_or_default(), stray.unwrap_or_default());
    Some(format!(
        "{count} of a solver {stand} between the commands (the first in line {first}): left out{errors}{stray}"
    ))
}

fn counted<'a>(count: u64, noun: &str, one: &'a str, many: &'a str) -> (String, &'a str) {
    if count == 1 { (format!("1 {noun}"), one) } else { (format!("{count} {noun}s"), many) }
}

fn claim_of(status: Status) -> Option<Claim> {
    match status {
        Status::Sat => Some(Claim::Sat),
        Status::Unsat => Some(Claim::Unsat),
        Status::Unknown => None,
    }
}

impl<'a> LogObligation<'a> {
    /// What it is called: the file, or `FILE#12 (line 3401, Impl$$M.Abs)`.
    pub fn name(&self) -> String {
        let path = plain(&self.file.path.display().to_string());
        if self.file.script.is_some() {
            return path;
        }
        let name = self.label().map_or(String::new(), |name| format!(", {}", plain(name)));
        format!("{path}#{} (line {}{name})", self.query.number, self.query.line)
    }

    /// Counted from 1.
    pub fn number(&self) -> u32 {
        self.query.number
    }

    /// Of its check, in the log.
    pub fn line(&self) -> u32 {
        self.query.line
    }

    /// What the tool calls its goal.
    pub fn label(&self) -> Option<&'a str> {
        self.query.name.as_deref()
    }

    /// The answer that is claimed, and by whom.
    pub fn claim(&self) -> Option<(Claim, ClaimSource)> {
        let query = self.query;
        match self.file.rule {
            ClaimRule::Given(claim) => return Some((claim, ClaimSource::User)),
            ClaimRule::Logged => return Some((query.logged.and_then(claim_of)?, ClaimSource::Logged)),
            ClaimRule::Found => {}
        }
        let by_manifest = self.file.by_manifest.map(|claim| (claim, ClaimSource::Manifest));
        let announced = || Some((query.status.and_then(claim_of)?, ClaimSource::Script));
        by_manifest.or_else(announced).or_else(|| Some((claim_of(self.hoped_for()?)?, ClaimSource::Tool)))
    }

    /// The answer that the log's tool hopes for here.
    fn hoped_for(&self) -> Option<Status> {
        let hoped = self.file.tool()?.tool.hopes_for();
        match (self.query.horn, hoped) {
            (true, Some(_)) => Some(Status::Sat),
            // Of a log of Horn clauses, a query in another logic.
            (false, Some(Status::Sat)) | (_, None) => None,
            (false, hoped) => hoped,
        }
    }

    /// Why nothing is claimed, and what to give.
    pub fn why_no_claim(&self) -> String {
        let give = "say --claim unsat or --claim sat";
        match (self.file.rule, self.file.tool()) {
            (ClaimRule::Logged, _) => format!("the log holds no answer to it: {give}"),
            (_, Some(found)) if found.tool.hopes_for().is_none() => format!(
                "{} asks in both directions, so that its logs claim nothing: {give}, or --claim logged for its own answers",
                found.tool.name()
            ),
            (_, _) if self.query.logged.is_some_and(|status| claim_of(status).is_some()) => {
                format!("it is not known which tool wrote this: {give}, or --claim logged for the log's own answers")
            }
            (_, _) => format!("it has no :status, no manifest.json names it, and no tool is recognised: {give}"),
        }
    }

    /// The log's own answer.
    pub fn logged(&self) -> Option<Status> {
        self.query.logged
    }

    /// The log's own answer where it is the opposite of what is claimed.
    pub fn contradicted_by_log(&self) -> Option<Claim> {
        let (claimed, _) = self.claim()?;
        self.logged().and_then(claim_of).filter(|logged| *logged != claimed)
    }

    /// Its script, made when it is asked for.
    pub fn script(&self) -> Cow<'a, [u8]> {
        match &self.file.script {
            Some(script) => Cow::Borrowed(script),
            None => Cow::Owned(self.file.log.text(self.query)),
        }
    }

    /// What stands in the log before its check: its goal, and the comments at it.
    pub fn passage(&self) -> &'a [u8] {
        self.file.log.passage(self.query)
    }

    /// Whether it may be asked together with others of its log.
    pub fn may_be_in_series(&self) -> bool {
        self.file.script.is_none() && self.query.may_be_in_series()
    }

    /// Whether its script is the whole file, as it was read.
    pub fn is_whole_file(&self) -> bool {
        self.file.script.is_some()
    }

    /// The lines of the log for lines of the script, all counted from 1, the script's in ascending order.
    pub fn lines(&self, lines: &[u32]) -> Vec<u32> {
        match self.file.script {
            Some(_) => lines.to_vec(),
            None => self.file.log.lines(self.query, lines),
        }
    }

    /// Where in the log stands what is at a line and column of the script, both counted from 1.
    pub fn place(&self, line: u32, column: u32) -> (u32, u32) {
        match self.file.script {
            Some(_) => (line, column),
            None => self.file.log.place(self.query, line, column),
        }
    }
}

#[cfg(test)]
#[path = "logs/tests.rs"]
mod tests;
