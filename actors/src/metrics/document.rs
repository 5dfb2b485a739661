//! `docs/METRICS.md`, whole, from the declarations.

use super::{Kind, Label, METRICS, Metric, PAGE_BYTES_MAX, VALIDATORS_MAX, Values};
use std::fmt::Write;

/// The document.
pub fn document() -> String {
    let mut text = introduction();
    // Writing to a string does not fail.
    _ = write_metrics(&mut text).and_then(|()| write_labels(&mut text)).and_then(|()| write_buckets(&mut text));
    text
}

fn introduction() -> String {
    format!(
        "# Metrics

<!-- Made from actors/src/metrics/declared.rs; a test says how to regenerate it. -->

Every validator shows these {count} metrics on `/metrics` of its HTTP address, in the text format of Prometheus (version 0.0.4),
unless `metrics.enabled` is false. The exporter has no OpenMetrics text, so that is not offered: a client that asks for it gets the same
page, with the content type of what it is. They count from the start of the process.

Series whose labels take fixed values are on the page from the start, at 0, so that rates and alerts work from the first event on.
Labels take the values listed below, and no text of a peer or a submitter ever becomes one. `validator` is a `node_id` of the
genesis; series by validator exist for its first {VALIDATORS_MAX} validators. With 100 validators and every series on it a page is
shorter than {page} KiB, which a test checks.

A page is made of counters, of what actors publish, and of what is seen of them from outside: it waits for no actor, and is there
when one hangs.

To put validators' names to a query, join `* on (job, instance) group_left (validator) pop_validator_info`.
",
        count = METRICS.len(),
        page = PAGE_BYTES_MAX >> 10,
    )
}

fn write_metrics(text: &mut String) -> std::fmt::Result {
    let mut group = "";
    for metric in METRICS {
        if metric.group != group {
            group = metric.group;
            write!(text, "\n## {group}\n\n| metric | kind | labels | meaning |\n|---|---|---|---|\n")?;
        }
        writeln!(text, "{}", row(metric))?;
    }
    Ok(())
}

fn write_labels(text: &mut String) -> std::fmt::Result {
    write!(text, "\n## Labels\n\n| label | of | values |\n|---|---|---|\n")?;
    for (label, metrics) in labels() {
        let of: Vec<String> = metrics.iter().map(|name| format!("`{name}`")).collect();
        writeln!(text, "| `{}` | {} | {} |", label.name, of.join(", "), values(&label))?;
    }
    Ok(())
}

fn write_buckets(text: &mut String) -> std::fmt::Result {
    write!(text, "\n## Buckets\n\n| histogram | upper bounds, and one without |\n|---|---|\n")?;
    for Metric { name, kind, .. } in METRICS {
        if let Kind::Histogram(buckets) = kind {
            let bounds: Vec<String> = buckets.iter().map(f64::to_string).collect();
            writeln!(text, "| `{name}` | {} |", bounds.join(", "))?;
        }
    }
    Ok(())
}

fn row(metric: &Metric) -> String {
    let kind = match metric.kind {
        Kind::Counter | Kind::CounterOfSeconds => "counter",
        Kind::Gauge => "gauge",
        Kind::Histogram(_) => "histogram",
    };
    let labels: Vec<String> = metric.labels.iter().map(|label| format!("`{}`", label.name)).collect();
    format!("| `{}` | {kind} | {} | {} |", metric.name, labels.join(", "), metric.help)
}

/// Every set of label values once, with the metrics that have it.
fn labels() -> Vec<(Label, Vec<&'static str>)> {
    let mut labels: Vec<(Label, Vec<&'static str>)> = Vec::new();
    for metric in METRICS {
        for label in metric.labels {
            match labels.iter_mut().find(|(known, _)| known == label) {
                Some((_, metrics)) => metrics.push(metric.name),
                None => labels.push((*label, vec![metric.name])),
            }
        }
    }
    labels
}

fn values(label: &Label) -> String {
    match label.values {
        Values::Words(words) => words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", "),
        Values::Validator => "a `node_id` of the genesis".to_owned(),
        Values::Fact(what) => what.to_owned(),
    }
}
