//! Who takes part, and who of them is gone: by the ledger, the nodes' own answers, and the sessions that others have.
//!
//! Pure. Must never: take one node's word for a session.

use super::Model;
use crate::monitor::events::Kind;
use protocol::types::Millis;
use std::collections::{BTreeMap, BTreeSet};

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
    /// Answering nodes, itself apart, that say that they have a session with it.
    pub sessions: usize,
    /// Whether they are believed.
    pub is_connected: bool,
}

impl Model {
    /// Who is gone, or back, by the sessions of those that answer.
    pub(super) fn compare_peers(&mut self, at: Millis) {
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
                self.events.add(at, Kind::Gone, format!("{name}: is not connected any more"));
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

    /// By any sign: its own answer, or sessions of others that are believed.
    pub fn is_there(&self, validator: &Validator) -> bool {
        validator.is_connected || validator.node.is_some_and(|node| self.nodes[node].answers())
    }

    /// Since when nobody has a sign of a validator.
    pub fn gone_since(&self, name: &str) -> Option<Millis> {
        self.gone.get(name).copied()
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
        let mut sessions: BTreeMap<&str, BTreeSet<usize>> = BTreeMap::new();
        for (index, status) in self.words() {
            let peers = status.peers.iter().filter(|peer| peer.connected);
            peers.for_each(|peer| _ = sessions.entry(&peer.node_id).or_default().insert(index));
        }
        let stakes: BTreeMap<&str, u64> =
            self.accounts.iter().map(|account| (account.node_id.as_str(), account.stake_micro / 1_000_000)).collect();
        let validator = |name: &str| {
            let node = self.node_named(name);
            let own = node.and_then(|node| self.nodes[node].status.as_ref()).map(|status| status.stake);
            let with = sessions.get(name);
            Validator {
                name: name.to_owned(),
                is_member: self.accounts.is_empty() || stakes.contains_key(name),
                stake: stakes.get(name).copied().or(own).unwrap_or(0),
                node,
                sessions: with.map_or(0, BTreeSet::len),
                is_connected: with.is_some_and(|with| self.weights.say(|node| with.contains(&node))),
            }
        };
        names.into_iter().map(validator).collect()
    }
}
