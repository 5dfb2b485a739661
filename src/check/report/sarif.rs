//! SARIF 2.1.0, as code scanning reads it: a result for each obligation that does not hold.
//!
//! Must never: write a path as it is: a location is a URI.

use super::{Spot, details, fails, sentence};
use crate::check::account::{Account, NoVerdictMeans};
use crate::check::outcome::{Checked, Kind};
use serde_json::{Value, json};
use std::path::Path;

const SCHEMA: &str = "https://json.schemastore.org/sarif-2.1.0.json";
/// Rules in the order of [`index`].
const RULES: [(Kind, &str, &str); 5] = [
    (
        Kind::Refuted,
        "Refuted",
        "The solver gave the other answer than the claimed one: what was to be proved does not hold.",
    ),
    (Kind::NoVerdict, "NoVerdict", "A limit was reached, or the solver did not know: nothing is proved."),
    (Kind::NotAccepted, "NotAccepted", "The script has not the form that is let through."),
    (
        Kind::NothingClaimed,
        "NothingClaimed",
        "Neither the user, a manifest nor the script says what the answer should be.",
    ),
    (Kind::Vacuous, "Vacuous", "What is assumed contradicts itself: it holds with any goal, and so proves nothing."),
];

/// The document.
pub fn document(account: &Account, no_verdict: NoVerdictMeans, exit_code: u8) -> Value {
    let results: Vec<Value> = account.checked.iter().filter_map(|checked| result(checked, no_verdict)).collect();
    let notifications: Vec<Value> = account.of(Kind::Unread).map(notification).collect();
    let is_whole = notifications.is_empty() && !account.interrupted && account.failure.is_none();
    json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "Proof-of-Proof",
                "version": env!("CARGO_PKG_VERSION"),
                "rules": RULES.iter().map(rule).collect::<Vec<_>>(),
            } },
            "invocations": [{
                "executionSuccessful": is_whole,
                "exitCode": exit_code,
                "toolExecutionNotifications": notifications,
            }],
            "columnKind": "unicodeCodePoints",
            "results": results,
            "properties": { "counts": account.counts },
        }],
    })
}

fn rule((kind, name, text): &(Kind, &str, &str)) -> Value {
    json!({ "id": kind.word(), "name": name, "shortDescription": { "text": text } })
}

fn index(kind: Kind) -> Option<usize> {
    RULES.iter().position(|(known, _, _)| *known == kind)
}

fn result(checked: &Checked, no_verdict: NoVerdictMeans) -> Option<Value> {
    let kind = checked.outcome.kind();
    let index = index(kind)?;
    let (level, word) = if fails(checked, no_verdict) { ("error", "fail") } else { ("none", "open") };
    let mut text = sentence(checked);
    if let Some(name) = checked.place.as_ref().and_then(|place| place.name.as_ref()) {
        text = format!("{name}: {text}");
    }
    details(checked).iter().for_each(|line| text = format!("{text}\n{line}"));
    let spot = Spot::of(checked);
    let mut result = json!({
        "ruleId": kind.word(),
        "ruleIndex": index,
        "level": level,
        "kind": word,
        "message": { "text": text },
        "locations": [location(&spot)],
        "partialFingerprints": { "obligation/v1": checked.subject.name() },
    });
    let has_source = checked.place.as_ref().is_some_and(|place| place.source.is_some());
    if has_source {
        let mut script = location(&Spot::of_script(checked));
        script["message"] = json!({ "text": "the obligation" });
        result["relatedLocations"] = json!([script]);
    }
    Some(result)
}

fn notification(checked: &Checked) -> Value {
    json!({
        "level": "error",
        "message": { "text": sentence(checked) },
        "locations": [location(&Spot::of_script(checked))],
    })
}

fn location(spot: &Spot<'_>) -> Value {
    let mut physical = json!({ "artifactLocation": artifact(&spot.file) });
    if let Some(line) = spot.line {
        physical["region"] = json!({ "startLine": line });
        if let Some(column) = spot.column.filter(|column| *column > 0) {
            physical["region"]["startColumn"] = json!(column);
        }
    }
    json!({ "physicalLocation": physical })
}

/// A relative path is one from where the program ran, which is the repository's root in CI.
fn artifact(file: &str) -> Value {
    let path = Path::new(file);
    let directory = std::env::current_dir().unwrap_or_default();
    match path.strip_prefix(&directory) {
        Ok(relative) => json!({ "uri": escaped(&relative.to_string_lossy()), "uriBaseId": "%SRCROOT%" }),
        Err(_) if path.is_absolute() => json!({ "uri": format!("file://{}", escaped(file)) }),
        Err(_) => json!({ "uri": escaped(file.trim_start_matches("./")), "uriBaseId": "%SRCROOT%" }),
    }
}

/// A path as a URI's: everything but unreserved letters and `/` by its bytes.
fn escaped(path: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte);
    path.bytes()
        .map(|byte| if is_plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}
