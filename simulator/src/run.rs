//! One seed, or many over several threads.

use crate::check::Broken;
use crate::world::{Figures, World};
use protocol::types::Hash;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

/// What one seed came to.
#[derive(Debug, Clone)]
pub struct Report {
    pub seed: u64,
    pub figures: Figures,
    pub digest: Hash,
}

/// A seed that broke a rule.
#[derive(Debug, Clone)]
pub struct Failure {
    pub seed: u64,
    pub broken: Broken,
}

impl Failure {
    /// What replays it.
    pub fn command(&self) -> String {
        format!("cargo run --release -p simulator -- --seed {} --trace", self.seed)
    }
}

/// Runs one seed. A panic, such as a failed assertion of the protocol's own, is a broken rule like any other.
///
/// # Errors
/// The first rule that was broken.
pub fn run(seed: u64, trace: bool) -> Result<Report, Failure> {
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        let mut world = World::new(seed, trace);
        if trace {
            println!("{}", world.describe());
        }
        let figures = world.run().map_err(|broken| format!("at {} ms: {broken}", world.now()))?;
        Ok(Report { seed, figures, digest: world.digest() })
    }));
    let outcome = outcome.unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
        Err(format!("panic: {}", text.unwrap_or_default()))
    });
    outcome.map_err(|broken| Failure { seed, broken })
}

/// Runs many seeds on `jobs` threads, and tells each outcome as it comes. What comes back is the sum.
pub fn run_all(
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
                    let outcome = run(seed, false);
                    told(&outcome);
                    let mut sum = sum.lock().expect("nothing panics while it holds the lock");
                    match outcome {
                        Ok(report) => sum.0.add(&report.figures),
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
}

impl Totals {
    fn add(&mut self, one: &Figures) {
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
    }
}

impl std::fmt::Display for Totals {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let figures = &self.figures;
        let faults: u64 = figures.faults.values().sum();
        let hours = self.virtual_ms as f64 / 3_600_000.0;
        writeln!(f, "{} seeds, {hours:.1} virtual hours", self.seeds)?;
        writeln!(f, "{} final blocks, at least {} a seed", figures.blocks, self.blocks_min)?;
        writeln!(f, "{} proofs final, {} refused", figures.proofs_final, figures.proofs_refused)?;
        writeln!(f, "{} messages, {} of them lost", figures.messages, figures.lost)?;
        writeln!(f, "{} votes, {} of them ViewChange", figures.votes, figures.view_changes)?;
        writeln!(f, "{} torn batches, {} shortened logs", figures.torn, figures.shortened)?;
        writeln!(f, "settled {} ms after the faults at the latest", self.settled_ms_max)?;
        writeln!(f, "{faults} faults, at least {} a seed:", self.faults_min)?;
        figures.faults.iter().try_for_each(|(kind, count)| writeln!(f, "  {count:>7} {kind}"))
    }
}
