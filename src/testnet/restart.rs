//! When a process that ended is restarted: the decision alone, from what is passed in. No clock, process or chance is
//! here.
//!
//! The delay doubles with each end that follows a short life, is shortened by up to a half at random, so that
//! validators that fell together do not return together, and starts over once the process ran well for a while. After
//! too many restarts in a window a process stays down, and an end that a restart cannot fix is not retried at all.

use crate::exit::Exit;
use crate::text;
use std::collections::VecDeque;
use std::fmt;
use std::process::ExitStatus;
use std::time::{Duration, Instant};

/// How restarts are paced and limited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RestartPolicy {
    /// Before the first restart; doubled for each further one.
    pub delay_first: Duration,
    pub delay_max: Duration,
    /// A process that ran this long ran well: the next delay is the first again.
    pub well_after: Duration,
    /// Restarts within the window; one more is not made.
    pub restarts_max: usize,
    pub window: Duration,
}

impl Default for RestartPolicy {
    fn default() -> RestartPolicy {
        RestartPolicy {
            delay_first: Duration::from_millis(100),
            delay_max: Duration::from_secs(5),
            well_after: Duration::from_secs(10),
            restarts_max: 5,
            window: Duration::from_secs(60),
        }
    }
}

/// What becomes of a process that ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Then {
    /// It is started again after this long.
    Again(Duration),
    /// Restarting is held; it is started when that is over, unless [`Then::Stays`] holds then.
    Held,
    Stays(Stays),
}

/// Why a process is not started again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stays {
    /// It ended with a code that says so.
    CannotMend(Exit),
    /// It was asked to stop, and did.
    Stopped,
    /// It ended too often.
    GivenUp { restarts: usize, window: Duration },
}

impl fmt::Display for Stays {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Stays::CannotMend(exit) => {
                write!(out, "not started again: a restart does not mend exit code {}", *exit as u8)
            }
            Stays::Stopped => write!(out, "not started again: somebody asked it to stop"),
            Stays::GivenUp { restarts, window } => {
                let restarts = text::counted(*restarts as u64, "restart", "restarts");
                write!(out, "given up after {restarts} within {} s", window.as_secs())
            }
        }
    }
}

/// The restarts of one process.
#[derive(Debug, Default)]
pub struct Restarts {
    /// When it was started again, as far as that is within the window.
    recent: VecDeque<Instant>,
    /// Ends in a row after a short life.
    short_lives: u32,
    total: u32,
}

impl Restarts {
    /// How often it was started again so far.
    pub fn total(&self) -> u32 {
        self.total
    }

    /// Decides on a process that ended after it ran for a while. `chance` is drawn from 0 to 1.
    pub fn on_ended(
        &mut self,
        policy: &RestartPolicy,
        now: Instant,
        ran: Duration,
        status: Option<ExitStatus>,
        chance: f64,
    ) -> Then {
        if let Some(stays) = status.and_then(no_use) {
            return Then::Stays(stays);
        }
        let is_recent = |at: &Instant| now.saturating_duration_since(*at) < policy.window;
        self.recent.retain(is_recent);
        if self.recent.len() >= policy.restarts_max {
            return Then::Stays(Stays::GivenUp { restarts: self.recent.len(), window: policy.window });
        }
        if ran >= policy.well_after {
            self.short_lives = 0;
        }
        let delay = delay(policy, self.short_lives, chance);
        self.short_lives = self.short_lives.saturating_add(1);
        Then::Again(delay)
    }

    pub fn on_started(&mut self, now: Instant) {
        self.recent.push_back(now);
        self.total = self.total.saturating_add(1);
    }
}

/// What a restart cannot mend: the same table as in the service's unit.
fn no_use(status: ExitStatus) -> Option<Stays> {
    match status.code().and_then(Exit::from_code)? {
        Exit::Fine => Some(Stays::Stopped),
        exit @ (Exit::Input | Exit::Configuration | Exit::RefusedToSign | Exit::Damaged) => {
            Some(Stays::CannotMend(exit))
        }
        Exit::Unreachable | Exit::Refuted | Exit::NoVerdict | Exit::Internal | Exit::Interrupted => None,
    }
}

