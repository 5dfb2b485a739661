//! What waits to be sent to one peer: two bounded lanes and the session's own small frames.
//!
//! Anybody may put something in from any thread; it never blocks and never waits for the network. When the urgent lane is
//! full its oldest message is dropped (newer votes and statuses say more, and consensus repeats what matters); when the
//! bulk lane is full the new message is dropped (who asked for it asks again). A newer status takes the place of one that
//! waits: a slow reader is not sent an old position of this validator.

use super::frames::{Control, Encoded, Lane, Newer, PART_BYTES_MAX, part_head, write_frame};
use crate::clock;
use parking_lot::Mutex;
use std::collections::VecDeque;
use tokio::sync::Notify;

/// Limits of the urgent lane: messages and bytes.
pub const URGENT_MESSAGES_MAX: usize = 2_048;
pub const URGENT_BYTES_MAX: usize = 16 << 20;
/// Limits of the bulk lane: messages and bytes.
pub const BULK_MESSAGES_MAX: usize = 512;
pub const BULK_BYTES_MAX: usize = 32 << 20;

/// What became of a message that was put in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Posted {
    Queued,
    /// It was queued, and so many older ones were dropped for it.
    Displaced(usize),
    /// The lane is full and it was dropped.
    Dropped,
}

/// A frame that was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Written {
    /// Names the kind of the message that it is of; none for the session's own frames.
    pub kind: Option<&'static str>,
    pub bytes: usize,
    /// Whether that message ends with it.
    pub is_last: bool,
}

#[derive(Debug, Default)]
pub struct Outbox {
    inner: Mutex<Inner>,
    filled: Notify,
}

#[derive(Debug)]
struct Inner {
    ping: Option<[u8; 8]>,
    /// Only the newest question is answered, so pings cannot pile up.
    pong: Option<[u8; 8]>,
    urgent: Queue,
    bulk: Queue,
}

#[derive(Debug)]
struct Queue {
    messages_max: usize,
    bytes_max: usize,
    messages: VecDeque<Encoded>,
    bytes: usize,
    /// Bytes of the first message that were sent already.
    sent: usize,
}

impl Default for Inner {
    fn default() -> Self {
        Inner {
            ping: None,
            pong: None,
            urgent: Queue::new(URGENT_MESSAGES_MAX, URGENT_BYTES_MAX),
            bulk: Queue::new(BULK_MESSAGES_MAX, BULK_BYTES_MAX),
        }
    }
}

impl Queue {
    fn new(messages_max: usize, bytes_max: usize) -> Queue {
        Queue { messages_max, bytes_max, messages: VecDeque::new(), bytes: 0, sent: 0 }
    }

    fn has_room(&self, bytes: usize) -> bool {
        self.messages.len() < self.messages_max && self.bytes + bytes <= self.bytes_max
    }

    fn push(&mut self, message: Encoded) {
        self.bytes += message.body.len();
        self.messages.push_back(message);
    }

    /// Puts a message into the place of an older one of its kind, of which nothing was sent yet; gives it back if there is
    /// none.
    fn replace(&mut self, message: Encoded) -> Result<(), Encoded> {
        let begun = usize::from(self.sent > 0);
        let older = self.messages.iter_mut().skip(begun).find(|older| older.kind == message.kind);
        let Some(older) = older else { return Err(message) };
        self.bytes = self.bytes - older.body.len() + message.body.len();
        *older = message;
        Ok(())
    }

    /// Drops the oldest message of which nothing was sent yet.
    fn drop_oldest(&mut self) -> bool {
        let oldest = usize::from(self.sent > 0);
        match self.messages.remove(oldest) {
            Some(message) => {
                self.bytes -= message.body.len();
                true
            }
            None => false,
        }
    }

