//! Validators with data, files and neighbours that are not as they should be: each fault is an error of its own, says what
//! to do, and has its exit code; what may be gone on from is gone on from, without ever signing twice.

mod network_support;

use network_support::audit::{Signed, agree, audit, signed_by};
use network_support::proofs::Submitter;
use network_support::refusal::{CONFIGURATION, DAMAGED, refused};
use network_support::{End, Network, Stranger, Validator, damage, say, until};
use serde_json::{Value, json};
use std::fs;
use std::io::Write;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Instant;

/// What is done to a file or folder.
type Harm = fn(&Path);

/// The unit in which the vote log is laid out: header, then batches.
const SECTOR: usize = 4_096;

/// A network of one that has made a few blocks and is stopped.
fn one_with_history() -> Network {
    let mut network = Network::running(1, json!({}));
    let submitter = Submitter::new(network.chain());
    for _ in 0..3 {
        let proof = submitter.submit(&network.nodes[0]);
        network.nodes[0].await_final(&proof);
    }
    assert_eq!(network.nodes[0].end(End::Terminate).code(), Some(0));
    network
}

/// The last byte that is not zero lies in the last batch.
fn last_byte(bytes: &[u8]) -> usize {
    bytes.iter().rposition(|byte| *byte != 0).unwrap()
}

#[test]
fn damage_in_the_middle_of_the_vote_log_stops_the_node_and_changes_nothing() {
    let mut network = one_with_history();
    let log = network.nodes[0].data("votes.log");
    let whole = fs::read(&log).unwrap();
    for at in [20, SECTOR + 30, SECTOR + 70, 2 * SECTOR + 100] {
        damage(&log, |_| at);
        let damaged = fs::read(&log).unwrap();
        let ended = network.nodes[0].refuses_to_start(&[]);
        refused(&ended, DAMAGED, &["votes.log", "is damaged at byte", "Move the file away"]);
        assert_eq!(fs::read(&log).unwrap(), damaged, "damage is evidence");
        fs::write(&log, &whole).unwrap();
    }
    // As the message says: away with it, and the history is unknown. A network of one has nobody to ask.
    fs::rename(&log, network.path("evidence")).unwrap();
    let node = &mut network.nodes[0];
    node.start();
    assert!(node.waiting_for().is_some_and(|why| why.contains("vote log is lost")), "{:?}", node.waiting_for());
    let before = node.sequence();
    node.end(End::Terminate);
    node.start_with(&["--risk-double-signing"]);
    until("it signs again", || (node.poll_status()?["waiting_for"].is_null()).then_some(()));
    let proof = Submitter::new(network.chain()).submit(&network.nodes[0]);
    assert!(network.nodes[0].await_final(&proof) > before);
}

#[test]
fn a_damaged_database_stops_the_node() {
    let mut network = one_with_history();
    let database = network.nodes[0].data("state.redb");
    let whole = fs::read(&database).unwrap();
    let cut = whole[..whole.len() / 2].to_vec();
    for bytes in [b"this is no database at all".repeat(1_000), cut] {
        fs::write(&database, &bytes).unwrap();
        let ended = network.nodes[0].refuses_to_start(&[]);
        refused(&ended, DAMAGED, &["state.redb", "is damaged", "move it away"]);
    }
    fs::write(&database, whole).unwrap();
    network.start_all();
    assert!(network.nodes[0].sequence() > 0);
}

#[test]
fn a_validator_with_a_torn_or_lost_log_waits_for_the_others_and_signs_again() {
    let mut network = Network::running(4, json!({}));
    let submitter = Submitter::new(network.chain());
    let mut signed = Signed::default();
    for _ in 0..4 {
        let proof = submitter.submit(&network.nodes[3]);
        network.nodes.iter_mut().for_each(|node| _ = node.await_final(&proof));
    }
    let stories: [(&str, Harm); 3] = [
        ("the last record of the vote log was damaged", |log| damage(log, last_byte)),
        // The file lost its end, as after a crash of a file system that had not written its length.
        ("the last record of the vote log was damaged", |log| {
            let bytes = fs::read(log).unwrap();
            fs::write(log, &bytes[..last_byte(&bytes)]).unwrap();
        }),
        ("this validator's vote log is lost or an old copy", |log| fs::remove_file(log).unwrap()),
    ];
    for (why, harm) in stories {
        network.nodes.iter().for_each(|node| node.signal(End::Kill));
        network.nodes.iter_mut().for_each(|node| _ = node.wait_for_end());
        signed.read_log(&network, &network.nodes[3]);
        harm(&network.nodes[3].data("votes.log"));
        // Alone it says what it waits for, and so does its command line.
        let node = &mut network.nodes[3];
        node.start();
        let told = node.waiting_for().unwrap();
        assert!(told.contains(why), "{told}");
        assert!(node.log().contains("the vote log is not whole"), "and the log says it");
        let shown = network.pop(&["status", "--node", "node_4"]);
        assert!(String::from_utf8_lossy(&shown.stdout).contains(why), "{shown:?}");

        let begun = Instant::now();
        network.start_all();
        say(format_args!("{why}: all four signed {:?} after the other three were started", begun.elapsed()));
        let from = network.nodes[3].sequence() + 1;
        let proof = submitter.submit(&network.nodes[3]);
        network.nodes.iter_mut().for_each(|node| _ = node.await_final(&proof));
        let takes_part = |blocks: Vec<Value>| blocks.iter().any(|block| signed_by(block, "node_4"));
        until("it signs blocks again", || {
            submitter.submit(&network.nodes[0]);
            takes_part(network.nodes[0].blocks(from)).then_some(())
        });
        agree(&mut network);
    }
    audit(&mut network, signed);
}

