//! Directed cases of the voting core: four validators with a constant delay. Random schedules are the simulator's.

use super::events::{Checked, Effect, Halt, Input, Notice, Output, Record, Time, UnknownHistory};
use super::recovery::Base;
use super::*;
use crate::election::Election;
use crate::ledger::{Branch, GenesisAccount, Ledger};
use crate::message::Word;
use crate::pacemaker::{Pacemaker, PacemakerSettings};
use crate::quorum::Validator;
use crate::signature::{SignatureCheck, Signer};
use crate::types::{Amount, Epoch, NodeId, PublicKey, ResourceCount, Sequence, Signature, Stake};
use crate::verify::Checker;
use crate::vote::{Ballot, Choice, Vote};
use alloc::boxed::Box;
use alloc::format;
use alloc::vec;
use alloc::vec::Vec;
use tally::VIEWS_AHEAD_MAX;

mod attesting;
mod bad_peers;
mod telling;
mod unknown_history;

const DELAY: u64 = 2;

/// A keyed hash in place of signatures: verification is not what is tested here.
struct Keyed;

fn keyed(key: &PublicKey, bytes: &[u8]) -> Signature {
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

/// The database has nothing that the chain does not remember: these tests never say `Applied`.
struct Nothing;

impl Branch for Nothing {
    fn has_proof(&self, _: &Hash) -> bool {
        false
    }

    fn has_statement(&self, _: &Hash) -> bool {
        false
    }
}

struct Node {
    consensus: Consensus,
    pacemaker: Pacemaker,
    election: Election,
    log: Vec<Record>,
    finals: Vec<Hash>,
    proofs: Vec<Hash>,
    refused: Vec<Hash>,
    views: u64,
}

struct Network {
    settings: Vec<Settings>,
    base: Base,
    nodes: Vec<Option<Node>>,
    now: u64,
    queue: VecDeque<(u64, usize, usize, Message)>,
    /// Messages are lost between these.
    cut: BTreeSet<(usize, usize)>,
}

impl Network {
    fn new(stakes: &[u64]) -> Network {
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
            proofs_max: 100,
            block_size_max: 10,
            idle_block_interval: Millis(10_000),
            clock_tolerance: Millis(10_000),
            log_records_max: LOG_RECORDS_MAX,
        };
        let settings = (0..stakes.len()).map(settings).collect();
        let nodes = stakes.iter().map(|_| None).collect();
        let mut network = Network { settings, base, nodes, now: 1_000, queue: VecDeque::new(), cut: BTreeSet::new() };
        for index in 0..stakes.len() {
            network.start(index, vec![Record::Unknown(UnknownHistory::New)]);
        }
        network
    }

    fn start(&mut self, index: usize, records: Vec<Record>) {
        let settings = self.settings[index].clone();
        let key = settings.set.get(settings.me).unwrap().key;
        let now = self.time();
        let pace = PacemakerSettings {
            timeout_max: Millis(10_000),
            view_change_timeout: Millis(5_000),
            idle_block_interval: settings.idle_block_interval,
        };
        let (set, me) = (settings.set.clone(), settings.me);
        let (consensus, output) =
            Consensus::recover(settings, Box::new(key), Box::new(Nothing), self.base.clone(), records.clone(), now);
        self.nodes[index] = Some(Node {
            consensus,
            pacemaker: Pacemaker::new(set.clone(), me, pace, now.local),
            election: Election::new(set, me, now.local),
            log: records,
            finals: Vec::new(),
            proofs: Vec::new(),
            refused: Vec::new(),
            views: 0,
        });
        self.carry_out(index, output);
        for other in (0..self.nodes.len()).filter(|other| *other != index) {
            if self.nodes[other].is_some() {
                self.connect(index, other);
            }
        }
    }

    fn connect(&mut self, a: usize, b: usize) {
        for (one, other) in [(a, b), (b, a)] {
            let peer = ValidatorIndex(other as u16);
            let node = self.nodes[one].as_mut().unwrap();
            node.pacemaker.on_session(Millis(self.now), peer, Millis(DELAY));
            node.election.on_session_opened(peer);
            self.input(one, Input::SessionOpened(peer));
        }
    }

    /// Ends a node; what remains of it is its log.
    fn stop(&mut self, index: usize) -> Vec<Record> {
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

    fn time(&self) -> Time {
        Time { local: Millis(self.now), wall: Millis(1_000_000 + self.now) }
    }

    fn input(&mut self, index: usize, input: Input) {
        let now = self.time();
        let Some(node) = &mut self.nodes[index] else { return };
        let output = node.consensus.step(now, input);
        self.carry_out(index, output);
    }

    fn carry_out(&mut self, index: usize, output: Output) {
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
                Effect::Halt(halt) => panic!("node {index} halted: {halt}"),
                Effect::Need { .. } | Effect::Serve { .. } | Effect::Shorten(_) | Effect::Reconnect => {}
            }
        }
        inputs.into_iter().for_each(|input| self.input(index, input));
    }

    /// Lets virtual time pass.
    fn run(&mut self, span: u64) {
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

    fn deliver(&mut self, from: usize, to: usize, message: Message) {
        let settings = self.settings[to].clone();
        let checker =
            Checker { set: &settings.set, schedule: &settings.schedule, genesis: settings.genesis, signatures: &Keyed };
        let verified = checker.message(message).expect("honest validators commit no faults");
        self.input(to, Input::Peer(ValidatorIndex(from as u16), verified));
    }

    fn confirm(&mut self, index: usize, proof: u8) {
        let word = Word::Confirmed(ResourceCount(1_000));
        let proof = Hash([proof; 32]);
        self.input(index, Input::Checked(vec![Checked { proof, statement: proof, word }]));
    }

    fn confirm_everywhere(&mut self, proof: u8) {
        (0..self.nodes.len()).for_each(|index| self.confirm(index, proof));
    }

    fn node(&self, index: usize) -> &Node {
        self.nodes[index].as_ref().unwrap()
    }

    fn is_final_everywhere(&self, proof: u8) -> bool {
        self.nodes.iter().flatten().all(|node| node.proofs.contains(&Hash([proof; 32])))
    }

    fn assert_agreement(&self) {
        let longest = self.nodes.iter().flatten().map(|node| &node.finals).max_by_key(|finals| finals.len()).unwrap();
        for node in self.nodes.iter().flatten() {
            assert_eq!(node.finals, longest[..node.finals.len()]);
        }
    }
}

