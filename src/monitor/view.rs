//! What is shown, in every form: the screen, the text and the JSON are made of this, and say the same.
//!
//! Units are in the names. Must never: hold what a node said unbounded (`facts` has bounded it), or a figure without the span
//! that it is over.

mod rows;
#[cfg(test)]
mod tests;

use super::alerts::Alert;
use super::events::Event;
use super::figures::{CURRENT_SPAN, Latency, Throughput};
use super::model::{FinalProof, Model, Reach, RefusedProof, Validator};
use protocol::types::Millis;
use serde::Serialize;

/// Of the latest proofs, as data and on the screen.
const PROOFS_MAX: usize = 200;
const EVENTS_MAX: usize = 200;
/// Steps of the throughput's graph, and how long each is.
const RATES_MAX: usize = 300;
pub const RATE_STEP: Millis = Millis(2_000);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Health {
    Healthy,
    /// It makes blocks, and something is wrong.
    Degraded,
    Halted,
    /// No node answers.
    Unreachable,
    /// No node was asked long enough ago.
    Starting,
}

impl Health {
    pub fn word(self) -> &'static str {
        match self {
            Health::Healthy => "HEALTHY",
            Health::Degraded => "DEGRADED",
            Health::Halted => "HALTED",
            Health::Unreachable => "UNREACHABLE",
            Health::Starting => "STARTING",
        }
    }
}

#[derive(Debug, Serialize)]
pub struct View {
    /// Since the Unix epoch, by this machine's clock, as all `_ms` here that are moments.
    pub time_ms: u64,
    pub health: Health,
    /// A node's own sentence on the network's health, or the monitor's where no node has one.
    pub sentence: String,
    /// The same node's advice, if there is something to do.
    pub what_to_do: Option<String>,
    /// Whose word is shown where one word is needed.
    pub told_by: Option<String>,
    pub network: NetworkView,
    pub alerts: Vec<Alert>,
    /// None while no time of a block is known.
    pub latency: Option<Latency>,
    /// Who saw the newest blocks.
    pub blocks_told_by: Option<String>,
    pub throughput: Option<Throughput>,
    pub proofs: ProofCounts,
    /// By rounds, most first.
    pub validators: Vec<ValidatorView>,
    /// Since when rounds are counted: the start of the node that counts them.
    pub rounds_since_ms: Option<u64>,
    pub mempool: Option<MempoolView>,
    /// Newest first.
    pub latest_proofs: Vec<ProofView>,
    /// Newest first.
    pub events: Vec<Event>,
    #[serde(skip)]
    pub latencies_ms: Vec<f64>,
    /// Proofs a second, in steps of [`RATE_STEP`], oldest first.
    #[serde(skip)]
    pub rates: Vec<f64>,
}

#[derive(Debug, Serialize)]
pub struct NetworkView {
    pub chain_id: Option<String>,
    pub active_nodes: usize,
    pub monitored_nodes: usize,
    pub validators: usize,
    /// Any so many validators may fail together: they hold less than a third of the stake.
    pub tolerated_faulty: usize,
    pub missing_validators: usize,
    pub missing_stake: u64,
    pub reachable_stake: u64,
    pub total_stake: u64,
    pub has_quorum: bool,
    pub final_blocks: u64,
    pub last_final_ms: Option<u64>,
    pub view: u64,
    pub leader: Option<String>,
}

#[derive(Debug, Serialize)]
pub struct ProofCounts {
    pub r#final: u64,
    /// By `told_by`, since its process started.
    pub refused_since_start: Option<u64>,
}

#[derive(Debug, Clone, Serialize)]
pub struct ValidatorView {
    pub rank: usize,
    pub node_id: String,
    /// `ok`, `behind`, `waiting`, `impaired`, `silent`, `invalid` (what it says cannot be), `connected` (not monitored), `gone` or `unknown`.
    pub state: &'static str,
    /// Why, if it is not well.
    pub why: Option<String>,
    /// The last answer of a monitored node.
    pub answered_ms: Option<u64>,
    pub address: Option<String>,
    pub stake: u64,
    pub is_leader: bool,
    pub rounds: Option<u64>,
    /// 0 to 1, over its last `checked` checks; its own count.
    pub accuracy: Option<f64>,
    pub checked: Option<u64>,
    pub rewards_tokens: Option<f64>,
    pub sequence: Option<u64>,
    pub view: Option<u64>,
    pub connected_peers: Option<usize>,
    pub pending_proofs: Option<u64>,
    /// Of its actors, since its process started.
    pub restarts: Option<u64>,
    pub actors: Vec<ActorView>,
    pub peers: Vec<PeerView>,
}

