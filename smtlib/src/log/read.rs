//! The loop over a log: each command changes the session, each check takes a picture of it.
//!
//! Must never: go on behind something that it did not understand.

use super::answers::{self, Answers, ListAnswer};
use super::command::{self, Command, Item, Marks, Stop};
use super::comments::{self, Answer, Name};
use super::parts::{Parts, Span, line_ends};
use super::session::{Check, Session};
use super::tools::{Place, Search};
use super::transcript::NEW_SOLVER;
use super::{LogFault, LogFaultKind, LogLimits, LogSummary, Query};
use crate::lexer::{Lexer, Token};
use crate::limits::Limits;
use crate::normalise::{is_declaration, is_output};
use crate::options;
use crate::result::Status;
use crate::tree::Kind;

/// What a log holds.
pub(super) struct Contents {
    pub parts: Parts,
    pub queries: Vec<Query>,
    pub summary: LogSummary,
    /// Where answers stand between commands, in order.
    pub answers: Vec<(u32, u32)>,
}

pub(super) fn read(log: &[u8], is_transcript: bool, limits: &LogLimits) -> Contents {
    let lexed = Limits {
        bytes_max: limits.bytes_max,
        tokens_max: u64::MAX,
        atom_bytes_max: limits.atom_bytes_max,
        ..Limits::default()
    };
    let mut reader = Reader {
        log,
        is_transcript,
        limits,
        parts: Parts::default(),
        session: Session::new(),
        queries: Vec::new(),
        summary: LogSummary::default(),
        tools: Search::default(),
        last: None,
        answers: Answers::default(),
        answered: Answered::Before,
        number: 0,
        counted: (0, 1),
        end: 0,
    };
    if let Err((at, kind)) = reader.read(&lexed) {
        let line = reader.line(at);
        reader.summary.broken = Some(LogFault { line, kind });
    }
    reader.summary.tool = reader.tools.recognised();
    let Reader { parts, mut queries, summary, answers, .. } = reader;
    if summary.stray_answer.is_some() {
        queries.iter_mut().filter(|query| query.logged_by_word).for_each(|query| query.logged = None);
    }
    Contents { parts, queries, summary, answers: answers.into_spans() }
}

struct Reader<'a> {
    log: &'a [u8],
    is_transcript: bool,
    limits: &'a LogLimits,
    parts: Parts,
    session: Session,
    queries: Vec<Query>,
    summary: LogSummary,
    tools: Search,
    /// What the last check was, and where it stands.
    last: Option<(Check, Span)>,
    answers: Answers,
    /// Whether a bare word answered the last check.
    answered: Answered,
    /// Of the command that is read.
    number: u64,
    /// A place of the log, and its line.
    counted: (usize, u32),
    /// Where the last command ended.
    end: usize,
}

/// Whether a check waits for the word that answers it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answered {
    /// There was no check.
    Before,
    No,
    Yes,
}

/// What ends the reading, and where.
type Broken = (usize, LogFaultKind);

impl<'a> Reader<'a> {
    fn read(&mut self, lexed: &Limits) -> Result<(), Broken> {
        let stopped = |stop| match stop {
            Stop::CutOff(at) => (at, LogFaultKind::CutOff),
            Stop::Fault(fault) => (fault.at as usize, LogFaultKind::Token(fault.kind)),
        };
        let mut lexer = Lexer::new(self.log, lexed).map_err(|fault| stopped(fault.into()))?;
        let mut marks = Marks::default();
        loop {
            match command::next(&mut lexer, &mut marks).map_err(stopped)? {
                Item::Command(command) => {
                    let (start, end) = (command.start, command.end);
                    if Answers::may_begin_with(&command.name) && self.list(start, end, lexed, &marks) {
                        continue;
                    }
                    self.comments(start);
                    self.end = end;
                    self.number += 1;
                    self.command(&command)?;
                    if let Some(text) = answers::echoed(&command)
                        && let Some(start) = lexer.pass_line(text)
                    {
                        self.on_answer(start, lexer.place());
                    }
                }
                Item::List { start, end } => {
                    if !self.list(start, end, lexed, &marks) {
                        return Err((start, LogFaultKind::NoCommand));
                    }
                }
                Item::Word(word, end) => self.word(&word, end)?,
                Item::End => {
                    self.comments(self.log.len());
                    return Ok(());
                }
            }
        }
    }

    /// The line of a byte. Places are asked for in order, but for those of faults.
    fn line(&mut self, at: usize) -> u32 {
        let (place, line) = if at < self.counted.0 { (0, 1) } else { self.counted };
        self.counted = (at, line.saturating_add(line_ends(self.log, place, at)));
        self.counted.1
    }

    fn span(&mut self, command: &Command) -> Span {
        // The lexer refuses logs whose positions 32 bits could not hold.
        Span { start: command.start as u32, end: command.end as u32, line: self.line(command.start) }
    }

