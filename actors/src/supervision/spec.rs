//! What the supervisor is told about an actor: its name, its limits, and what its failure means.
//!
//! Plain data; it must never start anything by itself.

use actix::{Arbiter, ArbiterHandle};
use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The exit code of a process that gave up on one of its actors (`EX_SOFTWARE`).
pub const EXIT_CODE_SUPERVISION: i32 = crate::exit_code::INTERNAL;

/// How an actor is supervised.
#[derive(Clone)]
pub struct Spec {
    /// Names the actor in logs and metrics.
    pub name: &'static str,
    /// Messages that may wait; one more is refused with [`Why::Full`](super::Why::Full).
    pub mailbox_max: usize,
    pub on_failure: OnFailure,
    pub intensity: Intensity,
    /// Where the actor runs; without one, on the arbiter that starts it.
    pub arbiter: Option<ArbiterHandle>,
    /// What ends the process.
    pub exit: ExitHook,
}

/// What a panic, a failed start or an unasked stop of the actor means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnFailure {
    /// The factory makes it anew, within the intensity.
    Rebuild,
    /// The process ends: a half-alive validator is worse than a dead one.
    ExitProcess,
}

/// How often an actor may be rebuilt: one failure more within the window ends the process.
///
/// There is no back-off between rebuilds, so the limit can always be reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Intensity {
    pub rebuilds_max: usize,
    pub window: Duration,
}

impl Default for Intensity {
    fn default() -> Self {
        Intensity { rebuilds_max: 5, window: Duration::from_secs(10) }
    }
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

impl Spec {
    pub const MAILBOX_MAX_DEFAULT: usize = 4_096;

    /// An actor that is rebuilt on failure, on the arbiter that starts it.
    pub fn new(name: &'static str) -> Spec {
        Spec {
            name,
            mailbox_max: Self::MAILBOX_MAX_DEFAULT,
            on_failure: OnFailure::Rebuild,
            intensity: Intensity::default(),
            arbiter: None,
            exit: Arc::new(end_process),
        }
    }

    pub fn on(self, arbiter: &Arbiter) -> Spec {
        self.on_handle(arbiter.handle())
    }

    pub fn on_handle(self, arbiter: ArbiterHandle) -> Spec {
        Spec { arbiter: Some(arbiter), ..self }
    }

    pub fn mailbox_max(self, mailbox_max: usize) -> Spec {
        Spec { mailbox_max, ..self }
    }

    pub fn intensity(self, rebuilds_max: usize, window: Duration) -> Spec {
        Spec { intensity: Intensity { rebuilds_max, window }, ..self }
    }

    /// Any failure of this actor ends the process.
    pub fn exit_on_failure(self) -> Spec {
        Spec { on_failure: OnFailure::ExitProcess, ..self }
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
            .field("on_failure", &self.on_failure)
            .field("intensity", &self.intensity)
            .finish_non_exhaustive()
    }
}

fn end_process(exit: &Exit) {
    tracing::error!(code = exit.code, reason = %exit.reason, "the process ends");
    eprintln!("error: {}; the process ends with exit code {}", exit.reason, exit.code);
    std::process::exit(exit.code);
}

/// The failures that lie within the window.
pub(super) struct Failures {
    intensity: Intensity,
    /// At most `rebuilds_max + 1` instants.
    recent: VecDeque<Instant>,
}

impl Failures {
    pub(super) fn new(intensity: Intensity) -> Failures {
        Failures { intensity, recent: VecDeque::new() }
    }

    /// Counts a failure and says whether the actor may be rebuilt once more.
    pub(super) fn may_rebuild(&mut self, now: Instant) -> bool {
        let window = self.intensity.window;
        self.recent.retain(|&failure| now.saturating_duration_since(failure) < window);
        self.recent.push_back(now);
        self.recent.len() <= self.intensity.rebuilds_max
    }
}
