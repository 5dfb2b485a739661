//! Clients of the HTTP API that open ten thousand connections and say nothing, say it slowly, or do not read: the node's
//! memory and descriptors stay bounded, and who asks a question is answered meanwhile.

mod network_support;

use network_support::hostile::resident;
use network_support::latency::{Finality, summary};
use network_support::proofs::Submitter;
use network_support::{Network, say, until};
use serde_json::json;
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

const CONNECTIONS: usize = 10_000;
const CLIENTS: usize = 20;
/// Those that the node has closed come back, so many a second.
const COME_BACK: usize = 1_000;
const ABUSE: Duration = Duration::from_secs(4);
/// The longest that an honest client may wait for a proof to be final, or for a status.
const WAIT_MAX: Duration = Duration::from_secs(5);
/// 512 connections with an answer of some 300 KiB each, and the allocator's slack.
const GROWTH_MAX: u64 = 256 << 20;
/// The API's 512, the database's and log's files, workers' pipes, peers.
const DESCRIPTORS_MAX: usize = 700;

/// What a connection says before it says no more.
const WORDS: [&str; 3] = [
    "",
    "GET /v1/status HTTP/1.1\r\nHost: loc",
    "POST /v1/proofs HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\n{\"script\": \"",
];
/// Every so many ask for blocks instead, which is dear, and never read the answer.
const DEAF_EVERY: usize = 40;
const DEAF: &str = "GET /v1/blocks?from=1 HTTP/1.1\r\nHost: localhost\r\n\r\n";

fn is_deaf(number: usize) -> bool {
    number.is_multiple_of(DEAF_EVERY)
}

/// Lets this process, not the validators that it started, have so many connections.
fn allow_descriptors(count: usize) -> bool {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: both calls get a pointer to a whole rlimit that outlives them.
    unsafe {
        libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit);
        limit.rlim_cur = limit.rlim_max;
        libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit);
    }
    limit.rlim_cur >= count as libc::rlim_t
}

fn open(to: SocketAddr, number: usize) -> Option<TcpStream> {
    let mut stream = TcpStream::connect_timeout(&to, Duration::from_secs(2)).ok()?;
    let words = if is_deaf(number) { DEAF } else { WORDS[number % WORDS.len()] };
    stream.write_all(words.as_bytes()).ok()?;
    stream.set_nonblocking(true).ok()?;
    Some(stream)
}

/// Whether the node has ended the connection. One that is not to read is only asked whether it is there.
fn is_over(stream: &mut TcpStream, number: usize) -> bool {
    let mut byte = [0];
    let seen = if is_deaf(number) { stream.peek(&mut byte) } else { stream.read(&mut byte) };
    match seen {
        Ok(0) => true,
        Ok(_) => false,
        Err(error) => error.kind() != ErrorKind::WouldBlock,
    }
}

#[test]
fn ten_thousand_connections_delay_nobody_for_long_and_cost_bounded_memory() {
    let mut network = Network::running(1, json!({}));
    if !allow_descriptors(CONNECTIONS + 200) {
        say(format_args!("NOT RUN: ten thousand connections: the system lets this process have fewer descriptors"));
        return;
    }
    let submitter = Submitter::new(network.chain());
    let finality = Finality::on(&network.nodes[0].client(), &submitter);
    until("there are blocks to read", || (network.nodes[0].sequence() > 100).then_some(()));
    say(format_args!("nobody else: {}", summary(&finality.finish())));

    let (to, pid) = (network.nodes[0].http, network.nodes[0].pid());
    let before = resident(pid);
    let begun = Instant::now();
    // Whoever meets a full queue waits a second for its next attempt: several connect at once.
    let share = CONNECTIONS / CLIENTS;
    let open_share = |client: usize| (client * share..(client + 1) * share).map(|number| open(to, number)).collect();
    let mut held: Vec<Option<TcpStream>> = std::thread::scope(|scope| {
        let clients: Vec<_> =
            (0..CLIENTS).map(|client| scope.spawn(move || -> Vec<_> { open_share(client) })).collect();
        clients.into_iter().flat_map(|client| client.join().unwrap()).collect()
    });
    say(format_args!("{} connections were made in {:?}", held.iter().flatten().count(), begun.elapsed()));

    let finality = Finality::on(&network.nodes[0].client(), &submitter);
    let (begun, mut next, mut back) = (Instant::now(), 0, 0);
    let (mut growth, mut descriptors, mut slowest) = (0, 0, Duration::ZERO);
    while begun.elapsed() < ABUSE {
        let due = (begun.elapsed().as_secs_f64() * COME_BACK as f64) as usize;
        for _ in 0..CONNECTIONS {
            if back >= due {
                break;
            }
            let over = held[next].as_mut().is_none_or(|stream| is_over(stream, next));
            if over {
                held[next] = open(to, next);
                back += 1;
            }
            next = (next + 1) % CONNECTIONS;
        }
        let asked = Instant::now();
        network.nodes[0].status();
        slowest = slowest.max(asked.elapsed());
        growth = growth.max(resident(pid).saturating_sub(before));
        let open = std::fs::read_dir(format!("/proc/{pid}/fd")).unwrap().count();
        descriptors = descriptors.max(open);
    }
    let times = finality.finish();
    say(format_args!(
        "{CONNECTIONS} connections that say nothing, half, or do not read, {back} of them again: {}; the slowest status took \
         {slowest:?}; memory grew by at most {} MiB; at most {descriptors} descriptors",
        summary(&times),
        growth >> 20
    ));
    assert!(slowest < WAIT_MAX && times.last().is_some_and(|longest| *longest < WAIT_MAX));
    assert!(growth < GROWTH_MAX, "memory grew by {} MiB", growth >> 20);
    assert!(descriptors < DESCRIPTORS_MAX, "{descriptors} descriptors");
    drop(held);
    let proof = submitter.submit(&network.nodes[0]);
    network.nodes[0].await_final(&proof);
}
