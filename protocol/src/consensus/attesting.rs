//! Who is sent my attestations, and when.
//!
//! Few validators are all sent them at once. In a crowd that would be the square of their number for each proof, and only who
//! proposes needs them so soon: a *Ready* goes to the leaders of the next views at once, and to others when they become such
//! leaders. Everybody is sent them at once for a while when a view fails (without them nobody else sees that there is work, and
//! a silent leader would never be skipped), and in turn when a proof is still undecided after a while. What is
//! no *Ready* counts towards a refusal, and goes to everybody at once. So does a *Ready* with another resource count than others',
//! but nobody knows that before: everybody is sent it in turn.

use super::Consensus;
use super::events::To;
use crate::message::{Message, Word, limits};
use crate::ready::Number;
use crate::turns::{Turns, is_crowd};
use crate::types::{Hash, Millis, ValidatorIndex, View};
use alloc::collections::BTreeSet;
use alloc::vec::Vec;
use core::ops::Bound;

/// Between two messages with new attestations: those that come in quick succession go together, and no peer is sent
/// more messages than it reads. The first after a pause goes at once.
const WORDS_INTERVAL: Millis = Millis(8);

/// Between two rebroadcasts of attestations on what is still undecided.
const REBROADCAST_INTERVAL: Millis = Millis(1_000);

/// Views whose leaders are sent attestations at once, in a crowd.
const VIEWS_SOON: u64 = 16;

/// Views whose leaders are sent them again with each rebroadcast: these need them now.
const VIEWS_NEXT: u64 = 2;

/// In a crowd everybody is sent an attestation on what is undecided for so long.
pub(super) const OVERDUE: Millis = Millis(10_000);

/// For so long after a view failed, or seemed to, everybody is sent everything at once.
const SPREAD_FOR: Millis = Millis(10_000);

/// What was sent to whom.
#[derive(Debug)]
pub(super) struct Attesting {
    /// New since the last message.
    pub announced: Vec<(Hash, Word)>,
    due: Millis,
    /// The view whose next leaders were last seen to.
    seen_to: View,
    spread_until: Millis,
    /// Somebody may not have been sent what everybody is to be sent.
    behind: bool,
    pub rebroadcast_due: Millis,
    turns: Turns,
    /// Where the next rebroadcast to everybody goes on.
    from: Hash,
}

impl Attesting {
    pub fn new(me: ValidatorIndex, now: Millis) -> Self {
        Attesting {
            announced: Vec::new(),
            due: Millis(0),
            seen_to: View(0),
            spread_until: Millis(0),
            behind: false,
            rebroadcast_due: now,
            turns: Turns::new(me),
            from: Hash::ZERO,
        }
    }

    /// Where nothing is undecided there is nothing to send again: an idle chain is not woken for it.
    pub fn wakeup(&self, undecided: bool) -> Option<Millis> {
        let rebroadcast = undecided.then_some(self.rebroadcast_due);
        let announcing = (self.behind || !self.announced.is_empty()).then_some(self.due);
        rebroadcast.into_iter().chain(announcing).min()
    }
}

impl Consensus {
    /// A view fails, or its leader does: everybody needs to know of the work.
    pub(super) fn spread_attestations(&mut self) {
        self.attesting.spread_until = self.now.local.saturating_add(SPREAD_FOR);
        self.attesting.behind = true;
    }

    fn spreads(&self) -> bool {
        self.now.local < self.attesting.spread_until
    }

    /// Ends every step: sends what my solver said since the last time, and what new leaders lack.
    pub(super) fn announce(&mut self) {
        let now = self.now.local;
        let may_send = now >= self.attesting.due;
        let announced = if may_send { core::mem::take(&mut self.attesting.announced) } else { Vec::new() };
        let is_new = !announced.is_empty();
        if is_new {
            self.attesting.due = now.saturating_add(WORDS_INTERVAL);
        }
        if !is_crowd(self.set().len()) {
            self.attesting.behind = false;
            return self.send_attestations(To::All, announced);
        }
        let against = |(_, word): &(Hash, Word)| match word {
            Word::Confirmed(_) => false,
            Word::ConfirmedBeyondSoft(_) | Word::Refuted | Word::NoVerdict => true,
        };
        if !self.spreads() {
            self.send_attestations(To::All, announced.into_iter().filter(against).collect());
        }
        let catches_up = may_send && core::mem::take(&mut self.attesting.behind);
        if is_new || catches_up || self.attesting.seen_to != self.view {
            self.attesting.due = now.saturating_add(WORDS_INTERVAL);
            self.attesting.seen_to = self.view;
            self.bring_up_to_date();
        }
    }

