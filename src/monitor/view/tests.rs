//! What is shown of health, missing nodes and tolerance.

use super::*;
use crate::monitor::facts::{Status, Trouble};
use crate::monitor::model::tests::{model, say, status, well};

#[test]
fn so_many_may_fail_as_hold_less_than_a_third() {
    assert_eq!(tolerated(vec![10_000; 4]), 1);
    assert_eq!(tolerated(vec![10_000; 3]), 0);
    assert_eq!(tolerated(vec![10_000; 100]), 33);
    assert_eq!(tolerated(vec![40_000, 10_000, 10_000, 10_000]), 0);
    assert_eq!(tolerated(vec![u64::MAX; 4]), 1);
    assert_eq!(tolerated(vec![]), 0);
}

#[test]
fn the_first_line_is_the_nodes_own_and_else_the_monitors() {
    let mut model = model();
    assert_eq!(View::of(&model, Millis(0)).sentence, "STARTING: the nodes are asked how they are");
    well(&mut model, 1_000, 7);
    model.tick(Millis(1_000));
    assert_eq!(View::of(&model, Millis(1_000)).sentence, "HEALTHY: block 7 is final");
    let own = Status {
        health: Some(crate::monitor::facts::Health {
            sentence: "OK: its own words".into(),
            state: "ok".into(),
            ..Default::default()
        }),
        ..status(1, 8, &[2, 3, 4])
    };
    say(&mut model, 2_000, 1, Ok(own));
    let view = View::of(&model, Millis(2_000));
    assert_eq!((view.sentence.as_str(), view.told_by.as_deref()), ("OK: its own words", Some("node_1")));
    (1..=4).for_each(|node| say(&mut model, 3_000, node, Err(Trouble::Refused)));
    model.tick(Millis(3_000));
    let view = View::of(&model, Millis(3_000));
    assert_eq!(view.sentence, "UNREACHABLE: none of the 4 nodes answers");
    assert_eq!((view.network.missing_validators, view.network.active_nodes), (4, 0));
}

#[test]
fn a_silent_node_is_shown_with_why_and_the_rest_goes_on() {
    let mut model = model();
    well(&mut model, 1_000, 7);
    say(&mut model, 2_500, 3, Err(Trouble::TimedOut));
    model.tick(Millis(2_500));
    let view = View::of(&model, Millis(2_500));
    let row = view.validators.iter().find(|row| row.node_id == "node_3").unwrap();
    assert_eq!((row.state, row.answered_ms), ("silent", Some(1_000)));
    assert!(row.why.as_ref().unwrap().contains("hung or stopped"));
    assert_eq!((view.health, view.network.active_nodes, view.network.missing_stake), (Health::Degraded, 3, 0));
}
