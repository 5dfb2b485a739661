//! The page: every declared metric is on it, each line has the form that Prometheus reads, it is bounded whatever comes, and
//! the document says the same.

mod lines;
mod synthetic;

use crate::metrics::*;
use crate::storage::last_exit::LastRun;
use crate::tap::process::last_exit;
use lines::{Sample, samples};
use synthetic::{World, every_word};

/// A page of a network of so many validators on which everything was recorded.
fn whole(validators: u16) -> (World, String) {
    let world = World::new(validators);
    let page = world.page(|| every_word(validators));
    (world, page)
}

#[test]
fn every_line_of_the_page_is_a_sample_or_a_comment() {
    let (_, page) = whole(4);
    for line in page.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        assert!(Sample::of(line).is_some(), "{line:?}");
    }
}

#[test]
fn every_declared_metric_is_on_the_page_with_its_kind_help_and_labels_and_no_other() {
    let (_, page) = whole(4);
    let samples = samples(&page);
    for Metric { name, kind, labels, help, .. } in METRICS {
        let (word, sampled) = match kind {
            Kind::Counter | Kind::CounterOfSeconds => ("counter", (*name).to_owned()),
            Kind::Gauge => ("gauge", (*name).to_owned()),
            Kind::Histogram(_) => ("histogram", format!("{name}_bucket")),
        };
        assert_eq!(page.matches(&format!("# TYPE {name} {word}\n")).count(), 1, "{name} is no {word} on\n{page}");
        assert_eq!(page.matches(&format!("# HELP {name} {help}\n")).count(), 1, "{name} is not explained on\n{page}");
        let series = samples.iter().filter(|sample| sample.name == sampled).collect::<Vec<_>>();
        assert!(!series.is_empty(), "{name} is not on\n{page}");
        for sample in series {
            let named: Vec<&str> = sample.labels.iter().map(|(name, _)| *name).filter(|name| *name != "le").collect();
            let expected: Vec<&str> = labels.iter().map(|label| label.name).collect();
            assert_eq!(named, expected, "{name}");
        }
    }
    let is_declared = |sample: &Sample| {
        METRICS.iter().any(|metric| match metric.kind {
            Kind::Histogram(_) => {
                ["_bucket", "_sum", "_count"].iter().any(|end| sample.name == format!("{}{end}", metric.name))
            }
            Kind::Counter | Kind::CounterOfSeconds | Kind::Gauge => sample.name == metric.name,
        })
    };
    let stray: Vec<&Sample> = samples.iter().filter(|sample| !is_declared(sample)).collect();
    assert!(stray.is_empty(), "not declared: {stray:?}");
}

#[test]
fn labels_take_declared_words_only_whatever_is_recorded() {
    let (world, page) = whole(100);
    for sample in samples(&page) {
        let declared = METRICS.iter().find(|metric| {
            sample.name.starts_with(metric.name) && {
                let rest = &sample.name[metric.name.len()..];
                rest.is_empty() || matches!(metric.kind, Kind::Histogram(_))
            }
        });
        let declared = declared.unwrap_or_else(|| panic!("{} is not declared", sample.name));
        for (name, word) in sample.labels.iter().filter(|(name, _)| *name != "le") {
            let label = declared.labels.iter().find(|label| label.name == *name).unwrap();
            let known = match label.values {
                Values::Words(words) => words.contains(word),
                Values::Validator => world.names().any(|name| name == *word),
                Values::Fact(_) => true,
            };
            assert!(known, "{}: {name} is {word:?}, which is not declared", sample.name);
        }
    }
}

#[test]
fn every_combination_of_words_is_on_the_page_before_anything_happens() {
    let recorder = recorder().unwrap().build_recorder();
    ::metrics::with_local_recorder(&recorder, describe);
    let page = recorder.handle().render();
    for expected in [
        "pop_consensus_contradictions_total 0\n",
        "pop_consensus_view_change_votes_total{reason=\"two_proposals\"} 0\n",
        "pop_network_refused_total{reason=\"other_solver\",side=\"dialled\"} 0\n",
        "pop_proofs_refused_total{reason=\"share_full\"} 0\n",
        "pop_consensus_step_seconds_count{step=\"verify\"} 0\n",
        "pop_api_requests_total{status=\"429\"} 0\n",
        "pop_actor_restarts_total{actor=\"state\",reason=\"blocked\"} 0\n",
        "pop_network_bytes_total{direction=\"out\",kind=\"session\"} 0\n",
    ] {
        assert!(page.contains(expected), "{expected:?} is not on\n{page}");
    }
    let counters = METRICS.iter().filter(|metric| matches!(metric.kind, Kind::Counter));
    for Metric { name, labels, .. } in counters {
        let expected = combinations(labels).len();
        assert_eq!(samples(&page).iter().filter(|sample| sample.name == *name).count(), expected, "{name}");
    }
}

