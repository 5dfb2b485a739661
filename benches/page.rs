//! The page: how soon it is there, how soon it shows what happens, and what 200 open ones cost their validator.
//!
//! `cargo bench --bench page`, two and a half minutes. Four validator processes on this machine and a real Chromium; the open pages are
//! streams of events that are read to the end. It fails when a target is missed.

#[path = "../tests/browser/mod.rs"]
mod browser;
#[path = "../tests/network_support/mod.rs"]
mod network_support;

use browser::Browser;
use network_support::proofs::Submitter;
use network_support::{Network, processor_ticks, say, until};
use serde_json::json;
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

const TIMES: usize = 10;
/// What a person waits for, at most.
const SHOWN_MAX: Duration = Duration::from_secs(2);
const PAGES: usize = 200;
/// Of one core, for all of the pages.
const SHARE_MAX: f64 = 0.05;
/// How long the processor's time is measured.
const MEASURED: Duration = Duration::from_secs(20);
/// From one kill to the next: far from the restarts that a supervisor allows.
const BETWEEN_KILLS: Duration = Duration::from_secs(2);
/// From one submission to the next, while pages are measured under load.
const BETWEEN_PROOFS: Duration = Duration::from_millis(50);
/// Hundredths of a second in a second: what the system counts a process' time in.
const TICKS: f64 = 100.0;

fn pause(span: Duration) {
    let until = Instant::now() + span;
    while Instant::now() < until {
        std::thread::park_timeout(until.saturating_duration_since(Instant::now()));
    }
}

fn told(what: &str, mut times: Vec<Duration>) {
    times.sort_unstable();
    let (median, longest) = (times[times.len() / 2], times[times.len() - 1]);
    say(format_args!("{what}: median {median:.2?}, longest {longest:.2?} of {} (target {SHOWN_MAX:.0?})", times.len()));
    assert!(longest <= SHOWN_MAX, "{what} took {longest:.2?}");
}

fn shown(network: &Network, submitter: &Submitter) {
    let Some(name) = browser::installed() else {
        return say(format_args!("NOT RUN: how soon the page shows something: install chromium"));
    };
    let mut browser = Browser::start(name);
    let base = format!("http://{}", network.nodes[0].http);
    let load = |browser: &mut Browser| {
        browser.open("about:blank");
        let begun = Instant::now();
        browser.open(&base);
        browser.await_text("#figures", "Last block");
        begun.elapsed()
    };
    told("page loaded", (0..TIMES).map(|_| load(&mut browser)).collect());
    let submit = |browser: &mut Browser| {
        let begun = Instant::now();
        let proof = submitter.submit(&network.nodes[1]);
        browser.await_text(&format!("#proofs tr:has(a[href='#/proof/{proof}'])"), "final");
        begun.elapsed()
    };
    told("a proof shown as final, from its submission", (0..TIMES).map(|_| submit(&mut browser)).collect());
    let kill = |browser: &mut Browser, number: usize| {
        pause(BETWEEN_KILLS);
        let begun = Instant::now();
        let killed = network.pop(&["kill-actor", "--node", "node_1", "--actor", "mempool"]);
        assert!(killed.status.success(), "{}", String::from_utf8_lossy(&killed.stderr));
        browser.await_text("#restarts", &format!("incarnation {}", number + 2));
        begun.elapsed()
    };
    told("a restart shown, from the kill", (0..TIMES).map(|number| kill(&mut browser, number)).collect());
}

/// Reads a stream of events until it is shut.
fn read_events(mut stream: TcpStream, bytes: &AtomicU64) {
    let mut some = vec![0; 1 << 16];
    while let Ok(count @ 1..) = stream.read(&mut some) {
        bytes.fetch_add(count as u64, Ordering::Relaxed);
    }
}

fn open_page(http: SocketAddr) -> TcpStream {
    let mut stream = TcpStream::connect(http).expect("the validator takes connections");
    stream.write_all(b"GET /v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n").expect("and a request");
    stream
}

/// The share of a core that the validator takes.
fn share(pid: i32) -> f64 {
    let ticks = || processor_ticks(pid).expect("it runs");
    let (before, begun) = (ticks(), Instant::now());
    pause(MEASURED);
    (ticks() - before) as f64 / TICKS / begun.elapsed().as_secs_f64()
}

/// The share without pages and with them, one right after the other.
fn cost(network: &Network, what: &str) {
    let node = &network.nodes[0];
    let without = share(node.pid());
    let bytes = AtomicU64::new(0);
    let pages: Vec<TcpStream> = (0..PAGES).map(|_| open_page(node.http)).collect();
    let with = std::thread::scope(|scope| {
        for page in &pages {
            let stream = page.try_clone().expect("a descriptor");
            scope.spawn(|| read_events(stream, &bytes));
        }
        until("every page has its first events", || {
            (bytes.load(Ordering::Relaxed) > (PAGES as u64) << 10).then_some(())
        });
        let with = share(node.pid());
        pages.iter().for_each(|page| _ = page.shutdown(Shutdown::Both));
        with
    });
    let (more, read) = (with - without, bytes.load(Ordering::Relaxed) >> 10);
    say(format_args!(
        "{PAGES} pages, {what}: {:.1}% of a core more ({:.1}% without, {:.1}% with; {read} KiB read; target {:.0}%)",
        100.0 * more,
        100.0 * without,
        100.0 * with,
        100.0 * SHARE_MAX
    ));
    assert!(more <= SHARE_MAX, "{PAGES} pages cost {:.1}% of a core", 100.0 * more);
}

/// Whatever happens meanwhile, who submits stops.
struct Stop<'a>(&'a AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

fn main() {
    let network = Network::running(4, json!({"admin": {"enabled": true}}));
    let submitter = Submitter::new(network.chain());
    shown(&network, &submitter);
    cost(&network, "nothing submitted");
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                // Peers and clients may be slow on a loaded machine: one that is not taken is no matter here.
                _ = network.nodes[1].post("/v1/proofs", &submitter.make().0);
                pause(BETWEEN_PROOFS);
            }
        });
        let _stop = Stop(&over);
        cost(&network, "20 proofs a second");
    });
}
