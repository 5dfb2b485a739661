//! `pop init-genesis-state`: makes the genesis of a new network, and the keys of validators that have none.
//!
//! All or nothing: everything is read and checked before the first byte is written, and keys that were made for a genesis
//! that could not be written are taken away again. A key file that exists is used and never touched.

use crate::args::whole;
use crate::exit::{Exit, Failure, Outcome};
use crate::new_genesis::new_genesis;
use crate::say;
use crate::solver_pin;
use actors::keys::{self, KeyError};
use actors::storage::beside_key::{bear, born_path};
use actors::storage::files::{self, Existing};
use actors::storage::genesis_file;
use ed25519_dalek::SigningKey;
use protocol::genesis::{Genesis, GenesisValidator};
use protocol::parameters::{ConsensusParameters, Tokens};
use protocol::signature::public_key;
use protocol::types::{NodeId, PublicKey, Stake};
use serde::Deserialize;
use std::path::{Path, PathBuf};

/// A thousand validators take some 200 kB.
const FILE_BYTES_MAX: u64 = 4 << 20;

/// Make the genesis of a new network: block 0, stakes, initial state, parameters, chain id.
///
/// A validator without a public key in the file gets a key pair, whose private half goes to the keys directory.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Who validates: node ids, stakes and balances in whole tokens, and public keys where there are some.
    #[arg(long, value_name = "FILE", default_value = "config/validators.json")]
    validators: PathBuf,
    /// Where the genesis goes.
    #[arg(long, value_name = "FILE", default_value = "data/genesis_state.json")]
    output: PathBuf,
    /// Replace an existing genesis. The network that it stands for is then gone.
    #[arg(long)]
    force: bool,
    /// Where private keys are kept, and made if missing.
    #[arg(long, value_name = "DIR", default_value = keys::KEYS_DIRECTORY)]
    keys: PathBuf,
    /// Whole tokens in the pool that rewards are paid from [default: 1000000].
    #[arg(long, value_name = "TOKENS", value_parser = whole, allow_negative_numbers = true)]
    reward_pool: Option<u64>,
    /// Whole tokens that a validator must stake [default: 1000].
    #[arg(long, value_name = "TOKENS", value_parser = whole, allow_negative_numbers = true)]
    minimum_stake: Option<u64>,
    /// JSON object with parameters of the network that differ from the defaults (docs/CONFIGURATION.md lists them).
    #[arg(long, value_name = "FILE")]
    parameters: Option<PathBuf>,
}

/// The validators file of the guide, with public keys for those who made their own.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ValidatorsFile {
    validators: Vec<ValidatorEntry>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ValidatorEntry {
    node_id: NodeId,
    stake: Stake,
    #[serde(default)]
    initial_balance: Tokens,
    #[serde(default)]
    public_key: Option<PublicKey>,
}

/// Where a validator's key comes from.
enum KeySource {
    /// The operator made it elsewhere.
    File(PublicKey),
    Existing(PublicKey),
    New(Box<SigningKey>),
}

impl KeySource {
    fn public_key(&self) -> PublicKey {
        match self {
            KeySource::File(key) | KeySource::Existing(key) => *key,
            KeySource::New(key) => public_key(key),
        }
    }

    fn says(&self, path: &Path) -> String {
        match self {
            KeySource::File(_) => "public key from the validators file".into(),
            KeySource::Existing(_) => format!("{}  existing key, reused", path.display()),
            KeySource::New(_) => format!("{}  new key", path.display()),
        }
    }
}

impl Arguments {
    pub fn run(&self) -> Outcome {
        let entries = self.read_validators()?;
        let replaces = self.check_output()?;
        let parameters = self.network_parameters()?;
        let sources = entries.iter().map(|entry| self.key_of(entry)).collect::<Result<Vec<_>, _>>()?;
        let genesis = new_genesis(members(&entries, &sources), parameters)?;
        self.write(&genesis, &sources)?;
        self.report(&genesis, &sources, replaces);
        Ok(Exit::Fine)
    }

