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
}

/// What a vote to everybody would have shown, certificates and blocks show: who is there, and who is not.
#[test]
fn everybody_sees_who_is_silent_although_few_are_sent_votes() {
    let mut network = crowd();
    let next: Vec<usize> = (0..6).flat_map(|ahead| collectors(&network, View(view(&network).0 + ahead))).collect();
    let mute = (0..CROWD).find(|node| !next.contains(node)).expect("it leads none of the next views");
    network.cut = (0..CROWD).map(|to| (mute, to)).collect();
    for proof in 1..=5 {
        (0..CROWD).filter(|node| *node != mute).for_each(|node| network.confirm(node, proof));
        network.run(1_000);
    }
    for node in (0..CROWD).filter(|node| *node != mute) {
        let is_silent =
            |other: &usize| network.node(node).election.is_silent(Millis(network.now), ValidatorIndex(*other as u16));
        assert_eq!((0..CROWD).filter(is_silent).collect::<Vec<_>>(), [mute], "seen by {node}");
    }
}

/// Runs until everybody has the proposal of a view.
fn proposed_everywhere(network: &mut Network, view: View) {
    network.confirm_everywhere(1);
    while (0..CROWD).any(|node| network.node(node).consensus.proposals.at(view).is_none()) {
        network.run(1);
    }
}

fn is_given_up(message: &Message) -> bool {
    is_vote(message, VoteKind::ViewChange)
}

/// Prepares and Commits that were sent; three for each validator and kind, if nobody needs more.
fn votes(sent: &[(usize, usize, Message)]) -> usize {
    let kinds = [VoteKind::Prepare, VoteKind::Commit];
    sent.iter().filter(|(_, _, message)| kinds.iter().any(|kind| is_vote(message, *kind))).count()
}

/// It proposed, and then its processor stood still: the next leader has the votes.
#[test]
fn a_leader_that_falls_silent_after_its_proposal_costs_no_view_and_no_further_votes() {
    let mut network = crowd();
    let (before, leader) = (view(&network), collectors(&network, view(&network))[0]);
    proposed_everywhere(&mut network, before);
    network.cut = (0..CROWD).map(|to| (leader, to)).collect();
    let sent = sent_until_final(&mut network, 1_000, |node| node != leader);
    assert!(!sent.iter().any(|(_, _, message)| is_given_up(message)), "nobody gave up");
    assert!(votes(&sent) <= 2 * 3 * CROWD, "{}", votes(&sent));
}

/// It proposes and votes as it should, and keeps the certificates, or those of one kind, to itself. If that made everybody send
/// everybody a vote, one bad validator of a crowd would cost as much as all votes to all.
#[test]
fn a_leader_that_withholds_certificates_costs_no_further_votes() {
    for kinds in [&[VoteKind::Commit][..], &[VoteKind::Prepare, VoteKind::Commit]] {
        let mut network = crowd();
        let (before, leader) = (view(&network), collectors(&network, view(&network))[0]);
        network.confirm_everywhere(1);
        let mut sent = 0;
        while !network.is_final_everywhere(1) {
            let now = network.now + DELAY;
            network.run(1);
            let is_withheld = |message: &Message| matches!(message, Message::Certificate(one) if one.view() == before && kinds.contains(&one.kind()));
            network.queue.retain(|(_, from, _, message)| *from != leader || !is_withheld(message));
            let new: Vec<_> = network.queue.iter().filter(|(at, ..)| *at > now).cloned().collect();
            let new: Vec<_> = new.into_iter().map(|(_, from, to, message)| (from, to, message)).collect();
            sent += votes(&new);
            assert!(!new.iter().any(|(_, _, message)| is_given_up(message)), "nobody gives up");
        }
        assert!(sent <= 2 * 3 * CROWD, "{kinds:?} withheld: {sent} votes");
    }
}

/// Its Prepare is lost on the way to all three. It is included all the same, by a later leader: its voter is paid, and seen.
#[test]
fn a_prepare_that_three_leaders_did_not_get_goes_to_those_that_follow() {
    let mut network = crowd();
    let before = view(&network);
    let collectors = collectors(&network, before);
    let voter = (0..CROWD).find(|node| !collectors.contains(node)).expect("three collect");
    network.cut = collectors.iter().map(|collector| (voter, *collector)).collect();
    let is_included = |message: &Message, block: Hash| {
        let Message::Proposal(proposal) = message else { return false };
        let votes = proposal.block.body.carried.iter().filter(|carried| carried.block == block);
        votes.flat_map(|carried| carried.votes()).any(|vote| vote.voter.as_usize() == voter)
    };
    let (mut block, mut included) = (None, false);
    for proof in 1..=8 {
        network.confirm_everywhere(proof);
        while !network.is_final_everywhere(proof) {
            network.run(1);
            block = block.or_else(|| network.node(voter).consensus.proposals.at(before).map(|kept| kept.id));
            included |=
                block.is_some_and(|block| network.queue.iter().any(|(.., message)| is_included(message, block)));
        }
        network.cut.clear();
    }
    assert!(included);
}

/// All three are bad, or cannot be heard: a vote without its certificate goes to everybody.
#[test]
fn without_any_collector_everybody_makes_the_certificates() {
    let mut network = crowd();
    let (before, deaf) = (view(&network), collectors(&network, view(&network)));
    proposed_everywhere(&mut network, before);
    network.cut = deaf.iter().flat_map(|from| (0..CROWD).map(|to| (*from, to))).collect();
    let sent = sent_until_final(&mut network, 1_000, |node| !deaf.contains(&node));
    assert!(!sent.iter().any(|(_, _, message)| is_given_up(message)), "the votes went round before the timer ended");
}

/// What went to everybody once is lost with a session: a status asks for it.
#[test]
fn a_vote_that_went_to_everybody_is_sent_again_to_who_lacks_it() {
    let mut network = crowd();
    let (before, deaf) = (view(&network), collectors(&network, view(&network)));
    proposed_everywhere(&mut network, before);
    let all = || (0..CROWD).flat_map(|from| (0..CROWD).map(move |to| (from, to)));
    network.cut = all().collect();
    let node = (0..CROWD).find(|node| !deaf.contains(node)).expect("three collect");
    while !network.node(node).consensus.uncertified.is_overdue(before) {
        network.run(1);
    }
    network.run(DELAY);
    // Those three stay silent.
    network.cut = deaf.iter().flat_map(|from| (0..CROWD).map(|to| (*from, to))).collect();
    let other = (0..CROWD).rev().find(|other| !deaf.contains(other) && *other != node).expect("three collect");
    let status = network.node(other).consensus.supply().status();
    network.deliver(other, node, Message::Status(status));
    let is_answer = |(_, from, to, message): &(u64, usize, usize, Message)| {
        (*from, *to) == (node, other) && is_vote(message, VoteKind::Prepare)
    };
    assert!(network.queue.iter().any(is_answer));
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
