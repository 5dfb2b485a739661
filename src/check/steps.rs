//! What the reading threads send on: logs, what is done, and obligations that are still to be checked or asked about.

use super::findings::told;
use super::keys::Key;
use super::outcome::{Checked, Finding, Subject};
use super::work::OpenLog;
use crate::logs::LogObligation;
use crate::obligation::ClaimSource;
use protocol::types::Hash;
use protocol::verdict::{Answer, Claim};
use std::borrow::Cow;
use std::sync::Arc;
use tokio::sync::mpsc::Sender;

/// What became of what was read.
pub enum Step {
    /// A log: how many obligations it holds, and what is to be said of it.
    Log(Remarks),
    Done(Box<Checked>),
    Missing(Box<Missing>),
    /// For the node that is asked.
    ForNode(Box<ForNode>),
}

/// What is to be said of a log as a whole.
#[derive(Debug, Clone)]
pub struct Remarks {
    pub number: usize,
    pub path: std::path::PathBuf,
    pub obligations: usize,
    /// Of these, the queries: each becomes a step of its own.
    pub queries: usize,
    /// Who wrote it.
    pub tool: Option<&'static str>,
    pub lines: Vec<String>,
}

/// An obligation of which nothing is known.
pub struct Missing {
    pub subject: Subject,
    /// None: it is made from the log when it is asked for.
    pub(super) script: Option<Vec<u8>>,
    pub claim: (Claim, ClaimSource),
    /// The key by the script's bytes.
    pub key: Key,
    /// The key of what is found together with other queries of its log, if it may be asked so.
    pub in_series: Option<Key>,
    /// What was answered together with others.
    pub incremental_answer: Option<Answer>,
    /// Where it stands in its log, if it is not a whole file.
    pub log: Option<(Arc<OpenLog>, usize)>,
}

impl Missing {
    /// A query that may be asked together with others of its log.
    pub fn of_log(
        subject: Subject,
        claim: (Claim, ClaimSource),
        (key, in_series): (Key, Key),
        log: (Arc<OpenLog>, usize),
    ) -> Missing {
        let (in_series, log) = (Some(in_series), Some(log));
        Missing { subject, script: None, claim, key, in_series, incremental_answer: None, log }
    }

    fn obligation(&self) -> Option<LogObligation<'_>> {
        self.log.as_ref().and_then(|(log, index)| log.file.obligation(*index))
    }

    pub fn script(&self) -> Cow<'_, [u8]> {
        match (&self.script, self.obligation()) {
            (Some(script), _) => Cow::Borrowed(script),
            (None, Some(obligation)) => obligation.script(),
            (None, None) => Cow::Borrowed(&[]),
        }
    }

    /// What is told of it, once it is found out.
    pub fn done(self, finding: Finding) -> Checked {
        let script = if finding.incremental { Cow::Borrowed(&[][..]) } else { self.script() };
        let checked = told(self.subject.clone(), &script, self.claim.1, finding, false, self.obligation());
        let otherwise = self.incremental_answer.filter(|said| checked.answer().is_some_and(|answer| answer != *said));
        Checked { incremental_answer: otherwise, ..checked }
    }
}

/// An obligation that a node is asked about. Its script is read again if it is needed.
pub struct ForNode {
    pub subject: Subject,
    pub claim: (Claim, ClaimSource),
    pub statement: Hash,
    /// Of the script's bytes.
    pub script: Hash,
    /// The log's own answer.
    pub logged: Option<Answer>,
    pub origin: Origin,
}

/// Where a script can be had again.
pub enum Origin {
    /// From the file or the log at the subject's path.
    File,
    /// From what was kept, since it can be read only once.
    Kept(Arc<OpenLog>, usize),
}

/// Steps on their way: what is done already goes together, since nobody waits for it.
pub(super) struct Outbox<'a> {
    pub sender: &'a Sender<Vec<Step>>,
    pub held: Vec<Step>,
}

/// So many steps go together at most: to wake up who takes them costs about what a small file does.
const HELD_MAX: usize = 32;

impl Outbox<'_> {
    /// None: nobody listens any more.
    pub fn flush(&mut self) -> Option<()> {
        match std::mem::take(&mut self.held) {
            held if held.is_empty() => Some(()),
            held => self.sender.blocking_send(held).ok(),
        }
    }
}

/// None: nobody listens any more.
pub(super) fn send(steps: &mut Outbox<'_>, step: Step) -> Option<()> {
    let may_wait = matches!(step, Step::Done(_) | Step::ForNode(_));
    steps.held.push(step);
    if may_wait && steps.held.len() < HELD_MAX { Some(()) } else { steps.flush() }
}