    fn read_validators(&self) -> Result<Vec<ValidatorEntry>, Failure> {
        let path = &self.validators;
        let bytes = files::read_bounded(path, FILE_BYTES_MAX).map_err(|error| {
            let hint = "--validators names the file that lists the validators, config/validators.json unless given";
            Failure::new(Exit::Configuration, format!("{error}; {hint}"))
        })?;
        let file: ValidatorsFile = serde_json::from_slice(&bytes).map_err(|error| {
            let hint = "the form is {\"validators\": [{\"node_id\": \"node_1\", \"stake\": 10000, \"initial_balance\": 0}]}, \
                        with \"public_key\" where the operator made the key; nothing was written";
            Failure::new(Exit::Configuration, format!("{}: {}; {hint}", path.display(), files::json_fault(&error)))
        })?;
        Ok(file.validators)
    }

    /// Whether there is a genesis that `--force` lets us replace.
    fn check_output(&self) -> Result<bool, Failure> {
        let exists = self.output.symlink_metadata().is_ok();
        if exists && !self.force {
            let error = genesis_file::GenesisFileError::Exists { path: self.output.clone() };
            return Err(Failure::new(Exit::Configuration, error));
        }
        Ok(exists)
    }

    fn network_parameters(&self) -> Result<ConsensusParameters, Failure> {
        let pin = solver_pin::installed().map_err(Failure::with(Exit::Configuration))?;
        let mut parameters = ConsensusParameters::new(pin);
        if let Some(path) = &self.parameters {
            parameters = overlay(&parameters, path)?;
        }
        if let Some(tokens) = self.reward_pool {
            parameters.reward_pool = Tokens(tokens);
        }
        if let Some(tokens) = self.minimum_stake {
            parameters.minimum_stake = Stake(tokens);
        }
        Ok(parameters)
    }

    fn key_of(&self, entry: &ValidatorEntry) -> Result<KeySource, Failure> {
        if let Some(key) = entry.public_key {
            return Ok(KeySource::File(key));
        }
        match keys::load(&keys::validator_key_path(&self.keys, &entry.node_id)) {
            Ok(key) => Ok(KeySource::Existing(public_key(&key))),
            Err(KeyError::Missing { .. }) => {
                keys::generate().map(Box::new).map(KeySource::New).map_err(Failure::with(Exit::Internal))
            }
            Err(error) => Err(Failure::new(Exit::Configuration, error)),
        }
    }

    fn write(&self, genesis: &Genesis, sources: &[KeySource]) -> Result<(), Failure> {
        let mut made = Vec::new();
        let result = self.write_keys(genesis, sources, &mut made).and_then(|()| {
            let existing = if self.force { Existing::Replace } else { Existing::Keep };
            genesis_file::write(&self.output, genesis, existing).map_err(Failure::with(Exit::Configuration))
        });
        if result.is_err() {
            // Nobody can have used them yet: no genesis names them.
            made.iter().for_each(|path| drop(std::fs::remove_file(path)));
        }
        result?;
        // Whatever an existing key signed before, it was for another chain.
        let reused =
            genesis.validators().iter().zip(sources).filter(|(_, source)| matches!(source, KeySource::Existing(_)));
        for (validator, _) in reused {
            let path = keys::validator_key_path(&self.keys, &validator.node_id);
            bear(&path).map_err(Failure::with(Exit::Configuration))?;
        }
        Ok(())
    }

    fn write_keys(&self, genesis: &Genesis, sources: &[KeySource], made: &mut Vec<PathBuf>) -> Result<(), Failure> {
        for (validator, source) in genesis.validators().iter().zip(sources) {
            let path = keys::validator_key_path(&self.keys, &validator.node_id);
            match source {
                KeySource::New(key) => {
                    keys::create_born(&path, key).map_err(Failure::with(Exit::Configuration))?;
                    made.extend([born_path(&path), path]);
                }
                KeySource::Existing(_) | KeySource::File(_) => {}
            }
        }
        Ok(())
    }

