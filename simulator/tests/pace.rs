//! Directed: how fast views follow each other, where nobody is bad.

use protocol::message::Message;
use protocol::types::{Hash, Millis, ValidatorIndex};
use protocol::vote::Choice;
use simulator::world::World;

const SEED: u64 = 7;
const FOUR: [u64; 4] = [10; 4];
const N: [ValidatorIndex; 4] = [ValidatorIndex(0), ValidatorIndex(1), ValidatorIndex(2), ValidatorIndex(3)];

fn second(seconds: u64) -> Millis {
    Millis(1_000 * seconds)
}

/// How long 200 proofs take, of which each block holds one.
fn two_hundred_blocks(dead: Option<ValidatorIndex>) -> u64 {
    let mut world = World::directed_with(&FOUR, SEED, |scenario| scenario.block_size_max = 1).unwrap();
    dead.into_iter().for_each(|dead| world.down(dead));
    // Its session is known to be lost, and every solver is done.
    let proofs: Vec<Hash> = (0..200).map(|_| world.give(N[0]).unwrap()).collect();
    let began = world.now().0;
    while !proofs.iter().all(|proof| world.is_final(proof)) {
        world.run_for(Millis(10)).unwrap();
        assert!(world.now().0 < began + 120_000, "seed {SEED}");
    }
    world.now().0 - began
}

#[test]
fn one_dead_of_four_leaves_nine_tenths_of_the_throughput() {
    let (all, three) = (two_hundred_blocks(None), two_hundred_blocks(Some(N[3])));
    println!("seed {SEED}: 200 blocks in {all} ms, without the fourth in {three} ms");
    assert!(three * 9 <= all * 10, "seed {SEED}: {all} ms, without the fourth {three} ms");
}

/// Leaders that give up at once, one after the other: without a pause these views would be as many as the network is fast.
#[test]
fn views_that_fail_at_once_do_not_follow_each_other_at_the_networks_speed() {
    let mut world = World::directed(&FOUR, SEED).unwrap();
    // Nobody's block is ever prepared, since every proposal is lost but the leader's own.
    world.filter(Box::new(|_, _, message| !matches!(message, Message::Proposal(_))));
    let proof = world.give(N[0]).unwrap();
    world.run_for(second(2)).unwrap();
    let begun = world.at(N[0]).view.0;
    let until = world.now().0 + 20_000;
    while world.now().0 < until {
        // The leader finds its own proposal wrong as soon as it is out.
        N.iter().for_each(|node| world.give_up_as_leader(*node).unwrap());
        world.run_for(Millis(5)).unwrap();
    }
    let views = world.at(N[0]).view.0 - begun;
    println!("seed {SEED}: {views} views in 20 s");
    assert!(views <= 60, "seed {SEED}: {views} views in 20 s");
    world.unfilter();
    world.run_for(second(10)).unwrap();
    assert!(world.is_final(&proof));
}

/// A block is prepared and nobody's Commit arrives; afterwards nothing is submitted, and the network is quiet.
#[test]
fn a_stranded_block_and_a_quiet_network_recover() {
    let mut world = World::directed(&FOUR, SEED).unwrap();
    world.filter(Box::new(|_, _, message| match message {
        Message::Vote { vote, .. } => !matches!(vote.ballot.choice, Choice::Commit(_)),
        Message::Proposal(proposal) => proposal.block.header.sequence.0 < 2,
        _ => true,
    }));
    let proof = world.give(N[0]).unwrap();
    world.run_for(second(20)).unwrap();
    assert!(!world.is_final(&proof) && world.at(N[0]).prepared == 1, "{:?}", world.at(N[0]));
    let failed = world.at(N[0]).view.0;
    println!("seed {SEED}: {failed} views in 20 s with a stranded block");
    assert!(failed <= 12, "seed {SEED}: {failed} views in 20 s");
    world.unfilter();
    world.run_for(second(5)).unwrap();
    assert!(world.is_final(&proof), "seed {SEED}: {:?}", world.at(N[0]));
}
