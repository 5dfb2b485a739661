//! Each form, with texts that would break it if they were written as they are.

use super::*;
use crate::advice::CounterModel;
use crate::check::explained::{Assertion, Assertions, ExplainedScript, Sought, Vacuity};
use crate::check::outcome::Subject;
use crate::check::place::{Place, Source};
use crate::check::settings::VacuousMeans;
use crate::check::stability::{Came, Run, Stability};
use crate::exit::Exit;
use protocol::seed::Seed;
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
fn a_vacuous_obligation_is_told_and_fails_where_that_is_asked_for() {
    let assertion =
        |line, name: Option<&str>, is_beside_goal| Assertion { line, name: name.map(str::to_owned), is_beside_goal };
    let told = |vacuity, unneeded, contradictory| {
        let assertions = Assertions { total: 9, unneeded, contradictory };
        Some(ExplainedScript { vacuity, assertions: Sought::Found(assertions) })
    };
    let all = || {
        let contradictory = vec![assertion(2, Some(HOSTILE), true), assertion(3, None, true)];
        let vacuous = told(Vacuity::Vacuous, vec![assertion(4, None, true)], contradictory);
        let unneeded = (0..9).map(|line| assertion(line, None, line > 1)).collect();
        let lines = told(Vacuity::Sound, unneeded, Vec::new());
        let background = told(Vacuity::Unknown { why: HOSTILE.into() }, vec![assertion(4, None, false)], Vec::new());
        let holds = |name: &str, explained| Checked { explained, ..checked(name, Outcome::Holds) };
        vec![holds("v.smt2", vacuous), holds("l.smt2", lines), holds("b.smt2", background)]
    };
    let passed = account(all());
    let shown: Vec<_> = passed.checked.iter().map(|one| besides::explanation(one, false)).collect();
    assert_eq!(shown[0][0], besides::VACUOUS);
    assert_eq!(shown[0][1], format!("contradict one another: {HOSTILE} (line 2), line 3"));
    let lines = "not needed: 7 of 9 assertions: line 2, line 3, line 4, line 5, line 6, line 7 and 1 more";
    assert_eq!(shown[1..], [vec![lines.to_owned()], Vec::new()], "a tool's background is nothing to tell");
    assert_eq!(besides::explanation(&passed.checked[2], true)[1], "not needed: 1 of 9 assertions: line 4");
    assert_eq!(passed.exit(NoVerdictMeans::Fail), Exit::Fine);
    assert!(text::sum(&passed).starts_with("3 obligations: 3 hold (1 vacuous), in"), "{}", text::sum(&passed));
    let mut failed = Account::new(3);
    failed.vacuous = VacuousMeans::Fail;
    all().into_iter().for_each(|one| failed.add(one));
    assert_eq!(failed.exit(NoVerdictMeans::Pass), Exit::Refuted, "it is certain, and not for want of a verdict");
    assert!(text::sum(&failed).starts_with("3 obligations: 2 hold, 1 vacuous, in"), "{}", text::sum(&failed));
    let lines = annotations::lines(&failed, NoVerdictMeans::Pass);
    assert!(lines.len() == 1 && lines[0].starts_with("::error file=v.smt2,title=v.smt2::vacuous: "), "{lines:?}");
    assert!(!lines[0].chars().any(char::is_control), "{lines:?}");
    let junit = junit::document(&failed, NoVerdictMeans::Pass);
    assert!(junit.contains("failures=\"1\" errors=\"0\"") && junit.contains("<failure type=\"vacuous\""), "{junit}");
    let sarif = sarif::document(&failed, NoVerdictMeans::Pass, 5);
    let [result] = &sarif["runs"][0]["results"].as_array().unwrap()[..] else { panic!("{sarif}") };
    let rule = &sarif["runs"][0]["tool"]["driver"]["rules"][result["ruleIndex"].as_u64().unwrap() as usize];
    assert_eq!(
        (&result["ruleId"], &result["level"], &rule["id"]),
        (&"vacuous".into(), &"error".into(), &"vacuous".into())
    );
    let document = json::document(&failed);
    assert_eq!(document["obligations"][0]["outcome"], "vacuous");
    assert_eq!(document["obligations"][1]["explained"]["unneeded"].as_array().unwrap().len(), 9, "all of them");
}

