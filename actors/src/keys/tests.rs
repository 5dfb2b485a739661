//! Key files: made once, private, and never believed without a check.

use super::*;
use protocol::genesis::{GenesisContent, GenesisValidator};
use protocol::parameters::{ConsensusParameters, Tokens};
use protocol::types::{Epoch, Hash, Millis, Stake};
use protocol::verdict::SolverPin;

fn directory() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

#[test]
fn a_key_comes_back_as_it_was_made_with_a_private_mode() {
    let directory = directory();
    let path = directory.path().join("keys/node_1.key");
    let key = generate().unwrap();
    create(&path, &key).unwrap();
    assert_eq!(load(&path).unwrap().to_bytes(), key.to_bytes());
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&path), 0o600);
    assert_eq!(mode(path.parent().unwrap()), 0o700);
}

#[test]
fn a_key_file_is_never_overwritten() {
    let directory = directory();
    let path = directory.path().join("node_1.key");
    create(&path, &generate().unwrap()).unwrap();
    let before = std::fs::read(&path).unwrap();
    assert!(matches!(create(&path, &generate().unwrap()), Err(KeyError::Exists { .. })));
    assert_eq!(std::fs::read(&path).unwrap(), before);
    assert!(matches!(load_or_create(&path), Ok((_, Origin::Existing))));
}

#[test]
fn a_missing_key_is_made_where_that_is_wanted_only() {
    let directory = directory();
    let path = submitter_key_path(directory.path());
    assert!(matches!(load(&path), Err(KeyError::Missing { .. })));
    assert!(matches!(load_or_create(&path), Ok((_, Origin::New))));
    assert!(load(&path).is_ok());
}

#[test]
fn a_key_that_others_may_read_is_refused() {
    let directory = directory();
    let path = directory.path().join("node_1.key");
    create(&path, &generate().unwrap()).unwrap();
    for mode in [0o640, 0o604, 0o666, 0o620] {
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        assert!(matches!(load(&path), Err(KeyError::TooOpen { mode: got, .. }) if got == mode));
    }
}

#[test]
fn a_damaged_key_file_is_named_and_its_secret_never_shown() {
    let directory = directory();
    let path = directory.path().join("node_1.key");
    create(&path, &generate().unwrap()).unwrap();
    let whole = std::fs::read(&path).unwrap();
    let secret = String::from_utf8(whole.clone()).unwrap().split('"').nth(11).unwrap().to_owned();
    assert_eq!(secret.len(), 64);
    let damaged = |bytes: &[u8]| {
        std::fs::write(&path, bytes).unwrap();
        match load(&path) {
            Err(error @ KeyError::Damaged { .. }) => {
                assert!(!format!("{error} {error:?}").contains(&secret[..16]), "{error}");
            }
            other => panic!("{other:?}"),
        }
    };
    (0..whole.len() - 2).for_each(|length| damaged(&whole[..length]));
    let text = String::from_utf8(whole).unwrap();
    let flipped = if secret.starts_with('0') { "1" } else { "0" };
    damaged(text.replace(&secret, &format!("{flipped}{}", &secret[1..])).as_bytes());
    damaged(text.replace(&secret, &format!("{}zz", &secret[2..])).as_bytes());
    damaged(text.replace("ed25519", "rsa").as_bytes());
    damaged(&[b' '; 5_000]);
}

#[test]
fn a_foreign_key_and_an_unknown_node_are_told_apart() {
    let directory = directory();
    let [mine, other] = [generate().unwrap(), generate().unwrap()];
    let node = |name: &str| NodeId::new(name).unwrap();
    let genesis = Genesis::new(GenesisContent {
        timestamp_ms: Millis(1),
        epoch: Epoch(1),
        epoch_seed: Hash::ZERO,
        validators: vec![GenesisValidator {
            node_id: node("node_1"),
            public_key: public_key(&mine),
            stake: Stake(10_000),
            initial_balance: Tokens(0),
        }],
        parameters: ConsensusParameters::new(SolverPin { library: Hash::ZERO, normaliser_version: 1 }),
    })
    .unwrap();
    let path = validator_key_path(directory.path(), &node("node_1"));
    create(&path, &mine).unwrap();
    assert_eq!(load_validator(&path, &node("node_1"), &genesis).unwrap().1, ValidatorIndex(0));
    let unknown = load_validator(&path, &node("node_9"), &genesis).unwrap_err();
    assert_eq!(unknown.to_string(), "node_9 is not a validator of this genesis, which has: node_1");
    std::fs::remove_file(&path).unwrap();
    create(&path, &other).unwrap();
    assert!(matches!(load_validator(&path, &node("node_1"), &genesis), Err(KeyError::Foreign { .. })));
}

#[test]
fn a_flipped_bit_anywhere_in_a_key_file_is_refused_or_changes_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("node_1.key");
    let key = generate().unwrap();
    create(&path, &key).unwrap();
    let whole = std::fs::read(&path).unwrap();
    let mut refused = 0;
    for at in 0..whole.len() {
        let mut bytes = whole.clone();
        bytes[at] ^= 1 << (at % 8);
        // In place: it keeps its mode.
        std::fs::write(&path, bytes).unwrap();
        match load(&path) {
            Ok(found) => assert_eq!(found.to_bytes(), key.to_bytes(), "byte {at}"),
            Err(error) => {
                assert!(error.to_string().contains("restore it from its backup"), "byte {at}: {error}");
                refused += 1;
            }
        }
    }
    assert!(refused > whole.len() / 2, "{refused} of {}", whole.len());
}
