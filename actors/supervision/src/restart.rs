//! What an operator of a tree chooses: which children restart with one that fails, how often, and after how long.

use std::time::Duration;

/// Which children start again when one fails (Erlang/OTP's three).
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Strategy {
    /// Only the one that failed.
    OneForOne,
    /// All: they are stopped in reverse order of their start and started in order.
    OneForAll,
    /// The one that failed and those started after it.
    RestForOne,
}

/// Whether a child that ended starts again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Restart {
    /// Always, unless it was asked to end.
    Permanent,
    /// Only if it failed.
    Transient,
    /// Never, not even with its siblings.
    Temporary,
}

/// How often what stands below a supervisor may start again: one failure more within the window, and it gives up.
///
/// A supervisor counts every failure in its subtree, so its limit bounds all of it. (OTP counts only direct children, where
/// the limits of a tree multiply.)
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Intensity {
    pub restarts_max: usize,
    pub window: Duration,
}

impl Default for Intensity {
    fn default() -> Self {
        Intensity { restarts_max: 5, window: Duration::from_secs(10) }
    }
}

/// How long a child waits before it starts again: nothing after its first failure, then `first`, doubled each time up to
/// `max`, each time more or less by a fifth at random; nothing again once it has run for `reset_after`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    pub first: Duration,
    pub max: Duration,
    pub reset_after: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Backoff {
            first: Duration::from_millis(5),
            max: Duration::from_millis(250),
            reset_after: Duration::from_secs(1),
        }
    }
}

/// Largest share by which a delay is longer or shorter.
const JITTER: f64 = 0.2;

impl Backoff {
    /// No child ever waits.
    pub const NONE: Backoff = Backoff { first: Duration::ZERO, max: Duration::ZERO, reset_after: Duration::ZERO };

    /// Before the start that follows the `failures`th failure in a row; `chance` is in 0..1.
    pub(crate) fn delay(&self, failures: u32, chance: f64) -> Duration {
        let Some(doublings) = failures.checked_sub(2) else { return Duration::ZERO };
        let factor = 1u32.checked_shl(doublings).unwrap_or(u32::MAX);
        times(self.first.saturating_mul(factor).min(self.max), 1.0 + JITTER * (2.0 * chance - 1.0))
    }

    /// Whether a child that fails at each start exceeds the intensity at all.
    pub(crate) fn reaches(&self, intensity: Intensity) -> bool {
        let restarts = u32::try_from(intensity.restarts_max).unwrap_or(u32::MAX);
        let mut waited = Duration::ZERO;
        for restart in 1..=restarts {
            let next = self.delay(restart, 1.0);
            if next == times(self.max, 1.0 + JITTER) {
                // From here on all are the same.
                return waited.saturating_add(next.saturating_mul(restarts - restart + 1)) < intensity.window;
            }
            waited = waited.saturating_add(next);
            if waited >= intensity.window {
                return false;
            }
        }
        true
    }
}

/// `Duration::mul_f64` panics when the result is too long.
fn times(span: Duration, factor: f64) -> Duration {
    Duration::try_from_secs_f64(span.as_secs_f64() * factor).unwrap_or(Duration::MAX)
}

/// How a child's life ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// It stopped by itself, in order.
    Normal,
    /// It was asked to end for good.
    Shutdown,
    /// Anything else.
    Failed,
}

impl Restart {
    pub(crate) fn starts_again(self, ended: Ended) -> bool {
        match (self, ended) {
            (_, Ended::Shutdown) | (Restart::Temporary, _) | (Restart::Transient, Ended::Normal) => false,
            (Restart::Permanent, Ended::Normal | Ended::Failed) | (Restart::Transient, Ended::Failed) => true,
        }
    }
}
