//! Logs of 1, 50 and 2,000 queries, and one of 100 MB: what reading them takes, in time and memory.
//!
//! The small ones run always; the large one in `make test-long`. `POP_LOG_MB` says how large.
//!
//! Must never: have two tests that run at once; they count the program's memory.

#[path = "../fuzz/mod.rs"]
mod fuzz;

use fuzz::memory::peak_of;
use smtlib::{Limits, Log, LogLimits, Tool, normalise};
use std::fmt::Write;
use std::time::Instant;

#[global_allocator]
static ALLOCATOR: fuzz::memory::Counting = fuzz::memory::Counting;

/// A log as Boogie writes it: a base, then each goal in a scope, its options before it, a false one with the search for
/// another error behind it.
fn log(queries: usize, base: usize) -> String {
    let mut log =
        String::from("(set-option :print-success false)\n(set-option :smt.mbqi false)\n; done setting options\n");
    let _ =
        writeln!(log, "(declare-fun tickleBool (Bool) Bool)\n(declare-fun f (Int) Int)\n(declare-const %lbl%@1 Bool)");
    for axiom in 0..base {
        let _ = writeln!(
            log,
            "(assert (forall ((x Int)) (! (=> (< x {axiom}) (< (f x) {axiom})) :pattern ((f x)) :qid |base.{axiom}|)))"
        );
    }
    for query in 0..queries {
        let _ = writeln!(log, "(set-option :rlimit {})\n(push 1)\n(set-info :boogie-vc-id P{query})", query % 2);
        let _ = writeln!(log, "(assert (not (! (or %lbl%@1 (= (f {query}) {query})) :lblneg @1)))\n(check-sat)");
        let _ = match query % 2 {
            0 => writeln!(log, "(labels)\n(assert %lbl%@1)\n(check-sat)\n(pop 1)\n; Invalid"),
            _ => writeln!(log, "(pop 1)\n; Valid"),
        };
    }
    log
}

fn measure(name: &str, text: &str, queries: usize) {
    let begun = Instant::now();
    let (log, peak) = peak_of(|| Log::read(text.as_bytes(), &LogLimits::default()));
    let took = begun.elapsed();
    let mb = text.len() as f64 / 1e6;
    println!(
        "{name}: {queries} queries, {mb:.1} MB in {took:?} ({:.0} MB/s), {peak} bytes of memory beside the log",
        mb / took.as_secs_f64()
    );
    assert_eq!(log.queries().len(), queries, "{name}");
    assert_eq!(log.summary().searches as usize, queries.div_ceil(2), "{name}");
    assert_eq!(log.summary().tool.as_ref().map(|found| found.tool), Some(Tool::Boogie), "{name}");
    assert!(peak < (4 << 20) + text.len() / 8, "{name}: {peak} bytes of memory for {} bytes", text.len());
    for query in [log.queries().first(), log.queries().last()].into_iter().flatten() {
        assert_eq!(log.text_bytes(query), log.text(query).len() as u64);
        let normalised = normalise(
            &log.text(query),
            &Limits { bytes_max: 1 << 30, tokens_max: 1 << 30, expanded_size_max: 1 << 40, ..Limits::default() },
        );
        assert!(normalised.is_ok(), "{name}: {:?}", normalised.err());
    }
}

#[test]
fn a_log_costs_what_it_is_long_and_no_more() {
    for queries in [1, 50, 2_000] {
        measure("a small base", &log(queries, 20), queries);
    }
}

#[test]
#[ignore = "a hundred megabytes: make test-long"]
fn a_log_of_a_hundred_megabytes() {
    let mb: usize = std::env::var("POP_LOG_MB").ok().and_then(|mb| mb.parse().ok()).unwrap_or(100);
    // As Dafny writes them: each query with a preamble of its own, and a reset before the next.
    let one = log(1, 2_000);
    let mut text = String::with_capacity(mb * 1_000_000 + one.len());
    let mut queries = 0;
    while text.len() < mb * 1_000_000 {
        text.push_str(&one);
        text.push_str("(reset)\n");
        queries += 1;
    }
    measure_resets(&text, queries);
    let base = log(2_000, mb * 9_000);
    measure("one base", &base, 2_000);
}

fn measure_resets(text: &str, queries: usize) {
    let begun = Instant::now();
    let (log, peak) = peak_of(|| Log::read(text.as_bytes(), &LogLimits::default()));
    let took = begun.elapsed();
    let mb = text.len() as f64 / 1e6;
    println!(
        "with resets: {queries} queries, {mb:.1} MB in {took:?} ({:.0} MB/s), {peak} bytes of memory beside the log",
        mb / took.as_secs_f64()
    );
    assert_eq!(log.queries().len(), queries);
    assert!(peak < 4 << 20, "{peak} bytes of memory");
    let longest = log.queries().iter().map(|query| log.text_bytes(query)).max();
    assert!(longest.is_some_and(|longest| (longest as usize) < text.len() / queries + 1_000), "what was reset is gone");
}
