//! The account of a run: every proof from submission to its end, every block, every process that ended, and uptime.
//!
//! It only counts what the threads saw; what is to be printed of it goes back as lines.

use super::events::{BlockSeen, Event, Look, Pending};
use super::site::{Place, Site};
use super::validators::{Ended, Happened};
use super::{blocks, looks};
use crate::text;
use protocol::quorum::ValidatorSet;
use protocol::types::{Hash, NodeId};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Shorter silences are a loaded machine's.
const SILENCE_MIN: Duration = Duration::from_secs(20);

/// A proof that has not ended.
struct Open {
    name: String,
    at: Instant,
}

/// How proofs ended, and how many have not.
#[derive(Debug, Clone, Copy, Default)]
pub struct Proofs {
    pub submitted: u64,
    pub fin: u64,
    pub refused: u64,
    /// Not let in by the node that they were offered to.
    pub not_taken: u64,
    /// The nodes that they were offered to had no room, and told when to come back.
    pub put_off: u64,
    pub unended: u64,
}

/// What is behind the progress line.
#[derive(Debug, Clone, Copy)]
pub struct Progress {
    pub elapsed: Duration,
    pub running: usize,
    pub view: u64,
    pub block: u64,
    pub proofs: Proofs,
}

/// How long a validator does not answer although its process runs.
struct Silence {
    node_id: NodeId,
    /// Its process has ended, and was not started again yet.
    is_down: bool,
    since: Option<Instant>,
    longest: Duration,
}

impl Silence {
    fn look(&mut self, answers: bool, at: Instant) {
        if answers || self.is_down {
            self.since = None;
        } else {
            let since = *self.since.get_or_insert(at);
            self.longest = self.longest.max(at.saturating_duration_since(since));
        }
    }
}

pub struct Account {
    started: Instant,
    ended: Option<Instant>,
    set: Arc<ValidatorSet>,
    pending: Pending,
    open: BTreeMap<Hash, Open>,
    /// In a block that was seen before the answer to its submission was.
    early: BTreeMap<Hash, (BlockSeen, Instant)>,
    /// *Final* overrides *refused*.
    refused: BTreeSet<Hash>,
    submissions_over: bool,
    proofs: Proofs,
    blocks: u64,
    blocks_empty: u64,
    last_block: Option<BlockSeen>,
    difficulty: u64,
    proposal_to_final_ms: Vec<f64>,
    submit_to_final_ms: Vec<f64>,
    failures: Vec<Ended>,
    restarts: u64,
    looked: Option<(Instant, bool)>,
    able: Duration,
    watched: Duration,
    newest: Look,
    reward_pool_first: Option<u64>,
    /// One for each validator, in their order.
    silences: Vec<Silence>,
    /// Validators whose process runs and whose last block could not be compared.
    unheard: usize,
    disagreement: Option<String>,
}

impl Account {
    pub fn new(site: &Site) -> Account {
        Account {
            started: Instant::now(),
            ended: None,
            set: site.set.clone(),
            pending: Pending::default(),
            open: BTreeMap::new(),
            early: BTreeMap::new(),
            refused: BTreeSet::new(),
            submissions_over: false,
            proofs: Proofs::default(),
            blocks: 0,
            blocks_empty: 0,
            last_block: None,
            difficulty: 0,
            proposal_to_final_ms: Vec::new(),
            submit_to_final_ms: Vec::new(),
            failures: Vec::new(),
            restarts: 0,
            looked: None,
            able: Duration::ZERO,
            watched: Duration::ZERO,
            newest: Look::default(),
            reward_pool_first: None,
            silences: site.places.iter().map(|place| silence_of(&place.node_id)).collect(),
            unheard: 0,
            disagreement: None,
        }
    }

    /// Proofs that have not ended, for who looks for refusals.
    pub fn pending(&self) -> Pending {
        self.pending.clone()
    }

    /// Takes in what a thread saw; what is worth a line comes back.
    pub fn on(&mut self, event: Event) -> Vec<String> {
        match event {
            Event::Submitted { name, proof, node, at } => self.on_submitted(name, proof, node, at),
            Event::NotTaken { name, why } => {
                self.proofs.not_taken += 1;
                vec![format!("not taken  {name}: {why}")]
            }
            Event::PutOff => {
                self.proofs.put_off += 1;
                Vec::new()
            }
            Event::SubmissionsOver => {
                self.submissions_over = true;
                Vec::new()
            }
            Event::Block(block, at) => self.on_block(block, at),
            Event::Refused { proof, why } => self.on_refused(proof, &why),
            Event::Looked(looks, at) => {
                self.on_looked(&looks, at);
                Vec::new()
            }
        }
    }

