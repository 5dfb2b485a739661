//! What becomes of a message between two validators: when it arrives, how often, or that it does not.

use crate::node::SessionId;
use crate::random::Random;
use crate::scenario::Scenario;
use protocol::types::{Millis, ValidatorIndex};
use std::collections::BTreeMap;

type Direction = (ValidatorIndex, ValidatorIndex);

/// The links and what is wrong with them at present.
pub struct Network {
    delay_ms: Vec<Vec<u64>>,
    jitter_ms: u64,
    ordered: bool,
    loss_per_mille: u64,
    duplication_per_mille: u64,
    /// Until when nothing passes from one to the other.
    cut: BTreeMap<Direction, Millis>,
    /// Until when, and how bad.
    loss: (Millis, u64),
    duplication: (Millis, u64),
    reordering: (Millis, u64),
    delay: (Millis, u64),
    last_arrival: BTreeMap<Direction, Millis>,
    sessions: BTreeMap<Direction, Link>,
    next_session: SessionId,
}

/// The link of two validators, the smaller index first.
#[derive(Debug, Clone, Copy, Default)]
struct Link {
    open: Option<SessionId>,
    /// A new attempt to connect is under way.
    connecting: bool,
}

impl Network {
    pub fn new(scenario: &Scenario) -> Self {
        let never = (Millis(0), 0);
        Network {
            delay_ms: scenario.delay_ms.clone(),
            jitter_ms: scenario.jitter_ms,
            ordered: scenario.ordered,
            loss_per_mille: scenario.loss_per_mille,
            duplication_per_mille: scenario.duplication_per_mille,
            cut: BTreeMap::new(),
            loss: never,
            duplication: never,
            reordering: never,
            delay: never,
            last_arrival: BTreeMap::new(),
            sessions: BTreeMap::new(),
            next_session: 1,
        }
    }

    /// When the copies of a message arrive; none if it is lost.
    pub fn arrivals(
        &mut self,
        random: &mut Random,
        now: Millis,
        from: ValidatorIndex,
        to: ValidatorIndex,
    ) -> Vec<Millis> {
        let rate = |base: u64, (until, worse): (Millis, u64)| if now < until { base.max(worse) } else { base };
        if self.is_cut(now, from, to) || random.per_mille(rate(self.loss_per_mille, self.loss)) {
            return Vec::new();
        }
        let copies = 1 + usize::from(random.per_mille(rate(self.duplication_per_mille, self.duplication)));
        (0..copies).map(|_| self.arrival(random, now, from, to)).collect()
    }

    fn arrival(&mut self, random: &mut Random, now: Millis, from: ValidatorIndex, to: ValidatorIndex) -> Millis {
        let mut delay = self.delay_ms[from.as_usize()][to.as_usize()] + random.within(0..=self.jitter_ms);
        if now < self.delay.0 {
            delay += random.within(0..=self.delay.1);
        }
        let reordered = now < self.reordering.0;
        if reordered {
            delay += random.within(0..=self.reordering.1);
        }
        let mut at = now.saturating_add(Millis(delay));
        if self.ordered && !reordered {
            let last = self.last_arrival.entry((from, to)).or_default();
            at = at.max(*last);
            *last = at;
        }
        at
    }

    pub fn is_cut(&self, now: Millis, from: ValidatorIndex, to: ValidatorIndex) -> bool {
        self.cut.get(&(from, to)).is_some_and(|until| now < *until)
    }

    /// Nothing passes between the two groups, in both directions.
    pub fn cut(&mut self, until: Millis, one: &[ValidatorIndex], other: &[ValidatorIndex]) {
        for (a, b) in one.iter().flat_map(|a| other.iter().map(move |b| (*a, *b))) {
            for direction in [(a, b), (b, a)] {
                let cut = self.cut.entry(direction).or_default();
                *cut = until.max(*cut);
            }
        }
    }

    /// Nothing passes from one to the other; the way back is free.
    pub fn cut_one_way(&mut self, until: Millis, from: ValidatorIndex, to: ValidatorIndex) {
        let cut = self.cut.entry((from, to)).or_default();
        *cut = until.max(*cut);
    }

    pub fn lose(&mut self, until: Millis, per_mille: u64) {
        self.loss = (until, per_mille);
    }

    pub fn duplicate(&mut self, until: Millis, per_mille: u64) {
        self.duplication = (until, per_mille);
    }

    pub fn reorder(&mut self, until: Millis, span_ms: u64) {
        self.reordering = (until, span_ms);
    }

    pub fn slow_down(&mut self, until: Millis, span_ms: u64) {
        self.delay = (until, span_ms);
    }

    /// The faults end, those that were there from the beginning, too.
    pub fn heal(&mut self) {
        self.cut.clear();
        let never = (Millis(0), 0);
        (self.loss, self.duplication, self.reordering, self.delay) = (never, never, never, never);
        (self.loss_per_mille, self.duplication_per_mille) = (0, 0);
    }

    /// Opens a session, with a name that none had.
    pub fn open(&mut self, a: ValidatorIndex, b: ValidatorIndex) -> SessionId {
        let session = self.next_session;
        self.next_session += 1;
        self.sessions.insert(pair(a, b), Link { open: Some(session), connecting: false });
        session
    }

    /// Ends the session of two validators. Its name, if there was one.
    pub fn close(&mut self, a: ValidatorIndex, b: ValidatorIndex) -> Option<SessionId> {
        self.sessions.get_mut(&pair(a, b)).and_then(|link| link.open.take())
    }

    pub fn session(&self, a: ValidatorIndex, b: ValidatorIndex) -> Option<SessionId> {
        self.sessions.get(&pair(a, b)).and_then(|link| link.open)
    }

    /// Whether an attempt to connect is to be begun; there is one at a time.
    pub fn begin_connecting(&mut self, a: ValidatorIndex, b: ValidatorIndex) -> bool {
        let link = self.sessions.entry(pair(a, b)).or_default();
        link.open.is_none() && !std::mem::replace(&mut link.connecting, true)
    }
}

pub fn pair(a: ValidatorIndex, b: ValidatorIndex) -> Direction {
    (a.min(b), a.max(b))
}
