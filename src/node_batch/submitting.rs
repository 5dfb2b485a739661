//! Submits what is missing at the node: signed, in batches that are bounded in count and bytes, again where there was
//! no capacity.

use super::wire::{self, Answer, Attestations, Name, Refused, SUBMISSIONS_MAX};
use super::{Asked, End, Event, Run, ScriptGone, Stop};
use crate::client::Refusal;
use crate::utf8::{self, NotCarried};
use protocol::proof::Proof;
use protocol::signature::public_key;
use protocol::types::Hash;
use serde_json::Value;
use std::collections::VecDeque;
use std::str::Utf8Error;
use std::time::{Duration, Instant};

/// Bytes of the scripts of one batch, but for a single longer one. Where the genesis lets only shorter scripts in, a batch
/// that is too large is halved.
const BATCH_BYTES_MAX: usize = 1 << 20;
/// The HTTP status of a body that is too large.
const TOO_LARGE: u16 = 413;
/// How soon what a node could not look at is offered again, if it says nothing of that.
const AGAIN: Duration = Duration::from_secs(1);

/// The jobs that are to be submitted, and what bounds the next batch.
#[derive(Debug)]
pub(super) struct Missing {
    jobs: VecDeque<usize>,
    /// Who found no room does not ask before.
    not_before: Option<Instant>,
    /// Submissions in one batch; less than [`SUBMISSIONS_MAX`] once a body was too large.
    count_max: usize,
}

impl Default for Missing {
    fn default() -> Missing {
        Missing { jobs: VecDeque::new(), not_before: None, count_max: SUBMISSIONS_MAX }
    }
}

impl Missing {
    pub(super) fn push(&mut self, job: usize) {
        self.jobs.push_back(job);
    }

    pub(super) fn len(&self) -> usize {
        self.jobs.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.jobs.is_empty()
    }

    fn is_due(&self) -> bool {
        !self.is_empty() && self.not_before.is_none_or(|time| time <= Instant::now())
    }

    fn wait(&mut self, span: Duration) {
        let time = Instant::now() + span;
        self.not_before = Some(self.not_before.map_or(time, |before| before.max(time)));
    }
}

/// A job's submission.
struct Signed {
    job: usize,
    id: Hash,
    body: Value,
}

/// Why a job cannot be submitted.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
enum NotSigned {
    Gone(#[from] ScriptGone),
    NotCarried(#[from] NotCarried),
    NotUtf8(#[from] Utf8Error),
}

impl Run<'_> {
    /// Submits one batch, if there is anything to submit now; false if not.
    pub(super) fn submit_some(&mut self) -> Result<bool, Stop> {
        if !self.missing.is_due() {
            return Ok(false);
        }
        if self.caller.is_over() {
            return Err(Stop::Over);
        }
        self.agree()?;
        let batch = self.next_batch();
        let bodies: Vec<Value> = batch.iter().map(|signed| signed.body.clone()).collect();
        if bodies.is_empty() {
            return Ok(true);
        }
        let alone = bodies.len() == 1;
        let sent = self.patiently(|node| match wire::submit(&node.client, &bodies)? {
            // Not the end: fewer may fit.
            Err(refusal) if refusal.status == TOO_LARGE => Ok(Ok(Err(refusal))),
            other => Ok(other.map(Ok)),
        })?;
        match sent {
            Ok(answers) => batch.into_iter().zip(answers).for_each(|(signed, answer)| self.on_answer(signed, answer)),
            Err(Refusal { message, .. }) if alone => {
                batch.iter().for_each(|signed| self.end(signed.job, not_accepted(message.clone()), false));
            }
            Err(_) => {
                self.missing.count_max = (batch.len() / 2).max(1);
                batch.into_iter().rev().for_each(|signed| self.missing.jobs.push_front(signed.job));
            }
        }
        Ok(true)
    }

    fn next_batch(&mut self) -> Vec<Signed> {
        let (mut batch, mut bytes) = (Vec::new(), 0);
        while batch.len() < self.missing.count_max && bytes < BATCH_BYTES_MAX {
            let Some(job) = self.missing.jobs.pop_front() else { break };
            match self.sign(job) {
                Ok((signed, length)) if batch.is_empty() || bytes + length <= BATCH_BYTES_MAX => {
                    bytes += length;
                    batch.push(signed);
                }
                Ok(_) => {
                    self.missing.jobs.push_front(job);
                    break;
                }
                Err(why) => self.end(job, not_accepted(why.to_string()), false),
            }
        }
        batch
    }

    /// The submission of a job's first obligation, and the bytes of its script.
    fn sign(&mut self, job: usize) -> Result<(Signed, usize), NotSigned> {
        let number = self.jobs[job].numbers[0];
        let Asked { claim, .. } = self.asked[number];
        let script = self.caller.script(number)?;
        let script = utf8::carried(&script)?.script.into_owned();
        let (node, length) = (self.node, script.len());
        let proof = Proof::sign(&node.chain, &node.key, public_key(&node.key), claim, 0, script);
        let body = wire::body_of(&proof)?;
        Ok((Signed { job, id: proof.id(&node.chain), body }, length))
    }

    fn on_answer(&mut self, signed: Signed, answer: Answer) {
        let Signed { job, id, .. } = signed;
        let refused = match answer {
            Answer::Taken { proof, .. } if proof == id => {
                self.jobs[job].submitted += 1;
                return self.waiting.push((job, Name::Proof(id)));
            }
            Answer::Taken { proof, .. } => {
                return self.end(job, no_verdict(format!("the node took it for another proof, {proof}")), false);
            }
            Answer::Refused(refused) => refused,
        };
        let Refused { error, message, line, column, retry_after } = refused;
        match (error.as_str(), retry_after) {
            // On whose attestations is found by a look-up.
            ("refused", _) => self.waiting.push((job, Name::Proof(id))),
            ("malformed", _) => self.end(job, End::NotAccepted { line, column, message }, false),
            ("unavailable" | "internal", _) | (_, Some(_)) => {
                self.missing.wait(retry_after.map_or(AGAIN, Duration::from_secs).min(self.node.patience));
                self.missing.push(job);
                self.caller.on(Event::Full);
            }
            (_, None) => self.end(job, not_accepted(message), false),
        }
    }
}

fn not_accepted(message: String) -> End {
    End::NotAccepted { line: None, column: None, message }
}

fn no_verdict(message: String) -> End {
    End::NoVerdict { proof: None, attestations: Attestations::default(), message }
}
