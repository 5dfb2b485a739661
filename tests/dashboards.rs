//! The dashboards for Grafana: as grafana/build makes them, of Grafana's published types, by the rules of its linter. What
//! their queries find is in tests/observability.rs.

use serde_json::{Value, json};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const NETWORK: &str = "grafana/dashboards/network.json";

fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// What Python prints; what it says that it could not do here is shown however the tests are run.
fn python(arguments: &[&str]) -> Option<(Output, String)> {
    let output = match Command::new("python3").args(arguments).current_dir(path(".")).output() {
        Ok(output) => output,
        Err(error) => {
            _ = writeln!(std::io::stderr(), "NOT RUN: python3 {}: {error}", arguments.join(" "));
            return None;
        }
    };
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    for line in said.lines().filter(|line| line.starts_with("NOT RUN: ")) {
        _ = writeln!(std::io::stderr(), "{line}");
    }
    Some((output, said))
}

#[test]
fn the_dashboards_are_what_their_source_makes() {
    if let Some((output, said)) = python(&["grafana/build", "--check"]) {
        assert!(output.status.success(), "{said}");
    }
}

#[test]
fn the_dashboards_have_grafanas_types_and_follow_its_linter() {
    if let Some((output, said)) = python(&["grafana/check"]) {
        assert!(output.status.success(), "{said}");
    }
}

/// Of each dashboard: how many panels are open at the most, and how many there are in closed rows at the least.
const OPEN: [(&str, usize, usize); 2] = [(NETWORK, 24, 20), ("grafana/dashboards/validator.json", 38, 50)];

/// Who opens a dashboard at night sees what is asked first, by names and not by ports.
#[test]
fn few_panels_are_open_and_validators_go_by_their_names() {
    for (name, open_max, closed_min) in OPEN {
        let dashboard: Value = serde_json::from_str(&std::fs::read_to_string(path(name)).unwrap()).unwrap();
        let all = dashboard["panels"].as_array().unwrap();
        let (rows, open): (Vec<&Value>, Vec<&Value>) = all.iter().partition(|panel| panel["type"] == "row");
        let closed: Vec<&Value> = rows.iter().flat_map(|row| row["panels"].as_array().unwrap()).collect();
        assert!(open.len() <= open_max, "{name}: {} panels are open", open.len());
        assert!(closed.len() >= closed_min, "{name}: {} panels are in closed rows", closed.len());
        for panel in open.into_iter().chain(closed) {
            for target in panel["targets"].as_array().unwrap() {
                let legend = target["legendFormat"].as_str().unwrap();
                assert!(!legend.contains("instance"), "{name}, {}: {legend}", panel["title"]);
            }
        }
    }
}

/// The first panel of a type, in a closed row as well.
fn panel<'a>(dashboard: &'a mut Value, kind: &str) -> &'a mut Value {
    let panels = dashboard["panels"].as_array_mut().unwrap().iter_mut();
    let all = panels.flat_map(|panel| match panel["type"] == "row" {
        true => panel["panels"].as_array_mut().unwrap().iter_mut().collect(),
        false => vec![panel],
    });
    { all }.find(|panel| panel["type"] == kind).unwrap()
}

fn remove(value: &mut Value, key: &str) {
    assert!(value.as_object_mut().unwrap().remove(key).is_some(), "there is no {key}");
}

/// What needs something that `make setup` may not have been able to fetch.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Needs {
    Nothing,
    Types,
    Promtool,
}

struct Fault {
    needs: Needs,
    make: fn(&mut Value),
    /// Words of the finding.
    found: &'static str,
}

