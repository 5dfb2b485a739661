//! Parts of logs: whatever comes of a part, each of its queries ends in exactly one place.

use super::*;
use crate::check::keys::{Keys, hash_of};
use crate::check::outcome::{Position, Subject};
use crate::check::work::OpenLog;
use crate::logs::{ClaimRule, LogFile};
use crate::obligation::{ClaimSource, Reader};
use protocol::types::{Hash, ResourceCount};
use protocol::verdict::{Answer, NoVerdict, SolverPin, VerifierParameters};
use std::path::Path;
use std::sync::Arc;

const BYTES_MAX: u64 = 1 << 20;

/// A log of so many queries, each on a line of its own.
fn log(count: usize) -> Arc<OpenLog> {
    let queries: String = (0..count).map(|n| format!("(push)(assert (> x {n}))(check-sat)(pop)\n")).collect();
    let text = format!("(declare-const x Int)\n{queries}").into_bytes();
    let file = LogFile::from_bytes(Path::new("a.log"), text, ClaimRule::Given(Claim::Unsat), &mut Reader::new(None));
    Arc::new(OpenLog { number: 0, file: file.unwrap() })
}

fn missing(log: &Arc<OpenLog>, index: usize) -> Missing {
    let pin = SolverPin { library: Hash([1; 32]), normaliser_version: 1 };
    let key = Keys::new(pin, VerifierParameters::default()).of_query_in_series(&hash_of(b"x"), Claim::Unsat);
    let position = Position { file: 0, query: index as u32 };
    let subject = Subject { position, ..Subject::file(0, Path::new("a.log")) };
    Missing::of_log(subject, (Claim::Unsat, ClaimSource::User), (key, key), (Arc::clone(log), index))
}

/// The parts of a log whose queries were looked up in the opposite order.
fn parts(count: usize) -> Parts {
    let log = log(count);
    let mut parts = Parts::default();
    let remarks =
        Remarks { number: 0, path: "a.log".into(), obligations: count, queries: count, tool: None, lines: Vec::new() };
    parts.open(&remarks);
    assert!(parts.next(2, BYTES_MAX).is_none(), "nothing is handed out before everything was looked up");
    (0..count).rev().for_each(|index| parts.add(missing(&log, index)));
    parts
}

fn part(parts: &mut Parts) -> Part {
    match parts.next(2, BYTES_MAX) {
        Some(Next::Part(part)) => part,
        Some(Next::Alone(_)) | None => panic!("a part was expected"),
    }
}

fn report(verdict: Verdict) -> Report {
    Report::of(verdict)
}

fn confirmed() -> Report {
    report(Verdict::Confirmed { resource_count: ResourceCount(1), within_soft_limits: false })
}

fn rejected(line: u32) -> Report {
    report(Verdict::Rejected { line, column: 1, text: "no".into() })
}

fn numbers<'a>(queries: impl IntoIterator<Item = &'a Missing>) -> Vec<u32> {
    queries.into_iter().map(|missing| missing.subject.position.query).collect()
}

#[test]
fn parts_are_large_first_and_hold_every_query_once_in_its_order() {
    let mut parts = parts(200);
    let (mut sizes, mut seen) = (Vec::new(), Vec::new());
    while !parts.is_empty() {
        let Part { number, claims, .. } = part(&mut parts);
        sizes.push(claims.len());
        for _ in &claims {
            let told = parts.on_report(number, confirmed());
            let (missing, finding) = told.holds.unwrap();
            assert!(finding.incremental && told.alone.is_empty());
            seen.extend(numbers([&missing]));
        }
        assert!(parts.current(number).is_none() && parts.on_end(number).is_empty());
    }
    assert_eq!(seen, (0..200).collect::<Vec<_>>());
    assert!(sizes[0] == 75 && sizes.is_sorted_by(|before, after| before >= after), "{sizes:?}");
    assert!(sizes[..sizes.len() - 1].iter().all(|size| *size >= PART_MIN), "{sizes:?}");
}

