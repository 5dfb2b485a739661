//! The genesis: who validates, with which stake, under which parameters; and the chain id, which is its hash.
//!
//! [`GenesisFile`] is the file's content, not trusted; [`Genesis`] is what was checked, and the only form that the rest
//! of the system takes. Its hashes are always computed here, never read: a file in which they differ from the rest was
//! edited or damaged, and is refused.

use crate::block::{Block, Body, Header};
use crate::bytes::Layout;
use crate::consensus::events::EPOCH;
use crate::ledger::{GenesisAccount, Ledger};
use crate::parameters::{ConsensusParameters, ParameterError, Tokens};
use crate::quorum::{Validator, ValidatorSet};
use crate::types::{Amount, Epoch, Hash, Millis, NodeId, PublicKey, Sequence, Stake, ValidatorIndex};
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

/// Version of the file's form and of the layout under the chain id.
pub const GENESIS_VERSION: u32 = 1;

/// Validators in one genesis: votes, certificates and frames are dimensioned for this many.
pub const VALIDATORS_MAX: usize = 1_000;

/// One founding validator. Its place in the list is its [`ValidatorIndex`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GenesisValidator {
    pub node_id: NodeId,
    pub public_key: PublicKey,
    /// Whole tokens, bound as voting power.
    pub stake: Stake,
    /// Whole tokens, free.
    pub initial_balance: Tokens,
}

/// What a network is made of, before anything is computed from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GenesisContent {
    /// Milliseconds since the Unix epoch; the time of the genesis block.
    pub timestamp_ms: Millis,
    pub epoch: Epoch,
    /// Breaks ties in the leader schedule.
    pub epoch_seed: Hash,
    pub validators: Vec<GenesisValidator>,
    pub parameters: ConsensusParameters,
}

/// The genesis as it stands in `data/genesis_state.json`: unchecked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GenesisFile {
    pub version: u32,
    pub chain_id: Hash,
    pub genesis_block_hash: Hash,
    pub initial_state_root: Hash,
    pub timestamp_ms: Millis,
    pub epoch: Epoch,
    pub epoch_seed: Hash,
    pub validators: Vec<GenesisValidator>,
    pub parameters: ConsensusParameters,
}

/// A genesis that was checked: its rules hold and its hashes are its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Genesis {
    content: GenesisContent,
    total_stake: Stake,
    chain_id: Hash,
    initial_state_root: Hash,
    genesis_block_hash: Hash,
}

