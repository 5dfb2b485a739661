//! What a person is looking at, and what each key does to that.
//!
//! Pure: a key and the present view give the next state, and what is to be done besides. Must never: touch the terminal.

#[cfg(test)]
mod tests;

use super::view::{ValidatorView, View};
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use std::cmp::Ordering;

/// Digits of a proof's id.
const ID_LENGTH: usize = 64;
const PAGE: usize = 10;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tab {
    Overview,
    Validators,
    Actors,
    Proofs,
    Events,
    Alerts,
}

impl Tab {
    pub const ALL: [Tab; 6] = [Tab::Overview, Tab::Validators, Tab::Actors, Tab::Proofs, Tab::Events, Tab::Alerts];

    pub fn title(self) -> &'static str {
        match self {
            Tab::Overview => "Overview",
            Tab::Validators => "Validators",
            Tab::Actors => "Actors",
            Tab::Proofs => "Proofs",
            Tab::Events => "Events",
            Tab::Alerts => "Alerts",
        }
    }

    pub fn index(self) -> usize {
        Tab::ALL.iter().position(|tab| *tab == self).unwrap_or(0)
    }
}

/// By what validators are sorted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SortBy {
    Rank,
    Name,
    State,
    Stake,
    Accuracy,
    Rewards,
    Block,
    Restarts,
}

impl SortBy {
    const ALL: [SortBy; 8] = [
        SortBy::Rank,
        SortBy::Name,
        SortBy::State,
        SortBy::Stake,
        SortBy::Accuracy,
        SortBy::Rewards,
        SortBy::Block,
        SortBy::Restarts,
    ];

    pub fn title(self) -> &'static str {
        match self {
            SortBy::Rank => "rounds",
            SortBy::Name => "name",
            SortBy::State => "state, the worst first",
            SortBy::Stake => "stake",
            SortBy::Accuracy => "accuracy, the lowest first",
            SortBy::Rewards => "rewards",
            SortBy::Block => "block, the lowest first",
            SortBy::Restarts => "restarts",
        }
    }
}

/// What is looked into.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Detail {
    Validator(String),
    Actor {
        node_id: String,
        actor: String,
    },
    /// Its lines once the node has answered.
    Proof {
        id: String,
        lines: Option<Vec<String>>,
    },
}

/// What the program has to do besides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    Nothing,
    Quit,
    /// Give the terminal back, stop, and go on when told to.
    Suspend,
    /// Draw everything again: something else wrote on the terminal.
    Redraw,
    /// Find out where a proof is.
    Ask(String),
}

#[derive(Debug)]
pub struct Screen {
    pub tab: Tab,
    pub detail: Option<Detail>,
    pub help: bool,
    /// An id that is being typed.
    pub typed: Option<String>,
    pub sort: SortBy,
    pub reversed: bool,
    /// Actors with the newest failures first, instead of by validator.
    pub failures_first: bool,
    /// Why a key did nothing.
    pub note: Option<String>,
    /// First line of what is looked into.
    pub scroll: usize,
    pub(super) selected: [usize; Tab::ALL.len()],
}

impl Default for Screen {
    fn default() -> Screen {
        Screen {
            tab: Tab::Overview,
            detail: None,
            help: false,
            typed: None,
            sort: SortBy::Rank,
            reversed: false,
            failures_first: false,
            note: None,
            selected: [0; Tab::ALL.len()],
            scroll: 0,
        }
    }
}

