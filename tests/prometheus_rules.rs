//! The rules for Prometheus: as its own tools judge them, against the metrics that exist, and against the runbook. Alerts
//! that are injected into a running network are in a test of their own.

mod yaml;

use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use yaml::{list, string};

const RECORDING: &str = "grafana/prometheus/recording.yml";
const ALERTS: &str = "grafana/prometheus/alerts.yml";
const TESTS: &str = "grafana/prometheus/tests";
const RUNBOOK: &str = "docs/RUNBOOK.md";
const ALERTMANAGER: &str = "config/alertmanager.yml";
/// Severity, and the receiver of the example that gets it.
const SEVERITIES: [(&str, &str); 3] =
    [("page", "example-page"), ("ticket", "example-ticket"), ("none", "example-watchdog")];
/// Fires without a fault.
const WATCHDOG: &str = "PopWatchdog";

/// A program that `make setup` fetches, else the path's own.
fn program(name: &str) -> Option<PathBuf> {
    let places = std::env::var_os("PATH").unwrap_or_default();
    let mut folders = std::iter::once(yaml::path(".prometheus/bin")).chain(std::env::split_paths(&places));
    folders.find_map(|folder| Some(folder.join(name)).filter(|path| path.is_file()))
}

/// What it prints, if it is here. Anything but success is a failed test.
fn run(name: &str, arguments: &[&str]) -> Option<String> {
    let Some(program) = program(name) else {
        // Not println: it is shown however the tests are run.
        _ = writeln!(std::io::stderr(), "NOT RUN: {name} {}: there is no {name} here", arguments.join(" "));
        return None;
    };
    let output = Command::new(program).args(arguments).current_dir(yaml::path(".")).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{name} {}:\n{said}", arguments.join(" "));
    Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// The rules of a file, by what the key (`alert`, `record`) calls them.
fn rules(file: &str, key: &str) -> BTreeMap<String, Value> {
    let content = yaml::read(file);
    let all = list(&content["groups"]).flat_map(|group| list(&group["rules"]));
    let named: Vec<(String, Value)> = all.map(|rule| (string(&rule[key]).to_owned(), rule.clone())).collect();
    let (count, rules) = (named.len(), BTreeMap::from_iter(named));
    assert_eq!(rules.len(), count, "{file} has a name twice");
    assert!(count > 0, "{file} has no rules");
    rules
}

fn test_files() -> Vec<String> {
    let entries = std::fs::read_dir(yaml::path(TESTS)).unwrap().map(|entry| entry.unwrap().file_name());
    let mut files: Vec<String> = entries.map(|name| format!("{TESTS}/{}", name.to_str().unwrap())).collect();
    files.sort();
    files
}

#[test]
fn promtool_finds_nothing_wrong_with_rules_and_configurations() {
    run("promtool", &["check", "rules", "--lint=all", "--lint-fatal", RECORDING, ALERTS]);
    for config in ["config/prometheus.yml", "config/compose/prometheus.yml"] {
        run("promtool", &["check", "config", "--lint=all", "--lint-fatal", config]);
    }
}

#[test]
fn every_rule_holds_its_unit_tests() {
    let files = test_files();
    let arguments: Vec<&str> = ["test", "rules"].into_iter().chain(files.iter().map(String::as_str)).collect();
    run("promtool", &arguments);
}

#[test]
fn alertmanager_takes_the_example_and_routes_by_severity() {
    run("amtool", &["check-config", ALERTMANAGER]);
    let file = format!("--config.file={ALERTMANAGER}");
    for (severity, receiver) in SEVERITIES {
        let routed = run("amtool", &["config", "routes", "test", &file, &format!("severity={severity}")]);
        assert!(routed.is_none_or(|to| to == receiver), "{severity} goes to another one than {receiver}");
    }
}

/// What a validator exports, and whether it is a histogram.
fn declared() -> BTreeMap<&'static str, bool> {
    use actors::metrics::{Kind, METRICS};
    METRICS.iter().map(|metric| (metric.name, matches!(metric.kind, Kind::Histogram(_)))).collect()
}

/// The names in an expression that stand for series: ours, those of the process, and recorded ones.
fn names(expr: &str) -> BTreeSet<&str> {
    let is_part = |letter: char| letter.is_ascii_alphanumeric() || letter == '_' || letter == ':';
    let is_series = |word: &&str| word.starts_with("pop_") || word.starts_with("process_") || word.contains(':');
    // What is in quotes is a label's value.
    let bare = expr.split('"').step_by(2);
    bare.flat_map(|part| part.split(|letter| !is_part(letter))).filter(is_series).collect()
}

#[test]
fn every_metric_of_a_rule_is_exported_or_recorded() {
    let (recorded, declared) = (rules(RECORDING, "record"), declared());
    let alerts = rules(ALERTS, "alert");
    let mut unknown = BTreeSet::new();
    for (rule, content) in recorded.iter().chain(&alerts) {
        for name in names(string(&content["expr"])) {
            // A histogram is read by its parts.
            let part = ["_bucket", "_sum", "_count"].iter().find_map(|part| name.strip_suffix(part));
            let is_known = part.is_some_and(|name| declared.get(name) == Some(&true))
                || declared.get(name) == Some(&false)
                || recorded.contains_key(name);
            if !is_known {
                unknown.insert(format!("{rule} asks for {name}"));
            }
        }
    }
    assert!(unknown.is_empty(), "no validator exports this: {unknown:#?}");
}

