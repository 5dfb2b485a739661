//! Requests that nobody honest sends: each has an answer with a name, none changes the node, and none keeps it from others.

use super::*;
use crate::api::routes::{Changes, ROUTES, Route};
use std::time::Instant;

/// What a client that is answered at once may wait on a machine that does other things too.
const PROMPT: Duration = Duration::from_secs(5);

impl Bench {
    async fn open(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// Everything that a request could change here.
    async fn standing(&self) -> String {
        let figures = self.mempool.ask(actors::mempool::TellFigures, PROMPT).await.unwrap();
        let standing = self.state.ask(actors::state::LedgerNow, PROMPT).await.unwrap();
        let pending = self.database.pending().unwrap();
        format!("{figures:?} {:?} {:?} {pending:?}", standing.sequence, standing.block)
    }
}

#[test]
fn only_submissions_and_administrators_change_the_node() {
    let changing: Vec<_> = ROUTES.iter().filter(|route| route.changes != Changes::Nothing).collect();
    let names: Vec<_> = changing.iter().map(|route| (route.method, route.path, route.changes)).collect();
    let expected = [
        ("POST", "/v1/proofs", Changes::Submissions),
        ("POST", "/v1/proofs/batch", Changes::Submissions),
        ("POST", "/v1/admin/kill", Changes::Actors),
    ];
    assert_eq!(names, expected);
    // A thousand names do not fit into a path.
    let reads = |route: &Route| route.method == "GET" || route.path == "/v1/proofs/lookup";
    assert!(ROUTES.iter().all(|route| reads(route) == (route.changes == Changes::Nothing)));
}

#[actix::test]
async fn no_method_on_any_path_changes_the_node_but_a_signed_submission() {
    let bench = bench().await;
    let before = bench.standing().await;
    let (_, body) = bench.submission(GOOD);
    let body = body.to_string();
    for route in ROUTES {
        let path =
            route.path.replace("{id}", &Hash::ZERO.to_string()).replace("{sequence}", "0").replace("{file}", "main.js");
        let path = path.replace("/v1/search", "/v1/search?q=000000");
        for method in ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "BREW"] {
            // A submission; and an answer that does not end, of which live/tests.rs knows more.
            if matches!((method, route.path), ("POST", "/v1/proofs") | ("GET", "/v1/events")) {
                continue;
            }
            let head = format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n");
            let request = format!("{head}Content-Length: {}\r\n\r\n{body}", body.len());
            let (status, answer) = bench.send(&request).await;
            // A path may take several methods, each by a route of its own.
            let takes = |other: &&Route| method == other.method || method == "HEAD" && other.method == "GET";
            let reads = ROUTES.iter().filter(|other| other.path == route.path).any(|other| takes(&other));
            if reads && method == "POST" && route.changes != Changes::Actors {
                assert_eq!((status, &answer["error"]), (400, &json!("bad_request")), "it is no batch and no look-up");
            } else if route.changes == Changes::Actors && method == "POST" {
                assert_eq!(status, 403, "there is no administrator here");
            } else if reads {
                assert!(matches!(status, 200 | 404), "{method} {path}: {status} {answer}");
            } else {
                assert_eq!(status, 405, "{method} {path}");
                // An answer to HEAD has no body.
                assert!(method == "HEAD" || answer["error"] == "method_not_allowed", "{method} {path}: {answer}");
            }
        }
    }
    assert_eq!(bench.standing().await, before);
    assert_eq!(bench.post(&body).await.0, 202);
    assert_ne!(bench.standing().await, before, "what is compared does change with a submission");
}