#[derive(Debug, Clone, Serialize)]
pub struct ActorView {
    pub name: String,
    pub supervisor: String,
    pub state: String,
    pub incarnation: u64,
    pub restarts: u64,
    pub restarts_by_reason: String,
    pub waiting_messages: u64,
    pub waiting_messages_max: u64,
    pub handling: Option<String>,
    pub uptime_ms: Option<u64>,
    pub last_failure: Option<String>,
    pub last_failure_ms: Option<u64>,
    /// When the monitor last saw it restarted.
    pub seen_restarted_ms: Option<u64>,
}

#[derive(Debug, Clone, Serialize)]
pub struct PeerView {
    pub node_id: String,
    pub connected: bool,
    pub address: Option<String>,
    pub round_trip_ms: Option<f64>,
    pub faults: u64,
    pub last_error: Option<String>,
}

#[derive(Debug, Serialize)]
pub struct MempoolView {
    pub node_id: String,
    pub proofs: u64,
    pub proofs_max: u64,
    pub bytes: u64,
    pub bytes_max: u64,
    pub waiting: u64,
    pub checking: u64,
    pub disputed: u64,
    pub fetching: u64,
    pub oldest_pending_ms: Option<u64>,
    /// Proofs that became final a second, over the last 30 s.
    pub processed_per_second: f64,
}

/// A proof that ended.
#[derive(Debug, Serialize)]
pub struct ProofView {
    pub proof: String,
    /// `final` or `refused`.
    pub state: &'static str,
    /// When it became final, or was seen to be refused.
    pub ended_ms: u64,
    /// Of a final one, as the next four.
    pub block: Option<u64>,
    pub difficulty: Option<u64>,
    pub signed_stake: Option<u64>,
    pub total_stake: Option<u64>,
    /// Of a refused one, with its counterexample where there is one.
    pub refusal: Option<String>,
}

impl View {
    pub fn of(model: &Model, now: Millis) -> View {
        let status = model.primary_status();
        let everybody = model.validators();
        let health = health(model);
        let own = status.and_then(|status| status.health.as_ref());
        let primary = model.primary.map(|index| &model.nodes[index]);
        let counts = primary.and_then(|node| node.metrics.as_ref());
        let throughput = model.figures.throughput(now);
        View {
            time_ms: now.0,
            health,
            sentence: own.map(|health| health.sentence.clone()).unwrap_or_else(|| sentence(model, health)),
            what_to_do: match health {
                Health::Unreachable => Some(how_to_reach(model)),
                _ => own.and_then(|health| health.what_to_do.clone()),
            },
            told_by: primary.map(|node| node.name.clone()),
            network: network(model, &everybody),
            alerts: model.alerts().to_vec(),
            latency: model.figures.latency(),
            blocks_told_by: model.blocks_by.map(|index| model.nodes[index].name.clone()),
            throughput,
            proofs: ProofCounts {
                r#final: model.agreed.as_ref().map_or(0, |agreed| agreed.proofs_final),
                refused_since_start: counts.map(|metrics| metrics.refused),
            },
            validators: rows::leaderboard(model, &everybody),
            rounds_since_ms: counts.map(|metrics| metrics.started.0).filter(|started| *started > 0),
            mempool: mempool(model, throughput.map_or(0.0, |figures| figures.current_per_second)),
            latest_proofs: ProofView::latest(model),
            events: model.events.newest().take(EVENTS_MAX).cloned().collect(),
            latencies_ms: model.figures.latencies(),
            rates: model.figures.rates(now, RATE_STEP, RATES_MAX),
        }
    }

    /// What the current throughput is over, for people.
    pub fn current_span() -> String {
        format!("last {} s", CURRENT_SPAN.0 / 1_000)
    }
}

impl ProofView {
    fn of_final(seen: &FinalProof) -> ProofView {
        ProofView {
            proof: seen.proof.to_string(),
            state: "final",
            ended_ms: seen.at.0,
            block: Some(seen.block),
            difficulty: Some(seen.difficulty),
            signed_stake: seen.signed.map(|(stake, _)| stake),
            total_stake: seen.signed.map(|(_, total)| total),
            refusal: None,
        }
    }

    fn of_refused(seen: &RefusedProof) -> ProofView {
        ProofView {
            proof: seen.proof.to_string(),
            state: "refused",
            ended_ms: seen.at.0,
            block: None,
            difficulty: None,
            signed_stake: None,
            total_stake: None,
            refusal: Some(seen.why.clone()),
        }
    }

    /// Final and refused ones, the newest first.
    fn latest(model: &Model) -> Vec<ProofView> {
        let refused = model.refused.iter().map(ProofView::of_refused);
        let mut all: Vec<ProofView> =
            refused.chain(model.proofs.iter().take(PROOFS_MAX).map(ProofView::of_final)).collect();
        // Stable: of one moment, a refused one is seen.
        all.sort_by_key(|proof| std::cmp::Reverse(proof.ended_ms));
        all.truncate(PROOFS_MAX);
        all
    }
}