    /// What stands between the last command and this place.
    fn comments(&mut self, to: usize) {
        let log = self.log;
        if !log[self.end..to].contains(&b';') {
            return;
        }
        let mut named = false;
        comments::each(&log[self.end..to], |comment| {
            let Ok(comment) = std::str::from_utf8(comment) else { return };
            if let Some(source) = comments::source(comment).filter(|_| named) {
                self.session.set_source(clip(source));
            }
            if self.is_transcript && comment.starts_with(NEW_SOLVER) {
                self.session = Session::new();
            }
            if let Some(answer) = comments::answer(comment) {
                self.answer(answer);
            }
            match comments::name(comment) {
                Some(Name::OfNext(name)) => {
                    named = true;
                    self.session.set_name(clip(name));
                }
                Some(Name::OfLast(name)) => {
                    let query = self.queries.last_mut().filter(|query| query.name.is_none());
                    query.into_iter().for_each(|query| query.name = Some(clip(name)));
                }
                None => {}
            }
            let end = comment.as_ptr() as usize - log.as_ptr() as usize;
            let (counted, place) = (self.counted, end);
            self.tools.see(Place::Comment, comment, || counted.1.saturating_add(line_ends(log, counted.0, place)));
        });
    }

    /// A bare word: where input and output of a solver are one file, its answer.
    fn word(&mut self, word: &Token, end: usize) -> Result<(), Broken> {
        let start = word.at as usize;
        self.comments(start);
        match Status::of(word.kind, &word.text) {
            Some(status) => {
                self.answers.on_status(status);
                self.status(status, start);
            }
            None if self.answers.is_word(word) => {}
            None => return Err((start, LogFaultKind::NoCommand)),
        }
        self.on_answer(start, end);
        Ok(())
    }

    /// Whether a list is an answer.
    fn list(&mut self, start: usize, end: usize, lexed: &Limits, marks: &Marks) -> bool {
        let check = self.last.map_or(&[][..], |(_, span)| &self.log[span.start as usize..span.end as usize]);
        let Some(answer) = self.answers.list(&self.log[start..end], lexed, &marks.named, check) else { return false };
        self.comments(start);
        if answer == ListAnswer::Error {
            let line = self.line(start);
            self.summary.first_error.get_or_insert(line);
            self.summary.errors += 1;
        }
        self.on_answer(start, end);
        // A long one does not become part of a query's text.
        self.number += 1;
        true
    }

    fn on_answer(&mut self, start: usize, end: usize) {
        let line = self.line(start);
        self.summary.first_answer.get_or_insert(line);
        self.summary.answers += 1;
        self.answers.keep(start, end);
        self.end = end;
    }

    /// An answer to the check before it, if that waits for one. Where none does, the output does not stand behind what it
    /// answers, and no word tells whose answer it is.
    fn status(&mut self, status: Status, at: usize) {
        if self.answered != Answered::No {
            let line = self.line(at);
            self.summary.stray_answer.get_or_insert(line);
            return;
        }
        self.answered = Answered::Yes;
        let had_one = self.queries.last().is_some_and(|query| query.logged.is_some());
        self.answer(Answer::OfSolver(status));
        if let Some(query) = self.queries.last_mut().filter(|query| !had_one && query.logged.is_some()) {
            query.logged_by_word = true;
        }
    }

    fn answer(&mut self, answer: Answer) {
        let status = match (answer, self.last) {
            // To the search for another error, which nobody claimed anything about.
            (Answer::OfSolver(_), Some((Check::Search, _))) | (_, None) => return,
            (Answer::OfSolver(status) | Answer::OfVerifier(status), Some(_)) => status,
        };
        if let Some(query) = self.queries.last_mut() {
            query.logged.get_or_insert(status);
        }
    }

    fn command(&mut self, command: &Command) -> Result<(), Broken> {
        if self.session.ended {
            self.summary.after_end = self.summary.after_end.saturating_add(1);
            return Ok(());
        }
        match &*command.name {
            "set-option" => self.set_option(command)?,
            "set-info" => self.set_info(command),
            "set-logic" => self.set_logic(command),
            "push" => self.push(command)?,
            "pop" => self.pop(command)?,
            "reset" => {
                let span = self.span(command);
                self.session.reset(&mut self.parts, span);
            }
            "reset-assertions" => {
                let span = self.span(command);
                self.session.reset_assertions(&mut self.parts, span);
            }
            "exit" => self.session.ended = true,
            "check-sat" | "check-sat-assuming" | "check-sat-using" | "check-synth" | "query" | "get-consequences" => {
                self.check(command)?;
            }
            name if is_output(name) => {
                self.summary.outputs += 1;
                self.answers.on_output(name);
            }
            name => {
                if is_declaration(name)
                    && let Some(declared) = &command.symbol
                {
                    self.evidence(Place::Name, declared, command.start);
                    self.evidence(Place::Prefix, declared, command.start);
                }
                self.keep(command);
            }
        }
        Ok(())
    }

