//! `simulator --seeds 0..100000 [--jobs N]`, or `simulator --seed N [--trace]` to see one again; `--bad NAME` for a network
//! with a bad validator in it.

use simulator::bad::{Bad, UnknownBad};
use simulator::clocks::{UnknownClock, WrongClock};
use simulator::costs::Measured;
use simulator::run::{self, Plan, Totals, Usual};
use simulator::world::World;
use std::ops::Range;
use std::process::ExitCode;
use std::time::Instant;

const USAGE: &str = "usage: simulator [--bad NAME|all [--faults | --crowd N] | --clock NAME|all | --crowd N | --lossy N] --seeds FROM..TO [--jobs N]
       simulator [--bad NAME [--faults | --crowd N] | --clock NAME | --crowd N | --lossy N] --seed N [--trace]
       simulator --costs

Runs seeded networks in virtual time and checks every rule at every step.
With --bad one of four validators is bad, and honest proofs may wait 3 s more than without it; with --faults, too, the usual
faults happen beside it, and only safety is checked. NAME is one of silent-leader, one-peer, two-proposals, two-prepares,
commit-and-view-change, withholds, never-announces, false-views, old-votes; with --crowd N one of N is bad, and may also be
keeps-certificates. With --clock the wall clock of one of four is wrong,
and the same is asked; NAME is one of hour-ahead, hour-behind, jumps. With --crowd the usual faults happen to N validators,
with --lossy three in ten of all messages between N are lost for 40 s.
Ends with 0 if all held, with 1 if a seed broke one, with 2 if it was not understood.";

/// Validators of a network: a thousand would take hours.
const VALIDATORS_MAX: usize = 200;

enum Command {
    One { plans: Vec<Plan>, seed: u64, trace: bool },
    Many { plans: Vec<Plan>, seeds: Range<u64>, jobs: usize },
    Costs,
}

fn main() -> ExitCode {
    let usual = Usual::new();
    match parse(std::env::args().skip(1)) {
        Some(Command::One { plans, seed, trace }) => all(plans, |plan| one(plan, &usual, seed, trace)),
        Some(Command::Costs) => costs(),
        Some(Command::Many { plans, seeds, jobs }) => all(plans, |plan| many(plan, &usual, seeds.clone(), jobs)),
        None => {
            eprintln!("{USAGE}");
            ExitCode::from(2)
        }
    }
}

/// Seeds whose steps are measured.
const MEASURED: Range<u64> = 0..40;

/// What steps take on this machine, beside what they are counted with.
fn costs() -> ExitCode {
    let mut sum = Measured::new();
    for seed in MEASURED {
        match World::measured(seed) {
            Ok(measured) => {
                for (step, (count, took)) in measured {
                    let (counts, tooks) = sum.entry(step).or_default();
                    *counts += count;
                    *tooks += took;
                }
            }
            Err(broken) => {
                println!("seed {seed}: {broken}");
                return ExitCode::FAILURE;
            }
        }
    }
    println!("{:>14} {:>9} {:>9} {:>9}", "step", "times", "took µs", "counts µs");
    for (step, (count, took)) in sum {
        let mean = took.as_secs_f64() * 1e6 / f64::from(count.max(1));
        println!("{:>14} {count:>9} {mean:>9.1} {:>9}", format!("{step:?}"), step.costs());
    }
    ExitCode::SUCCESS
}