/// Why something is no genesis.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GenesisError {
    #[error("the genesis has form version {got}, this program reads version {expected}")]
    Version { expected: u32, got: u32 },
    #[error("the first epoch is {got}, this program starts networks in epoch {expected}")]
    Epoch { expected: Epoch, got: Epoch },
    #[error("a network needs at least one validator, and the list is empty")]
    NoValidators,
    #[error("{got} validators: at most {max} are possible")]
    TooManyValidators { max: usize, got: usize },
    #[error("two validators are named {0}: every node id may occur once")]
    DuplicateNodeId(NodeId),
    #[error("{first} and {second} have the same public key: every validator needs a key of its own")]
    DuplicateKey { first: NodeId, second: NodeId },
    #[error("the public key {key} of {node_id} is not a usable Ed25519 key")]
    BadKey { node_id: NodeId, key: PublicKey },
    #[error("Insufficient stake: {node_id} has {stake} tokens, the minimum is {minimum}")]
    InsufficientStake { node_id: NodeId, stake: Stake, minimum: Stake },
    #[error("the stakes together exceed {} tokens", u64::MAX)]
    StakeOverflow,
    #[error(
        "parameter block.bytes_max is {got}: a block with one proof and the votes of {validators} validators needs {needed} bytes"
    )]
    BlockTooSmall { validators: usize, needed: usize, got: u32 },
    #[error(transparent)]
    Parameter(#[from] ParameterError),
    #[error("{what} is {stated} in the file, but its content gives {computed}: the file was edited or damaged")]
    HashMismatch { what: &'static str, stated: Hash, computed: Hash },
}

impl Genesis {
    /// Checks the content and computes the hashes. O(validators).
    ///
    /// # Errors
    /// The first rule, in the order of [`GenesisError`], that the content breaks.
    pub fn new(content: GenesisContent) -> Result<Genesis, GenesisError> {
        if content.epoch != EPOCH {
            return Err(GenesisError::Epoch { expected: EPOCH, got: content.epoch });
        }
        content.parameters.validate()?;
        let (validators, got) = (content.validators.len(), content.parameters.block.bytes_max);
        let needed = Block::bytes_needed(validators);
        if (got as usize) < needed {
            return Err(GenesisError::BlockTooSmall { validators, needed, got });
        }
        let total_stake = check_validators(&content.validators, content.parameters.minimum_stake)?;
        let chain_id = chain_id(&content);
        let unrooted =
            Genesis { content, total_stake, chain_id, initial_state_root: Hash::ZERO, genesis_block_hash: Hash::ZERO };
        let rooted = Genesis { initial_state_root: initial_state_root(&unrooted), ..unrooted };
        Ok(Genesis { genesis_block_hash: genesis_block_hash(&rooted), ..rooted })
    }

    /// Checks a file: its content, and that the hashes that it states are those of its content.
    ///
    /// # Errors
    /// As [`Genesis::new`]; `Version` for another form; `HashMismatch` for a hash that is not the content's.
    pub fn verify(file: GenesisFile) -> Result<Genesis, GenesisError> {
        if file.version != GENESIS_VERSION {
            return Err(GenesisError::Version { expected: GENESIS_VERSION, got: file.version });
        }
        let genesis = Genesis::new(GenesisContent {
            timestamp_ms: file.timestamp_ms,
            epoch: file.epoch,
            epoch_seed: file.epoch_seed,
            validators: file.validators,
            parameters: file.parameters,
        })?;
        for (what, stated, computed) in [
            ("chain_id", file.chain_id, genesis.chain_id),
            ("initial_state_root", file.initial_state_root, genesis.initial_state_root),
            ("genesis_block_hash", file.genesis_block_hash, genesis.genesis_block_hash),
        ] {
            if stated != computed {
                return Err(GenesisError::HashMismatch { what, stated, computed });
            }
        }
        Ok(genesis)
    }

    /// The form that is written to a file.
    pub fn to_file(&self) -> GenesisFile {
        GenesisFile {
            version: GENESIS_VERSION,
            chain_id: self.chain_id,
            genesis_block_hash: self.genesis_block_hash,
            initial_state_root: self.initial_state_root,
            timestamp_ms: self.content.timestamp_ms,
            epoch: self.content.epoch,
            epoch_seed: self.content.epoch_seed,
            validators: self.content.validators.clone(),
            parameters: self.content.parameters.clone(),
        }
    }

    pub fn chain_id(&self) -> Hash {
        self.chain_id
    }

    pub fn initial_state_root(&self) -> Hash {
        self.initial_state_root
    }

    pub fn genesis_block_hash(&self) -> Hash {
        self.genesis_block_hash
    }

    /// Milliseconds since the Unix epoch.
    pub fn timestamp_ms(&self) -> Millis {
        self.content.timestamp_ms
    }

    pub fn epoch(&self) -> Epoch {
        self.content.epoch
    }

    pub fn epoch_seed(&self) -> Hash {
        self.content.epoch_seed
    }

    /// In the order of their [`ValidatorIndex`].
    pub fn validators(&self) -> &[GenesisValidator] {
        &self.content.validators
    }

    pub fn parameters(&self) -> &ConsensusParameters {
        &self.content.parameters
    }

    pub fn total_stake(&self) -> Stake {
        self.total_stake
    }

    pub fn validator(&self, index: ValidatorIndex) -> Option<&GenesisValidator> {
        self.content.validators.get(index.as_usize())
    }

    /// O(validators).
    pub fn index_of(&self, node_id: &NodeId) -> Option<ValidatorIndex> {
        self.position(|validator| validator.node_id == *node_id)
    }

    /// O(validators).
    pub fn index_of_key(&self, key: &PublicKey) -> Option<ValidatorIndex> {
        self.position(|validator| validator.public_key == *key)
    }

    fn position(&self, matches: impl FnMut(&GenesisValidator) -> bool) -> Option<ValidatorIndex> {
        let position = self.content.validators.iter().position(matches)?;
        Some(ValidatorIndex(u16::try_from(position).expect("a checked genesis has at most VALIDATORS_MAX validators")))
    }

    /// The validators as consensus counts them.
    pub fn validator_set(&self) -> ValidatorSet {
        let validators = self.content.validators.iter().map(|validator| Validator {
            node_id: validator.node_id.clone(),
            key: validator.public_key,
            stake: validator.stake,
        });
        ValidatorSet::new(self.chain_id, self.content.epoch, validators.collect())
            .expect("a checked genesis has validators, at most VALIDATORS_MAX, whose stakes fit into a u64")
    }

    /// The ledger before the first block. O(validators).
    pub fn ledger(&self) -> Ledger {
        let accounts: Vec<_> = self
            .content
            .validators
            .iter()
            .map(|validator| GenesisAccount {
                balance: validator.initial_balance.amount(),
                stake: Amount::from_tokens(validator.stake.0),
            })
            .collect();
        Ledger::genesis(&accounts, self.content.parameters.reward_pool.amount(), self.content.timestamp_ms)
    }

    /// Block 0: empty, with the initial state. Nobody votes on it; it is final from the start.
    pub fn block(&self) -> Block {
        let body = Body::default();
        let header = Header {
            chain: self.chain_id,
            epoch: self.content.epoch,
            sequence: Sequence(0),
            parent: Hash::ZERO,
            time: self.content.timestamp_ms,
            body: body.digest(),
            state: self.initial_state_root,
        };
        Block { header, body }
    }

    /// Every micro-token there will ever be: stakes, balances and the reward pool.
    pub fn supply(&self) -> Amount {
        self.ledger().supply()
    }
}

fn check_validators(validators: &[GenesisValidator], minimum: Stake) -> Result<Stake, GenesisError> {
    if validators.is_empty() {
        return Err(GenesisError::NoValidators);
    }
    if validators.len() > VALIDATORS_MAX {
        return Err(GenesisError::TooManyValidators { max: VALIDATORS_MAX, got: validators.len() });
    }
    let mut names = BTreeSet::new();
    let mut keys = BTreeMap::new();
    let mut total: u64 = 0;
    for GenesisValidator { node_id, public_key, stake, .. } in validators {
        if !names.insert(node_id) {
            return Err(GenesisError::DuplicateNodeId(node_id.clone()));
        }
        if let Some(first) = keys.insert(public_key, node_id) {
            return Err(GenesisError::DuplicateKey { first: first.clone(), second: node_id.clone() });
        }
        if !is_usable(public_key) {
            return Err(GenesisError::BadKey { node_id: node_id.clone(), key: *public_key });
        }
        if *stake < minimum {
            return Err(GenesisError::InsufficientStake { node_id: node_id.clone(), stake: *stake, minimum });
        }
        total = total.checked_add(stake.0).ok_or(GenesisError::StakeOverflow)?;
    }
    Ok(Stake(total))
}

/// A point of the curve in its one canonical encoding (or one key could stand in the list twice), and none of the few for
/// which a signature says nothing.
fn is_usable(key: &PublicKey) -> bool {
    ed25519_dalek::VerifyingKey::from_bytes(&key.0)
        .is_ok_and(|point| !point.is_weak() && point.to_edwards().compress().to_bytes() == key.0)
}

/// The chain id: everything that stands in the genesis by choice. What follows from it is not hashed again, so the block
/// and the ledger may name the chain id.
fn chain_id(content: &GenesisContent) -> Hash {
    let layout = Layout::new("pop/genesis/v1")
        .u32(GENESIS_VERSION)
        .u64(content.timestamp_ms.0)
        .u64(content.epoch.0)
        .hash(&content.epoch_seed)
        .sequence(content.validators.iter(), |layout, validator| {
            layout
                .bytes(validator.node_id.as_str().as_bytes())
                .bytes(&validator.public_key.0)
                .u64(validator.stake.0)
                .u64(validator.initial_balance.0)
        });
    content.parameters.write(layout).digest()
}

/// The root of the ledger before the first block.
fn initial_state_root(genesis: &Genesis) -> Hash {
    genesis.ledger().root()
}

/// The id of block 0, whose state root is the initial one.
fn genesis_block_hash(genesis: &Genesis) -> Hash {
    genesis.block().id()
}

#[cfg(test)]
mod tests;
