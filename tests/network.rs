//! Networks of real validator processes through stops, kills and outages: nothing final is lost, nobody signs twice, and
//! pauses are short. Each test is a story.

mod network_support;

use network_support::audit::{Signed, agree, audit, ids};
use network_support::proofs::{Submitter, endless};
use network_support::{End, Network, children, is_running, processor_ticks, say, until};
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// What a pause may take on a machine that does other things too. The measured one is printed.
const PAUSE_MAX: Duration = Duration::from_secs(5);

/// Submits one proof after the other to a validator, each when the one before is final, and remembers when each was.
struct Load {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Vec<Instant>>,
}

impl Load {
    fn on(network: &Network, index: usize) -> Load {
        let stop = Arc::new(AtomicBool::new(false));
        let (told, submitter) = (stop.clone(), Submitter::new(network.chain()));
        let client = network.nodes[index].client();
        let thread = std::thread::spawn(move || {
            let mut ends = vec![Instant::now()];
            while !told.load(Ordering::Relaxed) {
                let (body, id) = submitter.make();
                let (status, answer) = client.post("/v1/proofs", &body).expect("the loaded node answers");
                assert_eq!(status, 202, "{answer}");
                let view = client.get(&format!("/v1/proofs/{id}?wait=60"));
                assert_eq!(view["state"], "final", "{view}");
                ends.push(Instant::now());
            }
            ends
        });
        Load { stop, thread }
    }

    /// The longest times from one proof's end to the next one's, the longest first.
    fn finish(self) -> Vec<Duration> {
        self.stop.store(true, Ordering::Relaxed);
        let ends = self.thread.join().unwrap();
        let mut pauses: Vec<_> = ends.windows(2).map(|pair| pair[1] - pair[0]).collect();
        pauses.sort_by(|a, b| b.cmp(a));
        pauses
    }
}

/// Blocks that a validator has checked and signed, above a sequence.
fn prepared_by(blocks: &[Value], name: &str) -> usize {
    let voters =
        |block: &&Value| block["prepare"]["voters"].as_array().is_some_and(|all| all.iter().any(|v| v == name));
    blocks.iter().filter(voters).count()
}

#[test]
fn a_stopped_and_a_killed_validator_come_back_and_the_others_pause_for_a_moment() {
    let mut network = Network::running(4, json!({}));
    let submitter = Submitter::new(network.chain());
    for turn in 0..4 {
        let proof = submitter.submit(&network.nodes[turn]);
        network.nodes.iter_mut().for_each(|node| _ = node.await_final(&proof));
    }
    for (how, word) in [(End::Terminate, "stopped"), (End::Kill, "killed")] {
        let load = Load::on(&network, 0);
        let before = network.nodes[0].sequence();
        until("the load runs", || (network.nodes[0].sequence() > before + 2).then_some(()));
        network.nodes[3].end(how);
        // Long enough that the one that is gone was leader again and again.
        let gone_at = network.nodes[0].sequence();
        until("the others go on", || (network.nodes[0].sequence() > gone_at + 20).then_some(()));
        let pauses = load.finish();
        let (longest, proofs) = (&pauses[..4], pauses.len());
        say(format_args!("one of four {word} under load: {proofs} proofs, the longest between two took {longest:?}"));
        assert!(pauses[0] < PAUSE_MAX, "{longest:?}");

        let begun = Instant::now();
        network.nodes[3].start();
        let behind = network.nodes[0].sequence();
        until("it has caught up", || (network.nodes[3].sequence() >= behind).then_some(()));
        let caught_up = begun.elapsed();
        until("it signs again", || network.nodes[3].waiting_for().is_none().then_some(()));
        let load = Load::on(&network, 3);
        until("it takes part", || {
            let blocks = network.nodes[0].blocks(behind + 1);
            (prepared_by(&blocks, "node_4") > 0).then_some(())
        });
        let took_part = begun.elapsed();
        let longest = load.finish()[0];
        say(format_args!(
            "{word} and started again: caught up after {caught_up:?}, its vote in a block after {took_part:?}; the \
             longest pause was {longest:?}"
        ));
        assert!(longest < PAUSE_MAX, "{longest:?}");
    }
    agree(&mut network);
    audit(&mut network, Signed::default());
}

