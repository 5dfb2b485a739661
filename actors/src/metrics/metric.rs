//! What a metric is, as it is declared.

use metrics::Unit;

/// Series by validator exist for so many validators, the first ones of the genesis.
pub const VALIDATORS_MAX: usize = 128;

/// What a metric is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Kind {
    Counter,
    /// A counter of seconds with a fraction. The exporter's counters are whole numbers, so these are written beside it.
    CounterOfSeconds,
    Gauge,
    /// Upper bounds of its buckets, ascending; one more is without bound.
    Histogram(&'static [f64]),
}

/// What a label may say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Values {
    /// One of these.
    Words(&'static [&'static str]),
    /// A `node_id` of the genesis: of the first [`VALIDATORS_MAX`].
    Validator,
    /// What does not change while the process lives: one series.
    Fact(&'static str),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Label {
    pub name: &'static str,
    pub values: Values,
}

/// A metric as it is declared.
#[derive(Debug, Clone, Copy)]
pub struct Metric {
    /// The heading in the document.
    pub group: &'static str,
    pub name: &'static str,
    pub kind: Kind,
    pub unit: Unit,
    pub labels: &'static [Label],
    pub help: &'static str,
}
