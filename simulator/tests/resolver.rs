//! Directed cases of what is asked for when it is missing. Random schedules hardly exercise them.

use protocol::message::{Message, limits};
use protocol::types::{Millis, ValidatorIndex};
use protocol::vote::{Choice, VoteKind};
use simulator::world::World;
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::rc::Rc;

const SEED: u64 = 7;
const FOUR: [u64; 4] = [10; 4];
const N: [ValidatorIndex; 4] = [ValidatorIndex(0), ValidatorIndex(1), ValidatorIndex(2), ValidatorIndex(3)];

fn second(seconds: u64) -> Millis {
    Millis(1_000 * seconds)
}

/// Requests that validators sent, as they were seen on the wire.
type Requests = Rc<RefCell<Vec<(ValidatorIndex, Message)>>>;

fn note(requests: &Requests, from: ValidatorIndex, message: &Message) {
    if matches!(message, Message::CertificateRequest { .. } | Message::BlockRequest { .. }) {
        requests.borrow_mut().push((from, message.clone()));
    }
}

/// Lets everything pass, and notes what is asked for.
fn watch(world: &mut World) -> Requests {
    let requests = Requests::default();
    let seen = requests.clone();
    world.filter(Box::new(move |from, _, message| {
        note(&seen, from, message);
        true
    }));
    requests
}

fn block_requests(requests: &Requests, by: ValidatorIndex) -> usize {
    let is_one =
        |(from, message): &&(ValidatorIndex, Message)| *from == by && matches!(message, Message::BlockRequest { .. });
    requests.borrow().iter().filter(is_one).count()
}

#[test]
fn who_was_away_for_many_blocks_fetches_them_by_range() {
    let mut world = World::directed(&FOUR, SEED).unwrap();
    world.down(N[3]);
    while world.at(N[0]).sequence.0 < 3 * limits::BLOCKS_MAX as u64 {
        world.give(N[0]).unwrap();
        world.run_for(second(1)).unwrap();
    }
    let requests = watch(&mut world);
    world.up(N[3]).unwrap();
    world.run_for(second(5)).unwrap();
    assert!(world.at(N[3]).sequence.0 >= 3 * limits::BLOCKS_MAX as u64, "{:?}", world.at(N[3]));
    let asked = block_requests(&requests, N[3]);
    assert!((3..=24).contains(&asked), "{asked} requests for {} blocks", 3 * limits::BLOCKS_MAX);
    // It takes part: without it there is no quorum.
    world.down(N[2]);
    let proof = world.give(N[0]).unwrap();
    world.run_for(second(15)).unwrap();
    assert!(world.is_final(&proof));
}

#[test]
fn after_a_long_halt_view_change_certificates_are_fetched_by_range() {
    let mut world = World::directed(&FOUR, SEED).unwrap();
    world.down(N[3]);
    let before = world.at(N[0]).commit_view.0;
    // No proposal arrives: every view ends by its timer.
    world.filter(Box::new(|_, _, message| !matches!(message, Message::Proposal(_))));
    let proof = world.give(N[0]).unwrap();
    while world.at(N[0]).view.0 < before + 2 * limits::CERTIFICATES_MAX as u64 + 10 {
        world.run_for(second(1)).unwrap();
    }
    assert!(!world.is_final(&proof));
    world.down(N[2]);
    world.up(N[3]).unwrap();
    let requests = watch(&mut world);
    world.run_for(second(20)).unwrap();
    assert!(
        world.is_final(&proof),
        "{:?}",
        N[..2].iter().chain(&N[3..]).map(|node| world.at(*node)).collect::<Vec<_>>()
    );
    let ranges: BTreeSet<_> = requests
        .borrow()
        .iter()
        .filter_map(|(from, message)| match message {
            Message::CertificateRequest { kind: VoteKind::ViewChange, from: first, to } if *from == N[3] => {
                Some((*first, *to))
            }
            _ => None,
        })
        .collect();
    assert!(ranges.len() >= 2, "more than one answer holds: {ranges:?}");
}

