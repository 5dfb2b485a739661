//! What the monitor knows, from what nodes said: facts go in, and what follows from them is asked for.
//!
//! Pure: time comes with each call. One node may lie: what is said of the network is what nodes agree on ([`judging`]), and
//! what one of them says of itself stands in its own row. Must never: ask a node, read a clock, or grow without a bound.

mod judging;
mod members;
mod raising;
#[cfg(test)]
pub mod tests;

use super::alerts::{Alert, Alerts};
use super::events::{Events, Kind, between, restarts};
use super::facts::{Account, Actor, Answer, Block, Ended, Impossible, Report, Status, Trouble};
use super::figures::Figures;
use super::metrics::Metrics;
use crate::agreement::Weights;
use crate::text::short_id;
pub use judging::{Agreed, DISTRUST, Lead};
pub use members::Validator;
use protocol::types::{Hash, Millis, NodeId};
use std::collections::{BTreeMap, VecDeque};

const PROOFS_MAX: usize = 500;
const REFUSED_MAX: usize = 100;
/// So many blocks may become final between two looks at all nodes, if these follow each other closely.
const AHEAD_MAX: u64 = 1_000;
/// Restarts of one node that are remembered, so that those of the last minute can be counted.
const RESTARTS_MAX: usize = 256;

/// Whether a node says how it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reach {
    /// It was asked, and the first answer is not there.
    Unasked,
    Answers,
    Silent(Trouble),
}

/// One of the monitored nodes.
#[derive(Debug)]
pub struct Node {
    /// As the user named it; one that was given by its address has the name that it says.
    pub name: String,
    /// `HOST:PORT` of its HTTP.
    pub address: String,
    pub reach: Reach,
    /// Its last answer; before the first, when it was first asked.
    pub answered: Millis,
    /// Its last word, however long ago that was.
    pub status: Option<Status>,
    pub actors: Vec<Actor>,
    pub metrics: Option<Metrics>,
    /// When which actor was seen to be restarted.
    pub restarts: VecDeque<(Millis, String)>,
    /// Its word on who holds what.
    accounts: Vec<Account>,
    /// The first of the final blocks that it told and that others do not have, and when that was seen.
    pub unconfirmed: Option<(u64, Millis)>,
}

impl Node {
    pub fn answers(&self) -> bool {
        self.reach == Reach::Answers
    }

    /// Its word, while it answers.
    pub fn word(&self) -> Option<&Status> {
        self.status.as_ref().filter(|_| self.answers())
    }

    /// Whether the user gave no name, but an address.
    fn is_unnamed(&self) -> bool {
        NodeId::new(&self.name).is_err()
    }
}

/// A final proof.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FinalProof {
    pub proof: Hash,
    pub block: u64,
    pub difficulty: u64,
    pub at: Millis,
    /// Stake that signed its block, of all, where that is known.
    pub signed: Option<(u64, u64)>,
}

/// A refused proof.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusedProof {
    pub proof: Hash,
    /// With the counterexample, once that is known.
    pub why: String,
    /// When it was seen; of one that was refused before, when the next proof became final.
    pub at: Millis,
    /// Which node says so.
    pub by: usize,
}

#[derive(Debug)]
pub struct Model {
    pub nodes: Vec<Node>,
    pub figures: Figures,
    /// Newest first.
    pub proofs: VecDeque<FinalProof>,
    pub events: Events,
    /// Newest first.
    pub refused: VecDeque<RefusedProof>,
    /// Of the genesis' validators, once nodes have told them.
    pub accounts: Vec<Account>,
    /// Whose word is shown where one word is needed: one that says what nodes agree on.
    pub primary: Option<usize>,
    /// What nodes agree on; none while none answers.
    pub agreed: Option<Agreed>,
    pub weights: Weights,
    /// Who is asked for blocks and proofs.
    source: Option<usize>,
    /// Since when that one lacks a block that others have.
    source_lags: Option<Millis>,
    /// How often told blocks were forgotten.
    generation: u64,
    /// Who told the newest blocks.
    pub blocks_by: Option<usize>,
    /// Blocks that one node may be ahead of what is agreed.
    ahead_max: u64,
    chain: Option<String>,
    /// The highest view that was told to be entered by a view change.
    changed_view: u64,
    is_halted: bool,
    /// Validators that nobody here has a session with, and since when.
    gone: BTreeMap<String, Millis>,
    alerts: Alerts,
}

