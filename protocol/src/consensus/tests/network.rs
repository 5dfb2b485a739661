//! Four validators, or any number, with a constant delay: what the directed cases drive.

use crate::block::BlockLimits;
use crate::consensus::events::{Checked, Effect, Halt, Input, Notice, Output, Record, Time, To, UnknownHistory};
use crate::consensus::recovery::Base;
use crate::consensus::{Consensus, LOG_RECORDS_MAX, Settings};
use crate::election::Election;
use crate::ledger::{Branch, BranchCause, BranchError, GenesisAccount, Ledger};
use crate::message::{Message, Word};
use crate::pacemaker::{Pacemaker, PacemakerSettings};
use crate::quorum::{Validator, ValidatorSet};
use crate::schedule::Schedule;
use crate::signature::{SignatureCheck, Signer};
use crate::types::{Amount, Epoch, Hash, Millis, NodeId, PublicKey, ResourceCount, Signature, Stake, ValidatorIndex};
use crate::verify::Checker;
use alloc::boxed::Box;
use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use alloc::format;
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;

pub(super) const DELAY: u64 = 2;

/// A keyed hash in place of signatures: verification is not what is tested here.
pub(super) struct Keyed;

pub(super) fn keyed(key: &PublicKey, bytes: &[u8]) -> Signature {
    let mut signature = [0; 64];
    signature[..32].copy_from_slice(blake3::keyed_hash(&key.0, bytes).as_bytes());
    Signature(signature)
}

impl SignatureCheck for Keyed {
    fn verify(&self, key: &PublicKey, bytes: &[u8], signature: &Signature) -> bool {
        keyed(key, bytes) == *signature
    }
}

impl Signer for PublicKey {
    fn sign(&self, bytes: &[u8]) -> Signature {
        keyed(self, bytes)
    }
}

/// What a database does not answer.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Unreadable {
    /// Whether a proof that was checked, or attested, is final.
    Proofs,
    /// Whether a statement of a body that is executed is final.
    Statements,
}

/// The database has nothing that the chain does not remember: these tests never say `Applied`.
struct Database(Option<Unreadable>);

impl Database {
    fn answer(&self, asked: Unreadable) -> Result<bool, BranchError> {
        if self.0 == Some(asked) { Err(unreadable()) } else { Ok(false) }
    }
}

impl Branch for Database {
    fn has_proof(&self, _: &Hash) -> Result<bool, BranchError> {
        self.answer(Unreadable::Proofs)
    }

    fn has_statement(&self, _: &Hash) -> Result<bool, BranchError> {
        self.answer(Unreadable::Statements)
    }
}

pub(super) fn unreadable() -> BranchError {
    BranchError { cause: BranchCause::Disk, reason: "the disk is gone".into() }
}

pub(super) struct Node {
    pub(super) consensus: Consensus,
    pub(super) pacemaker: Pacemaker,
    pub(super) election: Election,
    pub(super) log: Vec<Record>,
    pub(super) finals: Vec<Hash>,
    pub(super) proofs: Vec<Hash>,
    pub(super) refused: Vec<Hash>,
    pub(super) halts: Vec<Halt>,
    pub(super) views: u64,
}

pub(super) struct Network {
    pub(super) settings: Vec<Settings>,
    pub(super) base: Base,
    pub(super) nodes: Vec<Option<Node>>,
    pub(super) now: u64,
    pub(super) queue: VecDeque<(u64, usize, usize, Message)>,
    /// Messages are lost between these.
    pub(super) cut: BTreeSet<(usize, usize)>,
    /// The databases of these do not answer, once they are started again.
    pub(super) unreadable: BTreeMap<usize, Unreadable>,
}

