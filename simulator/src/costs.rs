//! What a step costs: microseconds of processor, measured once and constant since, so that a seed repeats.
//!
//! `simulator --costs` measures the same steps anew, on the machine where it runs; the constants are its means of two cores,
//! 2026-11-30, rounded up. A message's decoding and its signatures are the session's, beside the thread that votes, and cost it
//! nothing. Signing, which the simulator replaces, is not in them.

use protocol::consensus::events::Input;
use protocol::message::Message;
use std::collections::BTreeMap;
use std::time::Duration;

/// The kinds of steps, and what each costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// Of `view_change` or `leader_election`.
    Follower,
    /// Of the mempool, but for reading and checking scripts.
    Mempool,
    /// Of consensus, by what it takes: timers and what followers ask.
    Tick,
    Session,
    LateCommit,
    Checked,
    Applied,
    Proposal,
    Blocks,
    Certificate,
    Vote,
    Status,
    Attestations,
    Request,
}

impl Step {
    pub fn of_consensus(input: &Input) -> Step {
        match input {
            Input::Tick | Input::GiveUp { .. } | Input::RoundTime(_) | Input::Forgotten(_) => Step::Tick,
            Input::SessionOpened(_) | Input::SessionClosed(_) => Step::Session,
            Input::LateCommit(_) => Step::LateCommit,
            Input::Checked(_) | Input::MempoolRestarted { .. } => Step::Checked,
            Input::Applied(_) | Input::AcceptUnknownHistory => Step::Applied,
            Input::Peer(_, message) => match &**message {
                Message::Proposal(_) => Step::Proposal,
                Message::Blocks { .. } => Step::Blocks,
                Message::Certificate(_) | Message::Certificates(_) => Step::Certificate,
                Message::Vote { .. } => Step::Vote,
                Message::Status(_) | Message::Testimony(_) => Step::Status,
                Message::Checked(_) => Step::Attestations,
                Message::CertificateRequest { .. }
                | Message::BlockRequest { .. }
                | Message::Pending(_)
                | Message::ProofRequest(_)
                | Message::Proofs(_) => Step::Request,
            },
        }
    }

    /// Microseconds, at least one.
    pub fn costs(self) -> u64 {
        match self {
            Step::Follower
            | Step::Mempool
            | Step::Tick
            | Step::LateCommit
            | Step::Applied
            | Step::Certificate
            | Step::Status
            | Step::Attestations
            | Step::Request => 1,
            Step::Session | Step::Checked | Step::Vote => 2,
            Step::Proposal => 7,
            Step::Blocks => 13,
        }
    }
}

/// How often each kind of step was measured, and what all of them took.
pub type Measured = BTreeMap<Step, (u32, Duration)>;
