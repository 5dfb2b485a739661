//! The stream of events over a real socket: what it begins with, how many there may be, and whom they leave alone.

use super::events::{LIFETIME, Listeners, QUEUED_MAX, STREAMS_MAX};
use crate::api::limiter::Limiter;
use crate::api::tests::{Bench, bench};
use axum::body::Bytes;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Wide: a loaded machine must not fail a test.
const LONG: Duration = Duration::from_secs(60);

async fn open(bench: &Bench) -> TcpStream {
    let mut stream = TcpStream::connect(bench.address).await.unwrap();
    stream.write_all(b"GET /v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    stream
}

/// Reads until a text has come, and gives all that was read.
async fn read_until(stream: &mut TcpStream, text: &str) -> String {
    let mut read = Vec::new();
    let reading = async {
        while !String::from_utf8_lossy(&read).contains(text) {
            let mut some = [0; 4_096];
            let count = stream.read(&mut some).await.unwrap();
            assert!(count > 0, "it ended without {text:?}: {}", String::from_utf8_lossy(&read));
            read.extend_from_slice(&some[..count]);
        }
    };
    tokio::time::timeout(LONG, reading).await.expect(text);
    String::from_utf8_lossy(&read).into_owned()
}

#[actix::test]
async fn a_stream_begins_with_everything_and_goes_on_with_what_changes() {
    let bench = bench().await;
    let mut stream = open(&bench).await;
    let begin = read_until(&mut stream, "event: actors").await;
    assert!(begin.starts_with("HTTP/1.1 200") && begin.contains("content-type: text/event-stream"), "{begin}");
    for name in ["health", "status", "blocks", "proofs", "validators", "history"] {
        assert!(begin.contains(&format!("\nevent: {name}\ndata: ")), "{name}: {begin}");
    }
    let (_, body) =
        bench.submission("(set-info :status unsat)(declare-const p Bool)(assert p)(assert (not p))(check-sat)");
    let (status, answer) = bench.post(&body.to_string()).await;
    assert_eq!(status, 202, "{answer}");
    let event = read_until(&mut stream, "\"under_way\":[{").await;
    assert!(event.contains(answer["proof"].as_str().unwrap()), "{event}");
    // Nobody listens any more, and nobody works for nobody.
    drop(stream);
    let deadline = Instant::now() + LONG;
    while bench.api.live.listeners.count() > 0 || bench.api.live.listeners.is_producing() {
        assert!(Instant::now() < deadline, "the producer goes on");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[actix::test]
async fn streams_have_places_of_their_own_and_beyond_them_a_client_is_told_what_to_do() {
    let bench = bench().await;
    let mut streams = Vec::new();
    for _ in 0..STREAMS_MAX {
        let mut stream = open(&bench).await;
        read_until(&mut stream, "event: health").await;
        streams.push(stream);
    }
    assert_eq!((bench.api.live.listeners.count(), bench.requests.taken()), (STREAMS_MAX, 0));
    let (status, answer) = bench.get("/v1/events").await;
    assert_eq!((status, answer["error"].as_str()), (503, Some("unavailable")), "{answer}");
    assert!(answer["message"].as_str().unwrap().contains("/v1/overview"), "{answer}");
    let (status, overview) = bench.get("/v1/overview").await;
    assert_eq!(status, 200);
    assert!(overview["health"]["sentence"].is_string(), "{overview}");
    // One that leaves makes room.
    drop(streams.pop());
    let deadline = Instant::now() + LONG;
    loop {
        let mut next = open(&bench).await;
        if read_until(&mut next, "\r\n\r\n").await.starts_with("HTTP/1.1 200") {
            break;
        }
        assert!(Instant::now() < deadline, "no room comes");
    }
}

#[actix::test]
async fn a_part_that_cannot_be_made_says_why_and_the_others_are_there() {
    let bench = bench().await;
    assert!(bench.mempool.stop(LONG).await);
    let (status, overview) = bench.get("/v1/overview").await;
    assert_eq!((status, overview["proofs"]["error"].as_str()), (200, Some("unavailable")), "{overview}");
    assert!(overview["blocks"].is_array() && overview["actors"]["tree"].is_object(), "{overview}");
}

#[test]
fn a_reader_that_does_not_read_is_cut_off_and_the_others_miss_nothing() {
    let (listeners, limiter) = (Listeners::default(), Limiter::new(2));
    let permit = || Arc::new(limiter.take(IpAddr::from([127, 0, 0, 1])).unwrap());
    let (slow, fast) = (permit(), permit());
    let until = Instant::now() + LIFETIME;
    let (mut unread, _) = listeners.add(Arc::clone(&slow), until).unwrap();
    let (mut read, _) = listeners.add(fast, until).unwrap();
    assert_eq!(limiter.taken(), 0, "their connections count no more");
    for number in 0..=QUEUED_MAX {
        listeners.publish(&Bytes::from(number.to_string()));
        assert_eq!(read.try_recv().unwrap(), number.to_string());
    }
    assert_eq!(listeners.count(), 1);
    let lost = std::pin::pin!(slow.lost());
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    assert!(lost.poll(&mut context).is_ready(), "its connection ends, though it does not read");
    // What was in its queue is all that there was for it.
    assert_eq!(std::iter::from_fn(|| unread.try_recv().ok()).count(), QUEUED_MAX);
    listeners.close();
    assert!(read.try_recv().is_err() && listeners.add(permit(), until).is_none(), "the node ends");
}

#[test]
fn a_stream_ends_after_its_lifetime() {
    let (listeners, limiter) = (Listeners::default(), Limiter::new(1));
    let permit = Arc::new(limiter.take(IpAddr::from([127, 0, 0, 1])).unwrap());
    let (mut chunks, _) = listeners.add(permit, Instant::now()).unwrap();
    listeners.publish(&Bytes::from_static(b"last"));
    assert_eq!(chunks.try_recv().unwrap(), "last");
    assert!(matches!(chunks.try_recv(), Err(tokio::sync::mpsc::error::TryRecvError::Disconnected)));
}
