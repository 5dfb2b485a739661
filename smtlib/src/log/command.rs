//! One command of a log: where it stands and what its outermost words are. Its terms are read over, token by token.
//!
//! Must never: build a tree, or decide what a command does.

use std::borrow::Cow;
use std::collections::HashSet;

use crate::error::{ErrorKind, Fault};
use crate::lexer::{Lexer, Token};
use crate::tree::Kind;

/// A command that was read to its end.
#[derive(Debug)]
pub(super) struct Command<'a> {
    pub start: usize,
    pub end: usize,
    /// Where its arguments begin.
    pub rest: usize,
    pub name: Cow<'a, str>,
    /// The first two arguments that are atoms and stand directly in it, the first one only if it is the first argument.
    pub first: Option<Token<'a>>,
    pub second: Option<Token<'a>>,
    /// Its first symbol, in whatever list.
    pub symbol: Option<Cow<'a, str>>,
    /// What stands behind its name: nothing, only labels (or their negations), or something else.
    pub holds: Holds,
}

/// What the arguments of a command are made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Holds {
    Nothing,
    Labels,
    Others,
}

/// What stands at the outermost level.
#[derive(Debug)]
pub(super) enum Item<'a> {
    Command(Command<'a>),
    /// A list that does not begin with a command's name.
    List {
        start: usize,
        end: usize,
    },
    /// A bare word, as the answers of a solver are, and where it ends.
    Word(Token<'a>, usize),
    End,
}

/// What ends the reading of a log.
#[derive(Debug)]
pub(super) enum Stop {
    /// A command that begins here has no end.
    CutOff(usize),
    Fault(Fault),
}

impl From<Fault> for Stop {
    fn from(fault: Fault) -> Stop {
        Stop::Fault(fault)
    }
}

/// What attributes of terms said so far.
#[derive(Debug, Default)]
pub(super) struct Marks {
    /// The names that terms have.
    pub named: HashSet<String>,
    /// Constants that a `:lblpos` or `:lblneg` says to be labels.
    labels: HashSet<String>,
}

impl Marks {
    /// Whether it is a constant that marks a place of a program: a verifier asserts it to ask for another error.
    fn has_label(&self, name: &str) -> bool {
        // Boogie's until 2.8, and Verus's.
        name.starts_with("%lbl%") || name.starts_with("%%location_label%%") || self.labels.contains(name)
    }
}

/// Reads what comes next.
///
/// # Errors
/// If it has no end, or is nothing that could stand there.
pub(super) fn next<'a>(lexer: &mut Lexer<'a>, marks: &mut Marks) -> Result<Item<'a>, Stop> {
    let Some(open) = lexer.next_token()? else { return Ok(Item::End) };
    let start = open.at as usize;
    match open.kind {
        Kind::Open => {}
        Kind::Close => return Err(Stop::Fault(Fault::new(open.at, ErrorKind::ClosesNothing))),
        _ => return Ok(Item::Word(open, lexer.place())),
    }
    let cut_off = |stop: Stop| match stop {
        Stop::Fault(Fault { kind: ErrorKind::OpenString | ErrorKind::OpenSymbol, .. }) => Stop::CutOff(start),
        other => other,
    };
    let name = match lexer.next_token().map_err(|fault| cut_off(fault.into()))? {
        Some(Token { kind: Kind::Symbol, quoted: false, text, .. }) => text,
        Some(token) => {
            let end = end_of_list(lexer, start, token.kind).map_err(cut_off)?;
            return Ok(Item::List { start, end });
        }
        None => return Err(Stop::CutOff(start)),
    };
    let rest = start + 1;
    let mut command =
        Command { start, end: start, rest, name, first: None, second: None, symbol: None, holds: Holds::Nothing };
    read_arguments(lexer, marks, &mut command).map_err(cut_off)?;
    Ok(Item::Command(command))
}

