//! Who is sent attestations in a crowd, and that nobody waits for them who needs them.

use super::*;
use crate::consensus::proofs::attesting::{SPREADING_INTERVAL, VIEWS_SOON};

/// So many that the leaders of the next views are far less than a third.
const CROWD: usize = 60;

/// Attestations in every message that one node sends in so many milliseconds, by whom they are for.
fn attested(network: &mut Network, from: usize, span: u64) -> BTreeMap<usize, usize> {
    let mut sent = BTreeMap::new();
    for _ in 0..span {
        let now = network.now + DELAY;
        network.run(1);
        for (at, by, to, message) in &network.queue {
            if let (true, Message::Checked(words)) = (*at > now && *by == from, message) {
                *sent.entry(*to).or_default() += words.len();
            }
        }
    }
    sent
}

/// A network whose sessions are no longer new, and a node that leads none of the next views.
fn crowd() -> (Network, usize) {
    let mut network = Network::new(&[10; CROWD]);
    network.run(3_000);
    let soon = next_leaders(&network, 30);
    let far = (0..CROWD).find(|node| !soon.contains(node)).expect("some lead none of the next thirty");
    (network, far)
}

fn next_leaders(network: &Network, views: u64) -> BTreeSet<usize> {
    let consensus = &network.node(0).consensus;
    (0..views).map(|ahead| consensus.leader(View(consensus.round.view().0 + ahead)).as_usize()).collect()
}

/// It is handed to one node in one message: sent in the same step, so looked for in the queue.
fn sent_at_once(network: &Network, from: usize) -> BTreeSet<usize> {
    let sent = network.queue.iter().filter(|(_, by, _, message)| *by == from && matches!(message, Message::Checked(_)));
    sent.map(|(_, _, to, _)| *to).collect()
}

#[test]
fn a_ready_goes_to_the_leaders_of_the_next_views_at_once_and_to_others_as_they_become_such() {
    let (mut network, far) = crowd();
    let soon = next_leaders(&network, VIEWS_SOON);
    assert_eq!(soon.len(), VIEWS_SOON as usize);
    network.confirm(far, 1);
    assert_eq!(sent_at_once(&network, far), soon);
    network.run(20);
    // Three views go by; nobody else confirms the first proof.
    for proof in 2..=4 {
        let view = network.node(0).consensus.round.view();
        network.confirm_everywhere(proof);
        while network.node(far).consensus.round.view() == view {
            network.run(1);
        }
        network.run(100);
    }
    let knows = |network: &Network, node: usize| {
        network.node(node).consensus.proofs.ready().words(&Hash([1; 32])).iter().any(|(by, _)| by.as_usize() == far)
    };
    let now = next_leaders(&network, VIEWS_SOON);
    assert!(now.difference(&soon).count() >= 3, "the window moved on");
    assert!(now.iter().all(|leader| knows(&network, *leader)));
    assert!(now.union(&soon).count() < CROWD - 1);
    let others = (0..CROWD).filter(|node| *node != far && !now.contains(node) && !soon.contains(node));
    assert!(others.into_iter().all(|node| !knows(&network, node)), "and nobody else does");
}

#[test]
fn up_to_seventeen_are_all_sent_everything_at_once() {
    for (validators, everybody) in [(17, true), (18, false)] {
        let mut network = Network::new(&vec![10; validators]);
        network.run(20);
        network.confirm(0, 1);
        assert_eq!(sent_at_once(&network, 0).len() == validators - 1, everybody, "{validators}");
    }
}

#[test]
fn what_counts_towards_a_refusal_goes_to_everybody_at_once() {
    let (mut network, _) = crowd();
    let proof = Hash([1; 32]);
    let refute = |network: &mut Network, index| {
        network.input(index, Input::Checked(vec![Checked { proof, statement: proof, word: Word::Refuted }]));
    };
    (0..CROWD).for_each(|index| refute(&mut network, index));
    network.run(20);
    assert!(network.nodes.iter().flatten().all(|node| node.refused == [proof]));
}

