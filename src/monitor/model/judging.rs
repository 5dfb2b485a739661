//! What nodes agree on, who speaks for all, and who is asked for blocks: one that lies is outvoted, and named.
//!
//! Pure. Must never: take a figure of the network from a single node while others answer.

use super::{Account, Model, Node, Status};
use crate::agreement::Weights;
use crate::monitor::events::Kind;
use protocol::types::Millis;
use std::collections::{BTreeMap, BTreeSet};

/// A node that is more blocks behind speaks for itself only.
const LAG_MAX: u64 = 3;
/// Blocks that one node told, and that nobody else has after so long, are none.
const GRACE: Millis = Millis(5_000);
/// Who gives no block for so long, although others have one, is not asked any more.
const PATIENCE: Millis = Millis(5_000);
/// For so long who told such a block is not believed.
pub const DISTRUST: Millis = Millis(600_000);

/// What nodes with enough stake say of the network, as [`Weights`] has it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Agreed {
    /// The last final block.
    pub sequence: u64,
    pub view: u64,
    pub leader: Option<String>,
    pub is_halted: bool,
    pub has_quorum: bool,
    /// Whole tokens, as the next.
    pub reachable_stake: u64,
    pub total_stake: u64,
    pub proofs_final: u64,
}

/// Which node is asked for blocks, and from where on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lead {
    pub node: Option<usize>,
    pub chain: String,
    /// The last final block, as far as nodes agree.
    pub sequence: u64,
    /// Whenever it changes, blocks that were told are forgotten, and `next` is the first that is wanted again.
    pub generation: u64,
    pub next: u64,
}

impl Model {
    /// Nodes that answer and are of this network, with their word.
    pub fn words(&self) -> impl Iterator<Item = (usize, &Status)> {
        let words = self.nodes.iter().enumerate().filter_map(|(index, node)| Some((index, node.word()?)));
        words.filter(|(_, status)| Some(&status.chain) == self.chain.as_ref())
    }

    /// The word of one node, while it answers and is of this network.
    pub fn word(&self, node: usize) -> Option<&Status> {
        self.nodes[node].word().filter(|status| Some(&status.chain) == self.chain.as_ref())
    }

    pub fn lead(&self) -> Lead {
        Lead {
            node: self.source,
            chain: self.chain.clone().unwrap_or_default(),
            sequence: self.agreed.as_ref().map_or(0, |agreed| agreed.sequence),
            generation: self.generation,
            next: self.figures.last_sequence().map_or(0, |last| last.saturating_add(1)),
        }
    }

    /// Whether a node says that blocks are final which nobody else is near.
    pub fn is_ahead(&self, status: &Status) -> bool {
        let agreed = self.agreed.as_ref().map_or(u64::MAX, |agreed| agreed.sequence);
        status.sequence > agreed.saturating_add(self.ahead_max)
    }

    pub(super) fn judge(&mut self, now: Millis) {
        self.agree_on_chain(now);
        self.weigh();
        self.agreed = self.agree();
        self.forget_lies(now);
        self.choose_primary();
        self.choose_source(now);
        let is_halted = self.agreed.as_ref().map(|agreed| agreed.is_halted);
        if is_halted.is_some_and(|halted| halted != self.is_halted) {
            self.is_halted = !self.is_halted;
            let (kind, text) = if self.is_halted {
                (Kind::Gone, "the network halted: nothing becomes final")
            } else {
                (Kind::Back, "the network makes blocks again")
            };
            self.events.add(now, kind, text.into());
        }
    }

    /// The genesis that most nodes name; of equally many the one that was known before.
    fn agree_on_chain(&mut self, now: Millis) {
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        self.nodes.iter().filter_map(Node::word).for_each(|status| *counts.entry(&status.chain).or_default() += 1);
        let most = counts.values().max().copied().unwrap_or(0);
        let before = self.chain.as_deref().filter(|chain| counts.get(chain) == Some(&most));
        let mut named = self.nodes.iter().filter_map(Node::word).map(|status| status.chain.as_str());
        let Some(chain) = before.or_else(|| named.find(|chain| counts[chain] == most)).map(str::to_owned) else {
            return;
        };
        if self.chain.as_ref() == Some(&chain) {
            return;
        }
        if self.chain.replace(chain).is_some() {
            self.events.add(now, Kind::Notice, "another network answers: its genesis is another one".into());
            self.figures.clear();
            self.proofs.clear();
            self.refused.clear();
            self.gone.clear();
            self.changed_view = 0;
        }
        self.agree_on_accounts();
    }

    /// Of the genesis' validators, as more than half of the nodes that answer name them: a single ledger is a single node's word.
    pub(super) fn agree_on_accounts(&mut self) {
        let mut counts: Vec<(&Vec<Account>, usize)> = Vec::new();
        for (index, _) in self.words() {
            let told = &self.nodes[index].accounts;
            match counts.iter_mut().find(|(known, _)| *known == told) {
                _ if told.is_empty() => {}
                Some((_, count)) => *count += 1,
                None => counts.push((told, 1)),
            }
        }
        let most = counts.iter().map(|(_, count)| *count).max().unwrap_or(0);
        let is_enough = 2 * most > self.words().count();
        let first = counts.into_iter().find(|(_, count)| *count == most && is_enough);
        let accounts = first.map(|(accounts, _)| accounts.clone()).unwrap_or_default();
        self.accounts = accounts;
    }

