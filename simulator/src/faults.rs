//! What goes wrong in a run, and when: drawn from the seed before it starts.

use crate::random::Random;
use crate::scenario::Scenario;
use protocol::types::{Millis, ValidatorIndex};
use std::fmt;

/// The kinds of fault, as they are counted and printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// One validator stops, and starts again from its disk.
    Crash,
    /// Validators with a third of the stake or more, such as two of four, are down together and come back.
    BlockingCrash,
    /// The power fails everywhere at once.
    PowerLoss,
    /// A validator comes back without its vote log.
    LostLog,
    /// Two groups hear nothing from each other and their sessions stay open.
    SilentPartition,
    /// The same, and the sessions close.
    ClosingPartition,
    /// One direction of one link loses everything.
    OneWayCut,
    Loss,
    Delay,
    Duplication,
    Reordering,
    /// Sessions close and open again at once.
    SessionReset,
    SlowDisk,
    /// One part of a living validator is restarted.
    RestartPart,
    /// A part's mailbox takes nothing from the network for a while.
    FullMailbox,
    /// A validator's parts hear of sessions late, each in its own time, or never.
    LateSessions,
    /// Everything takes a validator many times longer than usual.
    SlowProcessor,
}

impl Kind {
    pub const ALL: [Kind; 17] = [
        Kind::Crash,
        Kind::BlockingCrash,
        Kind::PowerLoss,
        Kind::LostLog,
        Kind::SilentPartition,
        Kind::ClosingPartition,
        Kind::OneWayCut,
        Kind::Loss,
        Kind::Delay,
        Kind::Duplication,
        Kind::Reordering,
        Kind::SessionReset,
        Kind::SlowDisk,
        Kind::RestartPart,
        Kind::FullMailbox,
        Kind::LateSessions,
        Kind::SlowProcessor,
    ];
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Kind::Crash => "crash",
            Kind::BlockingCrash => "a third or more down",
            Kind::PowerLoss => "power loss",
            Kind::LostLog => "lost log",
            Kind::SilentPartition => "silent partition",
            Kind::ClosingPartition => "closing partition",
            Kind::OneWayCut => "one-way cut",
            Kind::Loss => "loss",
            Kind::Delay => "delay",
            Kind::Duplication => "duplication",
            Kind::Reordering => "reordering",
            Kind::SessionReset => "session reset",
            Kind::SlowDisk => "slow disk",
            Kind::RestartPart => "part restarted",
            Kind::FullMailbox => "full mailbox",
            Kind::LateSessions => "late session events",
            Kind::SlowProcessor => "slow processor",
        })
    }
}

/// One fault, with everything that it needs to know drawn beforehand.
#[derive(Debug, Clone)]
pub struct Fault {
    pub at: Millis,
    pub kind: Kind,
    pub span: Millis,
    /// Validators in the order in which it looks for its victims.
    pub order: Vec<ValidatorIndex>,
    pub strength: u64,
}

const FAULTS: std::ops::RangeInclusive<u64> = 9..=15;
const FIRST: u64 = 1_000;

/// The faults of a run, ascending.
pub fn schedule(scenario: &Scenario, random: &mut Random) -> Vec<Fault> {
    let count = random.within(FAULTS);
    let span = random.within(12_000..=30_000);
    let alone = [Kind::Crash, Kind::PowerLoss, Kind::SlowDisk, Kind::RestartPart, Kind::SlowProcessor];
    let mut faults: Vec<Fault> = (0..count)
        .map(|_| {
            let kind = if scenario.set.len() == 1 { *random.pick(&alone) } else { *random.pick(&Kind::ALL) };
            let mut order: Vec<ValidatorIndex> = scenario.validators().collect();
            random.shuffle(&mut order);
            let longest = *random.pick(&[300, 2_000, 8_000]);
            Fault {
                at: Millis(FIRST + random.below(span)),
                kind,
                span: Millis(random.within(50..=longest)),
                order,
                strength: random.number(),
            }
        })
        .collect();
    faults.sort_by_key(|fault| fault.at);
    faults
}
