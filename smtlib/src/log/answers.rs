//! Answers of a solver between the commands of a log, where its input and its output went into one file: `success` after each
//! command (`:print-success`), `unsat`, `(error "…")`, models, values, cores.
//!
//! Bare words are no commands. A list is an answer only if a command asked for one of its kind and has not been answered, it
//! has the form of that kind, and nothing in the place of a command's name is one. Whatever else stands there ends the reading
//! or is kept as a command, which the normaliser refuses: what a solver could take for a command is never left out.
//!
//! Must never: take a list for an answer that begins with a command's name, hold a whole one, or read one more than once.

use std::collections::HashSet;

use crate::lexer::{Lexer, Token};
use crate::limits::Limits;
use crate::normalise::{is_declaration, is_output};
use crate::result::Status;
use crate::tree::Kind;

use super::command::Command;

/// What an output command asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wanted {
    /// A list of definitions.
    Model,
    /// A list of pairs.
    Pairs,
    /// A list of terms.
    Assertions,
    Proof,
    /// A list of names and assumed literals.
    Core,
    /// A list of keywords and their values.
    Info,
    /// One word.
    Word,
    /// Why an answer is `unknown`, as cvc5 writes it: `(INCOMPLETE)`.
    Reason,
}

const KINDS: usize = 8;

/// Those that are lists, the strictest form first.
const LISTS: [Wanted; 7] =
    [Wanted::Info, Wanted::Model, Wanted::Proof, Wanted::Core, Wanted::Pairs, Wanted::Assertions, Wanted::Reason];

impl Wanted {
    fn asked_by(name: &str) -> Option<Wanted> {
        Some(match name {
            "get-model" => Wanted::Model,
            "get-value" | "get-assignment" => Wanted::Pairs,
            "get-assertions" => Wanted::Assertions,
            "get-proof" => Wanted::Proof,
            "get-unsat-core" | "get-unsat-assumptions" => Wanted::Core,
            "get-info" => Wanted::Info,
            "get-option" | "eval" | "simplify" | "echo" => Wanted::Word,
            _ => return None,
        })
    }
}

/// An answer that is a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ListAnswer {
    Error,
    Other,
}

/// What was asked and answered so far.
#[derive(Debug, Default)]
pub(super) struct Answers {
    /// By kind, how many were asked for and are not answered.
    asked: [u32; KINDS],
    /// The symbols of the last check, made when a core asks for them.
    assumed: Option<HashSet<String>>,
    /// Where answers stand, in order.
    spans: Vec<(u32, u32)>,
}

impl Answers {
    /// Whether a list that begins with this word is worth a look.
    pub(super) fn may_begin_with(name: &str) -> bool {
        !is_command(name)
    }

    pub(super) fn on_output(&mut self, name: &str) {
        if let Some(kind) = Wanted::asked_by(name) {
            let asked = &mut self.asked[kind as usize];
            *asked = asked.saturating_add(1);
        }
    }

    /// A check was answered by a word.
    pub(super) fn on_status(&mut self, status: Status) {
        self.asked[Wanted::Reason as usize] = u32::from(status == Status::Unknown);
    }

    pub(super) fn on_check(&mut self) {
        self.assumed = None;
    }

    pub(super) fn keep(&mut self, start: usize, end: usize) {
        // The lexer refuses logs whose positions 32 bits could not hold.
        self.spans.push((start as u32, end as u32));
    }

    /// Where answers stand, in order.
    pub(super) fn into_spans(self) -> Vec<(u32, u32)> {
        self.spans
    }

    /// Whether a bare word that is no status is an answer.
    pub(super) fn is_word(&mut self, word: &Token) -> bool {
        let is_general = matches!(&*word.text, "success" | "unsupported" | "timeout");
        (word.kind == Kind::Symbol && is_general) || self.take(Wanted::Word)
    }

