//! Of a random log, each obligation is answered as the library answers the whole log at that check: in one session, with
//! everything that came before.
//!
//! Left out is what `against_library` leaves out. `POP_SEED` repeats a run, `POP_SECONDS` makes it longer.
//!
//! Must never: count an answer after an error of the library's as its answer.

mod direct;
#[path = "../../smtlib/fuzz/mod.rs"]
mod fuzz;

use direct::Bounds;
use fuzz::random::Seeded;
use protocol::verdict::Answer;
use smtlib::{Limits, Log, LogLimits, NoteKind, normalise};
use std::time::{Duration, Instant};

#[test]
#[ignore = "the child process of the test beside it"]
fn child() {
    direct::sessions();
}

/// What a run came to.
#[derive(Debug, Default)]
struct Totals {
    logs: u64,
    checks: u64,
    refused: u64,
    agreed: u64,
    /// Checks behind an error of the library's.
    errors: u64,
    ended: u64,
}

/// Why the library's answer may be false, if it may: it takes the name for its own.
fn may_be_false(script: &[u8]) -> bool {
    let Ok(normalised) = normalise(script, &Limits::default()) else { return false };
    let totals = [NoteKind::Renamed, NoteKind::LabelIgnored];
    normalised.notes_left_out > 0 || normalised.notes.iter().any(|note| totals.contains(&note.kind))
}

#[test]
fn an_obligation_of_a_log_is_answered_as_in_the_log() {
    let seconds = std::env::var("POP_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(8);
    let mut random = Seeded(fuzz::random::seed(20_261_130));
    let mut asker = direct::Sessions::new("child");
    let mut totals = Totals::default();
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(seconds) {
        let text = fuzz::grammar::log(&mut random);
        compare(&text, &mut asker, &mut totals);
    }
    println!("{totals:?}");
    assert!(totals.agreed > 20, "hardly any answers were compared: {totals:?}");
}

fn compare(text: &str, asker: &mut direct::Sessions, totals: &mut Totals) {
    let log = Log::read(text.as_bytes(), &LogLimits::default());
    assert_eq!(log.summary().broken, None, "{text}");
    assert_eq!(
        log.queries().len(),
        text.matches("\n(check-sat").count() + text.matches(" (check-sat").count(),
        "{text}"
    );
    let scripts: Vec<Vec<u8>> = log.queries().iter().map(|query| log.text(query)).collect();
    totals.logs += 1;
    totals.checks += scripts.len() as u64;
    let bounds = Bounds { cpu_ms: 2_000, ..Bounds::default() };
    let Some(answers) = asker.ask(text.as_bytes(), &scripts, bounds) else {
        totals.ended += 1;
        return;
    };
    let definite = |answer: &str| match answer {
        "sat" => Some(Answer::Sat),
        "unsat" => Some(Answer::Unsat),
        _ => None,
    };
    let mut library = answers.library.iter();
    for (script, ours) in scripts.iter().zip(&answers.ours) {
        let Some(theirs) = library.next() else {
            totals.errors += 1;
            continue;
        };
        totals.refused += u64::from(ours.is_err());
        let (Ok(Some(ours)), Some(theirs)) = (ours, definite(theirs)) else { continue };
        if *ours != theirs {
            let shown = String::from_utf8_lossy(script);
            assert!(may_be_false(script), "{ours:?}, in the log {theirs:?}:\n{shown}\n---- of\n{text}");
        }
        totals.agreed += u64::from(*ours == theirs);
    }
}