    /// A name weighs once, however many say that they have it.
    fn weigh(&mut self) {
        let stakes: BTreeMap<&str, u64> =
            self.accounts.iter().map(|account| (account.node_id.as_str(), account.stake_micro)).collect();
        let mut weighed = BTreeSet::new();
        let stake = |index: usize| {
            let name = self.word(index)?.node_id.as_str();
            Some(if weighed.insert(name) { stakes.get(name).copied().unwrap_or(0) } else { 0 })
        };
        let of = (0..self.nodes.len()).map(stake).collect();
        self.weights = Weights::new(of, stakes.values().map(|stake| u128::from(*stake)).sum());
    }

    fn agree(&self) -> Option<Agreed> {
        let at_least =
            |figure: fn(&Status) -> u64| self.weights.at_least(|node| self.word(node).map(figure)).unwrap_or(0);
        let of = |holds: fn(&Status) -> bool| self.weights.of(|node| self.word(node).is_some_and(holds));
        self.words().next()?;
        let view = at_least(|status| status.view);
        let of_view = |status: &&Status| status.view == view && self.is_member(&status.leader);
        let leader = self.weights.most(|node| Some(self.word(node).filter(of_view)?.leader.as_str()));
        let total_stake = match self.accounts.as_slice() {
            [] => at_least(|status| status.total_stake),
            some => some.iter().fold(0, |sum: u64, one| sum.saturating_add(one.stake_micro)) / 1_000_000,
        };
        Some(Agreed {
            sequence: at_least(|status| status.sequence),
            view,
            leader: leader.map(str::to_owned),
            // Who sees blocks become final is right about the network, whatever another one lacks.
            is_halted: of(Status::is_halted) > of(Status::makes_progress),
            has_quorum: 2 * of(|status| status.has_quorum) >= of(|_| true),
            reachable_stake: at_least(|status| status.reachable_stake).min(total_stake),
            total_stake,
            proofs_final: at_least(|status| status.proofs_final),
        })
    }

    fn is_member(&self, name: &str) -> bool {
        !name.is_empty() && (self.accounts.is_empty() || self.accounts.iter().any(|account| account.node_id == name))
    }

    /// Blocks that nodes agree to be others, and those that after [`GRACE`] nobody else has, are forgotten; who told them is
    /// not believed for a while.
    fn forget_lies(&mut self, now: Millis) {
        for node in &mut self.nodes {
            node.unconfirmed = node.unconfirmed.filter(|(_, since)| now.since(*since) < DISTRUST);
        }
        let Some(agreed) = &self.agreed else { return };
        let oldest = self.words().map(|(index, _)| self.nodes[index].answered).min().unwrap_or(now);
        let alone = self.figures.first_above(agreed.sequence, Millis(oldest.0.saturating_sub(GRACE.0)));
        let Some((sequence, by)) = self.other_block().or(alone) else { return };
        let name = &self.nodes[by].name;
        let text = format!("{name}: told of a final block {sequence} that the others do not have");
        self.events.add(now, Kind::Notice, text);
        self.nodes[by].unconfirmed = Some((sequence, now));
        self.figures.forget_from(sequence);
        self.proofs.retain(|proof| proof.block < sequence);
        self.refused.retain(|proof| proof.by != by);
        self.generation += 1;
    }

    /// A block that was told, and that nodes agree to be another one.
    fn other_block(&self) -> Option<(u64, usize)> {
        let mut heads: BTreeMap<(u64, &str), BTreeSet<usize>> = BTreeMap::new();
        for (index, status) in self.words() {
            heads.entry((status.sequence, &status.block)).or_default().insert(index);
        }
        heads.iter().find_map(|((sequence, block), nodes)| {
            let (told, by) = self.figures.block(*sequence)?;
            let differs = !told.is_empty() && !block.is_empty() && told != *block;
            (differs && self.weights.say(|node| nodes.contains(&node))).then_some((*sequence, by))
        })
    }

    /// The first one, in the user's order, that says what nodes agree on and keeps up with them: figures do not jump from one
    /// node's view to another's.
    fn choose_primary(&mut self) {
        let Some(agreed) = &self.agreed else {
            self.primary = None;
            return;
        };
        let keeps_up = |status: &Status| {
            status.sequence.saturating_add(LAG_MAX) >= agreed.sequence
                && status.has_quorum == agreed.has_quorum
                && status.is_halted() == agreed.is_halted
        };
        let will_do = |(index, status): &(usize, &Status)| {
            self.nodes[*index].unconfirmed.is_none()
                && !self.is_ahead(status)
                && self.weights.of(|node| node == *index) > 0
        };
        let good = self.words().filter(will_do).find(|(_, status)| keeps_up(status));
        // Where none says all of it, one that is not known to lie, else any one.
        let any = good.or_else(|| self.words().find(will_do)).or_else(|| self.words().next());
        self.primary = any.map(|(index, _)| index);
    }

    /// The one that speaks for all, unless it gives no blocks: then the next one, and so on.
    fn choose_source(&mut self, now: Millis) {
        let Some(agreed) = &self.agreed else {
            self.source = None;
            return;
        };
        let lags = self.figures.last_sequence().unwrap_or(0) < agreed.sequence;
        let since = if lags { *self.source_lags.get_or_insert(now) } else { now };
        let will_do = |index: usize| {
            self.nodes[index].unconfirmed.is_none() && self.word(index).is_some_and(|status| !self.is_ahead(status))
        };
        let present = self.source.filter(|index| will_do(*index));
        let next = match present {
            Some(present) if now.since(since) > PATIENCE => {
                let count = self.nodes.len();
                (1..=count).map(|step| (present + step) % count).find(|index| will_do(*index))
            }
            Some(present) => Some(present),
            None => self.primary,
        };
        if !lags || next != self.source || now.since(since) > PATIENCE {
            self.source_lags = None;
        }
        self.source = next;
    }
}
