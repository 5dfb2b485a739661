//! What must hold after every fault: judged from what was collected, and nothing assumed. Pure.
//!
//! What could not be looked at is neither held nor broken, and says why.

use super::accounts::Counts;
use super::admin::Actors;
use super::history::History;
use super::unreported::Unreported;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Mistakes that are named in one line.
const NAMED: usize = 5;

/// One promise, and whether it was kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Invariant {
    pub name: &'static str,
    /// None if it could not be checked.
    pub held: Option<bool>,
    /// What was looked at, or what is wrong.
    pub detail: String,
}

impl Invariant {
    fn judged(name: &'static str, mistakes: &[String], fine: String) -> Invariant {
        let detail = match mistakes.len() {
            0 => return Invariant { name, held: Some(true), detail: fine },
            count if count > NAMED => format!("{}; and {} more", mistakes[..NAMED].join("; "), count - NAMED),
            _ => mistakes.join("; "),
        };
        Invariant { name, held: Some(false), detail }
    }

    fn unchecked(name: &'static str, why: String) -> Invariant {
        Invariant { name, held: None, detail: format!("not checked: {why}") }
    }

    pub fn word(&self) -> &'static str {
        match self.held {
            Some(true) => "held",
            Some(false) => "BROKEN",
            None => "unknown",
        }
    }
}

/// No two final blocks at one sequence, by the blocks that every validator reported, and reported again at the end.
pub fn one_history(history: &History, swept: &[(String, Result<u64, Unreported>)]) -> Invariant {
    let mut mistakes = history.forks().to_vec();
    for (name, told) in swept {
        match told {
            Err(why) => mistakes.push(format!("{name} does not report its blocks: {why}")),
            Ok(head) if *head < history.head().0 => {
                mistakes.push(format!("{name} has blocks up to {head} only, others have {}", history.head()));
            }
            Ok(_) => {}
        }
    }
    let fine = format!("{} final blocks, the same at {} validators", history.blocks(), swept.len());
    Invariant::judged("one block at each sequence", &mistakes, fine)
}

/// The outcome of reading one validator's vote log.
#[derive(Debug)]
pub enum Audited {
    /// So many records, without a contradiction.
    Clean(usize),
    Contradicts(String),
    /// It is damaged, or another's.
    Unreadable(String),
    /// On another machine, or another user's.
    OutOfReach(String),
}

/// No validator signed two things for one view, by the certificates of all blocks, the vote logs, and what the validators
/// themselves have seen of each other.
pub fn no_double_sign(
    history: &mut History,
    logs: &[(String, Audited)],
    contradictions_seen: &[(String, f64)],
) -> Invariant {
    const NAME: &str = "no double sign";
    let mut mistakes = history.contradictions().to_vec();
    let mut out_of_reach = Vec::new();
    let mut records = 0;
    for (name, audited) in logs {
        match audited {
            Audited::Clean(count) => records += count,
            Audited::Contradicts(why) => mistakes.push(format!("vote log of {name}: {why}")),
            Audited::Unreadable(why) => mistakes.push(format!("vote log of {name}: {why}")),
            Audited::OutOfReach(why) => out_of_reach.push(format!("{name} ({why})")),
        }
    }
    let seen = contradictions_seen.iter().filter(|(_, count)| *count > 0.0);
    mistakes.extend(seen.map(|(name, count)| format!("{name} has seen {count} votes that contradict another")));
    let fine = format!(
        "{records} records in {} vote logs, votes of {} turns with those in certificates{}",
        logs.len() - out_of_reach.len(),
        history.signed().count(),
        if out_of_reach.is_empty() {
            String::new()
        } else {
            format!("; not read: the logs of {}", out_of_reach.join(", "))
        }
    );
    if mistakes.is_empty() && out_of_reach.len() == logs.len() {
        return Invariant::unchecked(NAME, format!("no vote log is in reach; {fine}"));
    }
    Invariant::judged(NAME, &mistakes, fine)
}

