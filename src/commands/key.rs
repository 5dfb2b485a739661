//! `pop key`: makes a validator's key, and shows the public half of one.

use crate::exit::{Exit, Failure, Outcome};
use crate::say;
use actors::keys;
use actors::storage::beside_key::born_path;
use clap::Subcommand;
use protocol::signature::public_key;
use protocol::types::{NodeId, PublicKey};
use std::path::{Path, PathBuf};

/// Make or show a validator's key.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Make a key on this machine; print the public half for the validators file.
    New {
        /// The validator that the key is for.
        #[arg(long, value_name = "ID", default_value = "node_1")]
        node_id: NodeId,
        /// Where the private half goes [default: data/keys/<ID>.key].
        #[arg(long, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// Show the public half of a key.
    Show {
        /// The validator whose key is shown.
        #[arg(long, value_name = "ID", default_value = "node_1")]
        node_id: NodeId,
        /// The key file [default: data/keys/<ID>.key].
        #[arg(long, value_name = "FILE")]
        file: Option<PathBuf>,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
}

impl Arguments {
    pub fn run(&self) -> Outcome {
        match &self.action {
            Action::New { node_id, output } => new(node_id, &path_of(node_id, output.as_deref())),
            Action::Show { node_id, file, json } => show(&path_of(node_id, file.as_deref()), *json),
        }
    }
}

fn path_of(node_id: &NodeId, given: Option<&Path>) -> PathBuf {
    given.map_or_else(|| keys::validator_key_path(Path::new(keys::KEYS_DIRECTORY), node_id), Path::to_owned)
}

fn new(node_id: &NodeId, path: &Path) -> Outcome {
    let key = keys::generate().map_err(Failure::with(Exit::Internal))?;
    keys::create_born(path, &key).map_err(Failure::with(Exit::Configuration))?;
    say!("Private key written to {} (mode 600).", path.display());
    say!("It is the only copy: back it up, and never give it to anybody.");
    say!(
        "{} says that it has never signed: take it along to where the validator first starts, and leave it",
        born_path(path).display()
    );
    say!("out of every backup.");
    say!();
    say!("For the validators file, with the stake that was agreed:");
    say!("{}", validators_entry(node_id, &public_key(&key)));
    Ok(Exit::Fine)
}

fn validators_entry(node_id: &NodeId, key: &PublicKey) -> String {
    format!(
        "    {{\n      \"node_id\": \"{node_id}\",\n      \"public_key\": \"{key}\",\n      \"stake\": 10000,\n      \
         \"initial_balance\": 0\n    }}"
    )
}

fn show(path: &Path, json: bool) -> Outcome {
    let key = public_key(&keys::load(path).map_err(Failure::with(Exit::Configuration))?);
    if json {
        say!("{}", serde_json::json!({ "file": path, "public_key": key }));
    } else {
        say!("{key}");
    }
    Ok(Exit::Fine)
}
