//! Strangers, floods, and peers that read or say nothing: bounded memory, and nobody else is delayed.

use super::super::establish::DIALS_AT_ONCE;
use super::super::frames::PART_BYTES_MAX;
use super::super::handshake::HANDSHAKE_DEADLINE;
use super::super::outbox::{BULK_BYTES_MAX, URGENT_BYTES_MAX};
use super::super::pace::Pace;
use super::super::places::HANDSHAKES_MAX;
use super::super::testing::{
    Event, LONG, LONG_BYTES_MAX, NOTE, NOTES_BURST, Raw, Talk, counted, metrics_here, node, pair,
};
use super::{frame, note};
use protocol::types::ValidatorIndex;
use std::time::Instant;

#[actix::test]
async fn garbage_instead_of_tls_harms_nobody() {
    use tokio::io::AsyncWriteExt;
    let (mut a, mut b) = pair(2, 0, 1).await;
    for _ in 0..20 {
        let mut stream = tokio::net::TcpStream::connect(a.network.listen_address()).await.unwrap();
        let _ = stream.write_all(b"GET / HTTP/1.1\r\n\r\n").await;
    }
    a.talks_with(&mut b, 1).await;
}

#[actix::test]
async fn strangers_that_hold_every_place_lose_them_at_the_deadline() {
    let (mut a, mut b) = (node(2, 0), node(2, 1));
    let mut held = Vec::new();
    for _ in 0..HANDSHAKES_MAX {
        held.push(tokio::net::TcpStream::connect(a.network.listen_address()).await.unwrap());
    }
    b.knows(&a);
    let start = Instant::now();
    a.sees(Event::Opened(1)).await;
    b.sees(Event::Opened(0)).await;
    a.talks_with(&mut b, 1).await;
    // Once the places are free, the next attempt of the peer succeeds; attempts are at most seconds apart.
    let took = start.elapsed();
    assert!(took < HANDSHAKE_DEADLINE * 6, "after {took:?}");
}

#[actix::test]
async fn a_flood_is_read_slowly_and_others_are_heard_meanwhile() {
    let (_guard, metrics) = metrics_here();
    let (mut a, mut b) = pair(3, 0, 1).await;
    let mut raw = Raw::session(2, &a).await;
    a.sees(Event::Opened(2)).await;
    let flood: Vec<u8> = (0..2 * u64::from(NOTES_BURST)).flat_map(|number| frame(NOTE, &note(number))).collect();
    raw.bytes(&flood).await;
    a.until("slowed", |_| counted(&metrics, "pop_network_throttled_total") > 0.0).await;
    a.talks_with(&mut b, 1).await;
    let heard = a.network.peers().into_iter().find(|report| report.validator.0 == 2).unwrap().messages_in;
    assert!(heard < 2 * u64::from(NOTES_BURST), "the flood was not slowed down: {heard}");
}

#[actix::test]
async fn a_peer_that_reads_nothing_costs_bounded_memory_and_delays_nobody() {
    let (mut a, mut b) = pair(3, 0, 1).await;
    let _deaf = Raw::session(2, &a).await;
    a.sees(Event::Opened(2)).await;
    let long = Talk::Long("x".repeat(LONG_BYTES_MAX / 2));
    for round in 0..200 {
        let _ = a.network.send(ValidatorIndex(2), &long).unwrap();
        let _ = a.network.send(ValidatorIndex(2), &Talk::Note(round)).unwrap();
        tokio::task::yield_now().await;
    }
    let report = a.network.peers().into_iter().find(|report| report.validator.0 == 2).unwrap();
    assert!(report.waiting_bytes <= BULK_BYTES_MAX + URGENT_BYTES_MAX, "{report:?}");
    assert!(report.dropped > 0, "{report:?}");
    a.talks_with(&mut b, 1).await;
}

#[actix::test]
async fn a_vote_overtakes_bulk_on_the_same_session() {
    let (a, mut b) = pair(2, 0, 1).await;
    for _ in 0..40 {
        a.network.send(ValidatorIndex(1), &Talk::Long("x".repeat(LONG_BYTES_MAX / 2))).unwrap();
    }
    a.network.send(ValidatorIndex(1), &Talk::Note(1)).unwrap();
    assert_eq!(
        b.event().await,
        Event::Heard(0, Talk::Note(1)),
        "the vote is first, {PART_BYTES_MAX} bytes at most before it"
    );
}

#[actix::test]
async fn a_silent_peer_loses_its_session() {
    let mut a = node(2, 0);
    let _mute = Raw::session(1, &a).await;
    a.sees(Event::Opened(1)).await;
    let start = Instant::now();
    a.sees(Event::Closed(1)).await;
    assert!(start.elapsed() >= Pace::of(4).silence_max);
    a.until_error(1, "nothing was heard").await;
}

/// Forty peers whose system accepts connections and whose process says nothing: at a start of a large network, everybody is
/// like that for a while.
#[actix::test]
async fn a_few_peers_are_dialled_at_a_time_and_each_in_its_turn() {
    let silent = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = silent.local_addr().unwrap().to_string();
    let a = node(40, 0);
    (1..40).for_each(|peer| a.network.learn_address(ValidatorIndex(peer), address.clone()));
    let accept = || async { tokio::time::timeout(LONG, silent.accept()).await.expect("another is dialled").unwrap().0 };
    let mut open = std::collections::VecDeque::new();
    for _ in 0..DIALS_AT_ONCE {
        open.push_back(accept().await);
    }
    for _ in 0..2 * DIALS_AT_ONCE {
        open.pop_front();
        open.push_back(accept().await);
    }
    let another = std::pin::pin!(silent.accept());
    assert!(at_once(another).await.is_none(), "as many as ended were dialled");
    a.stop().await;
}

/// What a future gives at once, if it does.
async fn at_once<T>(mut future: std::pin::Pin<&mut impl Future<Output = T>>) -> Option<T> {
    std::future::poll_fn(|context| {
        std::task::Poll::Ready(match future.as_mut().poll(context) {
            std::task::Poll::Ready(value) => Some(value),
            std::task::Poll::Pending => None,
        })
    })
    .await
}
