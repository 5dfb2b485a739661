//! `pop block`: a final block with its proofs, votes and certificate.

use crate::client::Client;
use crate::exit::{Exit, Outcome};
use crate::say;

/// Show a final block.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Its sequence.
    sequence: u64,
    /// The node that is asked.
    #[arg(long, value_name = "NODE", default_value = "node_1")]
    node: String,
}

impl Arguments {
    pub fn run(&self) -> Outcome {
        let block = Client::new(&self.node)?.get(&format!("/v1/blocks/{}", self.sequence))?;
        say!("{block:#}");
        Ok(Exit::Fine)
    }
}