    /// Sends those who need my attestations now what they were not sent yet.
    fn bring_up_to_date(&mut self) {
        let newest = self.ready.newest();
        let soon = (!self.spreads()).then(|| self.next_leaders(VIEWS_SOON));
        let needs = |peer: &ValidatorIndex| soon.as_ref().is_none_or(|soon| soon.contains(peer));
        let mut behind = Vec::new();
        for (index, peer) in self.peers.iter_mut().filter(|(index, _)| needs(index)) {
            let sent = core::mem::replace(&mut peer.attested, newest);
            if sent < newest {
                behind.push((*index, sent));
            }
        }
        for (peer, sent) in behind {
            let words: Vec<_> = self.ready.my_words_after(sent).collect();
            self.send_attestations(To::Peer(peer), words);
        }
    }

    /// Who leads the current view and those after it.
    fn next_leaders(&self, views: u64) -> BTreeSet<ValidatorIndex> {
        (0..views).map(|ahead| self.leader(View(self.view.0.saturating_add(ahead)))).collect()
    }

    /// On a new session: my attestations on everything pending.
    pub(super) fn attest_all(&mut self, to: ValidatorIndex) {
        let newest = self.ready.newest();
        if let Some(peer) = self.peers.get_mut(&to) {
            peer.attested = newest;
        }
        let words: Vec<_> = self.ready.my_words_after(Number::default()).collect();
        self.send_attestations(To::Peer(to), words);
    }

    fn send_attestations(&mut self, to: To, words: Vec<(Hash, Word)>) {
        for words in words.chunks(limits::WORDS_MAX) {
            self.effects.send(to, Message::Checked(words.to_vec()));
        }
    }

    /// Sends my attestations on undecided proofs again, one message each second: to the peers whose turn it is (T1), and in a
    /// crowd to who proposes next. The next message's worth follows when every peer was sent the first.
    pub(super) fn rebroadcast_due(&mut self) {
        let now = self.now.local;
        if now < self.attesting.rebroadcast_due {
            return;
        }
        self.attesting.rebroadcast_due = now.saturating_add(REBROADCAST_INTERVAL);
        let waits = if is_crowd(self.set().len()) && !self.spreads() {
            self.remind_leaders();
            OVERDUE
        } else {
            Millis(0)
        };
        let from = (Bound::Excluded(self.attesting.from), Bound::Unbounded);
        let Some(since) = now.0.checked_sub(waits.0).map(Millis) else { return };
        let words: Vec<(Hash, Word)> = self.ready.my_words_in(from, since).take(limits::WORDS_MAX).collect();
        let next = match words.last() {
            Some((last, _)) if words.len() == limits::WORDS_MAX => *last,
            _ => Hash::ZERO,
        };
        if words.is_empty() {
            self.attesting.from = next;
            return;
        }
        let peers = self.peers.iter().map(|(index, peer)| (*index, peer.opened));
        let turn = self.attesting.turns.next(now, peers);
        if turn.ends_round() {
            self.attesting.from = next;
        }
        self.send_in_turn(turn, Message::Checked(words));
    }

    /// Who proposes now may have missed them; the oldest are the most urgent.
    fn remind_leaders(&mut self) {
        let Some(since) = self.now.local.0.checked_sub(REBROADCAST_INTERVAL.0).map(Millis) else { return };
        let words: Vec<(Hash, Word)> = self.ready.my_words_since(since).take(limits::WORDS_MAX).collect();
        let leaders = self.next_leaders(VIEWS_NEXT);
        for peer in leaders.into_iter().filter(|peer| self.peers.contains_key(peer)).collect::<Vec<_>>() {
            self.send_attestations(To::Peer(peer), words.clone());
        }
    }
}
