//! Logs: what a tool told its solver in one session or several, split into the queries that it asked.
//!
//! A log is read command by command, with the lexer that reads scripts; no tree is built of it. For each check it gives the
//! script that stood before the solver at that place: scopes that were open are still open, what was closed or reset is gone,
//! options are those in force then. That script is handed to [`crate::normalise`] like any other, which decides what is
//! accepted.
//!
//! - `command`: one command, without its terms; `comments`, `transcript`: what stands between commands.
//! - `answers`: what a solver answered between commands, which is left out.
//! - `session`: what is in force; `parts`: the pieces that texts are made of; `series`: the text of several queries.
//! - `tools`: who wrote it; `read`: the loop over all of them.
//!
//! Must never: decide whether a query is accepted, flatten scopes, recurse, or keep a text for each query: it keeps ranges.

mod answers;
mod command;
mod comments;
mod parts;
mod read;
mod series;
mod session;
mod tools;
mod transcript;

#[cfg(test)]
mod tests;

use std::borrow::Cow;
use thiserror::Error;

use crate::error::ErrorKind;
use crate::result::Status;
use parts::{Parts, Piece, Span, Tip};
use read::Contents;
pub use series::LogSeries;
pub use tools::{Recognised, Tool};

/// What a log may cost. It is the reader's own machine that reads it: nobody else has to agree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLimits {
    /// Bytes of the whole log. Never more than 1 GiB counts: positions are 32 bits wide.
    pub bytes_max: u64,
    /// Checks in it.
    pub queries_max: u32,
    /// Scopes open at once, as in a script.
    pub pushes_max: u32,
    /// Bytes of one symbol or string.
    pub atom_bytes_max: u32,
}

impl Default for LogLimits {
    fn default() -> Self {
        Self { bytes_max: 1 << 30, queries_max: 1_000_000, pushes_max: 1_024, atom_bytes_max: 1 << 20 }
    }
}

/// One check of a log.
#[derive(Clone, Debug)]
pub struct Query {
    /// Counted from 1, obligations only.
    pub number: u32,
    /// Of its check in the log, counted from 1.
    pub line: u32,
    /// What its goal is called: by `(set-info :boogie-vc-id …)`, or by a comment that names it.
    pub name: Option<String>,
    /// Where that goal stands in the program, in the tool's own words: the comment behind its name.
    pub source: Option<String>,
    /// The answer that the log holds for it. Boogie's *Valid* is `unsat`, its *Invalid* `sat`.
    pub logged: Option<Status>,
    /// The answer that the log announces for it, by the last `(set-info :status …)` since the check before it.
    pub status: Option<Status>,
    /// Its logic is HORN, where `sat` is hoped for.
    pub horn: bool,
    /// The line of a `(reset-assertions)` before it: what was declared before that is not declared for it.
    pub forgot: Option<u32>,
    /// A bare word gave `logged`.
    logged_by_word: bool,
    options: Tip,
    tip: Tip,
    status_at: Option<Span>,
    check: Span,
}

/// What stands in a log besides its queries.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogSummary {
    /// Who wrote it.
    pub tool: Option<Recognised>,
    /// It is a transcript, with marks before what was sent and received.
    pub transcript: bool,
    /// Checks for another error of the obligation before them; the line of the first.
    pub searches: u32,
    pub first_search: Option<u32>,
    /// Commands behind an `(exit)`.
    pub after_end: u32,
    /// Commands that only ask for output.
    pub outputs: u64,
    /// Answers of a solver between commands, and the line of the first. Those that are an error are counted twice.
    pub answers: u64,
    pub first_answer: Option<u32>,
    pub errors: u64,
    pub first_error: Option<u32>,
    /// The line of the first `sat`, `unsat` or `unknown` that no check waits for. The answers that are bare words are then
    /// nobody's.
    pub stray_answer: Option<u32>,
    /// Where it breaks off, if it does. What came before counts.
    pub broken: Option<LogFault>,
}

/// What ends the reading of a log before its end.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("line {line}: {kind}")]
pub struct LogFault {
    /// Counted from 1.
    pub line: u32,
    pub kind: LogFaultKind,
}

/// Why the rest of a log is not read.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum LogFaultKind {
    #[error("the log breaks off in the command that begins here")]
    CutOff,
    #[error("this is no command: an opening parenthesis and a command's name were expected")]
    NoCommand,
    #[error("{0}")]
    Token(ErrorKind),
    #[error("pop of {count} with only {open} open")]
    Pop { count: u64, open: u64 },
    #[error("{command} has the form {form}")]
    Form { command: &'static str, form: &'static str },
    #[error("more than {limit} scopes are open at once")]
    Pushes { limit: u32 },
    #[error("too many different options")]
    Options,
    #[error("more than {limit} checks")]
    Queries { limit: u32 },
}

/// A log that was read.
#[derive(Clone, Debug)]
pub struct Log<'a> {
    bytes: Cow<'a, [u8]>,
    parts: Parts,
    queries: Vec<Query>,
    summary: LogSummary,
}

