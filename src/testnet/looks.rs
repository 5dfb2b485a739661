//! How the nodes are, by their own statuses: polled in turn, more often while one of them cannot make blocks.

use super::asking;
use super::events::{Event, Look};
use super::site::{Place, Site};
use super::waiting::pause;
use crate::client::Client;
use crate::why;
use protocol::types::ValidatorIndex;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::mpsc::Sender;
use std::time::{Duration, Instant};

/// Between two looks at nodes' statuses, of [`asking::AT_ONCE`] each. Each answer takes its node's threads out of their sleep: at four a second
/// that was a third of what an idle network of sixteen used.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);
/// The same while one of them cannot make blocks: when that is over is told to a quarter of a second.
const LOOK_INTERVAL_UNABLE: Duration = Duration::from_millis(250);
/// Until a node answers that starts, instead of [`asking::PATIENCE`]: who waits for them listens for Ctrl-C, too.
const PATIENCE_AT_START: Duration = Duration::from_secs(2);

/// The newest status of each node, in the validators' order. A crowd is looked at in turn: each answer costs its node.
pub struct Looks {
    nodes: Vec<Client>,
    seen: Vec<Look>,
    next: usize,
}

impl Looks {
    pub fn new(site: &Site) -> Looks {
        Looks::of(asking::clients(site))
    }

    fn of(nodes: Vec<Client>) -> Looks {
        let seen = vec![Look::default(); nodes.len()];
        Looks { nodes, seen, next: 0 }
    }

    pub fn seen(&self) -> &[Look] {
        &self.seen
    }

    fn interval(&self) -> Duration {
        if able(&self.seen).count() < self.seen.len() { LOOK_INTERVAL_UNABLE } else { LOOK_INTERVAL }
    }

    /// Looks at so many, who come after those of the last time.
    fn look(&mut self, count: usize) {
        let turns = 0..count.min(self.nodes.len());
        self.look_at(&turns.map(|turn| (self.next + turn) % self.nodes.len()).collect::<Vec<_>>(), asking::PATIENCE);
    }

    /// Looks at some of those that could not make blocks when they were last looked at.
    pub fn look_at_unable(&mut self) {
        let order = (0..self.nodes.len()).map(|turn| (self.next + turn) % self.nodes.len());
        let unable: Vec<usize> = order.filter(|node| !self.seen[*node].is_able).take(asking::AT_ONCE).collect();
        self.look_at(&unable, PATIENCE_AT_START);
    }

    fn look_at(&mut self, places: &[usize], patience: Duration) {
        // Each client has a deadline of its own, and there is one for each at a time.
        let looks = asking::each(places, Instant::now() + patience, |place, _| look_at(&self.nodes[*place]));
        for (place, look) in places.iter().zip(looks) {
            self.seen[*place] = look.unwrap_or_default();
            self.next = (place + 1) % self.nodes.len();
        }
    }
}

pub(super) fn poll(nodes: Vec<Client>, over: &Arc<AtomicBool>, events: &Sender<Event>) {
    let mut looks = Looks::of(nodes);
    // One whole round first: who was not looked at yet is not to count as silent.
    looks.look(usize::MAX);
    loop {
        looks.look(asking::AT_ONCE);
        if events.send(Event::Looked(looks.seen().to_vec(), Instant::now())).is_err()
            || pause(looks.interval(), std::slice::from_ref(over))
        {
            return;
        }
    }
}

/// The nodes that can make blocks with others, of looks in the validators' order.
pub fn able(looks: &[Look]) -> impl Iterator<Item = ValidatorIndex> + '_ {
    (0u16..).map(ValidatorIndex).zip(looks).filter(|(_, look)| look.is_able).map(|(index, _)| index)
}

/// Every node's status now; one that is not asked or does not answer by then is silent.
pub fn look(site: &Site, until: Instant) -> Vec<Look> {
    let look = |place: &Place, left| look_at(&asking::client(place, left));
    asking::each(&site.places, until, look).into_iter().map(Option::unwrap_or_default).collect()
}

fn look_at(node: &Client) -> Look {
    let Ok(status) = node.get("/v1/status") else { return Look::default() };
    let number = |value: &serde_json::Value| value.as_u64().unwrap_or_default();
    Look {
        answers: true,
        is_able: status["has_quorum"] == true && status["waiting_for"].is_null(),
        view: number(&status["current_view"]),
        sequence: number(&status["current_sequence"]),
        proposals: number(&status["since_start"]["proposals"]),
        view_changes: number(&status["since_start"]["view_changes"]),
        health: why::of_answer(&status),
        reward_pool: number(&status["reward_pool_micro_tokens"]),
    }
}
