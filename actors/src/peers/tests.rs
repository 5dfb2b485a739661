//! The protocol's messages on the wire: whatever an honest validator may say fits its kind's limit, and only what is
//! verified passes the gate.

use super::gate::{Admitted, Committed, Gate, Receiver};
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
use protocol::validator::sessions::{Session, SessionNumber};
use protocol::verify::{LateCommit, Verified};
use protocol::vote::{Ballot, Choice, Vote, VoteKind};
use std::sync::Arc;

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

/// What came through the gate: messages, and views of late Commits.
#[derive(Default)]
struct Collector(Mutex<Vec<Message>>, Mutex<Vec<View>>);

impl Receiver for Arc<Collector> {
    fn deliver(&self, _: Session, message: Verified<Message>) {
        self.0.lock().push(message.into_inner());
    }
    fn late(&self, _: Session, late: LateCommit) {
        self.1.lock().push(late.view());
    }
    fn opened(&self, _: Session) {}
    fn closed(&self, _: Session) {}
}

/// The first session with a validator.
fn session(peer: u16) -> Session {
    Session { peer: ValidatorIndex(peer), number: SessionNumber(1) }
}

#[test]
fn only_a_message_whose_signature_holds_passes_the_gate() {
    let key = SigningKey::from_bytes(&[7; 32]);
    let validator = Validator { node_id: NodeId::new("node_1").unwrap(), key: public_key(&key), stake: Stake(1) };
    let set = Arc::new(ValidatorSet::new(HASH, Epoch(0), vec![validator]).unwrap());
    let schedule = Arc::new(Schedule::new(&set, &HASH));
    let collector = Arc::<Collector>::default();
    let gate = Gate::new(Arc::clone(&set), schedule, HASH, Arc::default(), Arc::clone(&collector));
    let ballot = Ballot { epoch: Epoch(0), view: View(1), choice: Choice::ViewChange };
    let good = Message::Vote { vote: Vote::sign(&set, &key, ValidatorIndex(0), ballot), reason: None };
    let forged = Vote { voter: ValidatorIndex(0), ballot, signature: SIGNATURE };
    gate.deliver(session(0), gate.verify(ValidatorIndex(0), good.clone()).unwrap());
    let fault = gate.verify(ValidatorIndex(0), Message::Vote { vote: forged, reason: None }).unwrap_err().to_string();
    assert!(fault.contains("signature of voter 0"), "{fault}");
    assert_eq!(*collector.0.lock(), [good]);
}

/// Four validators with their keys, and a gate before them.
struct Four {
    keys: Vec<SigningKey>,
    set: Arc<ValidatorSet>,
    schedule: Arc<Schedule>,
    committed: Arc<Committed>,
    gate: Gate<Arc<Collector>>,
    received: Arc<Collector>,
}

const CHAIN: Hash = Hash([5; 32]);
const GENESIS: Hash = Hash([6; 32]);

impl Four {
    fn new() -> Four {
        let keys: Vec<_> = (1..=4).map(|number| SigningKey::from_bytes(&[number; 32])).collect();
        let validator = |(number, key): (usize, &SigningKey)| Validator {
            node_id: NodeId::new(&format!("node_{number}")).unwrap(),
            key: public_key(key),
            stake: Stake(10),
        };
        let validators = keys.iter().enumerate().map(validator).collect();
        let set = Arc::new(ValidatorSet::new(CHAIN, Epoch(1), validators).unwrap());
        let schedule = Arc::new(Schedule::new(&set, &HASH));
        let committed = Arc::<Committed>::default();
        let received = Arc::<Collector>::default();
        let gate = Gate::new(set.clone(), schedule.clone(), GENESIS, committed.clone(), received.clone());
        Four { keys, set, schedule, committed, gate, received }
    }

    fn vote(&self, voter: u16, ballot: Ballot) -> Vote {
        Vote::sign(&self.set, &self.keys[usize::from(voter % 4)], ValidatorIndex(voter), ballot)
    }

    fn certificate(&self, voters: &[u16], ballot: Ballot) -> Certificate {
        let signatures = voters.iter().map(|voter| (ValidatorIndex(*voter), self.vote(*voter, ballot).signature));
        Certificate { ballot, signatures: signatures.collect() }
    }

