//! What metrics there are. The page that Prometheus reads is [`crate::scrape`]; what happens is counted by [`crate::tap`].
//!
//! | file | owns |
//! |---|---|
//! | [`declared`] | every metric: name, kind, unit, labels, meaning, buckets |
//! | [`labels`], [`buckets`] | the labels' values, the buckets' bounds |
//! | [`metric`] | what a metric is |
//! | [`counters`] | a metric's series, looked up once |
//! | [`document`] | `docs/METRICS.md`, from the declarations |

mod buckets;
mod counters;
pub mod declared;
pub mod document;
mod labels;
mod metric;

pub use counters::Counters;
pub use declared::*;
pub(crate) use labels::SESSION_FRAME;
pub use metric::{Kind, Label, Metric, VALIDATORS_MAX, Values};

use metrics::{counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder};

/// A recorder's builder with every histogram's buckets.
///
/// # Errors
/// If a histogram is declared without buckets.
pub fn recorder() -> Result<PrometheusBuilder, BuildError> {
    METRICS.iter().try_fold(PrometheusBuilder::new(), |builder, metric| match metric.kind {
        Kind::Histogram(buckets) => builder.set_buckets_for_metric(Matcher::Full(metric.name.to_owned()), buckets),
        Kind::Counter | Kind::CounterOfSeconds | Kind::Gauge => Ok(builder),
    })
}

/// Tells the recorder what each metric means, and puts every series whose labels are known on the page, at 0: rates and
/// alerts work from the first event on. Called once, after the recorder is installed.
pub fn describe() {
    for metric in METRICS {
        let Metric { name, kind, unit, labels, help, .. } = *metric;
        match kind {
            Kind::Counter => describe_counter!(name, unit, help),
            Kind::Gauge => describe_gauge!(name, unit, help),
            Kind::Histogram(_) => describe_histogram!(name, unit, help),
            Kind::CounterOfSeconds => {}
        }
        for labels in combinations(labels) {
            match kind {
                Kind::Counter => drop(counter!(name, labels)),
                Kind::Gauge => drop(gauge!(name, labels)),
                Kind::Histogram(_) => drop(histogram!(name, labels)),
                Kind::CounterOfSeconds => {}
            }
        }
    }
}

/// Every combination of the words of these labels; none if one of them has other values than words.
pub(crate) fn combinations(labels: &[Label]) -> Vec<Vec<metrics::Label>> {
    labels.iter().fold(vec![Vec::new()], |before, label| {
        let words: &[&str] = match label.values {
            Values::Words(words) => words,
            Values::Validator | Values::Fact(_) => &[],
        };
        let with = |labels: &Vec<metrics::Label>, word| {
            let mut labels = labels.clone();
            labels.push(metrics::Label::from_static_parts(label.name, word));
            labels
        };
        before.iter().flat_map(|labels| words.iter().map(|word| with(labels, *word))).collect()
    })
}

/// The declaration of a metric.
///
/// # Panics
/// If it is not declared: the name is a constant of [`declared`].
pub(crate) fn declared(name: &str) -> &'static Metric {
    METRICS.iter().find(|metric| metric.name == name).expect("every constant is declared")
}
