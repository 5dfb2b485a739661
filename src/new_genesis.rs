//! Making the genesis of a new network, as `pop init-genesis-state` and a testnet do.

use crate::exit::{Exit, Failure};
use actors::randomness::random_bytes;
use protocol::consensus::events::EPOCH;
use protocol::genesis::{Genesis, GenesisContent, GenesisValidator};
use protocol::parameters::ConsensusParameters;
use protocol::types::{Hash, Millis};
use std::time::{SystemTime, UNIX_EPOCH};

/// A genesis of now, with a random seed for the order of leaders.
///
/// # Errors
/// If the rules of a genesis are broken; nothing was written.
pub fn new_genesis(validators: Vec<GenesisValidator>, parameters: ConsensusParameters) -> Result<Genesis, Failure> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_err(|_| {
        Failure::new(Exit::Configuration, "this machine's clock is before 1970: set it, blocks carry its time")
    })?;
    let seed = random_bytes().map_err(Failure::with(Exit::Internal))?;
    Genesis::new(GenesisContent {
        timestamp_ms: Millis(u64::try_from(now.as_millis()).unwrap_or(u64::MAX)),
        epoch: EPOCH,
        epoch_seed: Hash(seed),
        validators,
        parameters,
    })
    .map_err(|error| Failure::new(Exit::Configuration, format!("{error}; nothing was written")))
}
