//! Who is sent my attestations, and when.
//!
//! Few validators are all sent them at once. In a crowd that would be the square of their number for each proof, and only who
//! proposes needs them so soon: a *Ready* goes to the leaders of the next views at once, and to others when they become such
//! leaders. Everybody is sent them at once for a while when a view fails (without them nobody else sees that there is work, and
//! a silent leader would never be skipped), and in turn when a proof is still undecided after a while. What is
//! no *Ready* counts towards a refusal, and goes to everybody at once. So does a *Ready* with another resource count than others',
//! but nobody knows that before: everybody is sent it in turn.

use crate::consensus::effects::Effects;
use crate::consensus::events::To;
use crate::consensus::sync::Peers;
use crate::message::{Message, Word, limits};
use crate::quorum::ValidatorSet;
use crate::ready::{Number, Ready};
use crate::schedule::Schedule;
use crate::turns::{FEW_AT_ONCE, PEERS_AT_ONCE, Turns, is_crowd};
use crate::types::{Hash, Millis, ValidatorIndex, View};
use alloc::collections::BTreeSet;
use alloc::vec::Vec;
use core::ops::Bound;

/// Between two messages with new attestations: those that come in quick succession go together, and no peer is sent
/// more messages than it reads. The first after a pause goes at once.
const WORDS_INTERVAL: Millis = Millis(8);

/// The same in a crowd whose members all send everybody everything: a proof would be a message for each pair of them. Views last
/// longer than that.
pub const SPREADING_INTERVAL: Millis = Millis(250);

/// Between two rebroadcasts of attestations on what is still undecided.
const REBROADCAST_INTERVAL: Millis = Millis(1_000);

/// Views whose leaders are sent attestations at once, in a crowd.
pub const VIEWS_SOON: u64 = 4;

/// Views whose leaders are sent them again with each rebroadcast: these need them now.
const VIEWS_NEXT: u64 = 2;

/// In a crowd everybody is sent an attestation on what is undecided for so long.
pub const OVERDUE: Millis = Millis(10_000);

/// For so long after a view failed, or seemed to, everybody is sent everything at once, unless a leader leads before.
const SPREAD_FOR: Millis = Millis(10_000);

/// What was sent to whom.
#[derive(Debug)]
pub struct Attesting {
    /// New since the last message.
    announced: Vec<(Hash, Word)>,
    due: Millis,
    /// The view whose next leaders were last seen to.
    seen_to: View,
    spread_until: Millis,
    /// Somebody may not have been sent what everybody is to be sent.
    behind: bool,
    rebroadcast_due: Millis,
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

    /// A verdict of mine that everybody, or who proposes next, is to be sent.
    pub fn attest(&mut self, proof: Hash, word: Word) {
        self.announced.push((proof, word));
    }

    /// A view fails, or its leader does: everybody needs to know of the work.
    pub fn spread(&mut self, now: Millis) {
        self.spread_until = now.saturating_add(SPREAD_FOR);
        self.behind = true;
    }

    /// A leader has led: what was spread once is enough.
    pub fn end_spreading(&mut self) {
        if !self.behind {
            self.spread_until = Millis(0);
        }
    }

    fn spreads(&self, now: Millis) -> bool {
        now < self.spread_until
    }

    /// Ends every step: sends what my solver said since the last time, and what new leaders lack.
    pub fn announce(&mut self, ready: &Ready, mut audience: Audience<'_>) {
        let now = audience.now;
        let may_send = now >= self.due;
        let announced = if may_send { core::mem::take(&mut self.announced) } else { Vec::new() };
        let is_new = !announced.is_empty();
        let is_crowd = is_crowd(audience.set.len());
        let interval = if is_crowd && self.spreads(now) { SPREADING_INTERVAL } else { WORDS_INTERVAL };
        if is_new {
            self.due = now.saturating_add(interval);
        }
        if !is_crowd {
            self.behind = false;
            return send(To::All, announced, audience.effects);
        }
        let against = |(_, word): &(Hash, Word)| match word {
            Word::Confirmed(_) => false,
            Word::ConfirmedBeyondSoft(_) | Word::Refuted | Word::NoVerdict => true,
        };
        if !self.spreads(now) {
            send(To::All, announced.into_iter().filter(against).collect(), audience.effects);
        }
        let catches_up = may_send && core::mem::take(&mut self.behind);
        if is_new || catches_up || self.seen_to != audience.view {
            self.due = now.saturating_add(interval);
            self.seen_to = audience.view;
            self.bring_up_to_date(ready, &mut audience);
        }
    }

