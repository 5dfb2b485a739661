//! A proof as commands and the monitor show it: where it is, and on whose word.

use crate::advice;
use crate::refusal;
use crate::text::{names, plain, word};
use serde_json::Value;
use std::time::Duration;

/// Where a proof is, in a line that begins with its name, or, if it is refused, with that.
pub fn line(name: &str, view: &Value) -> String {
    let name = plain(name);
    if view["state"] == "refused" {
        return format!("REFUSED {name}: {}", refusal::of_view(view));
    }
    format!("{name}: {}", status(view))
}

/// The same of one that has not ended in the time that it was waited for.
pub fn still(view: &Value, waited: Duration) -> String {
    let status = status(view);
    let (state, rest) = status.split_once(": ").unwrap_or((&status, ""));
    let rest = if rest.is_empty() { String::new() } else { format!(": {rest}") };
    format!("still {state} after {} s{rest}", waited.as_secs_f64())
}

fn status(view: &Value) -> String {
    let state = word(&view["state"], "unknown");
    match state {
        "final" => {
            let (block, stake) = (&view["block"], &view["stake"]);
            match (&stake["prepared"], &stake["total"]) {
                (Value::Null, _) | (_, Value::Null) => format!("final in block {block}"),
                (prepared, total) => format!("final in block {block}, signed by {prepared} of {total} stake"),
            }
        }
        "fetching" => "fetching: the node knows its name and asks others for the script".into(),
        "waiting" => "waiting for its check".into(),
        "checking" => "checking: the solver is running".into(),
        "pending" => pending(view),
        other => other.to_owned(),
    }
}

/// Checked here, and not in a final block: what is it waiting for?
fn pending(view: &Value) -> String {
    let missing = view["missing"].as_array().is_some_and(|missing| !missing.is_empty());
    let mut text = if missing {
        format!("pending: no verdict yet from {}", names(&view["missing"]))
    } else {
        "pending: every validator has a verdict, it waits for its block".to_owned()
    };
    if view["disputed"] == true {
        text.push_str("; disputed: verdicts differ, or it is beyond the soft limits somewhere");
    }
    text
}

/// Who attests what, and what it took.
pub fn details(view: &Value, node: &str) -> Vec<String> {
    let mut lines = Vec::new();
    if let voters @ Value::Array(_) = &view["stake"]["voters"] {
        lines.push(format!("signed by: {}", names(voters)));
    }
    if let Some(difficulty) = view["difficulty"].as_u64() {
        lines.push(format!("resource count: {difficulty}"));
    }
    for one in view["attestations"].as_array().into_iter().flatten() {
        let what = word(&one["attestation"], "unknown").replace('_', " ");
        let count = one["resource_count"].as_u64().map(|count| format!(", resource count {count}"));
        lines.push(format!("{}: {what}{}", word(&one["node_id"], "?"), count.unwrap_or_default()));
    }
    let report = &view["report"];
    let ended = &view["no_verdict"];
    if let Some(progress) = advice::progress(report, ended) {
        lines
            .push(format!("{node}'s own check: no verdict, {}", plain(word(&ended["message"], "for no known reason"))));
        lines.push(progress);
    } else if let Some(cpu) = report["cpu"].as_u64() {
        let answer = report["answer"].as_str().map_or_else(String::new, |answer| format!("answered {answer}, "));
        let kind = word(&report["verdict"]["kind"], "unknown").replace('_', " ");
        lines.push(plain(&format!("{node}'s own check: {kind}, {answer}{cpu} ms of processor time")));
    }
    for warning in report["warnings"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        lines.push(format!("warning: {}", plain(warning)));
    }
    lines.extend(advice::counter_model(view));
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_final_proof_names_stake_voters_and_count() {
        let view = json!({
            "state": "final", "block": 3, "difficulty": 2418,
            "stake": {"prepared": 30000, "total": 40000, "voters": ["node_1", "node_2", "node_3"]},
        });
        assert_eq!(status(&view), "final in block 3, signed by 30000 of 40000 stake");
        assert_eq!(details(&view, "node_1"), ["signed by: node_1, node_2, node_3", "resource count: 2418"]);
        assert_eq!(status(&json!({"state": "final", "block": 3})), "final in block 3");
    }

    #[test]
    fn a_refusal_says_by_whom_or_where() {
        let refused = json!({"state": "refused", "refusal": {"message": "no verdict. 2 of 4 validators reached no verdict"},
                           "attestations": [{"node_id": "node_2", "attestation": "no_verdict"}]});
        assert_eq!(line("a.smt2", &refused), "REFUSED a.smt2: no verdict. 2 of 4 validators reached no verdict");
        assert_eq!(details(&refused, "node_1"), ["node_2: no verdict"]);
        let form = json!({"state": "refused", "refusal": {"message": "line 2, column 7: unknown symbol y"}});
        assert_eq!(line("a", &form), "REFUSED a: line 2, column 7: unknown symbol y");
    }

    #[test]
    fn a_pending_proof_names_whose_verdict_is_missing() {
        let mut view = json!({"state": "pending", "missing": ["node_3", "node_4"], "disputed": false,
                              "attestations": [{"node_id": "node_1", "attestation": "confirmed", "resource_count": 7}]});
        assert_eq!(status(&view), "pending: no verdict yet from node_3, node_4");
        assert_eq!(details(&view, "node_1"), ["node_1: confirmed, resource count 7"]);
        view["missing"] = json!([]);
        assert_eq!(status(&view), "pending: every validator has a verdict, it waits for its block");
    }
}
