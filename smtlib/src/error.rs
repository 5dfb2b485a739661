//! Why a script was refused, and where.
//!
//! Must never: carry a text of unbounded length; names are cut before they come here.

use thiserror::Error;

/// A refusal. It is permanent: the same script under the same limits is always refused.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("line {line}, column {column}: {kind}")]
pub struct Error {
    /// Counted from 1; a line ends at LF, CR or CR LF.
    pub line: u32,
    /// Counted from 1, in characters.
    pub column: u32,
    pub kind: ErrorKind,
}

/// What was refused, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ErrorKind {
    // Bytes and tokens.
    #[error("the script has {bytes} bytes, the limit is {limit}")]
    Bytes { bytes: u64, limit: u64 },
    #[error("this is not UTF-8: outside comments, save the script as UTF-8 or plain ASCII")]
    NotUtf8,
    #[error("the control character U+{code:04X} may stand in comments and ignored commands only")]
    ControlCharacter { code: u32 },
    #[error("U+{code:04X} looks like a space and is not one ({}): replace it by a plain space", blank_name(*code))]
    Blank { code: u32 },
    #[error("'{character}' cannot stand here: write the symbol between bars, |like this|")]
    Character { character: char },
    #[error("the script has more than {limit} tokens")]
    Tokens { limit: u64 },
    #[error("a symbol or string is longer than {limit} bytes")]
    AtomBytes { limit: u32 },
    #[error("a number has more than {limit} digits")]
    Digits { limit: u32 },
    #[error("{text} is not a number: {why}")]
    Number { text: String, why: &'static str },
    #[error("the string that begins here has no closing quotation mark")]
    OpenString,
    #[error("the quoted symbol that begins here has no closing bar")]
    OpenSymbol,
    #[error("a quoted symbol must not hold a backslash")]
    Backslash,
    #[error("|{word}| between bars is a reserved word: rename it")]
    QuotedWord { word: String },
    #[error("two atoms without a space between them")]
    Glued,
    // Shape.
    #[error("more than {limit} parentheses are open at once")]
    Depth { limit: u32 },
    #[error("this parenthesis is never closed")]
    NeverClosed,
    #[error("this parenthesis closes nothing")]
    ClosesNothing,
    #[error("a command was expected: an opening parenthesis and a command's name")]
    NotACommand,
    #[error("{what} was expected here")]
    Expected { what: &'static str },
    #[error("{command} has the form {form}")]
    Form { command: String, form: &'static str },
    // Commands.
    #[error("the command {command} is not accepted; {advice}")]
    Command { command: String, advice: &'static str },
    #[error(
        "{queries} queries, and a proof asks exactly once: `pop check FILE` takes each as an obligation of its own"
    )]
    Queries { queries: u32 },
    #[error("no check-sat: a proof must ask exactly once")]
    NoCheck,
    #[error("set-logic must come before every declaration and assertion, and only once")]
    LateLogic,
    #[error(
        ":global-declarations decides what the script means: set it once, before everything but options, infos and \
         set-logic, and use no reset"
    )]
    LateGlobalDeclarations,
    #[error(
        "the option {name} is not known, and {meant} would change what the script means: write it so, or leave it out"
    )]
    OptionMisspelt { name: String, meant: &'static str },
    #[error("the status must be sat, unsat or unknown, not {status}")]
    StatusValue { status: String },
    #[error("pop of {count} with only {open} open")]
    Pop { count: u64, open: u32 },
    #[error("more than {limit} scopes are open at once")]
    Pushes { limit: u32 },
    // Names.
    #[error("{name} is not declared")]
    Undeclared { name: String },
    #[error("{name} is not declared, and the solver's own is not accepted: {advice}")]
    NotAccepted { name: String, advice: &'static str },
    #[error("the sort {name} is not declared")]
    UndeclaredSort { name: String },
    #[error(
        "{name} is not declared after (reset-assertions): the standard forgets every declaration there, the solver does \
         not; declare it again behind it"
    )]
    Forgotten { name: String },
    #[error("{name} is declared again, and differently")]
    DeclaredTwice { name: String },
    #[error("{name} is a function or sort of a standard theory, and takes the same arguments: choose another name")]
    Shadows { name: String },
    #[error("{name} has several meanings here: {why}; write (as {name} sort), or choose other names")]
    Ambiguous { name: String, why: &'static str },
    #[error("{name} names a term that is asserted elsewhere, and is not known here: name the term by define-fun")]
    NamedClosed { name: String },
    #[error(
        "a recursive definition in an open scope, under :global-declarations, is seen in two ways: put it before the push"
    )]
    RecursionInScope,
    #[error("{name} is declared here after it was used as a function of the solver's own: choose another name")]
    UsedBefore { name: String },
    #[error("{name} is a reserved word and no name")]
    Reserved { name: String },
    #[error("{name} is bound twice here")]
    BoundTwice { name: String },
    #[error("{name} is a variable, not a function")]
    VariableApplied { name: String },
    // Terms and sorts.
    #[error("{name} takes {takes} {what}, not {got}")]
    Arity { name: String, takes: String, what: &'static str, got: u64 },
    #[error("argument {position} of {name} is of sort {got}, not {takes}")]
    ArgumentSort { name: String, position: u64, takes: String, got: String },
    #[error("a term of sort {got} stands where {takes} is needed")]
    TermSort { takes: String, got: String },
    #[error(
        "the attribute {attribute} is not accepted; :named, :pattern, :no-pattern, :weight, :qid and :skolemid are"
    )]
    Attribute { attribute: String },
    #[error("only a term without free variables can be :named")]
    NamedOpen,
    #[error("string literals hold printable ASCII, tabs and line ends only: write this character as \\u{{{code:x}}}")]
    StringCharacter { code: u32 },
    #[error("{value} does not fit into {bits} bits")]
    Fit { value: String, bits: u64 },
    #[error("{bits} bits are more than the limit of {limit}")]
    BitWidth { bits: u64, limit: u32 },
    #[error("a width of zero bits")]
    ZeroBits,
    #[error("the number {text} is above the limit of {limit}")]
    Index { text: String, limit: u32 },
    #[error("more than {limit} nodes when definitions, or the fields of datatypes, are written out")]
    ExpandedSize { limit: u64 },
}

