//! One seed, or many over several threads.

use crate::bad::Bad;
use crate::check::Broken;
use crate::clocks::WrongClock;
use crate::world::deceit::{FEW, Wrong};
use crate::world::{Figures, World};
use protocol::types::{Hash, Millis};
use std::collections::BTreeMap;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

/// How much longer a proof that everybody confirms waits, at loopback latencies, for a bad validator among four.
pub const EXTRA_WAIT_MAX: Millis = Millis(3_000);

/// What is run with each seed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Plan {
    /// Whatever a seed draws, with faults, and everybody honest.
    Faults,
    /// One of four is bad, at loopback latencies, against the same seed with everybody honest.
    Bad(Bad),
    /// One of so many is bad, compared in the same way.
    BadInCrowd(usize, Bad),
    /// One of four is bad, and the usual faults happen: safety only.
    BadAndFaults(Bad),
    /// The wall clock of one of four is wrong, compared in the same way.
    Clock(WrongClock),
    /// Whatever a seed draws, with faults, and so many validators.
    Crowd(usize),
    /// So many validators, and three in ten of all messages are lost for 40 s.
    Lossy(usize),
}

/// Of a thousand messages, how many are lost with [`Plan::Lossy`].
const LOST_PER_MILLE: u64 = 300;

impl Plan {
    /// The arguments that ask for it.
    fn arguments(self) -> String {
        match self {
            Plan::Faults => String::new(),
            Plan::Bad(bad) => format!("--bad {bad} "),
            Plan::BadInCrowd(validators, bad) => format!("--crowd {validators} --bad {bad} "),
            Plan::BadAndFaults(bad) => format!("--bad {bad} --faults "),
            Plan::Clock(clock) => format!("--clock {clock} "),
            Plan::Crowd(validators) => format!("--crowd {validators} "),
            Plan::Lossy(validators) => format!("--lossy {validators} "),
        }
    }
}

impl std::fmt::Display for Plan {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Plan::Faults => f.write_str("faults"),
            Plan::Bad(bad) => bad.fmt(f),
            Plan::Clock(clock) => write!(f, "clock {clock}"),
            Plan::BadInCrowd(validators, bad) => write!(f, "{bad} among {validators}"),
            Plan::BadAndFaults(bad) => write!(f, "{bad}, with faults"),
            Plan::Crowd(validators) => write!(f, "{validators} validators, with faults"),
            Plan::Lossy(validators) => write!(f, "{validators} validators, 30% loss"),
        }
    }
}

/// What one seed came to.
#[derive(Debug, Clone)]
pub struct Report {
    pub seed: u64,
    pub figures: Figures,
    /// Of everything that was sent, recorded and made final.
    pub digest: Hash,
    /// Of what became final in which view.
    pub finals: Hash,
}

/// A seed that broke a rule.
#[derive(Debug, Clone)]
pub struct Failure {
    pub plan: Plan,
    pub seed: u64,
    pub broken: Broken,
}

impl Failure {
    /// What replays it.
    pub fn command(&self) -> String {
        format!("cargo run --release -p simulator -- {}--seed {} --trace", self.plan.arguments(), self.seed)
    }
}

/// How long each proof of a seed waits when everybody is honest: worked out once, for every bad validator to be compared with.
#[derive(Default)]
pub struct Usual(Mutex<BTreeMap<(u64, usize), Arc<Waits>>>);

type Waits = BTreeMap<Hash, Millis>;

impl Usual {
    pub const fn new() -> Self {
        Usual(Mutex::new(BTreeMap::new()))
    }

    fn waits(&self, seed: u64, validators: usize) -> Result<Arc<Waits>, Broken> {
        let known = || self.0.lock().expect("nothing panics while it holds the lock");
        if let Some(waits) = known().get(&(seed, validators)) {
            return Ok(waits.clone());
        }
        let (_, honest) = live(seed, World::at_loopback(seed, validators, None, false), false)?;
        let waits = Arc::new(honest.waits().clone());
        known().insert((seed, validators), waits.clone());
        Ok(waits)
    }
}

