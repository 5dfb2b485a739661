//! What goes into a step of consensus and what comes out: the whole contract with the actors and with simulations.
//!
//! ```text
//!   Input ──► Consensus::step(time, input) ──► Output { records, effects }
//! ```
//! The records of one output are made durable, together and in order, before the first of its effects is carried out;
//! effects are carried out in order. Outputs are carried out in the order of their steps. Nothing else is required of
//! the caller.

pub use crate::ready::Checked;

use crate::block::Block;
use crate::certificate::Certificate;
use crate::ledger::{BranchError, Ledger};
use crate::message::{GiveUpReason, Message, Proposal, Word};
use crate::types::{Epoch, Hash, Millis, Sequence, ValidatorIndex, View};
use crate::verify::{LateCommit, Verified};
use crate::vote::{Vote, VoteKind};
use alloc::boxed::Box;
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

/// The two clocks of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Time {
    /// Monotonic, from any origin: every timer.
    pub local: Millis,
    /// Since the Unix epoch: block times, and nothing else.
    pub wall: Millis,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// [`super::Consensus::wakeup`] has come.
    Tick,
    SessionOpened(ValidatorIndex),
    /// Its attestations lapse.
    SessionClosed(ValidatorIndex),
    /// What a peer said, verified. Messages on proofs' ids and scripts belong to the mempool and are ignored here.
    Peer(ValidatorIndex, Verified<Message>),
    /// A peer commits to what is committed here: it was heard, and its signature was not checked (T3).
    LateCommit(LateCommit),
    /// Proofs are durable here and the solver has spoken.
    Checked(Vec<Checked>),
    /// The mempool dropped a proof: it is no longer proposed from here.
    Forgotten(Hash),
    /// The mempool was restarted and holds only these, ascending: what it dropped before may not have been said.
    MempoolRestarted {
        held: Vec<Hash>,
    },
    /// `view_change` or `leader_election` asks for a ViewChange vote (R10).
    GiveUp {
        view: View,
        reason: GiveUpReason,
    },
    /// `view_change` reports two round times: how long a prepared block may wait without other work.
    RoundTime(Millis),
    /// Final blocks up to this sequence are in the database, and [`crate::ledger::Branch`] answers for them.
    Applied(Sequence),
    /// The operator accepts the risk that R12 names: sign although no quorum could confirm this validator's vote
    /// history.
    AcceptUnknownHistory,
}

/// What the vote log holds. The log is replayed in order by [`super::Consensus::recover`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Record {
    /// History before this record is unknown, for this reason; signing waits for a `Floor` (R12).
    Unknown(UnknownHistory),
    /// Never sign at or below this view. Also ends `Unknown`.
    Floor(View),
    Certificate(Certificate),
    Block(Block),
    /// A proposal with everything that justifies the vote for it; the leader's own holds its own vote.
    Proposal(Box<Proposal>),
    /// My own vote.
    Vote(Vote),
}

/// Why history is unknown (R12).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum UnknownHistory {
    /// No log and no mark: a first start.
    New,
    /// The mark but no log, or a peer holds a vote of mine that the log lacks.
    Lost,
    /// The last batch was damaged and dropped.
    Torn,
    /// The log is whole by its own account. So is a copy of an earlier day that was put back, and a log whose end the disk
    /// never wrote although it said so: others are asked first. Never written to the log: it holds for every start.
    Unconfirmed,
}

/// To whom a message goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum To {
    Peer(ValidatorIndex),
    /// Every peer with a session.
    All,
}

/// A block that became final, and what convinces others of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FinalBlock {
    pub id: Hash,
    pub block: Block,
    /// The state after it.
    pub ledger: Ledger,
    /// Its Prepare certificate, where it is held already; otherwise its child includes these votes.
    pub prepare: Option<Certificate>,
}

