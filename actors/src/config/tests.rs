//! What a configuration means, what it refuses, and that its documentation is complete.

use super::*;
use protocol::genesis::{GenesisContent, GenesisValidator};
use protocol::parameters::{ConsensusParameters, Tokens};
use protocol::signature::public_key;
use protocol::types::{Epoch, Hash};
use protocol::verdict::SolverPin;

fn node(name: &str) -> NodeId {
    NodeId::new(name).unwrap()
}

fn genesis() -> Genesis {
    let validator = |number: u8| GenesisValidator {
        node_id: node(&format!("node_{number}")),
        public_key: public_key(&ed25519_dalek::SigningKey::from_bytes(&[number; 32])),
        stake: Stake(10_000),
        initial_balance: Tokens(0),
    };
    Genesis::new(GenesisContent {
        timestamp_ms: Millis(1),
        epoch: Epoch(1),
        epoch_seed: Hash::ZERO,
        validators: (1..=4).map(validator).collect(),
        parameters: ConsensusParameters::new(SolverPin { library: Hash::ZERO, normaliser_version: 1 }),
    })
    .unwrap()
}

/// The guide's example with some JSON merged over it.
fn with(change: serde_json::Value) -> Result<NodeConfig, ConfigError> {
    let mut file: serde_json::Value =
        serde_json::from_str(include_str!("../../../config/node_1.json")).expect("the example is JSON");
    merge(&mut file, change);
    let source = |source| ConfigError::Form { path: "config/node_1.json".into(), key: String::new(), source };
    resolve(serde_json::from_value(file).map_err(source)?, None, None, &genesis())
}

fn merge(into: &mut serde_json::Value, from: serde_json::Value) {
    match (into, from) {
        (serde_json::Value::Object(into), serde_json::Value::Object(from)) => {
            from.into_iter().for_each(|(key, value)| merge(into.entry(key).or_insert(serde_json::Value::Null), value));
        }
        (into, from) => *into = from,
    }
}

#[test]
fn the_guides_file_means_what_the_guide_says() {
    let config = with(serde_json::json!({})).unwrap();
    assert_eq!((config.index, config.stake), (ValidatorIndex(0), Stake(10_000)));
    assert_eq!(config.network.listen, "0.0.0.0:8001".parse().unwrap());
    assert_eq!(config.http, "127.0.0.1:9001".parse().unwrap());
    let peers: Vec<_> = config.network.bootstrap_peers.iter().map(|peer| peer.address.to_string()).collect();
    assert_eq!(peers, ["localhost:8002", "localhost:8003", "localhost:8004"]);
    assert_eq!(config.consensus.timeout, Millis(10_000));
    assert_eq!(config.consensus.view_change_timeout, Millis(5_000));
    assert_eq!(config.data_dir, Path::new("data/node_1"));
    assert_eq!(config.key_file, Path::new("data/keys/node_1.key"));
    assert_eq!(config.verifier.sandbox, SandboxMode::Required);
}

#[test]
fn without_a_file_the_conventions_give_the_same_node() {
    let by_file = with(serde_json::json!({})).unwrap();
    let by_convention = resolve(ConfigFile::new(node("node_1")), Some(Stake(10_000)), None, &genesis()).unwrap();
    assert_eq!(by_file, by_convention);
}

#[test]
fn every_example_file_resolves_for_its_node() {
    for number in 1..=4 {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../config/node_{number}.json"));
        let config = resolve(file::read(&path).unwrap(), None, None, &genesis()).unwrap();
        assert_eq!(config.network.listen.port(), 8_000 + number);
        assert_eq!(config.network.bootstrap_peers.len(), 3);
    }
}

#[test]
fn only_canonical_names_have_a_conventional_port() {
    assert_eq!(convention_port(&node("node_1")), Some(8_001));
    assert_eq!(convention_port(&node("node_100")), Some(8_100));
    assert_eq!(convention_port(&node("node_56535")), Some(64_535), "the last with a port for HTTP");
    for name in ["node_0", "node_01", "node_", "node_x", "alice", "node_56536", "node_99999999"] {
        assert_eq!(convention_port(&node(name)), None, "{name}");
    }
    let error =
        resolve(ConfigFile { node_id: node("node_2"), ..ConfigFile::new(node("node_2")) }, None, None, &genesis());
    assert!(error.is_ok());
}