/// Runs one seed. A panic, such as a failed assertion of the protocol's own, is a broken rule like any other.
///
/// # Errors
/// The first rule that was broken.
pub fn run(plan: Plan, usual: &Usual, seed: u64, trace: bool) -> Result<Report, Failure> {
    let outcome = catch_unwind(AssertUnwindSafe(|| match plan {
        Plan::Faults => Ok(live(seed, World::new(seed, trace), trace)?.0),
        Plan::Crowd(validators) => Ok(live(seed, World::crowd(seed, validators, trace), trace)?.0),
        Plan::BadAndFaults(bad) => Ok(live(seed, World::with_bad_and_faults(seed, bad, trace), trace)?.0),
        Plan::Bad(bad) => compare(Wrong::Bad(bad), usual, seed, FEW, trace),
        Plan::BadInCrowd(validators, bad) => compare(Wrong::Bad(bad), usual, seed, validators, trace),
        Plan::Clock(clock) => compare(Wrong::Clock(clock), usual, seed, FEW, trace),
        Plan::Lossy(validators) => {
            let (mut report, world) = live(seed, World::lossy(seed, validators, LOST_PER_MILLE, trace), trace)?;
            report.figures.waits.extend(world.waits().values());
            Ok(report)
        }
    }));
    let outcome = outcome.unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
        Err(format!("panic: {}", text.unwrap_or_default()))
    });
    outcome.map_err(|broken| Failure { plan, seed, broken })
}

fn live(seed: u64, mut world: World, trace: bool) -> Result<(Report, World), Broken> {
    if trace {
        println!("{}", world.describe());
    }
    let figures = world.run().map_err(|broken| format!("at {} ms: {broken}", world.now()))?;
    Ok((Report { seed, figures, digest: world.digest(), finals: world.finals() }, world))
}

/// Runs a seed twice, as it should be and with something wrong at one validator, and compares how long each proof waited.
fn compare(wrong: Wrong, usual: &Usual, seed: u64, validators: usize, trace: bool) -> Result<Report, Broken> {
    let usual = usual.waits(seed, validators)?;
    let (mut report, world) = live(seed, World::at_loopback(seed, validators, Some(wrong), trace), trace)?;
    if matches!(wrong, Wrong::Bad(_)) && report.figures.lies == 0 {
        return Err(format!("{wrong:?} did nothing"));
    }
    for (proof, usual) in &*usual {
        let Some(wait) = world.waits().get(proof) else {
            return Err(format!("proof {proof:?} is final only without {wrong:?}"));
        };
        let extra = wait.since(*usual);
        if extra > EXTRA_WAIT_MAX {
            return Err(format!("proof {proof:?} waited {wait} ms, and {usual} ms without {wrong:?}"));
        }
        report.figures.extra_wait = extra.max(report.figures.extra_wait);
        report.figures.extra_waits.push(extra);
    }
    Ok(report)
}

/// Runs many seeds on `jobs` threads, and tells each outcome as it comes. What comes back is the sum.
pub fn run_all(
    plan: Plan,
    usual: &Usual,
    seeds: Range<u64>,
    jobs: usize,
    told: impl Fn(&Result<Report, Failure>) + Sync,
) -> (Totals, Vec<Failure>) {
    let next = AtomicU64::new(seeds.start);
    let sum = Mutex::new((Totals::default(), Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..jobs.max(1) {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds.end {
                        return;
                    }
                    let outcome = run(plan, usual, seed, false);
                    told(&outcome);
                    let mut sum = sum.lock().expect("nothing panics while it holds the lock");
                    match outcome {
                        Ok(report) => sum.0.add(&report),
                        Err(failure) => sum.1.push(failure),
                    }
                }
            });
        }
    });
    let (totals, mut failures) = sum.into_inner().expect("nothing panics while it holds the lock");
    failures.sort_by_key(|failure| failure.seed);
    (totals, failures)
}

