//! Who is sent votes in a crowd, and that no collector is needed.

use super::*;

const CROWD: usize = 40;

fn crowd() -> Network {
    let mut network = Network::new(&[10; CROWD]);
    network.run(3_000);
    network
}

fn view(network: &Network) -> View {
    network.node(0).consensus.round.view()
}

/// Who leads a view, and who else collects its votes.
fn collectors(network: &Network, view: View) -> Vec<usize> {
    (0..3).map(|ahead| network.node(0).consensus.leader(View(view.0 + ahead)).as_usize()).collect()
}

fn is_vote(message: &Message, kind: VoteKind) -> bool {
    matches!(message, Message::Vote { vote, .. } if vote.ballot.choice.kind() == kind)
}

/// Messages that are sent until every honest node's copy of a proof is final, or for so long.
fn sent_until_final(network: &mut Network, span: u64, honest: impl Fn(usize) -> bool) -> Vec<(usize, usize, Message)> {
    let end = network.now + span;
    let mut sent = Vec::new();
    let is_final =
        |network: &Network| (0..CROWD).filter(|node| honest(*node)).all(|node| !network.node(node).proofs.is_empty());
    while network.now < end && !is_final(network) {
        let now = network.now + DELAY;
        network.run(1);
        let new = network.queue.iter().filter(|(at, ..)| *at > now);
        sent.extend(new.map(|(_, from, to, message)| (*from, *to, message.clone())));
    }
    assert!(is_final(network), "not within {span} ms");
    sent
}

#[test]
fn votes_of_a_crowd_go_to_three_and_the_leader_sends_everybody_the_certificates() {
    let mut network = crowd();
    let view = view(&network);
    let collectors = collectors(&network, view);
    network.confirm_everywhere(1);
    let sent = sent_until_final(&mut network, 1_000, |_| true);
    for kind in [VoteKind::Prepare, VoteKind::Commit] {
        let votes: Vec<_> = sent.iter().filter(|(_, _, message)| is_vote(message, kind)).collect();
        assert!(votes.iter().all(|(_, to, _)| collectors.contains(to)), "{kind:?}: {collectors:?}");
        assert!(votes.len() > CROWD && votes.len() <= 3 * CROWD, "{kind:?}: {}", votes.len());
        let is_certificate = |message: &Message| matches!(message, Message::Certificate(one) if one.kind() == kind);
        let certificates = sent.iter().filter(|(_, _, message)| is_certificate(message)).count();
        assert!((CROWD - 1..=CROWD + 3).contains(&certificates), "{kind:?}: {certificates} certificates");
    }
    // What a vote to everybody would have shown: who is alive, and where.
    for node in network.nodes.iter().flatten() {
        let silent =
            (0..CROWD as u16).filter(|index| node.election.is_silent(Millis(network.now), ValidatorIndex(*index)));
        assert_eq!(silent.count(), 0);
    }
}

/// It proposed, and then its processor stood still: the next leader has the votes.
#[test]
fn a_leader_that_falls_silent_after_its_proposal_costs_no_view() {
    let mut network = crowd();
    let (before, leader) = (view(&network), collectors(&network, view(&network))[0]);
    network.confirm_everywhere(1);
    while (0..CROWD).any(|node| network.node(node).consensus.proposals.at(before).is_none()) {
        network.run(1);
    }
    network.cut = (0..CROWD).map(|to| (leader, to)).collect();
    let sent = sent_until_final(&mut network, 1_000, |node| node != leader);
    assert!(!sent.iter().any(|(_, _, message)| is_vote(message, VoteKind::ViewChange)), "nobody gave up");
}

/// All three are bad, or cannot be heard: a vote without its certificate goes to everybody.
#[test]
fn without_any_collector_everybody_makes_the_certificates() {
    let mut network = crowd();
    let (before, deaf) = (view(&network), collectors(&network, view(&network)));
    network.confirm_everywhere(1);
    while (0..CROWD).any(|node| network.node(node).consensus.proposals.at(before).is_none()) {
        network.run(1);
    }
    network.cut = deaf.iter().flat_map(|from| (0..CROWD).map(|to| (*from, to))).collect();
    let sent = sent_until_final(&mut network, 1_000, |node| !deaf.contains(&node));
    let is_given_up = |message: &Message| matches!(message, Message::Vote { vote, .. } if vote.ballot.choice == Choice::ViewChange && vote.view() == before);
    assert!(!sent.iter().any(|(_, _, message)| is_given_up(message)), "the votes went round before the timer ended");
}

#[test]
fn up_to_seventeen_are_all_sent_every_vote() {
    for (validators, everybody) in [(17, true), (18, false)] {
        let mut network = Network::new(&vec![10; validators]);
        network.run(3_000);
        network.confirm_everywhere(1);
        let mut to = BTreeSet::new();
        while !network.is_final_everywhere(1) {
            network.run(1);
            let votes =
                network.queue.iter().filter(|(_, from, _, message)| *from == 5 && is_vote(message, VoteKind::Commit));
            to.extend(votes.map(|(_, _, to, _)| *to));
        }
        assert_eq!(to.len() == validators - 1, everybody, "{validators}: {to:?}");
    }
}
