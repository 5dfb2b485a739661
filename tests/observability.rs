//! Dashboards and rules against the real thing: a network of four real processes under load, a real Prometheus that looks at
//! it, and a real Alertmanager.
//!
//! Every query of dashboards and rules is executed and finds something; every alert here fires when its fault is made, reaches
//! Alertmanager, and ends when the fault is mended; a steady network is silent. The rules are the project's own, with every
//! duration divided by [`FACTOR`], but for the tests that `make test-long` runs.

mod network_support;
mod observability_support;
mod yaml;

use network_support::faults::Faults;
use network_support::hostile::{Identity, frames};
use network_support::misdeeds::sign;
use network_support::{End, Network, say, until};
use observability_support::dashboards::{Asked, Query, Variables};
use observability_support::project::{self, Kind};
use observability_support::servers::{Api, Sample};
use observability_support::shorten::{shorten, shorten_expression};
use observability_support::site::{Site, can_run};
use observability_support::{expressions, lists};
use protocol::message::Message;
use protocol::types::{Hash, View};
use protocol::vote::{Ballot, Choice};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;
use std::time::Duration;

/// What took ten minutes takes twenty seconds.
const FACTOR: u32 = 30;
const TEN_MINUTES: Duration = Duration::from_secs(600);
/// What fires always.
const WATCHDOG: &str = "PopWatchdog";
/// Among node_1 to node_4: whose actor, workers, disk and clock, and process the faults are.
const ACTOR: usize = 0;
const WORKERS: usize = 1;
const DISK: usize = 2;
const PROCESS: usize = 3;
/// Slower than what a supervisor gives up at: more than 15 restarts in 10 s.
const BETWEEN_KILLS: Duration = Duration::from_millis(900);

/// Everything that reads metrics, with its place.
fn used() -> Vec<(String, String)> {
    let mut used = Vec::new();
    for dashboard in project::dashboards() {
        used.extend(dashboard.queries().into_iter().map(|query| (query.place, query.expr)));
        used.extend(dashboard.variable_expressions());
    }
    for file in project::RULES {
        used.extend(project::rule_expressions(file));
    }
    used
}

#[test]
fn every_metric_that_is_used_exists_and_every_metric_that_exists_is_used() {
    let (metrics, used) = (project::declared(), used());
    let mistakes = project::mistakes(&metrics, &used, lists::UNUSED);
    assert!(mistakes.is_empty(), "{}", mistakes.join("\n"));
    let alerts = project::rule_expressions(project::RULES[1]).len();
    let recorded = project::rule_expressions(project::RULES[0]).len();
    let queries: usize = project::dashboards().iter().map(|dashboard| dashboard.queries().len()).sum();
    say(format_args!(
        "{} metrics, {queries} queries of dashboards, {recorded} recording rules, {alerts} alerts",
        metrics.len()
    ));
    assert!(metrics.len() > 60 && queries > 60 && alerts > 15, "something was not read");
}

/// Whether a query found a number.
fn has_data(found: &[Sample]) -> bool {
    found.iter().any(|sample| !sample.value.is_nan())
}

/// What is empty and should not be, and what is listed as empty and is not.
fn judge(place: &str, has_data: bool, problems: &mut Vec<String>) {
    match (lists::empty(place), has_data) {
        (None, true) | (Some(_), false) => {}
        (None, false) => problems.push(format!("{place}: it finds nothing")),
        (Some(listed), true) if listed.always => problems.push(format!("{place}: listed as empty, and it is not")),
        (Some(_), true) => {}
    }
}

/// Each selector of an expression finds something, also where the whole is empty: no label is mistaken.
fn judge_selectors(api: &Api, place: &str, expr: &str, problems: &mut Vec<String>) {
    for selector in expressions::selectors(expr) {
        match api.query(&format!("last_over_time({selector}[10m])")) {
            Ok(found) if found.is_empty() && lists::empty(&format!("{place}: {selector}")).is_none() => {
                problems.push(format!("{place}: {selector} finds nothing"));
            }
            Ok(_) => {}
            Err(why) => problems.push(format!("{place}: {selector}: {why}")),
        }
    }
}

/// `factor` divides the durations in the query itself: what Grafana puts in is as short as the picture already.
fn ask(
    api: &Api,
    query: &Query,
    variables: &Variables,
    (span, step): (Duration, Duration),
    factor: u32,
) -> Result<Vec<Sample>, String> {
    let expr = variables.replace(&shorten_expression(&query.expr, factor.into()));
    match query.asked {
        Asked::Now => api.query(&expr),
        Asked::OverTime => api.query_range(&expr, span, step),
    }
}

