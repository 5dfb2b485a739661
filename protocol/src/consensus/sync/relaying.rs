//! Giving certificates to peers that may lack them.
//!
//! Where validators are few, everybody makes nearly every Prepare and Commit certificate from the votes, so these are relayed
//! only after a while, to peers that still are not known to be past them, and of the Commit certificates only the newest: it
//! makes the blocks of the others final too. In a crowd those who collect votes give them ([`super::collecting`]). What is lost
//! on the way is made good by statuses ([`super::retransmission`]).
//!
//! A certificate has O(n) bytes, and n peers may lack it. If everybody gave it to everybody they would be sent O(n³) bytes
//! together, in the very moment in which many are late: so each peer has a few givers for a view, and twice as many with
//! each status by which it came no further, until they are everybody.

use super::collecting::Collectors;
use super::peers::{Peer, Peers};
use crate::certificate::Certificate;
use crate::consensus::effects::Effects;
use crate::consensus::events::To;
use crate::message::Message;
use crate::turns::is_crowd;
use crate::types::{Millis, ValidatorIndex, View};
use crate::vote::VoteKind;
use alloc::collections::VecDeque;

/// Several rounds between neighbours; what is not known by then is not on its way.
const RELAY_DELAY: Millis = Millis(20);
/// The same in a crowd, times the square of its size in multiples of [`CROWD`]: so many messages a round has.
const RELAY_DELAY_OF_CROWD: Millis = Millis(10);
const CROWD: usize = 16;
/// Longer than that nobody waits: a view must not end before.
const ROUND_MAX: Millis = Millis(1_000);
/// Certificates that wait; the oldest make room.
const RELAYS_MAX: usize = 64;

/// Validators that give a peer the certificates of one view unasked (T1). That all of them are bad, or unheard, is rare, and
/// costs the time until the peer's second status.
pub const GIVERS: u64 = 4;
/// Doublings after which there are more givers than validators.
const STUCK_MAX: u32 = 16;

/// What a phase of a round takes at most where nothing is slow or lost: 20 ms, with 32 validators 40, with 100 490 (measured on
/// two cores, with all of them on it: 33 with 32, 135 with 64, 460 with 100).
pub fn phase_of(validators: usize) -> Millis {
    let crowds = crowds(validators);
    RELAY_DELAY.max(RELAY_DELAY_OF_CROWD.times(crowds.saturating_mul(crowds))).min(ROUND_MAX)
}

/// How many times sixteen validators a set is, rounded up: what each of them has to do for a round grows with it.
pub fn crowds(validators: usize) -> u64 {
    validators.div_ceil(CROWD).max(1) as u64
}

/// Certificates that are relayed at a time, in its order.
pub struct Relays {
    givers: Givers,
    waiting: VecDeque<(Millis, Certificate)>,
}

impl Relays {
    pub fn new(givers: Givers) -> Self {
        Relays { givers, waiting: VecDeque::new() }
    }

    /// A certificate that is new here is relayed once. One that ends a view without a block goes at once: ViewChange
    /// votes come when timers run out, which is not at the same time everywhere.
    pub fn relay(&mut self, certificate: &Certificate, now: Millis, peers: &Peers, effects: &mut Effects) {
        let (view, kind) = (certificate.view(), certificate.kind());
        let collectors = &self.givers.0;
        let phase = phase_of(collectors.validators);
        match kind {
            VoteKind::ViewChange => self.givers.give_to_lacking(certificate, peers, effects),
            VoteKind::Prepare | VoteKind::Commit => match collectors.my_place(view) {
                Some(0) => effects.send(To::All, Message::Certificate(certificate.clone())),
                // Unless the leader sends it to me as well; before votes go to everybody.
                Some(place) => self.push(now.saturating_add(Millis(phase.0 * place / 2)), certificate.clone()),
                // Who lacks it asks by its status.
                None if is_crowd(collectors.validators) => {}
                None => self.push(now.saturating_add(phase), certificate.clone()),
            },
        }
    }

    /// A peer sent me a certificate. If it leads the view, that is how everybody gets it; but the last collector still looks after
    /// a Prepare certificate: it is sent the Commit of whoever has it.
    pub fn sent(&mut self, from: ValidatorIndex, kind: VoteKind, view: View) {
        let collectors = &self.givers.0;
        let place = collectors.my_place(view);
        if collectors.is_first(view, from) && (place == Some(1) || place.is_some() && kind == VoteKind::Commit) {
            self.waiting.retain(|(_, waiting)| (waiting.view(), waiting.kind()) != (view, kind));
        }
    }

    /// Sends those whose time has come.
    pub fn send_due(&mut self, now: Millis, peers: &Peers, effects: &mut Effects) {
        while let Some(certificate) = self.pop(now) {
            self.givers.give_to_lacking(&certificate, peers, effects);
        }
    }

    fn push(&mut self, due: Millis, certificate: Certificate) {
        if certificate.kind() == VoteKind::Commit
            && let Some((_, waiting)) = self.waiting.iter_mut().find(|(_, waiting)| waiting.kind() == VoteKind::Commit)
        {
            // It keeps the place of the older one, or under load none would ever be due.
            *waiting = certificate;
            return;
        }
        if self.waiting.len() >= RELAYS_MAX {
            self.waiting.pop_front();
        }
        let place = self.waiting.partition_point(|(other, _)| *other <= due);
        self.waiting.insert(place, (due, certificate));
    }

