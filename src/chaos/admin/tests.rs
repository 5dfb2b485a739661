//! The client against a server that answers as the contract has it.

use super::*;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread::JoinHandle;

/// Answers one request with a status and a body, or hangs up without a word; gives back what it was sent.
fn answering(answer: Option<(&'static str, Value)>) -> (String, JoinHandle<(String, String)>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let served = std::thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        let request = read(&stream);
        if let Some((status, body)) = answer {
            let body = body.to_string();
            let head =
                format!("HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n", body.len());
            (&stream).write_all(format!("{head}Connection: close\r\n\r\n{body}").as_bytes()).unwrap();
        }
        request
    });
    (address, served)
}

/// Head and body.
fn read(stream: &TcpStream) -> (String, String) {
    let mut reader = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        assert!(reader.read_line(&mut head).unwrap() > 0);
    }
    let length = head
        .to_lowercase()
        .split_once("content-length: ")
        .map_or(0, |(_, rest)| rest.split_once('\r').unwrap().0.parse().unwrap());
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    (head, String::from_utf8(body).unwrap())
}

fn folder_with_token() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(api::token_path(folder.path()), "abc123\n").unwrap();
    folder
}

fn kill(answer: Option<(&'static str, Value)>) -> (Result<Killed, KillError>, (String, String)) {
    let folder = folder_with_token();
    let (address, served) = answering(answer);
    let killed = Admin::new(&address, folder.path()).kill("mempool", "panic");
    (killed, served.join().unwrap())
}

#[test]
fn a_kill_carries_the_token_and_tells_what_became_of_it() {
    let answer = json!({"actor": "mempool", "how": "panic", "detected_ms": 0.1, "up_ms": 0.4, "serving_ms": null, "lost": 1,
        "rejected": 2, "incarnation": 3});
    let (killed, (head, body)) = kill(Some(("200 OK", answer)));
    let expected = Killed { detected_ms: Some(0.1), up_ms: Some(0.4), serving_ms: None, lost: 1, rejected: 2 };
    assert_eq!(killed, Ok(expected));
    assert!(
        head.starts_with("POST /v1/admin/kill ") && head.to_lowercase().contains("authorization: bearer abc123"),
        "{head}"
    );
    assert_eq!(serde_json::from_str::<Value>(&body).unwrap(), json!({"actor": "mempool", "how": "panic"}));
}

#[test]
fn refusals_say_what_to_do_and_a_broken_connection_is_told_from_them() {
    let refused = |status, said: &str| match kill(Some((status, json!({"error": "x", "message": said})))).0 {
        Err(KillError::Refused(why)) => why,
        other => panic!("{other:?}"),
    };
    assert!(refused("403 Forbidden", "off").contains("\"admin\": {\"enabled\": true}"));
    assert!(refused("401 Unauthorized", "wrong").contains("admin_token"));
    assert_eq!(refused("404 Not Found", "there are peers, state"), "there are peers, state");
    assert!(matches!(kill(None).0, Err(KillError::Broke(_))));
}

#[test]
fn who_is_not_there_was_not_hit() {
    let folder = folder_with_token();
    // Nothing listens on port 1 of a machine that runs tests.
    let killed = Admin::new("127.0.0.1:1", folder.path()).kill("mempool", "panic");
    assert!(matches!(killed, Err(KillError::Absent(_))), "{killed:?}");
}

#[test]
fn without_a_token_it_is_said_where_it_was_looked_for() {
    let folder = tempfile::tempdir().unwrap();
    let error = Admin::new("127.0.0.1:1", folder.path()).kill("mempool", "panic").unwrap_err();
    let path = api::token_path(folder.path());
    assert!(error.to_string().contains(path.to_str().unwrap()), "{error}");
}

#[test]
fn a_tree_is_read_and_its_shape_and_states_are_told() {
    let actor = |name: &str, state: &str| {
        json!({"name": name, "kind": "actor", "restart": "permanent", "state": state, "incarnation": 2,
            "restarts": {"panicked": 1}, "last_failure": null, "mailbox": {"depth": 0, "limit": 4096}, "handling": null,
            "heartbeat_age_ms": 3.0, "uptime_ms": 5.5})
    };
    let vote = json!({"name": "vote", "kind": "supervisor", "strategy": "one_for_one", "state": "running", "restarts": 0,
        "escalations": 0, "children": [actor("consensus", "running")]});
    let tree = json!({"name": "validator", "kind": "supervisor", "strategy": "one_for_one", "state": "running",
        "intensity": {"restarts_max": 20, "window_ms": 10_000}, "restarts": 1, "escalations": 0,
        "children": [vote, actor("mempool", "down")]});
    let (address, served) = answering(Some(("200 OK", json!({"tree": tree, "zombies": 1}))));
    let actors = Admin::new(&address, Path::new("nowhere")).actors().unwrap();
    served.join().unwrap();
    assert_eq!(actors.zombies, 1);
    assert_eq!(actors.tree.not_running(), ["validator/mempool is down"]);
    assert_eq!(actors.tree.actors(), ["consensus", "mempool"]);
    let shape = [
        "validator (supervisor, one_for_one)",
        "validator/vote (supervisor, one_for_one)",
        "validator/vote/consensus (actor, permanent)",
        "validator/mempool (actor, permanent)",
    ];
    assert_eq!(actors.tree.shape(), shape);
}
