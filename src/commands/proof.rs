//! `pop proof`: where a proof is.

use crate::client::Client;
use crate::exit::{Exit, Outcome};
use crate::say;
use protocol::types::Hash;
use serde_json::Value;

/// Show where a proof is.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Its id, as `pop submit-proof` printed it.
    id: Hash,
    /// The node that is asked.
    #[arg(long, value_name = "NODE", default_value = "node_1")]
    node: String,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

impl Arguments {
    pub fn run(&self) -> Outcome {
        let view = Client::new(&self.node)?.get(&format!("/v1/proofs/{}", self.id))?;
        if self.json {
            say!("{view:#}");
        } else {
            say!("{}: {}", self.id, line(&view));
        }
        Ok(Exit::Fine)
    }
}

/// Where a proof is, in a line.
pub fn line(view: &Value) -> String {
    let state = view["state"].as_str().unwrap_or("unknown");
    match state {
        "final" => {
            let block = &view["block"];
            let (signed, total) = (&view["stake"]["signed"], &view["stake"]["total"]);
            if signed.is_null() {
                format!("final in block {block}")
            } else {
                format!("final in block {block}, checked by {signed} of {total} stake")
            }
        }
        "refused" => format!("refused: {}", view["refusal"]["message"].as_str().unwrap_or("no reason was given")),
        other => {
            let missing = view["missing"].as_array().map_or(&[][..], Vec::as_slice);
            let names: Vec<&str> = missing.iter().filter_map(Value::as_str).collect();
            if names.is_empty() {
                other.to_owned()
            } else {
                format!("{other}, without a word from {}", names.join(", "))
            }
        }
    }
}
