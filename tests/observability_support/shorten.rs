//! Rules with every duration divided: what takes minutes in an operator's Prometheus is shown by a test in seconds.

/// Keys whose value is a duration, in files of Prometheus and of Alertmanager.
const KEYS: [&str; 8] = [
    "for",
    "keep_firing_for",
    "interval",
    "group_wait",
    "group_interval",
    "repeat_interval",
    "resolve_timeout",
    "query_offset",
];
const UNITS: [(&str, u64); 7] = [
    ("ms", 1),
    ("s", 1_000),
    ("m", 60_000),
    ("h", 3_600_000),
    ("d", 86_400_000),
    ("w", 604_800_000),
    ("y", 31_536_000_000),
];

/// The same text with each duration divided: values of [`KEYS`], ranges and subqueries (`[5m]`, `[1h:1m]`), offsets. Plain
/// numbers, texts for people and comments stay.
pub fn shorten(text: &str, factor: u64) -> String {
    text.lines().map(|line| shorten_line(line, factor) + "\n").collect()
}

fn shorten_line(line: &str, factor: u64) -> String {
    let start = line.trim_start();
    if start.starts_with('#') {
        return line.to_owned();
    }
    if let Some((key, value)) = start.trim_start_matches("- ").split_once(':')
        && KEYS.contains(&key)
    {
        let value = value.split('#').next().unwrap_or_default().trim();
        let short = divided(value.trim_matches(['"', '\'']), factor);
        return short.map_or_else(|| line.to_owned(), |short| line.replacen(value, &short, 1));
    }
    shorten_expression(line, factor)
}

/// The same for one expression.
pub fn shorten_expression(expression: &str, factor: u64) -> String {
    let (mut out, mut rest) = (String::new(), expression);
    while let Some(at) = rest.find(['[', 'o']) {
        let (before, from) = rest.split_at(at);
        out += before;
        let (head, tail) = if let Some(inside) = from.strip_prefix('[') {
            let end = inside.find(']').unwrap_or(0);
            (shorten_range(&inside[..end], factor).map(|short| format!("[{short}")), &inside[end..])
        } else {
            let word = from.strip_prefix("offset ").filter(|_| !before.ends_with(is_word)).unwrap_or_default();
            let sign = if word.starts_with('-') { "-" } else { "" };
            let length = word[sign.len()..].find(|letter: char| !is_word(letter)).unwrap_or(word.len() - sign.len());
            let (duration, tail) = word[sign.len()..].split_at(length);
            (divided(duration, factor).map(|short| format!("offset {sign}{short}")), tail)
        };
        match head {
            Some(head) => (out, rest) = (out + &head, tail),
            None => (out, rest) = (out + &from[..1], &from[1..]),
        }
    }
    out + rest
}

fn is_word(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || letter == '_'
}

/// `5m`, `1h:1m` or `1h:`.
fn shorten_range(range: &str, factor: u64) -> Option<String> {
    match range.split_once(':') {
        None => divided(range, factor),
        Some((span, "")) => Some(format!("{}:", divided(span, factor)?)),
        Some((span, step)) => Some(format!("{}:{}", divided(span, factor)?, divided(step, factor)?)),
    }
}

/// `1h30m` and the like, divided, in milliseconds. None if it is no duration.
fn divided(duration: &str, factor: u64) -> Option<String> {
    let (mut rest, mut total) = (duration, 0);
    while !rest.is_empty() {
        let digits = rest.find(|letter: char| !letter.is_ascii_digit())?;
        let (number, from) = rest.split_at(digits);
        let letters = from.find(|letter: char| !letter.is_ascii_lowercase()).unwrap_or(from.len());
        let (unit, behind) = from.split_at(letters);
        let (_, milliseconds) = UNITS.iter().find(|(name, _)| *name == unit)?;
        total += number.parse::<u64>().ok()? * milliseconds;
        rest = behind;
    }
    // A duration of 0 means something else; what is not one at all has no digits.
    (total > 0).then(|| format!("{}ms", (total / factor).max(1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_duration_of_a_rule_is_divided_and_nothing_else() {
        let rules = r#"groups:
  - name: pop
    interval: 15s   # fifteen seconds
    rules:
      - alert: Slow
        # for: 5m
        expr: |
          rate(pop_offsets_total{code=~"[0-9]|5m"}[5m]) > 0.5
          and max_over_time(x[1h:1m] offset 1h30m) > 120
          or y[1d:] offset -5m > on (job) z[500ms]
        for: 2m
        keep_firing_for: "10m"
        annotations:
          summary: "for 5m: nothing for two minutes"
"#;
        let expected = r#"groups:
  - name: pop
    interval: 1500ms   # fifteen seconds
    rules:
      - alert: Slow
        # for: 5m
        expr: |
          rate(pop_offsets_total{code=~"[0-9]|5m"}[30000ms]) > 0.5
          and max_over_time(x[360000ms:6000ms] offset 540000ms) > 120
          or y[8640000ms:] offset -30000ms > on (job) z[50ms]
        for: 12000ms
        keep_firing_for: 60000ms
        annotations:
          summary: "for 5m: nothing for two minutes"
"#;
        assert_eq!(shorten(rules, 10), expected);
    }

    #[test]
    fn what_is_no_duration_stays() {
        for text in
            ["for: 0s", "for: ", "interval: $__interval", "x[$__rate_interval]", "[", "no [5m", "foo offset 5 m"]
        {
            assert_eq!(shorten_expression(&shorten_line(text, 2), 2), text, "{text}");
        }
        assert_eq!(divided("1h30m", 60), Some("90000ms".into()));
        assert_eq!(divided("1ms", 60), Some("1ms".into()));
    }
}
