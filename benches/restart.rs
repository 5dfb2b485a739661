//! How long an actor takes from a kill until it serves again, with much to begin from: 10,000 final proofs and 1,000 pending.
//!
//! `cargo bench --bench restart`, three and a half minutes. A network of four validator processes, two of which are then stopped, so
//! that what is pending stays so and nothing else keeps the machine busy; kills as an operator makes them, by `pop kill-actor`.

#[path = "../tests/network_support/mod.rs"]
mod network_support;

use network_support::proofs::{Submitter, script};
use network_support::{Client, Network, say, until};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

const FINAL: u64 = 10_000;
const PENDING: usize = 1_000;
const SUBMITTERS: u8 = 10;
/// Of each actor, by each way.
const KILLS: usize = 10;
/// Between two kills in one validator: far from the 15 restarts in 10 s that its voters may have, and out of step with the
/// second in which words are told again, which would keep the processors busy at each kill.
const BETWEEN: Duration = Duration::from_millis(1_270);
const ACTORS: [&str; 7] = ["peers", "leader_election", "view_change", "consensus", "mempool", "verifier_pool", "state"];

/// Submissions of one statement, each with a number of its own, until there are enough.
fn submit_again(client: &Client, submitter: &Submitter, text: &str, number: &AtomicU64) {
    loop {
        let nonce = number.fetch_add(1, Ordering::Relaxed);
        if nonce >= FINAL {
            return;
        }
        let (body, _) = submitter.sign_again(text, nonce);
        until("a submission is accepted", || (client.post("/v1/proofs", &body)?.0 == 202).then_some(()));
    }
}

/// Kills one actor and tells in milliseconds when it was up, and when it served.
fn kill(network: &Network, node: &str, actor: &str, how: &str) -> (f64, f64) {
    let answer = network.pop(&["kill-actor", "--node", node, "--actor", actor, "--how", how, "--json"]);
    assert!(answer.status.success(), "{}", String::from_utf8_lossy(&answer.stderr));
    let came: Value = serde_json::from_slice(&answer.stdout).unwrap();
    (came["up_ms"].as_f64().unwrap(), came["serving_ms"].as_f64().unwrap())
}

fn percentile(sorted: &[f64], share: f64) -> f64 {
    sorted[((sorted.len() - 1) as f64 * share).round() as usize]
}

fn main() {
    let network = Network::running(4, json!({"admin": {"enabled": true}}));
    let (again, text, number) = (Submitter::new(network.chain()), script(), AtomicU64::new(0));
    std::thread::scope(|scope| {
        for client in network.nodes.iter().flat_map(|node| std::iter::repeat_n(node.client(), 8)) {
            scope.spawn(|| {
                let client = client;
                submit_again(&client, &again, &text, &number);
            });
        }
    });
    until("they are final", || (network.nodes[0].metric("pop_state_final_proofs") >= FINAL as f64).then_some(()));
    for node in [2, 3] {
        network.nodes[node].freeze();
    }
    let submitters: Vec<_> = (0..SUBMITTERS).map(|key| Submitter::with_key(network.chain(), key)).collect();
    for index in 0..PENDING {
        let (body, _) = submitters[index % submitters.len()].make();
        let node = &network.nodes[index % 2];
        until("a submission is accepted", || (node.post("/v1/proofs", &body)?.0 == 202).then_some(()));
    }
    until("all of them are checked", || {
        let idle = |node: usize| {
            let metric = |name| network.nodes[node].metric(name);
            metric("pop_mempool_proofs{") >= PENDING as f64
                && metric("pop_mempool_waiting") + metric("pop_mempool_checking") == 0.0
        };
        (idle(0) && idle(1)).then_some(())
    });
    let mut times: BTreeMap<(&str, &str), Vec<(f64, f64)>> = BTreeMap::new();
    let mut due = Instant::now();
    // One actor after the other: the same one fails again only when its back-off has been forgotten.
    let ways = (0..KILLS).flat_map(|_| ["panic", "terminate"]);
    for (actor, how) in ways.flat_map(|how| ACTORS.map(|actor| (actor, how))) {
        for node in ["node_1", "node_2"] {
            while Instant::now() < due {
                std::thread::park_timeout(due - Instant::now());
            }
            due = Instant::now() + BETWEEN / 2;
            times.entry((actor, how)).or_default().push(kill(&network, node, actor, how));
        }
    }
    let pending = network.nodes[0].metric("pop_mempool_proofs{");
    say(format_args!("{FINAL} final and {pending} pending proofs; milliseconds from a kill, p50 and p99"));
    for ((actor, how), times) in times {
        let column = |of: fn(&(f64, f64)) -> f64| {
            let mut all: Vec<f64> = times.iter().map(of).collect();
            all.sort_by(f64::total_cmp);
            format!("{:.2}, {:.2}", percentile(&all, 0.5), percentile(&all, 0.99))
        };
        say(format_args!("{actor} {how} ({}): up {}; serving {}", times.len(), column(|it| it.0), column(|it| it.1)));
    }
}