fn health(model: &Model) -> Health {
    let Some(status) = model.primary_status() else {
        let asked = model.nodes.iter().all(|node| matches!(node.reach, Reach::Silent(_)));
        return if asked { Health::Unreachable } else { Health::Starting };
    };
    let is_well = status.health.as_ref().is_none_or(|health| health.state == "ok");
    let is_halted = model.agreed.as_ref().is_some_and(|agreed| agreed.is_halted);
    if is_halted || model.alerts().iter().any(|alert| alert.is_halt) {
        Health::Halted
    } else if !model.alerts().is_empty() || !is_well {
        Health::Degraded
    } else {
        Health::Healthy
    }
}

/// The monitor's own, where no node has one.
fn sentence(model: &Model, health: Health) -> String {
    let word = health.word();
    let alert = model.alerts().first().map(|alert| alert.text.as_str()).unwrap_or_default();
    let more = match model.alerts().len() {
        0 | 1 => String::new(),
        count => format!(" ({} more)", count - 1),
    };
    match (health, model.primary_status()) {
        (Health::Starting, _) => format!("{word}: the nodes are asked how they are"),
        (Health::Unreachable, _) if model.nodes.len() == 1 => format!("{word}: the node does not answer"),
        (Health::Unreachable, _) => format!("{word}: none of the {} nodes answers", model.nodes.len()),
        (Health::Healthy, Some(_)) => {
            format!("{word}: block {} is final", model.agreed.as_ref().map_or(0, |agreed| agreed.sequence))
        }
        (_, _) => format!("{word}: {}{more}", alert.strip_prefix("halted: ").unwrap_or(alert)),
    }
}

fn how_to_reach(model: &Model) -> String {
    let first = model.nodes.first().map_or("node_1", |node| node.name.as_str());
    let start = if first.contains(':') {
        "start the validators".to_owned()
    } else {
        format!("start the validators (`pop start-validator --node-id {first}`)")
    };
    format!("{start}, or look whether these are the addresses of their HTTP and reached from this machine")
}

fn network(model: &Model, everybody: &[Validator]) -> NetworkView {
    let everybody: Vec<&Validator> = everybody.iter().filter(|one| one.is_member).collect();
    let agreed = model.agreed.clone().unwrap_or_default();
    let total = match agreed.total_stake {
        0 => everybody.iter().fold(0, |sum: u64, one| sum.saturating_add(one.stake)),
        total => total,
    };
    let missing: Vec<&Validator> = everybody.iter().copied().filter(|one| !model.is_there(one)).collect();
    // Blocks come sooner than the next look at every node.
    let followed = model.figures.last_sequence().unwrap_or(0);
    NetworkView {
        chain_id: model.chain().map(str::to_owned),
        active_nodes: model.nodes.iter().filter(|node| node.answers()).count(),
        monitored_nodes: model.nodes.len(),
        validators: everybody.len(),
        tolerated_faulty: tolerated(everybody.iter().map(|one| one.stake).collect()),
        missing_validators: missing.len(),
        missing_stake: missing.iter().fold(0, |sum: u64, one| sum.saturating_add(one.stake)),
        reachable_stake: agreed.reachable_stake,
        total_stake: total,
        has_quorum: agreed.has_quorum && model.agreed.is_some(),
        final_blocks: agreed.sequence.max(followed),
        last_final_ms: model.figures.last_final().map(|at| at.0),
        view: agreed.view,
        leader: agreed.leader,
    }
}

/// How many of the largest stakes together are less than a third of all.
fn tolerated(mut stakes: Vec<u64>) -> usize {
    stakes.sort_unstable_by(|one, other| other.cmp(one));
    let total: u128 = stakes.iter().map(|stake| u128::from(*stake)).sum();
    let sums = stakes.iter().scan(0u128, |sum, stake| {
        *sum += u128::from(*stake);
        Some(*sum)
    });
    sums.take_while(|sum| sum * 3 < total).count()
}

fn mempool(model: &Model, processed_per_second: f64) -> Option<MempoolView> {
    let node = &model.nodes[model.primary?];
    let figures = node.status.as_ref()?.mempool.as_ref()?;
    Some(MempoolView {
        node_id: node.name.clone(),
        proofs: figures.proofs,
        proofs_max: figures.proofs_max,
        bytes: figures.bytes,
        bytes_max: figures.bytes_max,
        waiting: figures.waiting,
        checking: figures.checking,
        disputed: figures.disputed,
        fetching: figures.fetching,
        oldest_pending_ms: node.metrics.as_ref().map(|metrics| metrics.oldest_pending.0),
        processed_per_second,
    })
}