impl Model {
    /// Of nodes by their names and addresses.
    pub fn new(nodes: Vec<(String, String)>, now: Millis) -> Model {
        let node = |(name, address)| Node {
            name,
            address,
            reach: Reach::Unasked,
            answered: now,
            status: None,
            actors: Vec::new(),
            metrics: None,
            restarts: VecDeque::new(),
            accounts: Vec::new(),
            unconfirmed: None,
        };
        Model {
            nodes: nodes.into_iter().map(node).collect(),
            figures: Figures::default(),
            proofs: VecDeque::new(),
            refused: VecDeque::new(),
            events: Events::default(),
            accounts: Vec::new(),
            primary: None,
            agreed: None,
            weights: Weights::default(),
            source: None,
            source_lags: None,
            generation: 0,
            blocks_by: None,
            ahead_max: AHEAD_MAX,
            chain: None,
            changed_view: 0,
            is_halted: false,
            gone: BTreeMap::new(),
            alerts: Alerts::default(),
        }
    }

    /// Of nodes that are looked at so often.
    pub fn looking_every(mut self, interval: Millis) -> Model {
        self.ahead_max = AHEAD_MAX.max(interval.0.saturating_mul(AHEAD_MAX) / 1_000);
        self
    }

    pub fn take(&mut self, report: Report) {
        let Report { node, at, answer } = report;
        if node >= self.nodes.len() {
            return;
        }
        match answer {
            Answer::Status(status) => match *status {
                Ok(status) => self.take_status(node, at, status),
                Err(trouble) => self.take_trouble(node, at, trouble),
            },
            Answer::Actors(actors) => self.take_actors(node, at, actors),
            Answer::Metrics(metrics) => self.nodes[node].metrics = Some(metrics),
            Answer::Ledger(accounts) => {
                self.nodes[node].accounts = accounts;
                self.agree_on_accounts();
            }
            Answer::Ended(ended) => self.take_ended(node, at, ended),
            Answer::Explained { proof, why } => {
                let known = self.refused.iter_mut().find(|one| one.proof == proof && one.by == node);
                known.into_iter().for_each(|one| one.why = why.clone());
            }
            Answer::Blocks { blocks, live } => self.take_blocks(node, at, &blocks, live),
        }
    }

    fn take_status(&mut self, index: usize, at: Millis, status: Status) {
        let node = &mut self.nodes[index];
        if node.is_unnamed() {
            node.name = status.node_id.clone();
        } else if node.name != status.node_id {
            let other = Impossible::OtherNode { says: status.node_id, given: node.name.clone() };
            return self.take_trouble(index, at, Trouble::Invalid(other));
        }
        if let Reach::Silent(_) = node.reach {
            self.events.add(at, Kind::Back, format!("{}: answers again", node.name));
        }
        // A view that nobody else is near would keep later view changes from being told.
        let is_near =
            self.agreed.as_ref().is_none_or(|agreed| status.view <= agreed.view.saturating_add(self.ahead_max));
        if let Some(before) = &node.status {
            for (kind, text) in between(&node.name, before, &status) {
                // Everybody enters the same view; the first to say so is enough.
                if kind != Kind::ViewChange || is_near && status.view > self.changed_view {
                    self.events.add(at, kind, text);
                }
                if kind == Kind::ViewChange && is_near {
                    self.changed_view = self.changed_view.max(status.view);
                }
            }
        }
        (node.reach, node.answered, node.status) = (Reach::Answers, at, Some(status));
    }

    fn take_trouble(&mut self, index: usize, at: Millis, trouble: Trouble) {
        let node = &mut self.nodes[index];
        if matches!(trouble, Trouble::Unavailable(_)) {
            node.answered = at;
        }
        let reach = Reach::Silent(trouble.clone());
        if !matches!(node.reach, Reach::Silent(_)) {
            self.events.add(at, Kind::Gone, format!("{}: {}", node.name, trouble.sentence()));
        }
        node.reach = reach;
    }

