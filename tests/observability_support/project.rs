//! The project's own files: metrics as they are documented, rules, dashboards, what Alertmanager is given.

use super::dashboards::Dashboard;
use super::expressions;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

pub const RULES: [&str; 2] = ["grafana/prometheus/recording.yml", "grafana/prometheus/alerts.yml"];
pub const ALERTMANAGER: &str = "config/alertmanager.yml";

pub fn path(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

pub fn read(file: &str) -> String {
    fs::read_to_string(path(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}

pub fn dashboards() -> Vec<Dashboard> {
    let folder = path("grafana/dashboards");
    let mut files: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "json"));
    files.sort();
    files.iter().map(|file| Dashboard::read(&fs::read_to_string(file).unwrap())).collect()
}

/// What kind a metric is, as its page and its document call it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Counter,
    Gauge,
    Histogram,
}

/// Metrics by name.
pub type Metrics = BTreeMap<String, Kind>;

/// The metrics of `docs/METRICS.md`, which a test of its own keeps equal to the program: rows of its tables that begin with a
/// name and a kind.
pub fn declared() -> Metrics {
    let text = read("docs/METRICS.md");
    let row = |line: &str| {
        let mut cells = line.strip_prefix("| `")?.split('|');
        let name = cells.next()?.trim().trim_end_matches('`').to_owned();
        let kind = match cells.next()?.trim() {
            "counter" => Kind::Counter,
            "gauge" => Kind::Gauge,
            "histogram" => Kind::Histogram,
            _ => return None,
        };
        expressions::is_exported(&name).then_some((name, kind))
    };
    text.lines().filter_map(row).collect()
}

/// The metric that a name in an expression belongs to: a histogram is read by the parts of its name.
pub fn family<'name>(name: &'name str, metrics: &Metrics) -> Option<&'name str> {
    let is = |name: &str, histogram: bool| metrics.get(name).is_some_and(|kind| (*kind == Kind::Histogram) == histogram);
    let part = ["_bucket", "_sum", "_count"].into_iter().find_map(|part| name.strip_suffix(part));
    part.filter(|base| is(base, true)).or(Some(name).filter(|name| is(name, false)))
}

/// The expressions of a rule file, and whether each is an alert's.
pub fn rule_expressions(text: &str) -> Vec<(String, String)> {
    let (mut found, mut name) = (Vec::new(), String::new());
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        let start = line.trim_start().trim_start_matches("- ");
        if let Some(what) = start.strip_prefix("alert:").or(start.strip_prefix("record:")) {
            name = what.trim().to_owned();
        }
        let Some(expr) = start.strip_prefix("expr:") else { continue };
        let mut expr = expr.trim().to_owned();
        if expr.starts_with(['|', '>']) {
            expr.clear();
            let indent = indent(line);
            while let Some(more) = lines.next_if(|next| next.trim().is_empty() || self::indent(next) > indent) {
                expr += more.trim_start();
                expr.push('\n');
            }
        }
        found.push((name.clone(), expr));
    }
    found
}

fn indent(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

/// What is wrong with how expressions use metrics: names that nobody exports or records, and exported metrics that nothing
/// uses and no reason is given for.
///
/// `used` has the place and the text of every expression, `unused` the metrics that nothing needs, with the reason.
pub fn mistakes(metrics: &Metrics, used: &[(String, String)], unused: &[(&str, &str)]) -> Vec<String> {
    let recorded: BTreeSet<&str> = used.iter().map(|(place, _)| place.as_str()).collect();
    let (mut mistakes, mut seen) = (Vec::new(), BTreeSet::new());
    for (place, expr) in used {
        for name in expressions::names(expr) {
            if let Some(family) = family(&name, metrics) {
                seen.insert(family.to_owned());
            } else if expressions::is_exported(&name) {
                mistakes.push(format!("{place}: no validator exports {name}"));
            } else if name.contains(':') && !recorded.contains(name.as_str()) {
                mistakes.push(format!("{place}: no rule records {name}"));
            }
        }
    }
    for name in metrics.keys() {
        let reason = unused.iter().find(|(listed, _)| listed == name);
        match (seen.contains(name), reason) {
            (true, Some(_)) => mistakes.push(format!("{name} is used, and listed as not used")),
            (false, None) => mistakes.push(format!("{name} is in no panel and no rule, and no reason is listed")),
            (true, None) | (false, Some(_)) => {}
        }
    }
    let listed = unused.iter().filter(|(name, _)| !metrics.contains_key(*name));
    mistakes.extend(listed.map(|(name, _)| format!("{name} is listed as not used, and does not exist")));
    mistakes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metrics() -> Metrics {
        let entry = |(name, kind): (&str, Kind)| (name.to_owned(), kind);
        [("pop_a_total", Kind::Counter), ("pop_b_seconds", Kind::Histogram), ("pop_c", Kind::Gauge)].map(entry).into()
    }

    fn used(expr: &str) -> Vec<(String, String)> {
        vec![("A panel".into(), expr.into()), ("job:pop_a:rate5m".into(), "rate(pop_a_total[5m])".into())]
    }

    #[test]
    fn a_metric_that_is_renamed_is_noticed_where_it_was_used_and_by_its_new_name() {
        let used = used("job:pop_a:rate5m + rate(pop_b_seconds_sum[5m])");
        assert_eq!(mistakes(&metrics(), &used, &[("pop_c", "for people")]), [""; 0]);
        let mut renamed = metrics();
        renamed.remove("pop_a_total");
        renamed.insert("pop_aa_total".into(), Kind::Counter);
        let expected = [
            "job:pop_a:rate5m: no validator exports pop_a_total",
            "pop_aa_total is in no panel and no rule, and no reason is listed",
        ];
        assert_eq!(mistakes(&renamed, &used, &[("pop_c", "for people")]), expected);
    }

    #[test]
    fn what_is_recorded_nowhere_and_a_list_that_is_not_true_any_more_are_noticed() {
        let expected = [
            "A panel: no validator exports pop_b_seconds",
            "A panel: no rule records job:pop_b:rate5m",
            "pop_b_seconds is in no panel and no rule, and no reason is listed",
            "pop_c is used, and listed as not used",
            "pop_d is listed as not used, and does not exist",
        ];
        let used = used("pop_b_seconds + job:pop_b:rate5m + pop_c");
        let mut found = mistakes(&metrics(), &used, &[("pop_c", ""), ("pop_d", "")]);
        found.sort();
        let mut expected = expected.map(str::to_owned).to_vec();
        expected.sort();
        assert_eq!(found, expected);
    }

    #[test]
    fn the_expressions_of_a_rule_file_are_found_with_their_names() {
        let text = "groups:\n  - rules:\n    - record: a:b:c\n      expr: sum(x)\n    - alert: A\n      expr: |\n        y\n\n          > 1\n      for: 5m\n";
        let found = rule_expressions(text);
        assert_eq!(found, [("a:b:c".to_owned(), "sum(x)".to_owned()), ("A".to_owned(), "y\n\n> 1\n".to_owned())]);
    }
}