/// A log with blanks in the place of answers: every command and every end of a line stands where it stood.
fn without(mut log: Vec<u8>, answers: &[(u32, u32)]) -> Vec<u8> {
    for (start, end) in answers {
        let answer = &mut log[*start as usize..*end as usize];
        answer.iter_mut().filter(|byte| !matches!(byte, b'\n' | b'\r')).for_each(|byte| *byte = b' ');
    }
    log
}

impl<'a> Log<'a> {
    /// Reads a log. There is no error: one that breaks off has the queries before that place, and its summary says so.
    ///
    /// Cost: linear in the log. Memory: the log, twice if it is a transcript, the names of its terms, and some 100 bytes for
    /// each query.
    pub fn read(log: impl Into<Cow<'a, [u8]>>, limits: &LogLimits) -> Log<'a> {
        let log = log.into();
        let (bytes, is_transcript) = match log {
            Cow::Borrowed(bytes) => match transcript::plain(bytes) {
                Cow::Owned(plain) => (Cow::Owned(plain), true),
                Cow::Borrowed(bytes) => (Cow::Borrowed(bytes), false),
            },
            Cow::Owned(bytes) => match transcript::plain(&bytes) {
                Cow::Owned(plain) => (Cow::Owned(plain), true),
                Cow::Borrowed(_) => (Cow::Owned(bytes), false),
            },
        };
        let Contents { parts, queries, mut summary, answers } = read::read(&bytes, is_transcript, limits);
        summary.transcript = is_transcript;
        let bytes = if answers.is_empty() { bytes } else { Cow::Owned(without(bytes.into_owned(), &answers)) };
        Log { bytes, parts, queries, summary }
    }

    /// Its obligations, in order.
    pub fn queries(&self) -> &[Query] {
        &self.queries
    }

    pub fn summary(&self) -> &LogSummary {
        &self.summary
    }

    /// The script of a query: options first, then what is in force, then its check.
    ///
    /// Cost: linear in the script.
    pub fn text(&self, query: &Query) -> Vec<u8> {
        let pieces = self.pieces(query);
        let bytes = pieces.iter().map(|piece| piece.bytes(&self.bytes).len() + 1).sum();
        let mut text = Vec::with_capacity(bytes);
        for piece in pieces {
            text.extend_from_slice(piece.bytes(&self.bytes));
            text.push(b'\n');
        }
        text
    }

    /// How many bytes that script has.
    pub fn text_bytes(&self, query: &Query) -> u64 {
        self.pieces(query).iter().map(|piece| piece.bytes(&self.bytes).len() as u64 + 1).sum()
    }

    /// What stands in the log before a query's check, from the check of the query before on: its goal, with the comments
    /// that the script does not have.
    pub fn passage(&self, query: &Query) -> &[u8] {
        let before = (query.number as usize).checked_sub(2).and_then(|index| self.queries.get(index));
        let start = before.map_or(0, |before| before.check.end);
        self.bytes.get(start as usize..query.check.start as usize).unwrap_or_default()
    }

    /// Where in the log stands what is at a line and column of a query's script, both counted from 1.
    ///
    /// Cost: linear in the script.
    pub fn place(&self, query: &Query, line: u32, column: u32) -> (u32, u32) {
        let mut first = 1u32;
        for piece in self.pieces(query) {
            let bytes = piece.bytes(&self.bytes);
            let next = first.saturating_add(parts::line_ends(bytes, 0, bytes.len())).saturating_add(1);
            if line < next {
                let indent = if line == first { self.column(piece) } else { 0 };
                return (piece.line().saturating_add(line.saturating_sub(first)), column.saturating_add(indent));
            }
            first = next;
        }
        (query.line, column)
    }

    /// The lines of the log for lines of a query's script, all counted from 1, the script's in ascending order.
    ///
    /// Cost: linear in the script.
    pub fn lines(&self, query: &Query, lines: &[u32]) -> Vec<u32> {
        let mut found = Vec::with_capacity(lines.len());
        let mut first = 1u32;
        for piece in self.pieces(query) {
            let bytes = piece.bytes(&self.bytes);
            let next = first.saturating_add(parts::line_ends(bytes, 0, bytes.len())).saturating_add(1);
            while let Some(line) = lines.get(found.len()).filter(|line| **line < next) {
                found.push(piece.line().saturating_add(line.saturating_sub(first)));
            }
            first = next;
        }
        found.resize(lines.len(), query.line);
        found
    }

    /// How many characters of its line stand before a piece.
    fn column(&self, piece: Piece) -> u32 {
        let (Piece::Range(span) | Piece::Scope(span)) = piece else { return 0 };
        let before = &self.bytes[..span.start as usize];
        let start = before.iter().rposition(|byte| matches!(byte, b'\n' | b'\r')).map_or(0, |end| end + 1);
        let characters = before[start..].iter().filter(|byte| **byte & 0xC0 != 0x80).count();
        u32::try_from(characters).unwrap_or(u32::MAX)
    }

    fn pieces(&self, query: &Query) -> Vec<Piece> {
        let mut pieces = self.parts.text(query.options);
        pieces.extend(self.parts.text(query.tip));
        pieces.extend(query.status_at.map(Piece::Range));
        pieces.push(Piece::Range(query.check));
        pieces
    }
}