#[test]
fn every_query_of_dashboards_and_rules_is_executed_and_finds_something_and_a_steady_network_is_silent() {
    if !can_run("every query of dashboards and rules") {
        return;
    }
    let site = Site::start(Network::new(4), FACTOR);
    let span = TEN_MINUTES / FACTOR;
    site.await_looks(20);
    let (api, step, mut problems) = (&site.prometheus.api, site.scrape, Vec::new());
    let mut asked = 0;
    for dashboard in project::dashboards() {
        let variables = Variables::of_time(span, step, site.scrape);
        let variables = dashboard.choose(api, variables).unwrap_or_else(|why| panic!("{why}"));
        for query in dashboard.queries() {
            asked += 1;
            match ask(api, &query, &variables, (span, step), FACTOR) {
                Ok(found) => judge(&query.place, has_data(&found), &mut problems),
                Err(why) => problems.push(format!("{}: {why}", query.place)),
            }
            judge_selectors(api, &query.place, &variables.replace(&query.expr), &mut problems);
        }
    }
    let rules = api.rules();
    for rule in &rules {
        assert_eq!(rule.error, "", "{}: {}", rule.name, rule.expr);
        let finds = || has_data(&api.query(&rule.expr).unwrap());
        if rule.alert {
            // While nothing is wrong, the watchdog's alone is not empty, but for moments.
            let expected = rule.name == WATCHDOG;
            until(&format!("{} is {}", rule.name, if expected { "there" } else { "empty" }), || {
                (finds() == expected).then_some(())
            });
        } else {
            judge(&rule.name, finds(), &mut problems);
        }
        judge_selectors(api, &rule.name, &rule.expr, &mut problems);
    }
    for place in lists::places().filter(|place| !place.starts_with("page: ")) {
        let exists = used().iter().any(|(used, _)| place.starts_with(used.as_str()));
        assert!(exists, "{place} is listed as empty, and does not exist");
    }
    say(format_args!("{asked} queries of dashboards and {} rules were executed", rules.len()));
    judge_pages(&site, &mut problems);
    preview(&site, &mut problems);
    assert!(problems.is_empty(), "{} problems:\n{}", problems.len(), problems.join("\n"));
    stays_silent(&site, span);
}

/// The preview draws both dashboards from this Prometheus, which refuses no query of it.
fn preview(site: &Site, problems: &mut Vec<String>) {
    let folder = site.network.path("preview");
    let mut command = Command::new("python3");
    command.arg(yaml::path("grafana/preview")).arg("--out").arg(&folder).args(["--minutes", "1", "--interval", "1"]);
    let drawn = command.args(["--prometheus", site.prometheus.api.url()]).output().unwrap();
    if !drawn.status.success() {
        problems.push(format!("the preview: {}", String::from_utf8_lossy(&drawn.stderr)));
    }
    for page in ["network.html", "validator.html"] {
        let text = std::fs::read_to_string(folder.join(page)).unwrap_or_default();
        // Where a panel's query is refused, the page says so in its place.
        if !text.contains("Preview, not Grafana") || text.contains("class=\"error\"") {
            let said = String::from_utf8_lossy(&drawn.stdout);
            problems.push(format!("the preview: {page} is not whole: {said}"));
        }
    }
}

/// Every page shows every metric that is declared, and no other.
fn judge_pages(site: &Site, problems: &mut Vec<String>) {
    let declared = project::declared();
    for node in &site.network.nodes {
        let page = page(&node.http.to_string());
        let typed = |line: &str| {
            let (name, kind) = line.strip_prefix("# TYPE ")?.split_once(' ')?;
            let kind = match kind {
                "counter" => Kind::Counter,
                "gauge" => Kind::Gauge,
                "histogram" => Kind::Histogram,
                other => panic!("{name} is a {other}"),
            };
            Some((name.to_owned(), kind))
        };
        let shown: BTreeMap<String, Kind> = page.lines().filter_map(typed).collect();
        for (name, kind) in &declared {
            if shown.get(name) != Some(kind) && lists::empty(&format!("page: {name}")).is_none() {
                problems.push(format!("{name} of kind {kind:?} is on no page of {}: {:?}", node.name, shown.get(name)));
            }
        }
        let unknown = shown.keys().filter(|name| !declared.contains_key(*name));
        problems.extend(unknown.map(|name| format!("{name} is on the page of {} and not declared", node.name)));
    }
}

fn page(address: &str) -> String {
    let mut answer = ureq::get(format!("http://{address}/metrics")).call().unwrap();
    answer.body_mut().read_to_string().unwrap()
}

