//! When to dial a missing peer: at once, then less and less often, never less than once a second.
//!
//! Pure: time and randomness are arguments. The side that chooses for the pair dials a little earlier, so that the two
//! seldom dial each other at the same time.

use std::time::{Duration, Instant};

/// The pause after the first failed attempt; each further one doubles it.
pub const REDIAL_MIN: Duration = Duration::from_millis(50);
/// A validator that returns is found again within this time.
pub const REDIAL_MAX: Duration = Duration::from_millis(900);
/// What the side that does not choose lets the other have.
const HEAD_START: Duration = Duration::from_millis(40);

/// What the table says of a peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Seen {
    Connected,
    Dialling,
    Banned(Duration),
    Missing,
}

#[derive(Debug)]
pub(super) struct Redial {
    i_choose: bool,
    failed: u32,
    before: Seen,
    /// When the last attempt began: pauses count from there, so that a slow failure costs no further wait.
    dialled: Instant,
    /// `None` while the peer is connected or being dialled.
    next: Option<Instant>,
}

impl Redial {
    pub(super) fn new(now: Instant, i_choose: bool, random: u64) -> Redial {
        let mut redial = Redial { i_choose, failed: 0, before: Seen::Missing, dialled: now, next: None };
        redial.next = Some(now + redial.first_pause(random));
        redial
    }

    /// Whether to dial now.
    pub(super) fn look(&mut self, seen: Seen, now: Instant, random: u64) -> bool {
        let before = std::mem::replace(&mut self.before, seen);
        match seen {
            Seen::Connected => {
                self.failed = 0;
                self.next = None;
                false
            }
            Seen::Dialling => {
                self.next = None;
                false
            }
            Seen::Banned(left) => {
                self.next = Some(now + left);
                false
            }
            Seen::Missing => {
                let next = *self.next.get_or_insert_with(|| {
                    if before == Seen::Connected {
                        now + first_pause(self.i_choose, random)
                    } else {
                        self.failed = self.failed.saturating_add(1);
                        self.dialled + pause(self.failed, random)
                    }
                });
                if now < next {
                    return false;
                }
                self.next = None;
                self.before = Seen::Dialling;
                self.dialled = now;
                true
            }
        }
    }

    /// When to look again, if nothing else happens.
    pub(super) fn next(&self) -> Instant {
        self.next.unwrap_or_else(|| Instant::now() + REDIAL_MAX)
    }

    fn first_pause(&self, random: u64) -> Duration {
        first_pause(self.i_choose, random)
    }
}

fn first_pause(i_choose: bool, random: u64) -> Duration {
    if i_choose { Duration::ZERO } else { HEAD_START + share(HEAD_START, random) }
}

/// Between three quarters of the doubled pause and all of it, so that peers do not dial in step.
fn pause(failed: u32, random: u64) -> Duration {
    let full = REDIAL_MIN.saturating_mul(1 << failed.saturating_sub(1).min(10)).min(REDIAL_MAX);
    full / 4 * 3 + share(full / 4, random)
}

fn share(span: Duration, random: u64) -> Duration {
    span.mul_f64((random % 1_000) as f64 / 1_000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pauses(redial: &mut Redial, mut now: Instant, attempts: usize) -> Vec<Duration> {
        (0..attempts)
            .map(|_| {
                let start = now;
                assert!(!redial.look(Seen::Dialling, now, 0));
                while !redial.look(Seen::Missing, now, 999) {
                    now += Duration::from_millis(1);
                }
                now - start
            })
            .collect()
    }

    #[test]
    fn pauses_double_up_to_less_than_a_second() {
        let now = Instant::now();
        let mut redial = Redial::new(now, true, 0);
        assert!(redial.look(Seen::Missing, now, 0), "the first attempt is made at once");
        let pauses = pauses(&mut redial, now, 12);
        assert!(pauses.windows(2).all(|pair| pair[0] <= pair[1]), "{pauses:?}");
        assert!(pauses[0] <= REDIAL_MIN && pauses[11] <= Duration::from_secs(1), "{pauses:?}");
        assert!(pauses[11] >= REDIAL_MAX / 4 * 3, "{pauses:?}");
    }

    #[test]
    fn an_attempt_that_took_long_to_fail_is_followed_at_once() {
        let now = Instant::now();
        let mut redial = Redial::new(now, true, 0);
        assert!(redial.look(Seen::Missing, now, 0));
        assert!(!redial.look(Seen::Dialling, now, 0));
        assert!(redial.look(Seen::Missing, now + REDIAL_MAX, 0));
    }

    #[test]
    fn after_a_session_the_side_that_chooses_dials_first() {
        let now = Instant::now();
        for random in [0, 500, 999] {
            let mut chooser = Redial::new(now, true, random);
            let mut other = Redial::new(now, false, random);
            chooser.look(Seen::Connected, now, random);
            other.look(Seen::Connected, now, random);
            assert!(chooser.look(Seen::Missing, now, random));
            assert!(!other.look(Seen::Missing, now, random));
            assert!(other.look(Seen::Missing, now + HEAD_START * 2, random));
        }
    }

    #[test]
    fn a_banned_peer_is_not_dialled_before_its_ban_ends() {
        let now = Instant::now();
        let ban = Duration::from_secs(10);
        let mut redial = Redial::new(now, true, 0);
        assert!(!redial.look(Seen::Banned(ban), now, 0));
        assert!(!redial.look(Seen::Missing, now + ban - Duration::from_millis(1), 0));
        assert!(redial.look(Seen::Missing, now + ban, 0));
    }
}