    fn on_submitted(&mut self, name: String, proof: Hash, node: usize, at: Instant) -> Vec<String> {
        if self.open.contains_key(&proof) || self.refused.contains(&proof) {
            // The same script and claim under another name.
            return Vec::new();
        }
        self.proofs.submitted += 1;
        self.open.insert(proof, Open { name, at });
        self.pending.lock().insert(proof, node);
        match self.early.remove(&proof) {
            Some((block, seen)) => self.on_final(&proof, &block, seen).into_iter().collect(),
            None => Vec::new(),
        }
    }

    fn on_block(&mut self, block: BlockSeen, at: Instant) -> Vec<String> {
        self.blocks += 1;
        self.blocks_empty += u64::from(block.proofs.is_empty());
        self.difficulty += block.proofs.iter().map(|entry| entry.difficulty).sum::<u64>();
        self.proposal_to_final_ms.extend(block.proposal_to_final_ms);
        let mut lines = vec![block_line(&block)];
        for entry in &block.proofs {
            if self.open.contains_key(&entry.proof) || self.refused.contains(&entry.proof) {
                lines.extend(self.on_final(&entry.proof, &block, at));
            } else {
                self.early.insert(entry.proof, (block.clone(), at));
            }
        }
        self.last_block = Some(block);
        lines
    }

    fn on_final(&mut self, proof: &Hash, block: &BlockSeen, at: Instant) -> Option<String> {
        self.pending.lock().remove(proof);
        self.proofs.fin += 1;
        if self.refused.remove(proof) {
            self.proofs.refused -= 1;
            let proof = proof.to_string();
            let proof = text::short_id(&proof);
            return Some(format!("final    {proof}  in block {}, although refused before", block.sequence));
        }
        let Open { name, at: submitted } = self.open.remove(proof)?;
        let took = at.saturating_duration_since(submitted).as_secs_f64() * 1e3;
        self.submit_to_final_ms.push(took);
        let stake = block.prepare.as_ref().or(block.commit.as_ref());
        let stake =
            stake.map_or_else(String::new, |seen| format!(", signed by {} of {} stake", seen.prepared, seen.total));
        Some(format!("final    {name}  in block {}{stake}, {took:.0} ms after it was submitted", block.sequence))
    }

    fn on_refused(&mut self, proof: Hash, why: &str) -> Vec<String> {
        let Some(Open { name, .. }) = self.open.remove(&proof) else { return Vec::new() };
        self.pending.lock().remove(&proof);
        self.refused.insert(proof);
        self.proofs.refused += 1;
        vec![format!("REFUSED  {name}: {why}")]
    }

    fn on_looked(&mut self, looks: &[Look], at: Instant) {
        self.silences.iter_mut().zip(looks).for_each(|(silence, look)| silence.look(look.answers, at));
        let able = self.set.is_quorum(self.set.stake_of(looks::able(looks)));
        if let Some((before, was_able)) = self.looked.replace((at, able)) {
            let span = at.saturating_duration_since(before);
            self.watched += span;
            if was_able && able {
                self.able += span;
            }
        }
        for look in looks.iter().filter(|look| look.answers) {
            self.reward_pool_first.get_or_insert(look.reward_pool);
            if look.view >= self.newest.view {
                let (proposals, view_changes) = (self.newest.proposals, self.newest.view_changes);
                self.newest = look.clone();
                // A node that was started again has counted from nothing.
                self.newest.proposals = proposals.max(look.proposals);
                self.newest.view_changes = view_changes.max(look.view_changes);
            }
        }
    }

    pub fn on_process(&mut self, happened: Happened) -> Vec<String> {
        let (node_id, is_down) = match &happened {
            Happened::Ended(ended) => (&ended.node_id, true),
            Happened::Started(running) => (&running.place.node_id, false),
        };
        let silence = self.silences.iter_mut().find(|silence| silence.node_id == *node_id);
        silence.into_iter().for_each(|silence| (silence.is_down, silence.since) = (is_down, None));
        let line = match happened {
            Happened::Ended(ended) => {
                let line = ended.to_string();
                self.failures.push(ended);
                line
            }
            Happened::Started(running) => {
                self.restarts += 1;
                let (node_id, pid) = (running.place.node_id, running.pid);
                format!("validator {node_id} is started again: process {pid}, restart {}", running.restarts)
            }
        };
        vec![line]
    }

    /// The run is over: a last look, and whether all nodes that answer have one history. Returns when that is known, by
    /// `until` at the latest; half of the time is for each of the two.
    pub fn end(&mut self, site: &Site, until: Instant) {
        let now = Instant::now();
        self.ended = Some(now);
        let looks = looks::look(site, now + until.saturating_duration_since(now) / 2);
        self.on_looked(&looks, Instant::now());
        // Who does not tell its status is not asked for anything else.
        let answering = || site.places.iter().zip(&looks).filter(|(_, look)| look.answers);
        let lowest = answering().map(|(_, look)| look.sequence).min().unwrap_or(0);
        let places: Vec<&Place> = answering().map(|(place, _)| place).collect();
        let blocks = blocks::at_sequence(&places, lowest, until);
        let silent = self.silences.iter().filter(|silence| silence.since.is_some()).count();
        self.unheard = silent + (places.len() - blocks.len());
        if let Some(((first, id), (other, _))) =
            blocks.first().zip(blocks.iter().find(|(_, id)| Some(id) != blocks.first().map(|(_, id)| id)))
        {
            self.disagreement =
                Some(format!("{first} and {other} have different final blocks at sequence {lowest} ({id} at {first})"));
        }
    }

