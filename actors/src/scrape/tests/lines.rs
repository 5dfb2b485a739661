//! Reading a page, as strictly as Prometheus does.

/// A line with a value.
#[derive(Debug)]
pub(super) struct Sample<'a> {
    pub(super) name: &'a str,
    pub(super) labels: Vec<(&'a str, &'a str)>,
    pub(super) value: f64,
}

impl Sample<'_> {
    /// None if the line has not the form of one.
    pub(super) fn of(line: &str) -> Option<Sample<'_>> {
        let (head, value) = line.rsplit_once(' ')?;
        let (name, labels) = match head.split_once('{') {
            Some((name, labels)) => (name, labels.strip_suffix('}')?),
            None => (head, ""),
        };
        let labels = match labels {
            "" => Vec::new(),
            // No word that is declared holds a comma or a quote; the solver's version might, and does not.
            labels => labels.split("\",").map(label).collect::<Option<Vec<_>>>()?,
        };
        is_name(name).then_some(Sample { name, labels, value: value.parse().ok()? })
    }
}

fn label(text: &str) -> Option<(&str, &str)> {
    let (name, word) = text.split_once("=\"")?;
    let word = word.strip_suffix('"').unwrap_or(word);
    (is_name(name) && !word.contains(['"', '\\', '\n'])).then_some((name, word))
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}

pub(super) fn samples(page: &str) -> Vec<Sample<'_>> {
    page.lines().filter_map(Sample::of).collect()
}
