//! R12 in the running network: what ends an unknown history, and what must not.

use super::*;
use crate::certificate::Certificate;

const TORN: Record = Record::Unknown(UnknownHistory::Torn);
const LOST: Record = Record::Unknown(UnknownHistory::Lost);

fn votes(log: &[Record]) -> usize {
    log.iter().filter(|record| matches!(record, Record::Vote(_) | Record::Proposal(_))).count()
}

fn is_lost(node: &Node) -> bool {
    node.consensus.history.unknown() == Some(UnknownHistory::Lost)
}

/// Three of four, who hold a vote of the fourth for their present view; the fourth is stopped.
fn network_that_holds_votes_of_three() -> Network {
    let mut network = Network::new(&[10; 4]);
    network.run(20);
    network.confirm_everywhere(1);
    network.run(100);
    let view = network.node(3).consensus.view;
    network.input(3, Input::GiveUp { view, reason: GiveUpReason::Timeout });
    network.run(10);
    network.stop(3);
    network
}

/// Found by the simulated network, seed 585: the batch that would have ended the loss was torn, and the torn tail asked
/// for less than the loss.
#[test]
fn a_torn_tail_does_not_end_a_loss() {
    let mut network = Network::new(&[10; 4]);
    network.run(20);
    network.confirm_everywhere(1);
    network.run(100);
    network.stop(3);
    network.cut = (0..4).flat_map(|other| [(3, other), (other, 3)]).collect();
    network.start(3, vec![LOST, TORN]);
    assert!(is_lost(network.node(3)));
    network.cut.clear();
    network.run(1_000);
    assert!(
        floor_of(network.node(3)).is_some_and(|floor| floor > network.node(0).consensus.certificates.commit_view())
    );
}

#[test]
fn a_torn_tail_of_a_new_log_leaves_it_new() {
    let mut network = Network::new(&[10; 4]);
    network.stop(3);
    network.cut = (0..4).flat_map(|other| [(3, other), (other, 3)]).collect();
    network.start(3, vec![Record::Unknown(UnknownHistory::New), TORN]);
    assert_eq!(network.node(3).consensus.history.unknown(), Some(UnknownHistory::New));
}

/// Found by the simulated network, seed 890 of its first version: who had lost its log never heard those who held votes
/// of its present view, and with one more away that was for ever.
#[test]
fn who_lost_its_log_hears_those_who_hold_its_votes() {
    let mut network = network_that_holds_votes_of_three();
    let held = |index: usize| network.node(index).consensus.tally.newest_of(ValidatorIndex(3)).count();
    assert!((0..3).all(|index| held(index) > 0), "the case needs them to hold its votes");
    // Nothing moves but testimonies: the others may not outgrow those votes.
    network.cut = (0..3).flat_map(|from| (0..3).map(move |to| (from, to))).collect();
    network.start(3, vec![LOST]);
    network.run(2_000);
    assert!(!is_lost(network.node(3)), "a quorum of others told it where they are");
}

/// The view that the floor rests on is told to others that lose their log later: it has to survive a restart.
#[test]
fn where_the_others_were_is_in_the_log_before_the_floor() {
    let mut network = Network::new(&[10; 4]);
    network.run(20);
    for proof in 1..=3 {
        network.confirm_everywhere(proof);
        network.run(100);
    }
    network.stop(3);
    network.start(3, vec![LOST]);
    network.run(20);
    let log = network.stop(3);
    let floor = log.iter().position(|record| matches!(record, Record::Floor(_))).expect("it signs again");
    let Record::Floor(View(above)) = log[floor] else { unreachable!("it was found as one") };
    let entries = log[..floor].iter().filter_map(|record| match record {
        Record::Certificate(certificate) => Some(Certificate::view(certificate)),
        _ => None,
    });
    // The floor is one above the highest view told; that view was entered by a certificate of the one before.
    assert_eq!(entries.max(), Some(View(above - 2)));
    assert_eq!(votes(&log[..floor]), 0);
}
