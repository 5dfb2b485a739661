//! What the monitor knows, from what nodes said: facts go in, and what follows from them is asked for.
//!
//! Pure: time comes with each call. Must never: ask a node, read a clock, or grow without a bound.

#[cfg(test)]
pub mod tests;

use super::alerts::{self, Alert, Alerts};
use super::events::{Events, Kind, between, restarts};
use super::facts::{Account, Actor, Answer, Block, Report, Status, Trouble};
use super::figures::Figures;
use super::metrics::Metrics;
use protocol::types::{Hash, Millis};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

const PROOFS_MAX: usize = 500;
/// Restarts of one node that are remembered, so that those of the last minute can be counted.
const RESTARTS_MAX: usize = 256;
/// A node that is more blocks behind another speaks for itself only.
const LAG_MAX: u64 = 3;

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
    /// As the user named it, until it says its own name.
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
}

impl Node {
    pub fn answers(&self) -> bool {
        self.reach == Reach::Answers
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

/// A validator of the network, monitored or not.
#[derive(Debug, Clone, PartialEq)]
pub struct Validator {
    pub name: String,
    /// Whether it is known to take part. A monitored node that has never answered may be anybody.
    pub is_member: bool,
    /// Whole tokens; 0 while nobody has said.
    pub stake: u64,
    /// Which of the monitored nodes it is.
    pub node: Option<usize>,
    /// Answering nodes, itself apart, that have a session with it.
    pub sessions: usize,
}

#[derive(Debug)]
pub struct Model {
    pub nodes: Vec<Node>,
    pub figures: Figures,
    /// Newest first.
    pub proofs: VecDeque<FinalProof>,
    pub events: Events,
    /// Of the genesis' validators, once a node has told them.
    pub accounts: Vec<Account>,
    /// Whose word is shown where one word is needed.
    pub primary: Option<usize>,
    /// Who told the newest blocks.
    pub blocks_by: Option<usize>,
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
        };
        Model {
            nodes: nodes.into_iter().map(node).collect(),
            figures: Figures::default(),
            proofs: VecDeque::new(),
            events: Events::default(),
            accounts: Vec::new(),
            primary: None,
            blocks_by: None,
            chain: None,
            changed_view: 0,
            is_halted: false,
            gone: BTreeMap::new(),
            alerts: Alerts::default(),
        }
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
            Answer::Ledger(accounts) => self.accounts = accounts,
            Answer::Blocks { blocks, live } => self.take_blocks(node, at, &blocks, live),
        }
    }

    fn take_status(&mut self, index: usize, at: Millis, status: Status) {
        let node = &mut self.nodes[index];
        node.name = status.node_id.clone();
        if let Reach::Silent(_) = node.reach {
            self.events.add(at, Kind::Back, format!("{}: answers again", node.name));
        }
        if let Some(before) = &node.status {
            for (kind, text) in between(&node.name, before, &status) {
                // Everybody enters the same view; the first to say so is enough.
                if kind != Kind::ViewChange || status.view > self.changed_view {
                    self.events.add(at, kind, text);
                }
                if kind == Kind::ViewChange {
                    self.changed_view = self.changed_view.max(status.view);
                }
            }
        }
        (node.reach, node.answered, node.status) = (Reach::Answers, at, Some(status));
        self.choose_primary(at);
        self.compare_peers(at);
        let halted = self.primary_status().map(Status::is_halted);
        if halted.is_some_and(|halted| halted != self.is_halted) {
            self.is_halted = !self.is_halted;
            let (kind, text) = if self.is_halted {
                (Kind::Gone, "the network halted: nothing becomes final")
            } else {
                (Kind::Back, "the network makes blocks again")
            };
            self.events.add(at, kind, text.into());
        }
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
        self.choose_primary(at);
        self.compare_peers(at);
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
        for block in blocks {
            // An old block's time is by its proposer's clock, which may be ahead of this one.
            let when = if live { at } else { Millis(block.time.0.min(at.0)) };
            if !self.figures.add(block, when) {
                continue;
            }
            self.blocks_by = Some(index);
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

    /// The first one, in the user's order, that keeps up with the best: figures do not jump from one node's view to another's.
    fn choose_primary(&mut self, at: Millis) {
        let rank = |node: &Node| {
            let status = node.status.as_ref().filter(|_| node.answers())?;
            Some((status.has_quorum, status.sequence))
        };
        let best = self.nodes.iter().filter_map(rank).max();
        let will_do = |(quorum, sequence): (bool, u64)| {
            best.is_some_and(|(has, highest)| quorum == has && sequence.saturating_add(LAG_MAX) >= highest)
        };
        self.primary = self.nodes.iter().position(|node| rank(node).is_some_and(will_do));
        let chain = self.primary_status().map(|status| status.chain.clone());
        if chain.is_some() && self.chain.is_some() && chain != self.chain {
            self.events.add(at, Kind::Notice, "another network answers: its genesis is another one".into());
            self.figures.clear();
            self.proofs.clear();
            self.accounts.clear();
            self.gone.clear();
        }
        self.chain = chain.or(self.chain.take());
    }

    /// Who is gone, or back, by the sessions of those that answer.
    fn compare_peers(&mut self, at: Millis) {
        if self.primary.is_none() {
            return;
        }
        let without: BTreeSet<String> = self
            .validators()
            .into_iter()
            .filter(|one| one.is_member && !self.is_there(one))
            .map(|one| one.name)
            .collect();
        for name in &without {
            if !self.gone.contains_key(name) {
                let since = self.gone_since_at_best(name).unwrap_or(at);
                self.events.add(at, Kind::Gone, format!("{name}: no answering node has a session with it"));
                self.gone.insert(name.clone(), since);
            }
        }
        let back: Vec<String> = self.gone.keys().filter(|name| !without.contains(*name)).cloned().collect();
        for name in back {
            self.events.add(at, Kind::Back, format!("{name}: has sessions again"));
            self.gone.remove(&name);
        }
    }

    /// Its own last answer, else since when the node that speaks for all has no session with it.
    fn gone_since_at_best(&self, name: &str) -> Option<Millis> {
        let own = self.node_named(name).map(|node| self.nodes[node].answered);
        let peers = || self.primary_status()?.peers.iter().find(|peer| peer.node_id == name)?.missing_since;
        own.or_else(peers)
    }

    /// By any sign: its own answer, or a session of another.
    fn is_there(&self, validator: &Validator) -> bool {
        validator.sessions > 0 || validator.node.is_some_and(|node| self.nodes[node].answers())
    }

    /// Since when nobody has a sign of a validator.
    pub fn gone_since(&self, name: &str) -> Option<Millis> {
        self.gone.get(name).copied()
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

    /// Everybody in the network, as far as it is known: the genesis' validators, else those that the node that speaks for
    /// all names; and every other node that is monitored.
    pub fn validators(&self) -> Vec<Validator> {
        let members = self.accounts.iter().map(|account| account.node_id.as_str());
        let monitored = self.nodes.iter().map(|node| node.name.as_str());
        let peers = self.primary_status().into_iter().flat_map(|status| &status.peers);
        let peers = peers.map(|peer| peer.node_id.as_str()).filter(|_| self.accounts.is_empty());
        let mut known = BTreeSet::new();
        let names: Vec<&str> = members.chain(monitored).chain(peers).filter(|name| known.insert(*name)).collect();
        let mut sessions: BTreeMap<&str, usize> = BTreeMap::new();
        for node in self.nodes.iter().filter(|node| node.answers()) {
            let peers = node.status.iter().flat_map(|status| &status.peers).filter(|peer| peer.connected);
            peers.for_each(|peer| *sessions.entry(&peer.node_id).or_default() += 1);
        }
        let stakes: BTreeMap<&str, u64> =
            self.accounts.iter().map(|account| (account.node_id.as_str(), account.stake_micro / 1_000_000)).collect();
        let validator = |name: &str| {
            let node = self.node_named(name);
            let own = node.and_then(|node| self.nodes[node].status.as_ref()).map(|status| status.stake);
            Validator {
                name: name.to_owned(),
                is_member: self.accounts.is_empty() || stakes.contains_key(name),
                stake: stakes.get(name).copied().or(own).unwrap_or(0),
                node,
                sessions: sessions.get(name).copied().unwrap_or(0),
            }
        };
        names.into_iter().map(validator).collect()
    }

    /// Looks at what follows from the facts and from the time that has passed.
    pub fn tick(&mut self, now: Millis) {
        let raised = alerts::raised(self, now);
        self.alerts.renew(raised, now);
    }

    /// As of the last [`Model::tick`], the most severe first.
    pub fn alerts(&self) -> &[Alert] {
        self.alerts.list()
    }
}