#[test]
fn without_a_quorum_the_network_says_why_and_goes_on_when_it_returns() {
    let mut network =
        Network::running(4, json!({"consensus": {"view_change_timeout": 1.0, "idle_block_interval": 1.0}}));
    let submitter = Submitter::new(network.chain());
    let first = submitter.submit(&network.nodes[0]);
    network.nodes.iter_mut().for_each(|node| _ = node.await_final(&first));
    let final_before = agree(&mut network);

    network.nodes[2].end(End::Kill);
    network.nodes[3].end(End::Terminate);
    let why = until("it is said why nothing becomes final", || network.nodes[0].waiting_for());
    until("both are named", || {
        network.nodes[0].waiting_for().filter(|why| why.contains("node_3") && why.contains("node_4"))
    });
    assert!(why.contains("no quorum"), "{why}");
    let shown = network.pop(&["status", "--node", "node_1"]);
    let halted = "HALTED: 20000 of 40000 stake votes; missing node_";
    assert!(String::from_utf8_lossy(&shown.stdout).starts_with(halted), "{shown:?}");
    let halted = submitter.submit(&network.nodes[1]);
    until("the log says it", || network.nodes[0].log().contains("no quorum is connected").then_some(()));
    until("the log names a view change that stays open", || {
        network.nodes[0].log().contains("a view change stays open").then_some(())
    });
    assert_eq!(agree(&mut network)[..final_before.len()], final_before);

    // One that waits for a quorum can be stopped as any other, and its word is kept.
    assert_eq!(network.nodes[1].end(End::Terminate).code(), Some(0));
    network.nodes[1].start();

    let begun = Instant::now();
    network.nodes[2].start();
    let answers = begun.elapsed();
    network.nodes[1].await_final(&halted);
    let back = begun.elapsed();
    say(format_args!(
        "a quorum returned to a halted network: its process answered after {answers:?}, the waiting proof was final after \
         {back:?}"
    ));
    assert!(back < PAUSE_MAX, "{back:?}");
    assert_eq!(network.nodes[0].waiting_for(), None);
    until("the log says it", || network.nodes[0].log().contains("a quorum is connected again").then_some(()));
    network.nodes[3].start();
    assert_eq!(agree(&mut network)[..final_before.len()], final_before);
    audit(&mut network, Signed::default());
}

#[test]
fn frozen_validators_are_passed_over_and_take_part_again_when_they_thaw() {
    let mut network = Network::running(4, json!({}));
    let load = Load::on(&network, 0);
    let before = network.nodes[0].sequence();
    until("the load runs", || (network.nodes[0].sequence() > before + 2).then_some(()));
    network.nodes[3].freeze();
    let frozen_at = network.nodes[0].sequence();
    until("the others go on", || (network.nodes[0].sequence() > frozen_at + 20).then_some(()));
    let pauses = load.finish();
    say(format_args!("one of four frozen under load: the longest between two proofs took {:?}", &pauses[..4]));
    assert!(pauses[0] < PAUSE_MAX, "{:?}", pauses[0]);

    // With a second one there is no quorum, although every socket is still open.
    network.nodes[2].freeze();
    let begun = Instant::now();
    let waiting = Submitter::new(network.chain()).submit(&network.nodes[0]);
    let why = until("it is said why nothing becomes final", || network.nodes[0].waiting_for());
    say(format_args!("two of four frozen: said so after {:?}: {why}", begun.elapsed()));
    let begun = Instant::now();
    network.nodes[2].thaw();
    network.nodes[3].thaw();
    network.nodes[0].await_final(&waiting);
    let back = begun.elapsed();
    say(format_args!("two frozen ones thawed: the waiting proof was final after {back:?}"));
    assert!(back < PAUSE_MAX, "{back:?}");
    network.nodes.iter_mut().for_each(|node| _ = node.await_final(&waiting));
    agree(&mut network);
    audit(&mut network, Signed::default());
}

