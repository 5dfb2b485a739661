//! What an expression of PromQL reads: the metrics that it names, and each of its selectors.

use std::collections::BTreeSet;

/// Beginnings of the names of what a validator exports.
const EXPORTED: [&str; 2] = ["pop_", "process_"];
/// What Prometheus adds by itself.
const OF_PROMETHEUS: [&str; 9] = [
    "up",
    "ALERTS",
    "ALERTS_FOR_STATE",
    "scrape_duration_seconds",
    "scrape_samples_scraped",
    "scrape_samples_post_metric_relabeling",
    "scrape_series_added",
    "scrape_timeout_seconds",
    "scrape_sample_limit",
];

/// Whether a validator exports this, or would if it existed.
pub fn is_exported(name: &str) -> bool {
    EXPORTED.iter().any(|start| name.starts_with(start)) && !name.contains(':')
}

/// The names of all metrics that an expression reads.
pub fn names(expr: &str) -> BTreeSet<String> {
    selectors(expr).iter().map(|selector| selector.split('{').next().unwrap().trim().to_owned()).collect()
}

/// Every selector of an expression as it is written, without its range and offset.
pub fn selectors(expr: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut rest = expr;
    while let Some(first) = rest.chars().next() {
        if matches!(first, '"' | '\'' | '`') {
            rest = behind_string(rest);
        } else if first == '#' {
            rest = rest.split_once('\n').map_or("", |(_, behind)| behind);
        } else if first.is_ascii_alphabetic() || first == '_' || first == ':' {
            let is_part = |letter: char| letter.is_ascii_alphanumeric() || letter == '_' || letter == ':';
            let length = rest.find(|letter: char| !is_part(letter)).unwrap_or(rest.len());
            let (name, behind) = rest.split_at(length);
            let matchers = matchers(behind);
            if !matchers.is_empty() || is_metric(name) {
                found.insert(format!("{name}{}", matchers.trim_start()));
            }
            rest = &behind[matchers.len()..];
        } else if first.is_ascii_digit() {
            // A number or duration, whose unit is no name.
            let length = rest.find(|letter: char| !letter.is_ascii_alphanumeric()).unwrap_or(rest.len());
            rest = &rest[length..];
        } else {
            rest = &rest[first.len_utf8()..];
        }
    }
    found
}

fn is_metric(name: &str) -> bool {
    let is_recorded = name.contains(':');
    is_recorded || is_exported(name) || OF_PROMETHEUS.contains(&name)
}

/// `{…}` with the space before it, if that is what comes next.
fn matchers(text: &str) -> &str {
    let start = text.len() - text.trim_start().len();
    if !text[start..].starts_with('{') {
        return "";
    }
    let mut rest = &text[start..];
    while let Some(first) = rest.chars().next() {
        match first {
            '}' => return &text[..text.len() - rest.len() + 1],
            '"' | '\'' | '`' => rest = behind_string(rest),
            _ => rest = &rest[first.len_utf8()..],
        }
    }
    text
}

fn behind_string(text: &str) -> &str {
    let quote = text.chars().next().unwrap();
    let mut escaped = false;
    for (at, letter) in text.char_indices().skip(1) {
        if letter == quote && !escaped {
            return &text[at + 1..];
        }
        escaped = letter == '\\' && !escaped && quote != '`';
    }
    ""
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_selectors_of_an_expression_are_found_and_its_other_words_are_not() {
        let expr = r#"sum by (job, pop_label) (rate(pop_a_total{job="$job", x=~"[a-z]}\"pop_no"} [5m] offset 1h))
            / on (instance) group_left (validator) job:pop_b:rate5m # pop_comment
            > bool 1e3 and up == 0 or label_replace(process_c, "pop_d", "$1", "instance", "(.*)")"#;
        let found: Vec<String> = selectors(expr).into_iter().collect();
        let first = r#"pop_a_total{job="$job", x=~"[a-z]}\"pop_no"}"#;
        // A label named like a metric cannot be told from one; none is.
        assert_eq!(found, ["job:pop_b:rate5m", first, "pop_label", "process_c", "up"]);
        assert!(names(expr).contains("pop_a_total"));
        assert!(is_exported("pop_a_total") && !is_exported("pop:a:rate5m") && !is_exported("up"));
    }
}
