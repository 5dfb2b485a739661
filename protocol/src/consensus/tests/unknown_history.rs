//! R12 in the running network: what ends an unknown history, and what must not.

use super::*;
use crate::block::Block;
use crate::certificate::Certificate;
use crate::message::Testimony;
use crate::types::ValidatorIndex;

const TORN: Record = Record::Unknown(UnknownHistory::Torn);
const LOST: Record = Record::Unknown(UnknownHistory::Lost);

fn votes(log: &[Record]) -> usize {
    log.iter().filter(|record| matches!(record, Record::Vote(_) | Record::Proposal(_))).count()
}

fn is_lost(node: &Node) -> bool {
    node.consensus.safety.unknown() == Some(UnknownHistory::Lost)
}

/// Three of four, who hold a vote of the fourth for their present view; the fourth is stopped.
fn network_that_holds_votes_of_three() -> Network {
    let mut network = Network::new(&[10; 4]);
    network.run(20);
    network.confirm_everywhere(1);
    network.run(100);
    let view = network.node(3).consensus.round.view();
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
        floor_of(network.node(3))
            .is_some_and(|floor| floor > network.node(0).consensus.votes.certificates().commit_view())
    );
}

#[test]
fn a_torn_tail_of_a_new_log_leaves_it_new() {
    let mut network = Network::new(&[10; 4]);
    network.stop(3);
    network.cut = (0..4).flat_map(|other| [(3, other), (other, 3)]).collect();
    network.start(3, vec![Record::Unknown(UnknownHistory::New), TORN]);
    assert_eq!(network.node(3).consensus.safety.unknown(), Some(UnknownHistory::New));
}