#[test]
fn names_tell_units_and_buckets_ascend() {
    for Metric { name, kind, unit, help, .. } in METRICS {
        let counts = matches!(kind, Kind::Counter | Kind::CounterOfSeconds);
        assert_eq!(counts, name.ends_with("_total"), "{name}");
        match unit {
            ::metrics::Unit::Seconds => assert!(name.contains("_seconds"), "{name}"),
            ::metrics::Unit::Bytes => assert!(name.contains("_bytes"), "{name}"),
            _ => assert_eq!(*unit, ::metrics::Unit::Count, "{name} has a unit that its name cannot tell"),
        }
        assert!(!help.contains(['\n', '\\', '|']), "{name}: the page and the document would have to escape {help:?}");
        if let Kind::Histogram(buckets) = kind {
            // The exporter would not add such an ending a second time, and the histogram would not be one.
            let endings = ["_count", "_sum", "_bucket"];
            assert!(endings.iter().all(|ending| !name.ends_with(ending)), "{name}");
            assert!(buckets.is_sorted_by(|a, b| a < b), "{name}");
        }
    }
    let names: std::collections::BTreeSet<&str> = METRICS.iter().map(|metric| metric.name).collect();
    assert_eq!(names.len(), METRICS.len(), "a name is declared twice");
}

#[test]
fn with_a_hundred_validators_and_every_word_the_page_is_bounded() {
    for validators in [4, 100, VALIDATORS_MAX as u16] {
        let (_, page) = whole(validators);
        let series = samples(&page).len();
        println!("{validators} validators: {} bytes, {series} series", page.len());
        assert!(page.len() < PAGE_BYTES_MAX, "{} bytes with {validators} validators", page.len());
    }
}

#[test]
fn series_by_validator_stop_at_their_maximum() {
    let (_, page) = whole(300);
    for name in METRICS.iter().filter(|metric| metric.labels.iter().any(|label| label.values == Values::Validator)) {
        let series = samples(&page).iter().filter(|sample| sample.name == name.name).count();
        let expected = if name.name == VALIDATOR_INFO { 1 } else { VALIDATORS_MAX };
        assert_eq!(series, expected, "{}", name.name);
    }
}

#[test]
fn a_page_says_what_is_published_and_seen() {
    let world = World::new(4);
    let page = world.page(|| {});
    let samples = samples(&page);
    let value = |name: &str, label: &str| {
        let found = samples.iter().find(|sample| {
            sample.name == name && (label.is_empty() || sample.labels.iter().any(|(_, word)| *word == label))
        });
        found.unwrap_or_else(|| panic!("no {name} of {label} on\n{page}")).value
    };
    assert_eq!(value(VALIDATOR_INFO, "node_1"), 1.0);
    assert_eq!(value(CONSENSUS_TOTAL_STAKE, ""), 40_000.0);
    assert_eq!(value(CONSENSUS_QUORUM_STAKE, ""), 26_667.0, "more than two thirds");
    assert_eq!(value(CONSENSUS_LARGEST_STAKE, ""), 10_000.0);
    assert_eq!(value(CONSENSUS_REACHABLE_STAKE, ""), 20_000.0, "this one and the first peer");
    assert_eq!([value(NETWORK_CONNECTED, "node_1"), value(NETWORK_CONNECTED, "node_2")], [1.0, 1.0]);
    assert_eq!([value(NETWORK_CONNECTED, "node_3"), value(NETWORK_BANNED, "")], [0.0, 1.0]);
    assert_eq!([value(MEMPOOL_PROOFS, "submitter"), value(MEMPOOL_PROOFS, "peer")], [2.0, 3.0]);
    assert_eq!([value(MEMPOOL_BYTES, "submitter"), value(MEMPOOL_BYTES, "peer")], [20.0, 30.0]);
    assert_eq!(value(PROOFS_READY, ""), 4.0);
    assert!(value(MEMPOOL_OLDEST, "") > 0.0);
    assert_eq!([value(VERIFIER_WAITING, ""), value(VERIFIER_WORKERS, "busy")], [1.0, 2.0]);
    assert_eq!([value(VERIFIER_ACCURACY, ""), value(VERIFIER_ACCURACY_WINDOW, "agreed")], [1.0, 0.0]);
    assert_eq!([value(STATE_SUPPLY_DIFFERENCE, ""), value(STATE_STAKE, "node_4")], [0.0, 10_000.0]);
    assert_eq!([value(STATE_BALANCE, "node_4"), value(STATE_REWARDS, "node_4")], [5.0, 0.0]);
    assert_eq!([value(ACTOR_UP, "consensus"), value(ACTOR_MAILBOX, "consensus")], [0.0, 0.0]);
}

#[test]
fn the_page_says_how_the_last_run_ended() {
    let world = World::new(4);
    let ended = LastRun::Ended { code: 70, reason: "supervision gave up".into(), at_ms: 1 };
    let killed = LastRun::Killed { since_ms: 1, note: None };
    for (last, expected) in [(None, "-2"), (Some(&killed), "-1"), (Some(&ended), "70")] {
        let page = world.page(|| last_exit(last));
        assert!(page.contains(&format!("\npop_last_exit_code {expected}\n")), "{expected}: {page}");
    }
}

#[test]
fn the_document_is_made_from_the_declarations() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/METRICS.md");
    let expected = document::document();
    if std::env::var_os("POP_WRITE_DOCS").is_some() {
        std::fs::write(path, &expected).unwrap();
    }
    let found = std::fs::read_to_string(path).unwrap();
    assert!(
        found == expected,
        "docs/METRICS.md is not what actors/src/metrics/declared.rs says; `POP_WRITE_DOCS=1 cargo test --workspace \
         the_document_is_made_from_the_declarations` regenerates it"
    );
}