/// What a character is called that looks like a space.
fn blank_name(code: u32) -> &'static str {
    match code {
        0xA0 => "no-break space",
        0x2007 => "figure space",
        0x202F => "narrow no-break space",
        0x3000 => "ideographic space",
        0x2028 => "line separator",
        0x2029 => "paragraph separator",
        _ => "a space of Unicode's",
    }
}

impl ErrorKind {
    /// Whether it says that something is no sort, and nothing about limits or names.
    pub(crate) fn is_no_sort(&self) -> bool {
        matches!(
            self,
            ErrorKind::Form { .. }
                | ErrorKind::Expected { .. }
                | ErrorKind::UndeclaredSort { .. }
                | ErrorKind::Arity { .. }
                | ErrorKind::ZeroBits
        )
    }
}

/// A refusal before its line is known: `at` is a byte offset.
#[derive(Clone, Debug)]
pub(crate) struct Fault {
    pub at: u32,
    pub kind: ErrorKind,
}

impl Fault {
    pub(crate) fn new(at: u32, kind: ErrorKind) -> Self {
        Self { at, kind }
    }

    /// The error as its reader sees it.
    pub(crate) fn locate(self, script: &[u8]) -> Error {
        let (line, column) = position(script, self.at);
        Error { line, column, kind: self.kind }
    }
}

/// Line and column, from 1, of a byte offset, as every error and note has them. Cost: O(offset).
pub fn position(script: &[u8], at: u32) -> (u32, u32) {
    let place = Place::default().further(script, at);
    (place.line, place.column)
}

/// A byte offset with its line and column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    at: usize,
    pub line: u32,
    pub column: u32,
}

impl Default for Place {
    fn default() -> Self {
        Self { at: 0, line: 1, column: 1 }
    }
}

impl Place {
    /// The place of an offset that does not come before this one. Cost: O(bytes between them), several of them at once.
    pub(crate) fn further(self, script: &[u8], at: u32) -> Place {
        let end = script.len().min(at as usize).max(self.at);
        let passed = &script[self.at..end];
        let count = |wanted: u8| passed.iter().filter(|byte| **byte == wanted).count();
        let mut ends = count(b'\n');
        let mut last = passed.iter().rposition(|byte| *byte == b'\n');
        if count(b'\r') > 0 {
            // The CR of a CR LF ends no line by itself, wherever its LF stands.
            let is_end = |index: &usize| passed[*index] == b'\r' && script.get(self.at + index + 1) != Some(&b'\n');
            ends += (0..passed.len()).filter(is_end).count();
            last = last.max((0..passed.len()).rev().find(is_end));
        }
        // Continuation bytes begin no character, so this counts characters also in text that is not UTF-8 further on.
        let rest = &passed[last.map_or(0, |last| last + 1)..];
        let characters = rest.iter().filter(|byte| **byte & 0xC0 != 0x80).count();
        let before = if last.is_some() { 1 } else { self.column };
        let more = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        Place { at: end, line: self.line.saturating_add(more(ends)), column: before.saturating_add(more(characters)) }
    }
}

/// A text cut to what an error or note may carry.
pub(crate) fn clip(text: &str) -> String {
    const CHARACTERS_MAX: usize = 64;
    clip_to(text, CHARACTERS_MAX)
}

/// A text cut to so many characters, without control characters.
pub(crate) fn clip_to(text: &str, characters_max: usize) -> String {
    let mut clipped: String = text
        .chars()
        .take(characters_max)
        .map(|character| if character.is_control() { '\u{FFFD}' } else { character })
        .collect();
    if text.chars().nth(characters_max).is_some() {
        clipped.push('…');
    }
    clipped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_what_a_walk_byte_by_byte_finds() {
        let script = "ab\r\n\r\r\nä\u{1f600}\n\n\rx\r".as_bytes();
        let (mut line, mut column) = (1, 1);
        for at in 0..=script.len() {
            assert_eq!(position(script, at as u32), (line, column), "at {at}");
            for before in 0..=at {
                let place = Place::default().further(script, before as u32).further(script, at as u32);
                assert_eq!((place.line, place.column), (line, column), "from {before} to {at}");
            }
            match (script.get(at), script.get(at + 1)) {
                (Some(b'\n'), _) => (line, column) = (line + 1, 1),
                (Some(b'\r'), next) if next != Some(&b'\n') => (line, column) = (line + 1, 1),
                (Some(byte), _) => column += u32::from(byte & 0xC0 != 0x80),
                (None, _) => {}
            }
        }
        assert_eq!(position(script, u32::MAX), position(script, script.len() as u32));
    }
}
