//! The report of a testnet: the guide's objects, then ours. `docs/TESTNET.md` defines every figure; all are measured.

use super::account::Account;
use super::counted::SentKind;
use super::growth::Growth;
use super::restart::Then;
use super::usage::{PartUsage, Usage, ValidatorUsage};
use super::validators::Ended;
use super::{Ending, Plan};
use crate::exit::{Exit, Failure};
use crate::text::counted;
use actors::config::CROWD_MIN;
use actors::storage::files::{self, Existing};
use protocol::types::NodeId;
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::Path;

/// Below this share of its time the network counts as degraded: the guide's 99.9%.
const UPTIME_HEALTHY: f64 = 99.9;
/// View changes that are worth an issue: more than a tenth of the blocks.
const VIEW_CHANGES_PER_BLOCK: f64 = 0.1;

/// By [`super::site`] and the defaults of the configuration.
const REDUCED: &[&str] = &[
    "one worker for each validator, and no spare one",
    "4 MiB of the database's pages in memory",
    "room for 96 pending proofs, or one for each validator",
    "logs from warnings on",
];

#[derive(Debug, Clone, Serialize)]
pub struct Report {
    pub deployment: Deployment,
    pub metrics: Metrics,
    pub stability: Stability,
    pub issues: Vec<String>,
    pub figures: Figures,
}

#[derive(Debug, Clone, Serialize)]
pub struct Deployment {
    pub num_nodes: u16,
    pub stake_per_node: u64,
    /// Measured, from the first quorum to the end.
    pub duration_hours: f64,
}

#[derive(Debug, Clone, Serialize)]
pub struct Metrics {
    pub consensus_rounds_completed: u64,
    pub total_proofs_processed: u64,
    /// Seconds.
    pub average_consensus_time: f64,
    /// Proofs a second.
    pub proof_throughput: f64,
    pub node_failures: usize,
    pub view_changes: u64,
}

#[derive(Debug, Clone, Serialize)]
pub struct Stability {
    pub uptime_percentage: f64,
    pub consensus_success_rate: f64,
    pub network_health: Health,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Health {
    Healthy,
    Degraded,
    Halted,
}

#[derive(Debug, Clone, Serialize)]
pub struct Figures {
    pub proofs_submitted: u64,
    pub proofs_final: u64,
    pub proofs_refused: u64,
    pub proofs_not_taken: u64,
    pub proofs_put_off: u64,
    pub proofs_unended: u64,
    pub restarts: u64,
    pub blocks_empty: u64,
    pub proposals: u64,
    pub last_view: u64,
    pub difficulty_total: u64,
    pub rewards_paid_tokens: f64,
    pub proposal_to_final_ms: Option<Spread>,
    pub submit_to_final_ms: Option<Spread>,
    /// What each part of all validators together used.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub by_part: BTreeMap<&'static str, PartUsage>,
    /// What the validators sent to each other, by kind of message.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub sent: BTreeMap<String, SentKind>,
    /// Signatures that the validators checked, by what they were of.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub signatures: BTreeMap<String, u64>,
    /// The longest that a validator's sessions had to wait for one step, in milliseconds of processor time.
    pub session_step_max_ms: Option<f64>,
    /// How memory, disk and open files grew.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub growth: Option<Growth>,
    /// What each validator used.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub validators: Vec<ValidatorUsage>,
    /// What a crowd on one machine does without.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub reduced: Vec<&'static str>,
    /// The folder of the validators' configurations, by which others find them.
    pub configurations: String,
}

/// The spread of a measure, in its unit; percentiles by nearest rank.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Spread {
    pub count: usize,
    pub mean: f64,
    pub min: f64,
    pub p50: f64,
    pub p90: f64,
    pub p99: f64,
    pub max: f64,
}

impl Spread {
    /// None of nothing.
    pub fn of(samples: &[f64]) -> Option<Spread> {
        let mut sorted = samples.to_vec();
        sorted.sort_by(f64::total_cmp);
        let rank = |share: f64| sorted[((share * sorted.len() as f64).ceil() as usize).clamp(1, sorted.len()) - 1];
        let (min, max) = (*sorted.first()?, *sorted.last()?);
        let mean = sorted.iter().sum::<f64>() / sorted.len() as f64;
        let round = |value: f64| rounded(value, 3);
        Some(Spread {
            count: sorted.len(),
            mean: round(mean),
            min: round(min),
            p50: round(rank(0.5)),
            p90: round(rank(0.9)),
            p99: round(rank(0.99)),
            max: round(max),
        })
    }
}

fn rounded(value: f64, digits: i32) -> f64 {
    let scale = 10f64.powi(digits);
    (value * scale).round() / scale
}

