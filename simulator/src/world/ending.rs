//! Proofs that are submitted, and what must have become of them: liveness, once the faults have ended.

use super::{Event, World};
use crate::catalogue::Fate;
use crate::check::Broken;
use protocol::mempool::Whereabouts;
use protocol::types::{Hash, Millis, ValidatorIndex};

/// When the faults have ended, every proof that some validator holds durably has become final or refused within this
/// time, and all validators have one head. It is made of: a session that is noticed to be dead, and opened anew; R12's
/// testimonies; one turn each of the leaders whose timers were doubled up to `timeout_max`; a check that was ended and
/// is tried again 5 s later. See `docs/CONSENSUS_PROTOCOL.md`.
pub const SETTLED_WITHIN: Millis = Millis(60_000);

/// Blocks that every run reaches.
pub const BLOCKS_MIN: usize = 30;

/// A run that has not reached them by so long after the faults makes no progress.
const ENOUGH_WITHIN: Millis = Millis(120_000);

/// Until a part that missed a session's opening or end knows of it: it compares each second.
const KNOWN_WITHIN: Millis = Millis(2_500);

const LOOK_INTERVAL: Millis = Millis(100);

/// How long a run goes on after the faults that need not settle.
const WATCHED_AFTER: Millis = Millis(20_000);

/// What is asked of a run in the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    /// Liveness.
    Settled,
    /// That no rule was broken. With faults beside a bad validator more than a third may be unable to vote.
    Whatever,
}

impl World {
    /// Hands the next proof to somebody who runs.
    pub(super) fn submit(&mut self) -> Result<(), Broken> {
        let at = self.after(self.scenario.submission_ms.clone());
        if self.now >= self.heal_at && self.chain.height() >= BLOCKS_MIN {
            self.submissions.over = true;
            return Ok(());
        }
        self.schedule(at, Event::Submit);
        let running: Vec<ValidatorIndex> = self.scenario.honest().filter(|index| self.is_running(*index)).collect();
        let Some(item) = self.scenario.catalogue.at(self.submissions.next) else { return Ok(()) };
        if running.is_empty() {
            return Ok(());
        }
        let (now, proof) = (self.now, item.id);
        let node = *self.random.pick(&running);
        self.submissions.next += 1;
        self.log(|| format!("{node} is given proof {proof:?}"));
        self.node_mut(node).submit(now, proof);
        self.carry_out(node)
    }

    /// Whether it became final only now.
    pub(super) fn proof_is_final(&mut self, by: ValidatorIndex, proof: Hash) -> Result<bool, Broken> {
        self.answered(by, proof);
        if self.scenario.catalogue.get(&proof).fate == Fate::Refused {
            return Err(format!("proof {proof} became final, though for every count a third says otherwise"));
        }
        Ok(self.submissions.open.remove(&proof).is_some())
    }

    pub(super) fn proof_is_refused(&mut self, by: ValidatorIndex, proof: Hash) -> Result<(), Broken> {
        self.log(|| format!("{by} refuses proof {proof:?}"));
        if self.scenario.catalogue.get(&proof).fate == Fate::Final {
            return Err(format!("validator {by} refuses proof {proof}, which a quorum confirms at one count"));
        }
        self.submissions.refused.insert(proof);
        Ok(())
    }

    /// Looks whether what must have happened by now has.
    pub(super) fn look(&mut self) -> Result<(), Broken> {
        if self.ending == Ending::Whatever {
            return Ok(());
        }
        self.schedule(self.now.saturating_add(LOOK_INTERVAL), Event::Look);
        let gone: Vec<Hash> = self.submissions.open.keys().copied().filter(|proof| self.is_gone(proof)).collect();
        for proof in gone {
            self.submissions.open.remove(&proof);
            self.figures.proofs_refused += 1;
        }
        let late = self
            .submissions
            .open
            .iter()
            .find(|(_, accepted)| self.now.since(self.heal_at.max(**accepted)) > SETTLED_WITHIN);
        if let Some((proof, accepted)) = late {
            return Err(format!(
                "liveness: proof {proof:?}, accepted at {accepted}, has not ended: {}",
                self.standing()
            ));
        }
        self.everybody_knows_the_sessions()?;
        let waited = self.now.since(self.heal_at);
        if waited > ENOUGH_WITHIN && self.chain.height() < BLOCKS_MIN {
            let (blocks, standing) = (self.chain.height(), self.standing());
            return Err(format!("liveness: {blocks} blocks, {waited} ms after the faults ended: {standing}"));
        }
        Ok(())
    }

