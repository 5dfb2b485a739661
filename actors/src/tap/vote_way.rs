//! Marks on the way of proofs and votes, for measuring it: what was where at which microsecond.
//!
//! Silent, and as good as free, unless `RUST_LOG` has `vote_way=trace`. Times are of the wall clock, so that the marks
//! of several validators on one machine can be laid side by side: `benches/vote_way.rs` does.

use protocol::message::Message;
use protocol::types::{Hash, ValidatorIndex, View};
use protocol::vote::{Vote, VoteKind};
use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

/// A place on the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// A peer's frame is decoded.
    Read,
    /// Its signatures hold.
    Verified,
    /// Its step begins.
    Step,
    /// A view begins.
    Entered,
    /// Records are on the disk.
    Durable,
    /// A message of this validator's own goes into the outboxes.
    Sent,
    /// A proof came, from a submitter or a peer.
    Came,
    /// Its signature holds and its form is accepted.
    Examined,
    /// It is durable.
    Stored,
    /// A worker gets it, or its verdict is remembered.
    Checking,
    /// The verdict on it is here.
    Judged,
    /// A block of this validator's own that holds it goes into the outboxes.
    Proposed,
    /// Consensus made it final.
    Final,
    /// The database has its block.
    Applied,
}

/// Marks a message of the vote path; others are not worth a line.
pub(super) fn message(place: Place, message: &Message) {
    if tracing::enabled!(target: "vote_way", tracing::Level::TRACE)
        && let Some(what) = What::of(message)
    {
        mark(place, what);
        if let (Place::Sent, Message::Proposal(proposal)) = (place, message) {
            proposal.block.body.proofs.iter().for_each(|entry| proof(Place::Proposed, &entry.proof));
        }
    }
}

pub(super) fn entered(view: View, leader: ValidatorIndex) {
    mark(Place::Entered, format_args!("view {} of {}", view.0, leader.as_usize()));
}

pub(super) fn durable(records: usize) {
    mark(Place::Durable, format_args!("records {records}"));
}

pub(super) fn proof(place: Place, id: &Hash) {
    mark(place, format_args!("proof {id}"));
}

fn mark(place: Place, what: impl fmt::Display) {
    tracing::trace!(target: "vote_way", at_us = micros(), ?place, %what);
}

fn micros() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
}

/// `prepare 7 by 2`: kind, view, voter.
enum What<'a> {
    Proposal(&'a Vote),
    Vote(&'a Vote),
}

impl What<'_> {
    fn of(message: &Message) -> Option<What<'_>> {
        match message {
            Message::Proposal(proposal) => Some(What::Proposal(&proposal.vote)),
            Message::Vote { vote, .. } => Some(What::Vote(vote)),
            Message::Certificate(_)
            | Message::Status(_)
            | Message::CertificateRequest { .. }
            | Message::Certificates(_)
            | Message::BlockRequest { .. }
            | Message::Blocks { .. }
            | Message::Testimony(_)
            | Message::Checked(_)
            | Message::Pending(_)
            | Message::ProofRequest(_)
            | Message::Proofs(_) => None,
        }
    }
}

impl fmt::Display for What<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (kind, vote) = match self {
            What::Proposal(vote) => ("proposal", vote),
            What::Vote(vote) => match vote.ballot.choice.kind() {
                VoteKind::Prepare => ("prepare", vote),
                VoteKind::Commit => ("commit", vote),
                VoteKind::ViewChange => ("view_change", vote),
            },
        };
        write!(f, "{kind} {} by {}", vote.view().0, vote.voter.as_usize())
    }
}