#[test]
fn a_confirmed_proof_becomes_final_everywhere_within_a_few_delays() {
    let mut network = Network::new(&[10; 4]);
    network.run(20);
    network.confirm_everywhere(1);
    network.run(12 * DELAY);
    assert!(network.is_final_everywhere(1));
    network.assert_agreement();
}

#[test]
fn the_chain_goes_on_proof_after_proof_and_pays() {
    let mut network = Network::new(&[10; 4]);
    network.run(20);
    for proof in 1..=40 {
        network.confirm_everywhere(proof);
        network.run(12 * DELAY);
        assert!(network.is_final_everywhere(proof), "proof {proof}");
    }
    network.assert_agreement();
    assert!(network.node(0).consensus.chain.base_ledger().paid() > Amount(0));
}

#[test]
fn an_idle_chain_makes_no_views_but_for_the_idle_block() {
    let mut network = Network::new(&[10; 4]);
    network.run(9_000);
    assert_eq!(network.node(0).views, 1);
    network.run(2_000);
    assert!(!network.node(0).finals.is_empty(), "an empty block at the idle interval");
    network.run(50_000);
    assert!(network.node(0).finals.len() >= 5, "and one at every further interval");
    let gave_up = |record: &Record| matches!(record, Record::Vote(vote) if vote.ballot.choice == Choice::ViewChange);
    assert!(!network.node(0).log.iter().any(gave_up), "no view change for want of work");
}

