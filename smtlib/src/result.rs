//! What normalising a script gives: the text and options for the solver, what was said on the way, and the identity.
//!
//! Must never: hold anything that the solver must not see, or differ between two machines.

use serde::{Deserialize, Serialize};

use crate::VERSION;
use crate::tree::Kind;

/// A script in the one form that the solver is given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Normalised {
    /// What the solver is given: printed from our tree, one command a line, without options, infos, output commands and
    /// what follows the check; with `set-logic` if the script has one.
    pub text: String,
    /// Bytes at the beginning of `text` that are its `set-logic` line; 0 without one.
    pub logic_bytes: usize,
    /// The logic that the script names.
    pub logic: Option<String>,
    /// Canonical names and values of the options, sorted by name, to be set before the text is read.
    pub options: Vec<(String, String)>,
    /// The answer that the script itself announces, by the last `(set-info :status …)` before its check.
    pub status: Option<Status>,
    /// What was ignored or renamed, in the script's order.
    pub notes: Vec<Note>,
    /// Notes that were not kept because there were too many.
    pub notes_left_out: u64,
    /// How much of the script was ignored, notes that were not kept included.
    pub ignored: Ignored,
    /// Names that are printed under another: the printed one, and the script's own.
    pub renamed: Vec<(String, String)>,
    /// What the script takes for granted.
    pub assumptions: Assumptions,
    /// The normalised identity: BLAKE3 over a domain tag, the normaliser's version, the text and the options.
    pub identity: [u8; 32],
}

impl Normalised {
    /// The same text without its `set-logic`: what the second run of a `sat` is given, without options.
    pub fn text_without_logic(&self) -> &str {
        &self.text[self.logic_bytes..]
    }
}

/// An answer announced by `(set-info :status …)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    Sat,
    Unsat,
    Unknown,
}

impl Status {
    /// The status that an atom writes, if it is one.
    pub(crate) fn of(kind: Kind, text: &str) -> Option<Status> {
        match (kind, text) {
            (Kind::Symbol, "sat") => Some(Status::Sat),
            (Kind::Symbol, "unsat") => Some(Status::Unsat),
            (Kind::Symbol, "unknown") => Some(Status::Unknown),
            _ => None,
        }
    }
}

/// Something that the solver does not see as it was written.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Note {
    pub kind: NoteKind,
    /// The command, option, attribute or symbol concerned, cut to 64 characters.
    pub name: String,
    /// Counted from 1.
    pub line: u32,
    /// Counted from 1, in characters.
    pub column: u32,
}

/// What happened to the thing a note names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NoteKind {
    /// A command that gives output or information was ignored.
    CommandIgnored,
    /// Commands before a reset, and the reset itself, were ignored.
    BeforeReset,
    /// A command after the check was ignored.
    AfterCheck,
    /// An option was ignored: it says nothing about what the script means.
    OptionIgnored,
    /// An option was set again, to another value: the last value before the check holds.
    OptionReplaced,
    /// A logic was ignored: the solver has no way of its own for it.
    LogicIgnored,
    /// A second, identical declaration was ignored.
    DuplicateIgnored,
    /// A label was taken off a term.
    LabelIgnored,
    /// The solver would take the name for its own: another is printed.
    Renamed,
    /// Several functions have the name: another is printed for all but the first.
    Overloaded,
    /// What a check assumes was asserted.
    Assumed,
    /// A symbol such as `-1` was written as the negative number that it stands for.
    NegativeNumber,
    /// A function is used that is the solver's own and no standard's.
    Extension,
    /// A sort's definition that is no sort was ignored: nothing uses it.
    NoSortIgnored,
}

impl Note {
    /// What happened to what, without the place.
    pub fn what(&self) -> String {
        let what = match self.kind {
            NoteKind::CommandIgnored => "ignored",
            NoteKind::BeforeReset => "ignored with all that comes before it:",
            NoteKind::AfterCheck => "ignored, it comes after the check:",
            NoteKind::OptionIgnored => "option ignored:",
            NoteKind::OptionReplaced => "option set again, the last value holds:",
            NoteKind::LogicIgnored => "logic ignored, the solver has no way of its own for it:",
            NoteKind::DuplicateIgnored => "second identical declaration ignored:",
            NoteKind::LabelIgnored => "label ignored:",
            NoteKind::Renamed => "renamed, the solver would take it for its own:",
            NoteKind::Overloaded => "one of several of this name, renamed:",
            NoteKind::Assumed => "asserted, as what is assumed:",
            NoteKind::NegativeNumber => "written as a negative number:",
            NoteKind::Extension => "no standard's function:",
            NoteKind::NoSortIgnored => "ignored, its definition is no sort, and nothing uses it:",
        };
        format!("{what} {}", self.name)
    }
}

impl std::fmt::Display for Note {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "line {}, column {}: {}", self.line, self.column, self.what())
    }
}

/// Counts of what was ignored: neither shown to the solver nor read for anything else.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ignored {
    pub commands: u64,
    pub options: u64,
}

impl Ignored {
    /// Counts a note; one that stands for many commands besides counts once here.
    pub(crate) fn count(&mut self, kind: NoteKind) {
        match kind {
            NoteKind::CommandIgnored
            | NoteKind::BeforeReset
            | NoteKind::AfterCheck
            | NoteKind::LogicIgnored
            | NoteKind::DuplicateIgnored
            | NoteKind::NoSortIgnored => self.commands += 1,
            NoteKind::OptionIgnored => self.options += 1,
            NoteKind::OptionReplaced
            | NoteKind::LabelIgnored
            | NoteKind::Renamed
            | NoteKind::Overloaded
            | NoteKind::Assumed
            | NoteKind::NegativeNumber
            | NoteKind::Extension => {}
        }
    }
}

/// Counts of what the answer rests on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Assumptions {
    /// Assertions before the check, in scopes that are open then.
    pub assertions: u64,
    /// Quantifiers in what was kept.
    pub quantifiers: u64,
    /// Declared functions and constants, and declared sorts.
    pub uninterpreted: u64,
    /// Functions defined by `define-fun-rec` and `define-funs-rec`: an answer `sat` says nothing then.
    pub recursive_definitions: u64,
    /// A function is used that the solver knows only by bounds: an answer `sat` says nothing then.
    pub approximated: bool,
}

/// BLAKE3 over domain tag, version and length-prefixed text and options.
pub(crate) fn identity(text: &str, options: &[(String, String)]) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(b"proof-of-proof/normalised-script\0");
    hasher.update(&VERSION.to_le_bytes());
    let mut part = |text: &str| {
        hasher.update(&(text.len() as u64).to_le_bytes());
        hasher.update(text.as_bytes());
    };
    part(text);
    for (name, value) in options {
        part(name);
        part(value);
    }
    *hasher.finalize().as_bytes()
}
