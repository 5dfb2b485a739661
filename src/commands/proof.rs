//! `pop proof`: where a proof is, and on whose word.

use crate::advice;
use crate::client::Client;
use crate::exit::{Exit, Outcome};
use crate::say;
use crate::text::{names, plain, word};
use protocol::types::Hash;
use serde_json::Value;
use std::time::Duration;

/// The node may look for an explanation first.
const EXPLAINED_WITHIN: Duration = Duration::from_secs(6);

/// Show where a proof is.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Its id, as `pop submit-proof` printed it.
    #[arg(value_name = "ID")]
    id: Hash,
    /// The node that is asked: a node id, or HOST:PORT of its HTTP.
    #[arg(long, value_name = "NODE", default_value = "node_1")]
    node: String,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

impl Arguments {
    pub fn run(&self) -> Outcome {
        let view = Client::new(&self.node)?.get_after(&format!("/v1/proofs/{}", self.id), EXPLAINED_WITHIN)?;
        if self.json {
            say!("{view:#}");
        } else {
            say!("{}: {}", self.id, line(&view));
            details(&view, &self.node).iter().for_each(|line| say!("  {line}"));
        }
        Ok(Exit::Fine)
    }
}

/// Where a proof is, in a line.
pub fn line(view: &Value) -> String {
    let state = word(&view["state"], "unknown");
    match state {
        "final" => {
            let (block, stake) = (&view["block"], &view["stake"]);
            match (&stake["prepared"], &stake["total"]) {
                (Value::Null, _) | (_, Value::Null) => format!("final in block {block}"),
                (prepared, total) => format!("final in block {block}, checked by {prepared} of {total} stake"),
            }
        }
        "refused" => format!("refused: {}", word(&view["refusal"]["message"], "no reason was given")),
        "fetching" => "fetching: the node knows its name and asks others for the script".into(),
        "waiting" => "waiting for its check".into(),
        "checking" => "checking: the solver is at it".into(),
        "pending" => pending(view),
        other => other.to_owned(),
    }
}

/// Checked here, and not in a final block: what is it waiting for?
fn pending(view: &Value) -> String {
    let missing = view["missing"].as_array().is_some_and(|missing| !missing.is_empty());
    let mut text = if missing {
        format!("pending, without a word from {}", names(&view["missing"]))
    } else {
        "pending: every validator has spoken, it waits for its block".to_owned()
    };
    if view["contested"] == true {
        text.push_str("; contested: words differ, or it is beyond the soft limits somewhere");
    }
    text
}

/// Who said what, and what it took.
pub fn details(view: &Value, node: &str) -> Vec<String> {
    let mut lines = Vec::new();
    if let voters @ Value::Array(_) = &view["stake"]["voters"] {
        lines.push(format!("checked by: {}", names(voters)));
    }
    if let Some(difficulty) = view["difficulty"].as_u64() {
        lines.push(format!("resource count: {difficulty}"));
    }
    for said in view["words"].as_array().into_iter().flatten() {
        let what = word(&said["word"], "unknown").replace('_', " ");
        let count = said["resource_count"].as_u64().map(|count| format!(", resource count {count}"));
        lines.push(format!("{}: {what}{}", word(&said["node_id"], "?"), count.unwrap_or_default()));
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
        assert_eq!(line(&view), "final in block 3, checked by 30000 of 40000 stake");
        assert_eq!(details(&view, "node_1"), ["checked by: node_1, node_2, node_3", "resource count: 2418"]);
        assert_eq!(line(&json!({"state": "final", "block": 3})), "final in block 3");
    }

    #[test]
    fn a_refusal_says_by_whom_or_where() {
        let words = json!({"state": "refused", "refusal": {"message": "not confirmed: node_2 says refuted"},
                           "words": [{"node_id": "node_2", "word": "no_verdict"}]});
        assert_eq!(line(&words), "refused: not confirmed: node_2 says refuted");
        assert_eq!(details(&words, "node_1"), ["node_2: no verdict"]);
        let form = json!({"state": "refused", "refusal": {"message": "line 2, column 7: unknown symbol y"}});
        assert_eq!(line(&form), "refused: line 2, column 7: unknown symbol y");
    }

    #[test]
    fn a_pending_proof_names_whose_word_is_missing() {
        let mut view = json!({"state": "pending", "missing": ["node_3", "node_4"], "contested": false,
                              "words": [{"node_id": "node_1", "word": "confirmed", "resource_count": 7}]});
        assert_eq!(line(&view), "pending, without a word from node_3, node_4");
        assert_eq!(details(&view, "node_1"), ["node_1: confirmed, resource count 7"]);
        view["missing"] = json!([]);
        assert_eq!(line(&view), "pending: every validator has spoken, it waits for its block");
    }
}
