//! Scripts that peers have and this validator lacks: which peer to ask for which, again and elsewhere when no answer
//! comes.
//!
//! Bounded in what one peer may name, in open requests, and in time. It must never ask one peer forever.

use super::events::{ARRIVAL_DEADLINE, NEED_DEADLINE, NEED_LIFETIME, REQUEST_DEADLINE};
use super::peer_set::PeerSet;
use crate::message::limits::PROOFS_MAX;
use crate::types::{Hash, Millis, ValidatorIndex};
use alloc::collections::BTreeMap;
use alloc::vec::Vec;

/// Ids that one peer may make this validator want; the peer sends the others again when these have come.
pub const OFFERS_MAX: usize = 4_096;
/// Scripts that are wanted, over all peers.
pub const WANTS_MAX: usize = 65_536;
/// Ids that consensus may need at once.
pub const NEEDS_MAX: usize = 4_096;
/// Requests under way, over all peers, for what is merely offered: each answer takes memory.
pub const REQUESTS_MAX: usize = 4;
/// The same for what is needed, by peer.
pub const NEED_REQUESTS_MAX: usize = 2;
/// Peers that are asked for one needed script at once.
const NEED_ASKED_AT_ONCE: usize = 2;
/// A peer that let a request lapse is asked nothing for this long, doubling up to the maximum, until it answers; but for
/// what is needed.
const REST_MIN: Millis = Millis(1_000);
const REST_MAX: Millis = Millis(32_000);

/// A script that is wanted.
#[derive(Debug, Clone)]
struct Want {
    /// Who said so first: it counts against that peer's offers.
    by: Option<ValidatorIndex>,
    order: u64,
    holders: PeerSet,
    /// For needed ones, best first.
    preferred: Vec<ValidatorIndex>,
    /// Asked since the last time that everybody had been asked.
    tried: PeerSet,
    asked: Vec<ValidatorIndex>,
    needed_until: Option<Millis>,
    /// It is being looked at, or there was no room: not asked for before then.
    not_before: Millis,
    /// Known once it did not fit, else 0.
    size: u64,
    /// It was displaced here before: nothing makes room for it.
    patient: bool,
}

/// One question to one peer.
#[derive(Debug, Clone)]
struct Request {
    proofs: Vec<Hash>,
    deadline: Millis,
    needed: bool,
}

#[derive(Debug, Clone, Default)]
struct Peer {
    offers: usize,
    requests: Vec<Request>,
    rest: Millis,
    rests_until: Millis,
}

/// A question to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Question {
    pub to: ValidatorIndex,
    pub proofs: Vec<Hash>,
}

#[derive(Debug, Clone, Default)]
pub(super) struct Fetch {
    wants: BTreeMap<Hash, Want>,
    /// Needed ones first, then by age.
    order: BTreeMap<(bool, u64), Hash>,
    peers: BTreeMap<ValidatorIndex, Peer>,
    needs: usize,
    next: u64,
}

impl Fetch {
    pub(super) fn len(&self) -> usize {
        self.wants.len()
    }

    pub(super) fn contains(&self, proof: &Hash) -> bool {
        self.wants.contains_key(proof)
    }

    pub(super) fn is_needed(&self, proof: &Hash) -> Option<Millis> {
        self.wants.get(proof)?.needed_until
    }

    pub(super) fn session_opened(&mut self, peer: ValidatorIndex) {
        self.session_closed(peer);
        self.peers.insert(peer, Peer::default());
    }

    pub(super) fn session_closed(&mut self, peer: ValidatorIndex) {
        if self.peers.remove(&peer).is_none() {
            return;
        }
        let knows = |want: &Want| want.holders.contains(peer) || want.asked.contains(&peer) || want.by == Some(peer);
        let known: Vec<Hash> = self.wants.iter().filter(|(_, want)| knows(want)).map(|(id, _)| *id).collect();
        for proof in known {
            if let Some(want) = self.wants.get_mut(&proof) {
                want.asked.retain(|asked| *asked != peer);
            }
            self.lacks(peer, &proof);
            self.hand_over(peer, &proof);
        }
    }