    /// Writes the next frame of this lane.
    fn write_next(&mut self, buffer: &mut Vec<u8>) -> Option<Written> {
        let first = self.messages.front()?;
        let before = buffer.len();
        let length = first.body.len();
        if length <= PART_BYTES_MAX {
            write_frame(buffer, first.kind, &[&first.body]);
            self.sent = length;
        } else {
            let end = length.min(self.sent + PART_BYTES_MAX);
            let head = part_head(first.kind, length);
            write_frame(buffer, Control::Part as u8, &[&head, &first.body[self.sent..end]]);
            self.sent = end;
        }
        let is_last = self.sent >= length;
        let written = Written { kind: Some(first.rule.name), bytes: buffer.len() - before, is_last };
        if is_last {
            self.messages.pop_front();
            self.bytes -= length;
            self.sent = 0;
        }
        Some(written)
    }
}

impl Inner {
    fn post(&mut self, message: Encoded) -> Posted {
        let queue = match message.rule.lane {
            Lane::Urgent => &mut self.urgent,
            Lane::Bulk => &mut self.bulk,
        };
        let message = match message.rule.newer {
            Newer::Follows => message,
            Newer::Replaces => match queue.replace(message) {
                Ok(()) => return Posted::Queued,
                Err(message) => message,
            },
        };
        let bytes = message.body.len();
        let mut dropped = 0;
        if message.rule.lane == Lane::Urgent {
            while !queue.has_room(bytes) && queue.drop_oldest() {
                dropped += 1;
            }
        }
        if !queue.has_room(bytes) {
            return Posted::Dropped;
        }
        queue.push(message);
        if dropped == 0 { Posted::Queued } else { Posted::Displaced(dropped) }
    }
}

impl Outbox {
    pub fn post(&self, message: Encoded) -> Posted {
        let posted = self.inner.lock().post(message);
        self.filled.notify_one();
        posted
    }

    pub fn ping(&self, nonce: [u8; 8]) {
        self.inner.lock().ping = Some(nonce);
        self.filled.notify_one();
    }

    pub fn pong(&self, nonce: [u8; 8]) {
        self.inner.lock().pong = Some(nonce);
        self.filled.notify_one();
    }

    /// Messages and bytes that wait.
    pub fn waiting(&self) -> (usize, usize) {
        let inner = self.inner.lock();
        (inner.urgent.messages.len() + inner.bulk.messages.len(), inner.urgent.bytes + inner.bulk.bytes)
    }

    /// Appends the next frames to `buffer`, most urgent first, until one more part would exceed `bytes_max`; what they are
    /// goes to `sent`. Appends nothing if nothing waits.
    pub fn write_next(&self, buffer: &mut Vec<u8>, bytes_max: usize, sent: &mut Vec<Written>) {
        let mut inner = self.inner.lock();
        let before = buffer.len();
        if let Some(nonce) = inner.pong.take() {
            write_frame(buffer, Control::Pong as u8, &[&nonce, &clock::wall().0.to_be_bytes()]);
        }
        if let Some(nonce) = inner.ping.take() {
            write_frame(buffer, Control::Ping as u8, &[&nonce]);
        }
        if buffer.len() > before {
            sent.push(Written { kind: None, bytes: buffer.len() - before, is_last: false });
        }
        while buffer.len() < bytes_max {
            let before = buffer.len();
            let ended = if inner.urgent.messages.is_empty() {
                inner.bulk.write_next(buffer)
            } else {
                inner.urgent.write_next(buffer)
            };
            sent.extend(ended);
            if buffer.len() == before {
                return;
            }
        }
    }

