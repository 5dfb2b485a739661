//! What the node's answers come to; runs before real validators are in `tests/batches.rs`.

use super::wire::Why;
use super::*;
use serde_json::{from_value, json};

const MINE: Hash = Hash([1; 32]);

fn found(value: serde_json::Value) -> Found {
    from_value(value).unwrap()
}

#[test]
fn only_the_very_statement_holds() {
    let answer =
        |statement: Hash| found(json!({"state": "final", "statement": statement, "block": 7, "difficulty": 9}));
    assert_eq!(final_end(&answer(MINE), &MINE), End::Holds { block: 7, resource_count: 9 });
    assert!(matches!(final_end(&answer(Hash([2; 32])), &MINE), End::NoVerdict { .. }), "it is another one");
    let without = found(json!({"state": "final", "block": 7, "difficulty": 9}));
    assert!(matches!(final_end(&without, &MINE), End::NoVerdict { .. }), "it is not said which");
}

#[test]
fn a_refusal_is_no_end_if_only_its_place_was_needed() {
    let refused = |reason: &str| {
        let why = Why { reason: reason.into(), message: "so".into(), line: Some(2), column: Some(3) };
        refused_end(&Found { refusal: Some(why), ..found(json!({"state": "refused"})) })
    };
    assert_eq!((refused("displaced"), refused("full")), (None, None));
    assert!(matches!(refused("refuted"), Some(End::Refuted { .. })));
    let form = End::NotAccepted { line: Some(2), column: Some(3), message: "so".into() };
    assert_eq!(refused("malformed"), Some(form));
    for reason in ["no_verdict", "disputed", "what nobody knows yet"] {
        assert!(matches!(refused(reason), Some(End::NoVerdict { .. })), "{reason}");
    }
}

#[test]
fn obligations_of_one_statement_are_one_job() {
    let asked = |value| Asked { statement: Hash([value; 32]), claim: Claim::Unsat };
    let jobs = jobs(&[asked(1), asked(2), asked(1)]);
    let numbers: Vec<_> = jobs.iter().map(|job| job.numbers.as_slice()).collect();
    assert_eq!(numbers, [&[0, 2][..], &[1]]);
}
