//! Clients that do not take their answers, or go away before them: what each may keep, and for how long.

use super::*;
use crate::api::answers::LONG_MAX;
use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

/// Wide: a loaded machine must not fail a test.
const LONG: Duration = Duration::from_secs(60);
/// So small that the system does not take an answer in a slow reader's place.
const BUFFER_BYTES: u32 = 16 << 10;
const SCRIPT_BYTES: usize = 1 << 20;

async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + LONG;
    while !is_so() {
        assert!(Instant::now() < deadline, "not within {LONG:?}: {what}");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

/// A node that has one long script.
async fn bench_with_a_script() -> (Bench, Hash, String) {
    let bench = bench_of(Settings {
        limits: Limits::new(100, 16 << 20, 1),
        script_bytes_max: 2 << 20,
        send_buffer_bytes: Some(BUFFER_BYTES),
        ..Settings::default()
    })
    .await;
    let script = format!("{}{GOOD}", " ".repeat(SCRIPT_BYTES));
    let (id, body) = bench.submission(&script);
    assert_eq!(bench.post(&body.to_string()).await.0, 202);
    (bench, id, script)
}

/// Asks for a script and reads no more than that there is one.
async fn begins_to_read(bench: &Bench, id: &Hash) -> TcpStream {
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(BUFFER_BYTES).unwrap();
    let mut stream = socket.connect(bench.address).await.unwrap();
    let request = format!("GET /v1/proofs/{id}/script HTTP/1.1\r\nHost: localhost\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut status = [0; 12];
    tokio::time::timeout(LONG, stream.read_exact(&mut status)).await.expect("an answer").unwrap();
    assert_eq!(std::str::from_utf8(&status).unwrap(), "HTTP/1.1 200");
    stream
}

/// Reads until the connection ends, or all of the script has come.
async fn read_on(stream: &mut TcpStream) -> usize {
    let mut read = Vec::new();
    let reading = async {
        let mut some = vec![0; 64 << 10];
        while let Ok(count @ 1..) = stream.read(&mut some).await {
            read.extend_from_slice(&some[..count]);
            if read.ends_with(GOOD.as_bytes()) {
                break;
            }
        }
    };
    tokio::time::timeout(LONG, reading).await.expect("it goes on or ends");
    read.len()
}

#[actix::test]
async fn slow_readers_of_long_answers_are_so_many_and_no_more() {
    const MORE: usize = 8;
    let (bench, id, script) = bench_with_a_script().await;
    let mut readers = Vec::new();
    for _ in 0..LONG_MAX + MORE {
        readers.push(begins_to_read(&bench, &id).await);
        assert!(bench.api.answers.taken() <= LONG_MAX, "{}", bench.api.answers.taken());
        // Its permit among the look-ups is free as soon as the script is read, whatever its client does.
        until("the look-up ends", || bench.lookups.taken() == 0).await;
    }
    assert_eq!(bench.api.answers.taken(), LONG_MAX, "an answer that nobody takes keeps its permit");
    for (number, reader) in readers[..MORE].iter_mut().enumerate() {
        let read = read_on(reader).await;
        assert!(read < script.len(), "reader {number} was cut off, and got {read} bytes of {}", script.len());
    }
    assert!(read_on(&mut readers[MORE]).await > script.len(), "who is slow and not in the way has all of it");
    until("its permit is free", || bench.api.answers.taken() == LONG_MAX - 1).await;
    drop(readers);
    until("nothing is kept for who has gone", || bench.api.answers.taken() == 0).await;
}

#[actix::test]
async fn every_route_that_reads_the_database_beside_its_actor_takes_a_place() {
    let bench = bench().await;
    let (id, body) = bench.submission(GOOD);
    assert_eq!(bench.post(&body.to_string()).await.0, 202);
    let held: Vec<_> = (0..LOOKUPS_MAX).map(|_| bench.lookups.take(IpAddr::from([127, 0, 0, 1])).unwrap()).collect();
    held.iter().for_each(|permit| permit.works());
    let id = id.to_string();
    for path in [
        "/v1/proofs".to_owned(),
        format!("/v1/proofs/{id}/script"),
        format!("/v1/proofs/{}/script", &id[..8]),
        format!("/v1/proofs/{}", &id[..8]),
        "/v1/search?q=abcdef".into(),
        "/v1/blocks/abcdef".into(),
    ] {
        let (status, answer) = bench.get(&path).await;
        assert_eq!((status, &answer["error"]), (429, &json!("busy")), "{path}: {answer}");
        assert!(answer["retry_after"].is_u64(), "{path}: {answer}");
    }
    let (status, _) = bench.post_to("/v1/proofs/lookup", "{}").await;
    assert_eq!(status, 429);
    // What reads less is answered all the same, and so is the page.
    for (path, expected) in
        [(format!("/v1/proofs/{}", Hash::ZERO), 404), ("/v1/blocks/0".into(), 200), ("/v1/overview".into(), 200)]
    {
        assert_eq!(bench.get(&path).await.0, expected, "{path}");
    }
    drop(held);
    assert!(bench.text(&format!("/v1/proofs/{}/script", &id[..8])).await.ends_with(GOOD));
}

#[actix::test]
async fn one_making_of_the_overview_reads_the_database_at_a_time() {
    let bench = bench().await;
    let reading = bench.api.live.reads.take(IpAddr::from([0, 0, 0, 0])).unwrap();
    reading.works();
    let (status, overview) = bench.get("/v1/overview").await;
    assert_eq!((status, overview["proofs"]["error"].as_str()), (200, Some("unavailable")), "{overview}");
    assert!(overview["blocks"].is_array(), "the other parts are there: {overview}");
    drop(reading);
    // Once a second at the most it is made again.
    let deadline = Instant::now() + LONG;
    while !bench.get("/v1/overview").await.1["proofs"]["ended"].is_array() {
        assert!(Instant::now() < deadline, "its read has ended");
    }
    assert_eq!(bench.api.live.reads.taken(), 0);
}

#[actix::test]
async fn an_overview_that_takes_long_is_made_once_for_all_that_wait() {
    const WAITING: usize = 20;
    let asked = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&asked);
    // Consensus does not answer: each part that needs it is given up after a second.
    let consensus = Arc::new(move || -> Pin<Box<dyn Future<Output = ()> + Send>> {
        counted.fetch_add(1, Ordering::SeqCst);
        Box::pin(std::future::pending())
    });
    let bench = Arc::new(bench_of(Settings { consensus, ..Settings::default() }).await);
    let ask = |bench: Arc<Bench>| actix::spawn(async move { bench.get("/v1/overview").await.0 });
    let asking: Vec<_> = (0..WAITING).map(|_| ask(Arc::clone(&bench))).collect();
    for answer in asking {
        assert_eq!(answer.await.unwrap(), 200);
    }
    // Each making asks twice: for the sentence, and for the status. A loaded machine may let some come late.
    let asked = asked.load(Ordering::SeqCst);
    assert!((2..=8).contains(&asked), "consensus was asked {asked} times for {WAITING} pages");
}