#[test]
fn the_missing_body_of_a_prepared_parent_is_fetched() {
    let mut world = World::directed(&FOUR, SEED).unwrap();
    // Blocks are prepared and none is committed; validator 3 hears of the certificates only.
    world.filter(Box::new(|_, to, message| match message {
        Message::Proposal(_) | Message::Blocks { .. } => to != N[3],
        Message::Vote { vote, .. } => !matches!(vote.ballot.choice, Choice::Commit(_)),
        _ => true,
    }));
    let first = world.give(N[0]).unwrap();
    world.run_for(second(2)).unwrap();
    assert!(!world.is_final(&first) && world.at(N[3]).prepared > 0, "{:?}", world.at(N[3]));
    // Now it is needed, and nobody proposes that block again.
    world.down(N[2]);
    let requests = watch(&mut world);
    let second_proof = world.give(N[0]).unwrap();
    world.run_for(second(20)).unwrap();
    assert!(world.is_final(&first) && world.is_final(&second_proof));
    assert!(block_requests(&requests, N[3]) > 0);
}

/// A view has a Prepare and a ViewChange certificate. Validator 0 has only the first, and the others, who have only the
/// second, build past it, after so many views that a proposal does not bring the certificate along.
#[test]
fn certificates_are_asked_for_by_kind() {
    let mut world = World::directed(&FOUR, SEED).unwrap();
    // Validator 0 alone hears of Prepares, until it has a certificate; nothing of it is relayed.
    world.filter(Box::new(|from, to, message| match message {
        Message::Vote { vote, .. } => match vote.ballot.choice {
            Choice::Prepare(_) => to == N[0],
            Choice::Commit(_) => false,
            Choice::ViewChange => true,
        },
        Message::Certificate(certificate) => from != N[0] && to != N[0] && certificate.kind() == VoteKind::ViewChange,
        Message::Certificates(_) => false,
        _ => true,
    }));
    let proof = world.give(N[1]).unwrap();
    let mut waited = 0;
    while world.at(N[0]).prepared == 0 {
        world.run_for(Millis(1)).unwrap();
        waited += 1;
        assert!(waited < 20_000, "validator 0 never saw a Prepare certificate: {:?}", world.at(N[0]));
    }
    let prepared_in = world.at(N[0]).view.previous();
    // The others give up on that view; then on many more, since no proposal arrives.
    world.filter(Box::new(move |from, to, message| match message {
        Message::Vote { vote, .. } => {
            let old = vote.view() <= prepared_in && (to == N[0] || vote.ballot.choice != Choice::ViewChange);
            !old && !matches!(vote.ballot.choice, Choice::Commit(_))
        }
        Message::Certificate(certificate) => from != N[0] && !(to == N[0] && certificate.view() <= prepared_in),
        Message::Proposal(_) | Message::Certificates(_) => false,
        _ => true,
    }));
    let enough = prepared_in.0 + limits::SKIPPED_MAX as u64 + 4;
    waited = 0;
    while N.iter().any(|node| world.at(*node).view.0 < enough) {
        world.run_for(second(1)).unwrap();
        waited += 1;
        let views: Vec<_> = N.iter().map(|node| world.at(*node).view).collect();
        assert!(waited < 200, "views {views:?}, prepared in {prepared_in}");
    }
    // Validator 0 is needed, and others lead.
    world.down(N[3]);
    let requests = Requests::default();
    let seen = requests.clone();
    world.filter(Box::new(move |from, _, message| {
        note(&seen, from, message);
        let of_zero = matches!(message, Message::Proposal(_)) && from == N[0];
        let prepare = matches!(message, Message::Certificate(one) if one.kind() == VoteKind::Prepare
            && one.view() == prepared_in);
        !of_zero && !prepare
    }));
    world.run_for(second(30)).unwrap();
    assert!(world.is_final(&proof), "{:?}", N[..3].iter().map(|node| world.at(*node)).collect::<Vec<_>>());
    let asked = requests.borrow().iter().any(|(from, message)| {
        *from == N[0]
            && matches!(message, Message::CertificateRequest { kind: VoteKind::ViewChange, from: first, to }
                if (*first..=*to).contains(&prepared_in))
    });
    assert!(asked, "validator 0 has a certificate of view {prepared_in}, and asks for the other kind");
}
