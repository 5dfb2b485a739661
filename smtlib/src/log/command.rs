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
    /// A bare word, as the answers of a solver are.
    Word(Token<'a>),
    End,
}

/// What ends the reading of a log.
#[derive(Debug)]
pub(super) enum Stop {
    /// A command that begins here has no end.
    CutOff(usize),
    /// The list that begins here has no command's name.
    NoCommand(usize),
    Fault(Fault),
}

impl From<Fault> for Stop {
    fn from(fault: Fault) -> Stop {
        Stop::Fault(fault)
    }
}

/// Constants that mark places of a program: a verifier asserts them to ask for another error.
#[derive(Debug, Default)]
pub(super) struct Labels {
    /// Those that a `:lblpos` or `:lblneg` of the log says to be labels.
    named: HashSet<String>,
}

impl Labels {
    fn has(&self, name: &str) -> bool {
        // Boogie's until 2.8, and Verus's.
        name.starts_with("%lbl%") || name.starts_with("%%location_label%%") || self.named.contains(name)
    }
}

/// Reads what comes next.
///
/// # Errors
/// If it has no end, or is nothing that could stand there.
pub(super) fn next<'a>(lexer: &mut Lexer<'a>, labels: &mut Labels) -> Result<Item<'a>, Stop> {
    let Some(open) = lexer.next_token()? else { return Ok(Item::End) };
    let start = open.at as usize;
    match open.kind {
        Kind::Open => {}
        Kind::Close => return Err(Stop::Fault(Fault::new(open.at, ErrorKind::ClosesNothing))),
        _ => return Ok(Item::Word(open)),
    }
    let cut_off = |stop: Stop| match stop {
        Stop::Fault(Fault { kind: ErrorKind::OpenString | ErrorKind::OpenSymbol, .. }) => Stop::CutOff(start),
        other => other,
    };
    let name = match lexer.next_token().map_err(|fault| cut_off(fault.into()))? {
        Some(Token { kind: Kind::Symbol, quoted: false, text, .. }) => text,
        Some(_) => return Err(Stop::NoCommand(start)),
        None => return Err(Stop::CutOff(start)),
    };
    let rest = start + 1;
    let mut command =
        Command { start, end: start, rest, name, first: None, second: None, symbol: None, holds: Holds::Nothing };
    read_arguments(lexer, labels, &mut command).map_err(cut_off)?;
    Ok(Item::Command(command))
}

fn read_arguments<'a>(lexer: &mut Lexer<'a>, labels: &mut Labels, command: &mut Command<'a>) -> Result<(), Stop> {
    let (mut depth, mut arguments) = (1u32, 0u32);
    let mut marked = Marked::default();
    while let Some(token) = lexer.next_token()? {
        if arguments == 0 {
            command.rest = token.at as usize;
        }
        if command.symbol.is_none() && token.kind == Kind::Symbol {
            command.symbol = Some(token.text.clone());
        }
        marked.see(&token, depth, labels);
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
            Kind::Symbol if labels.has(&token.text) || token.text == CONTROL_FLOW => {
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
    #[default]
    Other,
}

impl Marked {
    fn see(&mut self, token: &Token, depth: u32, labels: &mut Labels) {
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
            (Kind::Keyword, _) if matches!(&*token.text, "lblneg" | "lblpos") => {
                if let Some((open, first)) = self.open.last_mut()
                    && *open == depth
                    && let Some(name) = first.take()
                    && !labels.has(&name)
                {
                    labels.named.insert(name);
                }
                Seen::Other
            }
            _ => Seen::Other,
        };
        self.before = [self.before[1], seen];
    }
}
