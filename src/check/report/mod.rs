//! What a run's account is told as: for people, and in the forms that CI systems read.
//!
//! | outcome | [`junit`] | [`sarif`]: level, kind | [`annotations`] |
//! |---|---|---|---|
//! | holds | passes | not listed | none |
//! | refuted | failure | error, fail | error |
//! | vacuous, with `--deny-vacuous` | failure | error, fail | error |
//! | no verdict | error; with `--no-verdict pass` skipped | error, fail; with `--no-verdict pass` none, open | error; warning |
//! | not accepted, nothing claimed | error | error, fail | error |
//! | not read | error | a notification of the run | error |

pub mod annotations;
mod besides;
pub mod json;
pub mod junit;
pub mod sarif;
pub mod text;

use super::account::{Account, NoVerdictMeans};
use super::outcome::{Checked, Kind, OfNetwork, Outcome};
use crate::node_batch::wire::Attestations;
use crate::obligation::ClaimSource;
use actors::storage::files::{self, Existing, FileError};
use std::path::Path;

/// Writes a report's file, whole or not at all.
///
/// # Errors
/// If it cannot be written.
pub fn write(path: &Path, text: &str) -> Result<(), FileError> {
    if path.exists() && !path.is_file() {
        // A terminal or a pipe is written to as it is.
        return std::fs::write(path, text).map_err(FileError::at("write", path));
    }
    files::write_whole(path, text.as_bytes(), 0o644, Existing::Replace)
}

/// In one sentence, what an obligation that does not hold came to, and what to do.
fn sentence(checked: &Checked) -> String {
    match &checked.outcome {
        Outcome::Holds => "holds".to_owned(),
        Outcome::Vacuous => besides::VACUOUS.to_owned(),
        Outcome::Refuted { answer, .. } => match checked.claim {
            Some((claim, source)) => format!("refuted: claimed {claim} ({}), answered {answer}", source.word()),
            None => format!("refuted: answered {answer}"),
        },
        Outcome::NoVerdict { message, .. } => format!("no verdict: {message}"),
        Outcome::NotAccepted { at: Some((line, column)), text, .. } => {
            format!("not accepted: line {line}, column {column}: {text}")
        }
        Outcome::NotAccepted { at: None, text, .. } => format!("not accepted: {text}"),
        Outcome::NothingClaimed { why } => format!("nothing is claimed: {why}"),
        Outcome::Unread { why } => format!("not read: {why}"),
    }
}

/// What goes with the sentence: the counter-model, how far the check got, the line that is not accepted.
fn details(checked: &Checked) -> Vec<String> {
    let log_says = checked.log_says.map(|answer| format!("the log's own answer is {answer}"));
    let more = match &checked.outcome {
        Outcome::Refuted { counter_model: Some(model), .. } => {
            crate::advice::counter_model(&serde_json::json!({ "counter_model": model }))
        }
        Outcome::NoVerdict { progress, .. } => progress.iter().cloned().collect(),
        Outcome::NotAccepted { excerpt, .. } => excerpt.iter().flatten().map(|line| format!("  {line}")).collect(),
        Outcome::Vacuous => besides::reasons(checked),
        Outcome::Holds | Outcome::Refuted { .. } | Outcome::NothingClaimed { .. } | Outcome::Unread { .. } => {
            Vec::new()
        }
    };
    let otherwise = checked.incremental_answer.map(|answer| {
        format!("together with other queries of the log it was answered {answer}; the answer to it alone counts")
    });
    log_says.into_iter().chain(otherwise).chain(checked.network.iter().flat_map(of_network)).chain(more).collect()
}

/// On whose attestations a network does not confirm it.
fn of_network(network: &OfNetwork) -> Option<String> {
    let Attestations { confirmed, confirmed_beyond_soft_limits, refuted, no_verdict } = network.attestations?;
    let parts = [
        (refuted, "refuted"),
        (confirmed + confirmed_beyond_soft_limits, "confirmed"),
        (no_verdict, "without a verdict"),
    ];
    let parts: Vec<_> =
        parts.iter().filter(|(count, _)| *count > 0).map(|(count, word)| format!("{count} {word}")).collect();
    let proof = network.proof.map(|proof| format!("; pop proof {proof}")).unwrap_or_default();
    (!parts.is_empty()).then(|| format!("attestations of validators: {}{proof}", parts.join(", ")))
}

/// Whether an obligation fails the run.
fn fails(checked: &Checked, no_verdict: NoVerdictMeans) -> bool {
    match checked.outcome.kind() {
        Kind::Holds => false,
        // A solver that contradicts itself is not let pass.
        Kind::NoVerdict => no_verdict == NoVerdictMeans::Fail || checked.contradiction().is_some(),
        Kind::Refuted | Kind::Vacuous | Kind::NotAccepted | Kind::NothingClaimed | Kind::Unread => true,
    }
}

/// The file that somebody should look at, with line and column: the source's if the script says it, else the script's own.
struct Spot<'a> {
    file: std::borrow::Cow<'a, str>,
    line: Option<u32>,
    column: Option<u32>,
}

impl Spot<'_> {
    fn of(checked: &Checked) -> Spot<'_> {
        if let Some(source) = checked.place.as_ref().and_then(|place| place.source.as_ref()) {
            return Spot { file: source.file.as_str().into(), line: Some(source.line), column: source.column };
        }
        Spot::of_script(checked)
    }

    fn of_script(checked: &Checked) -> Spot<'_> {
        let (line, column) = match &checked.outcome {
            Outcome::NotAccepted { at: Some((line, column)), .. } => (Some(*line), Some(*column)),
            _ => (checked.subject.query.as_ref().map(|query| query.line), None),
        };
        Spot { file: checked.subject.path.to_string_lossy(), line, column }
    }
}

/// The claim's source in one word for programs.
fn claimed(checked: &Checked) -> Option<&'static str> {
    checked.claim.map(|(_, source): (_, ClaimSource)| source.word())
}

/// Seconds with three digits.
fn seconds(account: &Account) -> f64 {
    (account.elapsed.as_secs_f64() * 1e3).round() / 1e3
}

#[cfg(test)]
mod tests;