impl Network {
    pub(super) fn new(stakes: &[u64]) -> Network {
        let validators = stakes.iter().enumerate().map(|(index, stake)| Validator {
            node_id: NodeId::new(&format!("node_{index}")).unwrap(),
            key: PublicKey([index as u8 + 1; 32]),
            stake: Stake(*stake),
        });
        let set = Arc::new(ValidatorSet::new(Hash([9; 32]), Epoch(1), validators.collect()).unwrap());
        let schedule = Arc::new(Schedule::new(&set, &Hash([5; 32])));
        let accounts: Vec<_> =
            stakes.iter().map(|s| GenesisAccount { balance: Amount(0), stake: Amount::from_tokens(*s) }).collect();
        let ledger = Ledger::genesis(&accounts, Amount::from_tokens(1_000), Millis(0));
        let base = Base { id: Hash([8; 32]), ledger, commit: None, prepare: None };
        let settings = |me| Settings {
            set: set.clone(),
            schedule: schedule.clone(),
            me: ValidatorIndex(me as u16),
            genesis: base.id,
            block: BlockLimits { proofs_max: 100, bytes_max: 1 << 20 },
            block_size_max: 10,
            idle_block_interval: Millis(10_000),
            clock_tolerance: Millis(10_000),
            log_records_max: LOG_RECORDS_MAX,
        };
        let settings = (0..stakes.len()).map(settings).collect();
        let nodes = stakes.iter().map(|_| None).collect();
        let (queue, cut, unreadable) = (VecDeque::new(), BTreeSet::new(), BTreeMap::new());
        let mut network = Network { settings, base, nodes, now: 1_000, queue, cut, unreadable };
        for index in 0..stakes.len() {
            network.start(index, vec![Record::Unknown(UnknownHistory::New)]);
        }
        network
    }

    pub(super) fn start(&mut self, index: usize, records: Vec<Record>) {
        let settings = self.settings[index].clone();
        let key = settings.set.get(settings.me).unwrap().key;
        let now = self.time();
        let pace = PacemakerSettings {
            timeout_max: Millis(10_000),
            view_change_timeout: Millis(5_000),
            idle_block_interval: settings.idle_block_interval,
        };
        let (set, me) = (settings.set.clone(), settings.me);
        let branch = Database(self.unreadable.get(&index).copied());
        let (consensus, output) =
            Consensus::recover(settings, Box::new(key), Box::new(branch), self.base.clone(), records.clone(), now);
        self.nodes[index] = Some(Node {
            consensus,
            pacemaker: Pacemaker::new(set.clone(), me, pace, now.local),
            election: Election::new(set, me, now.local),
            log: records,
            finals: Vec::new(),
            proofs: Vec::new(),
            refused: Vec::new(),
            halts: Vec::new(),
            views: 0,
        });
        self.carry_out(index, output);
        for other in (0..self.nodes.len()).filter(|other| *other != index) {
            if self.nodes[other].is_some() {
                self.connect(index, other);
            }
        }
    }

    pub(super) fn connect(&mut self, a: usize, b: usize) {
        for (one, other) in [(a, b), (b, a)] {
            let peer = ValidatorIndex(other as u16);
            let node = self.nodes[one].as_mut().unwrap();
            node.pacemaker.on_session(Millis(self.now), peer, Millis(DELAY));
            node.election.on_session_opened(peer);
            self.input(one, Input::SessionOpened(peer));
        }
    }

    /// Ends a node; what remains of it is its log.
    pub(super) fn stop(&mut self, index: usize) -> Vec<Record> {
        let log = self.nodes[index].take().unwrap().log;
        self.queue.retain(|(_, from, to, _)| *from != index && *to != index);
        let now = Millis(self.now);
        for other in 0..self.nodes.len() {
            if let Some(node) = &mut self.nodes[other] {
                let peer = ValidatorIndex(index as u16);
                node.pacemaker.on_session_closed(peer);
                node.election.on_session_closed(now, peer);
                self.input(other, Input::SessionClosed(peer));
            }
        }
        log
    }

    pub(super) fn time(&self) -> Time {
        Time { local: Millis(self.now), wall: Millis(1_000_000 + self.now) }
    }

    pub(super) fn input(&mut self, index: usize, input: Input) {
        let now = self.time();
        let Some(node) = &mut self.nodes[index] else { return };
        let output = node.consensus.step(now, input);
        self.carry_out(index, output);
    }