#[test]
fn a_log_lost_under_load_is_made_good_while_the_others_go_on() {
    let mut network = Network::running(4, json!({}));
    let submitter = Submitter::new(network.chain());
    let mut signed = Signed::default();
    let mut proofs = Vec::new();
    for _ in 0..3 {
        // The others hold votes of its that are in no certificate yet.
        proofs.extend((0..8).map(|turn| submitter.submit(&network.nodes[turn % 3])));
        network.nodes[3].end(End::Kill);
        signed.read_log(&network, &network.nodes[3]);
        fs::remove_file(network.nodes[3].data("votes.log")).unwrap();
        let begun = Instant::now();
        network.start_all();
        say(format_args!("a log lost under load: it signed again {:?} after its start", begun.elapsed()));
        proofs.extend((0..4).map(|index| submitter.submit(&network.nodes[index])));
    }
    for proof in &proofs {
        network.nodes.iter_mut().for_each(|node| _ = node.await_final(proof));
    }
    agree(&mut network);
    audit(&mut network, signed);
}

#[test]
fn three_validators_go_on_without_a_lost_log_when_the_operator_takes_the_risk() {
    let mut network = Network::running(3, json!({}));
    let submitter = Submitter::new(network.chain());
    let proof = submitter.submit(&network.nodes[2]);
    network.nodes.iter_mut().for_each(|node| _ = node.await_final(&proof));
    network.nodes[2].end(End::Kill);
    fs::remove_file(network.nodes[2].data("votes.log")).unwrap();
    network.nodes[2].start();
    let told = |node: &mut Validator| node.waiting_for().filter(|why| why.contains("lost") && why.contains("(2 have)"));
    until("both others have told it", || told(&mut network.nodes[2]));
    network.nodes[2].end(End::Terminate);
    network.nodes[2].start_with(&["--risk-double-signing"]);
    network.start_all();
    let proof = submitter.submit(&network.nodes[0]);
    network.nodes.iter_mut().for_each(|node| _ = node.await_final(&proof));
    agree(&mut network);
}

#[test]
fn a_validator_without_its_database_or_all_its_data_gets_final_blocks_from_the_others() {
    let mut network = Network::running(4, json!({}));
    let submitter = Submitter::new(network.chain());
    let mut signed = Signed::default();
    let stories: [Harm; 2] = [
        |data| fs::remove_file(data.join("state.redb")).unwrap(),
        // Its key is still there, and with it the mark that it has voted.
        |data| fs::remove_dir_all(data).unwrap(),
    ];
    for harm in stories {
        for _ in 0..4 {
            let proof = submitter.submit(&network.nodes[0]);
            network.nodes.iter_mut().for_each(|node| _ = node.await_final(&proof));
        }
        network.nodes[3].end(End::Kill);
        signed.read_log(&network, &network.nodes[3]);
        harm(&network.nodes[3].data(""));
        let behind = network.nodes[0].sequence();
        let begun = Instant::now();
        network.start_all();
        until("it has every block again", || (network.nodes[3].sequence() >= behind).then_some(()));
        say(format_args!("data lost: it signed and had all {behind} blocks {:?} after its start", begun.elapsed()));
        let proof = submitter.submit(&network.nodes[3]);
        network.nodes.iter_mut().for_each(|node| _ = node.await_final(&proof));
        agree(&mut network);
    }
    audit(&mut network, signed);
}

