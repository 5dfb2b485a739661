//! The page: what was counted, and what is looked at in this moment.

use super::gather;
use crate::metrics::{CONSENSUS_LAST_VOTE_AGE, CONSENSUS_LEADER, NETWORK_CONNECTED, VALIDATORS_MAX, declared};
use crate::metrics::{STATE_BALANCE, STATE_REWARDS, STATE_STAKE};
use crate::network::PeerReport;
use crate::proofs::Figures;
use crate::supervision::TreeReport;
use crate::tap::Observed;
use crate::verifier_pool::{Accuracy, Workers};
use metrics::{Gauge, gauge};
use metrics_exporter_prometheus::PrometheusHandle;
use protocol::genesis::Genesis;
use protocol::quorum::ValidatorSet;
use protocol::types::ValidatorIndex;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

/// Where it is looked. Nothing here asks an actor.
pub struct Sources {
    pub genesis: Arc<Genesis>,
    pub me: ValidatorIndex,
    pub data_dir: PathBuf,
    /// Name and version of the solver.
    pub solver: String,
    pub tree: Arc<dyn Fn() -> TreeReport + Send + Sync>,
    pub peers: Arc<dyn Fn() -> Vec<PeerReport> + Send + Sync>,
    pub workers: Arc<dyn Fn() -> Workers + Send + Sync>,
    pub observed: Arc<Observed>,
    pub accuracy: Arc<Accuracy>,
    pub figures: Figures,
}

/// Gauges of one validator.
pub(super) struct OneValidator {
    pub(super) index: ValidatorIndex,
    pub(super) connected: Gauge,
    pub(super) leads: Gauge,
    pub(super) last_vote_age: Gauge,
    pub(super) balance: Gauge,
    pub(super) stake: Gauge,
    pub(super) rewards: Gauge,
}

/// Makes pages. Made once, after the recorder is installed.
pub struct Page {
    pub(super) sources: Sources,
    pub(super) set: ValidatorSet,
    pub(super) validators: Vec<OneValidator>,
    exporter: PrometheusHandle,
}

impl Page {
    pub fn new(sources: Sources, exporter: PrometheusHandle) -> Page {
        let set = sources.genesis.validator_set();
        let validators = set.iter().take(VALIDATORS_MAX).map(|(index, validator)| {
            let gauge = |name: &'static str| gauge!(name, "validator" => validator.node_id.as_str().to_owned());
            OneValidator {
                index,
                connected: gauge(NETWORK_CONNECTED),
                leads: gauge(CONSENSUS_LEADER),
                last_vote_age: gauge(CONSENSUS_LAST_VOTE_AGE),
                balance: gauge(STATE_BALANCE),
                stake: gauge(STATE_STAKE),
                rewards: gauge(STATE_REWARDS),
            }
        });
        let validators = validators.collect();
        let page = Page { validators, set, exporter, sources };
        gather::constants(&page);
        page
    }

    /// Prometheus' text format, version 0.0.4. Reads some files of the system, and waits for no actor.
    pub fn render(&self) -> String {
        let mut beside = Fractions::default();
        gather::everything(self, Instant::now(), &mut beside);
        let mut page = self.exporter.render();
        page.push_str(&beside.text);
        page
    }

    /// Folds what histograms hold; to be called now and then, or it would pile up while nobody reads the page.
    pub fn keep_up(&self) {
        self.exporter.run_upkeep();
    }
}

/// Counters with a fraction, which the exporter has not: written by hand.
#[derive(Default)]
pub(super) struct Fractions {
    text: String,
}

impl Fractions {
    /// A metric with its series: a label with its value, if it has one, and the number.
    pub(super) fn counter<'a>(
        &mut self,
        name: &'static str,
        series: impl Iterator<Item = (Option<(&'static str, &'a str)>, f64)>,
    ) {
        use std::fmt::Write;
        let help = declared(name).help;
        // Writing to a string does not fail.
        _ = writeln!(self.text, "# HELP {name} {help}\n# TYPE {name} counter");
        for (label, value) in series {
            _ = match label {
                Some((label, word)) => writeln!(self.text, "{name}{{{label}=\"{word}\"}} {value}"),
                None => writeln!(self.text, "{name} {value}"),
            };
        }
        self.text.push('\n');
    }
}
