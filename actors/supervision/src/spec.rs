//! What the supervisor is told about an actor (OTP: a child spec), and about a group of them.
//!
//! Plain data; it must never start anything by itself.

use crate::restart::{Backoff, Intensity, Restart};
use crate::thread::{OnBlock, Thread};
use actix::{Arbiter, ArbiterHandle};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// The exit code of a process whose supervision gave up (`EX_SOFTWARE`).
pub const EXIT_CODE_SUPERVISION: i32 = 70;

/// A heartbeat takes its time: no deadline for one, and none for a start, is shorter.
pub const DEADLINE_MIN: Duration = Duration::from_millis(50);

/// How an actor is supervised.
#[derive(Clone)]
pub struct Spec {
    /// Names the actor in logs and reports; unique in its tree.
    pub name: &'static str,
    /// Messages that may wait; one more is refused with [`Why::Full`](crate::Why::Full).
    pub mailbox_max: usize,
    pub restart: Restart,
    pub backoff: Backoff,
    /// How long it may take to end in order before it is cut off.
    pub shutdown: Duration,
    /// How long its factory may take before its thread is taken for blocked. Of this and the next, time without a processor does not count.
    pub start_deadline: Duration,
    /// How long it may handle nothing while its thread runs (a future given to `ctx.wait`) before it is cut off.
    pub hang_deadline: Duration,
    /// Where it runs; without one, on the arbiter that starts it.
    pub thread: Option<Thread>,
    /// For an actor that is supervised alone, by [`supervise`](crate::supervise).
    pub intensity: Intensity,
    /// What ends the process; for an actor that is supervised alone.
    pub exit: ExitHook,
}

/// Why the process ends, and with which code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exit {
    pub code: i32,
    pub reason: String,
}

/// Called once when the process must end. A test replaces it; the default does not return.
pub type ExitHook = Arc<dyn Fn(&Exit) + Send + Sync>;

/// Why a factory could not make its actor.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StartError {
    /// Another attempt may succeed; it counts as a failure of the actor.
    #[error("cannot start: {0}")]
    Failed(String),
    /// No attempt can succeed (a damaged log, a full disk): the process ends with this code.
    #[error("cannot start, ever: {reason} (exit code {code})")]
    Fatal { code: i32, reason: String },
}

impl StartError {
    pub fn failed(cause: impl fmt::Display) -> StartError {
        StartError::Failed(cause.to_string())
    }

    pub fn fatal(code: i32, cause: impl fmt::Display) -> StartError {
        StartError::Fatal { code, reason: cause.to_string() }
    }
}

/// Why a tree was not started. Nothing of it runs then.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SpecError {
    #[error("two in one tree are named {name}")]
    DuplicateName { name: &'static str },
    #[error("{name}: no failure lies within a window of no length")]
    EmptyWindow { name: &'static str },
    #[error("{name}: its mailbox would hold nothing")]
    EmptyMailbox { name: &'static str },
    #[error("{name}: {deadline:?} is less than {DEADLINE_MIN:?}, within which it cannot be told from one that is well")]
    ShortDeadline { name: &'static str, deadline: Duration },
    #[error(
        "{name}: its back-off is so slow that the {restarts_max} restarts in {window:?} of {supervisor} can never be exceeded"
    )]
    UnreachableIntensity { name: &'static str, supervisor: &'static str, restarts_max: usize, window: Duration },
}

impl Spec {
    pub const MAILBOX_MAX_DEFAULT: usize = 4_096;
    pub const SHUTDOWN_DEFAULT: Duration = Duration::from_millis(500);
    pub const START_DEADLINE_DEFAULT: Duration = Duration::from_secs(30);
    pub const HANG_DEADLINE_DEFAULT: Duration = Duration::from_secs(2);

    /// A permanent actor with the default limits, on the arbiter that starts it.
    pub fn new(name: &'static str) -> Spec {
        Spec {
            name,
            mailbox_max: Self::MAILBOX_MAX_DEFAULT,
            restart: Restart::Permanent,
            backoff: Backoff::default(),
            shutdown: Self::SHUTDOWN_DEFAULT,
            start_deadline: Self::START_DEADLINE_DEFAULT,
            hang_deadline: Self::HANG_DEADLINE_DEFAULT,
            thread: None,
            intensity: Intensity::default(),
            exit: Arc::new(end_process),
        }
    }

    pub fn on(self, arbiter: &Arbiter) -> Spec {
        self.on_handle(arbiter.handle())
    }

    /// On an arbiter that nobody can replace: if it blocks, the process ends.
    pub fn on_handle(self, arbiter: ArbiterHandle) -> Spec {
        let name = self.name;
        self.on_thread(Thread::of(name, arbiter, OnBlock::ExitProcess))
    }

    pub fn on_thread(self, thread: Thread) -> Spec {
        Spec { thread: Some(thread), ..self }
    }

    pub fn mailbox_max(self, mailbox_max: usize) -> Spec {
        Spec { mailbox_max, ..self }
    }

    pub fn restart(self, restart: Restart) -> Spec {
        Spec { restart, ..self }
    }

    pub fn backoff(self, backoff: Backoff) -> Spec {
        Spec { backoff, ..self }
    }

    pub fn shutdown(self, shutdown: Duration) -> Spec {
        Spec { shutdown, ..self }
    }

    pub fn start_deadline(self, start_deadline: Duration) -> Spec {
        Spec { start_deadline, ..self }
    }

    pub fn hang_deadline(self, hang_deadline: Duration) -> Spec {
        Spec { hang_deadline, ..self }
    }

    pub fn intensity(self, restarts_max: usize, window: Duration) -> Spec {
        Spec { intensity: Intensity { restarts_max, window }, ..self }
    }

    pub fn exit(self, hook: impl Fn(&Exit) + Send + Sync + 'static) -> Spec {
        Spec { exit: Arc::new(hook), ..self }
    }
}

impl fmt::Debug for Spec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Spec")
            .field("name", &self.name)
            .field("mailbox_max", &self.mailbox_max)
            .field("restart", &self.restart)
            .field("backoff", &self.backoff)
            .field("thread", &self.thread)
            .finish_non_exhaustive()
    }
}

fn end_process(exit: &Exit) {
    tracing::error!(code = exit.code, reason = %exit.reason, "the process ends");
    eprintln!("error: {}; the process ends with exit code {}", exit.reason, exit.code);
    std::process::exit(exit.code);
}