#[actix::test]
async fn wrong_types_and_unknown_fields_are_named_and_nothing_is_taken() {
    let bench = bench().await;
    let before = bench.standing().await;
    let (_, good) = bench.submission(GOOD);
    let with = |key: &str, value: Value| {
        let mut body = good.clone();
        body[key] = value;
        body.to_string()
    };
    let key = "ab".repeat(32);
    let deep = "[".repeat(10_000);
    let cases: Vec<(String, &str)> = vec![
        (String::new(), "no JSON object"),
        ("null".into(), "no JSON object"),
        ("[\"\", \"sat\"]".into(), "no JSON object"),
        ("\"proof\"".into(), "no JSON object"),
        (deep, "no JSON object"),
        ("{".into(), "EOF"),
        ("{}".into(), "missing field"),
        (format!("{{\"script\":{}", "[".repeat(10_000)), "invalid type"),
        (format!("{good} {good}"), "trailing characters"),
        (good.to_string().replacen('{', "{\"nonce\":1,", 1), "duplicate field"),
        (with("script", json!(7)), "invalid type"),
        (with("script", json!(null)), "invalid type"),
        (with("claim", json!("unknown")), "unknown variant"),
        (with("claim", json!(true)), "expected value"),
        (with("nonce", json!(-1)), "invalid value"),
        (with("nonce", json!(1.5)), "invalid type"),
        (with("nonce", json!("1")), "invalid type"),
        (with("nonce", json!(1e30)), "invalid type"),
        (with("submitter", json!("xyz")), "hex"),
        (with("submitter", json!(key[1..])), "hex"),
        (with("signature", json!(key)), "hex"),
        (with("signature", json!([1, 2])), "invalid type"),
        (with("admin", json!(true)), "unknown field `admin`"),
        (with(&"x".repeat(10_000), json!(1)), "unknown field"),
    ];
    for (body, word) in cases {
        let (status, answer) = bench.post(&body).await;
        let message = answer["message"].as_str().unwrap_or_default();
        assert_eq!((status, &answer["error"]), (400, &json!("bad_request")), "{body:.80}: {answer}");
        assert!(message.contains(word), "{word:?} is not in {message:?} on {body:.80}");
        assert!(message.len() < 1_000, "what was sent is not sent back");
    }
    let head = "POST /v1/proofs HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n";
    let mut stream = bench.open().await;
    stream.write_all(format!("{head}Content-Length: 2\r\n\r\n").as_bytes()).await.unwrap();
    stream.write_all(&[0xff, 0xfe]).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 400"), "no UTF-8: {answer}");
    for path in [
        "/v1/blocks/-1",
        "/v1/blocks/1.0",
        "/v1/blocks/18446744073709551616",
        "/v1/blocks/%00",
        "/v1/blocks?from=-1",
        "/v1/blocks?from=1&from=2",
        "/v1/blocks?wait=NaN",
        "/v1/blocks?wait=inf",
        "/v1/blocks?wait=-0.1",
        "/v1/blocks?wait=",
        "/v1/proofs/%2e%2e",
        &format!("/v1/proofs/{}0", Hash::ZERO),
        &format!("/v1/proofs/{}?wait=61", Hash::ZERO),
        &format!("/v1/proofs/{}?watch=1", Hash::ZERO),
    ] {
        let (status, answer) = bench.get(path).await;
        assert_eq!((status, &answer["error"]), (400, &json!("bad_request")), "{path}: {answer}");
    }
    assert_eq!(bench.standing().await, before);
}

#[actix::test]
async fn a_body_of_a_gigabyte_is_refused_before_it_is_read() {
    let bench = bench().await;
    for framing in ["Content-Length: 1073741824", "Transfer-Encoding: chunked"] {
        let mut stream = bench.open().await;
        let head = format!("POST /v1/proofs HTTP/1.1\r\nHost: localhost\r\n{framing}\r\n\r\n");
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut chunk = format!("{:x}\r\n", 1 << 20).into_bytes();
        chunk.resize(chunk.len() + (1 << 20), b' ');
        chunk.extend_from_slice(b"\r\n");
        let (mut read, mut write) = stream.split();
        let mut taken = 0usize;
        let pour = async {
            for _ in 0..1_024 {
                if write.write_all(&chunk).await.is_err() {
                    break;
                }
                taken += chunk.len();
            }
            std::future::pending::<()>().await;
        };
        let mut answer = [0; 12];
        let answered =
            async { tokio::time::timeout(PROMPT, read.read_exact(&mut answer)).await.expect("an answer").unwrap() };
        tokio::select! { _ = answered => {}, () = pour => {} }
        assert_eq!(std::str::from_utf8(&answer).unwrap(), "HTTP/1.1 413", "{framing}");
        assert!(taken < 16 << 20, "{framing}: {taken} bytes were taken");
        // The rest is not read either: the connection ends.
        let end = async {
            while write.write_all(&chunk).await.is_ok() {
                taken += chunk.len();
                assert!(taken < 64 << 20, "{framing}: it goes on taking");
            }
        };
        tokio::time::timeout(PROMPT, end).await.expect("the connection ends");
    }
}

