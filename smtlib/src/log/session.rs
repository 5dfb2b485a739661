//! What is in force at each place of a log: scopes, declarations that outlive them, options, and what was checked.
//!
//! Must never: keep what the tool took back, or lose what it did not.

use super::command::{Command, Holds};
use super::parts::{Parts, Piece, Span, Tip};
use crate::normalise::is_declaration;
use crate::options::Decision;
use crate::result::Status;

/// What was checked in a scope since something other than labels was asserted in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
enum Checked {
    #[default]
    No,
    /// Only labels, if anything, came since. With what that check assumed.
    Yes { labels: bool, assumed: Option<Span> },
}

#[derive(Clone, Debug, Default)]
struct Level {
    tip: Tip,
    checked: Checked,
    /// What outlives the scope.
    kept: Vec<Piece>,
}

#[derive(Clone, Debug)]
struct SetOption {
    name: String,
    value: Box<[u8]>,
    span: Span,
    number: u64,
}

/// What a goal is called, and where it stands in the program.
#[derive(Clone, Debug)]
pub(super) struct Goal {
    pub name: String,
    pub source: Option<String>,
    /// How many scopes were open when it was named.
    depth: usize,
}

/// A session with one solver.
#[derive(Clone, Debug)]
pub(super) struct Session {
    /// The scopes that are open; the first one is always there.
    levels: Vec<Level>,
    options: Vec<SetOption>,
    /// The options in force as a text, made when a query asks for it.
    options_tip: Option<Tip>,
    logic: Option<Span>,
    pub horn: bool,
    /// Declarations live to the end.
    global: Option<Span>,
    pub status: Option<(Option<Status>, Span)>,
    goal: Option<Goal>,
    /// The line of the last `reset-assertions`.
    pub forgot: Option<u32>,
    pub ended: bool,
}

/// What a check is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Check {
    Obligation,
    /// For another error of the obligation before it.
    Search,
}

impl Session {
    pub(super) fn new() -> Session {
        Session {
            levels: vec![Level::default()],
            options: Vec::new(),
            options_tip: None,
            logic: None,
            horn: false,
            global: None,
            status: None,
            goal: None,
            forgot: None,
            ended: false,
        }
    }

    pub(super) fn depth(&self) -> usize {
        self.levels.len() - 1
    }

    fn top(&mut self) -> &mut Level {
        self.levels.last_mut().expect("the base is never closed")
    }

    pub(super) fn tip(&mut self) -> Tip {
        self.top().tip
    }

    /// A command that stays in force as long as its scope.
    pub(super) fn keep(&mut self, parts: &mut Parts, command: &Command, span: Span, number: u64) {
        let outlives = self.global.is_some() && self.depth() > 0 && is_declaration(&command.name);
        let level = self.top();
        level.tip = parts.with_command(level.tip, span, number);
        if outlives {
            level.kept.push(Piece::Range(span));
        }
        match (&*command.name, &mut level.checked) {
            ("assert", Checked::Yes { labels, .. }) if command.holds == Holds::Labels => *labels = true,
            // What is only declared says nothing.
            ("set-info" | "declare-fun" | "declare-const" | "declare-sort", _) => {}
            (_, checked) => *checked = Checked::No,
        }
    }

    pub(super) fn open_scopes(&mut self, parts: &mut Parts, span: Span, count: u64) {
        for _ in 0..count {
            let piece = if count == 1 { Piece::Scope(span) } else { Piece::Push(span.line) };
            let level = self.top();
            let tip = parts.with(level.tip, piece);
            let checked = level.checked.clone();
            self.levels.push(Level { tip, checked, kept: Vec::new() });
        }
    }

    /// Closes as many scopes, which must be open.
    pub(super) fn close_scopes(&mut self, parts: &mut Parts, line: u32, count: u64) {
        for _ in 0..count {
            let Some(closed) = self.levels.pop() else { return };
            if closed.kept.is_empty() {
                continue;
            }
            // In a scope, as it was: a definition may mean something else outside of one.
            let kept = [vec![Piece::Push(line)], closed.kept, vec![Piece::Pop(line)]].concat();
            let level = self.top();
            for piece in &kept {
                level.tip = parts.with(level.tip, *piece);
            }
            level.kept.extend(kept);
        }
        if self.goal.as_ref().is_some_and(|goal| goal.depth > self.depth()) {
            self.goal = None;
        }
    }

