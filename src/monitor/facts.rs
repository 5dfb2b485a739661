//! What nodes say, read once and bounded: everything else in the monitor works with these types.
//!
//! Answers are hostile. A missing field reads as 0, none or empty; text is cut and loses what a terminal would obey; lists are
//! cut. Must never: keep a part of an answer that is not read here, or trust a name to be unique.

mod chain;
#[cfg(test)]
mod tests;

use super::metrics::{Metrics, VALIDATORS_MAX};
pub use crate::text::cut;
#[cfg(test)]
pub use chain::Entry;
pub use chain::{Account, Block, Ended};
use protocol::types::{Hash, Millis, NodeId};
use serde_json::Value;

/// Characters of a sentence that a node wrote.
const SENTENCE_MAX: usize = 400;
/// Those of a word: an actor's name, a state, a message type.
const WORD_MAX: usize = 40;
/// Actors in one tree.
const ACTORS_MAX: usize = 64;
/// Levels of supervisors; a tree of ours has three.
const DEPTH_MAX: usize = 8;
/// A block, a view, a stake or a count beyond this cannot be: at a thousand a second it takes 285,000 years.
const COUNT_MAX: u64 = 1 << 53;

/// Something that a node said, or that it said nothing.
#[derive(Debug)]
pub struct Report {
    /// Which of the monitored nodes.
    pub node: usize,
    /// When the answer was there, since the Unix epoch.
    pub at: Millis,
    pub answer: Answer,
}

#[derive(Debug)]
pub enum Answer {
    Status(Box<Result<Status, Trouble>>),
    Actors(Vec<Actor>),
    Metrics(Metrics),
    Ledger(Vec<Account>),
    /// Proofs that ended at the node, the newest first.
    Ended(Vec<Ended>),
    /// Why one is refused, with its counterexample.
    Explained {
        proof: Hash,
        why: String,
    },
    /// Final blocks, ascending. `live` ones became final just now; others are from the past.
    Blocks {
        blocks: Vec<Block>,
        live: bool,
    },
}

/// Why a node did not say how it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trouble {
    /// Nothing listens there.
    Refused,
    /// No connection within the deadline: the machine is off, or something drops packets.
    NotReached,
    /// It took the connection and said nothing within the deadline.
    TimedOut,
    /// Something else between here and there, or an answer that is none.
    Failed(String),
    /// What it says of itself cannot be.
    Invalid(Impossible),
    /// It answered that it cannot say: a part of it is down.
    Unavailable(String),
}

impl Trouble {
    /// What it means, for people.
    pub fn sentence(&self) -> String {
        match self {
            Trouble::Refused => "not running: connection refused".into(),
            Trouble::NotReached => "not reached: its machine or the network is down".into(),
            Trouble::TimedOut => "hung or stopped: takes connections but does not answer".into(),
            Trouble::Failed(why) => why.clone(),
            Trouble::Invalid(why) => format!("says what cannot be: {why}"),
            Trouble::Unavailable(why) => format!("answers, but not how it is: {why}"),
        }
    }
}

/// What a node says of itself and cannot be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Impossible {
    #[error("it names no validator")]
    Unnamed,
    #[error("it is {says}, and was given as {given}")]
    OtherNode { says: String, given: String },
    #[error("a stake of {more}, of {total_stake} in all")]
    Stake { more: u64, total_stake: u64 },
    #[error("{what} {value}")]
    Count { what: String, value: String },
}

/// A node's own word on how it is: `/v1/status`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Status {
    pub node_id: String,
    /// Whole tokens, as all stakes here.
    pub stake: u64,
    pub chain: String,
    /// Its own word on its health and the network's.
    pub health: Option<Health>,
    pub view: u64,
    /// The last final block.
    pub sequence: u64,
    pub block: String,
    pub leader: String,
    pub reachable_stake: u64,
    pub total_stake: u64,
    pub has_quorum: bool,
    pub waiting_for: Option<String>,
    pub clock_ahead_ms: Option<i64>,
    pub proofs_final: u64,
    /// Since its process started, as the next.
    pub proposals: u64,
    pub view_changes: u64,
    pub mempool: Option<Mempool>,
    pub actors_down: Vec<String>,
    pub peers: Vec<Peer>,
}

