//! Directed cases of the voting core: four validators with a constant delay. Random schedules are the simulator's.

use super::events::{Checked, Effect, Halt, Input, Notice, Record, UnknownHistory};
use super::*;
use crate::message::{GiveUpReason, Proposal, Word};
use crate::types::{Amount, Epoch, Hash, Millis, ResourceCount, Sequence, Signature};
use crate::verify::Verified;
use crate::vote::{Ballot, Choice, Vote};
use alloc::boxed::Box;
use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use alloc::format;
use alloc::vec;
use alloc::vec::Vec;
use network::{DELAY, Network, Node, Unreadable};
use votes::VIEWS_AHEAD_MAX;

mod attesting;
mod bad_peers;
mod collecting;
mod network;
mod proposing;
mod telling;
mod unknown_history;

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
    assert!(network.node(0).consensus.tree.base_ledger().paid() > Amount(0));
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

fn is_stranded(consensus: &Consensus) -> bool {
    consensus.timers.is_stranded(&consensus.scene())
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
    assert!(is_stranded(&network.node(0).consensus));
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
        floor_of(network.node(3))
            .is_some_and(|floor| floor > network.node(0).consensus.votes.certificates().commit_view())
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
    let given_up: Vec<Vote> = network.node(0).consensus.votes.tally().newest_of(ValidatorIndex(2)).collect();
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

/// Whether it leads or follows: what a proof is worth is then not known, so nothing may be signed on it.
#[test]
fn a_database_that_does_not_answer_halts_before_a_vote_rests_on_it() {
    let cases = [0, 1].map(|follows| [Unreadable::Proofs, Unreadable::Statements].map(|what| (follows, what)));
    for (follows, unreadable) in cases.into_iter().flatten() {
        let mut network = Network::new(&[10; 4]);
        network.run(20);
        let consensus = &network.node(0).consensus;
        let leader = consensus.leader(consensus.round.view()).as_usize();
        let index = (leader + follows) % 4;
        let log = network.stop(index);
        network.unreadable = BTreeMap::from([(index, unreadable)]);
        network.start(index, log.clone());
        network.run(20);
        network.confirm_everywhere(1);
        network.run(3_000);
        assert_eq!(network.node(index).halts, [Halt::Database(network::unreadable())]);
        assert_eq!(network.node(index).log, log, "nothing is signed");
        let proof = Hash([1; 32]);
        assert!((0..4).filter(|other| *other != index).all(|other| network.node(other).proofs.contains(&proof)));
    }
}

#[test]
fn a_final_block_with_another_root_halts() {
    let halt = Halt::OtherStateRoot { sequence: Sequence(3), id: Hash::ZERO, theirs: Hash::ZERO, mine: Hash([1; 32]) };
    assert!(format!("{halt}").contains("restore it from another validator"));
}
