//! `pop chaos`: faults on purpose, under load, and a report of what held.

use crate::args::{seconds, span, whole};
use crate::chaos::{self, Fault, Place, Plan, Schedule, Source, fault_names};
use crate::exit::{Exit, Failure, Outcome};
use actors::storage::files;
use protocol::types::Millis;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Unless given.
const DURATION_DEFAULT: Duration = Duration::from_secs(600);
/// A week.
const DURATION_MAX: Duration = Duration::from_secs(168 * 3_600);
const SCHEDULE_BYTES_MAX: u64 = 64 << 20;

/// Kill actors, workers and validators of a network on purpose, while proofs are submitted, and check what must hold.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// A running network: the folder of its configurations, or a report that names one. Without it, a testnet of its own.
    #[arg(long, value_name = "REPORT|DIR")]
    network: Option<PathBuf>,
    /// The genesis of that network [default: genesis_state.json beside its configurations, or in data/].
    #[arg(long, value_name = "FILE", requires = "network")]
    genesis: Option<PathBuf>,
    /// Faults from a file: a list of {"at": SECONDS, "target": "node_1/mempool", "fault": "panic"} (docs/CHAOS.md).
    #[arg(long, value_name = "FILE", conflicts_with_all = ["seed", "mean_interval", "targets", "faults"])]
    schedule: Option<PathBuf>,
    /// Draw the faults from a seed; the same seed gives the same ones.
    #[arg(long, value_name = "N", default_value = "1", value_parser = whole, allow_negative_numbers = true)]
    seed: u64,
    /// How long, as 90s, 10m, 1h, or a number of hours, with the quiet period at its end [default: 10m; with --schedule as
    /// long as that takes].
    #[arg(long, value_name = "SPAN", value_parser = span, allow_negative_numbers = true)]
    duration: Option<Duration>,
    /// Seconds at the end, at most, in which everything must heal.
    #[arg(long, value_name = "S", default_value = "60", value_parser = seconds, allow_negative_numbers = true)]
    quiet: Duration,
    /// Seconds between two panics or terminations in the network, on average; other faults come less often.
    #[arg(long, value_name = "S", default_value = "0.2", value_parser = seconds, allow_negative_numbers = true)]
    mean_interval: Duration,
    /// Only these: validators, parts (mempool, worker, process, …), or both as node_1/mempool.
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    targets: Option<Vec<String>>,
    /// Only these: panic, terminate, hang, block, flood, kill, stop, restart.
    #[arg(long, value_name = "LIST", value_delimiter = ',', value_parser = fault)]
    faults: Option<Vec<Fault>>,
    /// Proofs submitted a second [default: always more than the network can check].
    #[arg(long, value_name = "RATE", allow_negative_numbers = true)]
    rate: Option<f64>,
    /// Seconds without faults before, whose throughput is compared.
    #[arg(long, value_name = "S", default_value = "0", value_parser = seconds, allow_negative_numbers = true)]
    baseline: Duration,
    /// Validators of the testnet of its own.
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=100), conflicts_with = "network")]
    nodes: u16,
    /// Where that testnet's data and logs are; what an earlier one left there is deleted.
    #[arg(long, value_name = "DIR", default_value = "data/chaos", conflicts_with = "network")]
    data_dir: PathBuf,
    /// Where the report goes.
    #[arg(long, value_name = "FILE", default_value = "data/chaos_report.json")]
    output: PathBuf,
    /// Print the report as JSON, and nothing else on standard output.
    #[arg(long)]
    json: bool,
    /// Print the schedule in the form of a file, and do nothing.
    #[arg(long)]
    print_schedule: bool,
}

/// A name that no fault has.
#[derive(Debug, thiserror::Error)]
#[error("there are {names}", names = fault_names(&Fault::ALL))]
struct UnknownFault;

fn fault(name: &str) -> Result<Fault, UnknownFault> {
    Fault::named(name).ok_or(UnknownFault)
}

impl Arguments {
    pub fn run(&self) -> Outcome {
        let plan = self.plan()?;
        if self.print_schedule { plan.print_schedule() } else { chaos::run(&plan) }
    }

    fn plan(&self) -> Result<Plan, Failure> {
        let wrong = |text: String| Failure::new(Exit::Input, text);
        if self.duration.is_some_and(|duration| duration > DURATION_MAX) {
            return Err(wrong("--duration is longer than a week: 168h at most".into()));
        }
        if let Some(rate) = self.rate.filter(|rate| !(*rate > 0.0 && *rate <= 1e6)) {
            return Err(wrong(format!("--rate is {rate}: a number of proofs a second above 0 is expected")));
        }
        if self.mean_interval < Duration::from_millis(1) {
            return Err(wrong("--mean-interval is below a millisecond: no network recovers that fast".into()));
        }
        if self.output.is_dir() {
            return Err(wrong(format!("--output is {}, which is a folder: name a file", self.output.display())));
        }
        let (source, duration) = match &self.schedule {
            Some(path) => (Source::File { path: path.clone(), schedule: read(path)? }, self.duration),
            None => {
                let source = Source::Drawn {
                    seed: self.seed,
                    interval: Millis(self.mean_interval.as_millis() as u64),
                    targets: self.targets.clone(),
                    faults: self.faults.clone(),
                };
                (source, Some(self.duration.unwrap_or(DURATION_DEFAULT)))
            }
        };
        let place = match &self.network {
            Some(place) => Place::Given { place: place.clone(), genesis: self.genesis.clone() },
            None => Place::Own { nodes: self.nodes, folder: self.data_dir.clone() },
        };
        Ok(Plan {
            place,
            source,
            duration,
            quiet: self.quiet,
            baseline: self.baseline,
            interval: self.rate.map(|rate| Duration::from_secs_f64(1.0 / rate)),
            output: self.output.clone(),
            json: self.json,
        })
    }
}

fn read(path: &Path) -> Result<Schedule, Failure> {
    let named = |error: &dyn std::fmt::Display| Failure::new(Exit::Input, format!("{}: {error}", path.display()));
    let bytes = files::read_bounded(path, SCHEDULE_BYTES_MAX).map_err(Failure::with(Exit::Input))?;
    let text = String::from_utf8(bytes).map_err(|error| named(&error))?;
    Schedule::parse(&text).map_err(|error| named(&error))
}