    /// The answer that a list is. `named` are the names that terms have, `check` is the last check.
    pub(super) fn list(
        &mut self,
        list: &[u8],
        limits: &Limits,
        named: &HashSet<String>,
        check: &[u8],
    ) -> Option<ListAnswer> {
        let mut forms = Forms::new(|kind| self.asked[kind as usize] > 0);
        let mut is_name = |symbol: &str| named.contains(symbol) || self.assumed(check, limits).contains(symbol);
        forms.read(list, limits, &mut is_name);
        if forms.is_error() {
            return Some(ListAnswer::Error);
        }
        let kind = forms.kind()?;
        self.take(kind).then_some(ListAnswer::Other)
    }

    fn take(&mut self, kind: Wanted) -> bool {
        let asked = &mut self.asked[kind as usize];
        let was_asked = *asked > 0;
        *asked = asked.saturating_sub(1);
        was_asked
    }

    fn assumed(&mut self, check: &[u8], limits: &Limits) -> &HashSet<String> {
        self.assumed.get_or_insert_with(|| {
            let mut symbols = HashSet::new();
            each_token(check, limits, |token, _| {
                if token.kind == Kind::Symbol {
                    symbols.insert(token.text.into_owned());
                }
            });
            symbols
        })
    }
}

/// The text that a solver prints for `(echo "text")`, if it holds nothing that could be taken for anything but words.
pub(super) fn echoed<'a>(command: &'a Command) -> Option<&'a str> {
    let text = command.first.as_ref().filter(|token| token.kind == Kind::String && command.name == "echo")?.text.trim();
    let is_harmless = |byte: u8| !byte.is_ascii_control() && !b"()|\";".contains(&byte);
    (!text.is_empty() && text.bytes().all(is_harmless)).then_some(text)
}

/// Whether a solver may take a list with this name for a command: those of the standard, of Z3 and of cvc5.
fn is_command(name: &str) -> bool {
    const BEGINNINGS: [&str; 9] = ["assert", "check-", "set-", "reset", "block-", "ff-", "qe", "mb", "help"];
    const NAMES: [&str; 22] = [
        "add-to-pool",
        "assume",
        "constraint",
        "del",
        "exit",
        "eufi",
        "include",
        "infer",
        "inv-constraint",
        "maximize",
        "minimize",
        "model-add",
        "model-del",
        "pop",
        "prefer",
        "push",
        "query",
        "rule",
        "step",
        "synth-fun",
        "synth-inv",
        "poly/factor",
    ];
    is_output(name)
        || is_declaration(name)
        || NAMES.contains(&name)
        || BEGINNINGS.iter().any(|begin| name.starts_with(begin))
}

/// One part of a list: an atom, or a list by its first two tokens.
#[derive(Debug)]
struct Part<'a> {
    token: Token<'a>,
    head: Option<Token<'a>>,
    second: Option<Token<'a>>,
    /// How many parts a list has.
    length: u32,
}

impl Part<'_> {
    fn is_list(&self) -> bool {
        self.token.kind == Kind::Open
    }

    fn is_symbol(&self, name: &str) -> bool {
        self.token.kind == Kind::Symbol && self.token.text == name
    }

    /// The name that a list begins with.
    fn name(&self) -> Option<&str> {
        self.head.as_ref().filter(|head| head.kind == Kind::Symbol).map(|head| &*head.text)
    }

    /// Whether it may stand in an answer of that kind, as the first part or as a later one.
    fn fits(&self, kind: Wanted, is_first: bool, is_name: &mut impl FnMut(&str) -> bool) -> bool {
        let is_command = self.name().is_some_and(is_command);
        match kind {
            // `(model …)` is how solvers wrote it before the standard said otherwise.
            Wanted::Model if is_first && self.is_symbol("model") => true,
            // How large a sort is, is told by a `forall`.
            Wanted::Model => self.name().is_some_and(|name| is_declaration(name) || name == "forall"),
            Wanted::Pairs => self.is_list() && self.length == 2 && !is_command,
            Wanted::Assertions => (self.is_list() || !is_first) && !is_command,
            Wanted::Proof => matches!(self.name(), Some("proof" | "declare-fun" | "declare-sort" | "set-logic")),
            Wanted::Info => !is_first || self.token.kind == Kind::Keyword,
            Wanted::Core => match (self.is_list(), &self.second) {
                (false, _) => self.token.kind == Kind::Symbol && is_name(&self.token.text),
                (true, Some(negated)) => {
                    let is_negation = self.name() == Some("not") && self.length == 2;
                    is_negation && negated.kind == Kind::Symbol && is_name(&negated.text)
                }
                (true, None) => false,
            },
            Wanted::Reason => {
                let is_upper = |text: &str| text.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_');
                is_first && self.token.kind == Kind::Symbol && is_upper(&self.token.text)
            }
            Wanted::Word => false,
        }
    }
}