const FAULTS: [Fault; 13] = [
    Fault {
        needs: Needs::Types,
        make: |all| panel(all, "stat")["type"] = json!("dial"),
        found: "no type of panel 'dial'",
    },
    Fault {
        needs: Needs::Types,
        make: |all| panel(all, "stat")["colour"] = json!("red"),
        found: "Panel has no field 'colour'",
    },
    Fault {
        needs: Needs::Types,
        make: |all| panel(all, "timeseries")["options"]["legends"] = json!({}),
        found: "Options has no field 'legends'",
    },
    Fault {
        needs: Needs::Types,
        make: |all| panel(all, "timeseries")["fieldConfig"]["defaults"]["custom"]["drawStyle"] = json!("dots"),
        found: "custom.drawStyle: \"dots\" is not of type GraphDrawStyle",
    },
    Fault {
        needs: Needs::Types,
        make: |all| panel(all, "stat")["id"] = json!("one"),
        found: "\"one\" is not of type int",
    },
    Fault {
        needs: Needs::Types,
        make: |all| panel(all, "stat")["fieldConfig"]["defaults"]["unit"] = json!("parsec"),
        found: "there is no unit 'parsec'",
    },
    Fault {
        needs: Needs::Nothing,
        make: |all| remove(&mut panel(all, "stat")["fieldConfig"]["defaults"], "unit"),
        found: "has no unit (panel-units-rule)",
    },
    Fault {
        needs: Needs::Nothing,
        make: |all| remove(panel(all, "heatmap"), "description"),
        found: "has no description (panel-title-description-rule)",
    },
    Fault {
        needs: Needs::Nothing,
        make: |all| panel(all, "stat")["targets"] = json!([]),
        found: "(panel-no-targets-rule)",
    },
    Fault {
        needs: Needs::Nothing,
        make: |all| ask(all, r#"rate(pop_consensus_blocks_final_total{job=~"$job"}[5m])"#),
        found: "is over 5m, not $__rate_interval (target-rate-interval-rule)",
    },
    Fault {
        needs: Needs::Nothing,
        make: |all| ask(all, "sum(pop_consensus_blocks_final_total)"),
        found: "pop_consensus_blocks_final_total is asked for without job=~\"$job\" (target-job-rule)",
    },
    Fault {
        needs: Needs::Nothing,
        make: |all| ask(all, r#"sum(increase(pop_consensus_blocks_final_total{job=~"$job"}[$__increase_interval]))"#),
        found: "there is no variable $__increase_interval (variable-exists)",
    },
    Fault { needs: Needs::Promtool, make: |all| ask(all, r#"sum(up{job=~"$job"}"#), found: "no PromQL" },
];

fn ask(dashboard: &mut Value, expression: &str) {
    panel(dashboard, "timeseries")["targets"][0]["expr"] = json!(expression);
}

/// Each fault in a copy of its own of the dashboard that has every type of panel.
#[test]
fn what_is_wrong_with_a_dashboard_is_found_and_named() {
    let text = std::fs::read_to_string(path(NETWORK)).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let name = |index: usize| format!("fault_{index}.json");
    let mut arguments = vec!["grafana/check".to_owned()];
    for (index, fault) in FAULTS.iter().enumerate() {
        let mut dashboard: Value = serde_json::from_str(&text).unwrap();
        (fault.make)(&mut dashboard);
        let file = folder.path().join(name(index));
        std::fs::write(&file, dashboard.to_string()).unwrap();
        arguments.push(file.to_str().unwrap().to_owned());
    }
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let Some((output, said)) = python(&arguments) else { return };
    assert_eq!(output.status.code(), Some(1), "{said}");
    for (index, fault) in FAULTS.iter().enumerate() {
        let not_run = match fault.needs {
            Needs::Nothing => false,
            Needs::Types => said.contains("NOT RUN: the dashboards against Grafana's types"),
            Needs::Promtool => said.contains("NOT RUN: the dashboards' queries as PromQL"),
        };
        let is_it = |line: &str| line.starts_with(&name(index)) && line.contains(fault.found);
        assert!(not_run || said.lines().any(is_it), "{}: {}\n{said}", name(index), fault.found);
    }
}
