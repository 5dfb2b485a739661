//! Asking for what is missing: certificates by view *and kind*, blocks and their ancestors by range.
//!
//! What is wanted is computed again in every step; this remembers only which peer was asked when. Every request has a
//! deadline, after which other peers are asked; what is no longer wanted is forgotten.

use crate::message::{Message, limits};
use crate::types::{Hash, Millis, Sequence, ValidatorIndex, View};
use crate::vote::VoteKind;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;

/// Before others are asked.
const DEADLINE: Millis = Millis(400);
/// Different things asked for at once.
const WANTS_MAX: usize = 64;
/// Peers asked at once for one thing.
const ASKED_AT_ONCE: usize = 2;

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Want {
    Certificates { kind: VoteKind, from: View, to: View },
    Block { id: Hash, above: Sequence },
}

impl Want {
    fn message(&self) -> Message {
        match *self {
            Want::Certificates { kind, from, to } => {
                let to = View(to.0.min(from.0.saturating_add(limits::CERTIFICATES_MAX as u64 - 1)));
                Message::CertificateRequest { kind, from, to }
            }
            Want::Block { id, above } => Message::BlockRequest { block: id, above },
        }
    }
}

#[derive(Debug)]
struct Asked {
    at: Millis,
    times: usize,
}

#[derive(Debug, Default)]
pub struct Resolver {
    wanted: BTreeMap<Want, Vec<ValidatorIndex>>,
    asked: BTreeMap<Want, Asked>,
}

impl Resolver {
    /// Starts a new look at what is missing.
    pub fn begin(&mut self) {
        self.wanted.clear();
    }

    /// Something is missing; `hints` should have it, the best first.
    pub fn want(&mut self, want: Want, hints: impl IntoIterator<Item = ValidatorIndex>) {
        if self.wanted.len() < WANTS_MAX {
            self.wanted.entry(want).or_insert_with(|| hints.into_iter().collect());
        }
    }

    pub fn wants_block(&self, id: &Hash) -> bool {
        self.wanted.keys().any(|want| matches!(want, Want::Block { id: wanted, .. } if wanted == id))
    }

    /// Ends the look: whom to ask now. Forgets what is no longer wanted.
    pub fn ask(&mut self, now: Millis, sessions: &BTreeSet<ValidatorIndex>) -> Vec<(ValidatorIndex, Message)> {
        if sessions.is_empty() {
            // Nobody can be asked, and no deadline runs: the first session is asked at once.
            self.asked.clear();
            return Vec::new();
        }
        let wanted = &self.wanted;
        self.asked.retain(|want, _| wanted.contains_key(want));
        let mut requests = Vec::new();
        for (want, hints) in &self.wanted {
            let due = self.asked.get(want).is_none_or(|asked| now.since(asked.at) >= DEADLINE);
            if !due {
                continue;
            }
            let asked = self.asked.entry(want.clone()).or_insert(Asked { at: now, times: 0 });
            let order = order(hints, sessions);
            let start = asked.times * ASKED_AT_ONCE;
            for turn in 0..ASKED_AT_ONCE.min(order.len()) {
                requests.push((order[(start + turn) % order.len()], want.message()));
            }
            asked.at = now;
            asked.times += 1;
        }
        requests
    }

    /// When the next deadline passes.
    pub fn wakeup(&self) -> Option<Millis> {
        self.asked.values().map(|asked| asked.at.saturating_add(DEADLINE)).min()
    }
}

/// The hinted peers that have a session, then the others.
fn order(hints: &[ValidatorIndex], sessions: &BTreeSet<ValidatorIndex>) -> Vec<ValidatorIndex> {
    let hinted = hints.iter().copied().filter(|peer| sessions.contains(peer));
    let mut order: Vec<_> = Vec::with_capacity(sessions.len());
    for peer in hinted.chain(sessions.iter().copied()) {
        if !order.contains(&peer) {
            order.push(peer);
        }
    }
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sessions() -> BTreeSet<ValidatorIndex> {
        (0..4).map(ValidatorIndex).collect()
    }

    fn asked(resolver: &mut Resolver, now: u64, want: &Want, hints: &[u16]) -> Vec<u16> {
        resolver.begin();
        resolver.want(want.clone(), hints.iter().copied().map(ValidatorIndex));
        resolver.ask(Millis(now), &sessions()).into_iter().map(|(peer, _)| peer.0).collect()
    }

    #[test]
    fn hinted_peers_are_asked_first_then_the_others_after_the_deadline() {
        let mut resolver = Resolver::default();
        let want = Want::Block { id: Hash::ZERO, above: Sequence(0) };
        assert_eq!(asked(&mut resolver, 0, &want, &[2, 9, 1]), [2, 1]);
        assert!(asked(&mut resolver, 399, &want, &[2, 9, 1]).is_empty());
        assert_eq!(asked(&mut resolver, 400, &want, &[2, 9, 1]), [0, 3]);
        assert_eq!(asked(&mut resolver, 800, &want, &[2, 9, 1]), [2, 1]);
    }

    #[test]
    fn what_is_no_longer_wanted_is_forgotten() {
        let mut resolver = Resolver::default();
        let want = Want::Certificates { kind: VoteKind::ViewChange, from: View(1), to: View(500) };
        assert_eq!(asked(&mut resolver, 0, &want, &[]).len(), 2);
        resolver.begin();
        assert!(resolver.ask(Millis(1), &sessions()).is_empty());
        assert_eq!(resolver.wakeup(), None);
        assert_eq!(asked(&mut resolver, 2, &want, &[]).len(), 2);
    }

    /// Found by the simulated network, seed 120: a validator without sessions asked to be woken at once, for ever.
    #[test]
    fn without_a_session_no_deadline_runs_and_the_first_session_is_asked_at_once() {
        let mut resolver = Resolver::default();
        let want = Want::Block { id: Hash::ZERO, above: Sequence(0) };
        assert_eq!(asked(&mut resolver, 0, &want, &[]), [0, 1]);
        resolver.begin();
        resolver.want(want.clone(), []);
        assert!(resolver.ask(Millis(1_000), &BTreeSet::new()).is_empty());
        assert_eq!(resolver.wakeup(), None);
        assert_eq!(asked(&mut resolver, 1_001, &want, &[]), [0, 1]);
    }

    #[test]
    fn a_range_is_asked_for_in_bounded_pieces() {
        let want = Want::Certificates { kind: VoteKind::ViewChange, from: View(10), to: View(500) };
        let expected = Message::CertificateRequest { kind: VoteKind::ViewChange, from: View(10), to: View(73) };
        assert_eq!(want.message(), expected);
    }
}
