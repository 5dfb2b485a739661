//! `pop kill-actor`: makes an actor of a running node fail, and says what came of it.

use crate::admin;
use crate::client::Client;
use crate::exit::{Exit, Failure, Outcome};
use crate::say;
use actors::supervision::Fault;
use serde_json::{Value, json};
use std::path::PathBuf;

/// Make an actor of a node on this machine fail, and see it restarted. The node's configuration must allow it
/// (admin.enabled).
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The node: a node id, or HOST:PORT of its HTTP.
    #[arg(long, value_name = "NODE", default_value = "node_1")]
    node: String,
    /// The actor; `pop actors` lists them.
    #[arg(long, value_name = "ACTOR")]
    actor: String,
    /// How: panic, terminate, hang, block or flood.
    #[arg(long, value_name = "HOW", default_value = "panic")]
    how: Fault,
    /// The administrator's token [default: `admin_token` in the node's data directory].
    #[arg(long, value_name = "FILE")]
    token: Option<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

impl Arguments {
    pub fn run(&self) -> Outcome {
        let token = admin::token(&self.node, self.token.as_deref())?;
        let client = Client::new(&self.node)?;
        client.get("/v1/actors")?;
        let body = json!({"actor": self.actor, "how": self.how});
        let answer = client.command("/v1/admin/kill", &token, &body);
        let came = match answer {
            Ok(Ok(came)) => came,
            Ok(Err(refusal)) => return Err(Failure::new(refusal.exit(), refusal.message)),
            // It answered a moment ago.
            Err(failure) => {
                let message = format!(
                    "{} ended while {} was made to fail, as it must when an actor whose thread cannot be replaced blocks; \
                     whoever supervises the process starts it again ({})",
                    self.node, self.actor, failure.message
                );
                return Err(Failure::new(Exit::Unreachable, message));
            }
        };
        if self.json {
            say!("{came:#}");
        } else {
            screen(&came).iter().for_each(|line| say!("{line}"));
        }
        let serves = came["serving_ms"].is_number();
        Ok(if serves { Exit::Fine } else { Exit::Unreachable })
    }
}

fn screen(came: &Value) -> Vec<String> {
    let after = |key: &str| match came[key].as_f64() {
        Some(ms) => format!("after {ms:.3} ms"),
        None if key == "detected_ms" && came["how"] == "flood" => "no failure".into(),
        None if key == "up_ms" && came["how"] == "flood" => "the same incarnation".into(),
        None => "not within 30 s".into(),
    };
    vec![
        format!("{}: {}", came["actor"].as_str().unwrap_or("?"), came["how"].as_str().unwrap_or("?")),
        format!("  Detected: {}", after("detected_ms")),
        format!("  Up: {}", after("up_ms")),
        format!("  Serving: {}", after("serving_ms")),
        format!("  Messages: {} lost, {} rejected", came["lost"], came["rejected"]),
        format!("  Incarnation: {}", came["incarnation"]),
    ]
}