    /// A block on the genesis, empty.
    fn block(&self, sequence: u64, parent: Hash) -> Block {
        let body = Body::default();
        let (chain, epoch, digest) = (CHAIN, Epoch(1), body.digest());
        let header = Header {
            chain,
            epoch,
            sequence: Sequence(sequence),
            parent,
            time: Millis(1),
            body: digest,
            state: Hash::ZERO,
        };
        Block { header, body }
    }

    /// The leader's own proposal of this block in that view.
    fn proposal(&self, view: u64, block: Block) -> Proposal {
        let ballot = Ballot { epoch: Epoch(1), view: View(view), choice: Choice::Prepare(block.id()) };
        let vote = self.vote(self.schedule.leader(View(view)).0, ballot);
        Proposal { block, parent: None, skipped: Vec::new(), vote }
    }

    #[track_caller]
    fn refuses(&self, message: Message, words: &str) {
        let fault = self.gate.verify(ValidatorIndex(0), message).expect_err(words).to_string();
        assert!(fault.contains(words), "{words:?} is not in {fault:?}");
    }
}

fn on(view: u64, choice: Choice) -> Ballot {
    Ballot { epoch: Epoch(1), view: View(view), choice }
}

#[test]
fn votes_and_certificates_that_break_a_rule_do_not_pass_the_gate() {
    let four = Four::new();
    let ballot = on(3, Choice::ViewChange);
    let bare = |vote| Message::Vote { vote, reason: None };
    four.gate.verify(ValidatorIndex(0), bare(four.vote(2, ballot))).unwrap();
    four.refuses(bare(Vote { voter: ValidatorIndex(1), ..four.vote(2, ballot) }), "signature of voter 1");
    four.refuses(bare(four.vote(4, ballot)), "voter 4 is not in the validator set");
    four.refuses(bare(four.vote(2, Ballot { epoch: Epoch(2), ..ballot })), "epoch 2, the epoch is 1");
    four.refuses(bare(four.vote(2, on(0, Choice::ViewChange))), "view 0");
    let other = Vote { ballot: on(4, Choice::ViewChange), ..four.vote(2, ballot) };
    four.refuses(bare(other), "signature of voter 2");

    let whole = |voters: &[u16]| Message::Certificate(four.certificate(voters, ballot));
    four.gate.verify(ValidatorIndex(0), whole(&[0, 1, 3])).unwrap();
    four.refuses(whole(&[0, 1]), "no quorum");
    four.refuses(whole(&[]), "no quorum");
    four.refuses(whole(&[0, 1, 1]), "no quorum, or not in order");
    four.refuses(whole(&[0, 1, 2, 2]), "no quorum, or not in order");
    four.refuses(whole(&[1, 0, 2]), "not in order");
    four.refuses(whole(&[0, 1, 2, 9]), "voter 9");
    let mut forged = four.certificate(&[0, 1, 2], ballot);
    forged.signatures[2].1 = SIGNATURE;
    four.refuses(Message::Certificate(forged.clone()), "signature of voter 2");
    let later = four.certificate(&[0, 1, 2], Ballot { epoch: Epoch(2), ..ballot });
    four.refuses(Message::Certificate(later.clone()), "epoch 2");
    let good = four.certificate(&[0, 1, 2], ballot);
    four.refuses(Message::Certificates(vec![good.clone(), forged]), "signature of voter 2");
    four.refuses(Message::Certificates(vec![good.clone(); limits::CERTIFICATES_MAX + 1]), "at most 64");
    let testimony = |entry, yours| Message::Testimony(Testimony { lost: false, view: View(3), entry, yours });
    four.gate.verify(ValidatorIndex(0), testimony(Some(good), vec![four.vote(2, ballot)])).unwrap();
    four.refuses(testimony(Some(later), Vec::new()), "epoch 2");
    four.refuses(testimony(None, vec![four.vote(2, ballot); limits::TESTIMONY_VOTES_MAX + 1]), "at most 8");
}