/// How a node says that it is, and the network as it sees it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Health {
    /// `ok`, `degraded`, `waiting`, `behind`, `halted` or `failing`.
    pub state: String,
    pub sentence: String,
    /// Validators that have a session and do not vote.
    pub not_voting: Vec<String>,
    /// None if there is nothing to do.
    pub what_to_do: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mempool {
    pub proofs: u64,
    pub proofs_max: u64,
    pub bytes: u64,
    pub bytes_max: u64,
    pub waiting: u64,
    pub checking: u64,
    pub disputed: u64,
    pub fetching: u64,
}

/// Another validator, as a node sees it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Peer {
    pub node_id: String,
    pub connected: bool,
    /// Since when there is no session.
    pub missing_since: Option<Millis>,
    pub address: Option<String>,
    pub round_trip_ms: Option<f64>,
    pub faults: u64,
    pub last_error: Option<String>,
}

/// An actor of a node, in the order of its tree: `/v1/actors`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Actor {
    pub name: String,
    pub supervisor: String,
    pub state: String,
    pub incarnation: u64,
    /// Incarnations that ended unasked, and by which reasons.
    pub restarts: u64,
    pub reasons: String,
    pub waiting: u64,
    pub waiting_max: u64,
    pub handling: Option<String>,
    pub uptime_ms: Option<u64>,
    pub last_failure: Option<Failure>,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct Failure {
    pub text: String,
    pub ago_ms: u64,
}

impl Status {
    /// # Errors
    /// What cannot be: no name, or a figure that is no whole number, is beyond all that can be counted, or contradicts
    /// another. One that is missing is 0: nodes of other versions may lack it.
    pub fn read(value: &Value) -> Result<Status, Impossible> {
        let node_id = name(&value["node_id"]).ok_or(Impossible::Unnamed)?;
        let count = |key: &str| possible(value, key);
        let (stake, total_stake) = (count("stake_tokens")?, count("total_stake_tokens")?);
        let reachable_stake = count("reachable_stake_tokens")?;
        if let Some(more) = [stake, reachable_stake].into_iter().find(|part| *part > total_stake) {
            return Err(Impossible::Stake { more, total_stake });
        }
        Ok(Status {
            node_id,
            stake,
            chain: word(&value["chain_id"], 64),
            health: Health::read(&value["health"]),
            view: count("current_view")?,
            sequence: count("current_sequence")?,
            block: word(&value["block"], 64),
            leader: name(&value["leader"]).unwrap_or_default(),
            reachable_stake,
            total_stake,
            has_quorum: value["has_quorum"] == true,
            waiting_for: sentence(&value["waiting_for"]),
            clock_ahead_ms: value["clock_ahead_ms"].as_i64(),
            proofs_final: count("proofs_final")?,
            proposals: possible(&value["since_start"], "proposals")?,
            view_changes: possible(&value["since_start"], "view_changes")?,
            mempool: Mempool::read(&value["mempool"]),
            actors_down: list(&value["actors"], ACTORS_MAX)
                .filter(|actor| actor["running"] == false)
                .map(|actor| word(&actor["name"], WORD_MAX))
                .collect(),
            peers: list(&value["peers"], VALIDATORS_MAX).filter_map(Peer::read).collect(),
        })
    }
}

impl Health {
    fn read(value: &Value) -> Option<Health> {
        let is_there = |one: &&Value| one["how"] == "silent" || one["how"] == "not_signing";
        Some(Health {
            state: word(&value["state"], WORD_MAX),
            sentence: sentence(&value["sentence"])?,
            not_voting: list(&value["missing"], VALIDATORS_MAX)
                .filter(is_there)
                .filter_map(|one| name(&one["node_id"]))
                .collect(),
            what_to_do: sentence(&value["what_to_do"]).filter(|what| what != "nothing"),
        })
    }
}

impl Status {
    /// By its own word; without one, whether it lacks a quorum.
    pub fn is_halted(&self) -> bool {
        self.health.as_ref().map_or(!self.has_quorum, |health| health.state == "halted")
    }

    /// Whether it sees blocks become final, likewise.
    pub fn makes_progress(&self) -> bool {
        let state = self.health.as_ref().map(|health| health.state.as_str());
        state.map_or(self.has_quorum, |state| matches!(state, "ok" | "degraded"))
    }
}