    /// Sends those who need my attestations now what they were not sent yet.
    fn bring_up_to_date(&self, ready: &Ready, audience: &mut Audience<'_>) {
        let soon = (!self.spreads(audience.now)).then(|| audience.next_leaders(VIEWS_SOON));
        let needs = |peer: &ValidatorIndex| soon.as_ref().is_none_or(|soon| soon.contains(peer));
        let peers: Vec<ValidatorIndex> = audience.peers.indices().filter(needs).collect();
        for peer in peers {
            if let Some(sent) = audience.peers.attest(peer, ready.newest()).filter(|sent| *sent < ready.newest()) {
                send(To::Peer(peer), ready.my_words_after(sent).collect(), audience.effects);
            }
        }
    }

    /// Sends my attestations on undecided proofs again, one message each second: to the peers whose turn it is (T1), and in a
    /// crowd to who proposes next. The next message's worth follows when every peer was sent the first.
    pub fn rebroadcast(&mut self, ready: &Ready, mut audience: Audience<'_>) {
        let now = audience.now;
        if now < self.rebroadcast_due {
            return;
        }
        self.rebroadcast_due = now.saturating_add(REBROADCAST_INTERVAL);
        let waits = if is_crowd(audience.set.len()) && !self.spreads(now) {
            remind_leaders(ready, &mut audience);
            OVERDUE
        } else {
            Millis(0)
        };
        let from = (Bound::Excluded(self.from), Bound::Unbounded);
        let Some(since) = now.0.checked_sub(waits.0).map(Millis) else { return };
        let words: Vec<(Hash, Word)> = ready.my_words_in(from, since).take(limits::WORDS_MAX).collect();
        let next = match words.last() {
            Some((last, _)) if words.len() == limits::WORDS_MAX => *last,
            _ => Hash::ZERO,
        };
        if words.is_empty() {
            self.from = next;
            return;
        }
        let at_once = if waits > Millis(0) { FEW_AT_ONCE } else { PEERS_AT_ONCE };
        let turn = self.turns.next(at_once, now, audience.peers.sessions());
        if turn.ends_round() {
            self.from = next;
        }
        audience.effects.send_in_turn(turn, Message::Checked(words));
    }

    /// As if nothing had been sent again for a while.
    #[cfg(test)]
    pub fn put_off(&mut self, due: Millis) {
        self.rebroadcast_due = due;
    }

    #[cfg(test)]
    pub fn rebroadcast_due(&self) -> Millis {
        self.rebroadcast_due
    }
}

/// Who may be sent attestations.
pub struct Audience<'a> {
    pub now: Millis,
    /// The view that I am in.
    pub view: View,
    pub set: &'a ValidatorSet,
    pub schedule: &'a Schedule,
    pub peers: &'a mut Peers,
    pub effects: &'a mut Effects,
}

impl Audience<'_> {
    /// Who leads the current view and those after it.
    fn next_leaders(&self, views: u64) -> BTreeSet<ValidatorIndex> {
        (0..views).map(|ahead| self.schedule.leader(View(self.view.0.saturating_add(ahead)))).collect()
    }
}

/// On a new session: my attestations on everything pending.
pub fn attest_all(ready: &Ready, to: ValidatorIndex, peers: &mut Peers, effects: &mut Effects) {
    peers.attest(to, ready.newest());
    send(To::Peer(to), ready.my_words_after(Number::default()).collect(), effects);
}

/// Who proposes now may have missed them; the oldest are the most urgent.
fn remind_leaders(ready: &Ready, audience: &mut Audience<'_>) {
    let Some(since) = audience.now.0.checked_sub(REBROADCAST_INTERVAL.0).map(Millis) else { return };
    let words: Vec<(Hash, Word)> = ready.my_words_since(since).take(limits::WORDS_MAX).collect();
    for peer in audience.next_leaders(VIEWS_NEXT).into_iter().filter(|peer| audience.peers.has(*peer)) {
        send(To::Peer(peer), words.clone(), audience.effects);
    }
}

fn send(to: To, words: Vec<(Hash, Word)>, effects: &mut Effects) {
    for words in words.chunks(limits::WORDS_MAX) {
        effects.send(to, Message::Checked(words.to_vec()));
    }
}
