//! The terminal, and that it is left as it was: at the end, after a panic, at a signal, and while the program is stopped.
//!
//! Must never: write anything but what draws, enters and leaves.

use crate::exit::{Exit, Failure};
use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::cursor::{Hide, Show};
use ratatui::crossterm::event::{DisableBracketedPaste, EnableBracketedPaste};
use ratatui::crossterm::execute;
use ratatui::crossterm::terminal::{EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode};
use std::io::{self, BufWriter, Stdout, stdout};
use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};

/// Whether the terminal is ours now; resetting it gives it back.
static IS_OURS: AtomicBool = AtomicBool::new(false);
static HOOK: Once = Once::new();

pub type Screen = ratatui::Terminal<CrosstermBackend<BufWriter<Stdout>>>;

/// The terminal for as long as this lives.
pub struct Terminal {
    pub screen: Screen,
}

impl Terminal {
    /// # Errors
    /// If there is none, or it cannot be drawn on.
    pub fn enter() -> Result<Terminal, Failure> {
        let failure = |error: io::Error| {
            let text = format!("cannot draw on this terminal: {error}; --once prints one screen as text");
            Failure::new(Exit::Input, text)
        };
        HOOK.call_once(|| {
            let usual = std::panic::take_hook();
            std::panic::set_hook(Box::new(move |panic| {
                give_back();
                usual(panic);
            }));
        });
        take().map_err(failure)?;
        // One write for each frame, however much of it changes.
        let backend = CrosstermBackend::new(BufWriter::with_capacity(1 << 16, stdout()));
        let screen = ratatui::Terminal::new(backend).inspect_err(|_| give_back()).map_err(failure)?;
        Ok(Terminal { screen })
    }

    /// Gives it back, stops this process as the shell expects it, and takes it again when it is told to go on.
    ///
    /// # Errors
    /// If it cannot be taken again.
    pub fn suspend(&mut self) -> io::Result<()> {
        give_back();
        // SAFETY: a plain system call; without a handler it stops this process until SIGCONT.
        unsafe { libc::raise(libc::SIGTSTP) };
        take()?;
        self.redraw()
    }

    /// Everything is drawn anew with the next frame.
    ///
    /// # Errors
    /// If the terminal has gone.
    pub fn redraw(&mut self) -> io::Result<()> {
        let size = self.screen.size()?;
        self.screen.resize(size.into())
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        give_back();
    }
}

/// Whether it was not given back meanwhile, by a panic on another thread.
pub fn is_ours() -> bool {
    IS_OURS.load(Ordering::Acquire)
}

fn take() -> io::Result<()> {
    enable_raw_mode()?;
    IS_OURS.store(true, Ordering::Release);
    execute!(stdout(), EnterAlternateScreen, EnableBracketedPaste, Hide).inspect_err(|_| give_back())
}

/// As it was. Harmless when it is not ours.
pub fn give_back() {
    if IS_OURS.swap(false, Ordering::AcqRel) {
        // Each for itself: a terminal that has gone takes neither, and nobody is left to tell.
        _ = execute!(stdout(), Show, DisableBracketedPaste, LeaveAlternateScreen);
        _ = disable_raw_mode();
    }
}

/// For a terminal that takes nothing any more: its modes alone, which needs no writing.
pub fn give_back_modes() {
    if IS_OURS.swap(false, Ordering::AcqRel) {
        _ = disable_raw_mode();
    }
}

#[cfg(test)]
#[path = "../../tests/monitor_support/mod.rs"]
mod monitor_support;

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    /// Set for the process on the terminal, which is this test once more.
    const INSIDE: &str = "POP_TEST_PANICS_ON_A_TERMINAL";

    #[test]
    fn a_panic_leaves_the_terminal_as_it_was() {
        if std::env::var_os(INSIDE).is_some() {
            let mut terminal = Terminal::enter().unwrap();
            let text = ratatui::text::Line::raw("on the other screen");
            terminal.screen.draw(|frame| frame.render_widget(text, frame.area())).unwrap();
            // Until the other side has seen it.
            ratatui::crossterm::event::read().unwrap();
            let thread = std::thread::spawn(|| panic!("planted, on a thread of its own"));
            assert!(thread.join().is_err() && !is_ours());
            std::mem::forget(terminal);
            std::process::exit(7);
        }
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["monitor::terminal::tests::a_panic_leaves_the_terminal_as_it_was", "--exact", "--nocapture"]);
        command.env(INSIDE, "1").env("TERM", "xterm-256color");
        let mut terminal = monitor_support::Terminal::start(command, 24, 80);
        terminal.until_shows("on the other screen");
        terminal.keys("x");
        assert_eq!(terminal.is_left_as_it_was().code(), Some(7));
        terminal.until_shows("planted, on a thread of its own");
    }
}
