//! What verifiers write about small programs of ours, true ones and false ones: through normaliser and check, and by the
//! library on the original text. No answer is the opposite of the library's, nearly all are the same, what is true holds,
//! and what is false does not.
//!
//! Which part of a program is false its name says. A tool that is not here is named, with the reason.
//!
//! Must never: store what a tool wrote, or pass silently where a tool is missing.

mod direct;
mod generators;

use direct::{Asker, Both, Bounds, Library, shown};
use generators::{Obligation, Tool};
use protocol::verdict::Answer;
use std::collections::BTreeMap;
use std::io::Write;
use std::sync::Mutex;
use std::time::Instant;

/// Of a hundred obligations so many have the library's answer at least.
const SAME_MIN: usize = 99;

#[test]
#[ignore = "the child process of the test beside it"]
fn child() {
    direct::child();
}

/// What is proved takes a tenth of this; what is false is often searched without end.
fn bounds(obligation: &Obligation) -> Bounds {
    let resource_count = if obligation.is_horn() { 5_000_000 } else { 300_000 };
    Bounds { cpu_ms: 5_000, resource_count, ..Bounds::default() }
}

#[test]
fn what_verifiers_write_is_answered_as_the_library_answers_it() {
    let begun = Instant::now();
    let obligations = generate();
    let generated = begun.elapsed();
    let answered = ask_all(&obligations);
    for tool in Tool::ALL {
        let of_tool: Vec<&Both> = answered.iter().filter(|(one, _)| one.tool == tool).map(|(_, both)| both).collect();
        let definite = of_tool.iter().filter(|both| both.answer().is_some()).count();
        say(format_args!("{tool:?}: {} obligations, {definite} with a definite answer", of_tool.len()));
    }
    let other: Vec<_> = answered.iter().filter(|(_, both)| !is_same(both)).collect();
    let (all, same) = (answered.len(), answered.len() - other.len());
    let (written, checked) = (generated.as_secs_f64(), (begun.elapsed() - generated).as_secs_f64());
    say(format_args!("the library's answer: {same} of {all}; written in {written:.1} s, checked in {checked:.1} s"));
    let opposite: Vec<_> = answered.iter().filter(|(_, both)| both.contradict()).collect();
    assert!(opposite.is_empty(), "the library says the opposite of {}", listed(&opposite));
    assert!(same * 100 >= all * SAME_MIN, "the library says something else of {}", listed(&other));
    let wrong = wrong_parts(&answered);
    assert!(wrong.is_empty(), "not as the program says:\n{}", wrong.join("\n"));
}

/// What the tools write that are here, two tools at a time.
fn generate() -> Vec<Obligation> {
    let next = Mutex::new(Tool::ALL.iter());
    let written = Mutex::new(BTreeMap::new());
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let Some(tool) = next.lock().unwrap().next() else { return };
                    let folder = tempfile::tempdir().unwrap();
                    match generators::obligations(*tool, folder.path()) {
                        Ok(obligations) => drop(written.lock().unwrap().insert(*tool, obligations)),
                        Err(why) => say(format_args!("NOT RUN: obligations of {tool:?}: {why}")),
                    }
                }
            });
        }
    });
    written.into_inner().unwrap().into_values().flatten().collect()
}

/// What both sides say of every obligation, from two children at a time; in the order of the obligations.
fn ask_all(obligations: &[Obligation]) -> Vec<(&Obligation, Both)> {
    let next = Mutex::new(obligations.iter().enumerate());
    let answered = Mutex::new(BTreeMap::new());
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let mut asker = Asker::new("child");
                loop {
                    let Some((number, obligation)) = next.lock().unwrap().next() else { return };
                    let both = asker.ask(obligation.script.as_bytes(), bounds(obligation));
                    answered.lock().unwrap().insert(number, (obligation, both));
                }
            });
        }
    });
    answered.into_inner().unwrap().into_values().collect()
}

/// Both have the same definite answer, or neither has one; a script that is refused has none that could be compared.
fn is_same(both: &Both) -> bool {
    let theirs = match &both.library {
        Some(Library::Answer(answer)) => Some(*answer),
        Some(Library::Unknown | Library::Error(_)) | None => None,
    };
    !both.is_rejected() && both.answer() == theirs
}

/// Parts that are true and of which an obligation does not hold, and false ones of which all hold.
fn wrong_parts(answered: &[(&Obligation, Both)]) -> Vec<String> {
    let mut parts: BTreeMap<_, Vec<&(&Obligation, Both)>> = BTreeMap::new();
    for one in answered {
        parts.entry((one.0.tool, &one.0.part)).or_default().push(one);
    }
    let mut wrong = Vec::new();
    for ((tool, part), obligations) in parts {
        let is_false = obligations[0].0.is_of_a_false_part();
        let open: Vec<_> = obligations.iter().filter(|(one, both)| both.answer() != Some(held(one))).collect();
        match (is_false, open.is_empty()) {
            (true, true) => wrong.push(format!("{tool:?} {part} is false, and all of its obligations hold")),
            (false, false) => {
                let open: Vec<String> = open.iter().map(|one| summary(one)).collect();
                wrong.push(format!("{tool:?} {part} is true: {}", open.join("; ")));
            }
            (true, false) | (false, true) => {}
        }
    }
    wrong
}

/// The answer by which an obligation holds.
fn held(obligation: &Obligation) -> Answer {
    if obligation.is_horn() { Answer::Sat } else { Answer::Unsat }
}

fn summary((obligation, both): &(&Obligation, Both)) -> String {
    let ours = both.report.as_ref().map(|report| (&report.verdict, report.answer));
    format!("{:?} {}: {ours:?}; the library: {:?}", obligation.tool, obligation.name, both.library)
}

/// All of them by name, and the first in full.
fn listed(answered: &[&(&Obligation, Both)]) -> String {
    let lines: Vec<String> = answered.iter().map(|one| summary(one)).collect();
    let first = answered.first().map(|(obligation, _)| shown(obligation.script.as_bytes())).unwrap_or_default();
    format!("{}:\n{}\nthe first begins:\n{first}", lines.len(), lines.join("\n"))
}

/// Prints past the test harness, which keeps what a passing test prints.
fn say(text: std::fmt::Arguments<'_>) {
    std::io::stdout().write_all(format!("{text}\n").as_bytes()).unwrap();
}
