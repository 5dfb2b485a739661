//! Consensus: its steps, records, votes, events and final blocks.

use super::fault_points::{self, Point};
use super::network::is_on_vote_path;
use super::observed::{Observed, kind_place};
use super::vote_way::{self, Place};
use crate::metrics::*;
use metrics::{Counter, Histogram, counter, gauge, histogram};
use protocol::consensus::events::{FinalBlock, Input, Notice, Record, To, UnknownHistory};
use protocol::consensus::view::Snapshot;
use protocol::message::Message;
use protocol::types::{Millis, ValidatorIndex, View};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What one incarnation of consensus reports.
pub struct ConsensusTap {
    me: ValidatorIndex,
    observed: Arc<Observed>,
    steps: Steps,
    counted: Counted,
}

/// A step that was begun.
pub struct Step {
    began: Instant,
    is_on_vote_path: bool,
}

impl ConsensusTap {
    /// Created after the metrics' recorder is installed. `observed` outlives it.
    pub fn new(me: ValidatorIndex, observed: Arc<Observed>) -> ConsensusTap {
        ConsensusTap { me, observed, steps: Steps::default(), counted: Counted::default() }
    }

    /// A peer's message waited in the mailbox for so long.
    pub fn waited(&self, input: &Input, span: Duration) {
        if of_peer(input).is_some_and(is_on_vote_path) {
            self.steps.queue.record(span.as_secs_f64());
        }
    }

    /// A step begins.
    pub fn begins(&self, began: Instant, input: &Input) -> Step {
        let message = of_peer(input);
        message.into_iter().for_each(|message| vote_way::message(Place::Step, message));
        self.observed.input(began, input);
        if matches!(message, Some(Message::Proposal(_))) {
            self.reach(Point::ProposalReceived);
        }
        Step { began, is_on_vote_path: message.is_some_and(is_on_vote_path) }
    }

    /// The step is done; its effects are not carried out yet.
    pub fn decided(&self, step: &Step) {
        if step.is_on_vote_path {
            self.steps.decide.record(step.began.elapsed().as_secs_f64());
        }
    }

    /// A step that began then has these records.
    pub fn recorded(&self, began: Instant, records: &[Record]) {
        records.iter().for_each(|record| self.counted.record(record));
        self.observed.recorded(began, records);
        if records.contains(&Record::Unknown(UnknownHistory::Lost)) {
            self.observed.doubts();
        }
    }

    /// So many records are durable; writing them took so long.
    pub fn durable(&self, records: usize, took: Duration) {
        self.synced(took);
        self.steps.log.record(took.as_secs_f64());
        vote_way::durable(records);
    }

    /// The vote log was written whole; it took so long.
    pub fn synced(&self, took: Duration) {
        self.counted.synced.record(took.as_secs_f64());
    }

    /// A vote is durable and was not sent.
    pub fn vote_logged(&self) {
        self.reach(Point::VoteLogged);
    }

    /// A vote was sent.
    pub fn vote_sent(&self) {
        self.reach(Point::VoteSent);
    }

    /// The effects of what was durable since then are carried out.
    pub fn carried_out(&self, durable: Instant) {
        self.steps.send.record(durable.elapsed().as_secs_f64());
    }

    /// A message goes to the network. Broadcasts are news; a message to one peer is something it lacks or requested.
    pub fn sends(&self, to: To, message: &Message) {
        match to {
            To::All => vote_way::message(Place::Sent, message),
            To::Peer(_) => self.counted.sent_to_one(message),
        }
    }

    /// An event of a step that began then, before its records were durable.
    pub fn event(&self, began: Instant, event: &Notice) {
        self.observed.notice(began, event);
        if let Notice::ViewEntered { view, leader, .. } = event {
            vote_way::entered(*view, *leader);
        }
        if matches!(event, Notice::Prepared { .. }) {
            self.reach(Point::Prepared);
        }
    }

    /// Blocks are final, the last of them in this view, and the state is about to be notified.
    pub fn finalized(&self, blocks: &[FinalBlock], view: View) {
        self.reach(Point::Committed);
        let proofs = blocks.iter().flat_map(|block| &block.block.body.proofs);
        proofs.for_each(|entry| vote_way::proof(Place::Final, &entry.proof));
        self.observed.finalized(Instant::now(), blocks, view);
    }

    /// Whether a [`ConsensusTap::snapshot`] is needed after each step.
    pub fn wants_snapshot(&self) -> bool {
        self.observed.has_given_up()
    }

    pub fn snapshot(&self, snapshot: &Snapshot) {
        self.observed.snapshot(snapshot);
    }

    fn reach(&self, point: Point) {
        fault_points::reach(self.me, point);
    }
}

/// The view timer was set to this.
pub(crate) fn view_timer(timer: Millis) {
    gauge!(CONSENSUS_VIEW_TIMER).set(timer.0 as f64 / 1e3);
}

fn of_peer(input: &Input) -> Option<&Message> {
    let Input::Peer(_, message) = input else { return None };
    Some(message)
}

/// The steps of the vote path; the gate has the first.
struct Steps {
    queue: Histogram,
    decide: Histogram,
    log: Histogram,
    send: Histogram,
}

impl Default for Steps {
    fn default() -> Self {
        let step = |step: &'static str| histogram!(CONSENSUS_STEP, "step" => step);
        Steps { queue: step("queue"), decide: step("decide"), log: step("log"), send: step("send") }
    }
}

/// What consensus records and sends.
struct Counted {
    records: [Counter; 6],
    votes: [Counter; 3],
    retransmissions: Counters,
    requests: Counters,
    synced: Histogram,
}

impl Default for Counted {
    fn default() -> Self {
        let record = |record: &'static str| counter!(STORAGE_RECORDS, "record" => record);
        let vote = |kind: &'static str| counter!(CONSENSUS_VOTES, "kind" => kind);
        Counted {
            records: ["recovery", "floor", "certificate", "block", "proposal", "vote"].map(record),
            votes: ["prepare", "commit", "view_change"].map(vote),
            retransmissions: Counters::of(CONSENSUS_RETRANSMISSIONS),
            requests: Counters::of(CONSENSUS_RESOLVER_REQUESTS),
            synced: histogram!(STORAGE_SYNC, "file" => "vote_log"),
        }
    }
}

impl Counted {
    fn record(&self, record: &Record) {
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

    fn sent_to_one(&self, message: &Message) {
        match message {
            Message::Proposal(_) => self.retransmissions.add("proposal", 1),
            Message::Vote { .. } => self.retransmissions.add("vote", 1),
            Message::Certificate(_) | Message::Certificates(_) => self.retransmissions.add("certificate", 1),
            Message::CertificateRequest { .. } => self.requests.add("certificate", 1),
            Message::BlockRequest { .. } => self.requests.add("block", 1),
            Message::Status(_)
            | Message::Blocks { .. }
            | Message::Testimony(_)
            | Message::Checked(_)
            | Message::Pending(_)
            | Message::ProofRequest(_)
            | Message::Proofs(_) => {}
        }
    }
}

#[cfg(test)]
mod tests;
