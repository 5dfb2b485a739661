//! Why the network, or one validator of it, makes progress or does not: facts in, one sentence out.
//!
//! The API makes the facts of its node into a [`Health`] and every client shows its sentence as it is: `pop why`,
//! `pop status`, the monitor, the page. Pure: the same facts give the same sentence. Must never: ask anybody, read a clock,
//! or print.
//!
//! | file | owns |
//! |---|---|
//! | here | what is known, and what it comes to |
//! | [`words`] | names, stakes, spans and moments in a sentence |
//! | [`advice`] | what to do about it |
//! | [`several`] | the word of a network of which several nodes were asked |

mod advice;
mod several;
#[cfg(test)]
mod tests;
mod words;

pub use several::{NoHealth, NodeHealth, network, network_by, of_answer};

use crate::text::counted;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use words::{ago, list_missing, stakes};

/// A block that is final elsewhere and not here for longer than this is worth a word, in milliseconds.
const BEHIND_AFTER_MS: u64 = 2_000;
/// A network may take so long to find itself before it counts as halted, in milliseconds.
const START_MS: u64 = 60_000;

/// One word for how a validator, and the network as it sees it, is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = HealthState)]
pub enum State {
    /// Blocks become final.
    Ok,
    /// They do, but no further validator may fail.
    Degraded,
    /// This validator has just started, or does not sign yet.
    Waiting,
    /// This validator lacks final blocks that others have.
    Behind,
    /// Nothing becomes final.
    Halted,
    /// A part of this validator is down.
    Failing,
    /// Nobody answers: a client says so, and never a validator.
    Unreachable,
}

impl State {
    /// As a sentence begins.
    pub fn word(self) -> &'static str {
        match self {
            State::Ok => "OK",
            State::Degraded => "DEGRADED",
            State::Waiting => "WAITING",
            State::Behind => "BEHIND",
            State::Halted => "HALTED",
            State::Failing => "FAILING",
            State::Unreachable => "UNREACHABLE",
        }
    }

    /// Whether blocks become final, as far as this validator sees.
    pub fn makes_progress(self) -> bool {
        match self {
            State::Ok | State::Degraded => true,
            State::Waiting | State::Behind | State::Halted | State::Failing | State::Unreachable => false,
        }
    }
}

/// How a validator, and the network as it sees it, is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Health {
    pub state: State,
    /// One line for people; begins with the state in capitals.
    pub sentence: String,
    /// Validators whose votes are missing, the longest missing first.
    pub missing: Vec<Missing>,
    /// One line: the next step of an operator, or `nothing`.
    pub what_to_do: String,
}

/// A validator whose votes are missing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Missing {
    pub node_id: String,
    /// Whole tokens.
    pub stake: u64,
    /// RFC 3339, UTC.
    pub since: String,
    pub how: How,
}

/// In what way a validator is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = MissingHow)]
pub enum How {
    /// The session with it ended.
    Disconnected,
    /// There was no session since this node started: `since` is when it did.
    NeverConnected,
    /// There is a session, and no vote of it.
    Silent,
    /// It is this node, which does not sign.
    NotSigning,
}

/// Another validator, as this one sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peer {
    pub node_id: String,
    pub stake: u64,
    pub is_connected: bool,
    /// Since when there is no session, milliseconds since the Unix epoch; since this node's start if there never was one.
    pub missing_since_ms: Option<u64>,
    pub ever_connected: bool,
    /// Since its last vote, or since this node's start; none if a vote of the current view is here.
    pub silent_ms: Option<u64>,
}

/// Whether this validator signs, and why not (R12).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signing {
    Yes,
    /// It has just started and asks the others how far they are.
    Unconfirmed {
        reported: usize,
    },
    FirstStart {
        reported: usize,
    },
    LostLog {
        reported: usize,
    },
    TornLog {
        reported: usize,
    },
}

