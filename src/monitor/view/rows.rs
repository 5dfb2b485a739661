//! A row for each validator: its own word, what its peers say, and what the node that speaks for all counts.

use super::{ActorView, PeerView, ValidatorView};
use crate::monitor::alerts::too_few;
use crate::monitor::facts::{Actor, Peer, Status, Trouble};
use crate::monitor::model::{Model, Reach, Validator};
use protocol::types::Millis;

pub fn leaderboard(model: &Model, everybody: &[Validator]) -> Vec<ValidatorView> {
    let mut rows: Vec<ValidatorView> = everybody.iter().map(|validator| row(model, validator)).collect();
    // A stable sort: equal ones stay in the genesis' order.
    rows.sort_by(|one, other| {
        let rewards = |row: &ValidatorView| row.rewards_tokens.unwrap_or(0.0);
        other.rounds.cmp(&one.rounds).then(rewards(other).total_cmp(&rewards(one)))
    });
    rows.iter_mut().zip(1..).for_each(|(row, rank)| row.rank = rank);
    rows
}

fn row(model: &Model, validator: &Validator) -> ValidatorView {
    let Validator { name, stake, node, .. } = validator;
    let node = node.map(|index| &model.nodes[index]);
    let status = node.filter(|node| node.answers()).and_then(|node| node.status.as_ref());
    let own = node.and_then(|node| node.metrics.as_ref());
    let counts = model.primary.and_then(|index| model.nodes[index].metrics.as_ref());
    let (state, why) = state(model, validator);
    ValidatorView {
        rank: 0,
        node_id: name.clone(),
        state,
        why,
        answered_ms: node.map(|node| node.answered.0),
        address: node.map(|node| node.address.clone()),
        stake: *stake,
        is_leader: model.agreed.as_ref().is_some_and(|agreed| agreed.leader.as_ref() == Some(name)),
        rounds: counts.and_then(|metrics| metrics.rounds.get(name).copied()),
        accuracy: own.and_then(|metrics| metrics.accuracy),
        checked: own.map(|metrics| metrics.checked),
        rewards_tokens: rewards(model, name),
        sequence: status.map(|status| status.sequence),
        view: status.map(|status| status.view),
        connected_peers: status.map(|status| status.peers.iter().filter(|peer| peer.connected).count()),
        pending_proofs: status.and_then(|status| Some(status.mempool.as_ref()?.proofs)),
        restarts: node
            .filter(|node| !node.actors.is_empty())
            .map(|node| node.actors.iter().fold(0, |sum: u64, actor| sum.saturating_add(actor.restarts))),
        actors: node.map_or_else(Vec::new, |node| {
            let seen = |name: &str| node.restarts.iter().rev().find(|(_, actor)| actor == name).map(|(at, _)| at.0);
            // Of a node that is silent nobody knows how they are now.
            let is_known =
                !matches!(&node.reach, Reach::Silent(trouble) if !matches!(trouble, Trouble::Unavailable(_)));
            let view = |actor: &Actor| ActorView {
                state: if is_known { actor.state.clone() } else { "unknown".into() },
                ..actor_view(actor, node.answered, seen(&actor.name))
            };
            node.actors.iter().map(view).collect()
        }),
        peers: status.map_or_else(Vec::new, peers),
    }
}

/// All nodes count the same, those that are behind less.
fn rewards(model: &Model, name: &str) -> Option<f64> {
    let of = |node: usize| model.word(node).and(model.nodes[node].metrics.as_ref());
    let micro = |node: usize| of(node)?.rewards.get(name).map(|tokens| (tokens * 1e6) as u64);
    model.weights.at_least(micro).map(|micro| micro as f64 / 1e6)
}

fn state(model: &Model, validator: &Validator) -> (&'static str, Option<String>) {
    let Some(node) = validator.node.map(|index| &model.nodes[index]) else {
        return match (validator.is_connected, model.primary) {
            (false, None) => ("unknown", None),
            (false, Some(_)) => ("gone", Some(too_few(validator.sessions))),
            (true, _) => ("connected", None),
        };
    };
    match (&node.reach, &node.status) {
        (Reach::Unasked, _) | (Reach::Answers, None) => ("unknown", None),
        (Reach::Silent(trouble @ Trouble::Unavailable(_)), _) => ("impaired", Some(trouble.sentence())),
        (Reach::Silent(trouble @ Trouble::Invalid(_)), _) => ("invalid", Some(trouble.sentence())),
        (Reach::Silent(trouble), _) => ("silent", Some(trouble.sentence())),
        (Reach::Answers, Some(status)) => {
            let head = model.agreed.as_ref().map_or(0, |agreed| agreed.sequence);
            if Some(status.chain.as_str()) != model.chain() {
                ("invalid", Some("it is of another network".into()))
            } else if model.is_ahead(status) || node.unconfirmed.is_some() {
                ("invalid", Some("told of final blocks that the others do not have".into()))
            } else if !status.actors_down.is_empty() {
                ("impaired", Some(format!("{} not running", status.actors_down.join(", "))))
            } else if let Some(why) = &status.waiting_for {
                ("waiting", Some(why.clone()))
            } else if let Some(behind) = head.checked_sub(status.sequence).filter(|behind| *behind > 3) {
                ("behind", Some(format!("{behind} blocks behind")))
            } else {
                ("ok", None)
            }
        }
    }
}

fn actor_view(actor: &Actor, answered: Millis, seen_restarted_ms: Option<u64>) -> ActorView {
    let failure = actor.last_failure.as_ref();
    ActorView {
        name: actor.name.clone(),
        supervisor: actor.supervisor.clone(),
        state: actor.state.clone(),
        incarnation: actor.incarnation,
        restarts: actor.restarts,
        restarts_by_reason: actor.reasons.clone(),
        waiting_messages: actor.waiting,
        waiting_messages_max: actor.waiting_max,
        handling: actor.handling.clone(),
        uptime_ms: actor.uptime_ms,
        last_failure: failure.map(|failure| failure.text.clone()),
        last_failure_ms: failure.map(|failure| answered.0.saturating_sub(failure.ago_ms)),
        seen_restarted_ms,
    }
}

fn peers(status: &Status) -> Vec<PeerView> {
    let view = |peer: &Peer| PeerView {
        node_id: peer.node_id.clone(),
        connected: peer.connected,
        address: peer.address.clone(),
        round_trip_ms: peer.round_trip_ms,
        faults: peer.faults,
        last_error: peer.last_error.clone().filter(|_| !peer.connected),
    };
    status.peers.iter().map(view).collect()
}
