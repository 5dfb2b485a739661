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

/// A want without its end, which moves while views go by and blocks become final: it stays the same want.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Beginning {
    Certificates { kind: VoteKind, from: View },
    Block(Hash),
}

impl Beginning {
    /// Differs by asker, and by what is wanted.
    fn turn(&self, me: ValidatorIndex) -> u64 {
        let what = match self {
            Beginning::Certificates { kind: _, from } => from.0,
            Beginning::Block(id) => id.0.first_chunk().map_or(0, |bytes| u64::from_be_bytes(*bytes)),
        };
        what.wrapping_add(u64::from(me.0))
    }
}

impl Want {
    fn beginning(&self) -> Beginning {
        match *self {
            Want::Certificates { kind, from, to: _ } => Beginning::Certificates { kind, from },
            Want::Block { id, above: _ } => Beginning::Block(id),
        }
    }

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

/// Who should have something.
#[derive(Debug, Default)]
struct Hints {
    /// Who surely has it, such as who proposed it.
    best: Option<ValidatorIndex>,
    others: Vec<ValidatorIndex>,
}

#[derive(Debug, Default)]
pub struct Resolver {
    wanted: BTreeMap<Want, Hints>,
    asked: BTreeMap<Beginning, Asked>,
}

impl Resolver {
    /// Starts a new look at what is missing.
    pub fn begin(&mut self) {
        self.wanted.clear();
    }

    /// Something is missing; `best` is asked first, then `others` should have it.
    pub fn want(&mut self, want: Want, best: Option<ValidatorIndex>, others: impl IntoIterator<Item = ValidatorIndex>) {
        if self.wanted.len() < WANTS_MAX {
            self.wanted.entry(want).or_insert_with(|| Hints { best, others: others.into_iter().collect() });
        }
    }

    /// Nothing is missing, and nothing that was asked for is left to be forgotten.
    pub fn is_idle(&self) -> bool {
        self.wanted.is_empty() && self.asked.is_empty()
    }

    pub fn wants_block(&self, id: &Hash) -> bool {
        self.wanted.keys().any(|want| matches!(want, Want::Block { id: wanted, .. } if wanted == id))
    }