    /// Every want that is merely offered counts against some open session, or their number would not be bounded.
    fn hand_over(&mut self, peer: ValidatorIndex, proof: &Hash) {
        let Some(want) = self.wants.get_mut(proof).filter(|want| want.by == Some(peer)) else { return };
        let mut others = self.peers.iter_mut().filter(|(other, _)| want.holders.contains(**other));
        want.by = others.find(|(_, known)| known.offers < OFFERS_MAX).map(|(other, known)| {
            known.offers += 1;
            *other
        });
        if want.by.is_none() && want.needed_until.is_none() {
            self.settled(proof);
        }
    }

    /// A peer has this script, which is neither held nor remembered here.
    pub(super) fn offered(&mut self, from: ValidatorIndex, proof: Hash, patient: bool) {
        let Some(peer) = self.peers.get_mut(&from) else { return };
        if let Some(want) = self.wants.get_mut(&proof) {
            want.holders.insert(from);
            return;
        }
        if peer.offers >= OFFERS_MAX || self.wants.len() >= WANTS_MAX {
            return;
        }
        peer.offers += 1;
        let mut want = self.want(Some(from));
        want.holders.insert(from);
        want.patient = patient;
        self.put(proof, want);
    }

    pub(super) fn need(&mut self, now: Millis, proof: Hash, from: &[ValidatorIndex]) {
        if self.needs >= NEEDS_MAX && self.is_needed(&proof).is_none() {
            return;
        }
        let mut want = self.take(&proof).unwrap_or_else(|| self.want(None));
        want.needed_until = Some(now.saturating_add(NEED_LIFETIME));
        want.preferred = from.to_vec();
        from.iter().for_each(|peer| want.holders.insert(*peer));
        self.put(proof, want);
    }

    /// The script is held or has ended: nothing is wanted any more.
    pub(super) fn settled(&mut self, proof: &Hash) {
        if let Some(want) = self.take(proof)
            && let Some(peer) = want.by.and_then(|by| self.peers.get_mut(&by))
        {
            peer.offers = peer.offers.saturating_sub(1);
        }
    }

    /// Scripts came; what was asked of this peer along with them is asked again, and the empty answer says that it has
    /// none of what it was asked for first.
    pub(super) fn arrived(&mut self, now: Millis, from: ValidatorIndex, proofs: &[Hash]) {
        let Some(peer) = self.peers.get_mut(&from) else { return };
        let answers = |request: &Request| proofs.is_empty() || request.proofs.iter().any(|id| proofs.contains(id));
        let request = peer.requests.iter().position(answers).map(|index| peer.requests.remove(index));
        if request.is_some() {
            (peer.rest, peer.rests_until) = (Millis(0), Millis(0));
        }
        for proof in request.iter().flat_map(|request| &request.proofs) {
            if let Some(want) = self.wants.get_mut(proof) {
                want.asked.retain(|asked| *asked != from);
                // A partial answer was cut off at its bound: the rest is there still.
                if !proofs.is_empty() {
                    want.tried.remove(from);
                }
            }
            if proofs.is_empty() {
                self.lacks(from, proof);
            }
        }
        for proof in proofs {
            if let Some(want) = self.wants.get_mut(proof) {
                want.not_before = now.saturating_add(ARRIVAL_DEADLINE);
            }
        }
    }

    /// Scripts that come unasked are wanted while they are looked at, so that nobody is asked for them meanwhile.
    pub(super) fn expect(&mut self, now: Millis, from: ValidatorIndex, proof: Hash) {
        self.offered(from, proof, false);
        if let Some(want) = self.wants.get_mut(&proof) {
            want.not_before = now.saturating_add(ARRIVAL_DEADLINE);
        }
    }

