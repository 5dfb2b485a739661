//! Giving certificates to peers that may lack them.
//!
//! Everybody makes nearly every Prepare and Commit certificate from the votes, so these are relayed only after a while, to
//! peers that still are not known to be past them, and of the Commit certificates only the newest: it makes the blocks
//! of the others final too. What is lost on the way is made good by statuses ([`super::retransmission`]).

use super::events::To;
use super::{Consensus, Peer};
use crate::certificate::Certificate;
use crate::message::Message;
use crate::types::{Millis, ValidatorIndex};
use crate::vote::VoteKind;
use alloc::collections::VecDeque;
use alloc::vec::Vec;

/// Several rounds between neighbours; what is not known by then is not on its way.
const RELAY_DELAY: Millis = Millis(20);
/// Certificates that wait; the oldest make room.
const RELAYS_MAX: usize = 64;

/// Certificates that are relayed at a time, in its order.
#[derive(Debug, Default)]
pub(super) struct Relays(VecDeque<(Millis, Certificate)>);

impl Relays {
    fn push(&mut self, due: Millis, certificate: Certificate) {
        if certificate.kind() == VoteKind::Commit
            && let Some((_, waiting)) = self.0.iter_mut().find(|(_, waiting)| waiting.kind() == VoteKind::Commit)
        {
            // It keeps the place of the older one, or under load none would ever be due.
            *waiting = certificate;
            return;
        }
        if self.0.len() >= RELAYS_MAX {
            self.0.pop_front();
        }
        self.0.push_back((due, certificate));
    }

    fn pop(&mut self, now: Millis) -> Option<Certificate> {
        self.0.pop_front_if(|(due, _)| *due <= now).map(|(_, certificate)| certificate)
    }

    pub(super) fn wakeup(&self) -> Option<Millis> {
        self.0.front().map(|(due, _)| *due)
    }
}

impl Consensus {
    /// A certificate that is new here is relayed once. One that ends a view without a block goes at once: ViewChange
    /// votes come when timers run out, which is not at the same time everywhere.
    pub(super) fn relay(&mut self, certificate: &Certificate) {
        match certificate.kind() {
            VoteKind::ViewChange => self.give_to_lacking(certificate),
            VoteKind::Prepare | VoteKind::Commit => {
                self.relays.push(self.now.local.saturating_add(RELAY_DELAY), certificate.clone());
            }
        }
    }

    pub(super) fn relay_due(&mut self) {
        while let Some(certificate) = self.relays.pop(self.now.local) {
            self.give_to_lacking(&certificate);
        }
    }

    fn give_to_lacking(&mut self, certificate: &Certificate) {
        let lacks = |peer: &Peer| match certificate.kind() {
            VoteKind::Commit => peer.status.as_ref().is_none_or(|status| status.commit < certificate.view()),
            VoteKind::Prepare | VoteKind::ViewChange => peer.view <= certificate.view(),
        };
        let lacking: Vec<ValidatorIndex> =
            self.peers.iter().filter(|(_, peer)| lacks(peer)).map(|(index, _)| *index).collect();
        for peer in lacking {
            self.send(To::Peer(peer), Message::Certificate(certificate.clone()));
        }
    }
}
