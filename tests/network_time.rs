//! A validator whose wall clock is wrong, or jumps: the others go on, it loses its own turns or votes at most, and everybody's
//! status says so.

mod network_support;

use network_support::audit::{Signed, agree, audit, signed_by};
use network_support::faults::Faults;
use network_support::proofs::Submitter;
use network_support::{Network, say, until};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

const HOUR: i64 = 3_600;
/// On a machine that does other things too; the measured one is printed.
const PAUSE_MAX: Duration = Duration::from_secs(5);

#[test]
fn a_clock_that_is_an_hour_wrong_or_jumps_costs_its_own_turns_and_votes_only() {
    let mut network = Network::new(4);
    let faults = match Faults::of(&mut network.nodes[3]) {
        Ok(faults) => faults,
        Err(why) => return say(format_args!("NOT RUN: {why}")),
    };
    // Wrong from the start, then a jump of two hours under load, then right again.
    faults.clock_is_ahead(HOUR);
    network.start_all();
    let submitter = Submitter::new(network.chain());
    for (ahead, words, leads, votes) in [
        (HOUR, "s ahead of the others' median", false, true),
        (-HOUR, "s behind the others' median", true, false),
        (0, "agrees with the others", true, true),
    ] {
        faults.clock_is_ahead(ahead);
        let is = |ms: &Value, ahead: i64| ms.as_i64().is_some_and(|ms| (ms - ahead * 1_000).abs() < 2_000);
        until("its status tells how wrong its clock is", || {
            is(&network.nodes[3].status()["clock_ahead_ms"], ahead).then_some(())
        });
        until("the others' status tells it, and that their own is right", || {
            let status = network.nodes[0].status();
            let peer = status["peers"].as_array()?.iter().find(|peer| peer["node_id"] == "node_4")?;
            (is(&peer["clock_ahead_ms"], ahead) && is(&status["clock_ahead_ms"], 0)).then_some(())
        });
        let shown = network.pop(&["status", "--node", &network.nodes[3].http.to_string()]);
        let shown = String::from_utf8_lossy(&shown.stdout).into_owned();
        let line = shown.lines().find(|line| line.contains("Clock: ")).unwrap_or_default();
        assert!(line.contains(words), "{line:?} in {shown}");

        // What was proposed before the jump is over.
        let settled = submitter.submit(&network.nodes[0]);
        network.nodes.iter_mut().for_each(|node| _ = node.await_final(&settled));
        let from = network.nodes[0].sequence() + 3;
        let mut longest = Duration::ZERO;
        until("blocks become final", || {
            let begun = Instant::now();
            // Also through the one whose clock is wrong.
            let turn = usize::from(network.nodes[0].sequence().is_multiple_of(2)) * 3;
            let proof = submitter.submit(&network.nodes[turn]);
            network.nodes[0].await_final(&proof);
            longest = longest.max(begun.elapsed());
            (network.nodes[0].sequence() >= from + 16).then_some(())
        });
        let blocks = network.nodes[0].blocks(from);
        let led = blocks.iter().filter(|block| block["proposer"] == "node_4").count();
        let signed = blocks.iter().filter(|block| signed_by(block, "node_4")).count();
        say(format_args!(
            "a clock {ahead} s ahead: of {} blocks it led {led} and signed {signed}; the slowest proof took {longest:?}",
            blocks.len()
        ));
        assert!(longest < PAUSE_MAX, "{longest:?}");
        assert!(leads || led == 0, "what it proposes is refused");
        assert!(!votes || signed > 0, "it takes part");
        assert!(votes || signed <= led, "it signs what it proposed itself");
        let highest = network.settle();
        assert!(highest >= from + 16);
    }
    let told = network.nodes[3].log().matches("this machine's clock is wrong").count();
    assert!((1..=2).contains(&told), "it is said when it changes, not every second: {told} times");
    agree(&mut network);
    audit(&mut network, Signed::default());
}

/// Nothing but the header's time depends on the wall clock: sessions are made by one whose clock is years off.
#[test]
fn sessions_do_not_depend_on_the_wall_clock() {
    let mut network = Network::with(4, json!({}));
    let faults = match Faults::of(&mut network.nodes[3]) {
        Ok(faults) => faults,
        Err(why) => return say(format_args!("NOT RUN: {why}")),
    };
    for years in [20, -20] {
        faults.clock_is_ahead(years * 365 * 24 * HOUR);
        network.start_all();
        let proof = Submitter::new(network.chain()).submit(&network.nodes[3]);
        network.nodes.iter_mut().for_each(|node| _ = node.await_final(&proof));
        network.nodes[3].end(network_support::End::Terminate);
    }
}