/// Runs every plan, also after one that failed.
fn all(plans: Vec<Plan>, run: impl Fn(Plan) -> bool) -> ExitCode {
    let failed = plans.into_iter().filter(|plan| !run(*plan)).count();
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn parse(mut arguments: impl Iterator<Item = String>) -> Option<Command> {
    let (mut seed, mut seeds, mut trace) = (None, None, false);
    let (mut bad, mut clocks, mut faults, mut many) = (Vec::new(), Vec::new(), false, None);
    let mut jobs = std::thread::available_parallelism().map_or(1, usize::from);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--seed" => seed = Some(arguments.next()?.parse().ok()?),
            "--costs" => return arguments.next().is_none().then_some(Command::Costs),
            "--trace" => trace = true,
            "--faults" => faults = true,
            "--jobs" => jobs = arguments.next()?.parse().ok()?,
            "--bad" => match arguments.next()?.as_str() {
                "all" => bad = Bad::ALL.to_vec(),
                name => bad = vec![name.parse().map_err(|unknown: UnknownBad| eprintln!("{unknown}\n")).ok()?],
            },
            "--clock" => match arguments.next()?.as_str() {
                "all" => clocks = WrongClock::ALL.to_vec(),
                name => clocks = vec![name.parse().map_err(|unknown: UnknownClock| eprintln!("{unknown}\n")).ok()?],
            },
            "--crowd" | "--lossy" if many.is_some() => return None,
            "--crowd" => many = Some(Plan::Crowd(validators(arguments.next()?)?)),
            "--lossy" => many = Some(Plan::Lossy(validators(arguments.next()?)?)),
            "--seeds" => {
                let range = arguments.next()?;
                let (from, to) = range.split_once("..")?;
                seeds = Some(from.parse().ok()?..to.parse().ok()?);
            }
            _ => return None,
        }
    }
    if let Some(plan) = many {
        let is_alone = bad.is_empty() && clocks.is_empty() && !faults;
        let plans = match plan {
            Plan::Crowd(validators) if !bad.is_empty() && clocks.is_empty() && !faults => {
                bad.into_iter().map(|bad| Plan::BadInCrowd(validators, bad)).collect()
            }
            plan if is_alone => vec![plan],
            _ => return None,
        };
        return command(plans, seed, seeds, trace, jobs);
    }
    let plans: Vec<Plan> = match (bad.is_empty(), clocks.is_empty(), faults) {
        (true, true, true) | (_, false, true) | (false, false, _) => return None,
        (true, true, false) => vec![Plan::Faults],
        (true, false, false) => clocks.into_iter().map(Plan::Clock).collect(),
        (false, true, true) => bad.into_iter().map(Plan::BadAndFaults).collect(),
        (false, true, false) => bad.into_iter().map(Plan::Bad).collect(),
    };
    command(plans, seed, seeds, trace, jobs)
}

fn validators(count: String) -> Option<usize> {
    count.parse().ok().filter(|count| (1..=VALIDATORS_MAX).contains(count))
}

fn command(
    plans: Vec<Plan>,
    seed: Option<u64>,
    seeds: Option<Range<u64>>,
    trace: bool,
    jobs: usize,
) -> Option<Command> {
    match (seed, seeds) {
        (Some(seed), None) => Some(Command::One { plans, seed, trace }),
        (None, Some(seeds)) => Some(Command::Many { plans, seeds, jobs }),
        _ => None,
    }
}

/// Whether it held.
fn one(plan: Plan, usual: &Usual, seed: u64, trace: bool) -> bool {
    match run::run(plan, usual, seed, trace) {
        Ok(report) => {
            println!("{plan}, seed {seed}: {:#?}\ndigest {}", report.figures, report.digest);
            true
        }
        Err(failure) => {
            println!("{plan}, seed {seed}: {}", failure.broken);
            false
        }
    }
}

/// Whether all held.
fn many(plan: Plan, usual: &Usual, seeds: Range<u64>, jobs: usize) -> bool {
    let started = Instant::now();
    println!("{plan}:");
    let (totals, failures): (Totals, _) = run::run_all(plan, usual, seeds, jobs, |outcome| {
        if let Err(failure) = outcome {
            println!("seed {}: {}\n  {}", failure.seed, failure.broken, failure.command());
        }
    });
    println!("{totals}{} failed, {:.1} s", failures.len(), started.elapsed().as_secs_f64());
    failures.is_empty()
}