    /// What this peer sent under the id was not the proof.
    pub(super) fn spoiled(&mut self, from: ValidatorIndex, proof: &Hash) {
        if let Some(want) = self.wants.get_mut(proof) {
            want.not_before = Millis(0);
        }
        self.lacks(from, proof);
    }

    /// It came and did not fit.
    pub(super) fn postponed(&mut self, until: Millis, proof: &Hash, size: u64) {
        if let Some(want) = self.wants.get_mut(proof) {
            want.not_before = until;
            want.size = size;
        }
    }

    /// Ends what took too long. A peer that lets a request for offered scripts lapse is assumed to have none until it
    /// offers them again.
    pub(super) fn expire(&mut self, now: Millis) {
        let mut late = Vec::new();
        for (index, peer) in &mut self.peers {
            let (over, open) = core::mem::take(&mut peer.requests).into_iter().partition(|one| one.deadline <= now);
            peer.requests = open;
            let over: Vec<Request> = over;
            if over.iter().any(|request| !request.needed) {
                peer.rest = Millis(peer.rest.times(2).0.clamp(REST_MIN.0, REST_MAX.0));
                peer.rests_until = now.saturating_add(peer.rest);
            }
            late.extend(over.into_iter().map(|request| (*index, request)));
        }
        for (peer, request) in late {
            for proof in &request.proofs {
                if let Some(want) = self.wants.get_mut(proof) {
                    want.asked.retain(|asked| *asked != peer);
                }
            }
            if !request.needed {
                let held = self.wants.iter().filter(|(_, want)| want.holders.contains(peer));
                let held: Vec<Hash> = held.map(|(proof, _)| *proof).collect();
                held.iter().for_each(|proof| self.lacks(peer, proof));
            }
        }
        let expired = |want: &Want| want.needed_until.is_some_and(|until| until <= now);
        let over: Vec<Hash> = self.wants.iter().filter(|(_, want)| expired(want)).map(|(id, _)| *id).collect();
        over.iter().for_each(|proof| self.settled(proof));
    }

    /// The next questions. `room` says whether a script of a size (0: unknown) from a peer would be admitted,
    /// patient or not.
    pub(super) fn questions(&mut self, now: Millis, room: impl Fn(ValidatorIndex, u64, bool) -> bool) -> Vec<Question> {
        let mut batches: BTreeMap<(bool, ValidatorIndex), Vec<Hash>> = BTreeMap::new();
        let offered = self.peers.values().flat_map(|peer| &peer.requests).filter(|request| !request.needed);
        let mut under_way = offered.count();
        for (&(offered, _), proof) in &self.order {
            if offered && under_way >= REQUESTS_MAX && batches.iter().all(|((o, _), ids)| !o || ids.len() >= PROOFS_MAX)
            {
                break;
            }
            let Some(want) = self.wants.get_mut(proof).filter(|want| want.not_before <= now) else { continue };
            while want.asked.len() < if offered { 1 } else { NEED_ASKED_AT_ONCE } {
                let may_ask = |peer: ValidatorIndex, known: &Peer| match batches.get(&(offered, peer)) {
                    Some(batch) => batch.len() < PROOFS_MAX,
                    None if offered => {
                        let free = known.rests_until <= now && known.requests.iter().all(|request| request.needed);
                        free && under_way < REQUESTS_MAX
                    }
                    None => known.requests.iter().filter(|request| request.needed).count() < NEED_REQUESTS_MAX,
                };
                let (size, patient) = (want.size, want.patient);
                let may_ask = |peer, known: &Peer| may_ask(peer, known) && (!offered || room(peer, size, patient));
                let Some(peer) = want.next_holder(&self.peers, may_ask) else { break };
                want.asked.push(peer);
                want.tried.insert(peer);
                let batch = batches.entry((offered, peer)).or_default();
                under_way += usize::from(offered && batch.is_empty());
                batch.push(*proof);
            }
        }
        let ask = |((offered, to), proofs): ((bool, ValidatorIndex), Vec<Hash>)| {
            let deadline = now.saturating_add(if offered { REQUEST_DEADLINE } else { NEED_DEADLINE });
            if let Some(peer) = self.peers.get_mut(&to) {
                peer.requests.push(Request { proofs: proofs.clone(), deadline, needed: !offered });
            }
            Question { to, proofs }
        };
        batches.into_iter().map(ask).collect()
    }