/// What a validator knows of itself and of the others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    pub node_id: String,
    pub stake: u64,
    pub total_stake: u64,
    pub peers: Vec<Peer>,
    /// Milliseconds since the Unix epoch.
    pub now_ms: u64,
    pub uptime_ms: u64,
    pub view: u64,
    pub leader: String,
    /// Of the last final block.
    pub sequence: u64,
    /// Since the last block became final here; none if none did since the start.
    pub last_final_ms: Option<u64>,
    /// A validator that has not voted, and a network that has made no block final, for longer than this is not at work.
    pub patience_ms: u64,
    /// A final block that is not here.
    pub missing_final: Option<String>,
    /// The first and the last view of which it is not known here how they ended.
    pub unknown_endings: Option<(u64, u64)>,
    /// None if the consensus actor does not answer.
    pub signing: Option<Signing>,
    /// Consensus gave up for a fault of its own.
    pub is_consensus_halted: bool,
    /// Actors of this validator that do not run, or show no sign of life.
    pub actors_down: Vec<String>,
}

impl Facts {
    /// More than two thirds of the stake.
    fn is_quorum(&self, stake: u64) -> bool {
        3 * u128::from(stake) > 2 * u128::from(self.total_stake)
    }

    /// Whole tokens: the least stake that is a quorum.
    fn quorum(&self) -> u64 {
        u64::try_from(2 * u128::from(self.total_stake) / 3 + 1).unwrap_or(u64::MAX)
    }

    fn missing_peer(&self, peer: &Peer) -> Option<(u64, How)> {
        if !peer.is_connected {
            let how = if peer.ever_connected { How::Disconnected } else { How::NeverConnected };
            return Some((peer.missing_since_ms.unwrap_or(self.now_ms), how));
        }
        let silent = peer.silent_ms.filter(|silent| *silent > self.patience_ms)?;
        Some((self.now_ms.saturating_sub(silent), How::Silent))
    }

    /// One that will sign as soon as others are here is not what is missing.
    fn is_missing_itself(&self) -> bool {
        match self.signing {
            Some(Signing::Yes | Signing::Unconfirmed { .. } | Signing::FirstStart { .. }) => self.is_consensus_halted,
            Some(Signing::LostLog { .. } | Signing::TornLog { .. }) | None => true,
        }
    }

    /// Whose votes are missing, the longest missing first.
    fn missing(&self) -> Vec<Absent<'_>> {
        let absent = |peer| {
            let (since_ms, how) = self.missing_peer(peer)?;
            Some(Absent { node_id: &peer.node_id, stake: peer.stake, since_ms, how })
        };
        let since_ms = self.now_ms.saturating_sub(self.uptime_ms);
        let me = Absent { node_id: &self.node_id, stake: self.stake, since_ms, how: How::NotSigning };
        let me = self.is_missing_itself().then_some(me);
        let mut missing: Vec<_> = me.into_iter().chain(self.peers.iter().filter_map(absent)).collect();
        missing.sort_by_key(|absent| absent.since_ms);
        missing
    }
}

/// As [`Missing`], with the moment as a number.
#[derive(Debug, Clone, Copy)]
struct Absent<'a> {
    node_id: &'a str,
    stake: u64,
    since_ms: u64,
    how: How,
}

impl Absent<'_> {
    fn told(&self) -> Missing {
        let since = crate::text::rfc3339(self.since_ms);
        Missing { node_id: self.node_id.to_owned(), stake: self.stake, since, how: self.how }
    }
}

/// What the facts come to. O(validators).
pub fn health(facts: &Facts) -> Health {
    let missing = facts.missing();
    let (state, sentence) = judge(facts, &missing);
    Health {
        state,
        sentence: format!("{}: {sentence}", state.word()),
        what_to_do: advice::what_to_do(facts, &missing, state),
        missing: missing.iter().map(Absent::told).collect(),
    }
}

