//! Ten times more proofs than four validators can check: what is accepted ends, what is not is refused by name with a time
//! to come back, and memory, finality and the API's answers stay within their bounds.

mod network_support;

use network_support::hostile::resident;
use network_support::latency::summary;
use network_support::proofs::{Submitter, laborious};
use network_support::{Client, Network, say, until};
use protocol::mempool::NEEDED_PROOFS_MAX;
use protocol::types::Hash;
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant};

/// Pending proofs of one validator: so few that they fill at once.
const PROOFS_MAX: usize = 40;
/// Threads that submit, each with a key of its own, to the four in turn.
const SUBMITTERS: usize = 16;
/// Enough to keep every worker busy, and fewer than anybody's share.
const AT_ONCE: usize = 8;
/// How long the network's own pace is measured.
const MEASURED: Duration = Duration::from_secs(5);
/// More than it can check, by this factor.
const FACTOR: f64 = 10.0;
/// A proof that is accepted waits for those before it: at most all that a validator holds, at the pace that was measured
/// without overload. Looking at all that is refused, and this test itself, may make that slower by this factor.
const SLOWDOWN_MAX: f64 = 3.0;
/// What the proofs and submissions may add to a validator's memory, its workers apart.
const GROWTH_MAX: u64 = 96 << 20;
/// The longest that the API may take for its status meanwhile.
const ANSWER_MAX: Duration = Duration::from_secs(3);

/// Blocks as they become final, with the moment of each of their proofs.
struct Finals {
    times: Arc<Mutex<HashMap<Hash, Instant>>>,
    stop: Arc<AtomicBool>,
    thread: std::thread::JoinHandle<()>,
}

impl Finals {
    fn follow(client: Client) -> Finals {
        let (times, stop) = (Arc::new(Mutex::new(HashMap::new())), Arc::new(AtomicBool::new(false)));
        let (kept, told) = (times.clone(), stop.clone());
        let thread = std::thread::spawn(move || {
            let mut next = 1;
            while !told.load(Ordering::Relaxed) {
                let answer = client.get(&format!("/v1/blocks?from={next}&wait=1"));
                let now = Instant::now();
                let mut kept = kept.lock().unwrap();
                for proof in
                    answer["blocks"].as_array().unwrap().iter().flat_map(|block| block["proofs"].as_array().unwrap())
                {
                    kept.insert(proof["proof"].as_str().unwrap().parse().unwrap(), now);
                }
                next = answer["next"].as_u64().unwrap();
            }
        });
        Finals { times, stop, thread }
    }

    fn count(&self) -> usize {
        self.times.lock().unwrap().len()
    }

    fn at(&self, proof: &Hash) -> Option<Instant> {
        self.times.lock().unwrap().get(proof).copied()
    }
}

/// What became of one submission.
enum Outcome {
    Accepted { proof: Hash, node: usize, at: Instant },
    Refused { status: u16, body: Value },
}

/// Submits at a rate, or as fast as `in_flight` allows, until told to stop; every outcome is told.
fn submit(network: &Network, rate: f64, stop: &Arc<AtomicBool>) -> mpsc::Receiver<Outcome> {
    let (tell, told) = mpsc::channel();
    let interval = Duration::from_secs_f64(SUBMITTERS as f64 / rate);
    for number in 0..SUBMITTERS {
        let clients: Vec<_> = network.nodes.iter().map(|node| node.client()).collect();
        let submitter = Submitter::with_key(network.chain(), u8::try_from(number).unwrap() + 1);
        let (tell, stop) = (tell.clone(), stop.clone());
        std::thread::spawn(move || {
            let mut due = Instant::now() + interval.mul_f64(number as f64 / SUBMITTERS as f64);
            for turn in number.. {
                std::thread::park_timeout(due.saturating_duration_since(Instant::now()));
                if stop.load(Ordering::Relaxed) {
                    return;
                }
                due += interval;
                let node = turn % clients.len();
                let (body, proof) = submitter.sign(&laborious());
                // A connection that was idle may be closed by the node just when it is used again.
                let answer = until("the node answers", || clients[node].post("/v1/proofs", &body));
                let (status, body) = answer;
                let outcome = match status {
                    200 | 202 => Outcome::Accepted { proof, node, at: Instant::now() },
                    _ => Outcome::Refused { status, body },
                };
                if tell.send(outcome).is_err() {
                    return;
                }
            }
        });
    }
    told
}

/// Proofs that become final in a second while there are always enough, and none is refused for long.
fn pace(network: &Network, finals: &Finals) -> f64 {
    let submitter = Submitter::new(network.chain());
    let mut waiting: Vec<Hash> = Vec::new();
    let mut from: Option<(Instant, usize)> = None;
    let mut turns = 0..;
    loop {
        waiting.retain(|proof| finals.at(proof).is_none());
        while waiting.len() < AT_ONCE {
            let turn: usize = turns.next().unwrap();
            waiting.push(submitter.submit_script(&network.nodes[turn % 4], &laborious()));
        }
        match from {
            // The first few are on their way before time counts.
            None if finals.count() >= AT_ONCE => from = Some((Instant::now(), finals.count())),
            Some((begun, count)) if begun.elapsed() >= MEASURED => {
                return (finals.count() - count) as f64 / begun.elapsed().as_secs_f64();
            }
            None | Some(_) => std::thread::park_timeout(Duration::from_millis(10)),
        }
    }
}

