//! `pop status`: how a running node is.

use crate::client::Client;
use crate::exit::{Exit, Outcome};
use crate::say;
use serde_json::Value;

/// Show how a running node is.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The node that is asked.
    #[arg(long, value_name = "NODE", default_value = "node_1")]
    node: String,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

impl Arguments {
    pub fn run(&self) -> Outcome {
        let status = Client::new(&self.node)?.get("/v1/status")?;
        if self.json {
            say!("{status:#}");
            return Ok(Exit::Fine);
        }
        for (key, value) in status.as_object().into_iter().flatten() {
            match value {
                Value::Array(items) => say!("{}: {}", words(key), items.len()),
                Value::Object(_) => {}
                Value::String(text) => say!("{}: {text}", words(key)),
                Value::Null => say!("{}: none", words(key)),
                Value::Bool(_) | Value::Number(_) => say!("{}: {value}", words(key)),
            }
        }
        Ok(Exit::Fine)
    }
}

fn words(key: &str) -> String {
    key.replace('_', " ")
}
