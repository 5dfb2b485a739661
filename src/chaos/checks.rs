//! Collecting the evidence for the invariants: everything that validators report at the end, and their vote logs.

use super::invariants::{
    self, Audited, Invariant, LedgerSeen, ProcessEnd, ReportedTree, accepted_proofs_end, everything_heals,
    no_double_sign, one_history, processes_end_as_they_may, tokens_conserved,
};
use super::network::{Network, Node};
use super::unreported::Unreported;
use super::watch::Seen;
use actors::audit::AuditError;
use std::time::Duration;

/// How long a validator may take to report all of its blocks once more.
const SWEEP_PATIENCE: Duration = Duration::from_secs(30);
const READ_DEADLINE: Duration = Duration::from_secs(10);
/// The counter of votes that a validator saw contradict each other.
const CONTRADICTIONS: &str = "pop_consensus_contradictions_total";
const LEDGER: &str = "/v1/ledger";
/// Readings of a log that is being written.
const LOG_READINGS: usize = 5;
/// Proofs that are looked up by name when they have not ended.
const UNENDED_NAMED: usize = 5;

/// What each validator reports about its actors.
pub fn trees(network: &Network) -> Vec<ReportedTree> {
    network.nodes.iter().map(|node| (node.name.clone(), node.admin.actors())).collect()
}

/// What running validators reported at the end of the run.
pub struct Evidence {
    swept: Vec<(String, Result<u64, Unreported>)>,
    ledgers: Vec<(String, Result<LedgerSeen, Unreported>)>,
    contradictions: Vec<(String, f64)>,
    before: Vec<ReportedTree>,
    after: Vec<ReportedTree>,
    unended: Vec<String>,
}

/// Asks everybody, while they run.
pub fn collect(seen: &Seen, before: Vec<ReportedTree>) -> Evidence {
    let nodes = &seen.network.nodes;
    let swept = (0..nodes.len()).map(|index| (nodes[index].name.clone(), seen.sweep(index, SWEEP_PATIENCE))).collect();
    let ledgers = nodes.iter().map(|node| (node.name.clone(), ledger(node))).collect();
    // Who has no metrics tells nothing here; its log and certificates still do.
    let contradictions =
        nodes.iter().filter_map(|node| Some((node.name.clone(), node.metric(CONTRADICTIONS).ok()?))).collect();
    let after = trees(&seen.network);
    Evidence { swept, ledgers, contradictions, before, after, unended: seen.unended(UNENDED_NAMED) }
}

fn ledger(node: &Node) -> Result<LedgerSeen, Unreported> {
    let told = node.client(READ_DEADLINE).get(LEDGER)?;
    serde_json::from_value(told).map_err(|error| Unreported::OtherForm { path: LEDGER, error })
}

/// When everything had healed, and how long it may take.
#[derive(Debug, Clone, Copy)]
pub struct Healed {
    pub after: Option<Duration>,
    pub quiet: Duration,
}

/// Reads the vote logs and judges everything. `ends` is known of one's own processes only.
pub fn judge(seen: &Seen, evidence: &Evidence, healed: Healed, ends: Option<&[ProcessEnd]>) -> Vec<Invariant> {
    let mut history = seen.history.lock();
    let logs: Vec<(String, Audited)> = seen
        .network
        .nodes
        .iter()
        .map(|node| {
            let audited = audit(node, history.signed());
            (node.name.clone(), audited)
        })
        .collect();
    let accounts = seen.accounts.lock();
    vec![
        one_history(&history, &evidence.swept),
        no_double_sign(&mut history, &logs, &evidence.contradictions),
        accepted_proofs_end(&accounts.counts(), &evidence.unended, accounts.rejections()),
        tokens_conserved(&evidence.ledgers, seen.network.genesis.supply().0),
        invariants::actors_back(&evidence.after),
        invariants::tree_as_before(&evidence.before, &evidence.after),
        everything_heals(healed.after, healed.quiet),
        processes_end_as_they_may(ends),
    ]
}

/// A log that is being written may be read in two parts of which the second is newer: such a reading is repeated.
fn read_log(node: &Node, signed: &mut actors::audit::Signed) -> Result<Option<usize>, AuditError> {
    let mut read = signed.enter_log(&node.data_dir, &node.identity);
    for _ in 0..LOG_READINGS {
        match read {
            Err(AuditError::Log(_)) => read = signed.enter_log(&node.data_dir, &node.identity),
            Ok(_) | Err(AuditError::Contradiction(_) | AuditError::Record { .. }) => break,
        }
    }
    read
}

fn audit(node: &Node, signed: &mut actors::audit::Signed) -> Audited {
    if !node.is_here {
        return Audited::OutOfReach(format!("it is at {}", node.http));
    }
    match read_log(node, signed) {
        Ok(Some(records)) => Audited::Clean(records),
        Ok(None) => Audited::OutOfReach(format!("there is none in {}", node.data_dir.display())),
        Err(AuditError::Contradiction(contradiction)) => Audited::Contradicts(contradiction.to_string()),
        Err(error @ (AuditError::Log(_) | AuditError::Record { .. })) => {
            // Somebody else's file is out of reach, and no evidence of anything.
            match std::fs::File::open(node.data_dir.join(actors::storage::vote_log::FILE_NAME)) {
                Err(denied) if denied.kind() == std::io::ErrorKind::PermissionDenied => {
                    Audited::OutOfReach(format!("{} is not ours to read", node.data_dir.display()))
                }
                _ => Audited::Unreadable(error.to_string()),
            }
        }
    }
}