    /// Ends the look: whom to ask now. Forgets what is no longer wanted. Who is asked first depends on the asker and on what is
    /// wanted, so that two peers do not serve everybody. It does not depend on the view: a lagging node would otherwise ask some
    /// peers twice, while views advance, before it asked all.
    pub fn ask(
        &mut self,
        now: Millis,
        me: ValidatorIndex,
        sessions: &BTreeSet<ValidatorIndex>,
    ) -> Vec<(ValidatorIndex, Message)> {
        if sessions.is_empty() {
            // Nobody can be asked, and no deadline runs: the first session is asked at once.
            self.asked.clear();
            return Vec::new();
        }
        let wanted: BTreeSet<Beginning> = self.wanted.keys().map(Want::beginning).collect();
        self.asked.retain(|beginning, _| wanted.contains(beginning));
        let mut requests = Vec::new();
        // Of two with one beginning the one that ends later.
        for (want, hints) in self.wanted.iter().rev() {
            let beginning = want.beginning();
            let due = self.asked.get(&beginning).is_none_or(|asked| now.since(asked.at) >= DEADLINE);
            if !due {
                continue;
            }
            let asked = self.asked.entry(beginning).or_insert(Asked { at: now, times: 0 });
            let order = order(hints, beginning.turn(me), sessions);
            let start = asked.times * ASKED_AT_ONCE;
            for one in 0..ASKED_AT_ONCE.min(order.len()) {
                requests.push((order[(start + one) % order.len()], want.message()));
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

/// The best hint, the other hinted peers and then the rest, as far as they have a session; the two groups each from a place
/// that `turn` chooses.
fn order(hints: &Hints, turn: u64, sessions: &BTreeSet<ValidatorIndex>) -> Vec<ValidatorIndex> {
    let rotated = |peers: Vec<ValidatorIndex>| {
        let first = (turn % peers.len().max(1) as u64) as usize;
        let (before, after) = peers.split_at(first);
        [after, before].concat()
    };
    let reachable = |peers: &[ValidatorIndex]| peers.iter().copied().filter(|peer| sessions.contains(peer)).collect();
    let others = rotated(reachable(&hints.others));
    let rest = rotated(sessions.iter().copied().collect());
    let best = hints.best.filter(|best| sessions.contains(best));
    let mut order: Vec<_> = Vec::with_capacity(sessions.len());
    let mut named = BTreeSet::new();
    for peer in best.into_iter().chain(others).chain(rest) {
        if named.insert(peer) {
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
        let mut hints = hints.iter().copied().map(ValidatorIndex);
        resolver.begin();
        resolver.want(want.clone(), hints.next(), hints);
        resolver.ask(Millis(now), ValidatorIndex(0), &sessions()).into_iter().map(|(peer, _)| peer.0).collect()
    }

    #[test]
    fn who_is_asked_first_differs_by_asker_and_want_but_for_the_best() {
        let sessions: BTreeSet<_> = (0..6).map(ValidatorIndex).collect();
        let ask = |turn: u64, best: Option<u16>, others: &[u16]| -> Vec<u16> {
            let mut resolver = Resolver::default();
            let want = Want::Certificates { kind: VoteKind::Prepare, from: View(turn), to: View(turn) };
            resolver.want(want.clone(), best.map(ValidatorIndex), others.iter().copied().map(ValidatorIndex));
            resolver.ask(Millis(0), ValidatorIndex(0), &sessions).into_iter().map(|(peer, _)| peer.0).collect()
        };
        let others = [1, 2, 3, 9];
        assert_eq!([0, 1, 2, 3].map(|turn| ask(turn, None, &others)), [[1, 2], [2, 3], [3, 1], [1, 2]]);
        assert_eq!([0, 1, 2].map(|turn| ask(turn, Some(5), &others)), [[5, 1], [5, 2], [5, 3]]);
        assert_eq!([0, 1, 5, 6].map(|turn| ask(turn, None, &[])), [[0, 1], [1, 2], [5, 0], [0, 1]]);
        assert_eq!(ask(u64::MAX, Some(9), &[8]).len(), 2);
        let by_asker = [0, 1, 2].map(|me| {
            let mut resolver = Resolver::default();
            resolver.want(Want::Block { id: Hash::ZERO, above: Sequence(0) }, None, []);
            resolver.ask(Millis(0), ValidatorIndex(me), &sessions).first().map(|(peer, _)| peer.0)
        });
        assert_eq!(by_asker, [0, 1, 2].map(Some));
    }

    /// Views go by while it is missing: all the same everybody is asked before anybody twice.
    #[test]
    fn everybody_is_asked_once_before_anybody_twice() {
        let mut resolver = Resolver::default();
        let sessions: BTreeSet<_> = (0..10).map(ValidatorIndex).collect();
        let mut met = Vec::new();
        for now in [0, 200, 400, 600, 800, 1_200, 1_600] {
            resolver.begin();
            let to = View(20 + now);
            resolver.want(Want::Certificates { kind: VoteKind::ViewChange, from: View(7), to }, None, []);
            let asked = resolver.ask(Millis(now), ValidatorIndex(3), &sessions);
            met.extend(asked.into_iter().map(|(peer, _)| peer.0));
        }
        met.sort_unstable();
        assert_eq!(met, (0..10).collect::<Vec<_>>());
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
        assert!(resolver.ask(Millis(1), ValidatorIndex(0), &sessions()).is_empty());
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
        resolver.want(want.clone(), None, []);
        assert!(resolver.ask(Millis(1_000), ValidatorIndex(0), &BTreeSet::new()).is_empty());
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
