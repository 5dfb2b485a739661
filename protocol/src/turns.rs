//! T1: whom to tell what is told again and again, so that what a validator sends does not grow with the network.

use crate::types::{Millis, ValidatorIndex};
use alloc::vec::Vec;

/// Peers that are told at a time. With more, they take turns.
pub const PEERS_AT_ONCE: usize = 16;

/// Peers that have a turn together where nobody is in need.
pub const FEW_AT_ONCE: usize = 4;

/// Whether a set is so large that its members take turns.
pub fn is_crowd(validators: usize) -> bool {
    validators > PEERS_AT_ONCE + 1
}

/// After what may have left somebody behind, everybody is told within this time.
const HURRY: Millis = Millis(2_000);
/// Turns in it, less one: a round may have begun before.
const HURRY_TURNS: usize = 3;

/// Rounds of turns among the peers that have a session.
#[derive(Debug, Clone)]
pub(crate) struct Turns {
    me: ValidatorIndex,
    /// Who had no turn in this round yet; the next is the last.
    waiting: Vec<ValidatorIndex>,
    hurry_until: Millis,
}

/// Whom to tell now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Turn {
    Everybody,
    /// These, and whether with them everybody had a turn.
    Some {
        peers: Vec<ValidatorIndex>,
        ends_round: bool,
    },
}

impl Turn {
    pub fn ends_round(&self) -> bool {
        match self {
            Turn::Everybody => true,
            Turn::Some { ends_round, .. } => *ends_round,
        }
    }
}

impl Turns {
    pub fn new(me: ValidatorIndex) -> Self {
        Turns { me, waiting: Vec::new(), hurry_until: Millis(0) }
    }

    /// Somebody may be left behind.
    pub fn hurry(&mut self, now: Millis) {
        if !self.hurries(now) {
            // A round that was nearly over would leave the last of the next one without a turn in that time.
            self.waiting.clear();
        }
        self.hurry_until = now.saturating_add(HURRY);
    }

    /// Whether somebody may be left behind.
    pub fn hurries(&self, now: Millis) -> bool {
        now < self.hurry_until
    }

    /// The next turn, of so many where they take turns at all. `peers` are all that have a session, ascending, with the time when it
    /// was opened; one that is newer than [`HURRY`] is told at every turn.
    ///
    /// Cost: O(peers).
    pub fn next(&mut self, at_once: usize, now: Millis, peers: impl Iterator<Item = (ValidatorIndex, Millis)>) -> Turn {
        let peers: Vec<(ValidatorIndex, Millis)> = peers.collect();
        if !is_crowd(peers.len() + 1) {
            return Turn::Everybody;
        }
        // A hundred that each told everybody at every turn, while views change, would do nothing else.
        let in_a_hurry = if self.hurries(now) { peers.len().div_ceil(HURRY_TURNS) } else { 0 };
        let count = at_once.max(in_a_hurry);
        if self.waiting.is_empty() {
            self.waiting = self.in_order(peers.iter().map(|(peer, _)| *peer));
            self.waiting.reverse();
        }
        let taken = self.waiting.split_off(self.waiting.len().saturating_sub(count));
        let is_new = |opened: Millis| now.since(opened) < HURRY;
        let told = peers.into_iter().filter(|(peer, opened)| taken.contains(peer) || is_new(*opened));
        Turn::Some { peers: told.map(|(peer, _)| peer).collect(), ends_round: self.waiting.is_empty() }
    }
}

impl Turns {
    /// Those that are told of something at once, before anybody's turn: everybody, or in a crowd [`FEW_AT_ONCE`], from the one
    /// that follows me.
    pub fn followers(&self, peers: impl Iterator<Item = ValidatorIndex>) -> Vec<ValidatorIndex> {
        let mut followers = self.in_order(peers);
        if is_crowd(followers.len() + 1) {
            followers.truncate(FEW_AT_ONCE);
        }
        followers
    }

