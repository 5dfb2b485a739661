//! A wall clock that is wrong at one validator, which is honest otherwise (R4: it may cost that validator's turns and votes,
//! and nothing else).

use protocol::types::{Millis, ValidatorIndex};
use std::fmt;
use std::str::FromStr;

/// In which way it is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WrongClock {
    HourAhead,
    HourBehind,
    /// Right, an hour ahead, an hour behind, right again: every five seconds something else.
    Jumps,
}

/// From a time on the clock of this validator is off by so many milliseconds.
#[derive(Debug, Clone, Copy)]
pub struct Jump {
    pub at: Millis,
    pub who: ValidatorIndex,
    pub skew_ms: i64,
}

const HOUR_MS: i64 = 3_600_000;
const EVERY_MS: u64 = 5_000;
const TURNS: [i64; 4] = [HOUR_MS, -HOUR_MS, 0, HOUR_MS];

impl WrongClock {
    pub const ALL: [WrongClock; 3] = [WrongClock::HourAhead, WrongClock::HourBehind, WrongClock::Jumps];

    pub fn jumps(self, who: ValidatorIndex) -> Vec<Jump> {
        let always = |skew_ms| vec![Jump { at: Millis(0), who, skew_ms }];
        match self {
            WrongClock::HourAhead => always(HOUR_MS),
            WrongClock::HourBehind => always(-HOUR_MS),
            WrongClock::Jumps => {
                (1..).zip(TURNS).map(|(turn, skew_ms)| Jump { at: Millis(turn * EVERY_MS), who, skew_ms }).collect()
            }
        }
    }
}

impl fmt::Display for WrongClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            WrongClock::HourAhead => "hour-ahead",
            WrongClock::HourBehind => "hour-behind",
            WrongClock::Jumps => "jumps",
        })
    }
}

/// A name that no wrong clock has.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no wrong clock is called {0}; there are: all, hour-ahead, hour-behind, jumps")]
pub struct UnknownClock(String);

impl FromStr for WrongClock {
    type Err = UnknownClock;

    fn from_str(name: &str) -> Result<Self, UnknownClock> {
        let found = WrongClock::ALL.into_iter().find(|clock| clock.to_string() == name);
        found.ok_or_else(|| UnknownClock(name.to_owned()))
    }
}