    /// Every proof was submitted, and has ended.
    pub fn is_done(&self) -> bool {
        self.submissions_over && self.open.is_empty()
    }

    /// The submitters have nothing more to submit, unless they were told to end.
    pub fn are_all_submitted(&self) -> bool {
        self.submissions_over
    }

    pub fn unended(&self) -> usize {
        self.open.len()
    }

    pub fn progress(&self, running: usize) -> Progress {
        Progress {
            elapsed: self.elapsed(),
            running,
            // Blocks are seen sooner than statuses.
            view: self
                .newest
                .view
                .max(self.last_block.as_ref().and_then(BlockSeen::certificate).map_or(0, |seen| seen.view)),
            block: self.last_block.as_ref().map_or(0, |block| block.sequence),
            proofs: self.proofs(),
        }
    }

    pub fn elapsed(&self) -> Duration {
        self.ended.unwrap_or_else(Instant::now).duration_since(self.started)
    }

    pub fn proofs(&self) -> Proofs {
        Proofs { unended: self.open.len() as u64, ..self.proofs }
    }

    pub fn blocks(&self) -> (u64, u64) {
        (self.blocks, self.blocks_empty)
    }

    pub fn difficulty(&self) -> u64 {
        self.difficulty
    }

    pub fn proposal_to_final_ms(&self) -> &[f64] {
        &self.proposal_to_final_ms
    }

    pub fn submit_to_final_ms(&self) -> &[f64] {
        &self.submit_to_final_ms
    }

    pub fn failures(&self) -> &[Ended] {
        &self.failures
    }

    /// Validators that did not answer for a while although their process ran, and for how long.
    pub fn silences(&self) -> impl Iterator<Item = (&NodeId, Duration)> {
        let long = self.silences.iter().filter(|silence| silence.longest >= SILENCE_MIN);
        long.map(|silence| (&silence.node_id, silence.longest))
    }

    /// Validators that were started again, once for each time.
    pub fn restarts(&self) -> u64 {
        self.restarts
    }

    /// The share of the time that was watched in which a quorum was able to make blocks, in percent.
    pub fn uptime_percentage(&self) -> f64 {
        if self.watched.is_zero() { 0.0 } else { 100.0 * self.able.as_secs_f64() / self.watched.as_secs_f64() }
    }

    /// The newest status of the node that is furthest.
    pub fn newest(&self) -> &Look {
        &self.newest
    }

    /// Micro-tokens paid as rewards.
    pub fn rewards_paid(&self) -> u64 {
        self.reward_pool_first.unwrap_or_default().saturating_sub(self.newest.reward_pool)
    }

    /// Validators that ran and did not answer at the end: whether they have the others' history is not known.
    pub fn unheard(&self) -> usize {
        self.unheard
    }

    /// Its process runs, and it did not answer when it was last asked.
    pub fn is_silent(&self, node_id: &NodeId) -> bool {
        self.silences.iter().any(|silence| silence.node_id == *node_id && silence.since.is_some())
    }

    /// Two nodes with different histories, if there are any: then nothing else in the report matters.
    pub fn disagreement(&self) -> Option<&str> {
        self.disagreement.as_deref()
    }
}

fn silence_of(node_id: &NodeId) -> Silence {
    Silence { node_id: node_id.clone(), is_down: false, since: None, longest: Duration::ZERO }
}

fn block_line(block: &BlockSeen) -> String {
    let proofs = match block.proofs.len() {
        0 => "empty".to_owned(),
        count => text::counted(count as u64, "proof", "proofs"),
    };
    let view = block.certificate().map_or(String::new(), |seen| format!(", view {}", seen.view));
    let took =
        block.proposal_to_final_ms.map_or(String::new(), |took| format!(", final {took:.1} ms after its proposal"));
    format!("block {}{view}, {proofs}{took}", block.sequence)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_silence_counts_while_the_process_runs_and_until_it_answers() {
        let begun = Instant::now();
        let at = |seconds| begun + Duration::from_secs(seconds);
        let mut silence = silence_of(&NodeId::new("node_1").unwrap());
        for (answers, second) in [(true, 0), (false, 10), (false, 300), (true, 310), (false, 320), (false, 330)] {
            silence.look(answers, at(second));
        }
        assert_eq!(silence.longest, Duration::from_secs(290));
        silence.is_down = true;
        silence.look(false, at(9_000));
        assert_eq!((silence.since, silence.longest), (None, Duration::from_secs(290)));
    }
}
