//! `pop monitor-network`: a network at a glance, on a terminal, as text or as data.

use crate::args::seconds;
use crate::exit::{Exit, Failure, Outcome};
use crate::monitor::{self, Form, Plan};
use std::io::{IsTerminal, stdout};
use std::path::PathBuf;
use std::time::Duration;

/// Shorter ones cost the nodes more than they show.
const INTERVAL_MIN: Duration = Duration::from_millis(200);
const INTERVAL_MAX: Duration = Duration::from_secs(3_600);

/// Watch a network: health, latency, throughput, validators, mempool, actors, proofs and what happens. `?` lists the keys.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The nodes that are asked, with commas between them: node ids, or HOST:PORT of their HTTP.
    #[arg(long, value_name = "LIST", value_delimiter = ',', conflicts_with = "network")]
    nodes: Vec<String>,
    /// All validators of a network: the folder of a testnet or of configurations, or a report that names one.
    #[arg(long, value_name = "DIR|REPORT")]
    network: Option<PathBuf>,
    /// Seconds between two looks.
    #[arg(long, value_name = "S", default_value = "2", value_parser = interval, allow_negative_numbers = true)]
    interval: Duration,
    /// Print one screen as text and end, as it is done where the output is no terminal.
    #[arg(long)]
    once: bool,
    /// Print the same as JSON and end.
    #[arg(long)]
    json: bool,
    /// Draw with ASCII characters only.
    #[arg(long)]
    ascii: bool,
}

/// An interval that is none, or out of bounds.
#[derive(Debug, thiserror::Error)]
#[error("write a number of seconds from {min} to {max}", min = INTERVAL_MIN.as_secs_f64(), max = INTERVAL_MAX.as_secs_f64())]
struct NoInterval;

fn interval(text: &str) -> Result<Duration, NoInterval> {
    let span = seconds(text).ok().filter(|span| (INTERVAL_MIN..=INTERVAL_MAX).contains(span));
    span.ok_or(NoInterval)
}

impl Arguments {
    pub fn run(&self) -> Outcome {
        let targets = match &self.network {
            Some(place) => monitor::of_network(place)?,
            None if self.nodes.is_empty() => {
                let text = "whom to ask is not said: give --nodes node_1,node_2,node_3,node_4, or --network with the folder \
                            of a testnet or of configurations";
                return Err(Failure::new(Exit::Input, text));
            }
            None => monitor::named(&self.nodes)?,
        };
        let is_screen = stdout().is_terminal() && std::env::var("TERM").is_ok_and(|term| term != "dumb");
        let form = match () {
            () if self.json => Form::Json,
            () if self.once || !is_screen => Form::Text,
            () => Form::Live,
        };
        monitor::run(Plan { targets, interval: self.interval, form, ascii: self.ascii || !monitor::is_utf8_locale() })
    }
}
