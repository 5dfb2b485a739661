//! What a leader puts into a block, and how long it waits for more.

use super::*;

const COUNT: ResourceCount = ResourceCount(1_000);

fn checked(proof: u8) -> Checked {
    let proof = Hash([proof; 32]);
    Checked { proof, statement: proof, word: Word::Confirmed(COUNT) }
}

fn leader(network: &Network) -> usize {
    let consensus = &network.node(0).consensus;
    consensus.leader(consensus.round.view()).as_usize()
}

/// Proofs of the blocks that were proposed in this view, of whoever knows of one.
fn proposed(network: &Network, view: View) -> Option<BTreeSet<Hash>> {
    let kept = network.nodes.iter().flatten().find_map(|node| node.consensus.proposals.at(view))?;
    Some(kept.proposal.block.body.proofs.iter().map(|entry| entry.proof).collect())
}

/// Of two proofs that different validators lack, a quorum has announced both. A third one would leave no quorum for all.
#[test]
fn contested_proofs_share_a_block_while_a_quorum_has_announced_all_of_them() {
    let mut network = Network::new(&[10; 7]);
    network.run(3_000);
    let leader = leader(&network);
    let view = network.node(leader).consensus.round.view();
    let others: Vec<usize> = (0..7).filter(|node| *node != leader).collect();
    for (proof, lacks) in [(1, others[0]), (2, others[1]), (3, others[2])] {
        others.iter().filter(|node| **node != lacks).for_each(|node| network.confirm(*node, proof));
    }
    network.run(20);
    network.input(leader, Input::Checked([1, 2, 3].map(checked).into()));
    network.run(20);
    let together = proposed(&network, view).expect("a quorum is ready for each");
    assert_eq!(together.len(), 2, "five of seven have announced both: {together:?}");
    network.run(2_000);
    let is_final = |node: &Node| [1, 2, 3].iter().all(|proof| node.proofs.contains(&Hash([*proof; 32])));
    assert!(network.nodes.iter().flatten().all(is_final));
}

/// A crowd of twenty, in which a quorum has checked one proof and fewer have checked a second.
#[test]
fn a_crowds_leader_waits_some_rounds_for_what_is_being_checked_and_no_longer() {
    let mut network = Network::new(&[10; 20]);
    network.run(3_000);
    network.confirm_everywhere(1);
    network.run(1_000);
    assert!(network.is_final_everywhere(1));
    let leader = leader(&network);
    let view = network.node(leader).consensus.round.view();
    let usual = network.node(leader).consensus.timers.usual_round().0;
    assert!(usual > 0, "a round was seen");
    // Long enough in the view: nobody waits.
    (0..20).filter(|node| *node != (leader + 1) % 20).for_each(|node| network.confirm(node, 2));
    network.run(10);
    assert!(proposed(&network, view).is_some());
    while network.nodes.iter().flatten().any(|node| node.consensus.round.view() == view) {
        network.run(1);
    }
    // As it begins.
    let leader = self::leader(&network);
    let view = network.node(leader).consensus.round.view();
    // The last whose word on the other proof comes: a quorum has announced both by then.
    let slow = if leader == 19 { 18 } else { 19 };
    (0..20).filter(|node| *node != slow).for_each(|node| network.confirm(node, 3));
    let early = |node: &usize| *node < 10 || *node == leader;
    (0..20).filter(early).for_each(|node| network.confirm(node, 4));
    network.run(usual);
    assert_eq!(proposed(&network, view), None, "it gathers");
    (0..20).filter(|node| !early(node)).for_each(|node| network.confirm(node, 4));
    network.run(10);
    let both = proposed(&network, view).expect("a quorum has confirmed the second, too");
    assert_eq!(both.len(), 2, "{both:?}");
    network.run(2_000);
    assert!(network.is_final_everywhere(3) && network.is_final_everywhere(4));
    assert!(network.nodes.iter().flatten().all(|node| node.views < 10), "no view was given up");
}
