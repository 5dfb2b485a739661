//! What a genesis refuses, and that its chain id covers everything in it.

use super::*;
use crate::verdict::SolverPin;
use alloc::{format, string::ToString, vec};

fn key(seed: u8) -> PublicKey {
    crate::signature::public_key(&ed25519_dalek::SigningKey::from_bytes(&[seed; 32]))
}

fn validator(number: u8) -> GenesisValidator {
    GenesisValidator {
        node_id: NodeId::new(&format!("node_{number}")).unwrap(),
        public_key: key(number),
        stake: Stake(10_000),
        initial_balance: Tokens(0),
    }
}

fn content() -> GenesisContent {
    GenesisContent {
        timestamp_ms: Millis(1_700_000_000_000),
        epoch: EPOCH,
        epoch_seed: Hash([7; 32]),
        validators: (1..=4).map(validator).collect(),
        parameters: ConsensusParameters::new(SolverPin { library: Hash([9; 32]), normaliser_version: 1 }),
    }
}

fn refused(change: impl FnOnce(&mut GenesisContent)) -> GenesisError {
    let mut content = content();
    change(&mut content);
    Genesis::new(content).expect_err("the change makes it no genesis")
}

#[test]
fn four_validators_make_a_genesis() {
    let genesis = Genesis::new(content()).unwrap();
    assert_eq!(genesis.total_stake(), Stake(40_000));
    assert_eq!(genesis.supply(), Amount::from_tokens(1_040_000));
    assert_eq!(genesis.index_of(&NodeId::new("node_3").unwrap()), Some(ValidatorIndex(2)));
    assert_eq!(genesis.index_of_key(&key(4)), Some(ValidatorIndex(3)));
    assert_eq!(genesis.index_of_key(&key(5)), None);
    assert_eq!(genesis.validator(ValidatorIndex(4)), None);
}

#[test]
fn the_genesis_block_is_empty_and_holds_the_initial_state() {
    let genesis = Genesis::new(content()).unwrap();
    let block = genesis.block();
    assert!(block.is_whole() && block.body == Body::default());
    assert_eq!((block.header.sequence, block.header.parent), (Sequence(0), Hash::ZERO));
    assert_eq!(block.header.state, genesis.ledger().root());
    assert_eq!(block.id(), genesis.genesis_block_hash());
    assert_eq!(genesis.validator_set().total(), genesis.total_stake());
}

#[test]
fn another_first_epoch_is_refused() {
    assert_eq!(refused(|c| c.epoch = Epoch(2)), GenesisError::Epoch { expected: Epoch(1), got: Epoch(2) });
}

#[test]
fn an_empty_or_too_long_list_is_refused() {
    assert_eq!(refused(|c| c.validators.clear()), GenesisError::NoValidators);
    let too_many = refused(|c| c.validators = vec![validator(1); VALIDATORS_MAX + 1]);
    assert_eq!(too_many, GenesisError::TooManyValidators { max: 1_000, got: 1_001 });
}

#[test]
fn a_name_or_a_key_occurs_once() {
    let name = refused(|c| c.validators[2].node_id = NodeId::new("node_1").unwrap());
    assert_eq!(name.to_string(), "two validators are named node_1: every node id may occur once");
    let twice = refused(|c| c.validators[3].public_key = key(2));
    assert!(matches!(twice, GenesisError::DuplicateKey { first, second }
        if first.as_str() == "node_2" && second.as_str() == "node_4"));
}

#[test]
fn a_key_that_is_no_point_or_of_small_order_is_refused() {
    let identity = PublicKey(core::array::from_fn(|i| u8::from(i == 0)));
    for bad in [identity, PublicKey([0; 32]), PublicKey([0xff; 32])] {
        assert!(matches!(refused(|c| c.validators[0].public_key = bad), GenesisError::BadKey { .. }), "{bad}");
    }
}

#[test]
fn stake_below_the_minimum_is_insufficient_and_above_u64_an_overflow() {
    let low = refused(|c| c.validators[1].stake = Stake(999));
    assert_eq!(low.to_string(), "Insufficient stake: node_2 has 999 tokens, the minimum is 1000");
    assert!(matches!(refused(|c| c.validators[1].stake = Stake(0)), GenesisError::InsufficientStake { .. }));
    assert_eq!(refused(|c| c.validators[1].stake = Stake(u64::MAX)), GenesisError::StakeOverflow);
}