/// Of several things that are wrong, the one that the others follow from.
fn judge(facts: &Facts, missing: &[Absent<'_>]) -> (State, String) {
    if facts.is_consensus_halted {
        return (State::Failing, format!("consensus of {} has stopped for a fault of its own", facts.node_id));
    }
    if facts.signing.is_none() || !facts.actors_down.is_empty() {
        return (State::Failing, failing(facts));
    }
    let voting = facts.total_stake.saturating_sub(missing.iter().map(|absent| absent.stake).sum());
    if !facts.is_quorum(voting) {
        return no_quorum(facts, missing, voting);
    }
    let is_late = facts.last_final_ms.is_none_or(|ago| ago > BEHIND_AFTER_MS);
    if let Some(block) = facts.missing_final.as_ref().filter(|_| is_late) {
        let block = block.get(..12).unwrap_or(block);
        let text = format!("block {} is the last one here; final block {block} is being fetched", facts.sequence);
        return (State::Behind, text);
    }
    if let Some(why) = not_signing(facts) {
        return (State::Waiting, why);
    }
    let idle_ms = facts.last_final_ms.unwrap_or(facts.uptime_ms);
    if idle_ms > facts.patience_ms {
        let text = format!(
            "no block final for {}, although {} votes; view {}, leader {}",
            crate::text::span(idle_ms),
            stakes(voting, facts.total_stake),
            facts.view,
            facts.leader
        );
        return (State::Halted, text + &unknown_endings(facts) + &list_missing(facts.now_ms, missing));
    }
    progress(facts, missing, voting)
}

fn failing(facts: &Facts) -> String {
    if facts.actors_down.is_empty() {
        return format!("consensus of {} does not answer", facts.node_id);
    }
    let (is, what) = if facts.actors_down.len() == 1 { ("is", "the actor") } else { ("are", "the actors") };
    format!("{what} {} of {} {is} down", facts.actors_down.join(", "), facts.node_id)
}

/// If no validator's vote log holds them any more, this is all that is ever said.
fn unknown_endings(facts: &Facts) -> String {
    let Some((first, last)) = facts.unknown_endings else { return String::new() };
    let views = if first == last { format!("view {first}") } else { format!("views {first} to {last}") };
    format!(
        "; how {views} ended is not known here, and without it nothing is proposed: peers are asked for their votes"
    )
}

fn no_quorum(facts: &Facts, missing: &[Absent<'_>], voting: u64) -> (State, String) {
    let missing = list_missing(facts.now_ms, missing);
    let stakes = stakes(voting, facts.total_stake);
    // Who signs had a quorum before; who does not has yet to find one.
    let is_starting = facts.signing != Some(Signing::Yes) && facts.last_final_ms.is_none();
    if is_starting && (facts.uptime_ms < START_MS || facts.sequence == 0) {
        return (State::Waiting, format!("{stakes} is here, a quorum is {}{missing}", facts.quorum()));
    }
    let last = match (facts.sequence, facts.last_final_ms) {
        (0, _) => "no block is final yet".to_owned(),
        (sequence, Some(ago_ms)) => format!("last final block {sequence}, {}", ago(ago_ms)),
        (sequence, None) => format!("last final block {sequence}"),
    };
    (State::Halted, format!("{stakes} votes{missing}; {last}"))
}

fn not_signing(facts: &Facts) -> Option<String> {
    let (why, reported) = match facts.signing? {
        Signing::Yes => return None,
        Signing::Unconfirmed { reported } => ("it has just started", reported),
        Signing::FirstStart { reported } => ("first start", reported),
        Signing::LostLog { reported } => ("its vote log is lost or an old copy", reported),
        Signing::TornLog { reported } => ("the last record of its vote log was damaged", reported),
    };
    let reported = counted(reported as u64, "peer has", "peers have");
    Some(format!(
        "{} does not sign yet ({why}): it begins once a quorum of peers has reported; {reported}",
        facts.node_id
    ))
}

fn progress(facts: &Facts, missing: &[Absent<'_>], voting: u64) -> (State, String) {
    let all = facts.peers.len() + 1;
    let last = match facts.last_final_ms {
        Some(ago_ms) => format!("block {} final {}", facts.sequence, ago(ago_ms)),
        None => format!("block {} is the last final one, the next is due", facts.sequence),
    };
    let voters = format!("{} of {all} validators vote", all - missing.len());
    let text = format!("{last}, {voters}{}", list_missing(facts.now_ms, missing));
    let absent = |peer: &Peer| facts.missing_peer(peer).is_some();
    let stakes = facts.peers.iter().filter(|peer| !absent(peer)).map(|peer| peer.stake);
    let largest = stakes.chain([facts.stake]).max().unwrap_or(0);
    if missing.is_empty() || facts.is_quorum(voting.saturating_sub(largest)) {
        return (State::Ok, text);
    }
    (State::Degraded, format!("{text}; one more lost halts the network"))
}