/// The delay after so many short lives in a row: between half of it and all of it.
fn delay(policy: &RestartPolicy, short_lives: u32, chance: f64) -> Duration {
    let doubled = policy.delay_first.saturating_mul(2u32.saturating_pow(short_lives)).min(policy.delay_max);
    doubled.mul_f64(0.5 + 0.5 * chance.clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::process::ExitStatusExt;

    const SECOND: Duration = Duration::from_secs(1);

    fn code(code: i32) -> Option<ExitStatus> {
        Some(ExitStatus::from_raw(code << 8))
    }

    fn killed() -> Option<ExitStatus> {
        Some(ExitStatus::from_raw(libc::SIGKILL))
    }

    #[test]
    fn delays_double_up_to_the_longest_and_start_over_after_a_good_while() {
        let policy = RestartPolicy { restarts_max: usize::MAX, ..RestartPolicy::default() };
        let (mut restarts, now) = (Restarts::default(), Instant::now());
        let mut after = |ran| match restarts.on_ended(&policy, now, ran, killed(), 1.0) {
            Then::Again(delay) => delay.as_millis(),
            other => panic!("{other:?}"),
        };
        let delays: Vec<u128> = (0..8).map(|_| after(SECOND)).collect();
        assert_eq!(delays, [100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000]);
        assert_eq!([after(policy.well_after), after(SECOND)], [100, 200]);
        assert_eq!(delay(&policy, u32::MAX, 1.0), policy.delay_max);
    }

    #[test]
    fn chance_shortens_a_delay_by_a_half_at_most() {
        let policy = RestartPolicy::default();
        let of = |chance| delay(&policy, 1, chance).as_millis();
        assert_eq!([of(0.0), of(0.5), of(1.0)], [100, 150, 200]);
        assert_eq!([of(-3.0), of(7.0)], [100, 200]);
    }

    #[test]
    fn one_restart_more_than_the_limit_is_given_up_and_old_ones_do_not_count() {
        let policy = RestartPolicy::default();
        let (mut restarts, start) = (Restarts::default(), Instant::now());
        for number in 0..5u32 {
            let now = start + SECOND * number;
            assert!(matches!(restarts.on_ended(&policy, now, SECOND, killed(), 0.5), Then::Again(_)), "{number}");
            restarts.on_started(now);
        }
        let given_up = Then::Stays(Stays::GivenUp { restarts: 5, window: policy.window });
        let last = start + policy.window - Duration::from_millis(1);
        assert_eq!(restarts.on_ended(&policy, last, SECOND, killed(), 0.5), given_up);
        // The first is a minute old now.
        assert!(matches!(restarts.on_ended(&policy, start + policy.window, SECOND, killed(), 0.5), Then::Again(_)));
        assert_eq!(restarts.total(), 5);
    }

    #[test]
    fn what_a_restart_cannot_mend_is_not_tried() {
        let decide =
            |status| Restarts::default().on_ended(&RestartPolicy::default(), Instant::now(), SECOND, status, 0.5);
        for (number, exit) in [(2, Exit::Input), (3, Exit::Configuration), (7, Exit::RefusedToSign), (8, Exit::Damaged)]
        {
            assert_eq!(decide(code(number)), Then::Stays(Stays::CannotMend(exit)));
        }
        assert_eq!(decide(code(0)), Then::Stays(Stays::Stopped));
        // A signal, our own 70, a panic's 101, a code that is nobody's, and a process that could not even be made.
        for status in [killed(), code(70), code(101), code(4), code(1), None] {
            assert!(matches!(decide(status), Then::Again(_)), "{status:?}");
        }
    }
}
