//! What is told together, later, or not at all: words, certificates, and a leader's clock.

use super::*;
use crate::vote::VoteKind;

fn gave_up(network: &Network) -> bool {
    let gave_up = |record: &Record| matches!(record, Record::Vote(vote) if vote.ballot.choice == Choice::ViewChange);
    network.nodes.iter().flatten().any(|node| node.log.iter().any(gave_up))
}

/// The words in every message from node 0 to node 1, as they are sent in so many milliseconds.
fn words_sent(network: &mut Network, span: u64) -> Vec<usize> {
    let mut sent = Vec::new();
    for _ in 0..span {
        let now = network.now + DELAY;
        network.run(1);
        let new = network.queue.iter().filter(|(at, from, to, _)| *at > now && (*from, *to) == (0, 1));
        sent.extend(new.filter_map(|(.., message)| match message {
            Message::Checked(words) => Some(words.len()),
            _ => None,
        }));
    }
    sent
}

#[test]
fn the_first_word_goes_at_once_and_the_next_ones_together() {
    let mut network = Network::new(&[10; 4]);
    network.run(20);
    network.confirm(0, 1);
    assert!(network.queue.iter().any(|(.., message)| matches!(message, Message::Checked(words) if words.len() == 1)));
    (2..=50).for_each(|proof| network.confirm(0, proof));
    assert_eq!(words_sent(&mut network, 20), [49]);
}

fn leader(network: &Network) -> usize {
    let consensus = &network.node(0).consensus;
    consensus.leader(consensus.round.view()).as_usize()
}

/// But for the answer to votes that come after their view, which each peer is given at most every 100 ms.
#[test]
fn nobody_is_sent_a_prepare_certificate_that_it_makes_itself() {
    let mut network = Network::new(&[10; 4]);
    network.run(20);
    let mut sent = 0;
    for proof in 1..=20 {
        network.confirm_everywhere(proof);
        for _ in 0..12 * DELAY {
            let now = network.now + DELAY;
            network.run(1);
            sent += network.queue.iter().filter(|(at, .., message)| *at > now && is_prepare(message)).count();
        }
        assert!(network.is_final_everywhere(proof));
    }
    let pairs = 4 * 3;
    let answers_max = pairs * (20 * 12 * DELAY as usize).div_ceil(100);
    assert!(sent <= answers_max && answers_max < 20 * pairs / 3, "{sent}");
}

fn is_prepare(message: &Message) -> bool {
    matches!(message, Message::Certificate(certificate) if certificate.kind() == VoteKind::Prepare)
}

#[test]
fn who_hears_too_few_voters_is_sent_the_certificates_long_before_the_next_status() {
    let mut network = Network::new(&[10; 4]);
    network.run(520);
    let leader = leader(&network);
    let deaf = (leader + 1) % 4;
    network.cut = (0..4).filter(|from| ![leader, deaf].contains(from)).map(|from| (from, deaf)).collect();
    network.confirm_everywhere(1);
    network.run(100);
    assert!(network.is_final_everywhere(1));
}

#[test]
fn a_leader_that_is_still_checking_is_given_a_second() {
    let mut network = Network::new(&[10; 4]);
    network.run(20);
    let leader = leader(&network);
    (0..4).filter(|node| *node != leader).for_each(|node| network.confirm(node, 1));
    network.run(900);
    assert!(!gave_up(&network));
    network.confirm(leader, 1);
    network.run(12 * DELAY);
    assert!(network.is_final_everywhere(1));
    assert!(!gave_up(&network), "it proposed in its own turn");
}

#[test]
fn a_leader_that_never_announces_costs_that_second_and_its_timer() {
    let mut network = Network::new(&[10; 4]);
    network.run(20);
    let leader = leader(&network);
    (0..4).filter(|node| *node != leader).for_each(|node| network.confirm(node, 1));
    network.run(1_000 + 300 + 200);
    let proof = Hash([1; 32]);
    assert!((0..4).filter(|node| *node != leader).all(|node| network.node(node).proofs.contains(&proof)));
}

/// What a node sends in each so many milliseconds, to whom.
fn sent_by(network: &mut Network, index: usize, spans: u64, span: u64) -> Vec<Vec<(usize, Message)>> {
    let mut sent = Vec::new();
    for _ in 0..spans {
        let mut here = Vec::new();
        for _ in 0..span {
            let now = network.now + DELAY;
            network.run(1);
            let new = network.queue.iter().filter(|(at, from, ..)| *at > now && *from == index);
            here.extend(new.map(|(_, _, to, message)| (*to, message.clone())));
        }
        sent.push(here);
    }
    sent
}

fn statuses(sent: &[(usize, Message)]) -> Vec<usize> {
    sent.iter().filter(|(_, message)| matches!(message, Message::Status(_))).map(|(to, _)| *to).collect()
}

