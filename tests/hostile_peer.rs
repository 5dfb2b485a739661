//! A validator's key in hostile hands, against real validator processes: every broken rule is refused and counted, who
//! goes on is banned and `pop status` says so, and neither memory nor the others' finality leaves its bounds.

mod network_support;

use actors::network::frames::{Control, PeerMessage};
use actors::network::handshake::expect;
use actors::network::{Hello, LinkError, Refusal};
use network_support::hostile::{Identity, Peer, frames, resident};
use network_support::latency::{Finality, summary};
use network_support::misdeeds::{Misdeed, ballot, in_frames, in_messages, sign};
use network_support::proofs::Submitter;
use network_support::{End, Network, Validator, say, until};
use protocol::message::{Message, Status, VoterSet};
use protocol::types::{Hash, Sequence, View};
use protocol::vote::{Ballot, VoteKind};
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Whose key the test has.
const HOSTILE: usize = 3;
/// The longest that a proof may take to be final while a peer misbehaves, on a machine that does other things too.
const FINALITY_MAX: Duration = Duration::from_secs(5);
/// What all that one peer does may add to a validator's memory: its outbox (48 MiB), what it sent and is being put
/// together and decoded (16 MiB each), and the allocator's slack.
const GROWTH_MAX: u64 = 128 << 20;
/// How long each abuse goes on.
const ABUSE: Duration = Duration::from_secs(2);

/// What a validator says of the hostile one.
fn told(node: &mut Validator) -> Value {
    let status = node.status();
    status["peers"].as_array().unwrap().iter().find(|peer| peer["node_id"] == "node_4").unwrap().clone()
}