/// Seen on a real idle network: Commit votes that came later than two round times looked like work, and the clock that
/// they had started went on when they were there.
#[test]
fn a_late_commit_certificate_ends_no_idle_view() {
    let mut network = Network::new(&[10; 4]);
    while network.node(0).views < 2 {
        network.run(1);
    }
    let mut late = VecDeque::new();
    // Two round times are not known yet: half the timer stands for them.
    for _ in 0..200 {
        let (held, others) = network.queue.drain(..).partition(|(_, _, to, _)| *to == 0);
        let held: VecDeque<_> = held;
        late.extend(held);
        network.queue = others;
        network.run(1);
    }
    assert!(network.node(0).consensus.is_stranded());
    let now = network.now;
    network.queue.extend(late.into_iter().map(|(_, from, to, message)| (now, from, to, message)));
    network.run(5_000);
    let gave_up = |record: &Record| matches!(record, Record::Vote(vote) if vote.ballot.choice == Choice::ViewChange);
    assert!(network.nodes.iter().flatten().all(|node| !node.log.iter().any(gave_up)));
}

#[test]
fn a_single_validator_makes_blocks_alone() {
    let mut network = Network::new(&[10]);
    network.confirm(0, 1);
    network.run(100);
    assert!(network.is_final_everywhere(1));
}

#[test]
fn three_of_four_go_on_and_the_fourth_catches_up_from_its_log() {
    let mut network = Network::new(&[10; 4]);
    network.run(20);
    network.confirm_everywhere(1);
    network.run(100);
    let log = network.stop(3);
    for proof in 2..=6 {
        network.confirm_everywhere(proof);
        network.run(3_000);
        assert!(network.is_final_everywhere(proof), "proof {proof} with one of four down");
    }
    network.start(3, log);
    network.run(3_000);
    network.confirm_everywhere(7);
    network.run(3_000);
    assert!(network.node(0).proofs.contains(&Hash([7; 32])));
    network.assert_agreement();
}

#[test]
fn two_of_four_halt_and_go_on_when_the_others_return() {
    let mut network = Network::new(&[10; 4]);
    network.run(20);
    let logs = [network.stop(2), network.stop(3)];
    (0..2).for_each(|index| network.confirm(index, 1));
    network.run(20_000);
    assert!(network.node(0).proofs.is_empty(), "two of four are no quorum");
    for (index, log) in (2..4).zip(logs) {
        network.start(index, log);
        network.confirm(index, 1);
    }
    network.run(2_000);
    assert!(network.is_final_everywhere(1));
    network.assert_agreement();
}

#[test]
fn a_proof_that_a_third_refutes_is_refused_and_stops_nobody() {
    let mut network = Network::new(&[10; 4]);
    network.run(20);
    let proof = Hash([1; 32]);
    for index in 0..4 {
        let word = if index < 2 { Word::Refuted } else { Word::Confirmed(ResourceCount(5)) };
        network.input(index, Input::Checked(vec![Checked { proof, statement: proof, word }]));
    }
    network.confirm_everywhere(2);
    network.run(50);
    assert!(network.is_final_everywhere(2));
    assert!((0..4).all(|index| network.node(index).refused == [proof]));
}

#[test]
fn a_lost_log_signs_nothing_until_the_others_told_where_they_are() {
    let mut network = Network::new(&[10; 4]);
    network.run(20);
    network.confirm_everywhere(1);
    network.run(100);
    network.stop(3);
    network.cut = (0..4).flat_map(|other| [(3, other), (other, 3)]).collect();
    network.start(3, vec![Record::Unknown(UnknownHistory::Lost)]);
    network.run(1_000);
    assert!(!network.node(3).log.iter().any(|record| matches!(record, Record::Vote(_) | Record::Proposal(_))));
    network.cut.clear();
    network.run(1_000);
    assert!(
        floor_of(network.node(3)).is_some_and(|floor| floor > network.node(0).consensus.certificates.commit_view())
    );
}

/// The first floor in a node's log.
fn floor_of(node: &Node) -> Option<View> {
    node.log.iter().find_map(|record| match record {
        Record::Floor(floor) => Some(*floor),
        _ => None,
    })
}