/// Which answers a list may be, by the parts that were read of it.
struct Forms {
    fits: [bool; KINDS],
    /// It begins as an error does; how many parts there are, and whether the second is a text.
    begins_with_error: bool,
    parts: u64,
    has_text: bool,
}

impl Forms {
    fn new(is_asked: impl Fn(Wanted) -> bool) -> Forms {
        let mut fits = [false; KINDS];
        LISTS.into_iter().for_each(|kind| fits[kind as usize] = is_asked(kind));
        Forms { fits, begins_with_error: false, parts: 0, has_text: false }
    }

    fn is_error(&self) -> bool {
        self.begins_with_error && self.has_text && self.parts == 2
    }

    fn kind(&self) -> Option<Wanted> {
        LISTS.into_iter().find(|kind| self.fits[*kind as usize])
    }

    /// Reads a list; one part is held at a time.
    fn read(&mut self, list: &[u8], limits: &Limits, is_name: &mut impl FnMut(&str) -> bool) {
        let mut open: Option<Part> = None;
        each_token(list, limits, |token, depth| match (token.kind, depth, &mut open) {
            // The parentheses of the list itself, and those that close its parts.
            (Kind::Open, 0, _) => {}
            (Kind::Close, 0 | 1, part) => part.take().into_iter().for_each(|part| self.see(&part, is_name)),
            (_, 1, part) => {
                part.take().into_iter().for_each(|part| self.see(&part, is_name));
                *part = Some(Part { token, head: None, second: None, length: 0 });
            }
            (kind, 2, Some(part)) if kind != Kind::Close => {
                part.length = part.length.saturating_add(1);
                match part.length {
                    1 => part.head = Some(token),
                    2 => part.second = Some(token),
                    _ => {}
                }
            }
            _ => {}
        });
    }

    fn see(&mut self, part: &Part, is_name: &mut impl FnMut(&str) -> bool) {
        let is_first = self.parts == 0;
        self.parts += 1;
        self.begins_with_error |= is_first && part.is_symbol("error");
        self.has_text |= self.parts == 2 && part.token.kind == Kind::String;
        let begins_as_command = is_first && part.token.kind == Kind::Symbol && is_command(&part.token.text);
        for kind in LISTS {
            let fits = &mut self.fits[kind as usize];
            *fits = *fits && !begins_as_command && part.fits(kind, is_first, is_name);
        }
    }
}

/// Calls `with` for every token, and in how many lists it stands: a parenthesis stands outside of its own list.
fn each_token<'a>(text: &'a [u8], limits: &'a Limits, mut with: impl FnMut(Token<'a>, u32)) {
    let Ok(mut lexer) = Lexer::new(text, limits) else { return };
    let mut depth = 0u32;
    while let Ok(Some(token)) = lexer.next_token() {
        if token.kind == Kind::Close {
            depth = depth.saturating_sub(1);
        }
        let at = depth;
        if token.kind == Kind::Open {
            depth = depth.saturating_add(1);
        }
        with(token, at);
    }
}

#[cfg(test)]
mod tests;
