//! A progress line on a terminal, which is redrawn in place. A pipe or a log gets none.
//!
//! Must never: write anything if standard error is not a terminal.

use crate::text::grouped;
use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

/// Between two drawings.
pub const REDRAW: Duration = Duration::from_millis(100);

const BAR_CELLS: usize = 20;
/// If the terminal does not say how wide it is.
const COLUMNS: usize = 80;
const CLEAR: &str = "\r\x1b[K";

/// The line, if there is a terminal for it.
pub struct Line {
    shown: bool,
    drawn: bool,
    from: Instant,
}

impl Line {
    /// One that appears after a while: what is over at once needs no line.
    pub fn after(quiet: Duration) -> Line {
        let is_dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        Line { shown: std::io::stderr().is_terminal() && !is_dumb, drawn: false, from: Instant::now() + quiet }
    }

    pub fn is_shown(&self) -> bool {
        self.shown
    }

    /// Draws what `text` says for so many columns.
    pub fn draw(&mut self, text: impl FnOnce(usize) -> String) {
        if self.shown && Instant::now() >= self.from {
            self.drawn = true;
            // A terminal that is gone ends the drawing, not the run.
            let _ = write!(std::io::stderr(), "{CLEAR}{}", text(columns()));
        }
    }

    /// Takes the line away.
    pub fn clear(&mut self) {
        if std::mem::take(&mut self.drawn) {
            let _ = write!(std::io::stderr(), "{CLEAR}");
        }
    }
}

/// `[#####---------------] 10 of 40 done, 30 waiting`.
pub fn bar(done: usize, total: usize) -> String {
    let total = total.max(done);
    let filled = BAR_CELLS * done / total.max(1);
    let bar = format!("[{}{}]", "#".repeat(filled), "-".repeat(BAR_CELLS - filled));
    format!("{bar} {} of {} done, {} waiting", number(done), number(total), number(total - done))
}

/// As much of a line as fits. The last column stays free: some terminals begin a new line behind it.
pub fn fitted(line: String, columns: usize) -> String {
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
