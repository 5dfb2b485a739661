//! Fuzzes the normaliser: `cargo run --release -p smtlib --example fuzz -- [--minutes N] [--seed N]`.
//!
//! Inputs are public and own scripts with up to eight places damaged, and random scripts. What must hold for each is in
//! `smtlib/fuzz/invariants.rs`. An input for which it does not is written to a file, whose name is printed; the run ends.
//!
//! Must never: be needed by anything.

#[path = "../fuzz/mod.rs"]
mod fuzz;

use fuzz::mutate::Stock;
use fuzz::random::Seeded;
use std::process::ExitCode;
use std::time::{Duration, Instant};

#[global_allocator]
static ALLOCATOR: fuzz::memory::Counting = fuzz::memory::Counting;

/// Longer seeds are left out: each damage costs as much as its script is long.
const SEED_BYTES_MAX: usize = 60_000;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let mut minutes = 60;
    let mut seed = std::time::SystemTime::UNIX_EPOCH.elapsed().map_or(1, |since| since.as_secs());
    for pair in arguments.chunks(2) {
        let number = pair.get(1).and_then(|value| value.parse::<u64>().ok());
        match (pair[0].as_str(), number) {
            ("--minutes", Some(number)) => minutes = number,
            ("--seed", Some(number)) => seed = number,
            _ => {
                eprintln!("error: {} is not understood; usage: fuzz [--minutes N] [--seed N]", pair.join(" "));
                return ExitCode::from(2);
            }
        }
    }
    let stock = Stock::new(fuzz::seeds::scripts(SEED_BYTES_MAX));
    println!("{} scripts to start from, seed {seed}, {minutes} minutes", stock.len());
    let run = std::thread::Builder::new().stack_size(fuzz::STACK_BYTES);
    let run =
        run.spawn(move || fuzz::run(&stock, &mut Seeded(seed), Duration::from_secs(minutes * 60), Instant::now()));
    match run.map(|thread| thread.join()) {
        Ok(Ok(Ok(told))) => {
            println!("{told}");
            ExitCode::SUCCESS
        }
        Ok(Ok(Err(found))) => {
            let path = std::env::temp_dir().join(format!("fuzz-{seed}.smt2"));
            let written = std::fs::write(&path, &found.script);
            eprintln!("error: after {} inputs: {}", found.inputs, found.fault);
            eprintln!("the input is in {} ({written:?})", path.display());
            ExitCode::FAILURE
        }
        ended => {
            eprintln!("error: the run itself ended: {:?}", ended.is_ok());
            ExitCode::FAILURE
        }
    }
}
