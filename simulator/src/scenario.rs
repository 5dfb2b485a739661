//! What a seed decides before anything runs: validators and stakes, delays, disks, clocks, and settings.

use crate::catalogue::Catalogue;
use crate::clocks::Jump;
use crate::keyed;
use crate::random::Random;
use protocol::block::BlockLimits;
use protocol::consensus::Settings;
use protocol::ledger::{GenesisAccount, Ledger};
use protocol::pacemaker::PacemakerSettings;
use protocol::quorum::{Validator, ValidatorSet};
use protocol::schedule::Schedule;
use protocol::types::{Amount, Epoch, Hash, Millis, NodeId, Stake, ValidatorIndex};
use std::ops::RangeInclusive;
use std::sync::Arc;

/// How a validator's driver treats the time that a sync takes. The contract in `consensus::events` allows both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Driver {
    /// The next step waits for the sync, as in the `consensus` actor.
    Blocking,
    /// Steps go on; their records gather in the next batch. One batch is in flight at a time.
    Pipelined,
}

/// Everything about a run that does not change while it lasts.
pub struct Scenario {
    pub set: Arc<ValidatorSet>,
    pub schedule: Arc<Schedule>,
    pub genesis: Hash,
    pub ledger: Ledger,
    pub catalogue: Catalogue,
    pub driver: Driver,
    pub pace: PacemakerSettings,
    pub block_size_max: usize,
    pub log_records_max: usize,
    /// One-way milliseconds from each validator to each, and what is added by chance.
    pub delay_ms: Vec<Vec<u64>>,
    pub jitter_ms: u64,
    /// Whether a session keeps the order of its messages, as TCP does.
    pub ordered: bool,
    pub loss_per_mille: u64,
    pub duplication_per_mille: u64,
    pub sync_ms: RangeInclusive<u64>,
    /// From final to applied in the database.
    pub apply_ms: RangeInclusive<u64>,
    /// Each wall clock's distance from the true time, until it jumps.
    pub skew_ms: Vec<i64>,
    /// Ascending.
    pub jumps: Vec<Jump>,
    pub submission_ms: RangeInclusive<u64>,
    /// Of a thousand checks, how many are ended from outside and say nothing, while there are faults.
    pub checks_ended_per_mille: u64,
    /// Who may do whatever it wants: what it sends and records breaks no rule.
    pub bad: Option<ValidatorIndex>,
    /// Whether steps are measured, which changes nothing in the run.
    pub measures: bool,
}

const PROOFS_MAX: usize = 600;
const POOL_TOKENS: u64 = 1_000;
const CHECKS_ENDED_PER_MILLE: u64 = 10;

impl Scenario {
    pub fn new(random: &mut Random) -> Scenario {
        let stakes = stakes(random);
        Self::with_stakes(random, &stakes)
    }

    pub fn with_stakes(random: &mut Random, stakes: &[u64]) -> Scenario {
        let validators = stakes.iter().enumerate().map(|(index, stake)| Validator {
            node_id: NodeId::new(&format!("node_{index}")).expect("a short name of plain letters"),
            key: keyed::key(ValidatorIndex(index as u16)),
            stake: Stake(*stake),
        });
        let chain = Hash([random.below(256) as u8; 32]);
        let set = ValidatorSet::new(chain, Epoch(1), validators.collect()).expect("a few validators with some stake");
        let set = Arc::new(set);
        let accounts: Vec<_> = stakes
            .iter()
            .map(|stake| GenesisAccount { balance: Amount(0), stake: Amount::from_tokens(*stake) })
            .collect();
        // Now and then so little that the pool runs dry.
        let pool = if random.per_mille(100) { Amount(5_000) } else { Amount::from_tokens(POOL_TOKENS) };
        let seed = Hash([random.below(256) as u8; 32]);
        let distance = *random.pick(&[2, 10, 40, 140]);
        let delay = |random: &mut Random| stakes.iter().map(|_| random.within(1..=distance)).collect();
        let sync_max = *random.pick(&[1, 3, 10, 30]);
        let apply_max = *random.pick(&[5, 50, 1_000]);
        let idle = Millis(*random.pick(&[1_000, 3_000, 10_000]));
        let submission = *random.pick(&[200, 500, 900]);
        Scenario {
            schedule: Arc::new(Schedule::new(&set, &seed)),
            catalogue: Catalogue::new(&set, random, PROOFS_MAX),
            set,
            genesis: Hash([0x99; 32]),
            ledger: Ledger::genesis(&accounts, pool, Millis(0)),
            driver: *random.pick(&[Driver::Blocking, Driver::Pipelined]),
            pace: PacemakerSettings {
                timeout_max: Millis(*random.pick(&[2_000, 5_000, 10_000])),
                view_change_timeout: Millis(5_000),
                idle_block_interval: idle,
            },
            block_size_max: *random.pick(&[1, 3, 10]),
            log_records_max: *random.pick(&[100, 200, 4_096]),
            delay_ms: stakes.iter().map(|_| delay(random)).collect(),
            jitter_ms: random.within(0..=distance),
            ordered: random.per_mille(500),
            loss_per_mille: *random.pick(&[0, 0, 10, 50, 150]),
            duplication_per_mille: *random.pick(&[0, 0, 20, 100]),
            sync_ms: 0..=sync_max,
            apply_ms: 0..=apply_max,
            skew_ms: stakes.iter().map(|_| random.within(0..=6_000) as i64 - 3_000).collect(),
            jumps: Vec::new(),
            submission_ms: submission / 2..=submission * 3 / 2,
            checks_ended_per_mille: CHECKS_ENDED_PER_MILLE,
            bad: None,
            measures: false,
        }
    }