    pub(super) fn carry_out(&mut self, index: usize, output: Output) {
        let now = self.now;
        let count = self.nodes.len();
        let Some(node) = &mut self.nodes[index] else { return };
        node.log.extend(output.records);
        let mut inputs = Vec::new();
        for effect in output.effects {
            match effect {
                Effect::Send(To::Peer(peer), message) => {
                    self.queue.push_back((now + DELAY, index, peer.as_usize(), message));
                }
                Effect::Send(To::All, message) => {
                    for to in (0..count).filter(|to| *to != index) {
                        self.queue.push_back((now + DELAY, index, to, message.clone()));
                    }
                }
                Effect::Final { blocks, commit } => {
                    assert_eq!(commit.block(), blocks.last().map(|block| block.id));
                    for block in blocks {
                        node.finals.push(block.id);
                        node.proofs.extend(block.block.body.proofs.iter().map(|entry| entry.proof));
                    }
                }
                Effect::Notice(notice) => {
                    node.views += u64::from(matches!(notice, Notice::ViewEntered { .. }));
                    inputs.extend(node.pacemaker.on_notice(Millis(now), &notice));
                    inputs.extend(node.election.on_notice(Millis(now), &notice));
                }
                Effect::Refused { proof, .. } => node.refused.push(proof),
                Effect::Halt(halt) => {
                    assert!(self.unreadable.contains_key(&index), "node {index} halted: {halt}");
                    node.halts.push(halt);
                }
                Effect::Need { .. } | Effect::Serve { .. } | Effect::Shorten(_) | Effect::Reconnect => {}
            }
        }
        inputs.into_iter().for_each(|input| self.input(index, input));
    }

    /// Lets virtual time pass.
    pub(super) fn run(&mut self, span: u64) {
        let end = self.now + span;
        while self.now < end {
            self.now += 1;
            while self.queue.front().is_some_and(|(at, ..)| *at <= self.now) {
                let (_, from, to, message) = self.queue.pop_front().unwrap();
                if !self.cut.contains(&(from, to)) {
                    self.deliver(from, to, message);
                }
            }
            for index in 0..self.nodes.len() {
                let now = Millis(self.now);
                let Some(node) = &mut self.nodes[index] else { continue };
                let mut inputs = node.election.tick(now);
                inputs.extend(node.pacemaker.tick(now));
                inputs.extend((node.consensus.wakeup() <= now).then_some(Input::Tick));
                inputs.into_iter().for_each(|input| self.input(index, input));
            }
        }
    }

    pub(super) fn deliver(&mut self, from: usize, to: usize, message: Message) {
        let settings = self.settings[to].clone();
        let checker =
            Checker { set: &settings.set, schedule: &settings.schedule, genesis: settings.genesis, signatures: &Keyed };
        let verified = checker.message(message).expect("honest validators commit no faults");
        self.input(to, Input::Peer(ValidatorIndex(from as u16), verified));
    }

    pub(super) fn confirm(&mut self, index: usize, proof: u8) {
        let word = Word::Confirmed(ResourceCount(1_000));
        let proof = Hash([proof; 32]);
        self.input(index, Input::Checked(vec![Checked { proof, statement: proof, word }]));
    }

    pub(super) fn confirm_everywhere(&mut self, proof: u8) {
        (0..self.nodes.len()).for_each(|index| self.confirm(index, proof));
    }

    pub(super) fn node(&self, index: usize) -> &Node {
        self.nodes[index].as_ref().unwrap()
    }

    pub(super) fn is_final_everywhere(&self, proof: u8) -> bool {
        self.nodes.iter().flatten().all(|node| node.proofs.contains(&Hash([proof; 32])))
    }

    pub(super) fn assert_agreement(&self) {
        let longest = self.nodes.iter().flatten().map(|node| &node.finals).max_by_key(|finals| finals.len()).unwrap();
        for node in self.nodes.iter().flatten() {
            assert_eq!(node.finals, longest[..node.finals.len()]);
        }
    }
}
