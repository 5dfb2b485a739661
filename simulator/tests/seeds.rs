//! Thousands of seeds of the simulated network: every one must hold every rule, and end.
//!
//! `SIM_SEEDS` says how many, `SIM_FROM` from which one on.

use simulator::run::{self, Plan, Usual};
use std::time::Instant;

const SEEDS: u64 = 2_000;
const BLOCKS_MIN: u64 = 30;
const FAULTS_MIN: u64 = 5;

fn number(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).map_or(otherwise, |text| text.parse().unwrap_or_else(|_| panic!("{name}={text} is no number")))
}

#[test]
fn every_seed_keeps_every_rule_and_settles() {
    let (from, count) = (number("SIM_FROM", 0), number("SIM_SEEDS", SEEDS));
    let jobs = std::thread::available_parallelism().map_or(1, usize::from);
    let started = Instant::now();
    let (totals, failures) = run::run_all(Plan::Faults, &Usual::new(), from..from + count, jobs, |outcome| {
        let Ok(report) = outcome else { return };
        let faults: u64 = report.figures.faults.values().sum();
        let seed = report.seed;
        assert!(report.figures.blocks >= BLOCKS_MIN, "seed {seed} has {} blocks only", report.figures.blocks);
        assert!(faults >= FAULTS_MIN, "seed {seed} has {faults} faults only");
    });
    println!("seeds {from}..{}\n{totals}{:.1} s of real time", from + count, started.elapsed().as_secs_f64());
    for failure in &failures {
        println!("seed {}: {}\n  {}", failure.seed, failure.broken, failure.command());
    }
    assert!(failures.is_empty(), "{} of {count} seeds failed; the commands above replay them", failures.len());
}

#[test]
fn the_same_seed_gives_the_same_digest_and_another_one_does_not() {
    let digest = |seed| {
        run::run(Plan::Faults, &Usual::new(), seed, false).unwrap_or_else(|failure| panic!("{failure:?}")).digest
    };
    for seed in [1, 2, 3] {
        println!("seed {seed}: {}", digest(seed));
        assert_eq!(digest(seed), digest(seed), "seed {seed}");
    }
    assert_ne!(digest(1), digest(2));
}