    /// Sets an option. What says how long declarations live stays where it stands, since that matters; every other one
    /// holds until it is set again, whatever scopes close.
    ///
    /// False if there are too many.
    pub(super) fn set_option(
        &mut self,
        parts: &mut Parts,
        decision: Decision,
        option: (&str, &[u8]),
        span: Span,
        number: u64,
    ) -> bool {
        const OPTIONS_MAX: usize = 1_000;
        if matches!(decision, Decision::GlobalDeclarations(_) | Decision::Misspelt(_)) {
            if decision == Decision::GlobalDeclarations(true) {
                self.global = Some(span);
            }
            let is_inner = self.depth() > 0;
            let level = self.top();
            level.tip = parts.with_command(level.tip, span, number);
            level.kept.extend(is_inner.then_some(Piece::Range(span)));
            return true;
        }
        let (name, value) = option;
        let name = name.to_ascii_lowercase().replace('-', "_");
        if let Some(index) = self.options.iter().position(|option| option.name == name) {
            if *self.options[index].value == *value {
                return true;
            }
            self.options.remove(index);
        }
        self.options.push(SetOption { name, value: value.into(), span, number });
        self.options_tip = None;
        self.options.len() <= OPTIONS_MAX
    }

    /// The options in force, as a text of their own.
    pub(super) fn options(&mut self, parts: &mut Parts) -> Tip {
        if let Some(tip) = self.options_tip {
            return tip;
        }
        let mut tip = None;
        for option in &self.options {
            tip = parts.with_command(tip, option.span, option.number);
        }
        self.options_tip = Some(tip);
        tip
    }

    pub(super) fn set_logic(&mut self, span: Span, is_horn: bool) {
        self.logic = Some(span);
        self.horn = is_horn;
    }

    pub(super) fn set_name(&mut self, name: String) {
        self.goal = Some(Goal { name, source: None, depth: self.depth() });
    }

    pub(super) fn set_source(&mut self, source: String) {
        if let Some(goal) = &mut self.goal {
            goal.source = Some(source);
        }
    }

    /// Another goal begins, whatever was checked before.
    pub(super) fn begin_goal(&mut self) {
        self.top().checked = Checked::No;
    }

    /// The goal that is checked: its name is nobody else's.
    pub(super) fn take_goal(&mut self) -> Option<Goal> {
        self.goal.take()
    }

    /// Forgets everything but the options.
    pub(super) fn reset(&mut self, parts: &mut Parts, span: Span) {
        let global = self.global.take();
        let options = std::mem::take(&mut self.options);
        *self = Session { options, options_tip: self.options_tip, ..Session::new() };
        if let Some(global) = global {
            // The solver and the standard differ on what holds from here on. The script says so, and is refused.
            let tip = parts.with(None, Piece::Range(global));
            self.top().tip = parts.with(tip, Piece::Range(span));
            self.global = Some(global);
        }
    }

    /// Forgets what was asserted and declared: the solver and the standard do not forget the same declarations, so that what
    /// uses one from before is refused.
    pub(super) fn reset_assertions(&mut self, parts: &mut Parts, span: Span) {
        let open = self.tip();
        self.levels = vec![Level::default()];
        let logic = self.logic.map(Piece::Range);
        // Global declarations outlive it for one of the two. That is refused, with everything before it in its place.
        let before = if self.global.is_some() { open } else { logic.and_then(|logic| parts.with(None, logic)) };
        self.top().tip = parts.with(before, Piece::Range(span));
        self.goal = None;
        self.forgot = Some(span.line);
    }

    /// A check, with where its assumptions stand, if it has some.
    pub(super) fn check(&mut self, log: &[u8], command: &Command, assumed: Option<Span>) -> Check {
        let level = self.top();
        let text = |span: &Option<Span>| span.map(|span| &log[span.start as usize..span.end as usize]);
        if let Checked::Yes { labels, assumed: first } = &level.checked {
            // As many assumptions as the obligation had, or labels in their place.
            let same = assumed.is_none() || text(&assumed) == text(first);
            if (*labels && same) || command.holds == Holds::Labels {
                return Check::Search;
            }
        }
        level.checked = Checked::Yes { labels: false, assumed };
        Check::Obligation
    }
}
