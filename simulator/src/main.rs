//! `simulator --seeds 0..100000 [--jobs N]`, or `simulator --seed N [--trace]` to see one again.

use simulator::run::{self, Totals};
use std::ops::Range;
use std::process::ExitCode;
use std::time::Instant;

const USAGE: &str = "usage: simulator --seeds FROM..TO [--jobs N]
       simulator --seed N [--trace]

Runs seeded networks in virtual time and checks every rule at every step.
Ends with 0 if all held, with 1 if a seed broke one, with 2 if it was not understood.";

enum Command {
    One { seed: u64, trace: bool },
    Many { seeds: Range<u64>, jobs: usize },
}

fn main() -> ExitCode {
    match parse(std::env::args().skip(1)) {
        Some(Command::One { seed, trace }) => one(seed, trace),
        Some(Command::Many { seeds, jobs }) => many(seeds, jobs),
        None => {
            eprintln!("{USAGE}");
            ExitCode::from(2)
        }
    }
}

fn parse(mut arguments: impl Iterator<Item = String>) -> Option<Command> {
    let (mut seed, mut seeds, mut trace) = (None, None, false);
    let mut jobs = std::thread::available_parallelism().map_or(1, usize::from);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--seed" => seed = Some(arguments.next()?.parse().ok()?),
            "--trace" => trace = true,
            "--jobs" => jobs = arguments.next()?.parse().ok()?,
            "--seeds" => {
                let range = arguments.next()?;
                let (from, to) = range.split_once("..")?;
                seeds = Some(from.parse().ok()?..to.parse().ok()?);
            }
            _ => return None,
        }
    }
    match (seed, seeds) {
        (Some(seed), None) => Some(Command::One { seed, trace }),
        (None, Some(seeds)) => Some(Command::Many { seeds, jobs }),
        _ => None,
    }
}

fn one(seed: u64, trace: bool) -> ExitCode {
    match run::run(seed, trace) {
        Ok(report) => {
            println!("seed {seed}: {:#?}\ndigest {}", report.figures, report.digest);
            ExitCode::SUCCESS
        }
        Err(failure) => {
            println!("seed {seed}: {}", failure.broken);
            ExitCode::FAILURE
        }
    }
}

fn many(seeds: Range<u64>, jobs: usize) -> ExitCode {
    let started = Instant::now();
    let (totals, failures): (Totals, _) = run::run_all(seeds, jobs, |outcome| {
        if let Err(failure) = outcome {
            println!("seed {}: {}\n  {}", failure.seed, failure.broken, failure.command());
        }
    });
    println!("{totals}{} failed, {:.1} s", failures.len(), started.elapsed().as_secs_f64());
    if failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