#[test]
fn what_is_brittle_is_listed_worst_first_and_a_contradiction_is_told_loudly() {
    let stability = |outcomes: &[Came]| {
        let run =
            |(seed, outcome): (Seed, &Came)| Run { seed, outcome: *outcome, cpu_ms: 1_500, resource_count: Some(9) };
        Some(Stability::new(Came::Holds, Seed::first(9).zip(outcomes).map(run).collect()))
    };
    let with =
        |name: &str, outcomes: &[Came]| Checked { stability: stability(outcomes), ..checked(name, Outcome::Holds) };
    let steady = || with("s.smt2", &[Came::Holds, Came::Holds]);
    let lost = || with("l.smt2", &[Came::NoVerdict, Came::Holds]);
    let quiet = account(vec![steady()]);
    assert_eq!(besides::stability(&quiet, false), ["checked again with 2 seeds: nothing is brittle"]);
    let brittle = account(vec![steady(), lost()]);
    assert_eq!(brittle.exit(NoVerdictMeans::Fail), Exit::Fine, "it holds all the same");
    let expected = "  l.smt2: 1 of 2 hold, 1 no verdict; processor time from 1.50 s to 1.50 s, median 1.50 s";
    assert_eq!(besides::stability(&brittle, false), ["checked again with 2 seeds: 1 is brittle", expected]);
    assert_eq!(besides::stability(&brittle, true).len(), 3);
    let contradicted = account(vec![steady(), lost(), with("c.smt2", &[Came::Holds, Came::Refuted])]);
    assert_eq!(contradicted.exit(NoVerdictMeans::Pass), Exit::NoVerdict);
    let lines = besides::stability(&contradicted, false);
    assert!(lines[1].starts_with("  c.smt2: 1 of 2 hold, 1 refuted") && lines[3].starts_with("  l.smt2"), "{lines:?}");
    assert!(lines[2].contains("THE SOLVER CONTRADICTS ITSELF: with seed 2 it is refuted"), "{lines:?}");
    let document = json::document(&contradicted);
    assert_eq!(document["brittle"], serde_json::json!(["c.smt2", "l.smt2"]));
    assert_eq!(document["obligations"][2]["stability"]["brittle"], "contradiction");
    // No report says that it holds while the run fails for it.
    assert_eq!(document["obligations"][2]["outcome"], "no_verdict");
    assert_eq!(document["obligations"][2]["no_verdict"]["reason"], "contradiction");
    assert_eq!((&document["counts"]["hold"], &document["counts"]["no_verdict"]), (&2.into(), &1.into()));
    let junit = junit::document(&contradicted, NoVerdictMeans::Pass);
    assert!(junit.contains("errors=\"1\"") && junit.contains("skipped=\"0\""), "{junit}");
    assert!(
        junit.contains("<error type=\"no_verdict\" message=\"no verdict: the solver contradicts itself"),
        "{junit}"
    );
    let sarif = sarif::document(&contradicted, NoVerdictMeans::Pass, 6);
    assert_eq!(
        (&sarif["runs"][0]["results"][0]["ruleId"], &sarif["runs"][0]["results"][0]["level"]),
        (&"no_verdict".into(), &"error".into())
    );
    let mut cut_short = account(vec![steady()]);
    cut_short.interrupted = true;
    assert!(text::sum(&cut_short).ends_with("; what is done is remembered: the same command goes on from there"));
    cut_short.is_checked_again = true;
    assert!(text::sum(&cut_short).ends_with("; the same command checks all of it again"), "{}", text::sum(&cut_short));
    assert_eq!(document["obligations"][0]["stability"]["runs"][1]["seed"], 2);
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
