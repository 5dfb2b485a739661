//! What the process that ran a stranger's script gives back, and the bounds that it is cut to.

use super::claim::{Answer, Claim};
use super::model::Model;
use super::unsat_core::Core;
use super::{NoVerdict, Verdict};
use crate::text::misleads;
use crate::types::{Hash, Millis, ResourceCount};
use alloc::string::String;
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

/// What came of a job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    pub verdict: Verdict,
    /// The solver's answer, where it counts.
    pub answer: Option<Answer>,
    /// What Z3 counted, over all the runs that the answer needed: exactly repeatable under one pin. Without an answer,
    /// how far it got, where the solver survived to report it.
    pub resource_count: Option<ResourceCount>,
    /// Processor time of the check.
    pub cpu: Millis,
    /// Highest resident memory of the worker during the check; 0 where the system does not report it.
    pub peak_memory_bytes: u64,
    /// [`statement_id`](super::statement_id) of the script, if it has the right form and there is a claim.
    pub statement: Option<Hash>,
    /// What the script says of itself in `(set-info :status …)`.
    pub status: Option<Claim>,
    /// What the normaliser dropped or changed, in the script's order; at most [`Report::NOTES_MAX`].
    pub notes: Vec<Note>,
    /// Further notes that were cut off.
    pub notes_omitted: u32,
    /// How much of the script was ignored.
    #[serde(default)]
    pub ignored: Ignored,
    pub assumptions: Assumptions,
    /// What a reader of the verdict should know; at most [`Report::WARNINGS_MAX`].
    pub warnings: Vec<String>,
    /// What [`Task::Model`](super::Task::Model) found; no check has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<Model>,
    /// What [`Task::Core`](super::Task::Core) found; no check has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub core: Option<Core>,
}

/// One thing that the normaliser dropped or changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    pub line: u32,
    pub column: u32,
    pub text: String,
}

/// How much of a script the solver was not shown, and nothing else read either.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ignored {
    pub commands: u32,
    pub options: u32,
}

/// What a script takes for granted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Assumptions {
    pub assertions: u32,
    pub quantifiers: u32,
    pub uninterpreted_symbols: u32,
    pub recursive_definitions: u32,
}

impl Report {
    pub const NOTES_MAX: usize = 32;
    pub const WARNINGS_MAX: usize = 8;
    /// Longest text in a report, in bytes.
    pub const TEXT_BYTES_MAX: usize = 300;
    /// No report is longer than this on the wire.
    pub const ENCODED_BYTES_MAX: usize = 64 << 10;

    /// A report that says nothing but its verdict.
    pub fn of(verdict: Verdict) -> Report {
        Report {
            verdict,
            answer: None,
            resource_count: None,
            cpu: Millis(0),
            peak_memory_bytes: 0,
            statement: None,
            status: None,
            notes: Vec::new(),
            notes_omitted: 0,
            ignored: Ignored::default(),
            assumptions: Assumptions::default(),
            warnings: Vec::new(),
            model: None,
            core: None,
        }
    }

    /// Takes readiness from a confirmation that cost more than the soft limits; nothing ever gives it back.
    pub fn withdraw_readiness_unless(&mut self, within: bool) {
        if let Verdict::Confirmed { within_soft_limits, .. } = &mut self.verdict {
            *within_soft_limits &= within;
        }
    }

    /// Cuts every text and list to its maximum, and takes control characters out of texts that reach a terminal.
    pub fn bounded(mut self) -> Report {
        let omitted = u32::try_from(self.notes.len().saturating_sub(Self::NOTES_MAX)).unwrap_or(u32::MAX);
        self.notes_omitted = self.notes_omitted.saturating_add(omitted);
        self.notes.truncate(Self::NOTES_MAX);
        self.notes.iter_mut().for_each(|note| bound_text(&mut note.text));
        self.warnings.truncate(Self::WARNINGS_MAX);
        self.warnings.iter_mut().for_each(bound_text);
        self.model = self.model.map(Model::bounded);
        self.core = self.core.and_then(Core::bounded);
        match &mut self.verdict {
            Verdict::Rejected { text, .. }
            | Verdict::NoVerdict {
                reason:
                    NoVerdict::SolverError { text }
                    | NoVerdict::IllSorted { text, .. }
                    | NoVerdict::Unknown { why: text }
                    | NoVerdict::SatNotChecked { why: text },
            } => bound_text(text),
            Verdict::Confirmed { .. } | Verdict::Refuted { .. } | Verdict::NoVerdict { .. } => {}
        }
        self
    }
}

/// Shortens a text at a character boundary and replaces control characters.
fn bound_text(text: &mut String) {
    if text.len() > Report::TEXT_BYTES_MAX {
        let end = (0..=Report::TEXT_BYTES_MAX - '…'.len_utf8()).rev().find(|&at| text.is_char_boundary(at));
        text.truncate(end.unwrap_or(0));
        text.push('…');
    }
    if text.chars().any(misleads) {
        *text = text.chars().map(|c| if misleads(c) { ' ' } else { c }).collect();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    #[test]
    fn an_oversized_report_is_cut_to_its_bounds() {
        let long: String = "ä\u{1b}".repeat(4000);
        let mut report = Report::of(Verdict::Rejected { line: 1, column: 1, text: long.clone() });
        report.notes = vec![Note { line: 1, column: 1, text: long.clone() }; 1000];
        report.warnings = vec![long.clone(); 1000];
        report.model = Some(Model { text: long.repeat(10), truncated: false });
        report.core = Core::new(u32::MAX, (0..Core::NEEDED_MAX as u32).map(|index| u32::MAX - index).rev().collect());
        let report = report.bounded();
        assert_eq!((report.notes.len(), report.notes_omitted), (Report::NOTES_MAX, 1000 - Report::NOTES_MAX as u32));
        assert_eq!(report.warnings.len(), Report::WARNINGS_MAX);
        let Verdict::Rejected { text, .. } = &report.verdict else { panic!("the verdict's kind changed") };
        assert!(text.len() <= Report::TEXT_BYTES_MAX && !text.contains('\u{1b}'));
        let model = report.model.as_ref().unwrap();
        assert!(model.text.len() <= Model::TEXT_BYTES_MAX && model.truncated && !model.text.contains('\u{1b}'));
        assert!(serde_json::to_vec(&report).unwrap().len() <= Report::ENCODED_BYTES_MAX);
    }
}