    /// Whatever a part missed, it knows of every session soon.
    fn everybody_knows_the_sessions(&mut self) -> Result<(), Broken> {
        let now = self.now;
        for node in &self.nodes {
            let since = &mut self.unaware[node.me.as_usize()];
            let unaware = node.unaware();
            *since = if unaware.is_empty() { None } else { since.or(Some(now)) };
            if since.is_some_and(|since| now.since(since) > KNOWN_WITHIN) {
                return Err(format!("{unaware:?} of validator {} do not know who has a session", node.me));
            }
        }
        Ok(())
    }

    /// Where everybody is, for people.
    fn standing(&self) -> String {
        let one = |node: &crate::node::Node| {
            let Some(running) = &node.running else { return format!("\n  {} is down", node.me) };
            let now = running.consensus.snapshot_now();
            let sessions: Vec<u16> = running.sessions.keys().map(|peer| peer.0).collect();
            let votes = |voters: &[ValidatorIndex]| voters.iter().map(|by| by.0).collect::<Vec<_>>();
            format!(
                "\n  {} in view {} of {}, block {}, committed view {}, {} prepared, votes {:?} {:?}, sessions {sessions:?}, {:?}",
                node.me,
                now.view,
                now.leader,
                now.sequence,
                now.commit_view,
                now.prepared,
                votes(&now.prepares),
                votes(&now.view_changes),
                now.unknown_history
            )
        };
        self.nodes.iter().map(one).collect()
    }

    fn whereabouts(&self, node: ValidatorIndex, proof: &Hash) -> Option<Whereabouts> {
        self.node(node).running.as_ref().map(|running| running.mempool.find(proof))
    }

    /// Refused by somebody, and held by nobody any more.
    fn is_gone(&self, proof: &Hash) -> bool {
        let held = |node: ValidatorIndex| match self.whereabouts(node, proof) {
            None | Some(Whereabouts::Unknown | Whereabouts::Refused(_) | Whereabouts::Final(_)) => false,
            Some(
                Whereabouts::Fetching | Whereabouts::Waiting | Whereabouts::Checking | Whereabouts::Pending { .. },
            ) => true,
        };
        self.submissions.refused.contains(proof) && !self.scenario.honest().any(held)
    }

    /// Whether the run may end: the faults have, enough is final, no proof is open, all run, sign, and have one head.
    pub(super) fn is_settled(&mut self) -> Result<bool, Broken> {
        if self.ending == Ending::Whatever {
            return Ok(self.now.since(self.heal_at) >= WATCHED_AFTER);
        }
        if !self.submissions.over || !self.submissions.open.is_empty() {
            return Ok(false);
        }
        let ended = *self.submissions_ended.get_or_insert(self.now);
        let honest = self.scenario.honest().map(|index| self.node(index).running.as_ref());
        let heads: Option<Vec<_>> = honest.map(|running| Some(running?.consensus.snapshot_now())).collect();
        let same = heads.as_ref().is_some_and(|heads| {
            heads.iter().all(|head| head.block == heads[0].block && head.unknown_history.is_none())
        });
        // Who handed one in is told when its effects are carried out.
        let same = same && self.submissions.waits.len() == self.submissions.handed.len();
        if !same && self.now.since(ended) > SETTLED_WITHIN {
            return Err(format!("liveness: the heads are not one: {}", self.standing()));
        }
        self.figures.settled = self.now.since(self.heal_at);
        Ok(same)
    }
}
