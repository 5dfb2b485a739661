//! What is told of a finding: what it came to, where that stands in its log and in the source, and what the log says.

use super::cut_name;
use super::explained::ExplainedScript;
use super::outcome::{Checked, Finding, Kind, Outcome, Position, QueryOf, Subject};
use super::place::Place;
use super::work::OpenLog;
use crate::logs::LogObligation;
use crate::obligation::ClaimSource;
use protocol::verdict::Answer;

pub(super) fn subject(log: &OpenLog, index: usize, obligation: &LogObligation<'_>) -> Subject {
    let query = u32::try_from(index).unwrap_or(u32::MAX);
    let of_log = || QueryOf {
        name: obligation.name(),
        number: obligation.number(),
        line: obligation.line(),
        label: obligation.label().map(str::to_owned),
    };
    Subject {
        position: Position { file: log.number, query },
        path: log.file.path().to_owned(),
        query: (!obligation.is_whole_file()).then(of_log),
    }
}

pub(super) fn not_accepted(script: &[u8], error: &smtlib::Error) -> Outcome {
    let (at, excerpt) = ((error.line, error.column), crate::text::excerpt(script, error.line, error.column));
    Outcome::NotAccepted { at: Some(at), text: error.kind.to_string(), excerpt }
}

/// What is told of a finding: where it stands in its log and in the source, and whether the log says otherwise.
pub(super) fn told(
    subject: Subject,
    script: &[u8],
    source: ClaimSource,
    mut finding: Finding,
    known: bool,
    log: Option<LogObligation<'_>>,
) -> Checked {
    let (claim, cpu_ms, incremental) = (finding.claim, finding.cpu_ms, finding.incremental);
    let explained = finding.explained.take().map(|explained| ExplainedScript::of(explained, script, log));
    let stability = finding.stability.take();
    let outcome = Outcome::of(finding, script);
    let checked = Checked {
        claim: Some((claim, source)),
        known,
        incremental,
        cpu_ms: Some(cpu_ms),
        explained,
        stability,
        ..Checked::without(subject, outcome)
    };
    let log_says = log.and_then(|log| log.logged()).and_then(definite);
    located(checked, script, log).with_log(log_says)
}

/// Adds to what does not hold, or holds for no good reason, where it stands in its log and in the source.
pub(super) fn located(mut checked: Checked, script: &[u8], log: Option<LogObligation<'_>>) -> Checked {
    let log = log.filter(|log| !log.is_whole_file());
    if checked.outcome.kind() != Kind::Holds || checked.is_vacuous() {
        let mut place = log.map_or_else(|| Place::find(script), |log| Place::before(log.passage()));
        if let Some(label) = checked.subject.query.as_ref().and_then(|query| query.label.clone()) {
            place.get_or_insert_default().name.get_or_insert(label);
        }
        if let Some(place) = &mut place {
            cut_name::complete(place, &checked.subject.path);
        }
        checked.place = place;
    }
    if let (Outcome::NotAccepted { at: Some(at), .. }, Some(log)) = (&mut checked.outcome, log) {
        *at = log.place(at.0, at.1);
    }
    checked
}

pub(super) fn definite(status: smtlib::Status) -> Option<Answer> {
    match status {
        smtlib::Status::Sat => Some(Answer::Sat),
        smtlib::Status::Unsat => Some(Answer::Unsat),
        smtlib::Status::Unknown => None,
    }
}