    /// The earliest deadline of a request.
    pub(super) fn deadline(&self) -> Option<Millis> {
        self.peers.values().flat_map(|peer| &peer.requests).map(|request| request.deadline).min()
    }

    /// The peer does not have it (any more). Who is needed stays on the list, and is asked again after all others.
    fn lacks(&mut self, peer: ValidatorIndex, proof: &Hash) {
        let Some(want) = self.wants.get_mut(proof) else { return };
        if want.needed_until.is_some() {
            return;
        }
        want.holders.remove(peer);
        if want.holders.is_empty() && want.asked.is_empty() {
            self.settled(proof);
        }
    }

    fn want(&mut self, by: Option<ValidatorIndex>) -> Want {
        self.next += 1;
        Want {
            by,
            order: self.next,
            holders: PeerSet::default(),
            preferred: Vec::new(),
            tried: PeerSet::default(),
            asked: Vec::new(),
            needed_until: None,
            not_before: Millis(0),
            size: 0,
            patient: false,
        }
    }

    fn take(&mut self, proof: &Hash) -> Option<Want> {
        let want = self.wants.remove(proof)?;
        self.order.remove(&(want.needed_until.is_none(), want.order));
        self.needs -= usize::from(want.needed_until.is_some());
        Some(want)
    }

    fn put(&mut self, proof: Hash, want: Want) {
        self.order.insert((want.needed_until.is_none(), want.order), proof);
        self.needs += usize::from(want.needed_until.is_some());
        self.wants.insert(proof, want);
    }

    #[cfg(test)]
    pub(super) fn assert_bounds(&self) {
        assert_eq!(self.order.len(), self.wants.len());
        assert!(self.needs <= NEEDS_MAX);
        assert!(self.wants.len() <= WANTS_MAX + NEEDS_MAX);
        for (index, peer) in &self.peers {
            let counted = self.wants.values().filter(|want| want.by == Some(*index)).count();
            assert_eq!(peer.offers, counted);
            assert!(counted <= OFFERS_MAX);
        }
        let open = |want: &Want| want.by.is_some_and(|by| self.peers.contains_key(&by));
        assert!(self.wants.values().all(|want| want.needed_until.is_some() || open(want)));
        let requests = self.peers.values().flat_map(|peer| &peer.requests);
        assert!(requests.clone().filter(|request| !request.needed).count() <= REQUESTS_MAX);
        assert!(requests.clone().all(|request| (1..=PROOFS_MAX).contains(&request.proofs.len())));
    }
}

impl Want {
    /// Whom to ask next: the preferred, then the others in order; everybody once before anybody twice.
    fn next_holder(
        &mut self,
        peers: &BTreeMap<ValidatorIndex, Peer>,
        may_ask: impl Fn(ValidatorIndex, &Peer) -> bool,
    ) -> Option<ValidatorIndex> {
        let open = |peer: &ValidatorIndex| {
            let known = peers.get(peer)?;
            (self.holders.contains(*peer) && !self.asked.contains(peer)).then_some((*peer, known))
        };
        let candidates = || self.preferred.iter().chain(peers.keys()).filter_map(open);
        if candidates().all(|(peer, _)| self.tried.contains(peer)) && self.asked.is_empty() {
            self.tried.clear();
        }
        let mut candidates = self.preferred.iter().chain(peers.keys()).filter_map(open);
        candidates.find(|(peer, known)| !self.tried.contains(*peer) && may_ask(*peer, known)).map(|(peer, _)| peer)
    }
}
