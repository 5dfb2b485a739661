//! Ed25519 keys in files: a validator's identity, and the submitter's key.
//!
//! A key file is created once, with mode 0600, and never written again: an overwritten key is a lost validator. At
//! loading the mode is checked, and that the public half belongs to the private one. Nothing here prints or logs a
//! private key.

use crate::exit_code;
use crate::randomness::{NoRandomness, random_bytes};
use crate::storage::beside_key::bear;
use crate::storage::files::{self, Existing, FileError};
use ed25519_dalek::SigningKey;
use protocol::genesis::Genesis;
use protocol::signature::public_key;
use protocol::types::{NodeId, PublicKey, ValidatorIndex};
use serde::{Deserialize, Serialize};
use std::io::{self, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// Where keys are kept by default.
pub const KEYS_DIRECTORY: &str = "data/keys";

/// A key file is some 200 bytes long.
const FILE_BYTES_MAX: u64 = 4_096;
/// A process' number, with room.
const LOCK_BYTES_MAX: u64 = 64;

/// The form of a key file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyFile {
    kind: String,
    public_key: PublicKey,
    private_key: String,
}

const KIND: &str = "ed25519";

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    #[error(
        "there is no key file {path}: a validator needs the key that its genesis names. If that is elsewhere, copy it here or \
         give --key-file; if it is lost, the validator is too: `pop key new --output {path}` makes another one, for a new \
         genesis (`pop init-genesis-state --force`)",
        path = path.display()
    )]
    Missing { path: PathBuf },
    #[error(
        "the key file {path} may be read by others (mode {mode:03o}): run `chmod 600 {path}`, and if anybody else uses \
         this machine, take a new key",
        path = path.display()
    )]
    TooOpen { path: PathBuf, mode: u32 },
    #[error("the key file {path} is damaged ({reason}): restore it from its backup", path = path.display())]
    Damaged { path: PathBuf, reason: Damage },
    #[error("the key file {path} exists already and is never overwritten: `pop key show --file {path}` prints its public half; for \
             another key give another --output", path = path.display())]
    Exists { path: PathBuf },
    #[error(
        "the key in {path} is not {node_id}'s: the genesis names {expected}, the file holds {found}. Use the key file \
         that the genesis was made with, or another --node-id",
        path = path.display()
    )]
    Foreign { path: PathBuf, node_id: NodeId, expected: PublicKey, found: PublicKey },
    #[error("{0}; {advice}", advice = exit_code::DISK_ADVICE)]
    Lock(FileError),
    #[error("{node_id} is not a validator of this genesis, which has: {known}")]
    UnknownNode { node_id: NodeId, known: String },
    #[error(
        "another process{who} uses {node_id}'s key, {path}: stop that one, or start this validator with a key and a --node-id of its \
         own; two that sign with one key lose a part of their stake",
        path = path.display()
    )]
    InUse { path: PathBuf, node_id: NodeId, who: String },
    #[error(transparent)]
    NoRandomness(#[from] NoRandomness),
    #[error(transparent)]
    File(#[from] FileError),
}

/// What is wrong with a key file. Never quotes it: it holds a secret.
#[derive(Debug, thiserror::Error)]
pub enum Damage {
    #[error("{0}")]
    Unread(io::Error),
    #[error("not a key file, at line {line} column {column}")]
    NoKeyFile { line: usize, column: usize },
    #[error("it holds a key of another kind than {KIND}")]
    OtherKind,
    #[error("the private key is not 64 hexadecimal digits")]
    NotHexadecimal,
    #[error("its two halves do not belong together")]
    HalvesDiffer,
}

/// Says to other processes of this machine that the key is in use, for as long as it lives.
#[derive(Debug)]
#[must_use]
pub struct InUse {
    _locked: std::fs::File,
}

/// Takes a validator's key for this process, by a lock on a file beside it, `<key file>.lock`. The system frees it when the
/// process ends, however it ends.
///
/// # Errors
/// `InUse` if another process has it, `Lock` if the lock cannot be made.
pub fn take(path: &Path, node_id: &NodeId) -> Result<InUse, KeyError> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".lock");
    let lock = path.with_file_name(name);
    let mut options = std::fs::OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false).mode(0o600);
    let mut file = options.open(&lock).map_err(FileError::at("open", &lock)).map_err(KeyError::Lock)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(std::fs::TryLockError::WouldBlock) => {
            let mut text = String::new();
            // For people alone: without a number it is still another process.
            let read = file.take(LOCK_BYTES_MAX).read_to_string(&mut text);
            let pid = read.ok().and_then(|_| text.trim().parse::<u32>().ok());
            let who = pid.map_or_else(String::new, |pid| format!(" ({pid})"));
            return Err(KeyError::InUse { path: path.into(), node_id: node_id.clone(), who });
        }
        Err(std::fs::TryLockError::Error(error)) => return Err(KeyError::Lock(FileError::at("lock", &lock)(error))),
    }
    let said = file.set_len(0).and_then(|()| file.write_all(format!("{}\n", std::process::id()).as_bytes()));
    said.map_err(FileError::at("write", &lock)).map_err(KeyError::Lock)?;
    Ok(InUse { _locked: file })
}