impl Report {
    pub(super) fn new(plan: &Plan, account: &Account, usage: &Usage, ending: Ending) -> Report {
        let proofs = account.proofs();
        let (blocks, blocks_empty) = account.blocks();
        let newest = account.newest();
        let seconds = account.elapsed().as_secs_f64();
        let processed = proofs.fin + proofs.refused;
        let consensus = Spread::of(account.proposal_to_final_ms());
        let proposals = newest.proposals.max(blocks);
        let (by_part, validators) = usage.report();
        let stability = Stability {
            uptime_percentage: rounded(account.uptime_percentage(), 3),
            consensus_success_rate: if proposals == 0 {
                0.0
            } else {
                rounded(100.0 * blocks as f64 / proposals as f64, 3)
            },
            network_health: Health::Healthy,
        };
        let mut report = Report {
            deployment: Deployment {
                num_nodes: plan.nodes,
                stake_per_node: plan.stake.0,
                duration_hours: rounded(seconds / 3_600.0, 6),
            },
            metrics: Metrics {
                consensus_rounds_completed: blocks,
                total_proofs_processed: processed,
                average_consensus_time: consensus.as_ref().map_or(0.0, |spread| rounded(spread.mean / 1e3, 6)),
                proof_throughput: rounded(processed as f64 / seconds.max(1e-9), 3),
                node_failures: account.failures().len(),
                view_changes: newest.view_changes,
            },
            stability,
            issues: Vec::new(),
            figures: Figures {
                proofs_submitted: proofs.submitted,
                proofs_final: proofs.fin,
                proofs_refused: proofs.refused,
                proofs_not_taken: proofs.not_taken,
                proofs_put_off: proofs.put_off,
                proofs_unended: proofs.unended,
                restarts: account.restarts(),
                blocks_empty,
                proposals,
                last_view: newest.view,
                difficulty_total: account.difficulty(),
                rewards_paid_tokens: account.rewards_paid() as f64 / 1e6,
                proposal_to_final_ms: consensus,
                submit_to_final_ms: Spread::of(account.submit_to_final_ms()),
                by_part,
                sent: usage.counted.sent(),
                signatures: usage.counted.signatures(),
                session_step_max_ms: usage.counted.step_max_ms().map(|ms| rounded(ms, 3)),
                growth: usage.growth(),
                validators,
                reduced: if usize::from(plan.nodes) >= CROWD_MIN { REDUCED.to_vec() } else { Vec::new() },
                configurations: plan.folder.join("config").display().to_string(),
            },
        };
        report.judge(account, ending);
        report
    }

    /// What is wrong, in words, and how healthy that leaves the network.
    fn judge(&mut self, account: &Account, ending: Ending) {
        let mut issues = Vec::new();
        issues.extend(account.disagreement().map(|text| format!("AGREEMENT BROKEN: {text}")));
        issues.extend(ends(account.failures()));
        issues.extend(account.silences().map(|(node_id, span)| {
            format!("{node_id} did not answer for {} s while its process ran: hung or stopped", span.as_secs())
        }));
        let uptime = self.stability.uptime_percentage;
        if uptime < UPTIME_HEALTHY {
            issues.push(format!("a quorum was able to make blocks in {uptime}% of the time only"));
        }
        let changes = self.metrics.view_changes;
        if changes as f64 > VIEW_CHANGES_PER_BLOCK * self.metrics.consensus_rounds_completed as f64 {
            issues.push(format!("{changes} view changes for {} blocks", self.metrics.consensus_rounds_completed));
        }
        if self.figures.proofs_unended > 0 {
            issues.push(format!("{} proofs have not ended", self.figures.proofs_unended));
        }
        if account.unheard() > 0 {
            let validators = counted(account.unheard() as u64, "validator", "validators");
            issues.push(format!(
                "{validators} did not answer at the end: whether they have the others' blocks is not known"
            ));
        }
        if ending == Ending::Interrupted {
            issues.push("the run was interrupted before its time".into());
        }
        self.stability.network_health = if account.disagreement().is_some() || ending == Ending::Dead {
            Health::Halted
        } else if issues.is_empty() {
            Health::Healthy
        } else {
            Health::Degraded
        };
        if issues.is_empty() {
            issues.push("No issues detected".into());
        }
        self.issues = issues;
    }

    /// Writes it whole, as JSON that `cat` shows.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), Failure> {
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            files::make_directory(folder, 0o755).map_err(Failure::with(Exit::Configuration))?;
        }
        let mut text = self.text();
        text.push('\n');
        files::write_whole(path, text.as_bytes(), 0o644, Existing::Replace).map_err(Failure::with(Exit::Configuration))
    }

    /// What a screen has room for: what each part and each validator used is in the file.
    pub fn brief(&self) -> String {
        let figures = Figures {
            by_part: BTreeMap::new(),
            sent: BTreeMap::new(),
            signatures: BTreeMap::new(),
            growth: None,
            validators: Vec::new(),
            ..self.figures.clone()
        };
        Report { figures, ..self.clone() }.text()
    }

    /// The report as it is in its file.
    fn text(&self) -> String {
        serde_json::to_string_pretty(self).expect("every field has a JSON form")
    }
}

/// One issue for each validator that ended unasked, however often: the last time says how it stands.
fn ends(failures: &[Ended]) -> Vec<String> {
    let mut by_node: BTreeMap<&NodeId, (usize, &Ended)> = BTreeMap::new();
    for ended in failures {
        by_node
            .entry(&ended.node_id)
            .and_modify(|(count, last)| (*count, *last) = (*count + 1, ended))
            .or_insert((1, ended));
    }
    let issue = |(node_id, (count, last)): (&NodeId, (usize, &Ended))| {
        let often = if count == 1 { String::new() } else { format!(" {count} times, the last time") };
        let then = match last.then {
            Then::Again(_) => "; started again".to_owned(),
            Then::Held => String::new(),
            Then::Stays(stays) => format!("; {stays}"),
        };
        format!("{node_id} ended unasked{often}: {}{then}; its log says why", last.how)
    };
    by_node.into_iter().map(issue).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_samples_by_nearest_rank() {
        let samples: Vec<f64> = (1..=100).rev().map(f64::from).collect();
        let spread = Spread::of(&samples).unwrap();
        assert_eq!((spread.p50, spread.p90, spread.p99), (50.0, 90.0, 99.0));
        assert_eq!((spread.count, spread.min, spread.max, spread.mean), (100, 1.0, 100.0, 50.5));
        assert_eq!(Spread::of(&[7.0]).unwrap().p99, 7.0);
        assert_eq!(Spread::of(&[]), None);
    }
}