/// Nothing but the watchdog fires for so long.
fn stays_silent(site: &Site, span: Duration) {
    let watched = || {
        let expr = format!(
            "count_over_time(ALERTS{{alertname=\"{WATCHDOG}\", alertstate=\"firing\"}}[{}ms])",
            span.as_millis()
        );
        let found = site.prometheus.api.query(&expr).unwrap();
        found.first().map_or(0.0, |sample| sample.value)
    };
    let expected = (span.as_millis() / site.scrape.as_millis()) as f64;
    let deadline = std::time::Instant::now() + span * 4;
    // Prometheus' own count of its evaluations is the clock.
    while watched() < expected * 0.9 {
        assert!(std::time::Instant::now() < deadline, "Prometheus evaluated its rules {} times", watched());
        std::thread::park_timeout(site.scrape);
    }
    let fired = site.fired_within(span);
    assert_eq!(fired, BTreeSet::from([WATCHDOG.to_owned()]), "{:?}", site.prometheus.api.alerts());
    say(format_args!(
        "a network under load, {} proofs of which were taken in: nothing but the watchdog fired in {} s, with durations of rules divided by {}",
        site.load.taken(),
        span.as_secs(),
        15_000 / site.scrape.as_millis(),
    ));
}

#[test]
#[ignore = "it takes ten minutes; `make test-long` runs it"]
fn a_steady_network_is_silent_for_ten_minutes() {
    if !can_run("ten minutes of a steady network") {
        return;
    }
    let site = Site::start(Network::new(4), 1);
    stays_silent(&site, TEN_MINUTES);
}

fn kill_actor(network: &Network) {
    let answer = network.pop(&["kill-actor", "--node", "node_1", "--actor", "mempool"]);
    assert!(answer.status.success(), "{}", String::from_utf8_lossy(&answer.stderr));
}

fn kill_workers(network: &Network) {
    for worker in network.nodes[WORKERS].workers() {
        // SAFETY: a plain system call. It may have ended just now.
        unsafe { libc::kill(worker, libc::SIGKILL) };
    }
}

/// The key of a validator that does not run signs two blocks in each of the next views, in a real session with another.
fn equivocate(network: &mut Network, to: usize) {
    let identity = Identity::of(network, PROCESS);
    let view = network.nodes[to].status()["current_view"].as_u64().unwrap();
    let vote = |view, block| {
        let ballot =
            Ballot { epoch: identity.set.epoch(), view: View(view), choice: Choice::Prepare(Hash([block; 32])) };
        frames(&Message::Vote { vote: sign(&identity, identity.me.0, ballot), reason: None })
    };
    // Views go on meanwhile, and those that are too far ahead are not counted.
    let votes: Vec<u8> = (view + 1..view + 9).flat_map(|view| [vote(view, 1), vote(view, 2)].concat()).collect();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut session = identity.session(to).await.unwrap();
        session.bytes(&votes).await.unwrap();
        session.is_heard().await.unwrap();
    });
}

#[test]
fn alerts_fire_when_their_fault_is_made_reach_alertmanager_and_end_when_it_is_mended() {
    alerts_fire(FACTOR);
}

#[test]
#[ignore = "it takes three quarters of an hour; `make test-long` runs it"]
fn alerts_fire_by_their_real_durations() {
    alerts_fire(1);
}

