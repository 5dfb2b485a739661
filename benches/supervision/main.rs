//! What supervision costs, how fast a killed actor serves again, and whether a flood starves anything; beside plain actix,
//! Tokio's channels, ractor and kameo.
//!
//! `cargo bench --bench supervision [-- cost|recovery|starvation]`, with `RUST_BACKTRACE` unset. One line for each figure.

mod cost;
mod recovery;
mod starvation;
mod targets;

use std::time::Duration;

fn main() {
    assert!(std::env::var_os("RUST_BACKTRACE").is_none(), "a printed backtrace takes longer than a restart: unset it");
    silence_panics();
    let only = std::env::args().skip(1).find(|word| !word.starts_with('-'));
    let wanted = |part: &str| only.as_deref().is_none_or(|only| only == part);
    actix::System::new().block_on(async {
        if wanted("cost") {
            cost::measure().await;
        }
        if wanted("recovery") {
            recovery::measure().await;
        }
        if wanted("starvation") {
            starvation::measure().await;
        }
    });
}

/// The others print each planted panic, which would be measured.
fn silence_panics() {
    std::panic::set_hook(Box::new(|_| {}));
}

/// One figure's line: median, 99th percentile and maximum.
fn print(what: &str, mut spans: Vec<Duration>) {
    spans.sort_unstable();
    let at = |share: f64| spans[((spans.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e6;
    println!(
        "{what:<58} p50 {:>9.1} µs   p99 {:>9.1} µs   max {:>9.1} µs   n {}",
        at(0.5),
        at(0.99),
        at(1.0),
        spans.len()
    );
}
