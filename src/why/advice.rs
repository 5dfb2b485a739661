//! What an operator does next, in one line.

use super::{Absent, Facts, How, Signing, State};
use crate::text::plain;

/// The next step; `nothing` if there is none.
pub(super) fn what_to_do(facts: &Facts, missing: &[Absent<'_>], state: State) -> String {
    let me = plain(&facts.node_id);
    match state {
        State::Ok if missing.is_empty() => "nothing".into(),
        State::Ok | State::Degraded => bring_back(missing, "soon"),
        State::Behind if facts.peers.is_empty() => {
            format!("nobody has it: stop {me}, and restore its whole data folder from a newer copy")
        }
        State::Behind => format!("wait: {me} asks its peers for it; `pop status --node {me}` shows how far it is"),
        State::Failing if facts.is_consensus_halted => {
            format!("keep its data folder, and read the end of the log of {me}: docs/RUNBOOK.md says how to go on")
        }
        State::Failing => format!(
            "wait some seconds: its supervisor restarts it; if that lasts, read the log of {me} (`pop actors --node {me}` \
             shows why it failed)"
        ),
        State::Waiting | State::Halted if !missing.is_empty() => bring_back(missing, "now"),
        State::Waiting => not_signing(facts, &me),
        State::Halted => format!(
            "look at the leader {}, the disks and the clocks: `pop doctor` on each machine, and `pop why` with other nodes",
            plain(&facts.leader)
        ),
    }
}

/// The first that is missing stands for the others: what helps it is likely to help them.
fn bring_back(missing: &[Absent<'_>], when: &str) -> String {
    let Some(first) = missing.iter().find(|absent| absent.how != How::NotSigning).or(missing.first()) else {
        return "nothing".into();
    };
    let name = plain(first.node_id);
    match first.how {
        How::NotSigning => format!("{name} does not sign: docs/RUNBOOK.md says what to do about a lost vote log"),
        How::Silent => {
            format!("{when}: `pop why --node {name}` says why it does not vote, although it is connected")
        }
        How::Disconnected | How::NeverConnected => format!(
            "{when}: on the machine of {name}, `pop doctor` says what is wrong there; if it does not run, \
             `pop start-validator --node-id {name}`"
        ),
    }
}

fn not_signing(facts: &Facts, me: &str) -> String {
    match facts.signing {
        Some(Signing::LostLog { .. } | Signing::TornLog { .. }) => {
            format!("wait until more peers of {me} are connected; docs/RUNBOOK.md has the way of a lost vote log")
        }
        Some(Signing::Unconfirmed { .. } | Signing::FirstStart { .. } | Signing::Yes) | None => {
            "wait: it takes about a second".into()
        }
    }
}
