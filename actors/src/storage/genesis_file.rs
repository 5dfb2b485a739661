//! The genesis in its file: read and checked in one step, written whole or not at all.

use super::files::{self, Existing, FileError};
use protocol::genesis::{Genesis, GenesisError, GenesisFile};
use std::io;
use std::path::{Path, PathBuf};

/// A thousand validators take some 300 kB.
const FILE_BYTES_MAX: u64 = 4 << 20;

/// Why there is no genesis.
#[derive(Debug, thiserror::Error)]
pub enum GenesisFileError {
    #[error(
        "there is no genesis at {path}: make one with `pop init-genesis-state --validators config/validators.json \
         --output {path}`, or copy the one of the network that you join",
        path = path.display()
    )]
    Missing { path: PathBuf },
    #[error(
        "{path} is not a genesis: {fault}; take an unchanged copy from a validator of the network",
        path = path.display(), fault = files::json_fault(source)
    )]
    Form { path: PathBuf, source: serde_json::Error },
    #[error(
        "the genesis in {path} does not hold: {source}; take an unchanged copy from a validator of the network",
        path = path.display()
    )]
    Invalid { path: PathBuf, source: GenesisError },
    #[error("{path} exists already: --force replaces it, and the network it stands for is then gone", path = path.display())]
    Exists { path: PathBuf },
    #[error(transparent)]
    File(#[from] FileError),
}

/// Reads and checks a genesis.
///
/// # Errors
/// `Missing`, `Form` (not JSON, unknown fields), `Invalid` (rules and hashes), `File`.
pub fn read(path: &Path) -> Result<Genesis, GenesisFileError> {
    let bytes = files::read_bounded(path, FILE_BYTES_MAX).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => GenesisFileError::Missing { path: path.into() },
        _ => GenesisFileError::File(error),
    })?;
    let file: GenesisFile =
        serde_json::from_slice(&bytes).map_err(|source| GenesisFileError::Form { path: path.into(), source })?;
    Genesis::verify(file).map_err(|source| GenesisFileError::Invalid { path: path.into(), source })
}

/// Writes a genesis durably, as JSON that `cat` shows; its directory is made if need be.
///
/// # Errors
/// `Exists` if there is a file that is to be kept; `File`.
pub fn write(path: &Path, genesis: &Genesis, existing: Existing) -> Result<(), GenesisFileError> {
    if let Some(directory) = path.parent().filter(|directory| !directory.as_os_str().is_empty()) {
        files::make_directory(directory, 0o755)?;
    }
    let mut text = serde_json::to_string_pretty(&genesis.to_file()).expect("every field has a JSON form");
    text.push('\n');
    files::write_whole(path, text.as_bytes(), 0o644, existing).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => GenesisFileError::Exists { path: path.into() },
        _ => GenesisFileError::File(error),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::genesis::{GenesisContent, GenesisValidator};
    use protocol::parameters::{ConsensusParameters, Tokens};
    use protocol::types::{Epoch, Hash, Millis, NodeId, Stake};
    use protocol::verdict::SolverPin;

    #[test]
    fn a_flipped_bit_anywhere_is_refused_or_changes_nothing() {
        let validator = |number: u8| GenesisValidator {
            node_id: NodeId::new(&format!("node_{number}")).unwrap(),
            public_key: protocol::signature::public_key(&ed25519_dalek::SigningKey::from_bytes(&[number; 32])),
            stake: Stake(10_000),
            initial_balance: Tokens(0),
        };
        let genesis = Genesis::new(GenesisContent {
            timestamp_ms: Millis(1_000),
            epoch: Epoch(1),
            epoch_seed: Hash([7; 32]),
            validators: (1..=2).map(validator).collect(),
            parameters: ConsensusParameters::new(SolverPin { library: Hash([3; 32]), normaliser_version: 1 }),
        })
        .unwrap();
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("genesis.json");
        write(&path, &genesis, Existing::Keep).unwrap();
        let whole = std::fs::read(&path).unwrap();
        let mut refused = 0;
        for at in 0..whole.len() {
            let mut bytes = whole.clone();
            bytes[at] ^= 1 << (at % 8);
            std::fs::write(&path, bytes).unwrap();
            match read(&path) {
                // A digit of a hash in the other case, a space that is another kind of space.
                Ok(found) => assert_eq!(found.to_file(), genesis.to_file(), "byte {at}"),
                Err(error) => {
                    let what_to_do = "take an unchanged copy from a validator of the network";
                    assert!(error.to_string().contains(what_to_do), "byte {at}: {error}");
                    refused += 1;
                }
            }
        }
        assert!(refused > whole.len() / 2, "{refused} of {}", whole.len());
    }
}
