//! Many look-ups and many submissions in one request: each answered on its own, and what is wrong with the whole named.

use super::*;
use crate::api::batch::SUBMISSIONS_IN_BATCH_MAX;
use crate::api::lookup::{BODY_BYTES_MAX, ITEMS_MAX};

const LOOKUP: &str = "/v1/proofs/lookup";
const BATCH: &str = "/v1/proofs/batch";

fn names(count: usize) -> Vec<Hash> {
    (0..count).map(|number| Hash(std::array::from_fn(|at| (number >> (8 * (at % 4))) as u8))).collect()
}

#[actix::test]
async fn a_thousand_look_ups_have_a_thousand_answers_in_their_order() {
    let bench = bench().await;
    let (id, body) = bench.submission(GOOD);
    let (refused, malformed) = bench.submission("(assert true)\n(echo \"unsat\"\n");
    assert_eq!(bench.post(&body.to_string()).await.0, 202);
    assert_eq!(bench.post(&malformed.to_string()).await.0, 422);
    let mut asked = names(ITEMS_MAX - 2);
    (asked[3], asked[7], asked[8]) = (id, refused, id);
    let (status, answer) = bench.post_to(LOOKUP, &json!({"proofs": asked, "statements": [id, id]}).to_string()).await;
    assert_eq!((status, &answer["block"]), (200, &json!(0)), "{answer}");
    let found = answer["proofs"].as_array().unwrap();
    assert_eq!(found.len(), ITEMS_MAX - 2);
    assert_eq!(found[0], json!({"state": "unknown", "proof": asked[0]}));
    assert_eq!((&found[3]["state"], &found[3]), (&json!("checking"), &found[8]), "asked twice, answered twice");
    assert_eq!((&found[7]["state"], &found[7]["refusal"]["reason"]), (&json!("refused"), &json!("malformed")));
    assert_eq!(found[7]["refusal"]["line"], 2);
    assert_eq!(
        answer["statements"],
        json!([{"state": "unknown", "statement": id}, {"state": "unknown", "statement": id}])
    );
    let by_statement = json!({"statements": [found[3]["statement"]]}).to_string();
    assert_eq!(bench.post_to(LOOKUP, &by_statement).await.1["statements"][0], found[3], "by statement as by id");
    assert_eq!(bench.post_to(LOOKUP, "{}").await, (200, json!({"block": 0, "proofs": [], "statements": []})));
}

#[actix::test]
async fn what_is_no_look_up_is_named() {
    let bench = bench().await;
    let name = Hash::ZERO.to_string();
    let cases = [
        (json!({"proofs": names(ITEMS_MAX + 1)}).to_string(), 400, "1001 look-ups: at most 1000"),
        (json!({"proofs": names(501), "statements": names(500)}).to_string(), 400, "1001 look-ups"),
        (String::new(), 400, "no JSON object"),
        (format!("[[\"{name}\"], []]"), 400, "no JSON object"),
        ("{\"proofs\":".into(), 400, "EOF"),
        ("\u{0}\u{1}\u{2}".into(), 400, "no JSON object"),
        (json!({"proofs": name}).to_string(), 400, "invalid type"),
        (json!({"proofs": [name[1..]]}).to_string(), 400, "hex"),
        (json!({"proofs": [format!("{name}00")]}).to_string(), 400, "hex"),
        (json!({"proofs": [7]}).to_string(), 400, "invalid type"),
        (json!({"proofs": [null]}).to_string(), 400, "invalid type"),
        (json!({"statements": {"0": name}}).to_string(), 400, "invalid type"),
        (json!({"proofs": [], "wait": 60}).to_string(), 400, "unknown field `wait`"),
        (format!("{{\"proofs\": [], \"proofs\": [\"{name}\"]}}"), 400, "duplicate field"),
        (format!("{{\"proofs\": {}", "[".repeat(50_000)), 400, "invalid type"),
        (" ".repeat(BODY_BYTES_MAX) + "{}", 413, "look-ups take at most 131072 bytes"),
    ];
    for (body, expected, words) in cases {
        let (status, answer) = bench.post_to(LOOKUP, &body).await;
        let message = answer["message"].as_str().unwrap_or_default();
        assert_eq!(status, expected, "{body:.80}: {answer}");
        assert!(message.contains(words) && message.len() < 1_000, "{words:?} is not in {message:?} on {body:.80}");
    }
    let head =
        format!("POST {LOOKUP} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 10485760\r\n\r\n");
    assert_eq!(bench.send(&head).await.0, 413, "by its length alone");
    let foreign =
        format!("POST {LOOKUP} HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{{}}");
    assert_eq!(bench.send(&foreign).await.1["error"], "foreign_host");
}