    fn report(&self, genesis: &Genesis, sources: &[KeySource], replaces: bool) {
        let parameters = genesis.parameters();
        let verb = if replaces { "replaced" } else { "written" };
        say!("Genesis state {verb}: {}", self.output.display());
        say!("  Genesis block:      {}", genesis.genesis_block_hash());
        say!("  Chain id:           {}", genesis.chain_id());
        say!("  Initial state root: {}", genesis.initial_state_root());
        say!("  Validators:         {}, with {} tokens of stake", genesis.validators().len(), genesis.total_stake());
        say!("  Reward pool:        {} tokens", parameters.reward_pool);
        say!("  Solver:             {}", parameters.solver_pin);
        say!("Keys:");
        const SHOWN: usize = 10;
        for (validator, source) in genesis.validators().iter().zip(sources).take(SHOWN) {
            let path = keys::validator_key_path(&self.keys, &validator.node_id);
            say!("  {}: {}", validator.node_id, source.says(&path));
        }
        if sources.len() > SHOWN {
            say!("  … and {} more", sources.len() - SHOWN);
        }
        notes(genesis).iter().for_each(|note| say!("Note: {note}"));
        if replaces {
            say!("Note: what validators stored under data/ belongs to the network that was replaced; they refuse to");
            say!("      start with it. Move data/<node_id>/ away first.");
        }
        self.next_steps(genesis);
    }

    fn next_steps(&self, genesis: &Genesis) {
        let first = &genesis.validators()[0].node_id;
        say!();
        say!("Next, for each validator in a terminal of its own:");
        let config = format!("config/{first}.json");
        let how = if Path::new(&config).exists() {
            format!("--config {config}")
        } else {
            format!("--stake {}", genesis.validators()[0].stake)
        };
        // Where it would not be found by itself.
        let key = if self.keys == Path::new(keys::KEYS_DIRECTORY) {
            String::new()
        } else {
            format!(" --key-file {}", keys::validator_key_path(&self.keys, first).display())
        };
        say!("  pop start-validator --node-id {first} {how} --genesis {}{key}", self.output.display());
        say!(
            "On another machine a validator needs this same genesis file, its own key file, and until its first start"
        );
        say!(
            "the key's .born beside it; of no other validator. Without .born a start counts as one that lost its vote log."
        );
    }
}

/// What is legal, but may surprise.
fn notes(genesis: &Genesis) -> Vec<String> {
    let set = genesis.validator_set();
    let mut notes = Vec::new();
    for validator in genesis.validators() {
        // Without it the others are no quorum.
        let others = Stake(set.total().0 - validator.stake.0);
        if !set.is_quorum(others) {
            notes.push(format!(
                "without {} ({} of {} tokens) the others are no quorum, and the network halts",
                validator.node_id,
                validator.stake,
                set.total()
            ));
        }
    }
    if notes.len() == genesis.validators().len() {
        notes = vec!["the network halts when any one validator is down; four of equal stake tolerate one".into()];
    }
    notes
}

fn members(entries: &[ValidatorEntry], sources: &[KeySource]) -> Vec<GenesisValidator> {
    let member = |(entry, source): (&ValidatorEntry, &KeySource)| GenesisValidator {
        node_id: entry.node_id.clone(),
        public_key: source.public_key(),
        stake: entry.stake,
        initial_balance: entry.initial_balance,
    };
    entries.iter().zip(sources).map(member).collect()
}

/// The defaults with what a file says otherwise.
fn overlay(defaults: &ConsensusParameters, path: &Path) -> Result<ConsensusParameters, Failure> {
    let failure = |text: String| Failure::new(Exit::Configuration, format!("{}: {text}", path.display()));
    let bytes = files::read_bounded(path, FILE_BYTES_MAX).map_err(Failure::with(Exit::Configuration))?;
    let given: serde_json::Value =
        serde_json::from_slice(&bytes).map_err(|error| failure(files::json_fault(&error)))?;
    if !given.is_object() {
        return Err(failure("a JSON object with parameters is expected, such as {\"minimum_stake\": 2000}".into()));
    }
    if given.get("solver_pin").is_some() {
        return Err(failure("solver_pin is measured from the installed solver, not chosen".into()));
    }
    let mut value = serde_json::to_value(defaults).expect("every parameter has a JSON form");
    merge(&mut value, given);
    serde_json::from_value(value).map_err(|error| failure(files::json_fault(&error)))
}

fn merge(into: &mut serde_json::Value, from: serde_json::Value) {
    match (into, from) {
        (serde_json::Value::Object(into), serde_json::Value::Object(from)) => {
            for (key, value) in from {
                merge(into.entry(key).or_insert(serde_json::Value::Null), value);
            }
        }
        (into, from) => *into = from,
    }
}