/// On an idle chain each wake-up is a part of what a validator costs.
#[test]
fn with_nothing_undecided_nobody_wakes_up_to_tell_it_again() {
    let mut network = Network::new(&[10; 4]);
    network.run(3_020);
    let consensus = &mut network.nodes[0].as_mut().unwrap().consensus;
    let due = consensus.now.local.saturating_add(Millis(1));
    consensus.proofs.attesting().put_off(due);
    assert_eq!(consensus.wakeup(), consensus.statuses.due());
    network.confirm(0, 1);
    let consensus = &mut network.nodes[0].as_mut().unwrap().consensus;
    let due = consensus.proofs.attesting().rebroadcast_due();
    assert!(consensus.wakeup() <= due);
}

/// T1.
#[test]
fn of_many_peers_a_few_at_a_time_are_told_the_status_and_all_within_two_seconds_of_a_view_change() {
    let mut network = Network::new(&[10; 20]);
    network.run(3_000);
    // Nothing is under way: four in every second turn.
    let sent = sent_by(&mut network, 3, 10, 500);
    assert!(sent.iter().all(|sent| statuses(sent).len() <= 4));
    let mut told: Vec<usize> = sent.iter().flat_map(|sent| statuses(sent)).collect();
    told.sort_unstable();
    assert_eq!(told, (0..20).filter(|index| *index != 3).collect::<Vec<_>>());
    // The proposal is lost, and the view with it.
    let leader = leader(&network);
    let view = network.node(3).consensus.round.view();
    network.cut = (0..20).map(|to| (leader, to)).collect();
    network.confirm_everywhere(1);
    while network.node(3).consensus.round.view() == view {
        network.run(1);
    }
    // Whoever agrees is told too, since it may be somebody else who lacks something.
    let hurried = sent_by(&mut network, 3, 4, 500);
    let met: alloc::collections::BTreeSet<usize> = hurried.iter().flat_map(|sent| statuses(sent)).collect();
    assert_eq!(met.len(), 19);
    assert!(hurried.iter().all(|sent| statuses(sent).len() <= 16), "a hundred would send ten thousand");
    network.run(500);
    assert!(sent_by(&mut network, 3, 4, 500).iter().all(|sent| statuses(sent).len() <= 4), "it lacks nothing");
}

/// T1: a status asks for what its sender lacks.
#[test]
fn in_a_crowd_a_lagging_node_reports_to_sixteen_peers_and_its_givers() {
    let mut network = Network::new(&[10; 40]);
    network.run(3_000);
    let deaf = (leader(&network) + 1) % 40;
    let told = |network: &mut Network, span: u64| -> BTreeSet<usize> {
        sent_by(network, deaf, 1, span).iter().flat_map(|sent| statuses(sent)).collect()
    };
    assert!(told(&mut network, 500).len() <= 4);
    // It hears of the proposal, and then nothing.
    let (view, leader) = (network.node(deaf).consensus.round.view(), leader(&network));
    let gives =
        |from: &usize| sync::gives(ValidatorIndex(*from as u16), view, ValidatorIndex(deaf as u16), 40, sync::GIVERS);
    let others = || (0..40).filter(|from| ![leader, deaf].contains(from));
    network.cut = others().map(|from| (from, deaf)).collect();
    network.confirm_everywhere(1);
    while network.node(deaf).consensus.proposals.at(view).is_none() {
        network.run(1);
    }
    network.cut.insert((leader, deaf));
    network.run(100);
    assert_eq!(network.node(deaf).consensus.round.view(), view);
    let told = told(&mut network, 500);
    assert!(told.len() >= 16, "{told:?}");
    assert!(others().filter(gives).all(|giver| told.contains(&giver)), "{told:?}");
    network.cut.clear();
    network.run(2_000);
    assert!(network.is_final_everywhere(1));
}

/// T1: one that is where I am is told every two seconds, one that is elsewhere at every turn, and few peers always.
#[test]
fn who_is_elsewhere_is_told_at_every_turn() {
    for (validators, agreed) in [(10, 1), (9, 4)] {
        let mut network = Network::new(&vec![10; validators]);
        network.run(3_000);
        let deaf = (leader(&network) + validators - 1) % validators;
        network.cut = (0..validators).map(|from| (from, deaf)).collect();
        network.confirm_everywhere(1);
        network.run(1_000);
        let teller = (deaf + 1) % validators;
        assert!(network.node(teller).consensus.round.view() > network.node(deaf).consensus.round.view());
        network.run(2_000);
        let told: Vec<usize> = sent_by(&mut network, teller, 4, 500).iter().flat_map(|sent| statuses(sent)).collect();
        for peer in (0..validators).filter(|peer| *peer != teller) {
            let expected = if peer == deaf { 4 } else { agreed };
            assert_eq!(told.iter().filter(|to| **to == peer).count(), expected, "{validators} validators: {peer}");
        }
    }
}