#[test]
fn what_is_not_confirmed_is_checked_alone_and_the_others_go_on() {
    let mut parts = parts(20);
    let Part { number, claims, .. } = part(&mut parts);
    assert_eq!(claims.len(), 16);
    assert!(parts.on_report(number, confirmed()).holds.is_some());
    let refuted = Report {
        answer: Some(Answer::Sat),
        ..report(Verdict::Refuted { answer: Answer::Sat, resource_count: ResourceCount(1) })
    };
    let told = parts.on_report(number, refuted);
    assert_eq!((numbers(&told.alone), told.alone[0].incremental_answer), (vec![1], Some(Answer::Sat)));
    let limit = report(Verdict::NoVerdict { reason: NoVerdict::ProcessorTime { limit_ms: 1 } });
    assert_eq!(numbers(&parts.on_report(number, limit).alone), [2]);
    assert!(parts.on_end(number).is_empty(), "those behind it are another part");
    let Part { number, claims, .. } = part(&mut parts);
    assert_eq!((claims.len(), numbers(parts.current(number))), (13, vec![3]));
}

#[test]
fn a_part_that_led_to_nothing_is_not_tried_again() {
    let mut parts = parts(16);
    let Part { number, .. } = part(&mut parts);
    let limit = report(Verdict::NoVerdict { reason: NoVerdict::Memory { limit_bytes: 1 } });
    assert_eq!(numbers(&parts.on_report(number, limit).alone), [0]);
    assert_eq!(numbers(&parts.on_end(number)), (1..16).collect::<Vec<_>>());
    assert!(parts.is_empty());
}

#[test]
fn a_query_that_is_not_let_through_is_taken_out_of_its_part() {
    let mut parts = parts(16);
    let Part { number, .. } = part(&mut parts);
    // The declaration is the first line, and each query takes four, of which the later ones close the scope before first.
    let line = parts.running[&number].series.lines[3] + 1;
    assert_eq!(numbers(&parts.on_report(number, rejected(line)).alone), [3]);
    assert!(parts.on_end(number).is_empty());
    let Part { number: first, claims, .. } = part(&mut parts);
    assert_eq!((claims.len(), numbers(parts.current(first))), (3, vec![0]));
    let Part { number: second, claims, .. } = part(&mut parts);
    assert_eq!((claims.len(), numbers(parts.current(second))), (12, vec![4]));
    // What all have in common is refused.
    assert_eq!(parts.on_report(second, rejected(1)).alone.len(), 12);
    assert!(parts.on_end(second).is_empty() && parts.ready.is_empty());
}

#[test]
fn queries_that_share_nothing_are_looked_at_a_few_times_each() {
    let count = 5_000;
    let text: String = (0..count).map(|n| format!("(reset)(declare-const x{n} Int)(check-sat)")).collect();
    let file =
        LogFile::from_bytes(Path::new("a.log"), text.into(), ClaimRule::Given(Claim::Unsat), &mut Reader::new(None));
    let log = Arc::new(OpenLog { number: 0, file: file.unwrap() });
    let mut parts = Parts::default();
    parts.ready.add_last((0..count).map(|index| missing(&log, index)).collect());
    let mut seen = Vec::new();
    while let Some(Next::Alone(missing)) = parts.next(2, BYTES_MAX) {
        seen.extend(numbers([&missing]));
    }
    assert!(parts.is_empty() && seen == (0..count as u32).collect::<Vec<_>>());
    assert!(parts.looks <= 3 * count, "{} looks at {count} queries", parts.looks);
}

#[test]
fn a_query_with_nothing_in_common_with_the_next_is_checked_alone() {
    let text =
        b"(declare-const x Int)(assert (> x 0))(check-sat)(reset)(declare-const y Int)(push)(check-sat)".to_vec();
    let file = LogFile::from_bytes(Path::new("a.log"), text, ClaimRule::Given(Claim::Unsat), &mut Reader::new(None));
    let log = Arc::new(OpenLog { number: 0, file: file.unwrap() });
    let mut parts = Parts::default();
    parts.ready.add_last((0..2).map(|index| missing(&log, index)).collect());
    for index in 0..2 {
        let Some(Next::Alone(missing)) = parts.next(2, BYTES_MAX) else { panic!("{index}") };
        assert_eq!(missing.subject.position.query, index);
    }
    assert!(parts.is_empty());
}
