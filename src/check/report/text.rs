//! What people read: obligations that do not hold, failures last, and one line that counts everything.
//!
//! Must never: print a character that a terminal obeys, or a line that a CI system takes for its own command.

use super::{besides, details, sentence};
use crate::check::account::Account;
use crate::check::outcome::{Checked, Kind};
use crate::say;
use crate::text::{counted, grouped, plain};
use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::time::Duration;

/// The order in which outcomes are told.
const ORDER: [Kind; 6] =
    [Kind::NoVerdict, Kind::NothingClaimed, Kind::Unread, Kind::NotAccepted, Kind::Vacuous, Kind::Refuted];

/// Lines about logs as wholes, unless all are asked for.
const REMARKS_MAX: usize = 10;

/// How it is printed.
#[derive(Debug, Clone, Copy)]
pub struct Style {
    colour: bool,
    /// Those that hold are listed too.
    pub verbose: bool,
}

impl Style {
    /// Colour only on a terminal, and not if the environment has `NO_COLOR`.
    pub fn new(verbose: bool) -> Style {
        let is_refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let is_dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        Style { colour: std::io::stdout().is_terminal() && !is_refused && !is_dumb, verbose }
    }

    fn paint(self, kind: Kind, text: &str) -> String {
        let code = match kind {
            Kind::Holds => "32",
            Kind::NoVerdict => "33",
            Kind::Refuted | Kind::Vacuous | Kind::NotAccepted | Kind::NothingClaimed | Kind::Unread => "31",
        };
        if self.colour { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }
}

/// Prints an account whose obligations are in order.
pub fn print(account: &Account, style: Style) {
    logs(account, style).iter().for_each(|line| say!("{}", shielded(line)));
    for checked in account.of(Kind::Holds) {
        holds(checked, style).iter().for_each(|line| say!("{line}"));
    }
    besides::stability(account, style.verbose).iter().for_each(|line| say!("{}", shielded(&plain(line))));
    for kind in ORDER {
        for checked in account.of(kind) {
            lines(checked, style).iter().for_each(|line| say!("{line}"));
        }
    }
    say!("{}", sum(account));
}

/// Who wrote the logs, and what is to be said of some of them.
fn logs(account: &Account, style: Style) -> Vec<String> {
    let mut tools: BTreeMap<&str, u64> = BTreeMap::new();
    account.logs.iter().filter_map(|log| log.tool).for_each(|tool| *tools.entry(tool).or_default() += 1);
    let of_tool = |(tool, count): (&str, u64)| format!("{} written by {tool}", counted(count, "log", "logs"));
    let mut lines: Vec<String> = tools.into_iter().map(of_tool).collect();
    let rest: Vec<String> = account
        .logs
        .iter()
        .flat_map(|log| {
            let path = plain(&log.path.to_string_lossy());
            // The tool is named above.
            let remarks = log.lines.iter().filter(move |line| style.verbose || !line.starts_with("written by "));
            remarks.map(move |line| format!("{path}: {}", plain(line)))
        })
        .collect();
    let shown = if style.verbose { rest.len() } else { rest.len().min(REMARKS_MAX) };
    lines.extend_from_slice(&rest[..shown]);
    if rest.len() > shown {
        lines.push(format!("and {} more such lines: --verbose", grouped((rest.len() - shown) as u64)));
    }
    lines
}

/// One that holds, if there is something to be said of it.
fn holds(checked: &Checked, style: Style) -> Vec<String> {
    let explanation = besides::explanation(checked, style.verbose);
    let rest: Vec<String> = details(checked).into_iter().chain(explanation).collect();
    if rest.is_empty() && !style.verbose {
        return Vec::new();
    }
    let known = match (checked.known, checked.incremental) {
        (true, true) => " (known before, incremental)",
        (true, false) => " (known before)",
        (false, true) => " (incremental)",
        (false, false) => "",
    };
    let first = format!("{}: {}{known}", plain(&checked.subject.name()), style.paint(Kind::Holds, "holds"));
    let place = place(checked).filter(|_| checked.is_vacuous());
    let rest = rest.iter().map(|line| format!("  {}", plain(line)));
    [first].into_iter().chain(place).chain(rest).map(|line| shielded(&line)).collect()
}

fn place(checked: &Checked) -> Option<String> {
    let place = checked.place.as_ref()?;
    let preposition = if place.source.is_some() { "at" } else { "in" };
    Some(format!("  {preposition} {}", plain(&place.text())))
}

fn lines(checked: &Checked, style: Style) -> Vec<String> {
    let sentence = plain(&sentence(checked));
    let (word, rest) = sentence.split_once(": ").unwrap_or((&sentence, ""));
    let word = style.paint(checked.outcome.kind(), word);
    let mut lines = vec![format!("{}: {word}", plain(&checked.subject.name()))];
    lines.extend(place(checked));
    if !rest.is_empty() {
        lines.push(format!("  {rest}"));
    }
    lines.extend(details(checked).into_iter().map(|line| format!("  {}", plain(&line))));
    lines.into_iter().map(|line| shielded(&line)).collect()
}

/// GitHub's runner obeys a line that begins with `::` or `##[`, wherever it comes from.
fn shielded(line: &str) -> String {
    let begin = line.trim_start();
    if begin.starts_with("::") || begin.starts_with("##[") { format!("| {line}") } else { line.to_owned() }
}

/// `1,204 obligations: 1,198 hold (1,150 known before), 4 refuted, 2 no verdict, in 41 s`
pub fn sum(account: &Account) -> String {
    let counts = account.counts;
    let number = |count: u64| grouped(count);
    let mut parts = Vec::new();
    if counts.hold > 0 {
        let of = [
            (counts.known_before, "known before"),
            (counts.incremental, "incremental"),
            (counts.hold_vacuous, "vacuous"),
        ];
        let of = of.iter().filter(|(count, _)| *count > 0).map(|(count, words)| format!("{} {words}", number(*count)));
        let of = of.collect::<Vec<_>>().join(", ");
        let known = if of.is_empty() { of } else { format!(" ({of})") };
        parts.push(format!("{} {}{known}", number(counts.hold), if counts.hold == 1 { "holds" } else { "hold" }));
    }
    let claims = if counts.nothing_claimed == 1 { "claims nothing" } else { "claim nothing" };
    for (count, words) in [
        (counts.vacuous, "vacuous"),
        (counts.refuted, "refuted"),
        (counts.no_verdict, "no verdict"),
        (counts.not_accepted, "not accepted"),
        (counts.nothing_claimed, claims),
        (counts.unread, "not read"),
    ] {
        if count > 0 {
            parts.push(format!("{} {words}", number(count)));
        }
    }
    let (done, total) = (counts.total(), account.total as u64);
    let obligations = if total == 1 { "obligation" } else { "obligations" };
    let part = |why: &str| format!("{why}: {} of {} {obligations} done", number(done), number(total));
    let begin = match (account.interrupted, &account.failure) {
        (true, _) => part("interrupted"),
        (false, Some(_)) => part("stopped"),
        (false, None) => format!("{} {obligations}", number(total)),
    };
    let colon = if parts.is_empty() { "" } else { ": " };
    let end = match (account.interrupted, account.is_checked_again) {
        (false, _) => "",
        (true, false) => "; what is done is remembered: the same command goes on from there",
        (true, true) => "; the same command checks all of it again",
    };
    let by = account.node.as_ref().map(|node| format!(", by the network of {}", plain(&node.name))).unwrap_or_default();
    format!("{begin}{colon}{}, in {}{by}{end}", parts.join(", "), span(account.elapsed))
}

fn span(elapsed: Duration) -> String {
    let seconds = elapsed.as_secs();
    match seconds {
        0 => format!("{:.2} s", elapsed.as_secs_f64()),
        1..10 => format!("{:.1} s", elapsed.as_secs_f64()),
        10..120 => format!("{seconds} s"),
        _ => format!("{} min {} s", seconds / 60, seconds % 60),
    }
}
