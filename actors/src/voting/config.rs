//! What the vote path is made from.

use crate::config::{ConsensusConfig, NodeConfig};
use crate::network::{Member, NetworkConfig};
use crate::storage::beside_key::BesideKey;
use crate::supervision::ExitHook;
use ed25519_dalek::SigningKey;
use protocol::genesis::Genesis;
use protocol::pacemaker::PacemakerSettings;
use protocol::quorum::{Validator, ValidatorSet};
use protocol::types::ValidatorIndex;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

/// What one validator's vote path is made from.
#[derive(Clone)]
pub struct VotingConfig {
    pub genesis: Arc<Genesis>,
    pub me: ValidatorIndex,
    pub key: SigningKey,
    pub listen: SocketAddr,
    /// Where peers are reached, `host:port`.
    pub addresses: Vec<(ValidatorIndex, String)>,
    /// The vote log's folder; the caller holds its lock.
    pub data_dir: PathBuf,
    /// What stands beside the key of what it signed (R12).
    pub beside_key: BesideKey,
    pub block_size_max: usize,
    pub pace: PacemakerSettings,
    /// The operator takes the risk that R12 names.
    pub accept_unknown_history: bool,
    pub exit: ExitHook,
}

impl VotingConfig {
    /// As an operator configured it.
    pub fn of(
        genesis: &Arc<Genesis>,
        config: &NodeConfig,
        key: SigningKey,
        accept_unknown_history: bool,
        exit: ExitHook,
    ) -> VotingConfig {
        let peers = config.network.bootstrap_peers.iter();
        let addresses = peers.filter_map(|peer| Some((genesis.index_of(&peer.node_id)?, peer.address.to_string())));
        VotingConfig {
            me: config.index,
            key,
            listen: config.network.listen,
            addresses: addresses.collect(),
            data_dir: config.data_dir.clone(),
            beside_key: BesideKey::of(&config.key_file, &genesis.chain_id()),
            block_size_max: config.consensus.block_size_max as usize,
            pace: pace(&config.consensus),
            accept_unknown_history,
            exit,
            genesis: genesis.clone(),
        }
    }

    pub(super) fn network(&self, set: &ValidatorSet) -> NetworkConfig {
        let member = |validator: &Validator| Member { node_id: validator.node_id.clone(), key: validator.key };
        NetworkConfig {
            members: set.iter().map(|(_, validator)| member(validator)).collect(),
            me: self.me,
            key: self.key.clone(),
            chain: self.genesis.chain_id(),
            pin: self.genesis.parameters().solver_pin,
            listen: self.listen,
            addresses: self.addresses.clone(),
        }
    }
}

fn pace(config: &ConsensusConfig) -> PacemakerSettings {
    PacemakerSettings {
        timeout_max: config.timeout,
        view_change_timeout: config.view_change_timeout,
        idle_block_interval: config.idle_block_interval,
    }
}
