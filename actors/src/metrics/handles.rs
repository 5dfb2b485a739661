//! Series that are looked up once and then counted without a look-up: for the paths of votes, frames and final blocks.
//!
//! Create them after the recorder is installed; a handle created before counts nowhere.

use super::declared;
use super::declared::*;
use super::labels::SESSION_FRAME;
use super::metric::{VALIDATORS_MAX, Values};
use metrics::{Counter, Gauge, Histogram, counter, gauge, histogram};
use protocol::consensus::events::Record;
use protocol::message::Message;
use protocol::types::ValidatorIndex;
use protocol::vote::VoteKind;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// A counter for each value of a metric's last label.
pub struct Counters(Vec<(&'static str, Counter)>);

impl Counters {
    /// Of a metric with one label.
    pub fn of(name: &'static str) -> Counters {
        Counters::with(name, Vec::new())
    }

    /// Of a metric with more labels, of which all but the last are given.
    pub fn with(name: &'static str, given: Vec<metrics::Label>) -> Counters {
        let label = declared(name).labels.last().expect("a metric with labels");
        let Values::Words(words) = label.values else { panic!("{name} is not counted by words") };
        let counter = |word: &&'static str| {
            let mut labels = given.clone();
            labels.push(metrics::Label::from_static_parts(label.name, word));
            (*word, counter!(name, labels))
        };
        Counters(words.iter().map(counter).collect())
    }

    /// Counts under a declared value; undeclared ones are not counted.
    pub fn add(&self, word: &str, count: u64) {
        // A few words: no look-up is faster.
        if let Some((_, counter)) = self.0.iter().find(|(known, _)| *known == word) {
            counter.increment(count);
        }
    }
}

/// What keeps the sessions' thread while peers connect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SessionStep {
    /// At who is missing.
    Look,
    Dial,
    Accept,
    /// The begin of a session.
    Open,
}

/// The longest step of one kind, and its gauge.
struct Longest(AtomicU64, Gauge);

impl Longest {
    fn of(step: &'static str) -> Longest {
        Longest(AtomicU64::new(0), gauge!(NETWORK_STEP_MAX, "step" => step))
    }

    fn took(&self, span: Duration) {
        let span_ns = u64::try_from(span.as_nanos()).unwrap_or(u64::MAX);
        if self.0.fetch_max(span_ns, Ordering::Relaxed) < span_ns {
            // Of two threads the one that is later sets what is largest by then.
            self.1.set(Duration::from_nanos(self.0.load(Ordering::Relaxed)).as_secs_f64());
        }
    }
}

/// What passes between this node and its peers.
pub(crate) struct Traffic {
    bytes_in: Counters,
    bytes_out: Counters,
    messages_in: Counters,
    messages_out: Counters,
    /// In the order of [`SessionStep`].
    steps: [Longest; 4],
}

impl Default for Traffic {
    fn default() -> Self {
        let direction = |direction| vec![metrics::Label::from_static_parts("direction", direction)];
        Traffic {
            bytes_in: Counters::with(NETWORK_BYTES, direction("in")),
            bytes_out: Counters::with(NETWORK_BYTES, direction("out")),
            messages_in: Counters::with(NETWORK_MESSAGES, direction("in")),
            messages_out: Counters::with(NETWORK_MESSAGES, direction("out")),
            steps: ["look", "dial", "accept", "open"].map(Longest::of),
        }
    }
}

impl Traffic {
    /// A frame was read; the kind of message that it holds, if it is known.
    pub(crate) fn frame_in(&self, kind: Option<&'static str>, bytes: usize) {
        self.bytes_in.add(kind.unwrap_or(SESSION_FRAME), bytes as u64);
    }

    /// A step took so much of a processor.
    pub(crate) fn step(&self, step: SessionStep, span: Duration) {
        let place = match step {
            SessionStep::Look => 0,
            SessionStep::Dial => 1,
            SessionStep::Accept => 2,
            SessionStep::Open => 3,
        };
        self.steps[place].took(span);
    }