/// Three of four run, and are a quorum.
fn three_running(sections: Value) -> (Network, Identity) {
    let mut network = Network::with(4, sections);
    network.nodes[..HOSTILE].iter_mut().for_each(Validator::start);
    for node in &mut network.nodes[..HOSTILE] {
        until("three sign, connected to each other", || {
            let status = node.poll_status()?;
            (status["waiting_for"].is_null() && status["connected_peers"] == 2).then_some(())
        });
    }
    let identity = Identity::of(&network, HOSTILE);
    (network, identity)
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

/// Commits one misdeed in a session of its own, and expects it to be counted once, by its name.
async fn commit(identity: &Identity, network: &mut Network, to: usize, misdeed: &Misdeed) {
    let Misdeed { name, bytes, fault, word, ends_session } = misdeed;
    let node = &mut network.nodes[to];
    let series = format!("rule=\"{fault}\"");
    let count = |node: &Validator| node.client().metric_with("pop_network_misbehaviour_total", &series);
    let (counted, faults) = (count(node), told(node)["misbehaviour"].as_u64().unwrap());
    let mut peer = identity.session(to).await.unwrap_or_else(|error| panic!("{name}: {error}"));
    peer.bytes(bytes).await.unwrap();
    if *ends_session {
        let reason = peer.farewell().await;
        let known = matches!(reason, LinkError::RefusedByPeer(Refusal::BadFrame(_) | Refusal::OtherVersion { .. }));
        assert!(known, "{name}: {reason}");
    } else {
        peer.is_heard().await.unwrap_or_else(|error| panic!("{name} ended the session: {error}"));
    }
    until(&format!("{name} is counted"), || (told(node)["misbehaviour"] == faults + 1).then_some(()));
    assert_eq!(count(node), counted + 1.0, "{name} is counted as {fault}");
    let last = told(node)["last_misbehaviour"].as_str().unwrap().to_owned();
    assert!(last.contains(word), "{name}: {word:?} is not in {last:?}");
}

#[test]
fn every_broken_rule_is_refused_and_counted_and_who_goes_on_is_banned() {
    let (mut network, identity) = three_running(json!({}));
    let runtime = runtime();
    runtime.block_on(async {
        // A disagreement on the chain is refused by name, and is no fault.
        let mut foreign = identity.connect(0, None).await.unwrap();
        foreign.hello(&identity, Hash([9; 32])).await.unwrap();
        expect::<Hello>(&mut foreign.stream, Control::Hello, "hello").await.unwrap();
        let refused = foreign.farewell().await;
        assert!(matches!(refused, LinkError::RefusedByPeer(Refusal::ForeignGenesis { .. })), "{refused}");
        assert_eq!(told(&mut network.nodes[0])["misbehaviour"], 0);

        let misdeeds: Vec<_> = in_frames(&identity).into_iter().chain(in_messages(&identity)).collect();
        for (index, misdeed) in misdeeds.iter().enumerate() {
            commit(&identity, &mut network, index % HOSTILE, misdeed).await;
        }
        say(format_args!("{} ways to break a rule, each refused and counted by its name", misdeeds.len()));

        // A few more of them, and it is banned.
        let mut peer = identity.session(0).await.unwrap();
        for _ in 0..8 {
            _ = peer.bytes(&in_messages(&identity)[0].bytes).await;
        }
        let banned = peer.farewell().await;
        assert!(matches!(banned, LinkError::RefusedByPeer(Refusal::Banned { .. })), "{banned}");
        let again = identity.session(0).await.err().expect("it is banned");
        assert!(matches!(again, LinkError::RefusedByPeer(Refusal::Banned { left_ms: 1.. })), "{again}");
    });
    let report = told(&mut network.nodes[0]);
    assert!(report["banned_ms"].as_u64().is_some_and(|left| (1..=10_000).contains(&left)), "{report}");
    assert_eq!(report["connected"], false);
    let screen = network.pop(&["status", "--node", "node_1"]);
    let screen = String::from_utf8_lossy(&screen.stdout).into_owned();
    let line = screen.lines().find(|line| line.trim_start().starts_with("node_4")).unwrap();
    say(format_args!("`pop status` on a banned peer: {}", line.trim()));
    for words in ["broke 9 rules (the last:", "the signature of voter 0 does not hold", "banned for"] {
        assert!(line.contains(words), "{words:?} is not in {line:?}");
    }
    // Nobody else was blamed, and the network goes on.
    for node in &mut network.nodes[..HOSTILE] {
        let status = node.status();
        let honest = status["peers"].as_array().unwrap().iter().filter(|peer| peer["node_id"] != "node_4");
        honest.for_each(|peer| {
            assert_eq!((&peer["misbehaviour"], &peer["connected"]), (&json!(0), &json!(true)), "{peer}")
        });
    }
    let proof = Submitter::new(network.chain()).submit(&network.nodes[0]);
    network.nodes[..HOSTILE].iter_mut().for_each(|node| _ = node.await_final(&proof));
}

/// Runs an abuse beside proofs that become final one after the other, and holds both to their bounds.
fn during(network: &mut Network, name: &str, abuse: impl Future<Output = String> + Send + 'static) {
    let before = memory(network);
    let finality = Finality::on(&network.nodes[0].client(), &Submitter::new(network.chain()));
    let over = Arc::new(AtomicBool::new(false));
    let told = over.clone();
    let abuser = std::thread::spawn(move || {
        let done = runtime().block_on(abuse);
        told.store(true, Ordering::Relaxed);
        done
    });
    let mut growth = 0;
    let begun = Instant::now();
    while !over.load(Ordering::Relaxed) || begun.elapsed() < ABUSE {
        let now = memory(network);
        growth = now.iter().zip(&before).map(|(now, before)| now.saturating_sub(*before)).max().unwrap().max(growth);
        std::thread::park_timeout(Duration::from_millis(50));
    }
    let done = abuser.join().unwrap();
    let times = finality.finish();
    say(format_args!("{name}: {done}; {}; memory grew by at most {} MiB", summary(&times), growth >> 20));
    assert!(times.last().is_some_and(|longest| *longest < FINALITY_MAX), "{name}: {}", summary(&times));
    assert!(growth < GROWTH_MAX, "{name}: memory grew by {} MiB", growth >> 20);
}

fn memory(network: &Network) -> Vec<u64> {
    network.nodes[..HOSTILE].iter().map(|node| resident(node.pid())).collect()
}

/// Sends the same bytes for a while, as fast as they are taken.
async fn pour(identity: &Identity, to: usize, bytes: Vec<u8>, what: &str, each: u64) -> String {
    let peer = identity.next_session(to).await.unwrap();
    let rounds = AtomicU64::new(0);
    let ended = tokio::time::timeout(ABUSE, peer.pour(&bytes, &rounds)).await;
    let sent = rounds.load(Ordering::Relaxed) * each;
    format!("{sent} {what} were taken in {ABUSE:?}, the session {}", ended.map_or("stood".into(), |e| e.to_string()))
}

/// What an honest validator asks for, a million times.
fn requests() -> (Vec<u8>, u64) {
    let asked = [
        Message::BlockRequest { block: Hash([1; 32]), above: Sequence(0) },
        Message::CertificateRequest { kind: VoteKind::Prepare, from: View(1), to: View(64) },
        Message::ProofRequest(vec![Hash([1; 32]); 64]),
    ];
    let once: Vec<u8> = asked.iter().flat_map(frames).collect();
    (once.repeat(100), 300)
}

/// Votes for views to come, all signed: each costs the check of a signature.
fn votes(identity: &Identity) -> (Vec<u8>, u64) {
    let vote = |view| {
        let ballot = Ballot { view: View(view), ..ballot(identity) };
        frames(&Message::Vote { vote: sign(identity, identity.me.0, ballot), reason: None })
    };
    ((1..=1_000).flat_map(|ahead| vote(1_000_000 + ahead)).collect(), 1_000)
}

/// The answer to a request for all blocks, as a node gave it: valid, long, and costly to check.
async fn blocks(identity: &Identity, from: usize) -> Vec<u8> {
    let mut peer = identity.next_session(from).await.unwrap();
    let ask = frames(&Message::BlockRequest { block: Hash([1; 32]), above: Sequence(0) });
    peer.bytes(&ask).await.unwrap();
    let mut answer = None;
    let kind = Message::Blocks { blocks: Vec::new(), commit: None }.kind();
    let listen = peer.listen(|got, body| {
        if got == kind {
            answer.get_or_insert_with(|| body.to_vec());
        }
    });
    // It listens for as long as it may: a loaded machine needs some of that.
    _ = tokio::time::timeout(Duration::from_secs(4), listen).await;
    let message: Message = rmp_serde::from_slice(&answer.expect("blocks")).unwrap();
    frames(&message)
}

/// Claims to be far ahead and to have everything, and never answers.
async fn boast(identity: &Identity, to: usize, over: &AtomicBool) {
    let status = Status {
        view: View(1 << 40),
        commit: View(1 << 40),
        prepare: View(1 << 40),
        sequence: Sequence(1 << 40),
        proposal: true,
        prepares: VoterSet::default(),
        commits: VoterSet::default(),
        view_changes: VoterSet::default(),
        recovering: false,
    };
    let boast = [frames(&Message::Status(status)), frames(&Message::Pending(vec![Hash([7; 32]); 100]))].concat();
    while !over.load(Ordering::Relaxed) {
        let Ok(mut peer) = identity.session(to).await else {
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        _ = peer.bytes(&boast).await;
        let listening = async {
            tokio::select! {
                _ = peer.listen(|_, _| ()) => {}
                () = async { while !over.load(Ordering::Relaxed) { tokio::time::sleep(Duration::from_millis(20)).await } } => {}
            }
        };
        listening.await;
    }
}

/// Connects a thousand times, as a validator whose process starts anew each time.
async fn connects_a_thousand_times(identity: Identity, to: usize) -> String {
    let (mut sessions, mut refused, mut banned) = (0, 0, 0);
    for _ in 0..1_000 {
        match identity.session(to).await {
            Ok(_) => sessions += 1,
            Err(LinkError::RefusedByPeer(Refusal::Banned { .. })) => banned += 1,
            Err(_) => refused += 1,
        }
    }
    // It may make 40 at once and 4 a second; nine too many ban it, and who is banned finds no place at all for a while.
    assert!(sessions < 200 && banned > 0, "{sessions} sessions, {refused} refused, {banned} times banned");
    format!("of 1000 connections {sessions} became sessions, {refused} were refused, {banned} met the ban")
}

/// A thousand connections at once, whose key nobody knows or that say nothing.
async fn a_thousand_strangers(identity: Identity, to: usize) -> String {
    let stranger = identity.stranger();
    let mut silent = Vec::new();
    for _ in 0..1_000 {
        silent.extend(stranger.dial(to).await);
    }
    let mut turned_away = 0;
    for _ in 0..300 {
        let heard = match stranger.connect(to, None).await {
            Ok(mut peer) => expect::<Hello>(&mut peer.stream, Control::Hello, "hello").await.map(drop),
            Err(error) => Err(error),
        };
        turned_away += u32::from(heard.is_err());
    }
    assert_eq!(turned_away, 300);
    format!("{} connections said nothing, 300 showed an unknown key and were turned away", silent.len())
}

#[test]
fn floods_silence_deafness_and_a_thousand_connections_cost_bounded_memory_and_delay_nobody() {
    let (mut network, identity) = three_running(json!({}));
    let submitter = Submitter::new(network.chain());
    let finality = Finality::on(&network.nodes[0].client(), &submitter);
    until("there are blocks to ask for", || (network.nodes[0].sequence() > 100).then_some(()));
    say(format_args!("nobody misbehaves: {}", summary(&finality.finish())));

    // It reads nothing from here on, asks for blocks again and again, and pings, so that it is not silent.
    let deaf = std::thread::spawn({
        let identity = identity.clone();
        move || runtime().block_on(deafness(&identity, 2))
    });
    let (ask, each) = requests();
    let peer = identity.clone();
    during(&mut network, "a million requests", async move { pour(&peer, 1, ask, "requests", each).await });
    assert!(told(&mut network.nodes[1])["throttled"].as_u64().unwrap() > 0, "it was slowed down");
    let peer = identity.clone();
    let (flood, each) = votes(&identity);
    during(&mut network, "a flood of signed votes", async move { pour(&peer, 1, flood, "votes", each).await });
    let peer = identity.clone();
    during(&mut network, "valid blocks, again and again", async move {
        let answer = blocks(&peer, 1).await;
        pour(&peer, 1, answer, "answers of 64 blocks", 1).await
    });
    assert_eq!(
        told(&mut network.nodes[1])["misbehaviour"],
        0,
        "who sends much and nothing wrong is slowed down, not banned"
    );
    let peer = identity.clone();
    during(&mut network, "a thousand connections of one key", connects_a_thousand_times(peer, 1));
    let report = told(&mut network.nodes[1]);
    assert!(
        report["banned_ms"].as_u64().is_some() && report["last_misbehaviour"].as_str().unwrap().contains("connections")
    );
    let peer = identity.clone();
    during(&mut network, "a thousand strangers", a_thousand_strangers(peer, 0));

    deaf.join().unwrap();
    let report = until("the deaf one loses its session", || {
        let report = told(&mut network.nodes[2]);
        (report["connected"] == false).then_some(report)
    });
    say(format_args!("who reads nothing: {} messages to it dropped, then its session ended", report["dropped"]));
    let stalled = network.nodes[2].client().metric_with("pop_network_sessions_ended_total", "reason=\"stalled\"");
    assert_eq!(stalled, 1.0, "{report}");
}

/// Takes no byte, and keeps asking, until the session is closed.
async fn deafness(identity: &Identity, to: usize) {
    let mut peer: Peer = identity.narrow_session(to).await.unwrap();
    let ask = frames(&Message::BlockRequest { block: Hash([1; 32]), above: Sequence(0) });
    while peer.bytes(&ask).await.is_ok() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[test]
fn a_validator_that_is_behind_asks_another_when_one_that_boasts_does_not_answer() {
    let (mut network, identity) = three_running(json!({}));
    let finality = Finality::on(&network.nodes[0].client(), &Submitter::new(network.chain()));
    until("there are blocks to miss", || (network.nodes[0].sequence() > 100).then_some(()));
    finality.finish();
    let behind = network.settle();
    network.nodes[2].end(End::Terminate);
    std::fs::remove_file(network.nodes[2].data("state.redb")).unwrap();
    let over = Arc::new(AtomicBool::new(false));
    let boaster = std::thread::spawn({
        let (identity, over) = (identity.clone(), over.clone());
        move || runtime().block_on(boast(&identity, 2, &over))
    });
    let begun = Instant::now();
    network.nodes[2].start();
    until("it is connected to the one that boasts", || {
        (told(&mut network.nodes[2])["connected"] == true).then_some(())
    });
    until("it has caught up", || (network.nodes[2].sequence() >= behind).then_some(()));
    let proof = Submitter::new(network.chain()).submit(&network.nodes[2]);
    network.nodes[..HOSTILE].iter_mut().for_each(|node| _ = node.await_final(&proof));
    let took = begun.elapsed();
    say(format_args!("{behind} blocks and a new one, beside a peer that boasts and answers nothing: {took:?}"));
    assert!(took < FINALITY_MAX * 3, "{took:?}");
    over.store(true, Ordering::Relaxed);
    boaster.join().unwrap();
}
