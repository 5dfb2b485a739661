//! The line on a terminal that says how far a run is. In a pipe or a log there is none.
//!
//! Must never: write anything if standard error is no terminal, or redraw more than ten times a second.

use super::account::Account;
use crate::text::{grouped, plain};
use std::io::{IsTerminal, Write};
use std::time::Duration;

/// Between two drawings.
pub const REDRAW: Duration = Duration::from_millis(100);

/// Nothing is drawn before: what is over at once needs no line.
const FIRST: Duration = Duration::from_millis(300);
/// What takes longer than this is named.
const LONG: Duration = Duration::from_secs(2);
const BAR_CELLS: usize = 20;
/// If the terminal does not say how wide it is.
const COLUMNS: usize = 80;
const CLEAR: &str = "\r\x1b[K";

/// The line, if there is a terminal for it.
pub struct Progress {
    shown: bool,
    drawn: bool,
}

impl Progress {
    pub fn new() -> Progress {
        let is_dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        Progress { shown: std::io::stderr().is_terminal() && !is_dumb, drawn: false }
    }

    pub fn is_shown(&self) -> bool {
        self.shown
    }

    pub fn draw(&mut self, account: &Account) {
        if self.shown && account.begun.elapsed() >= FIRST {
            self.drawn = true;
            // A terminal that is gone ends the drawing, not the run.
            let _ = write!(std::io::stderr(), "{CLEAR}{}", line(account, columns()));
        }
    }

    /// Takes the line away.
    pub fn clear(&mut self) {
        if std::mem::take(&mut self.drawn) {
            let _ = write!(std::io::stderr(), "{CLEAR}");
        }
    }
}

fn line(account: &Account, columns: usize) -> String {
    let (done, total) = (account.checked.len(), account.total.max(account.checked.len()));
    let filled = BAR_CELLS * done / total.max(1);
    let bar = format!("[{}{}]", "#".repeat(filled), "-".repeat(BAR_CELLS - filled));
    let mut line = format!("{bar} {} of {} done, {} waiting", number(done), number(total), number(total - done));
    if let Some((missing, under_way)) = account.at_node {
        line += &format!(" ({} to submit, {} in the network)", number(missing), number(under_way));
    }
    if account.counts.refuted > 0 {
        line += &format!(", {} refuted", grouped(account.counts.refuted));
    }
    if let Some((name, span)) = account.longest().filter(|(_, span)| *span >= LONG) {
        line += &format!("; {} s: {}", span.as_secs(), plain(name));
    }
    // The last column stays free: some terminals begin a new line behind it.
    let room = columns.saturating_sub(1);
    if line.chars().count() > room { line.chars().take(room.saturating_sub(1)).chain(['…']).collect() } else { line }
}

fn number(count: usize) -> String {
    grouped(count as u64)
}

fn columns() -> usize {
    let mut size = libc::winsize { ws_row: 0, ws_col: 0, ws_xpixel: 0, ws_ypixel: 0 };
    // SAFETY: the call writes one such structure, and nothing else.
    let result = unsafe { libc::ioctl(libc::STDERR_FILENO, libc::TIOCGWINSZ, &raw mut size) };
    if result == 0 && size.ws_col > 0 { usize::from(size.ws_col) } else { COLUMNS }
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
