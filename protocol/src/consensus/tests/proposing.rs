//! What a leader puts into a block, and how long it waits for more.

use super::*;
use crate::block::Block;

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

/// One that announced Ready keeps its Prepare back until the view is over. A vote that comes then helped nobody.
#[test]
fn a_prepare_that_comes_after_its_view_does_not_end_a_suspicion() {
    let mut network = Network::new(&[10; 4]);
    network.run(3_000);
    let leader = leader(&network);
    let view = network.node(leader).consensus.round.view();
    let others: Vec<usize> = (0..4).filter(|node| *node != leader).collect();
    let (bad, lacks) = (others[0], others[1]);
    others.iter().filter(|node| **node != lacks).for_each(|node| network.confirm(*node, 1));
    network.run(20);
    network.cut = (0..4).map(|other| (bad, other)).collect();
    network.input(leader, Input::Checked([checked(1)].into()));
    while network.node(leader).consensus.round.view() == view {
        network.run(1);
        // The bad one gives up with the others, and says nothing else.
        let vote = network.node(bad).consensus.safety.signed().at(view).view_change;
        if let Some(vote) = vote {
            let said = Verified::own(Message::Vote { vote, reason: None });
            network.input(leader, Input::Peer(ValidatorIndex(bad as u16), said));
        }
    }
    let proof = Hash([1; 32]);
    let is_trusted = |network: &Network| {
        let ready = network.node(leader).consensus.proofs.ready();
        ready.trusted(&proof, COUNT).contains(&ValidatorIndex(bad as u16))
    };
    assert!(!is_trusted(&network), "it is suspected");
    let vote = network.node(bad).consensus.safety.signed().at(view).prepare.expect("it checked the block");
    let late = Verified::own(Message::Vote { vote, reason: None });
    network.input(leader, Input::Peer(ValidatorIndex(bad as u16), late));
    assert!(!is_trusted(&network), "and still is");
}

/// The genesis allows so many bytes that three proofs have room beside everybody's votes for the parent.
#[test]
fn a_block_never_has_more_bytes_than_the_genesis_allows() {
    let mut network = Network::new(&[10; 4]);
    let bytes_max = Block::bytes_needed(4) + 2 * 72;
    for index in 0..4 {
        network.settings[index].block.bytes_max = bytes_max;
        let log = network.stop(index);
        network.start(index, log);
    }
    network.run(20);
    (1..=20).for_each(|proof| network.confirm_everywhere(proof));
    network.run(2_000);
    assert!((1..=20).all(|proof| network.is_final_everywhere(proof)));
    let proposals: Vec<Block> = network
        .node(0)
        .log
        .iter()
        .filter_map(|record| match record {
            Record::Proposal(proposal) => Some(proposal.block.clone()),
            _ => None,
        })
        .collect();
    let largest = proposals.iter().map(|block| Block::bytes_of(&block.body)).max().unwrap();
    assert!(largest <= bytes_max && proposals.iter().any(|block| block.body.proofs.len() == 3), "{largest}");
}
