//! Three in ten of all messages are lost for 40 s, in networks in which everybody is told everything at every turn, and in
//! larger ones, in which peers take turns (T1): a sample of what `simulator --lossy N --seeds 0..200` runs.
//!
//! `SIM_SEEDS` says how many seeds, `SIM_FROM` from which one on.

use simulator::run::{self, Plan, Usual};

fn number(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).map_or(otherwise, |text| text.parse().unwrap_or_else(|_| panic!("{name}={text} is no number")))
}

/// Every rule holds, every proof ends, and half of those that everybody confirms wait for seconds, although all is lossy.
fn goes_on(validators: usize, seeds: u64) {
    let (from, seeds) = (number("SIM_FROM", 0), number("SIM_SEEDS", seeds));
    let (totals, failures) = run::run_all(Plan::Lossy(validators), &Usual::new(), from..from + seeds, 1, |_| {});
    println!("{validators} validators, seeds {from}..{}\n{totals}", from + seeds);
    for failure in &failures {
        println!("seed {}: {}\n  {}", failure.seed, failure.broken, failure.command());
    }
    assert!(failures.is_empty(), "{} of {seeds} seeds failed; the commands above replay them", failures.len());
    let mut waits = totals.figures.waits;
    waits.sort();
    let median = waits[waits.len() / 2];
    assert!(median.0 <= 8_000, "half of the proofs wait for more than {median} ms");
}

#[test]
fn four_validators_that_lose_three_in_ten_messages_go_on() {
    goes_on(4, 30);
}

#[test]
fn twenty_validators_that_lose_three_in_ten_messages_go_on() {
    goes_on(20, 5);
}

#[test]
fn thirty_two_validators_that_lose_three_in_ten_messages_go_on() {
    goes_on(32, 3);
}