#[test]
fn what_was_accepted_or_final_survives_a_kill_at_any_instant() {
    let mut network = Network::running(4, json!({}));
    let submitter = Submitter::new(network.chain());
    let mut accepted = Vec::new();
    // The one that accepted is killed the moment it has said so; the others may never have heard of the proof.
    for turn in 0..3 {
        accepted.push(submitter.submit(&network.nodes[turn]));
        network.nodes[turn].end(End::Kill);
        network.nodes[turn].start();
    }
    // All at once, under way with proofs of each.
    for _ in 0..2 {
        for node in &network.nodes {
            accepted.extend((0..3).map(|_| submitter.submit(node)));
        }
        let before = ids(&network.nodes[0].blocks(1));
        network.nodes.iter().for_each(|node| node.signal(End::Kill));
        network.nodes.iter_mut().for_each(|node| _ = node.wait_for_end());
        let begun = Instant::now();
        network.start_all();
        say(format_args!("all four killed and started: all signed again after {:?}", begun.elapsed()));
        let after = ids(&network.nodes[0].blocks(1));
        assert_eq!(after[..before.len()], before, "final blocks are the same");
    }
    for proof in &accepted {
        network.nodes.iter_mut().for_each(|node| _ = node.await_final(proof));
    }
    let chain = agree(&mut network);
    let all = network.nodes[0].blocks(1);
    let mut final_proofs: Vec<_> = all.iter().flat_map(|block| block["proofs"].as_array().unwrap()).collect();
    assert_eq!(final_proofs.len(), accepted.len(), "each once, in {} blocks", chain.len());
    final_proofs.retain(|entry| !accepted.iter().any(|id| entry["proof"] == json!(id.to_string())));
    assert!(final_proofs.is_empty(), "{final_proofs:?}");
    audit(&mut network, Signed::default());
}

#[test]
fn kills_in_turn_under_load_never_make_anybody_sign_twice() {
    let mut network = Network::running(4, json!({}));
    let submitter = Submitter::new(network.chain());
    let mut proofs = Vec::new();
    for round in 0..12 {
        // A different one each time, at an instant that moves through the rounds of voting.
        let victim = (round * 3 + 1) % 4;
        let witness = (victim + 1) % 4;
        proofs.extend((0..4).map(|_| submitter.submit(&network.nodes[witness])));
        let instant = Instant::now() + Duration::from_millis(17 * round as u64);
        until("the instant has come", || (Instant::now() >= instant).then_some(()));
        network.nodes[victim].end(End::Kill);
        network.nodes[victim].start();
    }
    for proof in &proofs {
        network.nodes.iter_mut().for_each(|node| _ = node.await_final(proof));
    }
    agree(&mut network);
    audit(&mut network, Signed::default());
}

#[test]
fn whatever_ends_a_validator_its_workers_end_too() {
    if !cfg!(target_os = "linux") {
        return say(format_args!("NOT RUN: processes are looked up in /proc, which only Linux has"));
    }
    let mut network = Network::with(1, json!({}));
    for how in [End::Terminate, End::Interrupt, End::Kill] {
        network.start_all();
        // One that is deep in a proof reads no pipe.
        Submitter::new(network.chain()).submit_script(&network.nodes[0], &endless());
        let node = &mut network.nodes[0];
        until("a worker is busy", || node.workers().into_iter().find(|&pid| processor_ticks(pid) > Some(50)));
        let workers = until("a spare is there", || Some(node.workers()).filter(|workers| workers.len() >= 2));
        let pid = node.pid();
        let status = node.end(how);
        match how {
            End::Terminate | End::Interrupt => assert_eq!(status.code(), Some(0), "{how:?}"),
            End::Kill => assert_eq!(status.code(), None),
        }
        for worker in workers {
            until("a worker ends", || (!is_running(worker)).then_some(()));
        }
        assert!(children(pid).is_empty(), "{how:?}");
    }
}

/// Not a test of behaviour: prints how long catching up takes when it needs several answers.
/// `cargo test --test network catching_up -- --ignored --nocapture`
#[test]
#[ignore = "a measurement"]
fn catching_up_with_many_blocks() {
    let mut network = Network::running(4, json!({"consensus": {"idle_block_interval": 0.1}}));
    network.nodes[3].end(End::Kill);
    let from = network.nodes[0].sequence();
    // More than two answers hold; blocks come several in a second.
    until("the others are far ahead", || (network.nodes[0].sequence() > from + 150).then_some(()));
    let behind = network.nodes[0].sequence();
    let begun = Instant::now();
    network.nodes[3].start();
    until("it has caught up", || (network.nodes[3].sequence() >= behind).then_some(()));
    say(format_args!("{} blocks behind: caught up {:?} after its start", behind - from, begun.elapsed()));
    agree(&mut network);
}
