//! The peers that have a session, and where each is known to be.

use crate::message::Status;
use crate::ready::Number;
use crate::types::{Millis, ValidatorIndex, View};
use crate::vote::VoteKind;
use alloc::collections::{BTreeMap, BTreeSet};

/// Between two answers to one peer's votes for old views.
const ANSWER_INTERVAL: Millis = Millis(100);

/// What is known of a peer with a session.
#[derive(Debug, Clone, Default)]
pub struct Peer {
    opened: Millis,
    /// When it was last told my status in turn.
    told: Millis,
    /// The last of my attestations that it was sent in this session.
    attested: Number,
    status: Option<Status>,
    /// The highest view that its votes or status show it to be in.
    view: View,
    /// When a vote of its for an old view was last answered.
    answered: Millis,
    /// Statuses in a row by which it came no further.
    stuck: u32,
}

impl Peer {
    pub fn status(&self) -> Option<&Status> {
        self.status.as_ref()
    }

    pub fn view(&self) -> View {
        self.view
    }
}

/// All peers with a session.
#[derive(Debug, Default)]
pub struct Peers(BTreeMap<ValidatorIndex, Peer>);

impl Peers {
    pub fn open(&mut self, peer: ValidatorIndex, now: Millis) {
        self.0.insert(peer, Peer { opened: now, ..Peer::default() });
    }

    pub fn close(&mut self, peer: ValidatorIndex) {
        self.0.remove(&peer);
    }

    pub fn close_all(&mut self) {
        self.0.clear();
    }

    pub fn has(&self, peer: ValidatorIndex) -> bool {
        self.0.contains_key(&peer)
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn iter(&self) -> impl Iterator<Item = (ValidatorIndex, &Peer)> {
        self.0.iter().map(|(index, peer)| (*index, peer))
    }

    pub fn indices(&self) -> impl Iterator<Item = ValidatorIndex> + '_ {
        self.0.keys().copied()
    }

    /// With the time when each session was opened, ascending.
    pub fn sessions(&self) -> impl Iterator<Item = (ValidatorIndex, Millis)> + '_ {
        self.0.iter().map(|(index, peer)| (*index, peer.opened))
    }

    /// A vote shows where its voter is: to vote in a view it has entered it, and to commit it has left it.
    pub fn learn_view(&mut self, from: ValidatorIndex, kind: VoteKind, view: View) {
        let shown = match kind {
            VoteKind::Prepare | VoteKind::ViewChange => view,
            // A peer may name the last view there is.
            VoteKind::Commit => View(view.0.saturating_add(1)),
        };
        if let Some(peer) = self.0.get_mut(&from) {
            peer.view = peer.view.max(shown);
        }
    }

    /// A peer's status. Returns how many in a row it is by which the peer came no further although it lacks something; none
    /// without a session.
    pub fn learn_status(&mut self, from: ValidatorIndex, status: &Status, lacks_nothing: bool) -> Option<u32> {
        let peer = self.0.get_mut(&from)?;
        peer.view = peer.view.max(status.view);
        let before = peer.status.replace(status.clone());
        let came_further = before.is_none_or(|before| before.is_behind(status));
        // On an idle chain everybody says the same again and again, and lacks nothing.
        peer.stuck = if came_further || lacks_nothing { 0 } else { peer.stuck.saturating_add(1) };
        Some(peer.stuck)
    }

    /// Whether a peer that votes in a view below `current` is told how that ended; rate-limited, since late Prepares are
    /// normal.
    pub fn is_to_be_answered(&mut self, from: ValidatorIndex, current: View, now: Millis) -> bool {
        let Some(peer) = self.0.get_mut(&from) else { return false };
        let due = peer.view < current && now.since(peer.answered) >= ANSWER_INTERVAL;
        if due {
            peer.answered = now;
        }
        due
    }

    /// The last of my attestations that a peer was sent, which from now on is this one.
    pub fn attest(&mut self, to: ValidatorIndex, newest: Number) -> Option<Number> {
        self.0.get_mut(&to).map(|peer| core::mem::replace(&mut peer.attested, newest))
    }

    /// Of these, the ones that are told my status now: one that said the same itself only at these intervals.
    pub fn due_for(
        &mut self,
        status: &Status,
        interval: Millis,
        now: Millis,
        peers: impl Fn(ValidatorIndex) -> bool,
    ) -> BTreeSet<ValidatorIndex> {
        let mut due = BTreeSet::new();
        for (index, peer) in self.0.iter_mut().filter(|(index, _)| peers(**index)) {
            let agrees = peer.status.as_ref() == Some(status);
            if !agrees || now.since(peer.told) >= interval {
                peer.told = now;
                due.insert(*index);
            }
        }
        due
    }
}
