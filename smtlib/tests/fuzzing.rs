//! Half a minute of the fuzzer, from a seed of the day it was written; `make fuzz` runs it for an hour from a new one.
//!
//! Must never: run beside another test of its program; it counts the program's memory.

#[path = "../fuzz/mod.rs"]
mod fuzz;

use fuzz::mutate::Stock;
use fuzz::random::Seeded;
use std::time::{Duration, Instant};

#[global_allocator]
static ALLOCATOR: fuzz::memory::Counting = fuzz::memory::Counting;

/// In an unoptimised build a damaged script of this length takes some 10 ms.
const SEED_BYTES_MAX: usize = 8_000;

#[test]
fn no_input_makes_the_normaliser_fail_or_cost_more_than_its_length_allows() {
    let seed = fuzz::random::seed(20_261_125);
    let stock = Stock::new(fuzz::seeds::scripts(SEED_BYTES_MAX));
    assert!(stock.len() >= 10, "the example proofs at least are there");
    let run = std::thread::Builder::new().stack_size(fuzz::STACK_BYTES);
    let run = run.spawn(move || fuzz::run(&stock, &mut Seeded(seed), Duration::from_secs(30), Instant::now()));
    match run.expect("a thread starts").join().expect("panics are caught, and a stack overflow ends the program") {
        Ok(told) => {
            println!("{told}");
            assert!(told.accepted > 100, "nearly nothing was let through, so this shows little: {told}");
        }
        Err(found) => {
            panic!("input {}: {}\n{}", found.inputs, found.fault, String::from_utf8_lossy(&found.script));
        }
    }
}