/// My Prepare for the last block is in no block as long as none follows. Only who proposes next can change that.
#[test]
fn on_an_idle_chain_late_prepares_go_to_the_next_proposers_only() {
    let mut network = Network::new(&[10; 4]);
    network.run(600);
    network.confirm_everywhere(1);
    network.run(200);
    assert!(network.is_final_everywhere(1));
    let proposers: BTreeSet<usize> = {
        let consensus = &network.node(0).consensus;
        [consensus.round.view(), consensus.round.view().next()].map(|view| consensus.leader(view).as_usize()).into()
    };
    for index in 0..4 {
        let sent = sent_by(&mut network, index, 1, 2_000).remove(0);
        let votes = sent.iter().filter(|(_, message)| matches!(message, Message::Vote { .. }));
        let told: BTreeSet<usize> = votes.map(|(to, _)| *to).collect();
        let expected: BTreeSet<usize> = proposers.iter().copied().filter(|peer| *peer != index).collect();
        assert_eq!(told, expected, "from {index}");
    }
}

fn is_view_change(message: &Message) -> bool {
    matches!(message, Message::Certificate(certificate) if certificate.kind() == VoteKind::ViewChange)
}

/// T1: a certificate of O(n) bytes is sent O(n) times and not O(n²) times: by its four givers, and to who was late with a status.
#[test]
fn a_view_change_costs_a_few_certificates_for_each_validator() {
    let mut network = Network::new(&[10; 20]);
    network.run(600);
    let leader = leader(&network);
    network.cut = (0..20).map(|to| (leader, to)).collect();
    network.confirm_everywhere(1);
    let other = (leader + 1) % 20;
    let view = network.node(other).consensus.round.view();
    let mut sent = 0;
    let mut left_for = 0;
    while left_for < 100 {
        let now = network.now + DELAY;
        network.run(1);
        sent += network.queue.iter().filter(|(at, .., message)| *at > now && is_view_change(message)).count();
        left_for += u64::from(network.node(other).consensus.round.view() > view);
    }
    assert!(sent > 0 && sent <= 20 * 6, "{sent} certificates");
    network.run(2_000);
    let others = (0..20).filter(|index| *index != leader);
    assert!(others.map(|index| network.node(index)).all(|node| node.proofs.contains(&Hash([1; 32]))));
}

#[test]
fn who_is_not_given_certificates_by_its_givers_is_given_them_by_others_with_its_next_statuses() {
    let mut network = Network::new(&[10; 20]);
    network.run(2_600);
    let leader = leader(&network);
    let view = network.node(0).consensus.round.view();
    let gives = |from: usize, to: usize| {
        sync::gives(ValidatorIndex(from as u16), view, ValidatorIndex(to as u16), 20, sync::GIVERS)
    };
    let collectors: Vec<usize> = (0..3)
        .map(|ahead| network.node(0).consensus.leader(View(view.0 + ahead)))
        .map(|collector| collector.as_usize())
        .collect();
    let deaf = (0..20).find(|index| !collectors.contains(index)).expect("three collect");
    // Who collects votes, its givers, and as many more that it cannot make the certificate from the other votes.
    let is_giver = |index: &usize| collectors.contains(index) || gives(*index, deaf);
    let others = || (0..20).filter(|index| ![leader, deaf].contains(index));
    let more = others().filter(|index| !is_giver(index)).take(5);
    network.cut = others().filter(is_giver).chain(more).map(|from| (from, deaf)).collect();
    network.confirm_everywhere(1);
    while network.node(deaf).consensus.proposals.at(view).is_none() {
        network.run(1);
    }
    network.cut.insert((leader, deaf));
    network.run(100);
    assert!(!network.node(deaf).proofs.contains(&Hash([1; 32])), "it has neither the votes nor a giver");
    network.run(2_500);
    assert!(network.is_final_everywhere(1));
}

/// Seen with a full mailbox: it asked for the old view for ever, and nobody gave up the one that everybody was in.
#[test]
fn a_follower_that_asks_for_another_view_is_told_where_consensus_is() {
    let mut network = Network::new(&[10; 4]);
    network.run(3_000);
    network.confirm_everywhere(1);
    network.run(1_000);
    let now = network.time();
    let consensus = &mut network.nodes[0].as_mut().unwrap().consensus;
    let view = consensus.round.view();
    assert!(view > View(1));
    let mut asks = |view| {
        let output = consensus.step(now, Input::GiveUp { view, reason: GiveUpReason::Timeout });
        let current = |effect: &Effect| match effect {
            Effect::Notice(Notice::CurrentView { view, .. }) => Some(*view),
            _ => None,
        };
        output.effects.iter().find_map(current)
    };
    assert_eq!(asks(view.previous()), Some(view));
    assert_eq!(asks(view.next()), Some(view), "where a consensus before this one was");
    assert_eq!(asks(view), None, "that is an order");
}
