//! The protocol's messages on the wire: whatever an honest validator may say fits its kind's limit, and only what is
//! verified passes the gate.

use super::gate::{Gate, Receiver};
use crate::network::frames::{MESSAGE_KIND_MIN, decode, encode};
use crate::network::outbox::{BULK_BYTES_MAX, URGENT_BYTES_MAX};
use crate::network::{Lane, PeerMessage, Sink};
use ed25519_dalek::SigningKey;
use parking_lot::Mutex;
use protocol::block::{Block, Body, Carried, CarriedVote, Entry, Header};
use protocol::certificate::Certificate;
use protocol::message::{Message, Proposal, Status, Testimony, VoterSet, Word, limits};
use protocol::quorum::{Validator, ValidatorSet};
use protocol::schedule::Schedule;
use protocol::signature::public_key;
use protocol::types::{Epoch, Hash, Millis, NodeId, ResourceCount, Sequence, Signature, Stake, ValidatorIndex, View};
use protocol::verify::Verified;
use protocol::vote::{Ballot, Choice, Vote, VoteKind};
use std::sync::Arc;
use std::time::Duration;

const HASH: Hash = Hash([0xff; 32]);
const SIGNATURE: Signature = Signature([0xff; 64]);
const VIEW: View = View(u64::MAX);

fn ballot() -> Ballot {
    Ballot { epoch: Epoch(u64::MAX), view: VIEW, choice: Choice::Prepare(HASH) }
}

fn vote() -> Vote {
    Vote { ballot: ballot(), voter: ValidatorIndex(u16::MAX), signature: SIGNATURE }
}

fn certificate(validators: usize) -> Certificate {
    Certificate { ballot: ballot(), signatures: vec![(ValidatorIndex(u16::MAX), SIGNATURE); validators] }
}

fn block(validators: usize) -> Block {
    let vote =
        CarriedVote { voter: ValidatorIndex(u16::MAX), epoch: Epoch(u64::MAX), view: VIEW, signature: SIGNATURE };
    let entry = Entry { proof: HASH, statement: HASH, difficulty: ResourceCount(u64::MAX) };
    let header = Header {
        chain: HASH,
        epoch: Epoch(u64::MAX),
        sequence: Sequence(u64::MAX),
        parent: HASH,
        time: Millis(u64::MAX),
        body: HASH,
        state: HASH,
    };
    let carried = vec![Carried { block: HASH, votes: vec![vote; validators] }; protocol::ledger::WINDOW];
    Block { header, body: Body { proofs: vec![entry; limits::BLOCK_PROOFS_MAX], carried } }
}

/// The longest message of each kind that the protocol's own limits allow, but for those that hold several bodies.
fn longest(validators: usize) -> Vec<Message> {
    let certificate = certificate(validators);
    let voters: VoterSet = (0..validators as u16).map(ValidatorIndex).collect();
    vec![
        Message::Proposal(Box::new(Proposal {
            block: block(validators),
            parent: Some(certificate.clone()),
            skipped: vec![certificate.clone(); limits::SKIPPED_MAX],
            vote: vote(),
        })),
        Message::Vote { vote: vote(), reason: Some(protocol::message::GiveUpReason::ProofNotConfirmed(HASH)) },
        Message::Certificate(certificate.clone()),
        Message::Status(Status {
            view: VIEW,
            commit: VIEW,
            prepare: VIEW,
            sequence: Sequence(u64::MAX),
            proposal: true,
            prepares: voters.clone(),
            commits: voters.clone(),
            view_changes: voters,
            recovering: true,
        }),
        Message::CertificateRequest { kind: VoteKind::ViewChange, from: VIEW, to: VIEW },
        Message::Certificates(vec![certificate.clone(); limits::CERTIFICATES_MAX]),
        Message::BlockRequest { block: HASH, above: Sequence(u64::MAX) },
        Message::Testimony(Testimony {
            lost: true,
            view: VIEW,
            entry: Some(certificate),
            yours: vec![vote(); limits::TESTIMONY_VOTES_MAX],
        }),
        Message::Checked(vec![(HASH, Word::ConfirmedBeyondSoft(ResourceCount(u64::MAX))); limits::WORDS_MAX]),
        Message::Pending(vec![HASH; limits::IDS_MAX]),
        Message::ProofRequest(vec![HASH; limits::PROOFS_MAX]),
    ]
}

#[test]
fn the_longest_honest_message_of_every_kind_fits_and_comes_back() {
    for validators in [1, 4, 100, 1_000] {
        for message in longest(validators) {
            let encoded = encode(&message, validators).unwrap();
            let back: Message = decode(encoded.kind, &encoded.rule, &encoded.body).unwrap();
            assert!(back == message, "{}", encoded.rule.name);
        }
    }
}

#[test]
fn sixty_four_blocks_of_a_small_network_fit_one_answer() {
    let blocks = vec![block(4); limits::BLOCKS_MAX];
    assert!(encode(&Message::Blocks { blocks, commit: Some(certificate(4)) }, 4).is_ok());
}

#[test]
fn every_rule_fits_its_lane_and_belongs_to_a_kind_of_message() {
    let mut names = std::collections::BTreeSet::new();
    for kind in 0..=u8::MAX {
        let Some(rule) = Message::rule(kind, 1_000) else { continue };
        assert!(kind >= MESSAGE_KIND_MIN);
        assert!(names.insert(rule.name), "{} is named twice", rule.name);
        let lane_max = match rule.lane {
            Lane::Urgent => URGENT_BYTES_MAX,
            Lane::Bulk => BULK_BYTES_MAX,
        };
        assert!(rule.body_bytes_max <= lane_max, "{}", rule.name);
    }
    assert_eq!(names.len(), 13);
}

#[derive(Default)]
struct Collector(Mutex<Vec<Message>>);

impl Receiver for Arc<Collector> {
    fn deliver(&self, _: ValidatorIndex, message: Verified<Message>) {
        self.0.lock().push(message.into_inner());
    }
    fn opened(&self, _: ValidatorIndex, _: Duration) {}
    fn closed(&self, _: ValidatorIndex) {}
}

#[test]
fn only_a_message_whose_signature_holds_passes_the_gate() {
    let key = SigningKey::from_bytes(&[7; 32]);
    let validator = Validator { node_id: NodeId::new("node_1").unwrap(), key: public_key(&key), stake: Stake(1) };
    let set = Arc::new(ValidatorSet::new(HASH, Epoch(0), vec![validator]).unwrap());
    let schedule = Arc::new(Schedule::new(&set, &HASH));
    let collector = Arc::<Collector>::default();
    let gate = Gate::new(Arc::clone(&set), schedule, HASH, Arc::clone(&collector));
    let ballot = Ballot { epoch: Epoch(0), view: View(1), choice: Choice::ViewChange };
    let good = Message::Vote { vote: Vote::sign(&set, &key, ValidatorIndex(0), ballot), reason: None };
    let forged = Vote { voter: ValidatorIndex(0), ballot, signature: SIGNATURE };
    gate.deliver(ValidatorIndex(0), gate.verify(good.clone()).unwrap());
    let fault = gate.verify(Message::Vote { vote: forged, reason: None }).unwrap_err();
    assert!(fault.contains("signature of voter 0"), "{fault}");
    assert_eq!(*collector.0.lock(), [good]);
}
