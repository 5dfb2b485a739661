//! Why a proof is refused, in a sentence: how many validators found what, and the counterexample.
//!
//! Must never: call a claim *false* that a validator confirmed, or let a character through that a terminal obeys.

use crate::text::{plain, word};
use protocol::mempool::WORDS_KEPT_MAX;
use protocol::message::Word;
use protocol::types::ResourceCount;
use protocol::verdict::{Answer, Report, Verdict};
use serde_json::Value;
use std::collections::BTreeSet;

/// Symbols of a counterexample that are shown in one line.
const BINDINGS_MAX: usize = 4;
/// Characters of one symbol's value in it.
const VALUE_CHARS_MAX: usize = 40;

/// What validators found of a proof that is refused on their attestations, of `total` validators. The report is this
/// node's own, if it has one: it says which answer refutes the claim, or why there is none.
pub fn sentence(words: &[Word], total: usize, report: Option<&Report>) -> String {
    let count = |is: fn(&Word) -> bool| words.iter().filter(|word| is(word)).count();
    let refuted = count(|word| matches!(word, Word::Refuted));
    let undecided = count(|word| matches!(word, Word::NoVerdict));
    let confirmed = words.len() - refuted - undecided;
    let verdict = report.map(|report| &report.verdict);
    let found = match verdict {
        Some(Verdict::Refuted { answer: Answer::Sat, .. }) => "found a counterexample",
        Some(Verdict::Refuted { answer: Answer::Unsat, .. }) => "found that nothing satisfies it",
        _ => "refute it",
    };
    let mut parts = Vec::new();
    let mut part = |count: usize, what: &str| {
        // The first says of how many.
        let of = if parts.is_empty() { format!(" of {total} validators") } else { String::new() };
        if count > 0 {
            parts.push(format!("{count}{of} {what}"));
        }
    };
    part(refuted, found);
    part(undecided, "reached no verdict");
    part(confirmed, &confirmed_at(words));
    let heard = words.len();
    if heard < total && heard < WORDS_KEPT_MAX {
        parts.push(format!("{} not heard", total - heard));
    }
    let head = match (refuted, undecided, confirmed) {
        (1.., _, 0) => "false",
        (0, 1.., 0) => "no verdict",
        _ => "disputed",
    };
    let mut text = format!("{head}. {}", parts.join(", "));
    if let Some(Verdict::NoVerdict { reason }) = verdict {
        text.push_str(&format!(": {reason}"));
    }
    text
}

/// What confirms at different counts agrees on none.
fn confirmed_at(words: &[Word]) -> String {
    let counts: BTreeSet<ResourceCount> = words
        .iter()
        .filter_map(|word| match word {
            Word::Confirmed(count) | Word::ConfirmedBeyondSoft(count) => Some(*count),
            Word::Refuted | Word::NoVerdict => None,
        })
        .collect();
    match counts.iter().take(BINDINGS_MAX).map(ToString::to_string).collect::<Vec<_>>().as_slice() {
        [] | [_] => "confirm it".into(),
        some => format!("confirm it, but at different resource counts ({})", some.join(", ")),
    }
}

/// The same of a proof at a node, from the API's JSON, with the counterexample if the node found one.
pub fn of_view(view: &Value) -> String {
    let message = plain(word(&view["refusal"]["message"], "no reason was given"));
    match view["counter_model"]["text"].as_str().and_then(bindings) {
        Some(model) => format!("{message}: {model}"),
        None => message,
    }
}

/// A counterexample in one line: `low = #x08000000, high = #xffffffff`. None if it binds no constant, or is no model.
///
/// Iterative: a node that is hostile nests as deep as it likes.
pub fn bindings(model: &str) -> Option<String> {
    let (mut shown, mut more) = (Vec::new(), false);
    for definition in forms(model) {
        let inner = definition.strip_prefix('(').and_then(|rest| rest.strip_suffix(')'));
        let parts: Vec<&str> = inner.map(|inner| forms(inner).collect()).unwrap_or_default();
        let ["define-fun", name, "()", _sort, value] = parts[..] else {
            more = true;
            continue;
        };
        if shown.len() == BINDINGS_MAX {
            more = true;
            break;
        }
        shown.push(format!("{} = {}", short(name), short(&value_of(value))));
    }
    if shown.is_empty() {
        return None;
    }
    Some(shown.join(", ") + if more { ", …" } else { "" })
}

/// `(- 5)` reads as `-5`.
fn value_of(value: &str) -> String {
    let negative = value.strip_prefix("(- ").and_then(|rest| rest.strip_suffix(')'));
    match negative.filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')) {
        Some(digits) => format!("-{digits}"),
        None => value.split_whitespace().collect::<Vec<_>>().join(" "),
    }
}

fn short(text: &str) -> String {
    let mut characters = text.chars();
    let head: String = characters.by_ref().take(VALUE_CHARS_MAX).collect();
    plain(&head) + if characters.next().is_some() { "…" } else { "" }
}

