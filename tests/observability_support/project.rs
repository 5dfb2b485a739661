//! The project's own files: metrics as they are declared, rules, dashboards, what Alertmanager is given.

use super::dashboards::Dashboard;
use super::expressions;
use crate::yaml::{self, list, string};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;

pub const RULES: [&str; 2] = ["grafana/prometheus/recording.yml", "grafana/prometheus/alerts.yml"];
pub const ALERTMANAGER: &str = "config/alertmanager.yml";

pub fn dashboards() -> Vec<Dashboard> {
    let folder = yaml::path("grafana/dashboards");
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

/// What a validator exports.
pub fn declared() -> Metrics {
    use actors::metrics::Kind as Declared;
    let kind = |kind: Declared| match kind {
        Declared::Counter | Declared::CounterOfSeconds => Kind::Counter,
        Declared::Gauge => Kind::Gauge,
        Declared::Histogram(_) => Kind::Histogram,
    };
    actors::metrics::METRICS.iter().map(|metric| (metric.name.to_owned(), kind(metric.kind))).collect()
}

/// The metric that a name in an expression belongs to: a histogram is read by the parts of its name.
pub fn family<'name>(name: &'name str, metrics: &Metrics) -> Option<&'name str> {
    let is =
        |name: &str, histogram: bool| metrics.get(name).is_some_and(|kind| (*kind == Kind::Histogram) == histogram);
    let part = ["_bucket", "_sum", "_count"].into_iter().find_map(|part| name.strip_suffix(part));
    part.filter(|base| is(base, true)).or(Some(name).filter(|name| is(name, false)))
}

/// The expressions of a rule file, with the rules' names.
pub fn rule_expressions(file: &str) -> Vec<(String, String)> {
    let content = yaml::read(file);
    let rules = list(&content["groups"]).flat_map(|group| list(&group["rules"]));
    let name = |rule: &Value| rule["alert"].as_str().unwrap_or_else(|| string(&rule["record"])).to_owned();
    rules.map(|rule| (name(rule), string(&rule["expr"]).to_owned())).collect()
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
}
