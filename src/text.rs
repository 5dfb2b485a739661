//! How values are written for people: tokens, times, spans, lists of names.
//!
//! Screens are made from the API's own JSON, so they show what a program would read, and nothing else.

use protocol::text::misleads;
use serde_json::Value;

/// Micro-tokens in a token.
const MICRO: u64 = 1_000_000;
/// Names in one list; a network may have a thousand validators.
const NAMES_MAX: usize = 20;

/// An amount of micro-tokens, as the API gives it, in tokens: exactly, or about if it is beyond 18 trillion tokens.
pub fn amount(value: &Value) -> String {
    match (value.as_u64(), value.as_f64()) {
        (Some(micro), _) => tokens(micro),
        (None, Some(micro)) => format!("{:.0}", micro / MICRO as f64),
        (None, None) => "unknown".into(),
    }
}

fn tokens(micro: u64) -> String {
    let (whole, rest) = (micro / MICRO, micro % MICRO);
    if rest == 0 {
        return whole.to_string();
    }
    let fraction = format!("{rest:06}");
    format!("{whole}.{}", fraction.trim_end_matches('0'))
}

/// A moment in milliseconds since the Unix epoch, as `2026-02-10 14:30:45.123 UTC`.
pub fn utc(ms: u64) -> String {
    let (day, second) = calendar(ms);
    format!("{day} {second}.{:03} UTC", ms % 1_000)
}

/// A moment in milliseconds since the Unix epoch, to the second, as RFC 3339 has it: `2026-02-10T14:30:45Z`.
pub fn rfc3339(ms: u64) -> String {
    let (day, second) = calendar(ms);
    format!("{day}T{second}Z")
}

fn calendar(ms: u64) -> (String, String) {
    let (days, rest) = (ms / 86_400_000, ms % 86_400_000);
    let (year, month, day) = date(days);
    let (hour, minute, second) = (rest / 3_600_000, rest / 60_000 % 60, rest / 1_000 % 60);
    (format!("{year:04}-{month:02}-{day:02}"), format!("{hour:02}:{minute:02}:{second:02}"))
}

/// Year, month and day of a day since the Unix epoch, in the Gregorian calendar. Counting from March makes a leap day the
/// last of its year.
fn date(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    (year, month, day)
}

/// A span of milliseconds in the largest unit that keeps it readable.
pub fn span(ms: u64) -> String {
    let seconds = ms / 1_000;
    match seconds {
        0 => format!("{ms} ms"),
        1..=119 => format!("{seconds} s"),
        120..=7_199 => format!("{} min", seconds / 60),
        7_200..=172_799 => format!("{} h", seconds / 3_600),
        _ => format!("{} days", seconds / 86_400),
    }
}

/// A list of names; a long one is cut, and its rest counted.
pub fn names(value: &Value) -> String {
    let all: Vec<&str> = value.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    match all.len() {
        0 => "none".to_owned(),
        count if count > NAMES_MAX => format!("{} and {} more", all[..NAMES_MAX].join(", "), count - NAMES_MAX),
        _ => all.join(", "),
    }
}

/// A whole number; anything else that a node may have written in its place is a question mark.
pub fn count(value: &Value) -> String {
    value.as_u64().map_or_else(|| "?".into(), |count| count.to_string())
}

/// Text of a node, at most so many characters and none that a terminal obeys.
pub fn cut(text: &str, characters_max: usize) -> String {
    let mut shown: String = text.chars().take(characters_max).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    plain(&shown)
}

/// An answer of a node as it may be printed: what would move a terminal's cursor or turn its lines round is written out in
/// every text of it. Lines end in a counterexample only. O(bytes); what is harmless is not copied.
pub fn harmless_answer(value: &mut Value) {
    harmless_of(value, false);
}

