//! For whatever script is let through, the answer is not the opposite of what the library says of the original text under
//! the same options: random scripts, and damaged public ones.
//!
//! Left out are only the library's own false answers to the original, which `docs/VERIFIER.md` lists: names that it takes
//! for its own, labels, and comments that end at CR; and scripts that print something, which may look like an answer.
//!
//! `POP_SEED` repeats a run, `POP_SECONDS` makes it longer, `POP_SCRIPTS` names a folder of more scripts to damage.
//!
//! Must never: count an answer after an error of the library's as its answer.

mod direct;
#[path = "../../smtlib/fuzz/mod.rs"]
mod fuzz;

use direct::{Asker, Both, Bounds};
use fuzz::mutate::Stock;
use fuzz::random::Seeded;
use smtlib::{Limits, NoteKind, normalise};
use std::time::{Duration, Instant};

#[test]
#[ignore = "the child process of the tests beside it"]
fn child() {
    direct::child();
}

/// How long each of the two kinds runs.
fn time() -> Duration {
    Duration::from_secs(std::env::var("POP_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(5))
}

/// So many answers must be compared, and for so long they are waited for.
const AGREED_MIN: u64 = 20;
const LONGEST: Duration = Duration::from_secs(300);

/// What a run came to.
#[derive(Debug, Default)]
struct Totals {
    asked: u64,
    rejected: u64,
    agreed: u64,
    /// The library reported an error: most of it is what the normaliser takes away, second declarations for one.
    errors: u64,
    /// At least one side has no answer.
    open: u64,
}

/// Why the library's answer to the original may be false, if it may.
fn may_be_false(script: &[u8]) -> bool {
    let Ok(normalised) = normalise(script, &Limits::default()) else { return false };
    let totals = [NoteKind::Renamed, NoteKind::LabelIgnored];
    let note = normalised.notes_left_out > 0 || normalised.notes.iter().any(|note| totals.contains(&note.kind));
    let text = String::from_utf8_lossy(script);
    // What these print may look like an answer.
    let note = note || ["echo", "eval", "simplify", "display", "get-"].iter().any(|word| text.contains(word));
    note || text.lines().any(|line| line.trim_end_matches('\r').contains('\r') && line.contains(';'))
}

fn compare(name: &str, mut next: impl FnMut(&mut Seeded) -> Vec<u8>) {
    let mut random = Seeded(fuzz::random::seed(20_261_125));
    let mut asker = Asker::new("child");
    let mut totals = Totals::default();
    let begun = Instant::now();
    // On a machine that has other things to do, as long as it takes.
    let is_enough =
        |totals: &Totals| begun.elapsed() >= time() && (totals.agreed > AGREED_MIN || begun.elapsed() >= LONGEST);
    while !is_enough(&totals) {
        let script = next(&mut random);
        // Most damaged scripts are refused, which costs no child.
        if normalise(&script, &Limits::default()).is_err() {
            totals.rejected += 1;
            continue;
        }
        totals.asked += 1;
        let both = asker.ask(&script, Bounds { cpu_ms: 1_000, ..Bounds::default() });
        if both.contradict() {
            assert!(may_be_false(&script), "{both:?}\n{}", direct::shown(&script));
        }
        totals.agreed += u64::from(both.agree());
        totals.errors += u64::from(matches!(both, Both { library: Some(direct::Library::Error(_)), .. }));
        totals.open += u64::from(both.answer().is_none());
    }
    println!("{name}: {totals:?}, {} ended their process", asker.ended);
    assert!(totals.agreed > AGREED_MIN, "hardly any answers were compared: {totals:?}");
}

#[test]
fn a_random_script_is_answered_as_the_library_answers_it() {
    compare("random", |random| fuzz::grammar::script(random).into_bytes());
}

#[test]
fn a_damaged_script_is_answered_as_the_library_answers_it() {
    let stock = Stock::new(fuzz::seeds::scripts(6_000));
    compare("damaged", move |random| stock.damaged(random, 3, 10_000));
}