    fn keep(&mut self, command: &Command) {
        let span = self.span(command);
        self.session.keep(&mut self.parts, command, span, self.number);
    }

    fn evidence(&mut self, place: Place, text: &str, at: usize) {
        let (log, (from, line)) = (self.log, self.counted);
        self.tools.see(place, text, || line.saturating_add(line_ends(log, from.min(at), at)));
    }

    fn set_option(&mut self, command: &Command) -> Result<(), Broken> {
        let Some(keyword) = command.first.as_ref().filter(|token| token.kind == Kind::Keyword) else {
            // No option: the query's own reader says what is wrong with it.
            self.keep(command);
            return Ok(());
        };
        let span = self.span(command);
        let decision = match &command.second {
            Some(value) => options::decide(&keyword.text, value.kind, &value.text),
            None => options::decide(&keyword.text, Kind::Open, ""),
        };
        let value = &self.log[command.rest..command.end];
        let fits = self.session.set_option(&mut self.parts, decision, (&keyword.text, value), span, self.number);
        if fits { Ok(()) } else { Err((command.start, LogFaultKind::Options)) }
    }

    fn set_info(&mut self, command: &Command) {
        let keyword = command.first.as_ref().filter(|token| token.kind == Kind::Keyword).map(|token| &*token.text);
        if keyword == Some("status") {
            let value = command.second.as_ref();
            let status = value.and_then(|value| Status::of(value.kind, &value.text));
            self.session.status = Some((status, self.span(command)));
            return;
        }
        self.keep(command);
        let value = command.second.as_ref().map(|token| &*token.text);
        if let Some(keyword) = keyword {
            self.evidence(Place::Info, keyword, command.start);
        }
        if let Some(value) = value {
            self.evidence(Place::Info, value, command.start);
        }
        if let (Some("boogie-vc-id"), Some(name)) = (keyword, value) {
            self.session.begin_goal();
            self.session.set_name(clip(name));
        }
    }

    fn set_logic(&mut self, command: &Command) {
        self.keep(command);
        let span = self.span(command);
        let logic = command.first.as_ref().map_or("", |token| &*token.text);
        self.evidence(Place::Logic, logic, command.start);
        self.session.set_logic(span, logic == "HORN");
    }

    /// The count of a push or pop: 1 unless it is given.
    fn count(&self, command: &Command, name: &'static str, form: &'static str) -> Result<u64, Broken> {
        match &command.first {
            Some(count) if count.kind == Kind::Numeral => Ok(count.text.parse().unwrap_or(u64::MAX)),
            None if self.log[command.rest..command.end] == *b")" => Ok(1),
            _ => Err((command.start, LogFaultKind::Form { command: name, form })),
        }
    }

    fn push(&mut self, command: &Command) -> Result<(), Broken> {
        let count = self.count(command, "push", "(push) or (push numeral)")?;
        let limit = self.limits.pushes_max;
        if (self.session.depth() as u64).saturating_add(count) > u64::from(limit) {
            return Err((command.start, LogFaultKind::Pushes { limit }));
        }
        let span = self.span(command);
        self.session.open_scopes(&mut self.parts, span, count);
        Ok(())
    }

    fn pop(&mut self, command: &Command) -> Result<(), Broken> {
        let count = self.count(command, "pop", "(pop) or (pop numeral)")?;
        let open = self.session.depth() as u64;
        if count > open {
            return Err((command.start, LogFaultKind::Pop { count, open }));
        }
        let line = self.line(command.start);
        self.session.close_scopes(&mut self.parts, line, count);
        Ok(())
    }

    fn check(&mut self, command: &Command) -> Result<(), Broken> {
        let check = self.span(command);
        let has_assumed = self.log[command.rest..command.end] != *b")";
        let assumed = has_assumed.then_some(Span { start: command.rest as u32, ..check });
        let is = self.session.check(self.log, command, assumed);
        let status = self.session.status.take();
        self.last = Some((is, check));
        self.answers.on_check();
        self.answered = Answered::No;
        if is == Check::Search {
            self.summary.first_search.get_or_insert(check.line);
            self.summary.searches = self.summary.searches.saturating_add(1);
            return Ok(());
        }
        let limit = self.limits.queries_max;
        let number = self.queries.len() as u32 + 1;
        if number > limit {
            return Err((command.start, LogFaultKind::Queries { limit }));
        }
        let (name, source) = self.session.take_goal().map_or((None, None), |goal| (Some(goal.name), goal.source));
        self.queries.push(Query {
            number,
            line: check.line,
            name,
            source,
            logged: None,
            logged_by_word: false,
            status: status.and_then(|(status, _)| status),
            horn: self.session.horn,
            forgot: self.session.forgot,
            options: self.session.options(&mut self.parts),
            tip: self.session.tip(),
            status_at: status.map(|(_, span)| span),
            check,
        });
        Ok(())
    }
}

/// A goal's name, cut to what a line may carry.
fn clip(name: &str) -> String {
    crate::error::clip_to(name, 200)
}