/// A few know of the work, and the leader of the view is dead with its session open: all the same everybody leaves the view.
#[test]
fn a_dead_leader_of_a_crowd_costs_two_timers() {
    let (mut network, _) = crowd();
    let leader = next_leaders(&network, 1).into_iter().next().expect("each view has a leader");
    network.cut = (0..CROWD).flat_map(|other| [(leader, other), (other, leader)]).collect();
    (0..CROWD).filter(|node| *node != leader).for_each(|node| network.confirm(node, 1));
    // The timer of sixty is 1,200 ms.
    network.run(2 * 1_200 + 200);
    let final_at = |node: usize| network.node(node).proofs.contains(&Hash([1; 32]));
    assert!((0..CROWD).filter(|node| *node != leader).all(final_at));
}

#[test]
fn a_leader_that_missed_one_is_sent_it_again_within_two_seconds() {
    let (mut network, far) = crowd();
    let leader = next_leaders(&network, 1).into_iter().next().expect("each view has a leader");
    network.cut = BTreeSet::from([(far, leader)]);
    network.confirm(far, 1);
    network.run(20);
    let knows = |network: &Network| !network.node(leader).consensus.proofs.ready().words(&Hash([1; 32])).is_empty();
    assert!(!knows(&network));
    network.cut.clear();
    network.run(2_000);
    assert!(knows(&network));
}

#[test]
fn everybody_is_sent_what_is_still_undecided_after_a_while() {
    let (mut network, far) = crowd();
    network.confirm(far, 1);
    network.run(1);
    let overdue = crate::consensus::proofs::attesting::OVERDUE.0;
    let before = attested(&mut network, far, overdue - 100);
    assert!(before.len() < 16, "{before:?}");
    let after = attested(&mut network, far, 16_000);
    assert_eq!(after.len(), CROWD - 1);
}

/// For each proof it is a handful of messages of each validator, where it was one to each other.
#[test]
fn a_proof_costs_a_crowd_few_attestations() {
    let (mut network, _) = crowd();
    network.confirm_everywhere(1);
    let sent: usize = (0..CROWD).map(|from| sent_at_once(&network, from).len()).sum();
    assert!(sent <= CROWD * VIEWS_SOON as usize, "{sent}");
    let mut later = 0;
    while !network.is_final_everywhere(1) {
        let now = network.now + DELAY;
        network.run(1);
        later += network.queue.iter().filter(|(at, .., m)| *at > now && matches!(m, Message::Checked(_))).count();
    }
    assert!(later <= 2 * CROWD, "{later}");
}

/// Safe to say for one bad validator: votes for views that nobody is in cost nothing, and neither does a false status.
#[test]
fn a_view_change_vote_for_another_view_moves_nobody() {
    let (mut network, far) = crowd();
    let set = network.settings[0].set.clone();
    let bad = (far + 1) % CROWD;
    let vote = |view: View| {
        let voter = ValidatorIndex(bad as u16);
        let ballot = Ballot { epoch: set.epoch(), view, choice: Choice::ViewChange };
        Message::Vote { vote: Vote::sign(&set, &set.get(voter).unwrap().key, voter, ballot), reason: None }
    };
    let view = network.node(far).consensus.round.view();
    for other in [View(view.0 + 3), View(u64::MAX)] {
        network.deliver(bad, far, vote(other));
    }
    let soon = next_leaders(&network, VIEWS_SOON);
    network.confirm(far, 1);
    assert_eq!(sent_at_once(&network, far), soon);
    network.run(20);
    network.deliver(bad, far, vote(view));
    network.run(SPREADING_INTERVAL.0);
    network.confirm(far, 2);
    assert_eq!(sent_at_once(&network, far).len(), CROWD - 1, "in its own view everybody is to see the work");
}
