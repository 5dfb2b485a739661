//! A limiter gives out a bounded number of permits, and says who gives way when all are taken.
//!
//! Whoever holds a permit either works, or waits for its client: for a head, a body, an answer to be read, a time to pass.
//! When a permit is wanted and none is free, one of those that wait loses its own: of the address that has most of them, the
//! one that has waited longest. So idle and slow clients cost nobody a permit, however many they are; without anybody that
//! waits, the new one is turned away.

use actors::network::places::source;
use parking_lot::Mutex;
use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::Arc;
use tokio::sync::Notify;

#[derive(Debug)]
pub struct Limiter {
    max: usize,
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    /// Numbers holders, and the moments from which they wait.
    next: u64,
    /// At most `max`.
    holders: HashMap<u64, Holder>,
    /// Those that wait, of each address: by the moment from which they do.
    waiting: HashMap<IpAddr, BTreeMap<u64, u64>>,
}

#[derive(Debug)]
struct Holder {
    source: IpAddr,
    /// Since when it waits for its client; none while it works.
    waits: Option<u64>,
    lost: Arc<Notify>,
}

/// A permit, until it is dropped or lost.
#[derive(Debug)]
pub struct Permit {
    limiter: Arc<Limiter>,
    number: u64,
    lost: Arc<Notify>,
}

impl Limiter {
    pub fn new(max: usize) -> Arc<Limiter> {
        Arc::new(Limiter { max, inner: Mutex::default() })
    }

    /// A permit for a client of this address; its holder waits until it says that it works. `None` if everybody works.
    /// O(addresses) when all are taken.
    pub fn take(self: &Arc<Self>, address: IpAddr) -> Option<Permit> {
        let source = source(address);
        let lost = Arc::new(Notify::new());
        let mut inner = self.inner.lock();
        if inner.holders.len() >= self.max {
            let gives_way = inner.gives_way()?;
            if let Some(holder) = inner.remove(gives_way) {
                holder.lost.notify_one();
            }
        }
        let number = inner.number();
        inner.holders.insert(number, Holder { source, waits: None, lost: Arc::clone(&lost) });
        inner.set(number, true);
        Some(Permit { limiter: Arc::clone(self), number, lost })
    }

    #[cfg(test)]
    pub fn taken(&self) -> usize {
        self.inner.lock().holders.len()
    }
}

impl Inner {
    fn number(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    fn gives_way(&self) -> Option<u64> {
        let most = self.waiting.values().max_by_key(|waiting| (waiting.len(), longest(waiting)))?;
        most.first_key_value().map(|(_, number)| *number)
    }

    /// Says whether a holder waits, from now on.
    fn set(&mut self, number: u64, waits: bool) {
        let now = self.number();
        let Inner { holders, waiting, .. } = self;
        let Some(holder) = holders.get_mut(&number) else { return };
        let own = waiting.entry(holder.source).or_default();
        if let Some(since) = holder.waits.take() {
            own.remove(&since);
        }
        if waits {
            holder.waits = Some(now);
            own.insert(now, number);
        }
        if own.is_empty() {
            waiting.remove(&holder.source);
        }
    }

    fn remove(&mut self, number: u64) -> Option<Holder> {
        self.set(number, false);
        self.holders.remove(&number)
    }
}

/// Greater for who has waited longer.
fn longest(waiting: &BTreeMap<u64, u64>) -> Reverse<u64> {
    Reverse(waiting.keys().next().copied().unwrap_or(u64::MAX))
}

impl Permit {
    /// From here on it is not taken away.
    pub fn works(&self) {
        self.limiter.inner.lock().set(self.number, false);
    }

    /// From here on it waits for its client.
    pub fn waits(&self) {
        self.limiter.inner.lock().set(self.number, true);
    }

    /// Leaves the permit to others before its holder ends: it counts no more, and nobody takes it away.
    pub fn leave(&self) {
        self.limiter.inner.lock().remove(self.number);
    }

    /// Tells the holder that it has lost the permit, though nobody else has it.
    pub fn cut(&self) {
        self.lost.notify_one();
    }

    /// Done when another one has the permit.
    pub async fn lost(&self) {
        self.lost.notified().await;
        // Whoever asks again hears it again.
        self.lost.notify_one();
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.limiter.inner.lock().remove(self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::Future;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    fn address(number: u8) -> IpAddr {
        IpAddr::from([192, 0, 2, number])
    }

    fn is_lost(permit: &Permit) -> bool {
        pin!(permit.lost()).poll(&mut Context::from_waker(Waker::noop())) == Poll::Ready(())
    }

    #[test]
    fn the_one_that_has_waited_longest_gives_way() {
        let limiter = Limiter::new(3);
        let held: Vec<_> = (0..3).map(|_| limiter.take(address(1)).unwrap()).collect();
        held[0].works();
        held[1].works();
        held[1].waits();
        let fourth = limiter.take(address(1)).unwrap();
        assert_eq!(
            held.iter().map(is_lost).collect::<Vec<_>>(),
            [false, false, true],
            "the first works, the second came back"
        );
        let fifth = limiter.take(address(1)).unwrap();
        assert!(is_lost(&held[1]) && is_lost(&held[1]) && !is_lost(&fourth), "it is told whenever it asks");
        fourth.works();
        fifth.works();
        assert!(limiter.take(address(1)).is_none(), "who works is not disturbed");
        drop(held);
        assert_eq!(limiter.taken(), 2, "a permit that was lost is not given back twice");
        drop((fourth, fifth));
        assert!(limiter.inner.lock().waiting.is_empty(), "nothing is kept of who has gone");
    }

    #[test]
    fn a_holder_that_has_left_takes_no_room_and_is_not_in_the_way() {
        let limiter = Limiter::new(1);
        let gone = limiter.take(address(1)).unwrap();
        gone.leave();
        let next = limiter.take(address(1)).unwrap();
        next.works();
        assert!(!is_lost(&gone) && limiter.taken() == 1);
        gone.waits();
        assert!(limiter.take(address(1)).is_none(), "what it says of itself does not count any more");
        gone.cut();
        assert!(is_lost(&gone) && !is_lost(&next));
        drop(gone);
        assert_eq!(limiter.taken(), 1);
    }

    #[test]
    fn an_address_that_holds_most_places_pays_with_its_own() {
        let limiter = Limiter::new(10);
        let one = limiter.take(address(1)).unwrap();
        let many: Vec<_> = (0..9).map(|_| limiter.take(address(2)).unwrap()).collect();
        let more: Vec<_> = (0..50).map(|_| limiter.take(address(2)).unwrap()).collect();
        assert!(!is_lost(&one), "it waited longest, and is alone");
        assert!(many.iter().all(is_lost) && more[..41].iter().all(is_lost) && !more[41..].iter().any(is_lost));
        let other = limiter.take(address(3)).unwrap();
        assert!(!is_lost(&one) && !is_lost(&other) && is_lost(&more[41]));
    }
}