    fn pop(&mut self, now: Millis) -> Option<Certificate> {
        self.waiting.pop_front_if(|(due, _)| *due <= now).map(|(_, certificate)| certificate)
    }

    pub fn wakeup(&self) -> Option<Millis> {
        self.waiting.front().map(|(due, _)| *due)
    }
}

/// Validators that give a peer the certificates of one view.
#[derive(Clone)]
pub struct Givers(pub Collectors);

impl Givers {
    /// Whether I am one of a peer's givers in a view: they are spread over the set, so that neighbours that are bad do not cut
    /// off the one that alone holds a certificate, begin elsewhere for each peer, and are others in the next view. Who collects
    /// votes gives everybody what they make. The peer has said so many times in a row that it came no further.
    pub fn gives(&self, certificate: &Certificate, peer: ValidatorIndex, stuck: u32) -> bool {
        let Collectors { me, validators, .. } = self.0;
        let view = certificate.view();
        certificate.kind() != VoteKind::ViewChange && self.0.am_one(view)
            || gives(me, view, peer, validators, GIVERS << stuck.min(STUCK_MAX))
    }

    /// Whether a validator is one of mine, with my first status.
    pub fn gives_me(&self, giver: ValidatorIndex, view: View) -> bool {
        let Collectors { me, validators, .. } = self.0;
        is_crowd(validators) && self.0.has(view, giver) || gives(giver, view, me, validators, GIVERS)
    }

    fn give_to_lacking(&self, certificate: &Certificate, peers: &Peers, effects: &mut Effects) {
        let lacks = |peer: &Peer| match certificate.kind() {
            VoteKind::Commit => peer.status().is_none_or(|status| status.commit < certificate.view()),
            VoteKind::Prepare | VoteKind::ViewChange => peer.view() <= certificate.view(),
        };
        for (index, peer) in peers.iter() {
            if lacks(peer) && self.gives(certificate, index, 0) {
                effects.send(To::Peer(index), Message::Certificate(certificate.clone()));
            }
        }
    }
}

pub fn gives(me: ValidatorIndex, view: View, peer: ValidatorIndex, validators: usize, givers: u64) -> bool {
    let (me, peer, count) = (u64::from(me.0), u64::from(peer.0), validators as u64);
    let others = count.saturating_sub(1).max(1);
    // From 0, who follows the peer, to the last of the others.
    let place = (me + count - peer % count).saturating_sub(1) % count % others;
    let first = view.0 % others * (GIVERS % others) % others;
    (place * stride(view, others) % others + others - first) % others < givers
}

/// Another step from place to place for each view, which meets them all: it has no factor in common with their number.
fn stride(view: View, others: u64) -> u64 {
    // Fibonacci hashing (Knuth, *The Art of Computer Programming* 3, section 6.4): views that follow each other differ much.
    let mixed = view.0.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32;
    let has_none_in_common = |step: &u64| {
        let (mut a, mut b) = (*step, others);
        while b != 0 {
            (a, b) = (b, a % b);
        }
        a == 1
    };
    (mixed % others..=others).find(has_none_in_common).unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::collections::BTreeSet;
    use alloc::vec::Vec;

    #[test]
    fn each_peer_has_four_givers_or_everybody_and_all_take_part() {
        for validators in [1, 2, 4, 5, 6, 7, 16, 32, 100] {
            let all = || (0..validators as u16).map(ValidatorIndex);
            let mut gave = BTreeSet::new();
            for (view, peer) in (1..=validators as u64).flat_map(|view| all().map(move |peer| (View(view), peer))) {
                let givers: Vec<_> =
                    all().filter(|me| *me != peer && gives(*me, view, peer, validators, GIVERS)).collect();
                assert_eq!(givers.len(), (validators - 1).min(GIVERS as usize), "{validators}, {view:?}, {peer:?}");
                gave.extend(givers);
            }
            assert!(gave.len() == validators || validators == 1, "{validators}: {gave:?}");
        }
        // Who is stuck has twice as many each time, those before among them, and in the end everybody.
        let all = || (1..100).map(ValidatorIndex);
        let givers = |stuck: u32| -> BTreeSet<_> {
            all().filter(|me| gives(*me, View(9), ValidatorIndex(0), 100, GIVERS << stuck)).collect()
        };
        assert!((0..5).all(|stuck| givers(stuck).len() == 4 << stuck && givers(stuck).is_subset(&givers(stuck + 1))));
        assert_eq!(givers(5), all().collect());
        // One that alone holds a certificate, in front of as many bad neighbours as there may be, nearly always gives it to an
        // honest one.
        for (validators, bad) in [(13u16, 4u16), (20, 6), (32, 10), (100, 33)] {
            let holder = ValidatorIndex(bad);
            let is_cut_off = |view: &u64| {
                let mut honest = (bad + 1..validators).map(ValidatorIndex);
                !honest.any(|peer| gives(holder, View(*view), peer, usize::from(validators), GIVERS))
            };
            let cut_off = (1..=400).filter(is_cut_off).count();
            assert!(cut_off <= 40, "{validators} validators: cut off in {cut_off} of 400 views");
        }
        // No view and no index overflows.
        gives(ValidatorIndex(u16::MAX), View(u64::MAX), ValidatorIndex(u16::MAX), 100, GIVERS << STUCK_MAX);
    }
}
