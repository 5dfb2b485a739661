//! How a command ends: the exit codes, the same everywhere, and the error that carries one.

use std::fmt::Display;
use std::process::ExitCode;

/// Exit codes. A program may rely on them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    Fine = 0,
    /// Usage or bad input.
    Input = 2,
    /// Configuration, keys or genesis.
    Configuration = 3,
    /// Network or node not reachable.
    Unreachable = 4,
    Refuted = 5,
    /// A limit was reached, or the solver did not know.
    NoVerdict = 6,
    RefusedToSign = 7,
    /// Data on disk are damaged.
    Damaged = 8,
    /// Supervision exceeded its limit, or a fault of our own.
    Internal = 70,
    /// Ctrl-C or SIGTERM came before everything was done: as shells say it of a program that SIGINT ended.
    Interrupted = 130,
}

impl Exit {
    /// Of the results of several files, the one that the command ends with: bad input goes before refuted, and that
    /// before no verdict.
    pub fn worse(self, other: Exit) -> Exit {
        let rank = |exit| match exit {
            Exit::Fine => 0,
            Exit::NoVerdict => 1,
            Exit::Refuted => 2,
            Exit::Input
            | Exit::Configuration
            | Exit::Unreachable
            | Exit::RefusedToSign
            | Exit::Damaged
            | Exit::Internal
            | Exit::Interrupted => 3,
        };
        if rank(other) > rank(self) { other } else { self }
    }

    /// The exit that a process' code stands for, if it is one of ours.
    pub fn from_code(code: i32) -> Option<Exit> {
        let all = [
            Exit::Fine,
            Exit::Input,
            Exit::Configuration,
            Exit::Unreachable,
            Exit::Refuted,
            Exit::NoVerdict,
            Exit::RefusedToSign,
            Exit::Damaged,
            Exit::Internal,
            Exit::Interrupted,
        ];
        all.into_iter().find(|exit| i32::from(*exit as u8) == code)
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit as u8)
    }
}

/// What ends a command early: says what failed, the value that was wrong, and what to do next.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    pub exit: Exit,
    pub message: String,
}

impl Failure {
    pub fn new(exit: Exit, message: impl Display) -> Failure {
        Failure { exit, message: message.to_string() }
    }

    /// For `map_err`: an error that ends the command with this code.
    pub fn with<E: Display>(exit: Exit) -> impl Fn(E) -> Failure {
        move |error| Failure::new(exit, error)
    }
}

/// The outcome of a command. `Ok` may still be a code other than `Fine`, where the result itself was printed.
pub type Outcome = Result<Exit, Failure>;

/// Prints a line of a result. A reader that has gone (`pop … | head`) ends the printing, not the program.
#[macro_export]
macro_rules! say {
    ($($text:tt)*) => {{
        use std::io::Write;
        let _ = writeln!(std::io::stdout().lock(), $($text)*);
    }};
}
