//! The facts from which [`crate::why`] tells how this validator, and the network as it sees it, is.
//!
//! Everything but consensus' own snapshot is read without asking an actor, so that a node whose actors hang still says so.

use super::{Node, SILENCE_MAX};
use crate::why::{Facts, Health, Peer, Signing, health};
use actors::clock;
use actors::network::PeerReport;
use protocol::consensus::events::UnknownHistory;
use protocol::consensus::view::Snapshot;
use protocol::types::ValidatorIndex;
use std::time::{Duration, Instant};

/// How this validator is; without a snapshot consensus does not answer.
pub fn of(node: &Node, snapshot: Option<&Snapshot>, peers: &[PeerReport]) -> Health {
    health(&facts(node, snapshot, peers))
}

pub fn facts(node: &Node, snapshot: Option<&Snapshot>, peers: &[PeerReport]) -> Facts {
    let now = Instant::now();
    let set = node.genesis.validator_set();
    let name = |index| set.get(index).map_or_else(String::new, |validator| validator.node_id.to_string());
    let sight = node.observed.look(now);
    let (view, leader) = snapshot.map_or((sight.view, sight.leader), |snapshot| (snapshot.view, snapshot.leader));
    let sequence = snapshot.map_or(sight.sequence, |snapshot| snapshot.sequence.max(sight.sequence));
    let peer = |report: &PeerReport| Peer {
        node_id: report.node_id.to_string(),
        stake: set.stake(report.validator).0,
        is_connected: report.connected,
        missing_since_ms: report.missing_since_ms,
        ever_connected: report.ever_connected,
        silent_ms: (!has_voted(snapshot, report.validator))
            .then(|| millis(node.observed.last_vote_age(report.validator, now))),
    };
    let report = node.tree.report();
    let down = report.actors().into_iter().filter(|actor| !actor.is_alive(SILENCE_MAX));
    Facts {
        node_id: name(node.me),
        stake: set.stake(node.me).0,
        total_stake: set.total().0,
        peers: peers.iter().map(peer).collect(),
        now_ms: clock::wall().0,
        uptime_ms: millis(node.observed.uptime(now)),
        view: view.0,
        leader: name(leader),
        sequence: sequence.0,
        last_final_ms: node.observed.last_final_age(now).map(millis),
        patience_ms: millis(node.observed.lately()),
        missing_final: snapshot.and_then(|snapshot| snapshot.missing_final).map(|block| block.to_string()),
        signing: snapshot.map(signing),
        is_consensus_halted: snapshot.is_some_and(|snapshot| snapshot.halted),
        actors_down: down.map(|actor| actor.name.to_owned()).collect(),
    }
}

/// Whether its vote of the current view is here: a network that stands still votes once.
fn has_voted(snapshot: Option<&Snapshot>, validator: ValidatorIndex) -> bool {
    snapshot
        .is_some_and(|snapshot| snapshot.prepares.contains(&validator) || snapshot.view_changes.contains(&validator))
}

fn signing(snapshot: &Snapshot) -> Signing {
    let Some((kind, reported)) = &snapshot.unknown_history else { return Signing::Yes };
    let reported = reported.len();
    match kind {
        UnknownHistory::New => Signing::FirstStart { reported },
        UnknownHistory::Lost => Signing::LostLog { reported },
        UnknownHistory::Torn => Signing::TornLog { reported },
        UnknownHistory::Unconfirmed => Signing::Unconfirmed { reported },
    }
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}
