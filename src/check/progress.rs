//! The line on a terminal that says how far a run is. In a pipe or a log there is none.
//!
//! Must never: write anything if standard error is no terminal, or redraw more than ten times a second.

use super::account::Account;
use crate::progress::{Line, bar, fitted};
use crate::text::{grouped, plain};
use std::time::Duration;

pub use crate::progress::REDRAW;

/// Nothing is drawn before: what is over at once needs no line.
const FIRST: Duration = Duration::from_millis(300);
/// What takes longer than this is named.
const LONG: Duration = Duration::from_secs(2);

/// The line, if there is a terminal for it.
pub struct Progress(Line);

impl Progress {
    pub fn new() -> Progress {
        Progress(Line::after(FIRST))
    }

    pub fn is_shown(&self) -> bool {
        self.0.is_shown()
    }

    pub fn draw(&mut self, account: &Account) {
        self.0.draw(|columns| line(account, columns));
    }

    /// Takes the line away.
    pub fn clear(&mut self) {
        self.0.clear();
    }
}

fn line(account: &Account, columns: usize) -> String {
    let mut line = bar(account.checked.len(), account.total);
    if let Some((missing, under_way)) = account.at_node {
        let (missing, under_way) = (grouped(missing as u64), grouped(under_way as u64));
        line += &format!(" ({missing} to submit, {under_way} in the network)");
    }
    if account.counts.refuted > 0 {
        line += &format!(", {} refuted", grouped(account.counts.refuted));
    }
    if let Some((name, span)) = account.longest().filter(|(_, span)| *span >= LONG) {
        line += &format!("; {} s: {}", span.as_secs(), plain(name));
    }
    fitted(line, columns)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::outcome::{Checked, Subject};

    fn subject(file: usize) -> Subject {
        Subject::file(file, std::path::Path::new("a\u{1b}[2J.smt2"))
    }

    #[test]
    fn the_line_says_what_is_done_and_waits_and_fits() {
        let mut account = Account::new(2_000);
        for file in 0..1_000 {
            account.add(Checked::unread(subject(file), String::new()));
        }
        assert_eq!(line(&account, 80), "[##########----------] 1,000 of 2,000 done, 1,000 waiting");
        assert_eq!(line(&account, 20).chars().count(), 19);
        assert_eq!(line(&Account::new(0), 80), "[--------------------] 0 of 0 done, 0 waiting");
        account.begin(&subject(1_500));
        assert!(account.longest().is_some_and(|(name, _)| name.contains("2J")));
        account.add(Checked::unread(subject(1_500), String::new()));
        assert_eq!(account.longest(), None);
    }
}