fn alerts_fire(factor: u32) {
    if !can_run("alerts that fire") {
        return;
    }
    let mut network = Network::with(4, json!({"admin": {"enabled": true}}));
    let disk = Faults::of(&mut network.nodes[DISK]);
    let mut site = Site::start(network, factor);
    let begun = std::time::Instant::now();
    // What increases is seen between two looks.
    site.await_looks(6);

    // One fault at each of three validators, at once: none of them needs the others.
    match &disk {
        Ok(disk) => {
            disk.syncs_are_slow("votes.log", 300);
            disk.clock_is_ahead(5);
        }
        Err(why) => say(format_args!("NOT RUN: alerts on a slow disk and a wrong clock: {why}")),
    }
    let mut killed = None;
    let loops = move |network: &Network| {
        if killed.is_none_or(|at: std::time::Instant| at.elapsed() > BETWEEN_KILLS) {
            kill_actor(network);
            kill_workers(network);
            killed = Some(std::time::Instant::now());
        }
    };
    let instances: Vec<String> = (0..4).map(|node| site.instance(node)).collect();
    let at = |node: usize| ("instance", instances[node].as_str());
    site.await_firing("PopActorRestarts", &[at(ACTOR), ("actor", "mempool")], loops);
    site.await_firing("PopWorkersCrash", &[at(WORKERS)], loops);
    if let Ok(disk) = &disk {
        site.await_firing("PopClockSkew", &[at(DISK)], |_| ());
        site.await_firing("PopSyncSlow", &[at(DISK)], |_| ());
        disk.heal();
        disk.clock_is_ahead(0);
        site.await_end("PopClockSkew");
        site.await_end("PopSyncSlow");
    }
    site.await_end("PopActorRestarts");
    site.await_end("PopWorkersCrash");

    site.network.nodes[PROCESS].end(End::Kill);
    site.await_firing("PopTargetDown", &[at(PROCESS)], |_| ());
    site.await_firing("PopQuorumMarginLow", &[at(ACTOR)], |_| ());
    equivocate(&mut site.network, ACTOR);
    site.await_firing("PopEquivocation", &[at(ACTOR)], |_| ());
    site.network.start_all();
    site.await_end("PopTargetDown");
    site.await_end("PopQuorumMarginLow");

    for node in [WORKERS, DISK] {
        site.network.nodes[node].freeze();
    }
    site.await_firing("PopNoFinalBlock", &[at(ACTOR)], |_| ());
    site.await_firing("PopPeersFew", &[at(ACTOR)], |_| ());
    for node in [WORKERS, DISK] {
        site.network.nodes[node].thaw();
    }
    for alert in ["PopNoFinalBlock", "PopPeersFew", "PopTargetDown", "PopEquivocation"] {
        site.await_end(alert);
    }
    what_was_empty_is_filled(&site, begun.elapsed(), factor);
}

/// Every query that is listed as empty while nothing is wrong found something in this time, in which all those faults were made.
fn what_was_empty_is_filled(site: &Site, span: Duration, factor: u32) {
    let api = &site.prometheus.api;
    for dashboard in project::dashboards() {
        let mut variables = dashboard.choose(api, Variables::of_time(span, site.scrape, site.scrape)).unwrap();
        variables.type_in("instance", ".+");
        for query in dashboard.queries() {
            if let Some(listed) = lists::empty(&query.place) {
                // The faults are mended by now: what a panel asks for at one moment was there at an earlier one.
                let query = Query { asked: Asked::OverTime, ..query };
                let found = ask(api, &query, &variables, (span, site.scrape), factor).unwrap();
                assert!(has_data(&found), "{}: {} does not fill it", query.place, listed.fault);
            }
        }
    }
}

/// What a look costs, as Prometheus saw it. Printed, and not judged: a figure is of a machine.
#[test]
#[ignore = "it measures: `cargo test --release --test observability -- --ignored --nocapture figures`"]
fn figures_of_a_look() {
    if !can_run("figures of a look") {
        return;
    }
    let site = Site::start(Network::new(4), FACTOR);
    site.await_looks(60);
    let api = &site.prometheus.api;
    let one = |expr: &str| api.query(expr).unwrap().first().map_or(f64::NAN, |sample| sample.value);
    let ms = |quantile: &str| {
        one(&format!("1000 * max(quantile_over_time({quantile}, scrape_duration_seconds{{job=\"pop\"}}[1m]))"))
    };
    let sizes: Vec<usize> = site.network.nodes.iter().map(|node| page(&node.http.to_string()).len()).collect();
    say(format_args!(
        "page: {} to {} bytes, {} series; look: median {:.1} ms, p99 {:.1} ms, longest {:.1} ms, of the slowest of four \
         validators under {:.1} final proofs a second; {} rules evaluated in {:.1} ms",
        sizes.iter().min().unwrap(),
        sizes.iter().max().unwrap(),
        one("max(scrape_samples_scraped{job=\"pop\"})"),
        ms("0.5"),
        ms("0.99"),
        ms("1"),
        one("max(rate(pop_consensus_proofs_final_total[30s]))"),
        api.rules().len(),
        1e3 * api.rules().iter().map(|rule| rule.seconds).sum::<f64>(),
    ));
}

#[test]
fn the_projects_own_files_are_still_what_prometheus_takes_when_their_durations_are_divided() {
    // What shorten() does to these files is seen by Prometheus itself above; here, that there is nothing that it overlooks.
    for file in project::RULES.into_iter().chain([project::ALERTMANAGER]) {
        let text = yaml::text(file);
        let (short, lines) = (shorten(&text, u64::from(FACTOR)), text.lines().count());
        assert_eq!(short.lines().count(), lines, "{file}");
        let again = shorten(&short, 1);
        assert_eq!(again, short, "{file}");
    }
}
