//! What is in the vote log already, so that nothing is written twice; and what this step adds to it.

use crate::certificate::Certificate;
use crate::consensus::events::Record;
use crate::consensus::votes::Runs;
use crate::types::View;
use crate::vote::VoteKind;
use alloc::collections::BTreeSet;
use alloc::vec::Vec;

/// The vote log, as far as consensus has to know it.
#[derive(Debug, Default)]
pub struct LogBook {
    /// Records since the log was last written anew, those that it was written with included.
    count: usize,
    /// Records that it was last written with.
    shortest: usize,
    certificates: BTreeSet<(VoteKind, View)>,
    /// Of these, the ViewChange certificates.
    given_up: Runs,
    /// Certificates that need no fsync of their own: they go with the next batch.
    deferred: Vec<Certificate>,
    /// What this step adds, in order.
    new: Vec<Record>,
}

impl LogBook {
    /// A record that is durable already, in its order.
    pub fn restore(&mut self, record: &Record) {
        self.count += 1;
        self.note(record);
    }

    pub fn append(&mut self, record: Record) {
        self.count += 1;
        self.note(&record);
        self.new.push(record);
    }

    /// A certificate goes into the log before the vote that it justifies; each once.
    pub fn justify(&mut self, certificate: &Certificate) {
        for deferred in core::mem::take(&mut self.deferred) {
            self.append_once(&deferred);
        }
        self.append_once(certificate);
    }

    pub fn defer(&mut self, certificate: Certificate) {
        self.deferred.push(certificate);
    }

    /// The views from `first` to `last` whose ViewChange certificate is not in the log.
    pub fn without_view_change(&self, first: View, last: View) -> impl Iterator<Item = View> + '_ {
        self.given_up.missing(first, last)
    }

    /// Ends the step.
    pub fn take(&mut self) -> Vec<Record> {
        core::mem::take(&mut self.new)
    }

    /// The log is written anew.
    pub fn restart(&mut self, records: &[Record]) {
        (self.count, self.shortest) = (records.len(), records.len());
        self.certificates.clear();
        self.given_up = Runs::default();
        self.deferred.clear();
        records.iter().for_each(|record| self.note(record));
    }

    /// Whether it is worth rewriting: it is long, and twice as long as it would be afterwards. Without the second
    /// condition, a log that cannot be short, since nothing becomes final, would be rewritten at every step.
    pub fn is_long(&self, records_max: usize) -> bool {
        self.count >= records_max.max(self.shortest.saturating_mul(2))
    }

    fn append_once(&mut self, certificate: &Certificate) {
        if !self.certificates.contains(&(certificate.kind(), certificate.view())) {
            self.append(Record::Certificate(certificate.clone()));
        }
    }

    fn note(&mut self, record: &Record) {
        match record {
            Record::Certificate(certificate) => self.note_certificate(certificate),
            Record::Proposal(proposal) => {
                proposal.parent.iter().chain(&proposal.skipped).for_each(|one| self.note_certificate(one));
            }
            Record::Unknown(_) | Record::Floor(_) | Record::Block(_) | Record::Vote(_) => {}
        }
    }

    fn note_certificate(&mut self, certificate: &Certificate) {
        self.certificates.insert((certificate.kind(), certificate.view()));
        if certificate.kind() == VoteKind::ViewChange {
            self.given_up.insert(certificate.view());
        }
    }
}