    /// From the validator that follows me: not everybody tells the same peers at a time.
    fn in_order(&self, peers: impl Iterator<Item = ValidatorIndex>) -> Vec<ValidatorIndex> {
        let (before, after): (Vec<_>, Vec<_>) = peers.partition(|peer| *peer < self.me);
        after.into_iter().chain(before).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::collections::BTreeMap;

    const ME: ValidatorIndex = ValidatorIndex(7);

    /// Everybody but me, with sessions that are as old as the process.
    fn peers(validators: u16) -> impl Iterator<Item = (ValidatorIndex, Millis)> + Clone {
        (0..validators).map(ValidatorIndex).filter(|peer| *peer != ME).map(|peer| (peer, Millis(0)))
    }

    /// How often each is told in so many turns, from a time on when no session is new.
    fn told(turns: &mut Turns, validators: u16, count: u64) -> BTreeMap<ValidatorIndex, u64> {
        let mut told = BTreeMap::new();
        for turn in 0..count {
            match turns.next(PEERS_AT_ONCE, Millis(10_000 + 500 * turn), peers(validators)) {
                Turn::Everybody => peers(validators).for_each(|(peer, _)| *told.entry(peer).or_default() += 1),
                Turn::Some { peers, .. } => {
                    assert!(peers.len() <= PEERS_AT_ONCE);
                    peers.into_iter().for_each(|peer| *told.entry(peer).or_default() += 1);
                }
            }
        }
        told
    }

    #[test]
    fn up_to_seventeen_validators_tell_everybody_always() {
        for validators in [1, 4, 17] {
            assert_eq!(
                Turns::new(ME).next(PEERS_AT_ONCE, Millis(10_000), peers(validators)),
                Turn::Everybody,
                "{validators}"
            );
        }
    }

    #[test]
    fn each_peer_is_told_once_in_a_round_of_as_few_turns_as_there_may_be() {
        for validators in [18, 32, 33, 34, 100, 1_000] {
            let turns = u64::from(validators - 1).div_ceil(PEERS_AT_ONCE as u64);
            let told = told(&mut Turns::new(ME), validators, 3 * turns);
            assert_eq!(told.len(), usize::from(validators) - 1);
            assert!(told.values().all(|times| *times == 3), "{validators} validators: {told:?}");
        }
    }

    #[test]
    fn everybody_is_told_within_two_seconds_of_what_may_have_left_somebody_behind() {
        for validators in [18, 64, 65, 100, 1_000] {
            let mut turns = Turns::new(ME);
            turns.next(PEERS_AT_ONCE, Millis(9_500), peers(validators));
            turns.hurry(Millis(10_000));
            let mut told = BTreeMap::<ValidatorIndex, u64>::new();
            for now in [10_000, 10_500, 11_000, 11_500] {
                assert!(turns.hurries(Millis(now)));
                let Turn::Some { peers, .. } = turns.next(PEERS_AT_ONCE, Millis(now), peers(validators)) else {
                    panic!("{validators} take turns")
                };
                assert!(peers.len() <= PEERS_AT_ONCE.max(usize::from(validators).div_ceil(HURRY_TURNS)));
                peers.into_iter().for_each(|peer| *told.entry(peer).or_default() += 1);
            }
            assert_eq!(told.len(), usize::from(validators) - 1, "{validators}");
            assert!(!turns.hurries(Millis(12_000)));
        }
    }

    #[test]
    fn a_new_session_is_told_at_every_turn_and_who_has_none_is_left_out() {
        let mut turns = Turns::new(ME);
        let opened = |at| move |(peer, _)| (peer, if peer == ValidatorIndex(0) { Millis(at) } else { Millis(0) });
        for turn in 0..4 {
            let Turn::Some { peers, .. } =
                turns.next(PEERS_AT_ONCE, Millis(10_000 + 500 * turn), peers(100).map(opened(10_000)))
            else {
                panic!("a hundred take turns")
            };
            assert!(peers.contains(&ValidatorIndex(0)));
        }
        let mut turns = Turns::new(ME);
        turns.next(PEERS_AT_ONCE, Millis(10_000), peers(40));
        // Half of them are gone before their turn.
        let Turn::Some { peers, .. } =
            turns.next(PEERS_AT_ONCE, Millis(10_500), peers(40).filter(|(peer, _)| peer.0 % 2 == 0))
        else {
            panic!("more than sixteen are left")
        };
        assert!(peers.len() < PEERS_AT_ONCE && peers.iter().all(|peer| peer.0 % 2 == 0), "{peers:?}");
    }
}
