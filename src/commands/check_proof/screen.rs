//! What `pop check-proof` prints for a person: the verdict first, then what it rests on, then what the solver was not shown.
//!
//! Must never: print a character of a script or file name that a terminal obeys.

use super::Checked;
use crate::advice;
use crate::obligation::ObligationError;
use crate::say;
use crate::text::{counted, excerpt, grouped, plain};
use protocol::explanation::Explanation;
use protocol::verdict::{Assumptions, Ignored, NoVerdict, Report, Verdict};
use serde_json::{Value, json};

/// Where and why a script is not accepted.
pub struct Refusal<'a> {
    pub line: u32,
    pub column: u32,
    pub text: &'a str,
}

/// What is wrong with the script itself, if that is what the verdict says.
pub fn refusal(verdict: &Verdict) -> Option<Refusal<'_>> {
    match verdict {
        Verdict::Rejected { line, column, text }
        // The network's word on it is that there is no verdict; who wrote it can mend it.
        | Verdict::NoVerdict { reason: NoVerdict::IllSorted { line, column, text } } => {
            Some(Refusal { line: *line, column: *column, text })
        }
        Verdict::Confirmed { .. } | Verdict::Refuted { .. } | Verdict::NoVerdict { .. } => None,
    }
}

/// Prints one checked file.
pub fn print(checked: &Checked, verbose: bool) {
    let Checked { name, obligation, report, advice, vacuity } = checked;
    let name = plain(name);
    if let Some(Refusal { line, column, text }) = refusal(&report.verdict) {
        say!("{name}: not accepted");
        say!("  line {line}, column {column}: {}", plain(text));
        excerpt(&obligation.script, line, column).iter().flatten().for_each(|line| say!("    {line}"));
        return;
    }
    print_verdict(&name, checked);
    print_cost(checked);
    if report.answer.is_some() {
        print_basis(report.assumptions);
    }
    print_notes(report, verbose);
    report.warnings.iter().for_each(|warning| say!("  warning: {}", plain(warning)));
    match vacuity {
        Some(Explanation::Sound) => say!("  not vacuous: what is assumed does not contradict itself"),
        Some(Explanation::Unknown { why }) => say!("  not known to be vacuous or not: {}", plain(why)),
        Some(Explanation::Vacuous | Explanation::CounterModel(_) | Explanation::Unreachable) | None => {}
    }
    let view = json!({ "counter_model": advice.counter_model });
    advice::counter_model(&view).iter().for_each(|line| say!("  {line}"));
}

fn print_verdict(name: &str, checked: &Checked) {
    let Checked { obligation, report, .. } = checked;
    match &report.verdict {
        Verdict::Confirmed { within_soft_limits, .. } => {
            say!("{name}: {}", if obligation.claim.is_some() { "holds" } else { "answered" });
            if !within_soft_limits {
                say!("  beyond the soft limits: a validator that finds this too will not announce it as ready");
            }
        }
        Verdict::Refuted { .. } => say!("{name}: refuted"),
        Verdict::NoVerdict { reason } => say!("{name}: no verdict\n  {}", plain(&reason.to_string())),
        Verdict::Rejected { .. } => {}
    }
    match (obligation.claim, report.answer) {
        (Some((claim, source)), Some(answer)) => say!("  claimed {claim} ({}), answered {answer}", source.word()),
        (Some((claim, source)), None) => say!("  claimed {claim} ({})", source.word()),
        (None, Some(answer)) => say!("  answered {answer}; nothing is claimed (--claim unsat or --claim sat)"),
        (None, None) => {}
    }
}

fn print_cost(checked: &Checked) {
    let report = &checked.report;
    if let Some(progress) = advice::progress(&json!(report), &json!(checked.ended())) {
        return say!("  {progress}");
    }
    let count = report.resource_count.map_or_else(|| "none".to_owned(), |count| grouped(count.0));
    let mebibytes = report.peak_memory_bytes.div_ceil(1 << 20);
    say!("  resource count {count}, {} ms of processor time, {mebibytes} MiB at most", report.cpu);
}

