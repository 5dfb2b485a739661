//! Sessions by number: what belongs to one that is over, or comes late, is dropped.
//!
//! The network numbers its sessions upwards. Each part keeps its own account of them, since events reach each through its own
//! mailbox: one that was full, or a part that was down, misses some. A part that acted on a stale *closed* would not hear an honest
//! peer for a whole session.

use crate::types::ValidatorIndex;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;

/// Counts a process' sessions from 1, over all peers; a later one has a higher number.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionNumber(pub u64);

/// One session with a peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Session {
    pub peer: ValidatorIndex,
    pub number: SessionNumber,
}

/// What the network tells of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SessionEvent {
    Opened(Session),
    Closed(Session),
}

impl SessionEvent {
    pub fn peer(&self) -> ValidatorIndex {
        match self {
            SessionEvent::Opened(session) | SessionEvent::Closed(session) => session.peer,
        }
    }
}

/// What a part that knows no numbers is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    Opened(ValidatorIndex),
    Closed(ValidatorIndex),
}

/// A part's account of the sessions.
#[derive(Debug, Clone, Default)]
pub struct Sessions {
    open: BTreeMap<ValidatorIndex, SessionNumber>,
    /// The newest session of each peer that is known to be over.
    over: BTreeMap<ValidatorIndex, SessionNumber>,
    /// Every session up to this one is over, whoever it is with.
    all_over: SessionNumber,
}

impl Sessions {
    /// Takes in an event. What comes back is to be told, in this order: nothing if the event is stale.
    pub fn on(&mut self, event: SessionEvent) -> Vec<Change> {
        match event {
            SessionEvent::Opened(session) => self.open(session),
            SessionEvent::Closed(session) => self.close(session),
        }
    }

    fn open(&mut self, Session { peer, number }: Session) -> Vec<Change> {
        if number <= self.all_over || self.over.get(&peer).is_some_and(|over| number <= *over) {
            return Vec::new();
        }
        match self.open.get(&peer) {
            Some(open) if number <= *open => Vec::new(),
            Some(before) => {
                // The end of the one before was not heard.
                self.over.insert(peer, *before);
                self.open.insert(peer, number);
                Vec::from([Change::Closed(peer), Change::Opened(peer)])
            }
            None => {
                self.open.insert(peer, number);
                Vec::from([Change::Opened(peer)])
            }
        }
    }

    fn close(&mut self, Session { peer, number }: Session) -> Vec<Change> {
        let over = self.over.entry(peer).or_default();
        *over = number.max(*over);
        match self.open.get(&peer) {
            Some(open) if *open <= number => {
                self.open.remove(&peer);
                Vec::from([Change::Closed(peer)])
            }
            _ => Vec::new(),
        }
    }

    /// Every session up to this number ends, since the network closes them all: what was said in them, and is still to come,
    /// counts for nothing.
    pub fn close_up_to(&mut self, number: SessionNumber) -> Vec<Change> {
        self.all_over = self.all_over.max(number);
        let ended: Vec<Session> = self.iter().filter(|session| session.number <= number).collect();
        ended.into_iter().flat_map(|session| self.close(session)).collect()
    }

    /// A message came in a session: whether it may be heard, and what is to be told before. One that overtook its session's opening
    /// opens it.
    pub fn hear(&mut self, session: Session) -> (bool, Vec<Change>) {
        let changes = self.open(session);
        (self.open.get(&session.peer) == Some(&session.number), changes)
    }

    /// Compares with the network's table, which is right.
    pub fn compare(&mut self, table: impl IntoIterator<Item = Session>) -> Vec<Change> {
        let table: BTreeMap<ValidatorIndex, SessionNumber> =
            table.into_iter().map(|session| (session.peer, session.number)).collect();
        let gone = self.open.iter().filter(|(peer, _)| !table.contains_key(peer));
        let gone: Vec<Session> = gone.map(|(peer, number)| Session { peer: *peer, number: *number }).collect();
        let mut changes: Vec<Change> = gone.into_iter().flat_map(|session| self.close(session)).collect();
        for (peer, number) in table {
            changes.extend(self.open(Session { peer, number }));
        }
        changes
    }