    pub(crate) fn message_in(&self, kind: &'static str) {
        self.messages_in.add(kind, 1);
    }

    /// A frame was written, and whether its message ended with it.
    pub(crate) fn frame_out(&self, kind: Option<&'static str>, bytes: usize, ended: bool) {
        self.bytes_out.add(kind.unwrap_or(SESSION_FRAME), bytes as u64);
        if let Some(kind) = kind.filter(|_| ended) {
            self.messages_out.add(kind, 1);
        }
    }
}

/// Signatures that were checked, by the message that they came in.
pub struct Signatures(Counters);

impl Default for Signatures {
    fn default() -> Self {
        Signatures(Counters::of(SIGNATURES_CHECKED))
    }
}

impl Signatures {
    /// So many were calculated.
    pub fn checked(&self, kind: Option<&'static str>, count: u64) {
        if let Some(kind) = kind.filter(|_| count > 0) {
            self.0.add(kind, count);
        }
    }
}

/// What the signatures of a peer's message are of. None where none is checked with the message: the mempool checks those of
/// proofs.
pub fn signed_kind(from: ValidatorIndex, message: &Message) -> Option<&'static str> {
    Some(match message {
        Message::Vote { vote, .. } if vote.voter != from => "relayed_vote",
        Message::Vote { vote, .. } if vote.ballot.choice.kind() == VoteKind::ViewChange => "view_change",
        Message::Vote { .. } => "vote",
        Message::Proposal(_) => "proposal",
        Message::Certificate(_) | Message::Certificates(_) => "certificate",
        Message::Blocks { .. } => "block",
        Message::Testimony(_) => "recovery_response",
        Message::Status(_)
        | Message::CertificateRequest { .. }
        | Message::BlockRequest { .. }
        | Message::Checked(_)
        | Message::Pending(_)
        | Message::ProofRequest(_)
        | Message::Proofs(_) => return None,
    })
}

/// The steps of the vote path.
pub struct Steps {
    verify: Histogram,
    queue: Histogram,
    decide: Histogram,
    log: Histogram,
    send: Histogram,
}

impl Default for Steps {
    fn default() -> Self {
        let step = |step: &'static str| histogram!(CONSENSUS_STEP, "step" => step);
        Steps {
            verify: step("verify"),
            queue: step("queue"),
            decide: step("decide"),
            log: step("log"),
            send: step("send"),
        }
    }
}

impl Steps {
    pub fn verified(&self, took: Duration) {
        self.verify.record(took.as_secs_f64());
    }

    pub fn queued(&self, took: Duration) {
        self.queue.record(took.as_secs_f64());
    }

    pub fn decided(&self, took: Duration) {
        self.decide.record(took.as_secs_f64());
    }

    pub fn logged(&self, took: Duration) {
        self.log.record(took.as_secs_f64());
    }

    pub fn sent(&self, took: Duration) {
        self.send.record(took.as_secs_f64());
    }
}

/// Whether a message takes the vote path: a proposal or a vote.
pub fn is_on_the_votes_way(message: &Message) -> bool {
    matches!(message, Message::Proposal(_) | Message::Vote { .. })
}

/// What consensus records and sends.
pub struct Votes {
    records: [Counter; 6],
    votes: [Counter; 3],
    told_again: Counters,
    asked: Counters,
    synced: Histogram,
}

impl Default for Votes {
    fn default() -> Self {
        let record = |record: &'static str| counter!(STORAGE_RECORDS, "record" => record);
        let vote = |kind: &'static str| counter!(CONSENSUS_VOTES, "kind" => kind);
        Votes {
            records: ["recovery", "floor", "certificate", "block", "proposal", "vote"].map(record),
            votes: ["prepare", "commit", "view_change"].map(vote),
            told_again: Counters::of(CONSENSUS_RETRANSMISSIONS),
            asked: Counters::of(CONSENSUS_RESOLVER_REQUESTS),
            synced: histogram!(STORAGE_SYNC, "file" => "vote_log"),
        }
    }
}

