//! Each form, with texts that would break it if they were written as they are.

use super::*;
use crate::advice::CounterModel;
use crate::check::outcome::Subject;
use crate::check::place::{Place, Source};
use protocol::verdict::{Answer, Claim};
use std::time::Duration;

const HOSTILE: &str = "x\u{1b}[31m\n::error::y%,:<&\">\u{0}";

fn checked(path: &str, outcome: Outcome) -> Checked {
    let claim = Some((Claim::Unsat, ClaimSource::User));
    Checked { claim, cpu_ms: Some(1), ..Checked::without(Subject::file(0, Path::new(path)), outcome) }
}

fn refuted(text: &str) -> Outcome {
    let model = CounterModel { text: Some(text.into()), truncated: false, note: "n".into() };
    Outcome::Refuted { answer: Answer::Sat, counter_model: Some(model) }
}

fn account(all: Vec<Checked>) -> Account {
    let mut account = Account::new(all.len());
    for (file, mut checked) in all.into_iter().enumerate() {
        checked.subject.position.file = file;
        account.add(checked);
    }
    account.elapsed = Duration::from_secs(41);
    account
}

fn all_outcomes() -> Account {
    let mut placed = checked(&format!("a/{HOSTILE}.smt2"), refuted(HOSTILE));
    let source = Source { file: format!("src/{HOSTILE} ä.dfy"), line: 12, column: Some(0) };
    placed.place = Some(Place { source: Some(source), name: Some(HOSTILE.into()) });
    account(vec![
        checked("a/holds.smt2", Outcome::Holds),
        placed,
        checked(
            "b.smt2",
            Outcome::NoVerdict { reason: "memory", message: HOSTILE.into(), progress: Some(HOSTILE.into()) },
        ),
        checked("c.smt2", Outcome::NotAccepted { at: Some((2, 3)), text: HOSTILE.into(), excerpt: None }),
        checked("d.smt2", Outcome::NothingClaimed { why: HOSTILE.into() }),
        checked("/e.smt2", Outcome::Unread { why: HOSTILE.into() }),
    ])
}

#[test]
fn the_sum_is_one_line_as_it_is_documented() {
    let mut account = account(Vec::new());
    account.total = 1_204;
    account.counts = crate::check::account::Counts {
        hold: 1_198,
        known_before: 1_150,
        refuted: 4,
        no_verdict: 2,
        ..Default::default()
    };
    let line = "1,204 obligations: 1,198 hold (1,150 known before), 4 refuted, 2 no verdict, in 41 s";
    assert_eq!(text::sum(&account), line);
    account.interrupted = true;
    account.total = 2_000;
    let begin = "interrupted: 1,204 of 2,000 obligations done: 1,198 hold";
    assert!(text::sum(&account).starts_with(begin), "{}", text::sum(&account));
}

#[test]
fn an_annotation_is_one_line_whatever_is_in_it() {
    let account = all_outcomes();
    let lines = annotations::lines(&account, NoVerdictMeans::Pass);
    assert_eq!(lines.len(), 5, "what holds needs none");
    for line in &lines {
        assert!(line.starts_with("::error file=") || line.starts_with("::warning file="), "{line}");
        assert!(!line.chars().any(|letter| letter.is_control()), "{line:?}");
        let properties = line.split("::").nth(1).unwrap();
        assert!(properties.split(',').all(|property| property.contains('=')), "{line}");
    }
    assert!(lines[0].contains(",line=12,title=") && !lines[0].contains("col="), "a column begins at 1: {}", lines[0]);
    assert!(lines[4].starts_with("::warning file=b.smt2"), "{}", lines[4]);
    assert!(annotations::lines(&account, NoVerdictMeans::Fail)[4].starts_with("::error"));
}

#[test]
fn junit_counts_what_it_lists_and_holds_no_character_that_xml_forbids() {
    for (no_verdict, errors, skipped) in [(NoVerdictMeans::Fail, 4, 0), (NoVerdictMeans::Pass, 3, 1)] {
        let text = junit::document(&all_outcomes(), no_verdict);
        let count = |words: &str| text.matches(words).count();
        assert!(text.contains(&format!("tests=\"6\" failures=\"1\" errors=\"{errors}\"")), "{text}");
        assert_eq!(
            (count("<testcase "), count("<failure "), count("<error "), count("<skipped ")),
            (6, 1, errors, skipped)
        );
        assert!(!text.chars().any(|letter| letter.is_control() && letter != '\n'));
    }
}

#[test]
fn sarif_lists_what_does_not_hold_with_its_level_and_kind() {
    let found = |no_verdict| {
        let document = sarif::document(&all_outcomes(), no_verdict, 2);
        let results = document["runs"][0]["results"].as_array().unwrap().clone();
        let notifications = document["runs"][0]["invocations"][0]["toolExecutionNotifications"].clone();
        (results, notifications)
    };
    let (results, notifications) = found(NoVerdictMeans::Pass);
    let words = |result: &serde_json::Value| {
        ["ruleId", "level", "kind"].map(|key| result[key].as_str().unwrap().to_owned()).join(" ")
    };
    let expected =
        ["refuted error fail", "no_verdict none open", "not_accepted error fail", "nothing_claimed error fail"];
    assert_eq!(results.iter().map(words).collect::<Vec<_>>(), expected);
    assert_eq!(notifications[0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"], "file:///e.smt2");
    let location = &results[0]["locations"][0]["physicalLocation"];
    let uri = location["artifactLocation"]["uri"].as_str().unwrap();
    assert!(uri.starts_with("src/x%1B%5B31m%0A%3A%3Aerror") && uri.ends_with("%20%C3%A4.dfy"), "{uri}");
    assert_eq!(location["region"], serde_json::json!({ "startLine": 12 }));
    assert_eq!(words(&found(NoVerdictMeans::Fail).0[1]), "no_verdict error fail");
}

#[test]
fn the_json_document_has_each_outcome() {
    let document = json::document(&all_outcomes());
    let outcomes = document["obligations"].as_array().unwrap().iter().map(|one| one["outcome"].as_str().unwrap());
    let expected = ["holds", "refuted", "no_verdict", "not_accepted", "nothing_claimed", "unread"];
    assert_eq!(outcomes.collect::<Vec<_>>(), expected);
    assert_eq!((&document["counts"]["hold"], &document["seconds"]), (&1.into(), &41.0.into()));
}
