//! What a bad validator can do that an honest one can, too: sign with its own key, and build valid blocks.

use crate::disk::Database;
use crate::keyed::{self, KeyedSigner};
use crate::scenario::Scenario;
use protocol::block::{Block, Body, Header};
use protocol::ledger::{Branch, BranchError, Ledger, Position};
use protocol::message::{Message, Proposal};
use protocol::types::{Hash, Millis, ValidatorIndex, View};
use protocol::vote::{Ballot, Choice, Vote};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The bad validator's own name and key, and the blocks that passed through its hands.
pub struct Hand {
    pub me: ValidatorIndex,
    scenario: Arc<Scenario>,
    database: Database,
    blocks: BTreeMap<Hash, Block>,
}

impl Hand {
    pub fn new(me: ValidatorIndex, scenario: Arc<Scenario>, database: Database) -> Self {
        Hand { me, scenario, database, blocks: BTreeMap::new() }
    }

    /// Remembers the blocks of a message, said or heard.
    pub fn note(&mut self, message: &Message) {
        match message {
            Message::Proposal(proposal) => _ = self.blocks.insert(proposal.block.id(), proposal.block.clone()),
            Message::Blocks { blocks, .. } => {
                self.blocks.extend(blocks.iter().map(|block| (block.id(), block.clone())));
            }
            Message::Vote { .. }
            | Message::Certificate(_)
            | Message::Status(_)
            | Message::CertificateRequest { .. }
            | Message::Certificates(_)
            | Message::BlockRequest { .. }
            | Message::Testimony(_)
            | Message::Checked(_)
            | Message::Pending(_)
            | Message::ProofRequest(_)
            | Message::Proofs(_) => {}
        }
    }

    pub fn leader(&self, view: View) -> ValidatorIndex {
        self.scenario.schedule.leader(view)
    }

    pub fn leads(&self, view: View) -> bool {
        self.leader(view) == self.me
    }

    pub fn validators(&self) -> impl Iterator<Item = ValidatorIndex> + use<> {
        self.scenario.validators()
    }

    /// A peer's place among the others, from 0 on, in an order that turns with the view: nobody is treated the same for
    /// ever.
    pub fn place(&self, peer: ValidatorIndex, view: View) -> u64 {
        let peers: Vec<ValidatorIndex> = self.validators().filter(|index| *index != self.me).collect();
        let place = peers.iter().position(|index| *index == peer).unwrap_or_default() as u64;
        (place + view.0) % peers.len().max(1) as u64
    }

    pub fn sign(&self, view: View, choice: Choice) -> Vote {
        let ballot = Ballot { epoch: self.scenario.set.epoch(), view, choice };
        Vote::sign(&self.scenario.set, &KeyedSigner(keyed::key(self.me)), self.me, ballot)
    }

    pub fn vote(&self, view: View, choice: Choice) -> Message {
        Message::Vote { vote: self.sign(view, choice), reason: None }
    }

    pub fn parent(&self, block: &Hash) -> Option<Hash> {
        self.blocks.get(block).map(|block| block.header.parent)
    }

    /// A block that nobody has, and never will.
    pub fn no_block(&self, salt: u64) -> Hash {
        Hash(*blake3::hash(&salt.to_be_bytes()).as_bytes())
    }

    /// Another valid proposal for the same view, on the same parent: without proofs, a millisecond later.
    pub fn another(&self, proposal: &Proposal) -> Option<Proposal> {
        let header = &proposal.block.header;
        let body = Body { proofs: Vec::new(), carried: proposal.block.body.carried.clone() };
        let time = header.time.saturating_add(Millis(1));
        let at = Position { parent: header.parent, sequence: header.sequence, time };
        let state = self.execute(at, &body)?.root();
        let header = Header { time, body: body.digest(), state, ..header.clone() };
        let vote = self.sign(proposal.view(), Choice::Prepare(header.id()));
        Some(Proposal { block: Block { header, body }, vote, ..proposal.clone() })
    }

    fn execute(&self, at: Position, body: &Body) -> Option<Ledger> {
        let base = self.database.base();
        let mut path = Vec::new();
        let mut next = at.parent;
        while next != base.id {
            let block = self.blocks.get(&next)?;
            path.push(block);
            next = block.header.parent;
        }
        let limits = self.scenario.settings(self.me).block;
        let set = &self.scenario.set;
        let mut below = Below { path: Vec::new(), database: &self.database };
        let mut ledger = base.ledger;
        for block in path.into_iter().rev() {
            let header = &block.header;
            let at = Position { parent: header.parent, sequence: header.sequence, time: header.time };
            ledger = ledger.execute(set, at, &block.body, limits, &below).ok()?;
            below.path.push(block);
        }
        ledger.execute(set, at, body, limits, &below).ok()
    }
}

/// What lies below a block: a path above the database, and the database.
struct Below<'a> {
    path: Vec<&'a Block>,
    database: &'a Database,
}

impl Branch for Below<'_> {
    fn has_proof(&self, proof: &Hash) -> Result<bool, BranchError> {
        let mut entries = self.path.iter().flat_map(|block| &block.body.proofs);
        Ok(entries.any(|entry| entry.proof == *proof) || self.database.has_proof(proof)?)
    }

    fn has_statement(&self, statement: &Hash) -> Result<bool, BranchError> {
        let mut entries = self.path.iter().flat_map(|block| &block.body.proofs);
        Ok(entries.any(|entry| entry.statement == *statement) || self.database.has_statement(statement)?)
    }
}
