//! What the four ways to a vote let through, and what each records.

use super::*;
use crate::block::{Body, Header};
use crate::consensus::validation::Valid;
use crate::quorum::Validator;
use crate::types::{Epoch, Millis, NodeId, PublicKey, Sequence, Signature, Stake};
use alloc::format;
use alloc::vec;

const ME: ValidatorIndex = ValidatorIndex(0);

struct Key;

impl Signer for Key {
    fn sign(&self, _: &[u8]) -> Signature {
        Signature([7; 64])
    }
}

/// One of four, with a log in this state.
fn safety(log: &[Record]) -> Safety {
    let validators = (0..4).map(|index| Validator {
        node_id: NodeId::new(&format!("node_{index}")).unwrap(),
        key: PublicKey([index; 32]),
        stake: Stake(10),
    });
    let set = Arc::new(ValidatorSet::new(Hash::ZERO, Epoch(1), validators.collect()).unwrap());
    let schedule = Arc::new(Schedule::new(&set, &Hash([5; 32])));
    let mut safety = Safety::new(set, schedule, ME, Box::new(Key));
    log.iter().for_each(|record| safety.restore(record));
    safety
}

fn certificate(view: u64, choice: Choice, signers: u16) -> Certificate {
    let ballot = Ballot { epoch: Epoch(1), view: View(view), choice };
    let signatures = (0..signers).map(|voter| (ValidatorIndex(voter), Signature([0; 64])));
    Certificate { ballot, signatures: signatures.collect() }
}

fn prepared(view: u64) -> Certificate {
    certificate(view, Choice::Prepare(Hash([1; 32])), 3)
}

fn ended(view: u64) -> Certificate {
    certificate(view, Choice::ViewChange, 3)
}

/// An empty block on the genesis, by the leader of the view.
fn proposal(safety: &Safety, view: u64) -> Proposal {
    let body = Body::default();
    let header = Header {
        chain: Hash::ZERO,
        epoch: Epoch(1),
        sequence: Sequence(1),
        parent: Hash::ZERO,
        time: Millis(0),
        body: body.digest(),
        state: Hash::ZERO,
    };
    let ballot = Ballot { epoch: Epoch(1), view: View(view), choice: Choice::Prepare(header.id()) };
    let vote = Vote { ballot, voter: safety.schedule.leader(View(view)), signature: Signature([0; 64]) };
    Proposal { block: Block { header, body }, parent: None, skipped: vec![], vote }
}

fn prepare(safety: &mut Safety, view: u64, timing: Timing, certificates: &Certificates) -> Option<Vote> {
    let proposal = proposal(safety, view);
    let id = proposal.block.id();
    safety.prepare(&Valid::new(&proposal, id, timing), certificates)
}

/// A view that this validator leads.
fn my_view(safety: &Safety) -> u64 {
    (1..).find(|view| safety.schedule.leader(View(*view)) == ME).unwrap()
}

fn draft(safety: &Safety, view: u64) -> Draft {
    let block = proposal(safety, view).block;
    Draft { view: View(view), id: block.id(), block, parent: None, skipped: vec![] }
}

fn all_ended_below(view: u64) -> Certificates {
    let mut certificates = Certificates::default();
    (1..view).for_each(|view| _ = certificates.insert(&ended(view)));
    certificates
}

/// Every way to a vote, in a view that this validator leads.
fn nothing_is_signed(mut safety: Safety) {
    let view = my_view(&safety);
    let certificates = all_ended_below(view);
    assert!(!safety.may_sign());
    assert_eq!(safety.propose(draft(&safety, view), &certificates), None);
    assert_eq!(prepare(&mut safety, view, Timing::InTime, &certificates), None);
    assert_eq!(safety.commit(&prepared(view)), None);
    assert_eq!(safety.view_change(View(1), None), None);
    assert_eq!(safety.take_records(), vec![]);
}

#[test]
fn nothing_is_signed_while_the_history_is_unknown_nor_after_a_halt() {
    for kind in [UnknownHistory::New, UnknownHistory::Lost, UnknownHistory::Torn, UnknownHistory::Unconfirmed] {
        nothing_is_signed(safety(&[Record::Unknown(kind)]));
    }
    let mut lost = safety(&[]);
    let unknown = ended(4).votes().next().expect("a quorum signed it");
    assert_eq!([lost.lose(&unknown), lost.lose(&unknown)], [Loss::Noticed, Loss::Known], "it is lost once");
    assert_eq!(lost.take_records(), [Record::Unknown(UnknownHistory::Lost)]);
    nothing_is_signed(lost);
    let mut halted = safety(&[]);
    halted.halt();
    nothing_is_signed(halted);
}