/// A check that its worker did not live to tell of rests on nothing that is known here.
fn print_basis(assumptions: Assumptions) {
    let Assumptions { assertions, quantifiers, uninterpreted_symbols, recursive_definitions } = assumptions;
    say!(
        "  rests on {}, {}, {}, {}",
        counted(assertions.into(), "assertion", "assertions"),
        counted(quantifiers.into(), "quantifier", "quantifiers"),
        counted(uninterpreted_symbols.into(), "uninterpreted symbol", "uninterpreted symbols"),
        counted(recursive_definitions.into(), "recursive definition", "recursive definitions")
    );
}

/// One line on what was ignored; the list, in which what was renamed or rewritten stands too, is for who asks.
fn print_notes(report: &Report, verbose: bool) {
    let hint = if verbose { "" } else { "; --verbose" };
    if let Some(ignored) = ignored(report.ignored) {
        say!("  {ignored} ignored{hint}");
    }
    if verbose {
        report
            .notes
            .iter()
            .for_each(|note| say!("  line {}, column {}: {}", note.line, note.column, plain(&note.text)));
    }
}

fn ignored(Ignored { commands, options }: Ignored) -> Option<String> {
    match (commands, options) {
        (0, 0) => None,
        (commands, 0) => Some(counted(commands.into(), "command", "commands")),
        (0, options) => Some(counted(options.into(), "option", "options")),
        (commands, options) => Some(format!("{} commands and options", u64::from(commands) + u64::from(options))),
    }
}

/// Prints a file that is no script.
pub fn print_unread(name: &str, error: &ObligationError) {
    say!("{}: not read\n  {}", plain(name), plain(&error.why()));
}

pub fn print_document(document: &Value) {
    say!("{document:#}");
}

/// How many files came to what.
#[derive(Default)]
pub struct Tally {
    holding: u64,
    /// Nothing was claimed, so nothing holds.
    answered: u64,
    refuted: u64,
    undecided: u64,
    refused: u64,
    pub unread: u64,
}

impl Tally {
    pub fn add(&mut self, checked: &Checked) {
        let verdict = &checked.report.verdict;
        let count = match verdict {
            _ if refusal(verdict).is_some() => &mut self.refused,
            Verdict::Confirmed { .. } if checked.obligation.claim.is_some() => &mut self.holding,
            Verdict::Confirmed { .. } => &mut self.answered,
            Verdict::Refuted { .. } => &mut self.refuted,
            Verdict::NoVerdict { .. } => &mut self.undecided,
            Verdict::Rejected { .. } => &mut self.refused,
        };
        *count += 1;
    }

    /// Prints the sum of several files.
    pub fn print(&self) {
        if let Some(line) = self.line() {
            say!("{line}");
        }
    }

    fn line(&self) -> Option<String> {
        let Tally { holding, answered, refuted, undecided, refused, unread } = *self;
        let total = holding + answered + refuted + undecided + refused + unread;
        let parts = [
            (holding, if holding == 1 { "holds" } else { "hold" }),
            (answered, "answered"),
            (refuted, "refuted"),
            (undecided, "without a verdict"),
            (refused, "not accepted"),
            (unread, "not read"),
        ];
        let parts: Vec<String> =
            parts.iter().filter(|(count, _)| *count > 0).map(|(count, word)| format!("{count} {word}")).collect();
        (total > 1).then(|| format!("{total} files: {}", parts.join(", ")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_ignored_is_one_line_with_the_right_plural() {
        let line = |commands, options| ignored(Ignored { commands, options });
        assert_eq!(line(0, 0), None);
        assert_eq!(line(1, 0).as_deref(), Some("1 command"));
        assert_eq!(line(2, 0).as_deref(), Some("2 commands"));
        assert_eq!(line(0, 1).as_deref(), Some("1 option"));
        assert_eq!(line(0, 16).as_deref(), Some("16 options"));
        assert_eq!(line(3, 16).as_deref(), Some("19 commands and options"));
    }

    #[test]
    fn the_sum_names_what_there_is_and_nothing_holds_that_claimed_nothing() {
        let sum = Tally { holding: 32, answered: 1, refuted: 8, ..Tally::default() };
        assert_eq!(sum.line().as_deref(), Some("41 files: 32 hold, 1 answered, 8 refuted"));
        let sum = Tally { holding: 1, undecided: 2, refused: 3, unread: 1, ..Tally::default() };
        assert_eq!(sum.line().as_deref(), Some("7 files: 1 holds, 2 without a verdict, 3 not accepted, 1 not read"));
        assert_eq!(Tally { refuted: 1, ..Tally::default() }.line(), None, "one file has said it already");
    }
}