/// The expressions of a text, each with everything in it; comments are left out. What is not closed is left out too.
fn forms(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        rest = rest.trim_start();
        while rest.starts_with(';') {
            rest = rest.split_once('\n')?.1.trim_start();
        }
        let (form, after) = rest.split_at(end_of_form(rest)?);
        rest = after;
        Some(form)
    })
}

/// Where the first expression ends. None if there is none, or it is not closed.
fn end_of_form(text: &str) -> Option<usize> {
    let (mut depth, mut quote, mut is_comment) = (0usize, None, false);
    let mut characters = text.char_indices().peekable();
    while let Some((at, character)) = characters.next() {
        match (character, quote) {
            ('\n', None) if is_comment => is_comment = false,
            _ if is_comment => continue,
            (character, Some(open)) if character == open => quote = None,
            (_, Some(_)) => continue,
            ('|' | '"', None) => {
                quote = Some(character);
                continue;
            }
            (';', None) => {
                is_comment = true;
                continue;
            }
            ('(', None) => {
                depth += 1;
                continue;
            }
            (')', None) => depth = depth.checked_sub(1)?,
            (_, None) => {}
        }
        let ends = character == ')'
            || characters.peek().is_none_or(|(_, next)| next.is_whitespace() || matches!(next, '(' | ')' | ';'));
        if depth == 0 && ends && !character.is_whitespace() {
            return Some(at + character.len_utf8());
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::verdict::NoVerdict;
    use serde_json::json;

    fn confirmed(count: u64) -> Word {
        Word::Confirmed(ResourceCount(count))
    }

    #[test]
    fn a_refusal_says_how_many_found_what() {
        let refuted = Report::of(Verdict::Refuted { answer: Answer::Sat, resource_count: ResourceCount(7) });
        let say = |words: &[Word], report| sentence(words, 4, report);
        assert_eq!(say(&[Word::Refuted; 4], Some(&refuted)), "false. 4 of 4 validators found a counterexample");
        assert_eq!(say(&[Word::Refuted; 2], None), "false. 2 of 4 validators refute it, 2 not heard");
        let words = [Word::Refuted, Word::Refuted, confirmed(7), Word::NoVerdict];
        assert_eq!(say(&words, None), "disputed. 2 of 4 validators refute it, 1 reached no verdict, 1 confirm it");
        let words = [confirmed(7), confirmed(8), confirmed(7), confirmed(8)];
        let told = "disputed. 4 of 4 validators confirm it, but at different resource counts (7, 8)";
        assert_eq!(say(&words, None), told);
        let limit = Report::of(Verdict::NoVerdict { reason: NoVerdict::ResourceLimit { limit: 9 } });
        let told = say(&[Word::NoVerdict; 4], Some(&limit));
        assert!(told.starts_with("no verdict. 4 of 4 validators reached no verdict: "), "{told}");
    }

    #[test]
    fn a_counterexample_fits_in_the_line() {
        let text = "(define-fun low () (_ BitVec 32) #x08000000)\n(define-fun high () (_ BitVec 32) #xffffffff)\n; middle is #x03ffffff\n";
        assert_eq!(bindings(text).as_deref(), Some("low = #x08000000, high = #xffffffff"));
        let view = json!({"refusal": {"message": "false. 4 of 4"}, "counter_model": {"text": text}});
        assert_eq!(of_view(&view), "false. 4 of 4: low = #x08000000, high = #xffffffff");
        assert_eq!(of_view(&json!({})), "no reason was given");
    }

    #[test]
    fn values_are_read_as_they_are_quoted_and_nested() {
        let one = |text: &str| bindings(text);
        assert_eq!(one("(define-fun |a (b| () Int (- 5))").as_deref(), Some("|a (b| = -5"));
        assert_eq!(one("(define-fun s () String \"x) ; \"\"\")").as_deref(), Some("s = \"x) ; \"\"\""));
        assert_eq!(one("(define-fun f ((x Int)) Int x)\n(define-fun y () Int 1)").as_deref(), Some("y = 1, …"));
        let array = "(define-fun a () (Array Int Int)\n  (store ((as const (Array Int Int)) 0) 1 2))";
        assert_eq!(one(array).as_deref(), Some("a = (store ((as const (Array Int Int)) 0) 1 …"));
        for text in ["", ")", "((((", "; only", "(define-fun", "(define-fun x () Int", &"(".repeat(100_000)] {
            assert_eq!(one(text), None, "{:?}", text.get(..20));
        }
        let many: String = (0..9).map(|number| format!("(define-fun x{number} () Int 1)")).collect();
        assert_eq!(one(&many).as_deref(), Some("x0 = 1, x1 = 1, x2 = 1, x3 = 1, …"));
        assert_eq!(one("(define-fun \u{1b}[2J () Int 1)").as_deref(), Some("\\u{1b}[2J = 1"));
    }
}