    pub fn iter(&self) -> impl Iterator<Item = Session> + '_ {
        self.open.iter().map(|(peer, number)| Session { peer: *peer, number: *number })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PEER: ValidatorIndex = ValidatorIndex(3);

    fn session(number: u64) -> Session {
        Session { peer: PEER, number: SessionNumber(number) }
    }

    fn opened(number: u64) -> SessionEvent {
        SessionEvent::Opened(session(number))
    }

    fn closed(number: u64) -> SessionEvent {
        SessionEvent::Closed(session(number))
    }

    #[test]
    fn a_stale_closing_does_not_end_the_session_after_it() {
        let mut sessions = Sessions::default();
        assert_eq!(sessions.on(opened(1)), [Change::Opened(PEER)]);
        assert_eq!(
            sessions.on(opened(2)),
            [Change::Closed(PEER), Change::Opened(PEER)],
            "the end of the first is lost"
        );
        assert_eq!(sessions.on(closed(1)), []);
        assert!(sessions.hear(session(2)).0);
        assert_eq!(sessions.on(closed(2)), [Change::Closed(PEER)]);
        assert_eq!(sessions.on(closed(2)), []);
    }

    #[test]
    fn what_belongs_to_a_session_that_is_over_is_not_heard() {
        let mut sessions = Sessions::default();
        assert_eq!(sessions.on(closed(2)), [], "it was closed before it was known");
        assert_eq!(sessions.on(opened(2)), [], "a late opening");
        assert_eq!(sessions.hear(session(1)), (false, Vec::new()));
        assert_eq!(sessions.hear(session(2)), (false, Vec::new()));
        assert_eq!(sessions.on(opened(3)), [Change::Opened(PEER)]);
        assert!(!sessions.hear(session(2)).0);
    }

    #[test]
    fn a_message_that_overtakes_its_sessions_opening_opens_it() {
        let mut sessions = Sessions::default();
        sessions.on(opened(1));
        assert_eq!(sessions.hear(session(2)), (true, Vec::from([Change::Closed(PEER), Change::Opened(PEER)])));
        assert_eq!(sessions.on(opened(2)), []);
        assert_eq!(sessions.on(closed(1)), []);
        assert_eq!(sessions.hear(session(2)), (true, Vec::new()));
    }

    /// R12: only recovery responses in new sessions count.
    #[test]
    fn what_was_said_before_all_sessions_were_closed_is_not_heard() {
        let mut sessions = Sessions::default();
        sessions.on(opened(2));
        assert_eq!(sessions.close_up_to(SessionNumber(4)), [Change::Closed(PEER)]);
        let unknown = Session { peer: ValidatorIndex(5), number: SessionNumber(4) };
        assert_eq!(sessions.hear(unknown), (false, Vec::new()), "nothing of it came before");
        assert_eq!(sessions.compare([session(2), unknown]), [], "the network is still closing them");
        assert_eq!(sessions.hear(session(5)), (true, Vec::from([Change::Opened(PEER)])));
        assert_eq!(sessions.close_up_to(SessionNumber(4)), []);
    }

    #[test]
    fn events_that_were_lost_are_made_good_by_the_table() {
        let mut sessions = Sessions::default();
        sessions.on(opened(1));
        let other = Session { peer: ValidatorIndex(5), number: SessionNumber(4) };
        assert_eq!(sessions.compare([other]), [Change::Closed(PEER), Change::Opened(other.peer)]);
        assert_eq!(sessions.on(opened(1)), [], "that one is over");
        assert_eq!(sessions.compare([session(6), other]), [Change::Opened(PEER)]);
        assert_eq!(sessions.compare([session(7), other]), [Change::Closed(PEER), Change::Opened(PEER)]);
        assert_eq!(sessions.compare([session(7), other]), []);
        assert_eq!(sessions.iter().count(), 2);
    }
}
