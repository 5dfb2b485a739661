//! `pop doctor`: what on this machine keeps a validator from working, and what to do about it.

use crate::doctor::{self, Wanted};
use crate::exit::{Exit, Failure, Outcome};
use crate::nodes::read_config;
use crate::say;
use actors::config::Flags;
use protocol::types::NodeId;
use std::path::PathBuf;

/// Check what a validator needs on this machine: configuration, key, disk, ports, solver, clock, peers.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The validator [default: the one of --config, else node_1].
    #[arg(long, value_name = "ID")]
    node_id: Option<NodeId>,
    /// Its configuration [default: config/<ID>.json, or ports by convention].
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The genesis of the network.
    #[arg(long, value_name = "FILE", default_value = "data/genesis_state.json")]
    genesis: PathBuf,
    /// Where its data are [default: data/<ID>].
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

impl Arguments {
    /// Ends with 0 if nothing fails, also with warnings, and with 3 if something does.
    pub fn run(&self) -> Outcome {
        let flags = Flags {
            node_id: self.node()?,
            config: self.config.clone(),
            stake: None,
            data_dir: self.data_dir.clone(),
            key_file: None,
        };
        let report = doctor::look(&Wanted { flags, genesis: self.genesis.clone() });
        if self.json {
            let text = serde_json::to_string_pretty(&report).map_err(Failure::with(Exit::Internal))?;
            say!("{text}");
        } else {
            report.lines().iter().for_each(|line| say!("{line}"));
        }
        Ok(if report.failures == 0 { Exit::Fine } else { Exit::Configuration })
    }

    fn node(&self) -> Result<NodeId, Failure> {
        let named = match (&self.node_id, &self.config) {
            (Some(node_id), _) => Some(node_id.clone()),
            (None, Some(path)) => {
                let file = read_config(path)?.ok_or_else(|| {
                    let text = format!("{} names no node_id: it configures no validator", path.display());
                    Failure::new(Exit::Configuration, text)
                })?;
                Some(file.node_id)
            }
            (None, None) => None,
        };
        named.map_or_else(|| NodeId::new("node_1").map_err(Failure::with(Exit::Internal)), Ok)
    }
}
