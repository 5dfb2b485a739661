//! The few series of a node's `/metrics` that the monitor shows.
//!
//! A page is hostile text: series beyond [`VALIDATORS_MAX`] are ignored, and so is what is no number. Must never: look at a
//! series that is not named here.

use protocol::types::{Millis, NodeId};
use std::collections::BTreeMap;

/// Validators that one node may name.
pub const VALIDATORS_MAX: usize = 1_024;

/// By a node's own count, since its process started.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Metrics {
    /// When that was, since the Unix epoch.
    pub started: Millis,
    /// Agreement of its own checks with final proofs, 0 to 1, over `checked` of them.
    pub accuracy: Option<f64>,
    pub checked: u64,
    /// Final blocks that hold a validator's vote.
    pub rounds: BTreeMap<String, u64>,
    /// Tokens earned since the genesis.
    pub rewards: BTreeMap<String, f64>,
    /// Pending proofs that were given up because validators did not confirm them.
    pub refused: u64,
    /// Of the pending proof that has been held longest; 0 if none is.
    pub oldest_pending: Millis,
}

impl Metrics {
    pub fn read(page: &str) -> Metrics {
        let mut metrics = Metrics::default();
        for line in page.lines().filter(|line| !line.starts_with('#')) {
            if let Some((series, value)) = line.rsplit_once(' ')
                && let Ok(value) = value.parse::<f64>()
                && value.is_finite()
                && value >= 0.0
            {
                metrics.take(series, value);
            }
        }
        metrics
    }

    fn take(&mut self, series: &str, value: f64) {
        let (name, labels) = series.split_once('{').unwrap_or((series, ""));
        match name {
            "process_start_time_seconds" => self.started = Millis((value * 1e3) as u64),
            "pop_verifier_accuracy_ratio" => self.accuracy = Some(value.min(1.0)),
            "pop_verifier_accuracy_window" => self.checked = self.checked.saturating_add(value as u64),
            "pop_mempool_oldest_age_seconds" => self.oldest_pending = Millis((value * 1e3) as u64),
            "pop_proofs_refused_total" if labels.contains("reason=\"not_confirmed\"") => self.refused = value as u64,
            "pop_consensus_rounds_total" => insert(&mut self.rounds, labels, value as u64),
            "pop_state_rewards_tokens" => insert(&mut self.rewards, labels, value),
            _ => {}
        }
    }
}

fn insert<T>(series: &mut BTreeMap<String, T>, labels: &str, value: T) {
    let name = labels.split("validator=\"").nth(1).and_then(|rest| rest.split('"').next());
    if let Some(name) = name.and_then(|name| NodeId::new(name).ok()).filter(|_| series.len() < VALIDATORS_MAX) {
        series.insert(name.to_string(), value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_read_as_far_as_it_is_of_interest() {
        let page = "# HELP pop_x y\nprocess_start_time_seconds 1700000000.5\npop_verifier_accuracy_ratio 0.985\n\
                    pop_verifier_accuracy_window{outcome=\"agreed\"} 197\npop_verifier_accuracy_window{outcome=\"refuted\"} 3\n\
                    pop_consensus_rounds_total{validator=\"node_1\"} 35\npop_consensus_rounds_total{validator=\"\\u1b\"} 9\n\
                    pop_state_rewards_tokens{validator=\"node_1\"} 350.25\npop_proofs_refused_total{reason=\"not_confirmed\"} 8\n\
                    pop_proofs_refused_total{reason=\"full\"} 99\npop_mempool_oldest_age_seconds NaN\nnonsense\n";
        let metrics = Metrics::read(page);
        assert_eq!(metrics.started, Millis(1_700_000_000_500));
        assert_eq!((metrics.accuracy, metrics.checked, metrics.refused), (Some(0.985), 200, 8));
        assert_eq!(metrics.rounds.into_iter().collect::<Vec<_>>(), [("node_1".to_owned(), 35)]);
        assert_eq!(metrics.rewards["node_1"], 350.25);
        assert_eq!(metrics.oldest_pending, Millis(0));
    }
}
