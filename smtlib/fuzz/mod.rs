//! Random scripts, damage to scripts, and what must hold for whatever the normaliser is given.
//!
//! Shared by path: the fuzzer is an example of this crate, its short run one of its tests, and `verifier/` asks the solver
//! about the same scripts.
//!
//! Must never: know the solver, or depend on anything but a seed.
#![allow(dead_code)]

pub mod grammar;
pub mod invariants;
pub mod memory;
pub mod mutate;
pub mod random;
pub mod seeds;

use invariants::{Broken, Cost, Outcome};
use mutate::Stock;
use random::Seeded;
use smtlib::Limits;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

/// A run has this much stack: whoever recurses on an input is found.
pub const STACK_BYTES: usize = 256 << 10;

/// What a run came to.
#[derive(Debug, Default)]
pub struct Totals {
    pub inputs: u64,
    pub accepted: u64,
    pub slowest: Duration,
    pub largest: usize,
}

impl fmt::Display for Totals {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Totals { inputs, accepted, slowest, largest } = self;
        write!(formatter, "{inputs} inputs, {accepted} let through, at most {slowest:?} and {largest} bytes for one")
    }
}

/// An input for which something does not hold.
#[derive(Debug)]
pub struct Found {
    pub script: Vec<u8>,
    pub fault: Box<Broken>,
    pub inputs: u64,
}

/// Checks inputs for so long.
///
/// # Errors
/// With the first input for which something does not hold.
pub fn run(stock: &Stock, random: &mut Seeded, time: Duration, begun: Instant) -> Result<Totals, Found> {
    let limits = Limits::default();
    let mut totals = Totals::default();
    while begun.elapsed() < time {
        let mut script = match random.next(4) {
            0 => grammar::script(random).into_bytes(),
            _ => stock.damaged(random, 8, limits.bytes_max as usize),
        };
        if random.once_in(3) {
            stock.damage(&mut script, random);
        }
        totals.inputs += 1;
        let result = catch_unwind(AssertUnwindSafe(|| invariants::check(&script, &limits)));
        match result.unwrap_or(Err(Broken::Panicked)) {
            Ok((outcome, Cost { time, bytes })) => {
                totals.accepted += u64::from(outcome == Outcome::Accepted);
                totals.slowest = totals.slowest.max(time);
                totals.largest = totals.largest.max(bytes);
            }
            Err(fault) => return Err(Found { script, fault: Box::new(fault), inputs: totals.inputs }),
        }
    }
    Ok(totals)
}