fn harmless_of(value: &mut Value, keeps_lines: bool) {
    match value {
        Value::String(text) if keeps_lines => {
            if text.chars().any(|character| character != '\n' && misleads(character)) {
                *text = text.split('\n').map(plain).collect::<Vec<_>>().join("\n");
            }
        }
        Value::String(text) => {
            if text.chars().any(misleads) {
                *text = plain(text);
            }
        }
        Value::Array(values) => values.iter_mut().for_each(|value| harmless_of(value, false)),
        Value::Object(fields) => {
            // No field of ours has such a name.
            fields.retain(|name, _| !name.chars().any(misleads));
            for (name, value) in fields {
                match value {
                    Value::Object(model) if name == "counter_model" => {
                        model.retain(|name, _| !name.chars().any(misleads));
                        model.iter_mut().for_each(|(name, value)| harmless_of(value, name == "text"));
                    }
                    value => harmless_of(value, false),
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// A text field, or what stands for its absence.
pub fn word<'a>(value: &'a Value, otherwise: &'a str) -> &'a str {
    value.as_str().unwrap_or(otherwise)
}

/// Text from elsewhere, for a terminal: what would move its cursor or turn its lines round is written out.
pub fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for character in text.chars() {
        if misleads(character) {
            plain.extend(character.escape_unicode());
        } else {
            plain.push(character);
        }
    }
    plain
}

/// The line of a script that an error is about, and a line with a caret that stands under the place. None if there is
/// nothing to see. A long line is cut round the place; what a terminal would obey is one replacement character.
///
/// Lines and columns as the normaliser counts them, from 1.
pub fn excerpt(script: &[u8], line: u32, column: u32) -> Option<[String; 2]> {
    let line = nth_line(script, line)?;
    let place = usize::try_from(column).ok()?.checked_sub(1)?;
    let count = cells(line).count();
    let begin = place.saturating_sub(EXCERPT_CELLS / 2).min(count.saturating_sub(EXCERPT_CELLS));
    let end = count.min(begin + EXCERPT_CELLS);
    let mark = |is_cut: bool| if is_cut { "…" } else { "" };
    let cut: String = cells(line).skip(begin).take(end - begin).collect();
    let text = format!("{}{cut}{}", mark(begin > 0), mark(end < count));
    let caret = place.min(count).saturating_sub(begin) + usize::from(begin > 0);
    (!text.trim().is_empty()).then(|| [text.trim_end().to_owned(), format!("{}^", " ".repeat(caret))])
}

/// Columns of an excerpt.
const EXCERPT_CELLS: usize = 100;

/// A line ends at LF, CR or CR LF.
fn nth_line(script: &[u8], number: u32) -> Option<&[u8]> {
    let mut rest = script;
    for _ in 1..number {
        let end = rest.iter().position(|byte| matches!(byte, b'\n' | b'\r'))?;
        let length = if rest[end..].starts_with(b"\r\n") { 2 } else { 1 };
        rest = &rest[end + length..];
    }
    let end = rest.iter().position(|byte| matches!(byte, b'\n' | b'\r')).unwrap_or(rest.len());
    Some(&rest[..end])
}

/// What stands in each column. Bytes that are not UTF-8 take one each, unless they could only go on a character.
fn cells(line: &[u8]) -> impl Iterator<Item = char> {
    line.utf8_chunks().flat_map(|chunk| {
        let invalid = chunk.invalid().iter().filter(|byte| **byte & 0xC0 != 0x80).map(|_| '\u{fffd}');
        chunk.valid().chars().map(harmless).chain(invalid)
    })
}

fn harmless(character: char) -> char {
    match character {
        '\t' => ' ',
        _ if misleads(character) => '\u{fffd}',
        _ => character,
    }
}

/// Digits of an id that are shown to people; any six that are unique find it again.
const ID_DIGITS: usize = 12;

/// An id as people are shown it: its first 12 digits.
pub fn short_id(id: &str) -> &str {
    id.get(..ID_DIGITS).unwrap_or(id)
}

/// Digits in groups of three.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let groups: Vec<&str> =
        digits.as_bytes().rchunks(3).rev().map(|group| std::str::from_utf8(group).unwrap_or("")).collect();
    groups.join(",")
}

/// `one proof`, `2 proofs`.
pub fn counted(count: u64, singular: &str, plural: &str) -> String {
    if count == 1 { format!("1 {singular}") } else { format!("{count} {plural}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn amounts_are_written_in_tokens_and_exactly() {
        for (micro, text) in [(0, "0"), (1, "0.000001"), (464_928, "0.464928"), (1_500_000, "1.5"), (7_000_000, "7")] {
            assert_eq!(tokens(micro), text);
        }
        assert_eq!(tokens(u64::MAX), "18446744073709.551615");
    }

    #[test]
    fn moments_are_written_in_utc() {
        for (ms, text) in [
            (0, "1970-01-01 00:00:00.000 UTC"),
            (951_782_400_000, "2000-02-29 00:00:00.000 UTC"),
            (1_704_067_199_999, "2023-12-31 23:59:59.999 UTC"),
            (1_795_580_155_888, "2026-11-25 04:15:55.888 UTC"),
            (4_107_542_400_000, "2100-03-01 00:00:00.000 UTC"),
        ] {
            assert_eq!(utc(ms), text);
        }
        assert_eq!(rfc3339(1_795_580_155_888), "2026-11-25T04:15:55Z");
        assert!(utc(u64::MAX).ends_with("UTC"), "whatever a node answers, nothing overflows");
    }

    #[test]
    fn what_a_terminal_would_obey_is_written_out() {
        assert_eq!(plain("a\u{1b}[31m\nb\u{202e}ä"), "a\\u{1b}[31m\\u{a}b\\u{202e}ä");
    }

    #[test]
    fn nothing_in_an_answer_moves_a_cursor() {
        let mut answer = json!({
            "a\u{202e}": 1, "b": ["x\n\u{1b}[2J", {"c\u{9b}": 2, "d": "\u{2066}y"}], "e": 7, "f": "plain ä",
            "counter_model": {"text": "a\nb\u{1b}[2Jc", "note": "d\ne", "f\u{7}": 1},
        });
        harmless_answer(&mut answer);
        let expected = json!({
            "b": ["x\\u{a}\\u{1b}[2J", {"d": "\\u{2066}y"}], "e": 7, "f": "plain ä",
            "counter_model": {"text": "a\nb\\u{1b}[2Jc", "note": "d\\u{a}e"},
        });
        assert_eq!(answer, expected);
        assert_eq!((count(&json!(7)), count(&json!(-1)), count(&json!("8"))), ("7".into(), "?".into(), "?".into()));
        assert_eq!(cut("\u{1b}abc", 2), "\\u{1b}a…");
    }

    #[test]
    fn an_excerpt_shows_the_place_and_nothing_that_a_terminal_obeys() {
        let lines = |script: &[u8], line, column| excerpt(script, line, column).map(|lines| lines.join("\n"));
        let script = b"(declare-const x Int)\r\n\t(assert (= x y))\rlast";
        assert_eq!(lines(script, 2, 15).unwrap(), " (assert (= x y))\n              ^");
        assert_eq!(lines(script, 3, 1).unwrap(), "last\n^");
        assert_eq!(lines(script, 3, 5).unwrap(), "last\n    ^", "just behind the end");
        assert_eq!(lines(script, 3, 99).unwrap(), "last\n    ^");
        assert_eq!(lines(b"a\n\n \n", 2, 1), None);
        assert_eq!((lines(script, 4, 1), lines(script, 0, 0), lines(b"", 1, 1)), (None, None, None));
        assert_eq!(lines("é\u{1b}[31m\u{202e}x".as_bytes(), 1, 8).unwrap(), "é\u{fffd}[31m\u{fffd}x\n       ^");
        assert_eq!(lines(b"a\xfc\x84b", 1, 3).unwrap(), "a\u{fffd}b\n  ^", "columns as the normaliser counts them");
    }

    #[test]
    fn a_long_line_is_cut_round_the_place() {
        let line = format!("{}!{}", "a".repeat(70_000), "b".repeat(70_000));
        let [text, caret] = excerpt(line.as_bytes(), 1, 70_001).unwrap();
        assert_eq!(text.chars().count(), EXCERPT_CELLS + 2);
        assert_eq!(text.chars().nth(caret.len() - 1), Some('!'), "{text}\n{caret}");
        for column in [1, 2, 60, 139_999, 140_001, 140_002, u32::MAX] {
            let [text, caret] = excerpt(line.as_bytes(), 1, column).unwrap();
            assert!(text.chars().count() <= EXCERPT_CELLS + 2 && caret.len() <= EXCERPT_CELLS + 2, "{column}");
        }
    }

    #[test]
    fn long_lists_are_cut_and_counted() {
        assert_eq!(names(&json!(["a", "b"])), "a, b");
        assert_eq!(names(&json!([])), "none");
        let many: Vec<String> = (0..23).map(|number| format!("node_{number}")).collect();
        assert!(names(&json!(many)).ends_with("node_19 and 3 more"));
    }
}