/// A log that lost every vote; the blocks and certificates stand for what the database and other validators have.
fn without_votes(log: Vec<Record>) -> Vec<Record> {
    let kept = log.into_iter().flat_map(|record| match record {
        Record::Proposal(proposal) => vec![Record::Block(proposal.block)],
        Record::Block(_) | Record::Certificate(_) => vec![record],
        Record::Vote(_) | Record::Floor(_) | Record::Unknown(_) => vec![],
    });
    [Record::Unknown(UnknownHistory::Lost)].into_iter().chain(kept).collect()
}

/// Where a third of the stake or more is one validator's, the others cannot leave a view without its vote in it.
#[test]
fn a_network_that_needs_the_lost_one_goes_on_when_the_operator_takes_the_risk() {
    for count in 1..=3 {
        let mut network = Network::new(&vec![10; count]);
        network.run(20);
        for proof in 1..=3 {
            network.confirm_everywhere(proof);
            network.run(200);
            assert!(network.is_final_everywhere(proof), "{count} validators, proof {proof}");
        }
        let last = count - 1;
        let log = without_votes(network.stop(last));
        network.run(15_000);
        network.start(last, log.clone());
        network.run(2_000);
        assert!(!network.node(last).consensus.safety.may_sign(), "{count} validators: the operator decides");
        network.stop(last);
        network.start(last, log);
        network.input(last, Input::AcceptUnknownHistory);
        network.confirm_everywhere(4);
        network.run(3_000);
        assert!(network.node(last).proofs.contains(&Hash([4; 32])), "{count} validators go on");
        network.assert_agreement();
    }
}

/// What others hold of the lost one's votes is never contradicted, whatever risk was taken.
#[test]
fn told_votes_are_taken_into_a_log_whose_loss_the_operator_accepts() {
    let mut network = Network::new(&[10; 3]);
    network.run(20);
    // Only the third is heard, which gives up on an idle view and then loses its log.
    network.cut = [(0, 1), (1, 0), (0, 2), (1, 2)].into();
    network.run(12_000);
    let given_up: Vec<Vote> = network.node(0).consensus.tally.newest_of(ValidatorIndex(2)).collect();
    assert!(!given_up.is_empty());
    network.stop(2);
    network.cut = [(0, 1), (1, 0)].into();
    network.start(2, vec![Record::Unknown(UnknownHistory::Lost)]);
    network.input(2, Input::AcceptUnknownHistory);
    network.run(20);
    let log = &network.node(2).log;
    for vote in given_up {
        let place = log.iter().position(|record| *record == Record::Vote(vote));
        let floor = log.iter().position(|record| matches!(record, Record::Floor(_)));
        assert!(place.is_some() && place < floor, "{vote:?} in {log:?}");
    }
}

#[test]
fn a_restarted_leader_sends_the_same_proposal_again() {
    let mut network = Network::new(&[10; 4]);
    network.run(20);
    let leader = network.settings[0].schedule.leader(View(1)).as_usize();
    network.cut = (0..4).map(|other| (leader, other)).collect();
    network.confirm_everywhere(1);
    network.run(10);
    let proposals = |log: &[Record]| -> Vec<Record> {
        log.iter().filter(|record| matches!(record, Record::Proposal(_))).cloned().collect()
    };
    let log = network.stop(leader);
    assert_eq!(proposals(&log).len(), 1);
    network.cut.clear();
    network.start(leader, log.clone());
    network.confirm(leader, 1);
    network.run(1_000);
    let mine = |record: &&Record| matches!(record, Record::Proposal(p) if p.vote.voter.as_usize() == leader && p.view() == View(1));
    let again: Vec<_> = network.node(leader).log.iter().filter(mine).collect();
    assert_eq!(again.len(), 1, "R3: one record, sent again identically");
    assert!(network.is_final_everywhere(1));
}

#[test]
fn a_final_block_with_another_root_halts() {
    let halt = Halt::OtherStateRoot { sequence: Sequence(3), id: Hash::ZERO, theirs: Hash::ZERO, mine: Hash([1; 32]) };
    assert!(format!("{halt}").contains("restore it from another validator"));
}