/// Why the process must end; never go on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Halt {
    #[error(
        "block {id} at sequence {sequence} is final with state root {theirs}, but executing it here gives {mine}: this \
         validator's data or program is damaged; restore it from another validator"
    )]
    OtherStateRoot { sequence: Sequence, id: Hash, theirs: Hash, mine: Hash },
    #[error("block {id} at sequence {sequence} is final but does not execute here: {fault}")]
    FinalBlockInvalid { sequence: Sequence, id: Hash, fault: crate::ledger::LedgerFault },
    #[error(
        "block {id} is final at sequence {sequence}, where block {other} is final here: more than a third of the stake \
         signed two histories"
    )]
    TwoHistories { sequence: Sequence, id: Hash, other: Hash },
    /// R12: a vote above the floor that a quorum of others set since my start is in my name, and I did not sign it.
    #[error(
        "another process signs with this validator's key: it voted in view {view}, which this one did not. One of the two must \
         never start again: decide which one, then remove the file that is named at the next start of the other"
    )]
    Twin { view: View },
    /// What is final cannot be read.
    #[error("{0}")]
    Database(BranchError),
}

/// Two votes that contradict each other (R11): the validator that signed both is provably at fault.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contradiction {
    pub first: Vote,
    pub second: Vote,
}

/// What others need to hear, in the order it happened. Losing one costs time, never safety.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// I entered a view; `by` is the kind of certificate that ended the one before (none: start or floor).
    ViewEntered {
        view: View,
        leader: ValidatorIndex,
        by: Option<VoteKind>,
        fetched: bool,
        doubles: bool,
    },
    /// Where I am, once more, for a follower that may have missed it. Followers that know this view already must not begin it again.
    CurrentView {
        view: View,
        leader: ValidatorIndex,
    },
    /// There is work in the current view, or its proposal arrived: timers run from here.
    ClockStarted {
        view: View,
    },
    /// There is work in the current view: a silent leader may be skipped.
    Work {
        view: View,
    },
    /// The work of the current view is done without a proposal: its clock stops, and restarts with new work.
    WorkGone {
        view: View,
    },
    /// The proposal of a view was first seen, or sent.
    Proposed {
        view: View,
        leader: ValidatorIndex,
    },
    /// The Prepare certificate of a view was first seen.
    Prepared {
        view: View,
        leader: ValidatorIndex,
    },
    /// Votes of this kind, of any view, by these validators came: their own, or within a certificate or a block.
    Heard {
        kind: VoteKind,
        voters: Vec<ValidatorIndex>,
    },
    GaveUp {
        view: View,
        reason: GiveUpReason,
    },
    /// A vote was refused or a contradiction found; counted.
    Contradiction(Box<Contradiction>),
    /// R12 ended: votes are signed from here on.
    Signing,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    Send(To, Message),
    /// Blocks became final, ascending; the certificate is of the last.
    Final {
        blocks: Vec<FinalBlock>,
        commit: Certificate,
    },
    /// A peer asks for final blocks above a sequence: answer [`Message::Blocks`] from the database, ascending, ending in
    /// a block whose Commit certificate is kept.
    Serve {
        to: ValidatorIndex,
        above: Sequence,
    },
    /// Scripts that a proposal needs, and who should have them, best first.
    Need {
        proofs: Vec<Hash>,
        from: Vec<ValidatorIndex>,
    },
    /// For every count, a third of the stake or more attested something else: this node refuses the proof for that
    /// reason.
    Refused {
        proof: Hash,
        words: Vec<(ValidatorIndex, Word)>,
    },
    /// The log may be replaced by these records, once [`Output::records`] are durable.
    Shorten(Vec<Record>),
    /// A peer holds a vote of mine that my log lacks: close every session, since only recovery responses in new ones
    /// count.
    Reconnect,
    Notice(Notice),
    Halt(Halt),
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Output {
    pub records: Vec<Record>,
    pub effects: Vec<Effect>,
}

impl Output {
    pub fn is_empty(&self) -> bool {
        self.records.is_empty() && self.effects.is_empty()
    }
}

/// The epoch that every ballot of this network names: one, constant, until epochs change.
pub const EPOCH: Epoch = Epoch(1);