impl Screen {
    pub fn on_key(&mut self, key: KeyEvent, view: &View) -> Action {
        self.note = None;
        if key.modifiers.contains(KeyModifiers::CONTROL) {
            return match key.code {
                KeyCode::Char('c' | 'd') => Action::Quit,
                KeyCode::Char('z') => Action::Suspend,
                KeyCode::Char('l') => Action::Redraw,
                _ => Action::Nothing,
            };
        }
        if let Some(typed) = self.typed.take() {
            return self.type_id(typed, key.code);
        }
        if self.help {
            // Any key leaves it, and none is lost on whoever wants to quit.
            self.help = false;
            return if key.code == KeyCode::Char('q') { Action::Quit } else { Action::Nothing };
        }
        match key.code {
            KeyCode::Char('q') => return Action::Quit,
            KeyCode::Char('?' | 'h') => self.help = true,
            KeyCode::Char('/') => self.typed = Some(String::new()),
            KeyCode::Char(digit @ '1'..='6') => self.open(Tab::ALL[digit as usize - '1' as usize]),
            KeyCode::Tab | KeyCode::Right => self.open(Tab::ALL[(self.tab.index() + 1) % Tab::ALL.len()]),
            KeyCode::BackTab | KeyCode::Left => {
                self.open(Tab::ALL[(self.tab.index() + Tab::ALL.len() - 1) % Tab::ALL.len()]);
            }
            KeyCode::Esc | KeyCode::Backspace => self.detail = None,
            KeyCode::Enter => return self.look_into(view),
            KeyCode::Char('s') => self.sort_next(),
            KeyCode::Char('r') => self.reversed = !self.reversed,
            KeyCode::Up | KeyCode::Char('k') => self.go(view, |now| now.saturating_sub(1)),
            KeyCode::Down | KeyCode::Char('j') => self.go(view, |now| now.saturating_add(1)),
            KeyCode::PageUp => self.go(view, |now| now.saturating_sub(PAGE)),
            KeyCode::PageDown => self.go(view, |now| now.saturating_add(PAGE)),
            KeyCode::Home | KeyCode::Char('g') => self.go(view, |_| 0),
            KeyCode::End | KeyCode::Char('G') => self.go(view, |_| usize::MAX),
            _ => self.note = Some("that key does nothing here; ? lists them".into()),
        }
        Action::Nothing
    }

    /// Text that was pasted: an id, as a whole.
    pub fn on_paste(&mut self, text: &str) -> Action {
        let typed: String =
            self.typed.take().unwrap_or_default().chars().chain(text.trim().chars()).take(ID_LENGTH + 1).collect();
        if is_id(&typed) {
            self.ask(typed)
        } else {
            self.note = Some("what was pasted is no id of a proof: it has 64 hexadecimal digits".into());
            Action::Nothing
        }
    }

    /// A node's answer on a proof; it may be late, and not be looked at any more.
    pub fn on_proof(&mut self, id: &str, told: Vec<String>) {
        if let Some(Detail::Proof { id: shown, lines }) = &mut self.detail
            && shown == id
        {
            *lines = Some(told);
        }
    }

    fn type_id(&mut self, mut typed: String, code: KeyCode) -> Action {
        match code {
            KeyCode::Esc => return Action::Nothing,
            KeyCode::Enter if is_id(&typed) => return self.ask(typed),
            KeyCode::Enter => self.note = Some(format!("{} of 64 hexadecimal digits; Esc cancels", typed.len())),
            KeyCode::Backspace => _ = typed.pop(),
            KeyCode::Char(digit) if digit.is_ascii_hexdigit() && typed.len() < ID_LENGTH => {
                typed.push(digit.to_ascii_lowercase());
            }
            _ => {}
        }
        self.typed = Some(typed);
        Action::Nothing
    }

    fn ask(&mut self, id: String) -> Action {
        let id = id.to_ascii_lowercase();
        (self.tab, self.scroll) = (Tab::Proofs, 0);
        self.detail = Some(Detail::Proof { id: id.clone(), lines: None });
        Action::Ask(id)
    }

    fn open(&mut self, tab: Tab) {
        (self.tab, self.detail, self.scroll) = (tab, None, 0);
    }

    fn go(&mut self, view: &View, to: impl Fn(usize) -> usize) {
        if self.detail.is_some() {
            // What draws it knows how many lines there are.
            self.scroll = to(self.scroll).min(u16::MAX.into());
        } else {
            let last = self.rows(view).saturating_sub(1);
            let selected = &mut self.selected[self.tab.index()];
            *selected = to(*selected).min(last);
        }
    }

    fn rows(&self, view: &View) -> usize {
        match self.tab {
            Tab::Overview | Tab::Validators => view.validators.len(),
            Tab::Actors => view.validators.iter().map(|row| row.actors.len()).sum(),
            Tab::Proofs => view.latest_proofs.len(),
            Tab::Events => view.events.len(),
            Tab::Alerts => view.alerts.len(),
        }
    }

    /// The selected row, as far as there still is one.
    pub fn selected(&self, view: &View) -> usize {
        self.selected[self.tab.index()].min(self.rows(view).saturating_sub(1))
    }

