//! What is told besides an obligation's outcome: why it holds, and whether it does with other seeds.
//!
//! People are shown what is remarkable; who wants all of it says so. Must never: tell a guess as a finding.

use crate::check::account::Account;
use crate::check::explained::{Assertion, Assertions, ExplainedScript, Sought, Vacuity};
use crate::check::outcome::Checked;
use crate::check::stability::{Came, Stability};
use crate::text::{counted, grouped};
use serde_json::{Value, json};

/// What a vacuous obligation is called.
pub const VACUOUS: &str = "vacuous: what is assumed contradicts itself, so it holds with any goal and proves nothing";

/// Assertions that are named in one line, and if everything is asked for. The JSON document names all of them.
const NAMED_MAX: usize = 6;
const NAMED_MAX_VERBOSE: usize = 40;

/// Why an obligation holds: what is remarkable, or all that is known. Nothing if it was not asked for.
pub fn explanation(checked: &Checked, verbose: bool) -> Vec<String> {
    let Some(told) = &checked.explained else { return Vec::new() };
    let vacuity = match &told.vacuity {
        Vacuity::Vacuous => Some(VACUOUS.to_owned()),
        Vacuity::Sound if verbose => Some("not vacuous: what is assumed does not contradict itself".to_owned()),
        Vacuity::Unknown { why } if verbose => Some(format!("not known to be vacuous or not: {why}")),
        Vacuity::Sound | Vacuity::Unknown { .. } => None,
    };
    vacuity.into_iter().chain(assertions(told, verbose)).collect()
}

/// The same for something that is called vacuous already.
pub fn reasons(checked: &Checked) -> Vec<String> {
    checked.explained.as_ref().map_or_else(Vec::new, |told| assertions(told, false))
}

fn assertions(told: &ExplainedScript, verbose: bool) -> Vec<String> {
    let Assertions { total, unneeded, contradictory } = match &told.assertions {
        Sought::Found(assertions) => assertions,
        Sought::Unknown { why } if verbose => {
            return vec![format!("which assertions it needs is not known: {why}")];
        }
        Sought::Unknown { .. } => return Vec::new(),
    };
    if !contradictory.is_empty() {
        return vec![format!("contradict one another: {}", listed(contradictory.iter(), verbose))];
    }
    // Most of what a tool writes in front of every query is not needed for this one.
    let shown = || unneeded.iter().filter(|assertion| verbose || assertion.is_beside_goal);
    match (shown().count(), verbose) {
        (0, false) => Vec::new(),
        (0, true) => vec![format!("needs {}", counted(u64::from(*total), "assertion", "assertions"))],
        (count, _) => {
            let of = counted(u64::from(*total), "assertion", "assertions");
            vec![format!("not needed: {} of {of}: {}", grouped(count as u64), listed(shown(), verbose))]
        }
    }
}

fn listed<'a>(assertions: impl Iterator<Item = &'a Assertion> + Clone, verbose: bool) -> String {
    let count = assertions.clone().count();
    let most = if verbose { NAMED_MAX_VERBOSE } else { NAMED_MAX };
    let name = |assertion: &Assertion| match &assertion.name {
        Some(name) => format!("{name} (line {})", assertion.line),
        None => format!("line {}", assertion.line),
    };
    let mut text = assertions.take(most).map(name).collect::<Vec<_>>().join(", ");
    if count > most {
        text += &format!(" and {} more", grouped((count - most) as u64));
    }
    text
}

/// What is brittle, the worst first; with all others behind them, if all are asked for.
pub fn stability(account: &Account, verbose: bool) -> Vec<String> {
    let brittle = account.brittle();
    let others = account.checked.iter().filter(|checked| verbose && checked.brittle().is_none());
    let all = brittle.iter().copied().chain(others);
    let all: Vec<_> = all.filter_map(|checked| Some((checked, checked.stability.as_ref()?))).collect();
    let Some(seeds) = account.checked.iter().find_map(|checked| Some(checked.stability.as_ref()?.runs.len())) else {
        return Vec::new();
    };
    let seeds = counted(seeds as u64, "seed", "seeds");
    let sum = match brittle.len() {
        0 => "nothing is brittle".to_owned(),
        1 => "1 is brittle".to_owned(),
        count => format!("{} are brittle, the worst first", grouped(count as u64)),
    };
    let mut lines = vec![format!("checked again with {seeds}: {sum}")];
    for (checked, stability) in all {
        lines.push(format!("  {}: {}", checked.subject.name(), in_words(stability)));
        if let Some((seed, came)) = stability.contradicts() {
            let came = if came == Came::Holds { "holds" } else { "is refuted" };
            lines.push(format!(
                "    THE SOLVER CONTRADICTS ITSELF: with seed {} it {came}. This is a fault of the solver; report it, and rely on none of its answers to this",
                u32::from(seed)
            ));
        }
    }
    lines
}

/// `7 of 10 hold, 3 no verdict; processor time 0.12 s, median 0.50 s, up to 20.00 s`
fn in_words(stability: &Stability) -> String {
    let counts = [(Came::Holds, "hold"), (Came::Refuted, "refuted"), (Came::NoVerdict, "no verdict")];
    let (total, times) = (stability.runs.len(), stability.times());
    let mut parts = vec![format!("{} of {total} hold", stability.count(Came::Holds))];
    for (came, word) in &counts[1..] {
        match stability.count(*came) {
            0 => {}
            count => parts.push(format!("{count} {word}")),
        }
    }
    let seconds = |ms: u64| format!("{:.2} s", ms as f64 / 1e3);
    format!(
        "{}; processor time from {} to {}, median {}",
        parts.join(", "),
        seconds(times.fastest_ms),
        seconds(times.slowest_ms),
        seconds(times.median_ms)
    )
}

/// For programs: why an obligation holds.
pub fn explanation_document(told: &ExplainedScript) -> Value {
    let (vacuous, vacuity_unknown) = match &told.vacuity {
        Vacuity::Vacuous => (Some(true), None),
        Vacuity::Sound => (Some(false), None),
        Vacuity::Unknown { why } => (None, Some(why)),
    };
    let mut value = json!({ "vacuous": vacuous });
    if let Some(why) = vacuity_unknown {
        value["vacuity_unknown"] = json!(why);
    }
    match &told.assertions {
        Sought::Found(Assertions { total, unneeded, contradictory }) => {
            value["assertions"] = json!(total);
            value["unneeded"] = json!(unneeded);
            if !contradictory.is_empty() {
                value["contradictory"] = json!(contradictory);
            }
        }
        Sought::Unknown { why } => value["needs_unknown"] = json!(why),
    }
    value
}

/// For programs: what the seeds came to.
pub fn stability_document(stability: &Stability) -> Value {
    let times = stability.times();
    json!({
        "hold": stability.count(Came::Holds),
        "refuted": stability.count(Came::Refuted),
        "no_verdict": stability.count(Came::NoVerdict),
        "fastest_ms": times.fastest_ms,
        "median_ms": times.median_ms,
        "slowest_ms": times.slowest_ms,
        "brittle": stability.brittle(),
        "runs": stability.runs,
    })
}
