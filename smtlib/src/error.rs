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
    #[error("{name} names a term of a scope that is closed: give the term a name of its own by define-fun")]
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
    let before = &script[..script.len().min(at as usize)];
    let mut line = 1u32;
    let mut start = 0;
    for (index, byte) in before.iter().enumerate() {
        let cr_of_crlf = *byte == b'\r' && script.get(index + 1) == Some(&b'\n');
        if (*byte == b'\n' || *byte == b'\r') && !cr_of_crlf {
            line = line.saturating_add(1);
            start = index + 1;
        }
    }
    // Continuation bytes begin no character, so this counts characters also in text that is not UTF-8 further on.
    let column = before[start..].iter().filter(|byte| **byte & 0xC0 != 0x80).count();
    (line, u32::try_from(column).unwrap_or(u32::MAX).saturating_add(1))
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
