//! One JSON document: every obligation in its order, the counts, and which solver checked.

use super::{besides, claimed, seconds};
use crate::check::account::Account;
use crate::check::outcome::{Checked, Outcome};
use crate::check::steps::Remarks;
use serde_json::{Value, json};

/// The document.
pub fn document(account: &Account) -> Value {
    let solver = json!({
        "pin": account.pin,
        "version": account.solver.as_ref().map(|solver| &solver.solver),
        "sandbox": account.solver.as_ref().map(|solver| &solver.sandbox),
    });
    json!({
        "obligations": account.checked.iter().map(obligation).collect::<Vec<_>>(),
        "logs": account.logs.iter().map(log).collect::<Vec<_>>(),
        "brittle": account.brittle().iter().map(|checked| checked.subject.name()).collect::<Vec<_>>(),
        "counts": account.counts,
        "total": account.total,
        "interrupted": account.interrupted,
        "failure": account.failure.as_ref().map(|failure| &failure.message),
        "seconds": seconds(account),
        "solver": solver,
        "node": account.node,
        "cache": { "trouble": account.trouble },
    })
}

fn log(log: &Remarks) -> Value {
    json!({ "file": log.path.to_string_lossy(), "tool": log.tool, "remarks": log.lines })
}

fn obligation(checked: &Checked) -> Value {
    let mut value = json!({
        "file": checked.subject.path.to_string_lossy(),
        "outcome": checked.outcome.kind().word(),
        "claim": checked.claim.map(|(claim, _)| claim),
        "claimed": claimed(checked),
        "known": checked.known,
        "incremental": checked.incremental,
        "cpu_ms": checked.cpu_ms,
    });
    let mut set = |key: &str, more: Value| value[key] = more;
    if let Some(query) = &checked.subject.query {
        set("query", json!({ "number": query.number, "line": query.line, "label": query.label }));
    }
    if let Some(answer) = checked.log_says {
        set("log_says", json!(answer));
    }
    if let Some(answer) = checked.incremental_answer {
        set("incremental_answer", json!(answer));
    }
    if let Some(place) = &checked.place {
        set("place", json!(place));
    }
    if let Some(told) = &checked.explained {
        set("explained", besides::explanation_document(told));
    }
    if let Some(stability) = &checked.stability {
        set("stability", besides::stability_document(stability));
    }
    if let Some(network) = &checked.network {
        set("network", json!(network));
    }
    match &checked.outcome {
        Outcome::Holds | Outcome::Vacuous => {}
        Outcome::Refuted { answer, counter_model } => {
            set("answer", json!(answer));
            set("counter_model", json!(counter_model));
        }
        Outcome::NoVerdict { reason, message, progress } => {
            set("no_verdict", json!({ "reason": reason, "message": message, "progress": progress }));
        }
        Outcome::NotAccepted { at: Some((line, column)), text, .. } => {
            set("error", json!({ "line": line, "column": column, "message": text }));
        }
        Outcome::NotAccepted { at: None, text, .. } => set("error", json!({ "message": text })),
        Outcome::NothingClaimed { why } | Outcome::Unread { why } => set("error", json!({ "message": why })),
    }
    value
}
