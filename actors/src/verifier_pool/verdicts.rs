//! Remembered verdicts, by statement: one check serves every submission that says the same.
//!
//! Bounded in count and bytes; the oldest goes first. They outlive the actor, like the workers do, and are computed
//! again after a restart of the process: a verdict is a pure function of the statement under one solver pin.

use parking_lot::Mutex;
use protocol::mempool::Judgement;
use protocol::types::Hash;
use protocol::verdict::{NoVerdict, Report, Verdict};
use std::collections::{HashMap, VecDeque};

/// Verdicts that are kept.
pub const VERDICTS_MAX: usize = 16_384;
/// Bytes of the texts in them, about.
pub const VERDICTS_BYTES_MAX: usize = 32 << 20;

#[derive(Default)]
pub struct Verdicts(Mutex<Inner>);

#[derive(Default)]
struct Inner {
    reports: HashMap<Hash, Report>,
    order: VecDeque<(Hash, usize)>,
    bytes: usize,
}

impl Verdicts {
    pub fn get(&self, statement: &Hash) -> Option<Report> {
        self.0.lock().reports.get(statement).cloned()
    }

    /// What follows from the verdict on a statement: an attestation, or another try.
    pub fn judgement(&self, statement: &Hash) -> Option<Judgement> {
        self.0.lock().reports.get(statement).map(|report| Judgement::of(&report.verdict))
    }

    /// Keeps a report that says something about the statement; what a check that was ended from outside reports is not
    /// kept.
    pub fn keep(&self, statement: Hash, report: Report) {
        if matches!(&report.verdict, Verdict::NoVerdict { reason } if !NoVerdict::concerns_the_proof(reason)) {
            return;
        }
        let size = weight(&report);
        let mut inner = self.0.lock();
        if inner.reports.insert(statement, report).is_some() {
            // Its place and weight stay those of the first: a verdict does not change.
            return;
        }
        inner.order.push_back((statement, size));
        inner.bytes += size;
        while inner.order.len() > VERDICTS_MAX || inner.bytes > VERDICTS_BYTES_MAX {
            let Some((oldest, size)) = inner.order.pop_front() else { return };
            inner.reports.remove(&oldest);
            inner.bytes -= size;
        }
    }

    pub fn len(&self) -> usize {
        self.0.lock().reports.len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

fn weight(report: &Report) -> usize {
    let notes: usize = report.notes.iter().map(|note| size_of_val(note) + note.text.len()).sum();
    let warnings: usize = report.warnings.iter().map(String::len).sum();
    size_of::<Report>() + Report::TEXT_BYTES_MAX + notes + warnings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn statement(value: u64) -> Hash {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&value.to_be_bytes());
        Hash(bytes)
    }

    #[test]
    fn the_oldest_verdict_makes_room() {
        let verdicts = Verdicts::default();
        let report = Report::of(Verdict::NoVerdict { reason: NoVerdict::NothingAsked });
        for value in 0..VERDICTS_MAX as u64 + 3 {
            verdicts.keep(statement(value), report.clone());
        }
        assert_eq!(verdicts.len(), VERDICTS_MAX);
        assert_eq!(verdicts.get(&statement(2)), None);
        assert_eq!(verdicts.get(&statement(3)), Some(report));
    }

    #[test]
    fn a_check_that_was_ended_from_outside_is_no_verdict() {
        let verdicts = Verdicts::default();
        let reason = NoVerdict::EndedFromOutside { attempts: 3 };
        verdicts.keep(statement(1), Report::of(Verdict::NoVerdict { reason }));
        assert!(verdicts.is_empty());
    }
}
