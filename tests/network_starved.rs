//! A network that gets a tenth of a processor is slow, and nothing else: nobody is taken for blocked or hung, nothing ends or is restarted
//! but what is blocked, and it says what it waits for.
#![cfg(target_os = "linux")]

mod network_support;
#[path = "../actors/supervision/tests/support/starving.rs"]
mod starving;

use network_support::proofs::{Submitter, laborious};
use network_support::{Network, Validator, say};
use serde_json::{Value, json};
use starving::{Hog, Quota, Unavailable, beside};
use std::process::Stdio;
use std::time::{Duration, Instant};

const MINUTE: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_millis(500);
/// For an answer on a starved machine.
const LONG: Duration = Duration::from_secs(300);

/// What keeps a network starved, until it is dropped.
enum Starving {
    /// A tenth for all validators and a hog, together.
    Quota(Quota, Option<Hog>),
    Beside(#[expect(dead_code, reason = "its end ends it")] Hog),
}

impl Starving {
    /// # Errors
    /// Why this machine can do neither.
    fn start(network: &Network) -> Result<Starving, Unavailable> {
        let pid = |process: i32| process.unsigned_abs();
        let of = |node: &Validator| node.workers().into_iter().chain([node.pid()]).map(pid).collect::<Vec<_>>();
        let processes: Vec<u32> = network.nodes.iter().flat_map(of).collect();
        match Quota::a_tenth(Duration::from_secs(1)) {
            Ok(quota) => {
                let hog = Hog::start();
                quota.add(&processes);
                quota.add(&[hog.0.id()]);
                Ok(Starving::Quota(quota, Some(hog)))
            }
            Err(why) => {
                say(format_args!("NOT RUN with a quota on processor time: {why}"));
                let hog = Hog::start();
                beside(&hog, &processes)?;
                Ok(Starving::Beside(hog))
            }
        }
    }
}

#[test]
fn a_network_on_a_tenth_of_a_processor_ends_nobody_and_still_finds_who_is_blocked() {
    let mut network = Network::running(4, json!({"admin": {"enabled": true}}));
    let submitter = Submitter::new(network.chain());
    let mut starving = match Starving::start(&network) {
        Ok(starving) => starving,
        Err(why) => return say(format_args!("NOT RUN: {why}")),
    };
    let how = match starving {
        Starving::Quota(..) => "a quota of a tenth of a processor",
        Starving::Beside(_) => "a neighbour of higher priority",
    };
    let work = start_work(&network, &submitter);
    let (began, mut said) = (Instant::now(), false);
    while began.elapsed() < MINUTE {
        for node in &mut network.nodes {
            assert!(!node.has_ended(), "{} ended", node.name);
        }
        said |= actors_of(&network.nodes[0]).is_some_and(|actors| starved_thread(&actors));
        std::thread::park_timeout(PAUSE);
    }
    let waits: Vec<_> = network.nodes.iter().map(|node| waited(&actors(node))).collect();
    say(format_args!("{how}: in {MINUTE:?} the threads of each validator waited {waits:.1?} for a processor"));
    for node in &network.nodes {
        assert_eq!(restarts(&actors(node)), (0, 0), "{}: hung and blocked", node.name);
    }
    assert!(waits.iter().all(|waited| *waited > MINUTE / 100), "it got all the time that it wanted");
    let logged = network.nodes.iter().any(|node| node.log().contains("starved"));
    assert!(said, "nobody was called starved");
    assert!(logged, "what the API says is in the log");

    // A thread that sleeps is found all the same: with a tenth of a processor for the four of them, once the hog is gone. Beside it a
    // request takes minutes.
    drop(work);
    if let Starving::Quota(_, hog) = &mut starving {
        drop(hog.take());
    }
    let ask = || {
        let mut kill = network.pop_command(&["kill-actor", "--node", "node_1", "--actor", "mempool", "--how", "block"]);
        kill.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    };
    let mut kill = ask();
    let asked = Instant::now();
    while restarts(&actors(&network.nodes[0])).1 == 0 {
        assert!(asked.elapsed() < LONG, "the blocked thread is not found");
        // The node may have had no time to answer.
        if kill.try_wait().unwrap().is_some_and(|ended| !ended.success()) {
            kill = ask();
        }
        std::thread::park_timeout(PAUSE);
    }
    say(format_args!("a blocked thread was found {:.1?} after the fault was asked for", asked.elapsed()));
    // Whether it waited for all of it does not matter.
    _ = kill.kill();
    _ = kill.wait();

    let Starving::Quota(quota, _) = starving else { return };
    quota.lift();
    let proof = submitter.submit(&network.nodes[1]);
    network.nodes.iter_mut().for_each(|node| _ = node.await_final(&proof));
    network.settle();
    // The group can be removed once nobody is in it.
    drop(network);
}

/// Submits from a thread of its own until it is dropped.
struct Work(Option<(std::sync::mpsc::Sender<()>, std::thread::JoinHandle<()>)>);

fn start_work(network: &Network, submitter: &Submitter) -> Work {
    let (running, end) = std::sync::mpsc::channel();
    let (client, submitter) = (network.nodes[1].client(), submitter.clone());
    let submits = move || {
        while end.recv_timeout(PAUSE) == Err(std::sync::mpsc::RecvTimeoutError::Timeout) {
            // More than a tenth of a processor can check; taken, refused or too late.
            _ = client.post("/v1/proofs", &submitter.sign(&laborious()).0);
        }
    };
    Work(Some((running, std::thread::spawn(submits))))
}

impl Drop for Work {
    fn drop(&mut self) {
        if let Some((running, thread)) = self.0.take() {
            drop(running);
            _ = thread.join();
        }
    }
}

fn actors_of(node: &Validator) -> Option<Value> {
    node.try_get("/v1/actors")
}

/// However long that takes.
fn actors(node: &Validator) -> Value {
    let began = Instant::now();
    loop {
        match actors_of(node) {
            Some(actors) => return actors,
            None => assert!(began.elapsed() < LONG, "{} does not answer", node.name),
        }
    }
}

fn starved_thread(actors: &Value) -> bool {
    actors["threads"].as_array().unwrap().iter().any(|thread| thread["waits_for"] == "processor")
}

fn waited(actors: &Value) -> Duration {
    let threads = actors["threads"].as_array().unwrap();
    threads.iter().map(|thread| Duration::from_secs_f64(thread["processor_wait_ms"].as_f64().unwrap() / 1e3)).sum()
}

/// Of all actors: hung, and blocked.
fn restarts(actors: &Value) -> (u64, u64) {
    fn count(member: &Value, reason: &str) -> u64 {
        let own = member["restarts"][reason].as_u64().unwrap_or(0);
        own + member["children"].as_array().into_iter().flatten().map(|child| count(child, reason)).sum::<u64>()
    }
    (count(&actors["tree"], "hung"), count(&actors["tree"], "blocked"))
}