    /// A list of one node: what it says of a proof stays as long as that node is asked.
    fn take_ended(&mut self, by: usize, at: Millis, ended: Vec<Ended>) {
        let is_first = self.refused.iter().all(|one| one.by != by);
        if ended.is_empty() || self.source != Some(by) {
            return;
        }
        self.refused.retain(|one| one.by == by);
        let mut newer = at;
        let mut new = Vec::new();
        for Ended { proof, refusal } in ended {
            let Some(why) = refusal else {
                newer = self.proofs.iter().find(|one| one.proof == proof).map_or(newer, |one| one.at);
                continue;
            };
            if self.refused.iter().all(|one| one.proof != proof) {
                // The first list is of the past.
                new.push(RefusedProof { proof, why, at: if is_first { newer } else { at }, by });
            }
        }
        if !is_first {
            new.iter().rev().for_each(|one| {
                let id = one.proof.to_string();
                self.events.add(at, Kind::Refused, format!("proof {} is refused: {}", short_id(&id), one.why));
            });
        }
        new.into_iter().rev().for_each(|one| self.refused.push_front(one));
        self.refused.truncate(REFUSED_MAX);
    }

    fn take_actors(&mut self, index: usize, at: Millis, actors: Vec<Actor>) {
        let node = &mut self.nodes[index];
        for text in restarts(&node.name, &node.actors, &actors) {
            self.events.add(at, Kind::Restart, text);
        }
        for actor in &actors {
            let before =
                node.actors.iter().find(|one| one.name == actor.name).map_or(actor.restarts, |one| one.restarts);
            for _ in before..actor.restarts.min(before.saturating_add(RESTARTS_MAX as u64)) {
                node.restarts.push_back((at, actor.name.clone()));
            }
        }
        let excess = node.restarts.len().saturating_sub(RESTARTS_MAX);
        node.restarts.drain(..excess);
        node.actors = actors;
    }

    fn take_blocks(&mut self, index: usize, at: Millis, blocks: &[Block], live: bool) {
        let agreed = self.agreed.as_ref().map(|agreed| agreed.sequence.saturating_add(self.ahead_max));
        for block in blocks.iter().filter(|block| agreed.is_none_or(|most| block.sequence <= most)) {
            // An old block's time is by its proposer's clock, which may be ahead of this one.
            let when = if live { at } else { Millis(block.time.0.min(at.0)) };
            if !self.figures.add(block, index, at, when) {
                continue;
            }
            (self.blocks_by, self.source_lags) = (Some(index), None);
            if live {
                let took = block.latency_ms.map_or(String::new(), |ms| format!(", {ms:.0} ms after its proposal"));
                let by = block.proposer.as_ref().map_or(String::new(), |name| format!(" by {name}"));
                self.events.block(at, block.sequence, block.proofs.len() as u64, &(took + &by));
            }
            for entry in &block.proofs {
                self.proofs.push_front(FinalProof {
                    proof: entry.proof,
                    block: block.sequence,
                    difficulty: entry.difficulty,
                    at: when,
                    signed: block.signed,
                });
            }
            self.proofs.truncate(PROOFS_MAX);
        }
    }

    pub fn primary_status(&self) -> Option<&Status> {
        self.nodes[self.primary?].status.as_ref()
    }

    pub fn chain(&self) -> Option<&str> {
        self.chain.as_deref()
    }

    pub fn node_named(&self, name: &str) -> Option<usize> {
        self.nodes.iter().position(|node| node.name == name)
    }

    /// Looks at what follows from the facts and from the time that has passed.
    pub fn tick(&mut self, now: Millis) {
        self.judge(now);
        self.compare_peers(now);
        let raised = raising::raised(self, now);
        self.alerts.renew(raised, now);
    }

    /// As of the last [`Model::tick`], the most severe first.
    pub fn alerts(&self) -> &[Alert] {
        self.alerts.list()
    }
}
