//! Everybody tells its peers where it is, always, every 500 ms, in turns if they are many (T1, [`crate::turns`]).

use super::{Givers, Peers, phase_of};
use crate::consensus::effects::Effects;
use crate::consensus::events::To;
use crate::consensus::round::Round;
use crate::message::{Message, Status};
use crate::quorum::ValidatorSet;
use crate::turns::{FEW_AT_ONCE, PEERS_AT_ONCE, Turn, Turns, is_crowd};
use crate::types::{Millis, ValidatorIndex};
use alloc::sync::Arc;
use alloc::vec::Vec;

/// Constant, never doubling.
const STATUS_INTERVAL: Millis = Millis(500);

/// Peers up to which every one is told every time.
const ALWAYS_TOLD_MAX: usize = 8;

/// With more, one that is where I am is told so at these intervals only.
const AGREED_INTERVAL: Millis = Millis(2_000);

/// By what I see whether I lack something.
pub struct Here<'a> {
    pub now: Millis,
    pub round: &'a Round,
    /// How long a round takes at present.
    pub usual_round: Millis,
}

/// When my status is sent, and to whom.
pub struct Statuses {
    set: Arc<ValidatorSet>,
    givers: Givers,
    due: Millis,
    turns: Turns,
    told_last_time: bool,
}

impl Statuses {
    pub fn new(set: Arc<ValidatorSet>, givers: Givers, now: Millis) -> Self {
        let turns = Turns::new(givers.0.me);
        Statuses { set, givers, due: now, turns, told_last_time: false }
    }

    /// Somebody may be left behind, or have what I miss.
    pub fn hurry(&mut self, now: Millis) {
        self.turns.hurry(now);
    }

    pub fn due(&self) -> Millis {
        self.due
    }

    /// T1: tells where I am to those whose turn it is; one of a crowd that asks for nothing lets every second turn pass. Who has
    /// told me that it is where I am lacks nothing of mine, and need not be told each time; a peer that makes progress sends
    /// its status at every turn.
    pub fn tell(&mut self, status: Status, here: Here<'_>, peers: &mut Peers, effects: &mut Effects) {
        let now = here.now;
        self.due = now.saturating_add(STATUS_INTERVAL);
        let needy = self.is_in_need(&here, peers);
        let asks = needy || status.recovering || self.turns.hurries(now);
        self.told_last_time = asks || !is_crowd(self.set.len()) || !self.told_last_time;
        if !self.told_last_time {
            return;
        }
        let at_once = if needy || status.recovering { PEERS_AT_ONCE } else { FEW_AT_ONCE };
        let mut turn = self.turns.next(at_once, now, peers.sessions());
        if let (true, Turn::Some { peers: told, .. }) = (needy, &mut turn) {
            let givers: Vec<ValidatorIndex> =
                self.my_givers(&status, peers).filter(|giver| !told.contains(giver)).collect();
            told.extend(givers);
        }
        let spares = peers.len() > ALWAYS_TOLD_MAX && !self.turns.hurries(now) && !status.recovering;
        if !spares {
            return effects.send_in_turn(turn, Message::Status(status));
        }
        let has_turn = |index: ValidatorIndex| match &turn {
            Turn::Everybody => true,
            Turn::Some { peers, .. } => peers.contains(&index),
        };
        for peer in peers.due_for(&status, AGREED_INTERVAL, now, has_turn) {
            effects.send(To::Peer(peer), Message::Status(status.clone()));
        }
    }

    /// Whether I seem to lack something: what is under way here, or past elsewhere, takes longer than a round does. My status
    /// asks for it. In a crowd, who lacks nothing tells few where it is.
    fn is_in_need(&self, here: &Here<'_>, peers: &Peers) -> bool {
        let round = here.round;
        // One peer may name any view.
        let ahead = peers.iter().filter(|(_, peer)| peer.view() > round.view()).map(|(index, _)| index);
        let since = match round.under_way() {
            Some(since) => since,
            None if self.set.is_blocking(self.set.stake_of(ahead)) => round.entered(),
            None => return false,
        };
        let usual = phase_of(self.set.len());
        // Where everybody is slow, nobody has what I lack.
        let usual = if is_crowd(self.set.len()) { usual.max(here.usual_round) } else { usual };
        here.now.since(since) >= usual
    }

    /// Those with a session that give me what ends my view, or commits what is prepared, with the first status.
    fn my_givers<'a>(&'a self, status: &Status, peers: &'a Peers) -> impl Iterator<Item = ValidatorIndex> + 'a {
        let views = [status.view, status.prepare];
        peers.indices().filter(move |giver| views.iter().any(|view| self.givers.gives_me(*giver, *view)))
    }
}