#[test]
fn proposals_that_break_a_rule_do_not_pass_the_gate() {
    let four = Four::new();
    let pass = |proposal| Message::Proposal(Box::new(proposal));
    let first = four.block(1, GENESIS);
    let good = four.proposal(1, first.clone());
    four.gate.verify(ValidatorIndex(0), pass(good.clone())).unwrap();
    let usurper = (0..4).find(|index| ValidatorIndex(*index) != four.schedule.leader(View(1))).unwrap();
    let usurped = Proposal { vote: four.vote(usurper, good.vote.ballot), ..good.clone() };
    four.refuses(pass(usurped), "whose leader is");
    four.refuses(pass(Proposal { block: four.block(2, GENESIS), ..good.clone() }), "not a Prepare for its block");
    let committed = Vote { ballot: on(1, Choice::Commit(first.id())), ..good.vote };
    four.refuses(pass(Proposal { vote: committed, ..good.clone() }), "not a Prepare for its block");
    four.refuses(pass(four.proposal(1, four.block(1, HASH))), "another block");

    let second = four.proposal(5, four.block(2, first.id()));
    let parent = Some(four.certificate(&[0, 1, 2], on(1, Choice::Prepare(first.id()))));
    let skip = |view: &u64| four.certificate(&[0, 1, 2], on(*view, Choice::ViewChange));
    let with = |views: &[u64]| {
        let skipped = views.iter().map(skip).collect();
        Proposal { parent: parent.clone(), skipped, ..second.clone() }
    };
    four.gate.verify(ValidatorIndex(0), pass(with(&[2, 3, 4]))).unwrap();
    four.refuses(pass(with(&[3, 2])), "not in order");
    four.refuses(pass(with(&[1])), "not in order");
    four.refuses(pass(with(&[5])), "not in order");
    four.refuses(pass(with(&[2; limits::SKIPPED_MAX + 1])), "at most 16");
    let prepare = four.certificate(&[0, 1, 2], on(3, Choice::Prepare(HASH)));
    four.refuses(pass(Proposal { skipped: vec![prepare], ..with(&[]) }), "another kind");
    let few = Some(four.certificate(&[0, 1], on(1, Choice::Prepare(first.id()))));
    four.refuses(pass(Proposal { parent: few, ..second.clone() }), "no quorum");
    let late = Some(four.certificate(&[0, 1, 2], on(7, Choice::Prepare(first.id()))));
    four.refuses(pass(Proposal { parent: late, ..second }), "not in order");
}

#[test]
fn blocks_that_break_a_rule_do_not_pass_the_gate() {
    let four = Four::new();
    let (first, commit) =
        (four.block(1, GENESIS), |block: &Block| Some(four.certificate(&[0, 1, 2], on(1, Choice::Commit(block.id())))));
    let second = four.block(2, first.id());
    let blocks =
        |blocks: &[&Block], commit| Message::Blocks { blocks: blocks.iter().copied().cloned().collect(), commit };
    four.gate.verify(ValidatorIndex(0), blocks(&[&first, &second], commit(&second))).unwrap();
    four.refuses(blocks(&[&second, &first], None), "do not follow each other");
    four.refuses(blocks(&[&first, &second], commit(&first)), "do not follow each other");
    let prepared = Some(four.certificate(&[0, 1, 2], on(1, Choice::Prepare(first.id()))));
    four.refuses(blocks(&[&first], prepared), "another kind");
    let mut foreign = first.clone();
    foreign.header.chain = HASH;
    four.refuses(blocks(&[&foreign], None), "another chain or epoch");
    let mut later = first.clone();
    later.header.epoch = Epoch(2);
    four.refuses(blocks(&[&later], None), "another chain or epoch");
    let mut other = first.clone();
    other.body.proofs.push(Entry { proof: HASH, statement: HASH, difficulty: ResourceCount(1) });
    four.refuses(blocks(&[&other], None), "another body");
    let forged = CarriedVote { voter: ValidatorIndex(0), epoch: Epoch(1), view: View(1), signature: SIGNATURE };
    let mut carrying = four.block(2, first.id());
    carrying.body.carried.push(Carried { block: first.id(), votes: vec![forged] });
    carrying.header.body = carrying.body.digest();
    four.refuses(blocks(&[&carrying], None), "signature of voter 0");
    four.refuses(blocks(&[&first; limits::BLOCKS_MAX + 1], None), "at most 64");
}

