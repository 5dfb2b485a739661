//! What normalising a script gives: the text and options for the solver, what was said on the way, and the identity.
//!
//! Must never: hold anything that the solver must not see, or differ between two machines.

use serde::{Deserialize, Serialize};

use crate::VERSION;

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
    /// What was dropped, stripped or renamed, in the script's order.
    pub notes: Vec<Note>,
    /// Notes that were not kept because there were too many.
    pub notes_left_out: u64,
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
    /// A command that gives output or information was dropped.
    CommandDropped,
    /// A command after the check was dropped.
    AfterCheck,
    /// An option with no bearing on the answer, or a limit, seed or thread count, was stripped.
    OptionStripped,
    /// An option was set again, to another value: the last value before the check holds.
    OptionReplaced,
    /// An option after the check was dropped.
    OptionAfterCheck,
    /// A second, identical declaration was dropped.
    DuplicateDropped,
    /// A label was taken off a term.
    LabelStripped,
    /// The solver would take the name for its own: another is printed.
    Renamed,
    /// A symbol such as `-1` was written as the negative number that it stands for.
    NegativeNumber,
    /// A function is used that is the solver's own and no standard's.
    Extension,
    /// A sort's definition that is no sort was dropped: nothing uses it.
    NoSortDropped,
}

impl std::fmt::Display for Note {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { kind, name, line, column } = self;
        let what = match kind {
            NoteKind::CommandDropped => "dropped",
            NoteKind::AfterCheck => "dropped, it comes after the check:",
            NoteKind::OptionStripped => "option left out:",
            NoteKind::OptionReplaced => "option set again, the last value holds:",
            NoteKind::OptionAfterCheck => "option dropped, it comes after the check:",
            NoteKind::DuplicateDropped => "second identical declaration dropped:",
            NoteKind::LabelStripped => "label taken off:",
            NoteKind::Renamed => "renamed, the solver would take it for its own:",
            NoteKind::NegativeNumber => "written as a negative number:",
            NoteKind::Extension => "no standard's function:",
            NoteKind::NoSortDropped => "dropped, its definition is no sort, and nothing uses it:",
        };
        write!(formatter, "line {line}, column {column}: {what} {name}")
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
