//! Messages a second one way, and the latency of a request, on one thread and across two.

use crate::print;
use crate::targets::{Channel, Kameo, Ours, Ractor, Target, arbiter, plain};
use std::time::{Duration, Instant};

const MESSAGES: u64 = 1_000_000;
/// Sent before the receiver on the same thread has its turn; fewer than any mailbox holds.
const CHUNK: u64 = 1_024;
const REQUESTS: usize = 20_000;
const ROUNDS: usize = 3;

pub async fn measure() {
    for (elsewhere, place) in [(false, "one thread"), (true, "two threads")] {
        let at = || arbiter(elsewhere);
        target(place, "supervision", &Ours::start(&at())).await;
        target(place, "actix", &plain(&at())).await;
        target(place, "tokio mpsc, oneshot", &Channel::start(&at())).await;
        target(place, "ractor", &Ractor::start(&at()).await).await;
        target(place, "kameo", &Kameo::start(&at()).await).await;
    }
}

async fn target(place: &str, name: &str, target: &impl Target) {
    let mut best = f64::MAX;
    for _ in 0..ROUNDS {
        best = best.min(one_way(target).await.as_secs_f64());
    }
    let rate = MESSAGES as f64 / best / 1e6;
    println!("{:<58} {rate:>6.2} million a second", format!("one way, {place}, {name}"));
    print(&format!("request, {place}, {name}"), requests(target).await);
}

/// Until the last one was handled.
async fn one_way(target: &impl Target) -> Duration {
    let before = target.ask().await;
    let began = Instant::now();
    for number in 0..MESSAGES {
        target.tell().await;
        if number % CHUNK == 0 {
            tokio::task::yield_now().await;
        }
    }
    assert_eq!(target.ask().await, before + MESSAGES);
    began.elapsed()
}

async fn requests(target: &impl Target) -> Vec<Duration> {
    let mut spans = Vec::with_capacity(REQUESTS);
    for _ in 0..REQUESTS {
        let began = Instant::now();
        target.ask().await;
        spans.push(began.elapsed());
    }
    spans
}