/// Every proof that was accepted is final, or refused by name.
pub fn accepted_proofs_end(counts: &Counts, unended: &[String], rejections: &[String]) -> Invariant {
    let mut mistakes = unended.to_vec();
    let ended = counts.r#final + counts.refused;
    if counts.accepted != ended + counts.unended {
        mistakes.push(format!("{} were accepted, but {ended} ended and {} did not", counts.accepted, counts.unended));
    }
    mistakes.extend(rejections.iter().map(|why| format!("a sound proof was turned away: {why}")));
    if mistakes.is_empty() && counts.accepted == 0 {
        mistakes.push("no proof was accepted in the whole run".into());
    }
    let fine = format!("{} accepted: {} final, {} refused by name", counts.accepted, counts.r#final, counts.refused);
    Invariant::judged("every accepted proof ends", &mistakes, fine)
}

/// The answer of `GET /v1/ledger`, in micro-tokens.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct LedgerSeen {
    pub sequence: u64,
    pub state_root: String,
    pub accounts: Vec<AccountSeen>,
    #[serde(rename = "reward_pool_micro_tokens")]
    pub reward_pool: u128,
    #[serde(rename = "supply_micro_tokens")]
    pub supply: u128,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct AccountSeen {
    #[serde(rename = "balance_micro_tokens")]
    pub balance: u128,
    #[serde(rename = "stake_micro_tokens")]
    pub stake: u128,
}

impl LedgerSeen {
    fn sum(&self) -> u128 {
        self.accounts.iter().map(|account| account.balance + account.stake).sum::<u128>() + self.reward_pool
    }
}

/// Balances, stakes and pool make what the genesis gave, at every validator.
pub fn tokens_conserved(ledgers: &[(String, Result<LedgerSeen, Unreported>)], genesis: u128) -> Invariant {
    let mut mistakes = Vec::new();
    let mut told: Vec<(&String, &LedgerSeen)> = Vec::new();
    for (name, ledger) in ledgers {
        let ledger = match ledger {
            Ok(ledger) => ledger,
            Err(why) => {
                mistakes.push(format!("{name} does not report its ledger: {why}"));
                continue;
            }
        };
        let sum = ledger.sum();
        if sum != genesis || ledger.supply != genesis {
            let supply = ledger.supply;
            mistakes.push(format!(
                "{name}: balances, stakes and pool are {sum}, its supply {supply}, the genesis' {genesis}"
            ));
        }
        let same = told.iter().find(|(_, other)| other.sequence == ledger.sequence);
        if let Some((other, theirs)) = same
            && theirs.state_root != ledger.state_root
        {
            mistakes.push(format!("{other} and {name} have different states after block {}", ledger.sequence));
        }
        told.push((name, ledger));
    }
    let fine = format!("{genesis} micro-tokens at each of {} validators, as in the genesis", ledgers.len());
    Invariant::judged("tokens conserved", &mistakes, fine)
}

/// What one validator reported about its actors.
pub type ReportedTree = (String, Result<Actors, Unreported>);

/// Every actor runs again.
pub fn actors_back(after: &[ReportedTree]) -> Invariant {
    const NAME: &str = "every actor back";
    let mut mistakes = Vec::new();
    let mut actors = 0;
    for (name, told) in after {
        match told {
            Ok(told) => {
                actors += told.tree.actors().len();
                mistakes.extend(told.tree.not_running().iter().map(|what| format!("{name}: {what}")));
            }
            Err(why) => mistakes.push(format!("{name} does not report its actors: {why}")),
        }
    }
    let zombies: u64 = after.iter().filter_map(|(_, told)| Some(told.as_ref().ok()?.zombies)).sum();
    Invariant::judged(NAME, &mistakes, format!("{actors} actors run; {zombies} blocked threads were abandoned"))
}

/// Names, kinds, policies and their order are what they were.
pub fn tree_as_before(before: &[ReportedTree], after: &[ReportedTree]) -> Invariant {
    let mut mistakes = Vec::new();
    let mut branches = 0;
    for (name, told) in before {
        let now = after.iter().find(|(other, _)| other == name).map(|(_, told)| told);
        match (told, now) {
            (Ok(then), Some(Ok(now))) => {
                let (then, now) = (then.tree.shape(), now.tree.shape());
                branches += then.len();
                mistakes.extend(difference(&then, &now).map(|what| format!("{name}: {what}")));
            }
            (Ok(_), Some(Err(why))) => mistakes.push(format!("{name} does not report its actors: {why}")),
            (Ok(_), None) => mistakes.push(format!("{name} was not asked again")),
            (Err(why), _) => mistakes.push(format!("{name} did not report its actors at the start: {why}")),
        }
    }
    Invariant::judged("tree as before", &mistakes, format!("{branches} branches in {} trees", before.len()))
}

fn difference(then: &[String], now: &[String]) -> Option<String> {
    if then == now {
        return None;
    }
    let missing: Vec<_> = then.iter().filter(|line| !now.contains(line)).map(String::as_str).collect();
    let new: Vec<_> = now.iter().filter(|line| !then.contains(line)).map(String::as_str).collect();
    Some(match (missing.is_empty(), new.is_empty()) {
        (true, true) => format!("another order: {}", now.join(", ")),
        (false, true) => format!("missing: {}", missing.join(", ")),
        (true, false) => format!("new: {}", new.join(", ")),
        (false, false) => format!("missing: {}; new: {}", missing.join(", "), new.join(", ")),
    })
}

/// In the quiet period every validator signed again, every actor ran, all had the same blocks, and every proof ended.
pub fn everything_heals(after: Option<Duration>, quiet: Duration) -> Invariant {
    let quiet = format!("the quiet period of {:.0} s", quiet.as_secs_f64());
    let mistakes: Vec<String> =
        after.is_none().then(|| format!("something had not healed at the end of {quiet}")).into_iter().collect();
    Invariant::judged(
        "everything heals",
        &mistakes,
        format!("{:.1} s into {quiet}", after.unwrap_or_default().as_secs_f64()),
    )
}

/// How a validator's process ended, and whether a fault of the schedule was to end it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ProcessEnd {
    pub node: String,
    /// Seconds after the start of the run.
    pub at: String,
    /// As the system says it: `exit status: 70`, `signal: 9 (SIGKILL)`.
    pub status: String,
    /// A fault of the schedule ended it by a signal.
    pub asked: bool,
    /// With the exit code of a supervision that exceeded its limit: legal.
    pub gave_up: bool,
}

/// A process ends as it was asked to, or because its supervision exceeded its limit, and in no other way. It is not
/// known where the processes are another program's children.
pub fn processes_end_as_they_may(ends: Option<&[ProcessEnd]>) -> Invariant {
    const NAME: &str = "processes end as they may";
    let Some(ends) = ends else {
        return Invariant::unchecked(NAME, "the processes are not this program's children".into());
    };
    let wrong = ends.iter().filter(|end| !end.asked && !end.gave_up);
    let mistakes: Vec<String> =
        wrong.map(|end| format!("{} ended after {} s by itself: {}", end.node, end.at, end.status)).collect();
    let gave_up = ends.iter().filter(|end| end.gave_up).count();
    Invariant::judged(NAME, &mistakes, format!("{} ended, {gave_up} of them with exit code 70", ends.len()))
}

#[cfg(test)]
mod tests;