impl Mempool {
    fn read(value: &Value) -> Option<Mempool> {
        value.is_object().then(|| Mempool {
            proofs: number(&value["proofs"]),
            proofs_max: number(&value["proofs_max"]),
            bytes: number(&value["bytes"]),
            bytes_max: number(&value["bytes_max"]),
            waiting: number(&value["waiting"]),
            checking: number(&value["checking"]),
            // Nodes of either name are understood.
            disputed: number(&value["disputed"]),
            fetching: number(&value["fetching"]),
        })
    }
}

impl Peer {
    fn read(value: &Value) -> Option<Peer> {
        Some(Peer {
            node_id: name(&value["node_id"])?,
            connected: value["connected"] == true,
            missing_since: value["missing_since_ms"].as_u64().map(Millis),
            address: value["address"].as_str().map(|text| cut(text, 64)),
            round_trip_ms: value["round_trip_ms"].as_f64().filter(|ms| ms.is_finite()),
            faults: number(&value["misbehaviour"]),
            last_error: sentence(&value["last_error"]),
        })
    }
}

impl Actor {
    /// The actors of a tree, in its order.
    pub fn read_all(value: &Value) -> Vec<Actor> {
        let mut actors = Vec::new();
        members(&value["tree"], "", 0, &mut actors);
        actors
    }

    fn read(value: &Value, supervisor: &str) -> Actor {
        let by_reason = value["restarts"].as_object();
        let reasons: Vec<(String, u64)> = by_reason
            .into_iter()
            .flatten()
            .take(16)
            .filter_map(|(reason, count)| Some((cut(reason, WORD_MAX).replace('_', " "), count.as_u64()?)))
            .filter(|(_, count)| *count > 0)
            .collect();
        let failure = &value["last_failure"];
        let place = failure["place"].as_str().map_or(String::new(), |place| format!(" ({})", cut(place, 80)));
        Actor {
            name: word(&value["name"], WORD_MAX),
            supervisor: supervisor.to_owned(),
            state: word(&value["state"], WORD_MAX),
            incarnation: number(&value["incarnation"]),
            restarts: reasons.iter().fold(0, |sum: u64, (_, count)| sum.saturating_add(*count)),
            reasons: reasons.iter().map(|(reason, count)| format!("{count} {reason}")).collect::<Vec<_>>().join(", "),
            waiting: number(&value["mailbox"]["depth"]),
            waiting_max: number(&value["mailbox"]["limit"]),
            handling: value["handling"]["message"].as_str().map(|message| cut(message, WORD_MAX)),
            uptime_ms: milliseconds(&value["uptime_ms"]),
            last_failure: sentence(&failure["text"])
                .map(|text| Failure { text: text + &place, ago_ms: milliseconds(&failure["ago_ms"]).unwrap_or(0) }),
        }
    }
}

fn members(value: &Value, supervisor: &str, depth: usize, actors: &mut Vec<Actor>) {
    if depth > DEPTH_MAX || actors.len() >= ACTORS_MAX {
        return;
    }
    if value["children"].is_array() {
        let name = word(&value["name"], WORD_MAX);
        list(&value["children"], ACTORS_MAX).for_each(|child| members(child, &name, depth + 1, actors));
    } else if value["name"].is_string() {
        actors.push(Actor::read(value, supervisor));
    }
}

fn sentence(value: &Value) -> Option<String> {
    value.as_str().map(|text| cut(text, SENTENCE_MAX))
}

fn word(value: &Value, characters_max: usize) -> String {
    value.as_str().map_or_else(String::new, |text| cut(text, characters_max))
}

/// A validator's name, if it is one.
fn name(value: &Value) -> Option<String> {
    NodeId::new(value.as_str()?).ok().map(|name| name.to_string())
}

/// A count that may be missing, and may not be anything else.
fn possible(value: &Value, key: &str) -> Result<u64, Impossible> {
    match &value[key] {
        Value::Null => Ok(0),
        value => value
            .as_u64()
            .filter(|count| *count <= COUNT_MAX)
            .ok_or_else(|| Impossible::Count { what: key.replace('_', " "), value: cut(&value.to_string(), WORD_MAX) }),
    }
}

fn number(value: &Value) -> u64 {
    value.as_u64().unwrap_or(0)
}

fn milliseconds(value: &Value) -> Option<u64> {
    value.as_f64().filter(|ms| ms.is_finite() && *ms >= 0.0).map(|ms| ms as u64)
}

fn list(value: &Value, count_max: usize) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten().take(count_max)
}
