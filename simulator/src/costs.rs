//! What a step costs: microseconds of processor, measured once and constant since, so that a seed repeats.
//!
//! Measured by `cargo bench --bench vote_way` and the `queued`, `decided` steps of the process' own metrics on two cores; a step's
//! share of decoding and of its signatures is the session's, beside the votes thread.

use protocol::consensus::events::Input;
use protocol::message::Message;

/// Of `view_change` or `leader_election`, and of the mailbox between.
pub const FOLLOWER: u64 = 2;
/// Of the mempool, but for reading and checking scripts.
pub const MEMPOOL: u64 = 20;

/// Of consensus.
pub fn of_consensus(input: &Input) -> u64 {
    match input {
        Input::Tick | Input::GiveUp { .. } | Input::RoundTime(_) | Input::Forgotten(_) => 5,
        Input::SessionOpened(_) | Input::SessionClosed(_) => 20,
        Input::LateCommit(_) => 2,
        Input::Checked(checked) => 5 + 5 * checked.len() as u64,
        Input::Applied(_) | Input::AcceptUnknownHistory => 50,
        Input::Peer(_, message) => match &**message {
            Message::Proposal(_) | Message::Blocks { .. } => 150,
            Message::Certificate(_) | Message::Certificates(_) => 40,
            Message::Vote { .. } => 15,
            Message::Status(_) | Message::Testimony(_) => 10,
            Message::Checked(words) => 5 + 3 * words.len() as u64,
            Message::CertificateRequest { .. } | Message::BlockRequest { .. } => 20,
            Message::Pending(_) | Message::ProofRequest(_) | Message::Proofs(_) => 5,
        },
    }
}
