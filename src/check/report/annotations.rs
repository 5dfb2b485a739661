//! Annotations for GitHub's CI: one workflow command a line, where `GITHUB_ACTIONS` is `true`.
//!
//! Must never: let what a script says end a command or begin another. Values are escaped as the runner unescapes them.

use super::{Spot, details, fails, sentence};
use crate::check::account::{Account, NoVerdictMeans};
use crate::check::outcome::{Checked, Kind};
use crate::text::plain;

/// The runner shows ten of a step; the rest is in the report anyway.
const ANNOTATIONS_MAX: usize = 50;

/// Whether the program runs in GitHub's CI.
pub fn are_wanted() -> bool {
    std::env::var_os("GITHUB_ACTIONS").is_some_and(|value| value == "true")
}

/// A line for each obligation that does not hold.
pub fn lines(account: &Account, no_verdict: NoVerdictMeans) -> Vec<String> {
    let worst_first =
        [Kind::Refuted, Kind::Vacuous, Kind::NotAccepted, Kind::Unread, Kind::NothingClaimed, Kind::NoVerdict];
    let all = worst_first.iter().flat_map(|kind| account.of(*kind));
    all.take(ANNOTATIONS_MAX).map(|checked| line(checked, no_verdict)).collect()
}

fn line(checked: &Checked, no_verdict: NoVerdictMeans) -> String {
    let command = if fails(checked, no_verdict) { "error" } else { "warning" };
    let Spot { file, line, column } = Spot::of(checked);
    let mut properties = format!("file={}", property(&plain(&file)));
    if let Some(line) = line {
        properties += &format!(",line={line}");
    }
    if let Some(column) = column.filter(|column| *column > 0) {
        properties += &format!(",col={column}");
    }
    let name = plain(&checked.subject.name());
    properties += &format!(",title={}", property(&name));
    let mut message = plain(&sentence(checked));
    if let Some(name) = checked.place.as_ref().and_then(|place| place.name.as_ref()) {
        message = format!("{}: {message}", plain(name));
    }
    let details = details(checked).into_iter().map(|line| format!("\n{}", plain(&line)));
    format!("::{command} {properties}::{}", data(&(message + &details.collect::<String>())))
}

fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
