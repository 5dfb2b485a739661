//! The order in which pending proofs are checked: urgent ones, then round-robin over lanes, shortest script first.
//!
//! It must never let a proof wait forever: every fourth pick of a lane is its oldest.

use super::events::Source;
use crate::types::{Hash, ValidatorIndex};
use alloc::collections::{BTreeMap, BTreeSet};

/// Every so many picks of a lane the oldest goes first, whatever its length.
pub(super) const AGEING_EVERY: u64 = 4;

/// Who shares a turn. All submitters of the API have one: keys cost nothing, peers are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Lane {
    Api,
    Peer(ValidatorIndex),
}

impl From<Source> for Lane {
    fn from(source: Source) -> Lane {
        match source {
            Source::Submitter(_) => Lane::Api,
            Source::Peer(peer) => Lane::Peer(peer),
        }
    }
}

/// A place in the order. `arrival` numbers are unique, so they order and name at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub source: Source,
    pub size: u64,
    pub arrival: u64,
    pub proof: Hash,
}

#[derive(Debug, Clone, Default)]
struct Queue {
    by_size: BTreeSet<(u64, u64)>,
    by_arrival: BTreeMap<u64, (u64, Hash)>,
    picks: u64,
}

/// Holds each proof at most once; bounded by the mempool that fills it.
#[derive(Debug, Clone, Default)]
pub(super) struct Order {
    urgent: BTreeMap<u64, Hash>,
    lanes: BTreeMap<Lane, Queue>,
    last: Option<Lane>,
    len: usize,
}

impl Order {
    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn has_urgent(&self) -> bool {
        !self.urgent.is_empty()
    }

    pub(super) fn push(&mut self, place: Place) {
        let queue = self.lanes.entry(place.source.into()).or_default();
        if queue.by_arrival.insert(place.arrival, (place.size, place.proof)).is_none() {
            queue.by_size.insert((place.size, place.arrival));
            self.len += 1;
        }
    }

    /// Before all others; among the urgent the oldest first.
    pub(super) fn push_urgent(&mut self, place: Place) {
        self.remove(place);
        self.urgent.insert(place.arrival, place.proof);
        self.len += 1;
    }

    /// Takes out a proof, wherever it waits.
    pub(super) fn remove(&mut self, place: Place) {
        if self.urgent.remove(&place.arrival).is_some() {
            self.len -= 1;
        }
        let lane = Lane::from(place.source);
        if let Some(queue) = self.lanes.get_mut(&lane)
            && queue.by_arrival.remove(&place.arrival).is_some()
        {
            queue.by_size.remove(&(place.size, place.arrival));
            self.len -= 1;
            if queue.by_arrival.is_empty() {
                self.lanes.remove(&lane);
            }
        }
    }

    pub(super) fn pop_urgent(&mut self) -> Option<Hash> {
        let (_, proof) = self.urgent.pop_first()?;
        self.len -= 1;
        Some(proof)
    }

    /// The next that is not urgent.
    pub(super) fn pop(&mut self) -> Option<Hash> {
        let after = self.last.and_then(|last| self.lanes.keys().find(|lane| **lane > last));
        let lane = *after.or_else(|| self.lanes.keys().next())?;
        self.last = Some(lane);
        let queue = self.lanes.get_mut(&lane)?;
        queue.picks += 1;
        let oldest = queue.by_arrival.keys().next().copied()?;
        let shortest = queue.by_size.first().map(|(_, arrival)| *arrival)?;
        let pick = if queue.picks.is_multiple_of(AGEING_EVERY) { oldest } else { shortest };
        let (size, proof) = queue.by_arrival.remove(&pick)?;
        queue.by_size.remove(&(size, pick));
        if queue.by_arrival.is_empty() {
            self.lanes.remove(&lane);
        }
        self.len -= 1;
        Some(proof)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::PublicKey;
    use alloc::vec::Vec;

    const API: Source = Source::Submitter(PublicKey([1; 32]));
    const PEER: Source = Source::Peer(ValidatorIndex(3));

    fn place(source: Source, arrival: u64, size: u64) -> Place {
        Place { source, size, arrival, proof: Hash([arrival as u8; 32]) }
    }

    fn drain(order: &mut Order) -> Vec<u8> {
        core::iter::from_fn(|| order.pop_urgent().or_else(|| order.pop())).map(|hash| hash.0[0]).collect()
    }

    #[test]
    fn lanes_take_turns_and_the_shortest_goes_first_in_each() {
        let mut order = Order::default();
        for (source, arrival, size) in [(API, 1, 30), (API, 2, 10), (API, 3, 20), (PEER, 4, 99), (PEER, 5, 98)] {
            order.push(place(source, arrival, size));
        }
        assert_eq!(drain(&mut order), [2, 5, 3, 4, 1]);
        assert_eq!(order.len(), 0);
        assert!(order.lanes.is_empty(), "an empty lane is not kept");
    }

    #[test]
    fn many_keys_share_the_one_lane_of_the_api() {
        let mut order = Order::default();
        for key in 1..=5 {
            order.push(place(Source::Submitter(PublicKey([key; 32])), key.into(), 1));
        }
        order.push(place(PEER, 9, 1_000));
        assert_eq!(drain(&mut order)[..2], [1, 9]);
    }

    #[test]
    fn a_long_script_is_not_passed_over_for_ever() {
        let mut order = Order::default();
        order.push(place(API, 1, 1_000));
        let mut position = 0;
        for arrival in 2.. {
            order.push(place(API, arrival, 1));
            position += 1;
            if order.pop() == Some(Hash([1; 32])) {
                break;
            }
        }
        assert!(position <= AGEING_EVERY, "it waited for {position} picks");
    }

    #[test]
    fn what_is_urgent_goes_before_all_and_only_once() {
        let mut order = Order::default();
        order.push(place(API, 1, 1));
        order.push(place(API, 2, 2));
        order.push_urgent(place(API, 2, 2));
        assert_eq!(order.len(), 2);
        assert_eq!(drain(&mut order), [2, 1]);
    }
}