#[test]
fn what_belongs_to_somebody_else_is_refused_by_name() {
    let mut network = Network::new(2);
    let genesis = network.path("data/genesis_state.json");
    let key = network.path("data/keys/node_1.key");
    fs::copy(&key, network.path("copy.key")).unwrap();
    network.nodes[0].start();

    // Everything is taken: the key first, then with a copy of it the data directory, and either port.
    let (peer_port, http) = (network.nodes[0].peer_port, network.nodes[0].http);
    let free = free_ports();
    let second = |network: &mut Network, change: Value, words: &[&str]| {
        let mut twin = configuration(network, 0);
        merge(&mut twin, &change);
        fs::write(network.path("config/twin.json"), twin.to_string()).unwrap();
        let twin = ["start-validator", "--node-id", "node_1", "--config", "config/twin.json"];
        refused(&said(&network.pop(&twin)), CONFIGURATION, &["another process (", "uses node_1's key"]);
        let with_copy = [&twin[..], &["--key-file", "copy.key"]].concat();
        refused(&said(&network.pop(&with_copy)), CONFIGURATION, words);
    };
    let both = json!({"network": {"listen_port": free[0]}, "http": {"port": free[1]}});
    second(&mut network, both, &["is in use by another process", "a data directory of its own"]);
    let elsewhere = json!({"data_dir": "elsewhere"});
    second(&mut network, elsewhere.clone(), &[&http.to_string(), "stop the process that has the port"]);
    let mut peers = elsewhere;
    merge(&mut peers, &json!({"http": {"port": free[1]}}));
    second(
        &mut network,
        peers,
        &["cannot listen for peers", &peer_port.to_string(), "stop the process that has the port"],
    );
    network.nodes[0].status();
    network.nodes[0].end(End::Terminate);

    // Another's key.
    let own = fs::read(&key).unwrap();
    fs::copy(network.path("data/keys/node_2.key"), &key).unwrap();
    refused(&network.nodes[0].refuses_to_start(&[]), CONFIGURATION, &["is not node_1's", "another --node-id"]);
    fs::write(&key, own).unwrap();

    // Another stake.
    let stakes = network.nodes[0].refuses_to_start(&["--stake", "20000"]);
    refused(&stakes, CONFIGURATION, &["a stake of 20000 (--stake)", "the genesis binds 10000"]);
    let poor = network.nodes[0].refuses_to_start(&["--stake", "999"]);
    refused(&poor, CONFIGURATION, &["Insufficient stake: node_1 has 999 tokens, the minimum is 1000"]);

    // Another network's genesis, over the whole data directory and over the vote log alone.
    network.make_genesis("data/other.json");
    let other = network.nodes[0].refuses_to_start(&["--genesis", "data/other.json"]);
    refused(&other, CONFIGURATION, &["state.redb belongs to the network", "give another --data-dir"]);
    let database = network.nodes[0].data("state.redb");
    let kept = fs::read(&database).unwrap();
    fs::remove_file(&database).unwrap();
    let other = network.nodes[0].refuses_to_start(&["--genesis", "data/other.json"]);
    refused(&other, CONFIGURATION, &["votes.log belongs to another validator or another network"]);
    fs::write(&database, kept).unwrap();

    // A genesis that is not whole, and none.
    let text = fs::read_to_string(&genesis).unwrap();
    fs::write(network.path("data/forged.json"), text.replace("\"stake\": 10000", "\"stake\": 10001")).unwrap();
    let forged = network.nodes[0].refuses_to_start(&["--genesis", "data/forged.json"]);
    refused(&forged, CONFIGURATION, &["does not hold"]);
    let none = network.nodes[0].refuses_to_start(&["--genesis", "data/none.json"]);
    refused(&none, CONFIGURATION, &["there is no genesis", "pop init-genesis-state"]);
    let usage = network.nodes[0].refuses_to_start(&["--stake", "many"]);
    assert_eq!(usage.0, Some(2), "{}", usage.1);

    // After all that it starts as before.
    network.nodes[0].start();
}

