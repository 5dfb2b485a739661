//! Hostile answers.

use super::*;
use serde_json::json;

#[test]
fn hostile_answers_are_cut_and_nothing_of_them_moves_a_cursor() {
    let long = format!("\u{1b}[2J{}", "x".repeat(10_000));
    let status = json!({
        "node_id": "node_1", "waiting_for": long, "health": {"sentence": "a\nb\u{202e}"}, "leader": "\u{1b}]0;",
        "peers": (0..5_000).map(|number| json!({"node_id": format!("node_{number}")})).collect::<Vec<_>>(),
        "current_view": -1, "stake_tokens": "many", "clock_ahead_ms": 1.5,
    });
    let status = Status::read(&status).unwrap();
    assert!(status.waiting_for.as_ref().unwrap().starts_with("\\u{1b}[2Jx"));
    assert!(status.waiting_for.unwrap().chars().count() < SENTENCE_MAX + 20);
    assert_eq!(status.health.unwrap().sentence, "a\\u{a}b\\u{202e}");
    assert_eq!((status.leader.as_str(), status.view, status.stake), ("", 0, 0), "what is no name or number");
    assert_eq!(status.peers.len(), VALIDATORS_MAX);
    assert_eq!(Status::read(&json!({"node_id": "\u{7}"})), None);
    assert_eq!(Status::read(&json!([])), None);
}

#[test]
fn a_tree_becomes_a_list_of_its_actors_however_deep_it_is() {
    let leaf = json!({"name": "mempool", "state": "down", "incarnation": 3, "restarts": {"panicked": 2, "hung": 0},
                      "last_failure": {"text": "it panicked", "place": "a.rs:7", "ago_ms": 12.5}});
    let tree = json!({"tree": {"name": "validator", "children": [{"name": "proofs", "children": [leaf]}]}});
    let actors = Actor::read_all(&tree);
    assert_eq!((actors[0].name.as_str(), actors[0].supervisor.as_str()), ("mempool", "proofs"));
    assert_eq!((actors[0].restarts, actors[0].reasons.as_str()), (2, "2 panicked"));
    assert_eq!(actors[0].last_failure.as_ref().unwrap().text, "it panicked (a.rs:7)");
    let mut deep = json!({"name": "actor"});
    (0..100).for_each(|_| deep = json!({"name": "s", "children": [deep.take()]}));
    assert!(Actor::read_all(&json!({"tree": deep})).is_empty());
    assert!(Actor::read_all(&json!(null)).is_empty());
}
