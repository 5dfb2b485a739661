//! JUnit's XML, in the form that Jenkins' schema (`junit-10.xsd`) describes and other CI systems read.
//!
//! Must never: write a character that XML does not allow; scripts and file names may hold any.

use super::{details, fails, sentence};
use crate::check::account::{Account, NoVerdictMeans};
use crate::check::outcome::{Checked, Kind};
use std::fmt::Write;

const SUITE: &str = "pop check";

/// The document.
pub fn document(account: &Account, no_verdict: NoVerdictMeans) -> String {
    let counts = account.counts;
    let tolerated = account.of(Kind::NoVerdict).filter(|checked| !fails(checked, no_verdict)).count() as u64;
    let errors = counts.not_accepted + counts.nothing_claimed + counts.unread + counts.no_verdict - tolerated;
    let time = account.elapsed.as_secs_f64();
    let (tests, failures) = (counts.total(), counts.refuted + counts.vacuous);
    let mut text = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let totals =
        format!("name=\"{SUITE}\" tests=\"{tests}\" failures=\"{failures}\" errors=\"{errors}\" time=\"{time:.3}\"");
    let _ = writeln!(text, "<testsuites {totals}>");
    let _ = writeln!(text, "  <testsuite {totals} skipped=\"{tolerated}\">");
    account.checked.iter().for_each(|checked| case(&mut text, checked, no_verdict));
    text + "  </testsuite>\n</testsuites>\n"
}

fn case(text: &mut String, checked: &Checked, no_verdict: NoVerdictMeans) {
    let path = &checked.subject.path;
    let folder = path.parent().map(|folder| folder.to_string_lossy()).filter(|folder| !folder.is_empty());
    let whole = checked.subject.name();
    let name = folder.as_ref().and_then(|folder| whole.strip_prefix(&format!("{folder}/"))).unwrap_or(&whole);
    let class = folder.as_deref().unwrap_or(SUITE);
    let time = checked.cpu_ms.unwrap_or(0) as f64 / 1e3;
    let _ =
        write!(text, "    <testcase classname=\"{}\" name=\"{}\" time=\"{time:.3}\"", escaped(class), escaped(name));
    let kind = checked.outcome.kind();
    let element = match kind {
        Kind::Holds => {
            text.push_str("/>\n");
            return;
        }
        Kind::Refuted | Kind::Vacuous => "failure",
        Kind::NoVerdict if !fails(checked, no_verdict) => "skipped",
        Kind::NoVerdict | Kind::NotAccepted | Kind::NothingClaimed | Kind::Unread => "error",
    };
    let place = checked.place.iter().map(|place| place.text());
    let lines: Vec<String> = place.chain([sentence(checked)]).chain(details(checked)).collect();
    let message = escaped(&sentence(checked));
    let kind_attribute = if element == "skipped" { String::new() } else { format!(" type=\"{}\"", kind.word()) };
    let _ = writeln!(
        text,
        ">\n      <{element}{kind_attribute} message=\"{message}\">{}</{element}>",
        escaped(&lines.join("\n"))
    );
    text.push_str("    </testcase>\n");
}

/// Text for an element or an attribute.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\n' => escaped.push_str("&#10;"),
            '\t' => escaped.push(letter),
            '\u{fffe}' | '\u{ffff}' => escaped.push('\u{fffd}'),
            letter if letter.is_control() => escaped.push('\u{fffd}'),
            letter => escaped.push(letter),
        }
    }
    escaped
}
