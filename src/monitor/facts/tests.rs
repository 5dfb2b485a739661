//! Hostile answers.

use super::*;
use serde_json::json;

#[test]
fn hostile_answers_are_cut_and_nothing_of_them_moves_a_cursor() {
    let long = format!("\u{1b}[2J{}", "x".repeat(10_000));
    let status = json!({
        "node_id": "node_1", "waiting_for": long, "health": {"sentence": "a\nb\u{202e}"}, "leader": "\u{1b}]0;",
        "peers": (0..5_000).map(|number| json!({"node_id": format!("node_{number}")})).collect::<Vec<_>>(),
        "clock_ahead_ms": 1.5,
    });
    let status = Status::read(&status).unwrap();
    assert!(status.waiting_for.as_ref().unwrap().starts_with("\\u{1b}[2Jx"));
    assert!(status.waiting_for.unwrap().chars().count() < SENTENCE_MAX + 20);
    assert_eq!(status.health.unwrap().sentence, "a\\u{a}b\\u{202e}");
    assert_eq!((status.leader.as_str(), status.view, status.stake), ("", 0, 0), "what is no name, or missing");
    assert_eq!(status.peers.len(), VALIDATORS_MAX);
}

#[test]
fn what_cannot_be_is_no_status() {
    let refused = |more: Value| {
        let mut value = json!({"node_id": "node_1", "stake_tokens": 10, "total_stake_tokens": 40});
        more.as_object().unwrap().iter().for_each(|(key, one)| value[key] = one.clone());
        Status::read(&value).unwrap_err().to_string()
    };
    assert_eq!(refused(json!({"current_view": -1})), "current view -1");
    assert_eq!(refused(json!({"current_sequence": u64::MAX})), "current sequence 18446744073709551615");
    assert_eq!(refused(json!({"proofs_final": "NaN"})), "proofs final \"NaN\"");
    assert_eq!(refused(json!({"current_view": 1e300})), "current view 1e+300");
    assert_eq!(refused(json!({"proofs_final": "\u{202e}"})), "proofs final \"\\u{202e}\"");
    assert_eq!(refused(json!({"stake_tokens": 41})), "a stake of 41, of 40 in all");
    assert!(refused(json!({"since_start": {"proposals": ["x".repeat(1_000)]}})).len() < 100);
    assert!(Status::read(&json!({"node_id": "\u{7}"})).is_err() && Status::read(&json!([])).is_err());
}

#[test]
fn refused_proofs_come_with_their_reasons_and_nothing_else_of_them() {
    let id = "ab".repeat(32);
    let answer = json!({"ended": [
        {"proof": id, "state": "refused", "refusal": {"reason": "refuted", "message": "false.\u{1b}[2J"}},
        {"proof": id, "state": "final", "block": 3}, {"proof": id, "state": "pending"}, {"proof": "x", "state": "final"}, 7,
    ]});
    let ended = Ended::read_all(&answer);
    assert_eq!(ended.iter().map(|one| one.refusal.as_deref()).collect::<Vec<_>>(), [Some("false.\\u{1b}[2J"), None]);
    assert!(Ended::read_all(&json!({"error": "unavailable"})).is_empty());
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