#[cfg(target_os = "linux")]
#[test]
fn a_disk_that_cannot_be_written_ends_the_node_and_is_not_called_damaged() {
    for submit in [false, true] {
        // Idle blocks write the vote log; a submission writes the database first.
        let interval = if submit { 600.0 } else { 0.1 };
        let mut network = Network::running(1, json!({"consensus": {"idle_block_interval": interval}}));
        let submitter = Submitter::new(network.chain());
        let first = submitter.submit(&network.nodes[0]);
        network.nodes[0].await_final(&first);
        limit_file_size(&network.nodes[0], 4_096);
        if submit {
            let (body, _) = submitter.make();
            let answer = network.nodes[0].post("/v1/proofs", &body);
            assert!(answer.is_none_or(|(status, _)| status >= 500), "nothing was accepted that is not durable");
        }
        let ended = (network.nodes[0].wait_for_end().code(), network.nodes[0].log());
        refused(
            &ended,
            CONFIGURATION,
            &["File too large", "free space, make it writable or repair the disk, then start it again"],
        );
        assert!(!ended.1.contains("damaged"), "{}", ended.1);
        // With room again nothing is missing.
        network.start_all();
        network.nodes[0].await_final(&first);
        let proof = submitter.submit(&network.nodes[0]);
        network.nodes[0].await_final(&proof);
    }
}

#[cfg(not(target_os = "linux"))]
#[test]
fn a_disk_that_cannot_be_written_ends_the_node_and_is_not_called_damaged() {
    say(format_args!("NOT RUN: only Linux limits the file size of a process that runs"));
}

/// Writes beyond this place fail from now on, as on a full disk.
#[cfg(target_os = "linux")]
fn limit_file_size(node: &Validator, bytes: u64) {
    let limit = libc::rlimit { rlim_cur: bytes, rlim_max: bytes };
    // SAFETY: a plain system call; the new limit is read, and the old one is not asked for.
    let set = unsafe { libc::prlimit(node.pid(), libc::RLIMIT_FSIZE, &limit, std::ptr::null_mut()) };
    assert_eq!(set, 0);
}

#[test]
fn strangers_are_refused_and_counted_and_harm_nobody() {
    let mut network = Network::running(2, json!({}));
    let address = SocketAddr::from(([127, 0, 0, 1], network.nodes[0].peer_port));
    // Bytes that are no TLS.
    TcpStream::connect(address).unwrap().write_all(&[0x55; 4_096]).unwrap();
    until("garbage is counted", || (refusals(&network.nodes[0], "") >= 1.0).then_some(()));

    // A whole validator of another network, with keys that nobody here knows.
    let stranger = network.path("stranger");
    fs::create_dir_all(stranger.join("config")).unwrap();
    let ports = free_ports();
    // It knows the one that it dials, which does not know it.
    let known = network.pop(&["key", "show", "--node-id", "node_1"]);
    let known = String::from_utf8_lossy(&known.stdout).trim().to_owned();
    let validators = json!({"validators": [
        {"node_id": "node_1", "public_key": known, "stake": 10_000, "initial_balance": 0},
        {"node_id": "node_2", "stake": 10_000, "initial_balance": 0},
    ]});
    fs::write(stranger.join("config/validators.json"), validators.to_string()).unwrap();
    let config = json!({
        "node_id": "node_2",
        "network": {
            "listen_address": "127.0.0.1", "listen_port": ports[0],
            "bootstrap_peers": [{"node_id": "node_1", "address": address.to_string()}],
        },
        "http": {"port": ports[1]},
    });
    fs::write(stranger.join("config/node_2.json"), config.to_string()).unwrap();
    let pop = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_pop"));
        command.args(arguments).current_dir(&stranger);
        command
    };
    let genesis =
        ["init-genesis-state", "--validators", "config/validators.json", "--output", "data/genesis_state.json"];
    assert!(pop(&genesis).output().unwrap().status.success());
    let mut start = pop(&["start-validator", "--node-id", "node_2"]);
    let _running = Stranger(start.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
    until("the stranger is counted", || (refusals(&network.nodes[0], "reason=\"unknown_key\"") >= 1.0).then_some(()));

    let proof = Submitter::new(network.chain()).submit(&network.nodes[0]);
    network.nodes.iter_mut().for_each(|node| _ = node.await_final(&proof));
}

/// Connections that were refused for a reason.
fn refusals(node: &Validator, reason: &str) -> f64 {
    node.client().metric_with("pop_network_refused_total", reason)
}

fn free_ports() -> [u16; 2] {
    let held = [0, 0].map(|port| TcpListener::bind(("127.0.0.1", port)).unwrap());
    held.map(|listener| listener.local_addr().unwrap().port())
}

fn configuration(network: &Network, index: usize) -> Value {
    let path = network.path(&format!("config/{}.json", network.nodes[index].name));
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

fn merge(into: &mut Value, from: &Value) {
    match from.as_object() {
        Some(fields) => fields.iter().for_each(|(key, value)| merge(&mut into[key], value)),
        None => *into = from.clone(),
    }
}

fn said(output: &Output) -> (Option<i32>, String) {
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}
