//! `pop demo`: four validators to look at, until Ctrl-C.

use crate::exit::Outcome;
use crate::testnet::{Ports, demo};

/// Run four validators on this machine until Ctrl-C, with example proofs, a page to look at, and three things to try.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Take any free ports, instead of 8001 to 8004 for peers and 9001 to 9004 for HTTP.
    #[arg(long)]
    any_ports: bool,
}

impl Arguments {
    pub fn run(&self) -> Outcome {
        demo::run(if self.any_ports { Ports::Free } else { Ports::Guide })
    }
}