#[test]
fn a_stake_below_the_minimum_or_against_the_genesis_is_refused() {
    let stake = |tokens| resolve(ConfigFile::new(node("node_1")), Some(Stake(tokens)), None, &genesis()).unwrap_err();
    assert!(stake(999).to_string().starts_with("Insufficient stake: node_1 has 999 tokens, the minimum is 1000"));
    assert!(matches!(stake(20_000), ConfigError::StakeContradicts { genesis: Stake(10_000), .. }));
    let in_file = with(serde_json::json!({"stake": 5000})).unwrap_err();
    assert!(matches!(in_file, ConfigError::StakeContradicts { origin: "the configuration file", .. }));
    let unknown = resolve(ConfigFile::new(node("node_9")), Some(Stake(10_000)), None, &genesis()).unwrap_err();
    assert!(matches!(unknown, ConfigError::UnknownNode { .. }));
}

#[test]
fn values_out_of_range_are_named_with_the_key() {
    for (key, change) in [
        ("network.listen_port", serde_json::json!({"network": {"listen_port": 0}})),
        ("network.listen_port", serde_json::json!({"network": {"listen_port": 65000}})),
        ("http.port", serde_json::json!({"http": {"port": 8001}})),
        ("consensus.timeout", serde_json::json!({"consensus": {"timeout": 0.1}})),
        ("consensus.timeout", serde_json::json!({"consensus": {"timeout": -1}})),
        ("consensus.view_change_timeout", serde_json::json!({"consensus": {"view_change_timeout": 1e300}})),
        ("consensus.idle_block_interval", serde_json::json!({"consensus": {"idle_block_interval": 0}})),
        ("consensus.block_size_max", serde_json::json!({"consensus": {"block_size_max": 1001}})),
        ("mempool.proofs_max", serde_json::json!({"mempool": {"proofs_max": 0}})),
        ("mempool.bytes_max", serde_json::json!({"mempool": {"bytes_max": 1000}})),
        ("verifier.workers", serde_json::json!({"verifier": {"workers": 0}})),
        ("storage.cache_bytes", serde_json::json!({"storage": {"cache_bytes": 1}})),
    ] {
        match with(change.clone()) {
            Err(ConfigError::OutOfRange { key: named, .. }) => assert_eq!(named, key, "{change}"),
            other => panic!("{change}: {other:?}"),
        }
    }
}

#[test]
fn in_a_crowd_on_one_machine_a_validator_takes_less() {
    let crowd = |count: u16, host: &str| {
        let names: Vec<NodeId> = (1..=count).map(|k| node(&format!("node_{k}"))).collect();
        let peers = names.iter().zip(9_000..);
        let peers =
            peers.map(|(node_id, port)| PeerAddress { node_id: node_id.clone(), address: Address::new(host, port) });
        let network =
            NetworkConfig { listen: ([127, 0, 0, 1], 8_000).into(), bootstrap_peers: peers.skip(1).collect() };
        resolve_verifier(&VerifierSection::default(), &network).unwrap()
    };
    for (count, host, is_crowd) in [(16, "localhost", false), (17, "localhost", true), (100, "10.0.0.1", false)] {
        let verifier = crowd(count, host);
        assert_eq!(verifier.spare, !is_crowd, "{count} at {host}");
    }
}

#[test]
fn unknown_keys_are_refused_at_every_level() {
    for change in [
        serde_json::json!({"stakes": 1}),
        serde_json::json!({"network": {"port": 1}}),
        serde_json::json!({"consensus": {"time_out": 1}}),
        serde_json::json!({"network": {"bootstrap_peers": [{"node_id": "node_2", "address": "a:1", "key": ""}]}}),
    ] {
        let error = with(change).unwrap_err();
        assert!(error.to_string().contains("unknown field"), "{error}");
    }
}

