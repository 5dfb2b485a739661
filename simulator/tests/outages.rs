//! Directed: outages after which a network has to go on by itself.

use protocol::consensus::events::Record;
use protocol::message::Message;
use protocol::types::{Hash, Millis, ValidatorIndex, View};
use protocol::vote::VoteKind;
use simulator::world::World;

const SEED: u64 = 7;
const FOUR: [u64; 4] = [10; 4];
const N: [ValidatorIndex; 4] = [ValidatorIndex(0), ValidatorIndex(1), ValidatorIndex(2), ValidatorIndex(3)];

/// Views that fail.
const CHURN: u64 = 100;

fn second(seconds: u64) -> Millis {
    Millis(1_000 * seconds)
}

/// Nobody proposes for a hundred views, so that everybody's vote log is shortened meanwhile; then the power fails everywhere. With
/// the last proof that was handed in, and the last view before.
fn long_churn_and_power_loss() -> (World, Hash, u64) {
    let mut world = World::directed_with(&FOUR, SEED, |scenario| scenario.log_records_max = 100).unwrap();
    let first = world.give(N[0]).unwrap();
    world.run_for(second(2)).unwrap();
    assert!(world.is_final(&first));
    // Whoever prepares writes them into its log again: that must not happen here.
    world.filter(Box::new(|_, _, message| !matches!(message, Message::Proposal(_) | Message::Checked(_))));
    let proof = world.give(N[0]).unwrap();
    let (begun, shortened) = (world.at(N[0]).view.0, world.shortened());
    while world.at(N[0]).view.0 < begun + CHURN {
        N.iter().for_each(|node| world.give_up(*node).unwrap());
        world.run_for(Millis(50)).unwrap();
    }
    assert!(world.shortened() >= shortened + 4, "seed {SEED}: the case needs short logs");
    N.iter().for_each(|node| world.down(*node));
    world.unfilter();
    (world, proof, begun)
}

fn all_up(world: &mut World) {
    N.iter().for_each(|node| world.up(*node).unwrap());
}

fn states(world: &World) -> Vec<String> {
    N.iter().map(|node| format!("{:?}", world.at(*node))).collect()
}

#[test]
fn a_long_churn_and_a_power_loss_of_all_leave_the_certificates_that_a_proposal_needs() {
    let (mut world, proof, _) = long_churn_and_power_loss();
    all_up(&mut world);
    for node in N {
        assert_eq!(world.at(node).unknown_endings, None, "seed {SEED}, validator {node}");
    }
    world.run_for(second(20)).unwrap();
    assert!(world.is_final(&proof), "seed {SEED}: {:#?}", states(&world));
}

/// As versions did that kept only the certificate by which the view was entered.
fn without_view_change_certificates(log: &mut Vec<Record>) {
    let is_one = |record: &Record| matches!(record, Record::Certificate(one) if one.kind() == VoteKind::ViewChange);
    let last = log.iter().rposition(is_one);
    let mut place = 0;
    let proposals = log.iter().rposition(|record| matches!(record, Record::Proposal(_)));
    for (place, record) in log.iter_mut().enumerate() {
        // The last one may be sent again.
        if let Record::Proposal(proposal) = record
            && Some(place) != proposals
        {
            proposal.skipped.clear();
        }
    }
    log.retain(|record| {
        place += 1;
        !is_one(record) || Some(place - 1) == last
    });
}

#[test]
fn where_nobody_holds_those_certificates_they_are_made_of_the_votes_in_the_logs() {
    let (mut world, proof, begun) = long_churn_and_power_loss();
    N.iter().for_each(|node| world.edit_log(*node, without_view_change_certificates));
    all_up(&mut world);
    for node in N {
        let (first, last) = world.at(node).unknown_endings.expect("the case needs them to be unknown");
        assert!(first.0 <= begun + 1 && last.0 >= begun + CHURN / 2, "seed {SEED}: {first} to {last}");
    }
    world.run_for(second(30)).unwrap();
    assert!(world.is_final(&proof), "seed {SEED}: {:#?}", states(&world));
    assert_eq!(world.at(N[0]).unknown_endings, None);
}

#[test]
fn where_not_even_a_quorum_of_those_votes_comes_everybody_says_so() {
    let (mut world, proof, begun) = long_churn_and_power_loss();
    N.iter().for_each(|node| world.edit_log(*node, without_view_change_certificates));
    let middle = View(begun + CHURN / 2);
    // As if three of them had lost what they voted in one view in the middle of the churn.
    world.filter(Box::new(move |from, _, message| match message {
        Message::Vote { vote, .. } => vote.view() != middle || from == N[3],
        _ => true,
    }));
    all_up(&mut world);
    world.run_for(second(30)).unwrap();
    assert!(!world.is_final(&proof));
    for node in N {
        assert_eq!(world.at(node).unknown_endings, Some((middle, middle)), "seed {SEED}: {:#?}", states(&world));
    }
}

/// R12: at the genesis the fourth has never been there, and the third starts when the others are past view 1. With a floor above what
/// they report it would be silent in the very view that waits for its vote, for ever.
#[test]
fn a_new_validator_votes_in_the_view_that_waits_for_it() {
    let mut world = World::directed_without(&N[2..], &FOUR, SEED).unwrap();
    world.up(N[3]).unwrap();
    world.run_for(second(1)).unwrap();
    let first = world.give(N[0]).unwrap();
    world.run_for(second(5)).unwrap();
    assert!(world.is_final(&first) && world.at(N[0]).view > View(1));
    world.down(N[3]);
    let proof = world.give(N[0]).unwrap();
    world.run_for(second(5)).unwrap();
    assert!(!world.is_final(&proof), "two of four are no quorum");
    world.up(N[2]).unwrap();
    world.run_for(second(20)).unwrap();
    assert!(world.is_final(&proof), "seed {SEED}: {:?}", N[..3].iter().map(|node| world.at(*node)).collect::<Vec<_>>());
}