#[actix::test]
async fn look_ups_whose_body_does_not_come_give_way_to_those_whose_does() {
    let bench = bench().await;
    let mut slow = Vec::new();
    for _ in 0..LOOKUPS_MAX {
        let mut stream = TcpStream::connect(bench.address).await.unwrap();
        let head = format!("POST {LOOKUP} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5000\r\n\r\n{{");
        stream.write_all(head.as_bytes()).await.unwrap();
        slow.push(stream);
    }
    hostile::until_taken(&bench.lookups, LOOKUPS_MAX).await;
    assert_eq!(bench.post_to(LOOKUP, "{}").await.0, 200);
    let mut told = [0; 12];
    let read = slow[0].read_exact(&mut told);
    tokio::time::timeout(Duration::from_secs(60), read).await.expect("it is told").unwrap();
    assert_eq!(std::str::from_utf8(&told).unwrap(), "HTTP/1.1 408", "the one that was slow for longest gave way");
    let held: Vec<_> = (0..LOOKUPS_MAX).map(|_| bench.lookups.take([127, 0, 0, 1].into()).unwrap()).collect();
    held.iter().for_each(crate::api::limiter::Permit::works);
    let (status, answer) = bench.post_to(LOOKUP, "{}").await;
    assert_eq!((status, &answer["error"], &answer["retry_after"]), (429, &json!("busy"), &json!(1)));
}

#[actix::test]
async fn of_a_batch_each_is_answered_as_if_it_came_alone() {
    let bench = bench().await;
    let (id, good) = bench.submission(GOOD);
    let (_, malformed) = bench.submission("(assert true)\n(echo \"unsat\"\n");
    let (_, mut forged) = bench.submission(GOOD);
    forged["nonce"] = json!(1);
    let (_, mut unclaimed) = bench.submission("(check-sat)");
    unclaimed.as_object_mut().unwrap().remove("claim");
    let (_, long) = bench.submission(&" ".repeat(10_001));
    let batch = json!({"submissions": [malformed, forged, unclaimed, long, good, good]}).to_string();
    let (status, answer) = bench.post_to(BATCH, &batch).await;
    assert_eq!(status, 200, "{answer}");
    let answers = answer["submissions"].as_array().unwrap();
    let errors: Vec<_> = answers.iter().map(|answer| answer["error"].as_str().unwrap_or("taken")).collect();
    assert_eq!(errors, ["malformed", "bad_signature", "no_claim", "too_large", "taken", "taken"], "{answer}");
    assert_eq!((&answers[0]["line"], answers[0]["proof"].is_string()), (&json!(2), true));
    assert!(answers[4..].iter().all(|answer| answer["proof"] == json!(id)), "{answer}");
    let again = bench.post_to(BATCH, &json!({"submissions": [good]}).to_string()).await;
    assert_eq!(again.1["submissions"][0], json!({"proof": id, "known": true, "state": "checking"}));
    assert_eq!(bench.post_to(BATCH, "{\"submissions\": []}").await, (200, json!({"submissions": []})));
}

#[actix::test]
async fn of_a_batch_what_finds_no_room_is_told_when_to_come_back() {
    let bench = bench_with(Limits::new(4, 1 << 20, 1)).await;
    let of = |name: &str| bench.submission(&GOOD.replace('p', name)).1;
    let batch = json!({"submissions": [of("a"), of("b"), of("c"), of("d")]}).to_string();
    let (status, answer) = bench.post_to(BATCH, &batch).await;
    assert_eq!(status, 200, "{answer}");
    let answers = answer["submissions"].as_array().unwrap();
    assert!(answers[..2].iter().all(|answer| answer["state"] == "waiting"), "{answer}");
    for refused in &answers[2..] {
        assert_eq!(refused["error"], "submitter_full", "half of the mempool is for one submitter: {answer}");
        assert!((1..=60).contains(&refused["retry_after"].as_u64().unwrap()), "{refused}");
    }
}

#[actix::test]
async fn what_is_no_batch_is_named_and_nothing_of_it_is_taken() {
    let bench = bench().await;
    let (id, good) = bench.submission(GOOD);
    let list = |more: Value| json!({"submissions": [good, more]}).to_string();
    let with = |key: &str, value: Value| {
        let mut body = good.clone();
        body[key] = value;
        list(body)
    };
    let (submitter, signature) = (&good["submitter"], &good["signature"]);
    let cases = [
        (
            json!({"submissions": vec![&good; SUBMISSIONS_IN_BATCH_MAX + 1]}).to_string(),
            400,
            "101 submissions: at most 100",
        ),
        (good.to_string(), 400, "unknown field"),
        (json!([good]).to_string(), 400, "no JSON object"),
        ("{}".into(), 400, "missing field `submissions`"),
        (json!({"submissions": good}).to_string(), 400, "invalid type"),
        (list(json!([GOOD, "unsat", submitter, 0, signature])), 400, "expected a JSON object"),
        (list(json!(null)), 400, "expected a JSON object"),
        (with("script", json!(7)), 400, "invalid type"),
        (with("priority", json!(1)), 400, "unknown field `priority`"),
        (with("submitter", json!("xyz")), 400, "hex"),
        (with("nonce", json!(-1)), 400, "invalid value"),
        (" ".repeat(200_000), 413, "too large"),
    ];
    for (body, expected, words) in cases {
        let (status, answer) = bench.post_to(BATCH, &body).await;
        let message = answer["message"].as_str().unwrap_or_default();
        assert_eq!(status, expected, "{body:.80}: {answer}");
        assert!(message.contains(words) && message.len() < 1_000, "{words:?} is not in {message:?} on {body:.80}");
    }
    let head =
        format!("POST {BATCH} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 10485760\r\n\r\n");
    assert_eq!(bench.send(&head).await.0, 413, "by its length alone");
    assert_eq!(bench.get(&format!("/v1/proofs/{id}")).await.0, 404, "not even the good ones beside");
}