#[actix::test]
async fn a_foreign_web_page_is_refused_however_it_asks() {
    let bench = bench().await;
    let (_, body) = bench.submission(GOOD);
    let body = body.to_string();
    let cases = [
        // A name that was made to lead here.
        ("POST /v1/proofs", "Host: evil.example", 403),
        ("POST /v1/proofs", "Host: localhost\r\nHost: evil.example", 403),
        ("POST http://evil.example/v1/proofs", "Host: localhost", 403),
        // A page that asks by our own name: the browser says whose page it is.
        ("POST /v1/proofs", "Host: localhost:9001\r\nOrigin: https://evil.example", 403),
        ("POST /v1/proofs", "Host: localhost:9001\r\nOrigin: null", 403),
        ("POST /v1/proofs", "Host: localhost:9001\r\nOrigin: http://localhost.evil.example", 403),
        ("POST /v1/proofs", "Host: localhost:9001\r\nOrigin: http://localhost:3000", 202),
    ];
    for (line, headers, expected) in cases {
        let request = format!(
            "{line} HTTP/1.1\r\n{headers}\r\nContent-Type: text/plain\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
            body.len()
        );
        assert_eq!(bench.send(&request).await.0, expected, "{line} {headers}");
    }
}

#[actix::test]
async fn bodies_that_never_end_give_way_to_those_that_do() {
    let bench = bench().await;
    let mut slow = Vec::new();
    for _ in 0..SUBMISSIONS_MAX {
        let mut stream = bench.open().await;
        let head = b"POST /v1/proofs HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5000\r\n\r\n{";
        stream.write_all(head).await.unwrap();
        slow.push(stream);
    }
    until_taken(&bench.submissions, SUBMISSIONS_MAX).await;
    let (_, body) = bench.submission(GOOD);
    let begun = Instant::now();
    let (status, answer) = bench.post(&body.to_string()).await;
    assert_eq!(status, 202, "{answer}");
    assert!(begun.elapsed() < PROMPT, "{:?}", begun.elapsed());
    let mut told = [0; 12];
    tokio::time::timeout(PROMPT, slow[0].read_exact(&mut told)).await.expect("it is told").unwrap();
    assert_eq!(std::str::from_utf8(&told).unwrap(), "HTTP/1.1 408", "the one that was slow for longest gave way");
}

pub(super) async fn until_taken(limiter: &Arc<Limiter>, count: usize) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while limiter.taken() < count {
        assert!(Instant::now() < deadline, "{} of {count} permits are taken", limiter.taken());
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

#[actix::test]
async fn waits_are_cut_short_when_others_need_the_place() {
    let bench = bench().await;
    let mut waiting = Vec::new();
    for _ in 0..REQUESTS_MAX {
        let mut stream = bench.open().await;
        stream.write_all(b"GET /v1/blocks?from=9&wait=60 HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
        waiting.push(stream);
    }
    until_taken(&bench.requests, REQUESTS_MAX).await;
    let begun = Instant::now();
    assert_eq!(bench.get("/v1/status").await.0, 200);
    assert!(begun.elapsed() < PROMPT, "{:?}", begun.elapsed());
    let mut told = [0; 12];
    tokio::time::timeout(PROMPT, waiting[0].read_exact(&mut told)).await.expect("it is told").unwrap();
    assert_eq!(std::str::from_utf8(&told).unwrap(), "HTTP/1.1 200", "with what there is");
}

#[actix::test]
async fn a_full_mempool_is_a_429_that_says_when_to_come_back() {
    let bench = bench_with(Limits::new(2, 1 << 20, 1)).await;
    let (_, first) = bench.submission(GOOD);
    assert_eq!(bench.post(&first.to_string()).await.0, 202);
    let (_, second) = bench.submission(&GOOD.replace('p', "q"));
    let body = second.to_string();
    let head = "POST /v1/proofs HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n";
    let mut stream = bench.open().await;
    stream.write_all(format!("{head}Content-Length: {}\r\n\r\n{body}", body.len()).as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 429"), "{answer}");
    let header = answer.lines().find_map(|line| line.strip_prefix("retry-after: ")).expect("the header");
    let told: Value = serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap();
    assert_eq!(told["error"], "submitter_full");
    assert_eq!(told["retry_after"], header.parse::<u64>().unwrap(), "{answer}");
    assert!((1..=60).contains(&header.parse().unwrap()), "{header}");
}
