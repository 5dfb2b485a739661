//! The page: every declared metric is on it once it was recorded, each line has the form that Prometheus reads, and the
//! document lists the same metrics.

use super::*;
use metrics_exporter_prometheus::PrometheusHandle;
use protocol::types::{Epoch, ResourceCount, Signature, ValidatorIndex, View};
use protocol::vote::{Ballot, Choice, Vote};

/// A page on which each function of this file has written once.
fn page() -> String {
    let recorder = recorder().unwrap().build_recorder();
    let handle: PrometheusHandle = recorder.handle();
    metrics::with_local_recorder(&recorder, || {
        describe();
        record_everything();
    });
    handle.run_upkeep();
    handle.render()
}

/// Of a tree with one actor that never starts.
fn report() -> TreeReport {
    actix::System::new().block_on(async {
        let (_handle, seat) = crate::supervision::reserve::<Idle>(crate::supervision::Spec::new("consensus"));
        let child = seat.fill(|| Ok(Idle));
        crate::supervision::Supervisor::new("validator")
            .child(child)
            .start(std::sync::Arc::new(|_| {}))
            .unwrap()
            .report()
    })
}

struct Idle;
impl actix::Actor for Idle {
    type Context = actix::Context<Self>;
}

fn record_everything() {
    let second = Duration::from_secs(1);
    actors(&report());
    network_session_opened();
    network_session_closed("closed");
    network_refused("tls", "accepted");
    network_fault("bad_frame");
    network_ban();
    network_received_bytes(1);
    network_received("vote");
    network_sent(1, &["vote"]);
    network_dropped(Lane::Bulk, 1);
    network_throttled();
    network_round_trip(second);
    vote_log_records(&[Record::Floor(View(1)), Record::Vote(vote())]);
    vote_log_written(second);
    blocks_final(&[]);
    consensus_at(Sequence(7));
    proposed_to_prepared(second);
    prepared_to_final(second);
    view_timer(Millis(300));
    let entered = Notice::ViewEntered {
        view: View(3),
        leader: ValidatorIndex(0),
        by: Some(VoteKind::ViewChange),
        fetched: false,
        doubles: true,
    };
    consensus_notice(&entered);
    consensus_notice(&Notice::GaveUp { view: View(2), reason: GiveUpReason::Timeout });
    pool_event(&PoolEvent::WorkerStarted { pid: 1 });
    pool_event(&PoolEvent::WorkerEnded { pid: 1, cause: "recycled" });
    pool_event(&PoolEvent::WorkerNotStarted { error: String::new() });
    let resource_count = Some(ResourceCount(164_109));
    pool_event(&PoolEvent::Checked { verdict: "confirmed", cpu: second, wall: second, resource_count, attempts: 1 });
    verifier_waiting(2);
    verifier_workers(1.0);
}

fn vote() -> Vote {
    let ballot = Ballot { epoch: Epoch(1), view: View(1), choice: Choice::ViewChange };
    Vote { ballot, voter: ValidatorIndex(0), signature: Signature([0; 64]) }
}

/// Name, labels and value of a line, if it has the form of one.
fn sample(line: &str) -> Option<(&str, &str, f64)> {
    let (head, value) = line.rsplit_once(' ')?;
    let (name, labels) = match head.split_once('{') {
        Some((name, labels)) => (name, labels.strip_suffix('}')?),
        None => (head, ""),
    };
    let is_name =
        |name: &str| !name.is_empty() && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    let labelled = labels.is_empty()
        || labels.split(',').all(|label| {
            label.split_once('=').is_some_and(|(name, value)| {
                is_name(name) && value.len() >= 2 && value.starts_with('"') && value.ends_with('"')
            })
        });
    (is_name(name) && labelled).then_some((name, labels, value.parse().ok()?))
}

#[test]
fn every_line_of_the_page_is_a_sample_or_a_comment() {
    for line in page().lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        assert!(sample(line).is_some(), "{line:?}");
    }
}

#[test]
fn every_declared_metric_is_on_the_page_with_its_kind_help_and_labels() {
    let page = page();
    let samples: Vec<_> = page.lines().filter_map(sample).collect();
    for Metric { name, kind, labels, help, .. } in METRICS {
        let (word, sampled) = match kind {
            Kind::Counter => ("counter", (*name).to_owned()),
            Kind::Gauge => ("gauge", (*name).to_owned()),
            Kind::Histogram(_) => ("histogram", format!("{name}_bucket")),
        };
        assert!(page.contains(&format!("# TYPE {name} {word}\n")), "{name} is no {word} on\n{page}");
        assert!(page.contains(&format!("# HELP {name} {help}\n")), "{name} is not explained on\n{page}");
        let (_, found, _) =
            samples.iter().find(|(name, ..)| *name == sampled).unwrap_or_else(|| panic!("no {sampled}"));
        for label in *labels {
            assert!(found.contains(&format!("{label}=")), "{name} has no label {label}: {found}");
        }
        assert!(
            matches!(kind, Kind::Histogram(_)) || found.split(',').count() == labels.len().max(1),
            "{name}: {found}"
        );
    }
    let stray = samples.iter().find(|(name, ..)| METRICS.iter().all(|metric| !name.starts_with(metric.name)));
    assert_eq!(stray, None, "a metric that is not declared");
}

#[test]
fn names_tell_units_and_buckets_ascend() {
    for Metric { name, kind, unit, .. } in METRICS {
        assert_eq!(matches!(kind, Kind::Counter), name.ends_with("_total"), "{name}");
        match unit {
            Unit::Seconds => assert!(name.contains("_seconds"), "{name}"),
            Unit::Bytes => assert!(name.contains("_bytes"), "{name}"),
            _ => assert_eq!(*unit, Unit::Count, "{name} has a unit that its name cannot tell"),
        }
        if let Kind::Histogram(buckets) = kind {
            // The exporter would not add such an ending a second time, and the histogram would not be one.
            let endings = ["_count", "_sum", "_bucket"];
            assert!(endings.iter().all(|ending| !name.ends_with(ending)), "{name}");
            assert!(buckets.is_sorted_by(|a, b| a < b), "{name}");
        }
    }
}

#[test]
fn metrics_without_labels_are_on_the_page_before_anything_happens() {
    let recorder = recorder().unwrap().build_recorder();
    metrics::with_local_recorder(&recorder, describe);
    let page = recorder.handle().render();
    assert!(page.contains("pop_consensus_contradictions_total 0"), "{page}");
    assert!(page.contains("pop_verifier_workers 0"), "{page}");
}

#[test]
fn the_document_lists_every_metric_and_no_other() {
    let document = include_str!("../../../docs/METRICS.md");
    let rows: Vec<&str> = document.lines().filter(|line| line.starts_with("| `pop_")).collect();
    let expected: Vec<String> = METRICS.iter().map(row).collect();
    assert_eq!(rows, expected, "write these into docs/METRICS.md:\n{}", expected.join("\n"));
}

fn row(metric: &Metric) -> String {
    let kind = match metric.kind {
        Kind::Counter => "counter",
        Kind::Gauge => "gauge",
        Kind::Histogram(_) => "histogram",
    };
    let labels: Vec<String> = metric.labels.iter().map(|label| format!("`{label}`")).collect();
    format!("| `{}` | {kind} | {} | {} |", metric.name, labels.join(", "), metric.help)
}