/// Found by the simulated network, seed 890 of its first version: who had lost its log never heard those who held votes
/// of its present view, and with one more away that was for ever.
#[test]
fn who_lost_its_log_hears_those_who_hold_its_votes() {
    let mut network = network_that_holds_votes_of_three();
    let held = |index: usize| network.node(index).consensus.votes.tally().newest_of(ValidatorIndex(3)).count();
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

const UNCONFIRMED: Record = Record::Unknown(UnknownHistory::Unconfirmed);

/// The log of the fourth as it was on a day, while it signed on after that day and is stopped now.
fn network_with_an_old_log_of_three() -> (Network, Vec<Record>) {
    let mut network = Network::new(&[10; 4]);
    network.run(20);
    network.confirm_everywhere(1);
    network.run(100);
    let old = network.node(3).log.clone();
    for proof in 2..=4 {
        network.confirm_everywhere(proof);
        network.run(100);
    }
    let new = network.stop(3);
    assert!(votes(&new) > votes(&old), "it signed after that day");
    (network, old)
}

#[test]
fn a_log_that_nobody_has_confirmed_yet_signs_nothing() {
    let (mut network, old) = network_with_an_old_log_of_three();
    network.cut = (0..4).flat_map(|other| [(3, other), (other, 3)]).collect();
    network.start(3, old.iter().cloned().chain([UNCONFIRMED]).collect());
    network.run(20_000);
    assert_eq!(votes(&network.node(3).log), votes(&old));
}

/// The others have dropped its newest votes, which are final long since; but their certificates are made of them.
#[test]
fn a_certificate_with_a_vote_that_the_log_lacks_makes_it_a_lost_one() {
    let (mut network, old) = network_with_an_old_log_of_three();
    for other in 0..3 {
        let held = network.node(other).consensus.votes.tally().newest_of(ValidatorIndex(3)).count();
        assert_eq!(held, 0, "the case needs them to hold none of its votes");
    }
    network.start(3, old.iter().cloned().chain([UNCONFIRMED]).collect());
    network.run(20);
    assert!(is_lost(network.node(3)));
    // It asked for new sessions.
    (0..3).for_each(|other| network.connect(3, other));
    network.run(2_000);
    let log = &network.node(3).log;
    let lost = log.iter().position(|record| *record == LOST).expect("it notices");
    assert_eq!(votes(&log[..lost]), votes(&old), "and has signed nothing before");
    let above = network.node(0).consensus.votes.certificates().commit_view();
    let floor = |record: &Record| matches!(record, Record::Floor(floor) if *floor > above);
    assert!(log[lost..].iter().any(floor), "it signs above where the others are");
    network.confirm_everywhere(5);
    network.run(1_000);
    // Here nobody serves final blocks to the fourth.
    assert!((0..3).all(|index| network.node(index).proofs.contains(&Hash([5; 32]))));
    network.assert_agreement();
}

/// Its vote may be in no certificate that is shown: these are made of the first votes that come.
#[test]
fn a_block_that_carries_a_vote_that_the_log_lacks_makes_it_a_lost_one() {
    let (mut network, old) = network_with_an_old_log_of_three();
    let carries = |block: &&Block| {
        let mut votes = block.body.carried.iter().flat_map(|carried| carried.votes());
        votes.any(|vote| vote.voter == ValidatorIndex(3))
    };
    let proposals = || network.node(0).consensus.proposals.iter().map(|(_, kept)| &kept.proposal);
    let block = proposals().map(|proposal| &proposal.block).rfind(carries).expect("its votes are carried").clone();
    let last = proposals().next_back().expect("there is one").clone();
    for message in [
        Message::Blocks { blocks: vec![block.clone()], commit: None },
        Message::Proposal(Box::new(Proposal { block: block.clone(), ..last.clone() })),
    ] {
        network.cut = (0..4).flat_map(|other| [(3, other), (other, 3)]).collect();
        network.start(3, old.iter().cloned().chain([UNCONFIRMED]).collect());
        network.run(10);
        assert!(!is_lost(network.node(3)));
        let consensus = &mut network.nodes[3].as_mut().unwrap().consensus;
        let want = super::super::sync::Want::Block { id: block.id(), above: Sequence(0) };
        consensus.resolver.want(want, Some(ValidatorIndex(0)), []);
        network.input(3, Input::Peer(ValidatorIndex(0), Verified::own(message)));
        assert!(is_lost(network.node(3)));
        network.stop(3);
    }
}

#[test]
fn a_whole_log_is_confirmed_and_signs_on() {
    let mut network = Network::new(&[10; 4]);
    network.run(20);
    network.confirm_everywhere(1);
    network.run(100);
    let log = network.stop(3);
    network.start(3, log.iter().cloned().chain([UNCONFIRMED]).collect());
    network.run(20);
    assert!(network.node(3).consensus.safety.may_sign());
    assert!(!network.node(3).log.contains(&LOST));
    // All at once, as after a power cut.
    let logs: Vec<_> = (0..4).map(|index| network.stop(index)).collect();
    for (index, log) in logs.into_iter().enumerate() {
        network.start(index, log.into_iter().chain([UNCONFIRMED]).collect());
    }
    network.confirm_everywhere(2);
    network.run(1_000);
    assert!(network.is_final_everywhere(2));
}

/// The newest votes of the fourth that anybody holds in the tally are gone with the commits: they are kept apart.
#[test]
fn who_saw_a_later_vote_shows_it_after_it_is_committed() {
    let (network, old) = network_with_an_old_log_of_three();
    let highest = |votes: &mut dyn Iterator<Item = Vote>| votes.map(|vote| vote.view()).max().unwrap();
    let logged = highest(&mut old.iter().filter_map(|record| match record {
        Record::Vote(vote) => Some(*vote),
        _ => None,
    }));
    for other in 0..3 {
        let consensus = &network.node(other).consensus;
        assert_eq!(consensus.votes.tally().newest_of(ValidatorIndex(3)).count(), 0);
        let Message::Testimony(response) = consensus.supply().testimony(ValidatorIndex(3)) else { unreachable!() };
        assert!(highest(&mut response.yours.iter().copied()) > logged, "{response:?}");
        assert!(response.yours.iter().all(|vote| vote.voter == ValidatorIndex(3)));
    }
}

/// Of three peers two have seen nothing; the third, which is the slowest, holds the vote.
#[test]
fn every_peer_with_a_session_is_heard_before_an_old_log_signs() {
    let (mut network, old) = network_with_an_old_log_of_three();
    network.cut = (0..3).map(|other| (other, 3)).collect();
    network.start(3, old.iter().cloned().chain([UNCONFIRMED]).collect());
    let response =
        |network: &Network, from: usize| match network.node(from).consensus.supply().testimony(ValidatorIndex(3)) {
            Message::Testimony(response) => response,
            other => unreachable!("{other:?}"),
        };
    for from in [0, 1] {
        let nothing = Testimony { yours: Vec::new(), entry: None, view: View(1), ..response(&network, from) };
        let said = Verified::own(Message::Testimony(nothing));
        network.input(3, Input::Peer(ValidatorIndex(from as u16), said));
    }
    assert!(!network.node(3).consensus.safety.may_sign(), "the third has a session, and has not responded");
    let said = Verified::own(Message::Testimony(response(&network, 2)));
    network.input(3, Input::Peer(ValidatorIndex(2), said));
    assert!(is_lost(network.node(3)));
}

/// With a bad third one that responds to nothing, two seconds are all that it costs.
#[test]
fn who_never_responds_is_not_awaited_for_longer_than_two_seconds() {
    let mut network = Network::new(&[10; 4]);
    network.run(20);
    let log = network.stop(3);
    network.cut = [(2, 3)].into();
    network.start(3, log.into_iter().chain([UNCONFIRMED]).collect());
    network.run(1_900);
    assert!(!network.node(3).consensus.safety.may_sign());
    network.run(200);
    assert!(network.node(3).consensus.safety.may_sign());
}

/// Between its healing and its floor it reports a view below what it may have signed. If another one that loses its log then counted
/// it, with a third that is bad, that one's floor could lie below its own ViewChange, and it would sign Commit there.
#[test]
fn who_healed_counts_for_others_that_are_lost_only_above_its_own_floor() {
    let mut network = Network::new(&[10; 4]);
    network.run(20);
    network.confirm_everywhere(1);
    network.run(100);
    network.stop(3);
    network.start(3, vec![LOST]);
    network.run(20);
    let says_lost = |network: &Network| match network.node(3).consensus.supply().testimony(ValidatorIndex(2)) {
        Message::Testimony(response) => response.lost,
        other => unreachable!("{other:?}"),
    };
    let floor = network.node(3).consensus.safety.signed().floor();
    assert!(network.node(3).consensus.safety.may_sign(), "it healed");
    assert!(network.node(3).consensus.round.view() <= floor && says_lost(&network), "and is not above its floor");
    let mut proof = 1;
    while network.node(3).consensus.round.view() <= floor {
        proof += 1;
        network.confirm_everywhere(proof);
        network.run(100);
        assert!(proof < 20);
    }
    assert!(!says_lost(&network));
}

/// Its floor lies above everything that it can have signed before, and it knows what it signed since.
#[test]
fn a_vote_above_the_floor_that_others_set_is_another_process_and_ends_this_one() {
    let mut network = Network::new(&[10; 4]);
    network.run(20);
    network.confirm_everywhere(1);
    network.run(100);
    network.stop(3);
    network.start(3, vec![LOST]);
    network.run(20);
    let view = network.node(3).consensus.safety.signed().floor().next();
    let set = network.settings[3].set.clone();
    let key = set.get(ValidatorIndex(3)).unwrap().key;
    let ballot = Ballot { epoch: Epoch(1), view, choice: Choice::ViewChange };
    let vote = Vote::sign(&set, &key, ValidatorIndex(3), ballot);
    let time = network.time();
    let heard = Input::Peer(ValidatorIndex(0), Verified::own(Message::Vote { vote, reason: None }));
    let output = network.nodes[3].as_mut().unwrap().consensus.step(time, heard);
    assert!(output.effects.contains(&Effect::Halt(Halt::Twin { view })), "{:?}", output.effects);
    assert!(!network.node(3).consensus.safety.may_sign());
}