#[test]
fn signatures_are_counted_by_what_they_were_of_and_once() {
    let recorder = crate::metrics::recorder().unwrap().build_recorder();
    let four = ::metrics::with_local_recorder(&recorder, Four::new);
    let counted = || -> Vec<(String, u64)> {
        let page = recorder.handle().render();
        let lines = page.lines().filter_map(|line| line.strip_prefix("pop_signatures_checked_total{kind=\""));
        let count = |line: &str| {
            let (kind, count) = line.split_once("\"} ")?;
            Some((kind.to_owned(), count.parse().ok()?)).filter(|(_, count)| *count > 0)
        };
        lines.filter_map(count).collect()
    };
    let pass = |from, message| four.gate.verify(ValidatorIndex(from), message).map(drop);
    let vote = |voter, choice| Message::Vote { vote: four.vote(voter, on(3, choice)), reason: None };
    pass(2, vote(2, Choice::Prepare(HASH))).unwrap();
    pass(0, vote(2, Choice::Prepare(HASH))).unwrap();
    pass(0, vote(1, Choice::Prepare(HASH))).unwrap();
    pass(1, vote(1, Choice::ViewChange)).unwrap();
    // One of its three is known, and one that does not hold costs as much as one that does.
    pass(0, Message::Certificate(four.certificate(&[0, 1, 2], on(3, Choice::ViewChange)))).unwrap();
    let forged = Vote { signature: SIGNATURE, ..four.vote(3, on(3, Choice::ViewChange)) };
    pass(3, Message::Vote { vote: forged, reason: None }).unwrap_err();
    let kind = |kind: &str, count| (kind.to_owned(), count);
    let mut seen = counted();
    seen.sort();
    let expected = [kind("certificate", 2), kind("relayed_vote", 1), kind("view_change", 2), kind("vote", 1)];
    assert_eq!(seen, expected, "a vote that was known is not calculated again");
}

/// T3: a Commit's signature is left alone only where nothing depends on it.
#[test]
fn a_commit_is_not_checked_only_from_its_voter_for_a_view_that_is_committed() {
    let four = Four::new();
    let on = |view, choice| Ballot { epoch: Epoch(1), view: View(view), choice };
    let forged = |ballot, voter| Message::Vote {
        vote: Vote { ballot, voter: ValidatorIndex(voter), signature: SIGNATURE },
        reason: None,
    };
    let commit = on(5, Choice::Commit(HASH));
    let bad = "signature of voter 1";
    let refuses = |from, message, words: &str| {
        let fault = four.gate.verify(ValidatorIndex(from), message).expect_err(words).to_string();
        assert!(fault.contains(words), "{fault}");
    };
    four.committed.set(View(4));
    refuses(1, forged(commit, 1), bad);
    four.committed.set(View(5));
    let Ok(Admitted::Late(late)) = four.gate.verify(ValidatorIndex(1), forged(commit, 1)) else {
        panic!("it is late, whatever its signature is")
    };
    assert_eq!((late.voter(), late.view()), (ValidatorIndex(1), View(5)));
    // One that somebody else says would show where its voter never was.
    refuses(0, forged(commit, 1), bad);
    // Other kinds count, or are carried, after their certificate, too.
    refuses(1, forged(on(5, Choice::Prepare(HASH)), 1), bad);
    refuses(1, forged(on(5, Choice::ViewChange), 1), bad);
    refuses(1, forged(Ballot { epoch: Epoch(2), ..commit }, 1), "epoch");
    refuses(1, forged(on(0, Choice::Commit(HASH)), 1), "view 0");
    refuses(9, forged(commit, 9), "not in the validator set");
    // It costs its voter no signature to say it again: it is heard once for each view.
    four.committed.set(View(7));
    for view in [5, 6, 6, 5, 7, 7, 6] {
        let admitted =
            four.gate.verify(ValidatorIndex(1), forged(on(view, Choice::Commit(HASH)), 1)).expect("it is late");
        four.gate.deliver(session(1), admitted);
    }
    assert_eq!(*four.received.1.lock(), [View(5), View(6), View(7)]);
    // The actor was restarted and knows less than before.
    four.committed.set(View(0));
    refuses(1, forged(commit, 1), bad);
}