/// Half a minute in `make test`, minutes in `make test-long`.
fn span() -> Duration {
    let seconds = std::env::var("POP_OVERLOAD_SECONDS").ok();
    Duration::from_secs(
        seconds.map_or(30, |seconds| seconds.parse().expect("POP_OVERLOAD_SECONDS is a number of seconds")),
    )
}

#[test]
fn ten_times_more_than_can_be_checked_is_refused_by_name_and_what_is_accepted_ends_in_time() {
    let mut network = Network::running(4, json!({"mempool": {"proofs_max": PROOFS_MAX}, "verifier": {"workers": 1}}));
    let finals = Finals::follow(network.nodes[0].client());
    let pace = pace(&network, &finals);
    let already = finals.count();
    let before: Vec<_> = network.nodes.iter().map(|node| resident(node.pid())).collect();
    let stop = Arc::new(AtomicBool::new(false));
    let told = submit(&network, pace * FACTOR, &stop);

    let (span, begun) = (span(), Instant::now());
    let (mut growth, mut slowest) = (0, Duration::ZERO);
    while begun.elapsed() < span {
        for node in &mut network.nodes {
            let asked = Instant::now();
            let status = node.status();
            slowest = slowest.max(asked.elapsed());
            let figures = &status["mempool"];
            assert!(figures["proofs"].as_u64() <= Some((PROOFS_MAX + NEEDED_PROOFS_MAX) as u64), "{figures}");
        }
        let now = network.nodes.iter().map(|node| resident(node.pid()));
        growth = now.zip(&before).map(|(now, before)| now.saturating_sub(*before)).max().unwrap().max(growth);
        std::thread::park_timeout(Duration::from_millis(100));
    }
    stop.store(true, Ordering::Relaxed);
    let (took, ended) = (begun.elapsed(), finals.count() - already);
    let during = ended as f64 / took.as_secs_f64();
    say(format_args!("during the overload {during:.1} proofs a second became final"));
    assert!(during > pace / SLOWDOWN_MAX, "without overload it were {pace:.1}");
    // The submitters' threads end with their next look at the flag, and the channel with them.
    let outcomes: Vec<Outcome> = told.iter().collect();
    judge(&network, &finals, &outcomes, pace, took);
    say(format_args!("memory grew by at most {} MiB, the slowest of all statuses took {slowest:?}", growth >> 20));
    assert!(growth < GROWTH_MAX, "memory grew by {} MiB", growth >> 20);
    assert!(slowest < ANSWER_MAX, "a status took {slowest:?}");

    // It is as it was: a proof is taken and becomes final.
    let proof = Submitter::new(network.chain()).submit(&network.nodes[0]);
    network.nodes[0].await_final(&proof);
    finals.stop.store(true, Ordering::Relaxed);
    finals.thread.join().unwrap();
}

fn judge(network: &Network, finals: &Finals, outcomes: &[Outcome], pace: f64, took: Duration) {
    let mut refusals: BTreeMap<String, (usize, u64, u64)> = BTreeMap::new();
    let mut times = Vec::new();
    let mut displaced = 0;
    for outcome in outcomes {
        match outcome {
            Outcome::Refused { status, body } => {
                assert_eq!(*status, 429, "{body}");
                let after = body["retry_after"].as_u64().expect("a time to come back");
                assert!((1..=60).contains(&after), "{body}");
                let name = body["error"].as_str().unwrap().to_owned();
                let (count, least, most) = refusals.entry(name).or_insert((0, u64::MAX, 0));
                (*count, *least, *most) = (*count + 1, (*least).min(after), (*most).max(after));
            }
            Outcome::Accepted { proof, node, at } => {
                let view = until("what was accepted ends", || {
                    let view = network.nodes[*node].try_get(&format!("/v1/proofs/{proof}?wait=60"))?;
                    (view["ended"] == true).then_some(view)
                });
                match view["state"].as_str() {
                    Some("final") => {
                        let end = until("it is seen in a block", || finals.at(proof));
                        times.push(end.saturating_duration_since(*at));
                    }
                    _ => {
                        assert_eq!(view["refusal"]["reason"], "displaced", "{view}");
                        displaced += 1;
                    }
                }
            }
        }
    }
    times.sort();
    let offered = outcomes.len() as f64 / took.as_secs_f64();
    say(format_args!(
        "overload: the network ends {pace:.1} proofs a second and was offered {offered:.1} for {took:?}: {} accepted \
         ({displaced} of them displaced by name); {}",
        times.len() + displaced,
        summary(&times),
    ));
    for (name, (count, least, most)) in &refusals {
        say(format_args!("refused as {name}: {count}, retry after {least} to {most} s"));
    }
    assert!(offered > pace * FACTOR * 0.7, "{offered:.1} a second is no overload");
    let known = ["mempool_full", "submitter_full", "busy", "displaced"];
    assert!(refusals.keys().all(|name| known.contains(&name.as_str())), "{refusals:?}");
    assert!(!refusals.is_empty() && !times.is_empty(), "some are refused, some are accepted");
    let bound = Duration::from_secs_f64(SLOWDOWN_MAX * PROOFS_MAX as f64 / pace);
    let longest = times.last().unwrap();
    assert!(*longest < bound, "one took {longest:?}, the bound is {bound:?}");
}
