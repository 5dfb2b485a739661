//! Asking many nodes side by side: one that does not answer holds up nobody else's answer.

use super::site::{Place, Site};
use crate::client::Client;
use parking_lot::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// Until a node answers: many validators on one machine take their time.
pub const PATIENCE: Duration = Duration::from_secs(10);
/// Nodes that are asked at a time.
pub const AT_ONCE: usize = 16;

/// Asks each of them, [`AT_ONCE`] at a time; the answers are in their order. Who is not yet being asked when the time is
/// over is not asked any more: none. Each question is told how much time is left, and must end by itself within that.
pub fn each<N: Sync, T: Send>(nodes: &[N], until: Instant, ask: impl Fn(&N, Duration) -> T + Sync) -> Vec<Option<T>> {
    let answers: Vec<Mutex<Option<T>>> = nodes.iter().map(|_| Mutex::new(None)).collect();
    let next = AtomicUsize::new(0);
    let turns = || {
        loop {
            let turn = next.fetch_add(1, Ordering::Relaxed);
            let left = until.saturating_duration_since(Instant::now());
            let Some((node, answer)) = nodes.get(turn).zip(answers.get(turn)).filter(|_| !left.is_zero()) else {
                return;
            };
            *answer.lock() = Some(ask(node, left));
        }
    };
    thread::scope(|scope| {
        for _ in 1..AT_ONCE.min(nodes.len()) {
            // Without a further thread those that there are take longer.
            if thread::Builder::new().spawn_scoped(scope, turns).is_err() {
                break;
            }
        }
        turns();
    });
    answers.into_iter().map(Mutex::into_inner).collect()
}

pub(super) fn clients(site: &Site) -> Vec<Client> {
    site.places.iter().map(|place| client(place, PATIENCE)).collect()
}

pub(super) fn client(place: &Place, patience: Duration) -> Client {
    Client::at(place.node_id.as_str(), &place.http).answering_within(patience)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Barrier;

    fn later() -> Instant {
        Instant::now() + Duration::from_secs(60)
    }

    #[test]
    fn answers_are_in_order_and_as_many_are_asked_at_a_time_as_may_be() {
        let nodes: Vec<usize> = (0..3 * AT_ONCE).collect();
        // Each waits for the others of its round: one after the other, nobody would ever answer.
        let round = Barrier::new(AT_ONCE);
        let answers = each(&nodes, later(), |node, _| {
            round.wait();
            node * 2
        });
        assert_eq!(answers, nodes.iter().map(|node| Some(node * 2)).collect::<Vec<_>>());
        assert_eq!(each(&[] as &[u8], later(), |_, _| ()), []);
    }

    #[test]
    fn who_does_not_answer_takes_no_longer_than_there_is_time() {
        let began = Instant::now();
        let nodes: Vec<usize> = (0..100).collect();
        let silent = |node: &usize, left: Duration| {
            if node.is_multiple_of(3) {
                thread::park_timeout(left);
            }
            Instant::now()
        };
        let answers = each(&nodes, began + Duration::from_millis(200), silent);
        assert!(answers[0].is_some() && answers[1].is_some());
        // A third are silent; without a bound for all of them they would take three times as long.
        assert!(answers.iter().any(Option::is_none));
        assert!(each(&nodes, began, |_, _| ()).iter().all(Option::is_none), "the time was over before");
    }
}
