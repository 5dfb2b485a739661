//! `pop deploy-testnet`: a network of real validator processes on this machine, with proofs, and a report.

use crate::args::{span, whole};
use crate::exit::{Exit, Failure, Outcome};
use crate::testnet::{self, Plan, Ports};
use actors::config::CROWD_MIN;
use actors::randomness::random_bytes;
use protocol::types::Stake;
use std::path::PathBuf;
use std::time::Duration;

/// The guide's full testnet processes a proof every two seconds.
const RATE_DEFAULT: f64 = 0.5;

/// Run a network of validator processes on this machine, give it proofs, and report.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Validators.
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u16).range(1..=1_000))]
    nodes: u16,
    /// How long to run: 90s, 10m, 1h, or a number of hours.
    #[arg(long, value_name = "SPAN", default_value = "24h", value_parser = span, allow_negative_numbers = true)]
    duration: Duration,
    /// Each validator's stake, in tokens.
    #[arg(long, value_name = "TOKENS", default_value_t = 10_000)]
    stake: u64,
    /// Where the report goes.
    #[arg(long, value_name = "FILE", default_value = "data/testnet_report.json")]
    output: PathBuf,
    /// Submit every proof once and end when each has ended; --duration then is the longest that it may take.
    #[arg(long)]
    until_done: bool,
    /// Leave validators that end as they are. Otherwise they are started again, unless a restart cannot mend it.
    #[arg(long)]
    no_restart: bool,
    /// Let actors be made to fail on purpose, by `pop kill-actor` and `pop chaos`.
    #[arg(long)]
    admin: bool,
    /// Start a Prometheus beside the network, if one is installed, with the project's rules; write its configuration anyway.
    #[arg(long)]
    prometheus: bool,
    /// Its port on this machine.
    #[arg(long, value_name = "PORT", default_value_t = 9_090, requires = "prometheus", value_parser = clap::value_parser!(u16).range(1..))]
    prometheus_port: u16,
    /// A folder of proofs, a manifest or a script. Without --until-done they are submitted in turn, again and again.
    #[arg(long, value_name = "DIR|MANIFEST", default_value = "data/proofs")]
    proofs: PathBuf,
    /// Make of each submission a new statement, a variant of one of the proofs: nothing is remembered. Always so with more than
    /// 16 validators.
    #[arg(long)]
    variants: bool,
    /// From which the variants are made [default: drawn].
    #[arg(long, value_name = "N", value_parser = whole, allow_negative_numbers = true)]
    seed: Option<u64>,
    /// Proofs submitted a second; 0 for none [default: 0.5; with --until-done as many as are taken].
    #[arg(long, value_name = "RATE", allow_negative_numbers = true)]
    rate: Option<f64>,
    /// Where the network's data and logs are; what an earlier testnet left there is deleted.
    #[arg(long, value_name = "DIR", default_value = "data/testnet")]
    data_dir: PathBuf,
}

impl Arguments {
    pub fn run(&self) -> Outcome {
        testnet::run(&self.plan()?)
    }

    /// A run that is told to be done submits each proof as it is.
    fn variants(&self) -> Result<Option<u64>, Failure> {
        let is_crowd = usize::from(self.nodes) >= CROWD_MIN;
        if !self.variants && (self.until_done || !is_crowd) {
            return Ok(None);
        }
        let drawn =
            || random_bytes().map(|bytes| u64::from(u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])));
        self.seed.map_or_else(drawn, Ok).map(Some).map_err(Failure::with(Exit::Internal))
    }

    fn plan(&self) -> Result<Plan, Failure> {
        let wrong = |text: String| Failure::new(Exit::Input, text);
        let rate = self.rate.or((!self.until_done).then_some(RATE_DEFAULT));
        if let Some(rate) = rate.filter(|rate| !(0.0..=1e6).contains(rate)) {
            return Err(wrong(format!("--rate is {rate}: a number of proofs a second is expected, 0 for none")));
        }
        if rate == Some(0.0) && self.until_done {
            return Err(wrong("--rate is 0: nothing would ever be done, as --until-done asks".into()));
        }
        if self.output.is_dir() {
            return Err(wrong(format!("--output is {}, which is a folder: name a file", self.output.display())));
        }
        Ok(Plan {
            nodes: self.nodes,
            stake: Stake(self.stake),
            duration: self.duration,
            until_done: self.until_done,
            restart: !self.no_restart,
            interval: rate.filter(|rate| *rate > 0.0).map(|rate| Duration::from_secs_f64(1.0 / rate)),
            tasks: if rate == Some(0.0) { Vec::new() } else { testnet::tasks(&self.proofs)? },
            variants: self.variants()?,
            folder: self.data_dir.clone(),
            ports: Ports::Free,
            admin: self.admin,
            prometheus: self.prometheus.then_some(self.prometheus_port),
            output: self.output.clone(),
        })
    }
}
