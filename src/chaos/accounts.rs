//! The account of every proof that was submitted: what a validator accepted must end.

use protocol::types::Hash;
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

/// A proof that a validator accepted and that has not ended.
#[derive(Debug, Clone, Copy)]
pub struct Open {
    /// Who accepted it.
    pub node: usize,
    pub at: Instant,
}

/// Every proof from its offer to its end.
#[derive(Debug, Default)]
pub struct Accounts {
    /// Offered and not answered yet, or never: no promise was made.
    offered: BTreeMap<Hash, Instant>,
    open: BTreeMap<Hash, Open>,
    /// Final before the answer to its submission was here.
    early: BTreeSet<Hash>,
    refused: BTreeMap<Hash, String>,
    /// When each accepted one was final.
    finals: Vec<Instant>,
    latencies_ms: Vec<f64>,
    accepted: u64,
    unanswered: u64,
    turned_away: u64,
    /// Turned away for a reason that does not pass: these statements are all fine.
    rejected: Vec<String>,
}

/// Reasons that are kept.
const KEPT: usize = 10;

/// The account in numbers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct Counts {
    pub accepted: u64,
    pub r#final: u64,
    /// By name, after they were accepted; legal.
    pub refused: u64,
    pub unended: u64,
    /// Submissions whose answer never came: not accepted as far as anybody knows.
    pub unanswered: u64,
    /// Submissions that a validator had no room for.
    pub turned_away: u64,
    /// Submissions that were not taken for any other reason.
    pub rejected: u64,
}

impl Accounts {
    pub fn on_offered(&mut self, proof: Hash, at: Instant) {
        self.offered.insert(proof, at);
    }

    pub fn on_accepted(&mut self, proof: Hash, node: usize) {
        let Some(at) = self.offered.remove(&proof) else { return };
        self.accepted += 1;
        self.open.insert(proof, Open { node, at });
        if self.early.remove(&proof) {
            self.on_final(&proof, Instant::now());
        }
    }

    pub fn on_turned_away(&mut self, proof: &Hash) {
        self.offered.remove(proof);
        self.turned_away += 1;
    }

    pub fn on_rejected(&mut self, proof: &Hash, why: String) {
        self.offered.remove(proof);
        if self.rejected.len() < KEPT {
            self.rejected.push(why);
        }
    }

    pub fn on_unanswered(&mut self, proof: &Hash) {
        self.offered.remove(proof);
        self.unanswered += 1;
    }

    /// A proof is in a final block. Most are ours; the others are of no concern.
    pub fn on_final(&mut self, proof: &Hash, at: Instant) {
        if let Some(open) = self.open.remove(proof) {
            self.finals.push(at);
            self.latencies_ms.push(at.saturating_duration_since(open.at).as_secs_f64() * 1e3);
        } else if self.refused.remove(proof).is_some() {
            // *Final* overrides *refused*.
            self.finals.push(at);
        } else if self.offered.contains_key(proof) {
            self.early.insert(*proof);
        }
    }

    pub fn on_refused(&mut self, proof: &Hash, why: String) {
        if self.open.remove(proof).is_some() {
            self.refused.insert(*proof, why);
        }
    }

    /// Accepted ones that have not ended and are older than this, the oldest first.
    pub fn older_than(&self, age: Duration, count: usize) -> Vec<(Hash, Open)> {
        let mut old: Vec<_> = self.open.iter().filter(|(_, open)| open.at.elapsed() >= age).collect();
        old.sort_by_key(|(_, open)| open.at);
        old.into_iter().take(count).map(|(proof, open)| (*proof, *open)).collect()
    }

    /// Offers under way and accepted ones that have not ended.
    pub fn in_flight(&self) -> usize {
        self.open.len() + self.offered.len()
    }

    pub fn unended(&self) -> usize {
        self.open.len()
    }

    /// Proofs final a second between two instants.
    pub fn throughput(&self, from: Instant, to: Instant) -> f64 {
        let inside = self.finals.iter().filter(|at| (from..to).contains(*at)).count();
        inside as f64 / to.saturating_duration_since(from).as_secs_f64().max(1e-9)
    }

    pub fn latencies_ms(&self) -> &[f64] {
        &self.latencies_ms
    }

    pub fn rejections(&self) -> &[String] {
        &self.rejected
    }

    pub fn counts(&self) -> Counts {
        Counts {
            accepted: self.accepted,
            r#final: self.finals.len() as u64,
            refused: self.refused.len() as u64,
            unended: self.open.len() as u64,
            unanswered: self.unanswered,
            turned_away: self.turned_away,
            rejected: self.rejected.len() as u64,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: Hash = Hash([1; 32]);
    const OTHER: Hash = Hash([2; 32]);

    fn accepted(proofs: &[Hash]) -> Accounts {
        let mut accounts = Accounts::default();
        for proof in proofs {
            accounts.on_offered(*proof, Instant::now());
            accounts.on_accepted(*proof, 2);
        }
        accounts
    }

    #[test]
    fn what_was_accepted_is_open_until_it_is_final_or_refused_by_name() {
        let mut accounts = accepted(&[ONE, OTHER]);
        assert_eq!(accounts.unended(), 2);
        accounts.on_final(&ONE, Instant::now());
        accounts.on_refused(&OTHER, "displaced".into());
        let counts = accounts.counts();
        assert_eq!((counts.accepted, counts.r#final, counts.refused, counts.unended), (2, 1, 1, 0));
        accounts.on_final(&OTHER, Instant::now());
        assert_eq!((accounts.counts().r#final, accounts.counts().refused), (2, 0), "final overrides refused");
    }

    #[test]
    fn a_proof_may_be_final_before_its_submission_is_answered() {
        let mut accounts = Accounts::default();
        accounts.on_offered(ONE, Instant::now());
        accounts.on_final(&ONE, Instant::now());
        assert_eq!(accounts.in_flight(), 1);
        accounts.on_accepted(ONE, 0);
        assert_eq!((accounts.in_flight(), accounts.counts().r#final), (0, 1));
    }

    #[test]
    fn what_was_never_answered_is_no_promise() {
        let mut accounts = Accounts::default();
        accounts.on_offered(ONE, Instant::now());
        accounts.on_unanswered(&ONE);
        accounts.on_offered(OTHER, Instant::now());
        accounts.on_turned_away(&OTHER);
        let counts = accounts.counts();
        assert_eq!((counts.unanswered, counts.turned_away, counts.accepted, counts.unended), (1, 1, 0, 0));
        accounts.on_final(&ONE, Instant::now());
        assert_eq!(accounts.counts().r#final, 0, "it was not accepted");
    }

    #[test]
    fn throughput_counts_what_was_final_within_the_span() {
        let mut accounts = accepted(&[ONE, OTHER]);
        let start = Instant::now();
        accounts.on_final(&ONE, start + Duration::from_millis(500));
        accounts.on_final(&OTHER, start + Duration::from_millis(2_500));
        assert_eq!(accounts.throughput(start, start + Duration::from_secs(2)), 0.5);
    }
}
