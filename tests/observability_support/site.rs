//! A network of four under load, with a Prometheus that looks at it by the project's rules and an Alertmanager that it tells.

use super::load::Load;
use super::project;
use super::servers::{Alert, Program, Server};
use super::shorten::shorten;
use crate::network_support::{Network, say};
use crate::yaml;
use serde_json::json;
use std::collections::BTreeSet;
use std::fs;
use std::time::{Duration, Instant};

/// What an operator's Prometheus does, by config/prometheus.yml.
const SCRAPE: Duration = Duration::from_secs(15);
/// The longest that an alert may take to fire, or to end, by the rules' own durations: window, duration, and Alertmanager's.
const LONGEST: Duration = Duration::from_secs(30 * 60);
/// For a machine that does other things, too.
const ALLOWANCE: Duration = Duration::from_secs(60);

pub struct Site {
    // Dropped in this order: nobody submits to or looks at what is being stopped.
    pub load: Load,
    pub prometheus: Server,
    pub alertmanager: Server,
    pub network: Network,
    pub scrape: Duration,
    patience: Duration,
}

/// Whether both programs are here; a line says which is not.
pub fn can_run(test: &str) -> bool {
    for program in [Program::Prometheus, Program::Alertmanager] {
        if let Err(why) = program.find() {
            say(format_args!("NOT RUN: {test}: {why}"));
            return false;
        }
    }
    true
}

impl Site {
    /// Starts everything. `factor` divides every duration of the rules, of Prometheus and of Alertmanager.
    pub fn start(network: Network, factor: u32) -> Site {
        let mut network = network;
        network.start_all();
        let folder = network.path("");
        let factor_of = |file: &str| shorten(&yaml::text(file), factor.into());
        fs::write(folder.join("alertmanager.yml"), factor_of(project::ALERTMANAGER)).unwrap();
        let alertmanager = Server::alertmanager(&folder);
        for file in project::RULES {
            fs::write(folder.join(file.rsplit('/').next().unwrap()), factor_of(file)).unwrap();
        }
        let scrape = SCRAPE / factor;
        let targets: Vec<String> = network.nodes.iter().map(|node| node.http.to_string()).collect();
        fs::write(folder.join("targets.json"), json!([{ "targets": targets }]).to_string()).unwrap();
        let config = format!(
            "global: {{scrape_interval: {ms}ms, scrape_timeout: {ms}ms, evaluation_interval: {ms}ms}}
rule_files: [recording.yml, alerts.yml]
alerting: {{alertmanagers: [{{static_configs: [{{targets: ['{}']}}]}}]}}
scrape_configs: [{{job_name: pop, file_sd_configs: [{{files: [targets.json]}}]}}]
",
            alertmanager.address(),
            ms = scrape.as_millis(),
        );
        fs::write(folder.join("prometheus.yml"), config).unwrap();
        let prometheus = Server::prometheus(&folder);
        let load = Load::on(&network);
        Site { load, prometheus, alertmanager, network, scrape, patience: LONGEST / factor + ALLOWANCE }
    }

    /// As a validator is labelled.
    pub fn instance(&self, node: usize) -> String {
        self.network.nodes[node].http.to_string()
    }

    /// Waits until Prometheus has looked at everybody so many times and blocks become final under its eyes.
    pub fn await_looks(&self, looks: u32) {
        let span = (self.scrape * looks).as_millis();
        let least = looks - 1;
        let count = format!("min(count_over_time(up{{job=\"pop\"}}[{span}ms])) >= {least}");
        let all = "sum(up{job=\"pop\"}) == 4 and min(pop_consensus_blocks_final_total) > 3";
        let holds = |expr: &str| !self.prometheus.api.query(expr).unwrap().is_empty();
        self.wait("Prometheus has looked at four validators whose blocks become final", || holds(&count) && holds(all));
    }

    /// Waits until an alert fires in Prometheus and was delivered to Alertmanager, while `disturb` is done again and again.
    pub fn await_firing(&self, alert: &str, labels: &[(&str, &str)], mut disturb: impl FnMut(&Network)) {
        let is_it = |one: &Alert| one.fires && one.name == alert && has(one, labels);
        let begun = Instant::now();
        self.wait(&format!("{alert} fires for {labels:?}"), || {
            disturb(&self.network);
            self.prometheus.api.alerts().iter().any(is_it)
        });
        let fired = begun.elapsed();
        self.wait(&format!("Alertmanager is told of {alert} for {labels:?}"), || {
            disturb(&self.network);
            self.alertmanager.api.delivered().iter().any(is_it)
        });
        say(format_args!("{alert} fires and is delivered after {fired:.1?} and {:.1?}", begun.elapsed()));
    }

    /// Waits until Prometheus and Alertmanager know no such alert any more.
    pub fn await_end(&self, alert: &str) {
        let begun = Instant::now();
        let is_it = |one: &Alert| one.fires && one.name == alert;
        self.wait(&format!("{alert} ends"), || {
            !self.prometheus.api.alerts().iter().any(is_it) && !self.alertmanager.api.delivered().iter().any(is_it)
        });
        say(format_args!("{alert} has ended after {:.1?}", begun.elapsed()));
    }

    fn wait(&self, what: &str, mut holds: impl FnMut() -> bool) {
        let deadline = Instant::now() + self.patience;
        while !holds() {
            let alerts = || self.prometheus.api.alerts();
            assert!(Instant::now() < deadline, "waited {:?} for: {what}; {:?}", self.patience, alerts());
            std::thread::park_timeout(Duration::from_millis(50));
        }
    }

    /// The names of everything that fired within the last span, as Prometheus recorded it.
    pub fn fired_within(&self, span: Duration) -> BTreeSet<String> {
        let expr = format!("ALERTS{{alertstate=\"firing\"}}[{}ms]", span.as_millis());
        let found = self.prometheus.api.query(&format!("count by (alertname) (count_over_time({expr}))")).unwrap();
        found.iter().map(|sample| sample.labels["alertname"].clone()).collect()
    }
}

fn has(alert: &Alert, labels: &[(&str, &str)]) -> bool {
    labels.iter().all(|(name, value)| alert.labels.get(*name).is_some_and(|label| label == value))
}