/// Reads a list to its end, from its first token on.
fn end_of_list(lexer: &mut Lexer, start: usize, first: Kind) -> Result<usize, Stop> {
    let (mut depth, mut kind, mut at) = (1u32, first, start + 1);
    loop {
        match kind {
            Kind::Open => depth = depth.saturating_add(1),
            Kind::Close => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Ok(at + 1);
        }
        let token = lexer.next_token()?.ok_or(Stop::CutOff(start))?;
        (kind, at) = (token.kind, token.at as usize);
    }
}

fn read_arguments<'a>(lexer: &mut Lexer<'a>, marks: &mut Marks, command: &mut Command<'a>) -> Result<(), Stop> {
    let (mut depth, mut arguments) = (1u32, 0u32);
    let mut marked = Marked::default();
    while let Some(token) = lexer.next_token()? {
        if arguments == 0 {
            command.rest = token.at as usize;
        }
        if command.symbol.is_none() && token.kind == Kind::Symbol {
            command.symbol = Some(token.text.clone());
        }
        marked.see(&token, depth, marks);
        match token.kind {
            Kind::Open => {
                arguments += u32::from(depth == 1);
                depth = depth.saturating_add(1);
                continue;
            }
            Kind::Close => {
                depth -= 1;
                if depth == 0 {
                    command.end = token.at as usize + 1;
                    return Ok(());
                }
                continue;
            }
            Kind::Symbol if marks.has_label(&token.text) || token.text == CONTROL_FLOW => {
                if command.holds == Holds::Nothing {
                    command.holds = Holds::Labels;
                }
            }
            // What stands round a label: its negation, and the numbers of two places.
            Kind::Symbol if !token.quoted && matches!(&*token.text, "not" | "=" | "-") => {}
            Kind::Numeral => {}
            _ => command.holds = Holds::Others,
        }
        if depth == 1 {
            arguments += 1;
            match arguments {
                1 => command.first = Some(token),
                2 => command.second = Some(token),
                _ => {}
            }
        }
    }
    Err(Stop::CutOff(command.start))
}

/// Boogie's since 2.8: which place follows which.
const CONTROL_FLOW: &str = "ControlFlow";

/// Finds the labels of `(! (or LABEL term) :lblneg name)`.
#[derive(Debug, Default)]
struct Marked {
    /// For each open `!`: its depth, and the constant that begins its term.
    open: Vec<(u32, Option<String>)>,
    /// The last two tokens, as far as they matter.
    before: [Seen; 2],
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Seen {
    Open(u32),
    Junction(u32),
    Named,
    #[default]
    Other,
}

impl Marked {
    fn see(&mut self, token: &Token, depth: u32, marks: &mut Marks) {
        let seen = match (token.kind, self.before[1]) {
            (Kind::Open, _) => Seen::Open(depth + 1),
            (Kind::Close, _) => {
                if self.open.last().is_some_and(|(open, _)| *open == depth) {
                    self.open.pop();
                }
                Seen::Other
            }
            (Kind::Symbol, Seen::Open(at)) => match &*token.text {
                "!" => {
                    self.open.push((at, None));
                    Seen::Other
                }
                "or" | "and" => Seen::Junction(at),
                _ => Seen::Other,
            },
            (Kind::Symbol, Seen::Junction(at)) => {
                if let Some((open, first @ None)) = self.open.last_mut()
                    && *open + 1 == at
                {
                    *first = Some(token.text.to_string());
                }
                Seen::Other
            }
            (Kind::Keyword, _) if token.text == "named" => Seen::Named,
            (Kind::Symbol, Seen::Named) => {
                if !marks.named.contains(&*token.text) {
                    marks.named.insert(token.text.to_string());
                }
                Seen::Other
            }
            (Kind::Keyword, _) if matches!(&*token.text, "lblneg" | "lblpos") => {
                if let Some((open, first)) = self.open.last_mut()
                    && *open == depth
                    && let Some(name) = first.take()
                    && !marks.has_label(&name)
                {
                    marks.labels.insert(name);
                }
                Seen::Other
            }
            _ => Seen::Other,
        };
        self.before = [self.before[1], seen];
    }
}
