//! Faults for tests of a running system: how an actor is made to fail, and what came of it.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// How long a flood lasts, and a blocked thread stays blocked at most.
pub const FLOOD_TIME: Duration = Duration::from_secs(1);
pub const BLOCK_TIME_MAX: Duration = Duration::from_secs(60);

/// A way to fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// A panic where a handler would run.
    Panic,
    /// The context is terminated.
    Terminate,
    /// It waits for what never comes; its thread goes on.
    Hang,
    /// It occupies its thread.
    Block,
    /// Its mailbox is filled as fast as a sender can, for [`FLOOD_TIME`].
    Flood,
}

impl Fault {
    pub const ALL: [Fault; 5] = [Fault::Panic, Fault::Terminate, Fault::Hang, Fault::Block, Fault::Flood];

    pub fn name(self) -> &'static str {
        match self {
            Fault::Panic => "panic",
            Fault::Terminate => "terminate",
            Fault::Hang => "hang",
            Fault::Block => "block",
            Fault::Flood => "flood",
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// There is no such fault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no fault {0}; there are panic, terminate, hang, block and flood")]
pub struct UnknownFault(String);

impl FromStr for Fault {
    type Err = UnknownFault;

    fn from_str(text: &str) -> Result<Fault, UnknownFault> {
        Fault::ALL.into_iter().find(|fault| fault.name() == text).ok_or_else(|| UnknownFault(text.to_owned()))
    }
}

/// What a fault led to. Times are after the fault happened; `None` did not happen within the wait.
#[derive(Debug, Clone, PartialEq)]
pub struct Consequences {
    pub actor: &'static str,
    pub fault: Fault,
    /// The supervisor knew. `None` for a flood, which is no failure.
    pub detected: Option<Duration>,
    /// The next incarnation ran.
    pub up: Option<Duration>,
    /// The first request that needs the actor's state was answered.
    pub serving: Option<Duration>,
    /// Messages that were taken and not handled, or handled without an answer.
    pub lost: u64,
    /// Messages that were given back.
    pub refused: u64,
    pub incarnation: u64,
}

/// Why a fault was not injected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InjectError {
    #[error("there is no actor {name}; there are {}", there_are.join(", "))]
    UnknownActor { name: String, there_are: Vec<&'static str> },
    #[error("{actor} is not running")]
    NotRunning { actor: &'static str },
    #[error("a fault is being injected into {actor} already")]
    Busy { actor: &'static str },
}