#[test]
fn every_alert_says_how_bad_it_is_and_where_to_read_on() {
    for (name, alert) in rules(ALERTS, "alert") {
        let keys = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>().join(" ");
        assert!(name.starts_with("Pop"), "{name} would be mistaken for another program's");
        assert_eq!(keys(&alert["labels"]), "severity", "{name}");
        let severity = string(&alert["labels"]["severity"]);
        assert!(SEVERITIES.iter().any(|(known, _)| *known == severity), "{name} is {severity}");
        assert_eq!(severity == "none", name == WATCHDOG);
        let annotations = &alert["annotations"];
        assert_eq!(keys(annotations), "dashboard description runbook summary", "{name}");
        assert_eq!(string(&annotations["runbook"]), format!("{RUNBOOK}#{}", name.to_lowercase()), "{name}");
        let dashboard = string(&annotations["dashboard"]);
        assert!(dashboards().contains(dashboard), "{name}: there is no dashboard {dashboard}");
    }
}

/// The uids of the dashboards.
fn dashboards() -> BTreeSet<String> {
    let files = std::fs::read_dir(yaml::path("grafana/dashboards")).unwrap().map(|entry| entry.unwrap().path());
    let uid = |path: PathBuf| {
        let json: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        string(&json["uid"]).to_owned()
    };
    files.filter(|path| path.extension().is_some_and(|extension| extension == "json")).map(uid).collect()
}

#[test]
fn every_rule_has_a_unit_test_that_shows_it_fire_and_not_fire() {
    let (mut fires, mut silent, mut evaluated) = (BTreeSet::new(), BTreeSet::new(), String::new());
    for file in test_files() {
        let content = yaml::read(&file);
        for test in list(&content["tests"]) {
            for case in list(&test["alert_rule_test"]) {
                let set = if list(&case["exp_alerts"]).next().is_some() { &mut fires } else { &mut silent };
                set.insert(string(&case["alertname"]).to_owned());
            }
            evaluated.extend(list(&test["promql_expr_test"]).map(|case| string(&case["expr"]).to_owned() + "\n"));
        }
    }
    for name in rules(ALERTS, "alert").keys() {
        assert!(fires.contains(name), "no unit test shows {name} fire");
        assert!(silent.contains(name) || name == WATCHDOG, "no unit test shows {name} not fire");
    }
    let evaluated = names(&evaluated);
    for name in rules(RECORDING, "record").keys() {
        assert!(evaluated.contains(name.as_str()), "no unit test evaluates {name}");
    }
}

#[test]
fn every_alert_has_its_section_in_the_runbook_and_every_section_its_alert() {
    let text = yaml::text(RUNBOOK);
    let mut sections = BTreeMap::new();
    for section in text.split("\n### ").skip(1) {
        let (name, rest) = section.split_once('\n').unwrap();
        let parts: Vec<&str> = rest.split("\n**").skip(1).map(|part| part.split("**").next().unwrap()).collect();
        let [severity, "Look.", "Do."] = parts.as_slice() else { panic!("{RUNBOOK}, {name}: {parts:?}") };
        assert_eq!(sections.insert(name.to_owned(), severity.trim_end_matches('.').to_lowercase()), None);
    }
    let severity = |alert: Value| string(&alert["labels"]["severity"]).to_owned();
    let alerts = rules(ALERTS, "alert").into_iter().map(|(name, alert)| (name, severity(alert))).collect();
    assert_eq!(sections, alerts);
}

#[test]
fn every_alert_that_is_held_back_by_another_exists() {
    let alerts = rules(ALERTS, "alert");
    let config = yaml::read(ALERTMANAGER);
    let inhibitions: Vec<&Value> = list(&config["inhibit_rules"]).collect();
    assert!(!inhibitions.is_empty());
    for rule in inhibitions {
        for matcher in yaml::words(&rule["source_matchers"]).into_iter().chain(yaml::words(&rule["target_matchers"])) {
            let (label, value) = matcher.split_once('=').unwrap();
            assert_eq!(label, "alertname");
            for name in value.trim_start_matches('~').trim_matches('"').split('|') {
                assert!(alerts.contains_key(name), "{ALERTMANAGER}: there is no alert {name}");
            }
        }
    }
}

#[test]
fn the_rules_are_those_that_prometheus_is_told_to_read() {
    for config in ["config/prometheus.yml", "config/compose/prometheus.yml"] {
        let folder = Path::new(config).parent().unwrap();
        let content = yaml::read(config);
        let read = yaml::words(&content["rule_files"]).into_iter().map(|file| yaml::path(".").join(folder).join(file));
        let read: Vec<PathBuf> = read.map(|path| path.canonicalize().unwrap()).collect();
        let ours = [RECORDING, ALERTS].map(|file| yaml::path(file).canonicalize().unwrap());
        assert_eq!(read, ours, "{config}");
    }
}