#[test]
fn a_vote_comes_with_its_justification_recorded_before_it() {
    let mut safety = safety(&[]);
    let entry = ended(4);
    let given_up = safety.view_change(View(5), Some(&entry)).unwrap();
    assert_eq!(safety.take_records(), [Record::Certificate(entry.clone()), Record::Vote(given_up)]);
    let committed = safety.commit(&prepared(6)).unwrap();
    assert_eq!(committed.ballot.choice, Choice::Commit(Hash([1; 32])));
    assert_eq!(safety.take_records(), [Record::Certificate(prepared(6)), Record::Vote(committed)]);
    let certificates = all_ended_below(9);
    let vote = prepare(&mut safety, 9, Timing::InTime, &certificates).unwrap();
    // That of view 4 is in the log already.
    let skipped = [1, 2, 3, 5, 6, 7, 8].map(|view| Record::Certificate(ended(view)));
    let proposal = Record::Proposal(Box::new(proposal(&safety, 9)));
    let expected: Vec<Record> = skipped.into_iter().chain([proposal, Record::Vote(vote)]).collect();
    assert_eq!(safety.take_records(), expected);
}

#[test]
fn no_view_has_a_commit_and_a_view_change_nor_two_of_a_kind() {
    let mut safety = safety(&[]);
    assert!(safety.commit(&prepared(1)).is_some());
    assert_eq!(safety.view_change(View(1), None), None, "R6: never after Commit");
    assert_eq!(safety.commit(&certificate(1, Choice::Prepare(Hash([2; 32])), 3)), None, "R5: once");
    assert!(safety.view_change(View(2), None).is_some());
    assert_eq!(safety.view_change(View(2), None), None);
    assert_eq!(safety.commit(&prepared(2)), None, "R5: never after ViewChange");
    assert_eq!(prepare(&mut safety, 2, Timing::InTime, &all_ended_below(2)), None, "R4: nor Prepare");
    assert!(prepare(&mut safety, 3, Timing::InTime, &all_ended_below(3)).is_some());
    assert_eq!(prepare(&mut safety, 3, Timing::InTime, &all_ended_below(3)), None, "R4: once");
    safety.take_records();
    // What was decided before a restart counts as well.
    let view = my_view(&safety);
    let certificates = all_ended_below(view);
    let mut first = self::safety(&[]);
    first.propose(draft(&first, view), &certificates).unwrap();
    let mut again = self::safety(&first.take_records());
    assert_eq!(again.propose(draft(&again, view), &certificates), None, "R3: one proposal");
}

#[test]
fn nothing_is_signed_at_or_below_the_floor() {
    let mut safety = safety(&[Record::Floor(View(5))]);
    assert_eq!(safety.commit(&prepared(5)), None);
    assert_eq!(safety.view_change(View(5), None), None);
    assert_eq!(prepare(&mut safety, 5, Timing::InTime, &all_ended_below(5)), None);
    assert!(safety.commit(&prepared(6)).is_some());
}

#[test]
#[should_panic(expected = "R4: view 2 is skipped without its end")]
fn a_prepare_without_the_end_of_a_view_between_is_a_fault_of_our_own() {
    let mut certificates = Certificates::default();
    [1, 3].iter().for_each(|view| _ = certificates.insert(&ended(*view)));
    _ = prepare(&mut safety(&[]), 4, Timing::InTime, &certificates);
}

#[test]
fn a_late_prepare_needs_no_ends_of_views_below_the_highest_commit() {
    let certificates = Certificates::default();
    assert!(prepare(&mut safety(&[]), 4, Timing::Late, &certificates).is_some());
}

#[test]
#[should_panic(expected = "R5: a Commit rests on a quorum")]
fn a_commit_on_less_than_a_quorum_is_a_fault_of_our_own() {
    _ = safety(&[]).commit(&certificate(1, Choice::Prepare(Hash::ZERO), 2));
}

#[test]
#[should_panic(expected = "R6: only the current view")]
fn a_view_change_of_another_view_than_the_entered_is_a_fault_of_our_own() {
    _ = safety(&[]).view_change(View(7), Some(&ended(5)));
}

#[test]
#[should_panic(expected = "R3: only the leader")]
fn a_proposal_in_the_view_of_another_is_a_fault_of_our_own() {
    let mut safety = safety(&[]);
    let view = (1..).find(|view| safety.schedule.leader(View(*view)) != ME).unwrap();
    _ = safety.propose(draft(&safety, view), &all_ended_below(view));
}