/// The sum of many runs.
#[derive(Debug, Clone, Default)]
pub struct Totals {
    pub seeds: u64,
    pub figures: Figures,
    pub blocks_min: u64,
    pub faults_min: u64,
    pub virtual_ms: u64,
    pub settled_ms_max: u64,
    /// What became final in which view, of each seed.
    finals: BTreeMap<u64, Hash>,
}

/// By nearest rank; of sorted values.
fn percentile(sorted: &[Millis], percent: usize) -> Millis {
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    sorted.get(rank - 1).copied().unwrap_or_default()
}

impl Totals {
    /// The digest of what became final in which view, over all seeds in their order.
    pub fn finals(&self) -> Hash {
        let mut digest = blake3::Hasher::new();
        for (seed, finals) in &self.finals {
            digest.update(&seed.to_le_bytes()).update(&finals.0);
        }
        Hash(*digest.finalize().as_bytes())
    }

    fn add(&mut self, report: &Report) {
        let one = &report.figures;
        self.finals.insert(report.seed, report.finals);
        let faults: u64 = one.faults.values().sum();
        let least = |before: u64, value: u64| if self.seeds == 0 { value } else { before.min(value) };
        self.blocks_min = least(self.blocks_min, one.blocks);
        self.faults_min = least(self.faults_min, faults);
        self.seeds += 1;
        self.virtual_ms += one.virtual_time.0;
        self.settled_ms_max = self.settled_ms_max.max(one.settled.0);
        let sum = &mut self.figures;
        for (kind, count) in &one.faults {
            *sum.faults.entry(*kind).or_default() += count;
        }
        sum.blocks += one.blocks;
        sum.messages += one.messages;
        sum.lost += one.lost;
        sum.votes += one.votes;
        sum.view_changes += one.view_changes;
        sum.torn += one.torn;
        sum.shortened += one.shortened;
        sum.proofs_final += one.proofs_final;
        sum.proofs_refused += one.proofs_refused;
        sum.lies += one.lies;
        sum.contradictions += one.contradictions;
        sum.extra_wait = sum.extra_wait.max(one.extra_wait);
        sum.extra_waits.extend(&one.extra_waits);
        sum.waits.extend(&one.waits);
    }
}

impl std::fmt::Display for Totals {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let figures = &self.figures;
        let faults: u64 = figures.faults.values().sum();
        let hours = self.virtual_ms as f64 / 3_600_000.0;
        writeln!(f, "{} seeds, {hours:.1} virtual hours", self.seeds)?;
        writeln!(f, "{} final blocks, at least {} a seed", figures.blocks, self.blocks_min)?;
        writeln!(f, "digest of what became final in which view: {}", self.finals())?;
        writeln!(f, "{} proofs final, {} refused", figures.proofs_final, figures.proofs_refused)?;
        writeln!(f, "{} messages, {} of them lost", figures.messages, figures.lost)?;
        writeln!(f, "{} votes, {} of them ViewChange", figures.votes, figures.view_changes)?;
        writeln!(f, "{} torn batches, {} shortened logs", figures.torn, figures.shortened)?;
        writeln!(f, "settled {} ms after the faults at the latest", self.settled_ms_max)?;
        if figures.lies > 0 {
            writeln!(f, "{} lies, {} contradictions noticed", figures.lies, figures.contradictions)?;
        }
        for (waits, verb) in [(&figures.waits, "waited"), (&figures.extra_waits, "waited longer by")] {
            let mut waits = waits.clone();
            waits.sort();
            if let Some(longest) = waits.last() {
                let (half, most) = (percentile(&waits, 50), percentile(&waits, 99));
                writeln!(
                    f,
                    "{} proofs {verb} {half} ms (median), {most} ms (p99), {longest} ms (longest)",
                    waits.len()
                )?;
            }
        }
        writeln!(f, "{faults} faults, at least {} a seed:", self.faults_min)?;
        figures.faults.iter().try_for_each(|(kind, count)| writeln!(f, "  {count:>7} {kind}"))
    }
}