#[test]
fn peers_are_validators_of_the_genesis_named_once_and_never_the_node_itself() {
    let peers = |names: &[&str]| {
        let peers: Vec<_> = names.iter().map(|n| serde_json::json!({"node_id": n, "address": "localhost:1"})).collect();
        with(serde_json::json!({"network": {"bootstrap_peers": peers}}))
    };
    assert_eq!(peers(&["node_1", "node_2"]).unwrap().network.bootstrap_peers.len(), 1);
    assert!(peers(&[]).unwrap().network.bootstrap_peers.is_empty());
    assert!(matches!(peers(&["node_7"]), Err(ConfigError::UnknownPeer(_))));
    assert!(matches!(peers(&["node_2", "node_2"]), Err(ConfigError::PeerTwice(_))));
}

#[test]
fn a_running_node_is_found_by_its_file_then_by_convention_or_by_its_address() {
    let directory = tempfile::tempdir().unwrap();
    let find = |name: &str| http_address(name, directory.path()).map(|address| address.to_string());
    assert_eq!(find("node_3").unwrap(), "127.0.0.1:9003");
    assert_eq!(find("10.0.0.9:9001").unwrap(), "10.0.0.9:9001");
    assert!(matches!(find("alice"), Err(ConfigError::NoConvention { .. })));
    assert!(matches!(find("a/b"), Err(ConfigError::NoNodeName { .. })));
    let write = |text: &str| std::fs::write(directory.path().join("alice.json"), text).unwrap();
    write(r#"{"node_id": "alice", "network": {"listen_port": 7000}}"#);
    assert_eq!(find("alice").unwrap(), "127.0.0.1:8000");
    write(r#"{"node_id": "alice", "network": {"listen_port": 7000}, "http": {"address": "0.0.0.0", "port": 7001}}"#);
    assert_eq!(find("alice").unwrap(), "127.0.0.1:7001");
    write(r#"{"node_id": "alice", "network": {"listen_port": 7000}, "http": {"address": "::1"}}"#);
    assert_eq!(find("alice").unwrap(), "[::1]:8000");
    write("{}");
    assert!(matches!(find("alice"), Err(ConfigError::Form { .. })));
}

#[test]
fn an_explicit_file_for_another_node_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("node_2.json");
    std::fs::write(&path, r#"{"node_id": "node_2"}"#).unwrap();
    let flags =
        |config| Flags { node_id: node("node_1"), config: Some(config), stake: None, data_dir: None, key_file: None };
    assert!(matches!(load(&flags(path), &genesis()), Err(ConfigError::OtherNode { .. })));
    let missing = load(&flags(directory.path().join("none.json")), &genesis());
    assert!(matches!(missing, Err(ConfigError::Missing { .. })));
}

#[test]
fn a_written_file_reads_back_and_leaves_defaults_out() {
    let mut file = ConfigFile::new(node("node_1"));
    file.network.listen_port = Some(8001);
    file.consensus.timeout = Some(Millis(2_500).into());
    let text = serde_json::to_string(&file).unwrap();
    assert_eq!(text, r#"{"node_id":"node_1","network":{"listen_port":8001},"consensus":{"timeout":2.5}}"#);
    assert_eq!(serde_json::from_str::<ConfigFile>(&text).unwrap(), file);
}

/// Every key that a file may have stands in the documentation, in backquotes.
#[test]
fn every_key_is_documented() {
    let documentation = include_str!("../../../docs/CONFIGURATION.md");
    let sections = [
        ("network", NetworkSection::KEYS),
        ("http", HttpSection::KEYS),
        ("consensus", ConsensusSection::KEYS),
        ("mempool", MempoolSection::KEYS),
        ("verifier", VerifierSection::KEYS),
        ("metrics", MetricsSection::KEYS),
        ("storage", StorageSection::KEYS),
    ];
    let keys = sections.iter().flat_map(|(section, keys)| keys.iter().map(move |key| format!("{section}.{key}")));
    for key in keys.chain(["node_id", "stake", "data_dir", "key_file"].map(String::from)) {
        assert!(documentation.contains(&format!("| `{key}` |")), "{key} is not documented");
    }
}