    /// Nothing is lost, nobody is far, no check is ended from outside, and every solver is idle more than half of the time,
    /// so that proofs wait for consensus and not for a solver.
    pub fn at_loopback(mut self) -> Scenario {
        (self.loss_per_mille, self.duplication_per_mille, self.checks_ended_per_mille) = (0, 0, 0);
        self.delay_ms.iter_mut().flatten().for_each(|delay| *delay = 1);
        self.jitter_ms = 1;
        self.submission_ms = 300..=900;
        self
    }

    /// One of them may do whatever it wants; what becomes of a proof depends on the others.
    pub fn with_bad(mut self, bad: ValidatorIndex) -> Scenario {
        self.bad = Some(bad);
        self.catalogue.distrust(&self.set, bad);
        self
    }

    pub fn honest(&self) -> impl Iterator<Item = ValidatorIndex> + use<> {
        let bad = self.bad;
        self.set.indices().filter(move |index| Some(*index) != bad)
    }

    pub fn settings(&self, me: ValidatorIndex) -> Settings {
        Settings {
            set: self.set.clone(),
            schedule: self.schedule.clone(),
            me,
            genesis: self.genesis,
            block: BlockLimits { proofs_max: 100, bytes_max: 1 << 20 },
            block_size_max: self.block_size_max,
            idle_block_interval: self.pace.idle_block_interval,
            clock_tolerance: Millis(10_000),
            log_records_max: self.log_records_max,
        }
    }

    pub fn validators(&self) -> impl Iterator<Item = ValidatorIndex> + use<> {
        self.set.indices()
    }

    /// How far a wall clock is from the true time.
    pub fn skew_ms(&self, now: Millis, who: ValidatorIndex) -> i64 {
        let jumped = self.jumps.iter().rev().find(|jump| jump.who == who && jump.at <= now);
        jumped.map_or(self.skew_ms[who.as_usize()], |jump| jump.skew_ms)
    }

    pub fn round_trip(&self, one: ValidatorIndex, other: ValidatorIndex) -> Millis {
        let (one, other) = (one.as_usize(), other.as_usize());
        Millis(self.delay_ms[one][other] + self.delay_ms[other][one])
    }
}

/// Mostly four equal ones; also one, three, five, seven, and unequal stakes.
fn stakes(random: &mut Random) -> Vec<u64> {
    match random.below(100) {
        0..55 => vec![10; 4],
        55..58 => vec![10],
        58..65 => vec![10; 3],
        65..75 => vec![10; 5],
        75..82 => vec![10; 7],
        82..87 => vec![50, 20, 20, 10],
        87..92 => vec![31, 30, 20, 19],
        // One validator can do without the others, and no two of the others without it.
        92..94 => vec![70, 10, 10, 10],
        _ => (0..random.within(4..=6)).map(|_| random.within(1..=1_000)).collect(),
    }
}