    fn look_into(&mut self, view: &View) -> Action {
        if self.detail.is_some() {
            return Action::Nothing;
        }
        self.scroll = 0;
        let selected = self.selected(view);
        match self.tab {
            Tab::Overview | Tab::Validators => {
                self.detail = self.validators(view).get(selected).map(|row| Detail::Validator(row.node_id.clone()));
            }
            Tab::Actors => {
                self.detail = self.actors(view).get(selected).map(|(row, index)| Detail::Actor {
                    node_id: row.node_id.clone(),
                    actor: row.actors[*index].name.clone(),
                });
            }
            Tab::Proofs => {
                if let Some(proof) = view.latest_proofs.get(selected) {
                    return self.ask(proof.proof.clone());
                }
            }
            Tab::Events | Tab::Alerts => self.note = Some("there is nothing more to see of it".into()),
        }
        Action::Nothing
    }

    fn sort_next(&mut self) {
        match self.tab {
            Tab::Overview | Tab::Validators => {
                let now = SortBy::ALL.iter().position(|sort| *sort == self.sort).unwrap_or(0);
                self.sort = SortBy::ALL[(now + 1) % SortBy::ALL.len()];
                self.note = Some(format!("sorted by {}; r turns it round", self.sort.title()));
            }
            Tab::Actors => {
                self.failures_first = !self.failures_first;
                let by = if self.failures_first { "last failure, the newest first" } else { "validator" };
                self.note = Some(format!("sorted by {by}"));
            }
            Tab::Proofs | Tab::Events | Tab::Alerts => self.note = Some("the newest is first here".into()),
        }
    }

    /// The validators as they are shown.
    pub fn validators<'a>(&self, view: &'a View) -> Vec<&'a ValidatorView> {
        let mut rows: Vec<&ValidatorView> = view.validators.iter().collect();
        rows.sort_by(|one, other| compare(self.sort, one, other));
        if self.reversed {
            rows.reverse();
        }
        rows
    }

    /// Each actor, with its validator and its place there, as they are shown.
    pub fn actors<'a>(&self, view: &'a View) -> Vec<(&'a ValidatorView, usize)> {
        let mut validators: Vec<&ValidatorView> = view.validators.iter().collect();
        validators.sort_by(|one, other| compare(SortBy::Name, one, other));
        let mut rows: Vec<(&ValidatorView, usize)> =
            validators.into_iter().flat_map(|row| (0..row.actors.len()).map(move |index| (row, index))).collect();
        if self.failures_first {
            rows.sort_by_key(|(row, index)| std::cmp::Reverse(row.actors[*index].last_failure_ms));
        }
        if self.reversed {
            rows.reverse();
        }
        rows
    }
}

fn is_id(text: &str) -> bool {
    text.len() == ID_LENGTH && text.chars().all(|digit| digit.is_ascii_hexdigit())
}

fn compare(sort: SortBy, one: &ValidatorView, other: &ValidatorView) -> Ordering {
    let rank = one.rank.cmp(&other.rank);
    let float = |one: Option<f64>, other: Option<f64>| one.unwrap_or(-1.0).total_cmp(&other.unwrap_or(-1.0));
    match sort {
        SortBy::Rank => rank,
        SortBy::Name => {
            // node_2 before node_10.
            let key = |row: &ValidatorView| {
                let letters = row.node_id.trim_end_matches(|letter: char| letter.is_ascii_digit());
                (letters.to_owned(), row.node_id.len(), row.node_id.clone())
            };
            key(one).cmp(&key(other))
        }
        SortBy::State => badness(other.state).cmp(&badness(one.state)).then(rank),
        SortBy::Stake => other.stake.cmp(&one.stake).then(rank),
        SortBy::Accuracy => {
            let known = |row: &ValidatorView| row.accuracy.unwrap_or(2.0);
            known(one).total_cmp(&known(other)).then(rank)
        }
        SortBy::Rewards => float(other.rewards_tokens, one.rewards_tokens).then(rank),
        SortBy::Block => one.sequence.cmp(&other.sequence).then(rank),
        SortBy::Restarts => other.restarts.cmp(&one.restarts).then(rank),
    }
}

fn badness(state: &str) -> u8 {
    match state {
        "invalid" => 7,
        "gone" => 6,
        "silent" => 5,
        "impaired" => 4,
        "waiting" => 3,
        "behind" => 2,
        "unknown" => 1,
        _ => 0,
    }
}