/// Whether a key was there before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    Existing,
    New,
}

/// A validator's key file.
pub fn validator_key_path(directory: &Path, node_id: &NodeId) -> PathBuf {
    directory.join(format!("{node_id}.key"))
}

/// The submitter's key file. Its ending is another one, so that a validator may bear any name.
pub fn submitter_key_path(directory: &Path) -> PathBuf {
    directory.join("submitter.submit-key")
}

/// Generates a key from the system's randomness.
///
/// # Errors
/// If the system gives none.
pub fn generate() -> Result<SigningKey, NoRandomness> {
    Ok(SigningKey::from_bytes(&random_bytes()?))
}

/// Writes a new key file, durably, with mode 0600; its directory is made with mode 0700 if need be.
///
/// # Errors
/// `Exists` if there is a file already, which stays as it is.
pub fn create(path: &Path, key: &SigningKey) -> Result<(), KeyError> {
    if let Some(directory) = path.parent().filter(|directory| !directory.as_os_str().is_empty()) {
        files::make_directory(directory, 0o700)?;
    }
    let file = KeyFile { kind: KIND.into(), public_key: public_key(key), private_key: hex::encode(key.to_bytes()) };
    let mut text = serde_json::to_string_pretty(&file).expect("three strings have a JSON form");
    text.push('\n');
    files::write_whole(path, text.as_bytes(), 0o600, Existing::Keep).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => KeyError::Exists { path: path.into() },
        _ => KeyError::File(error),
    })
}

/// Writes a validator's new key file as [`create`] does, and beside it that this key has never signed (R12). The key comes first: one
/// without the other asks for more than it needs to, and never for less.
///
/// # Errors
/// As [`create`].
pub fn create_born(path: &Path, key: &SigningKey) -> Result<(), KeyError> {
    create(path, key)?;
    Ok(bear(path)?)
}

/// Reads a key file.
///
/// # Errors
/// `Missing`, `TooOpen`, `Damaged`, or `File` if it cannot be read.
pub fn load(path: &Path) -> Result<SigningKey, KeyError> {
    let bytes = files::read_bounded(path, FILE_BYTES_MAX).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => KeyError::Missing { path: path.into() },
        io::ErrorKind::InvalidData => KeyError::Damaged { path: path.into(), reason: Damage::Unread(error.source) },
        _ => KeyError::File(error),
    })?;
    let mode = std::fs::metadata(path).map_err(FileError::at("read", path))?.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(KeyError::TooOpen { path: path.into(), mode });
    }
    parse(&bytes).map_err(|reason| KeyError::Damaged { path: path.into(), reason })
}

fn parse(bytes: &[u8]) -> Result<SigningKey, Damage> {
    let file: KeyFile = serde_json::from_slice(bytes)
        .map_err(|error| Damage::NoKeyFile { line: error.line(), column: error.column() })?;
    if file.kind != KIND {
        return Err(Damage::OtherKind);
    }
    let mut seed = [0; 32];
    hex::decode_to_slice(&file.private_key, &mut seed).map_err(|_| Damage::NotHexadecimal)?;
    let key = SigningKey::from_bytes(&seed);
    if public_key(&key) == file.public_key { Ok(key) } else { Err(Damage::HalvesDiffer) }
}

/// Reads a key file, or creates it if it is missing.
///
/// # Errors
/// As [`load`] and [`create`], but never `Missing`.
pub fn load_or_create(path: &Path) -> Result<(SigningKey, Origin), KeyError> {
    match load(path) {
        Ok(key) => Ok((key, Origin::Existing)),
        Err(KeyError::Missing { .. }) => {
            let key = generate()?;
            match create(path, &key) {
                Ok(()) => Ok((key, Origin::New)),
                // Another process was faster, and its key is as good.
                Err(KeyError::Exists { .. }) => load(path).map(|key| (key, Origin::Existing)),
                Err(error) => Err(error),
            }
        }
        Err(error) => Err(error),
    }
}

/// Reads the key of a validator and checks that it is the one that the genesis names.
///
/// # Errors
/// `UnknownNode`, `Foreign`, and as [`load`].
pub fn load_validator(
    path: &Path,
    node_id: &NodeId,
    genesis: &Genesis,
) -> Result<(SigningKey, ValidatorIndex), KeyError> {
    let unknown = || KeyError::UnknownNode { node_id: node_id.clone(), known: names(genesis) };
    let index = genesis.index_of(node_id).ok_or_else(unknown)?;
    let expected = genesis.validators()[index.as_usize()].public_key;
    let key = load(path)?;
    let found = public_key(&key);
    if found == expected {
        Ok((key, index))
    } else {
        Err(KeyError::Foreign { path: path.into(), node_id: node_id.clone(), expected, found })
    }
}

/// The first few names, for an error message.
fn names(genesis: &Genesis) -> String {
    const SHOWN: usize = 8;
    let all = genesis.validators();
    let mut text = all.iter().take(SHOWN).map(|v| v.node_id.as_str()).collect::<Vec<_>>().join(", ");
    if all.len() > SHOWN {
        text.push_str(&format!(", … ({} validators)", all.len()));
    }
    text
}

#[cfg(test)]
mod tests;