    /// Waits until something was put in since the last call.
    pub async fn filled(&self) {
        self.filled.notified().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::frames::{HEADER_BYTES, Header, KindRule};

    /// The kind whose newest message is enough.
    const STATUS: u8 = 40;

    fn message(lane: Lane, kind: u8, bytes: usize) -> Encoded {
        let newer = if kind == STATUS { Newer::Replaces } else { Newer::Follows };
        let rule = KindRule { name: "test", lane, newer, body_bytes_max: usize::MAX, per_second: 1, burst: 1 };
        Encoded { kind, rule, body: vec![kind; bytes].into() }
    }

    /// The kinds of the frames that come out, one step at a time.
    fn next_kinds(outbox: &Outbox) -> Vec<u8> {
        let mut buffer = Vec::new();
        outbox.write_next(&mut buffer, 1, &mut Vec::new());
        let mut kinds = Vec::new();
        let mut rest = buffer.as_slice();
        while let Some((head, tail)) = rest.split_first_chunk::<HEADER_BYTES>() {
            let header = Header::parse(*head).unwrap();
            kinds.push(header.kind);
            rest = &tail[header.body_bytes..];
        }
        kinds
    }

    #[test]
    fn a_vote_overtakes_a_script_that_is_half_sent() {
        let outbox = Outbox::default();
        outbox.post(message(Lane::Bulk, 20, PART_BYTES_MAX * 2 + 1));
        assert_eq!(next_kinds(&outbox), [Control::Part as u8]);
        outbox.post(message(Lane::Urgent, 30, 100));
        assert_eq!(next_kinds(&outbox), [30]);
        assert_eq!(next_kinds(&outbox), [Control::Part as u8]);
        assert_eq!(next_kinds(&outbox), [Control::Part as u8]);
        assert!(next_kinds(&outbox).is_empty());
        assert_eq!(outbox.waiting(), (0, 0));
    }

    #[test]
    fn a_full_urgent_lane_drops_its_oldest_message_but_never_half_of_one() {
        let outbox = Outbox::default();
        outbox.post(message(Lane::Urgent, 20, PART_BYTES_MAX + 1));
        assert_eq!(next_kinds(&outbox), [Control::Part as u8]);
        for _ in 1..URGENT_MESSAGES_MAX {
            assert_eq!(outbox.post(message(Lane::Urgent, 21, 1)), Posted::Queued);
        }
        assert_eq!(outbox.post(message(Lane::Urgent, 22, 1)), Posted::Displaced(1));
        assert_eq!(outbox.waiting().0, URGENT_MESSAGES_MAX);
        assert_eq!(next_kinds(&outbox), [Control::Part as u8], "the message that was begun is ended first");
        assert_eq!(next_kinds(&outbox), [21]);
    }

    #[test]
    fn a_full_bulk_lane_drops_the_new_message_and_bounds_bytes() {
        let outbox = Outbox::default();
        let half = BULK_BYTES_MAX / 2;
        assert_eq!(outbox.post(message(Lane::Bulk, 20, half)), Posted::Queued);
        assert_eq!(outbox.post(message(Lane::Bulk, 20, half)), Posted::Queued);
        assert_eq!(outbox.post(message(Lane::Bulk, 20, 1)), Posted::Dropped);
        assert_eq!(outbox.post(message(Lane::Urgent, 21, 1)), Posted::Queued, "votes have a lane of their own");
        assert_eq!(outbox.waiting(), (3, BULK_BYTES_MAX + 1));
    }

    /// T1: a peer that is read slowly is not sent where this validator was, and neither are its votes moved.
    #[test]
    fn a_newer_status_takes_the_place_of_one_that_waits() {
        let outbox = Outbox::default();
        for bytes in 1..=3 {
            assert_eq!(outbox.post(message(Lane::Urgent, STATUS, bytes)), Posted::Queued);
            outbox.post(message(Lane::Urgent, 20, 100));
        }
        assert_eq!(outbox.waiting(), (4, 303));
        assert_eq!(next_kinds(&outbox), [STATUS]);
        outbox.post(message(Lane::Urgent, STATUS, PART_BYTES_MAX + 1));
        assert_eq!((0..3).flat_map(|_| next_kinds(&outbox)).collect::<Vec<_>>(), [20, 20, 20]);
        assert_eq!(next_kinds(&outbox), [Control::Part as u8]);
        outbox.post(message(Lane::Urgent, STATUS, 1));
        assert_eq!(next_kinds(&outbox), [Control::Part as u8], "one that was begun is ended");
        assert_eq!(next_kinds(&outbox), [STATUS]);
        assert_eq!(outbox.waiting(), (0, 0));
    }

    #[test]
    fn an_urgent_message_that_can_never_fit_is_dropped() {
        let outbox = Outbox::default();
        outbox.post(message(Lane::Urgent, 20, 1));
        assert_eq!(outbox.post(message(Lane::Urgent, 20, URGENT_BYTES_MAX + 1)), Posted::Dropped);
    }
}