#[test]
fn a_parameter_out_of_range_is_named() {
    type Change = fn(&mut ConsensusParameters);
    let changes: [(&str, Change); 6] = [
        ("minimum_stake", |p| p.minimum_stake = Stake(0)),
        ("ledger_window", |p| p.ledger_window = 0),
        ("clock_tolerance_ms", |p| p.clock_tolerance_ms = Millis(0)),
        ("slashing.double_sign_percent", |p| p.slashing.double_sign_percent = 101),
        ("block.bytes_max", |p| p.block.bytes_max = 1),
        ("block.proofs_max", |p| p.block.proofs_max = 0),
    ];
    for (expected, change) in changes {
        match refused(|c| change(&mut c.parameters)) {
            GenesisError::Parameter(ParameterError::OutOfRange { name, .. }) => assert_eq!(name, expected),
            other => panic!("{expected}: {other}"),
        }
    }
}

/// A chain of it would stop with its first block.
#[test]
fn blocks_too_small_for_the_votes_of_their_parent_are_refused() {
    let many = |number: u16| {
        let mut seed = [0; 32];
        seed[..2].copy_from_slice(&number.to_be_bytes());
        let public_key = crate::signature::public_key(&ed25519_dalek::SigningKey::from_bytes(&seed));
        GenesisValidator { node_id: NodeId::new(&format!("node_{number}")).unwrap(), public_key, ..validator(1) }
    };
    let error = refused(|c| {
        c.validators = (0..800).map(many).collect();
        c.parameters.block.bytes_max = 65_536;
    });
    assert!(matches!(error, GenesisError::BlockTooSmall { validators: 800, got: 65_536, .. }), "{error}");
}

#[test]
fn contradicting_verifier_limits_are_refused() {
    let error = refused(|c| c.parameters.verifier.soft.cpu_ms = c.parameters.verifier.hard.cpu_ms + 1);
    assert!(matches!(error, GenesisError::Parameter(ParameterError::Verifier(_))), "{error}");
}

#[test]
fn the_file_comes_back_as_the_same_genesis() {
    let genesis = Genesis::new(content()).unwrap();
    let text = serde_json::to_string_pretty(&genesis.to_file()).unwrap();
    let file: GenesisFile = serde_json::from_str(&text).unwrap();
    assert_eq!(Genesis::verify(file).unwrap(), genesis);
}

/// Every value in the file is under the chain id or checked against it: no single change goes through.
#[test]
fn every_changed_value_in_a_file_is_noticed() {
    let file = serde_json::to_value(Genesis::new(content()).unwrap().to_file()).unwrap();
    let mut paths = vec![];
    leaves(&file, "", &mut paths);
    assert!(paths.len() > 40, "the file has many values: {}", paths.len());
    for path in paths {
        let mut changed = file.clone();
        let value = changed.pointer_mut(&path).unwrap();
        *value = match value.clone() {
            serde_json::Value::Number(number) => (number.as_u64().unwrap() + 1).into(),
            serde_json::Value::String(text) if path.ends_with("node_id") => format!("{text}x").into(),
            serde_json::Value::String(text) => {
                let flipped = if text.starts_with('0') { '1' } else { '0' };
                format!("{flipped}{}", &text[1..]).into()
            }
            other => panic!("{path}: {other}"),
        };
        if let Ok(file) = serde_json::from_value::<GenesisFile>(changed) {
            assert!(Genesis::verify(file).is_err(), "a changed {path} was not noticed");
        }
    }
}

fn leaves(value: &serde_json::Value, path: &str, found: &mut Vec<alloc::string::String>) {
    match value {
        serde_json::Value::Object(map) => map.iter().for_each(|(key, v)| leaves(v, &format!("{path}/{key}"), found)),
        serde_json::Value::Array(items) => {
            items.iter().enumerate().for_each(|(i, v)| leaves(v, &format!("{path}/{i}"), found));
        }
        _ => found.push(path.into()),
    }
}

#[test]
fn an_unknown_field_is_refused() {
    let mut file = serde_json::to_value(Genesis::new(content()).unwrap().to_file()).unwrap();
    file["parameters"]["block"]["colour"] = 1.into();
    let error = serde_json::from_value::<GenesisFile>(file).unwrap_err();
    assert!(error.to_string().contains("colour"), "{error}");
}

#[test]
fn another_file_version_is_refused_as_such() {
    let mut file = Genesis::new(content()).unwrap().to_file();
    file.version = 2;
    assert_eq!(Genesis::verify(file), Err(GenesisError::Version { expected: 1, got: 2 }));
}