impl Votes {
    pub fn recorded(&self, records: &[Record]) {
        for record in records {
            let place = match record {
                Record::Unknown(_) => 0,
                Record::Floor(_) => 1,
                Record::Certificate(_) => 2,
                Record::Block(_) => 3,
                Record::Proposal(_) => 4,
                Record::Vote(_) => 5,
            };
            self.records[place].increment(1);
            if let Record::Vote(vote) = record {
                self.votes[kind_place(vote.ballot.choice.kind())].increment(1);
            }
        }
    }

    /// A message to one peer. Broadcasts are news; a message to one peer is something it lacks or requested.
    pub fn sent_to_one(&self, message: &Message) {
        match message {
            Message::Proposal(_) => self.told_again.add("proposal", 1),
            Message::Vote { .. } => self.told_again.add("vote", 1),
            Message::Certificate(_) | Message::Certificates(_) => self.told_again.add("certificate", 1),
            Message::CertificateRequest { .. } => self.asked.add("certificate", 1),
            Message::BlockRequest { .. } => self.asked.add("block", 1),
            Message::Status(_)
            | Message::Blocks { .. }
            | Message::Testimony(_)
            | Message::Checked(_)
            | Message::Pending(_)
            | Message::ProofRequest(_)
            | Message::Proofs(_) => {}
        }
    }

    pub fn synced(&self, took: Duration) {
        self.synced.record(took.as_secs_f64());
    }
}

/// The place of a kind in an array of three.
pub(crate) fn kind_place(kind: VoteKind) -> usize {
    match kind {
        VoteKind::Prepare => 0,
        VoteKind::Commit => 1,
        VoteKind::ViewChange => 2,
    }
}

/// The outcomes of blocks and views, by validator where the metric has that label.
pub(crate) struct Rounds {
    pub(crate) blocks_final: Counter,
    pub(crate) proofs_final: Counter,
    pub(crate) proposed_to_prepared: Histogram,
    pub(crate) prepared_to_final: Histogram,
    pub(crate) proposed_to_final: Histogram,
    pub(crate) given_up: Counters,
    pub(crate) view_changes: Counters,
    pub(crate) contradictions: Counter,
    /// Of the first [`VALIDATORS_MAX`].
    pub(crate) proposed: Vec<Counter>,
    pub(crate) missed: Vec<Counter>,
    pub(crate) took_part: Vec<Counter>,
}

impl Rounds {
    /// For these validators.
    pub(crate) fn new<'a>(validators: impl Iterator<Item = &'a str> + Clone) -> Rounds {
        let by_validator = |name: &'static str| {
            let counter = |validator: &str| counter!(name, "validator" => validator.to_owned());
            validators.clone().take(VALIDATORS_MAX).map(counter).collect()
        };
        Rounds {
            blocks_final: counter!(CONSENSUS_BLOCKS_FINAL),
            proofs_final: counter!(CONSENSUS_PROOFS_FINAL),
            proposed_to_prepared: histogram!(CONSENSUS_PROPOSED_TO_PREPARED),
            prepared_to_final: histogram!(CONSENSUS_PREPARED_TO_FINAL),
            proposed_to_final: histogram!(CONSENSUS_PROPOSED_TO_FINAL),
            given_up: Counters::of(CONSENSUS_VIEW_CHANGE_VOTES),
            view_changes: Counters::of(CONSENSUS_VIEW_CHANGES),
            contradictions: counter!(CONSENSUS_CONTRADICTIONS),
            proposed: by_validator(CONSENSUS_BLOCKS_PROPOSED),
            missed: by_validator(CONSENSUS_BLOCKS_MISSED),
            took_part: by_validator(CONSENSUS_ROUNDS),
        }
    }
}
