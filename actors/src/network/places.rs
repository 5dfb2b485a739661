//! Places for connections whose handshake is under way: a maximum of all, and one for each address.
//!
//! Whoever connects is a stranger until TLS is done, so one address must not be able to take every place. It decides by
//! the address alone, and owns no connection.

use parking_lot::Mutex;
use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;

/// Connections whose handshake is under way, of peers that dialled this node. More are closed at once.
pub const HANDSHAKES_MAX: usize = 128;
/// Of them, from one address. Several validators may be behind one. Connections of this machine are only bounded
/// together: whoever runs a hundred validators on it starts them at once.
pub const HANDSHAKES_PER_ADDRESS_MAX: usize = 16;

/// Who has how many places.
#[derive(Debug, Default)]
pub struct Places {
    taken: Mutex<HashMap<IpAddr, usize>>,
}

impl Places {
    /// A place, given back when it is dropped; `None` if there is none for this address.
    pub fn take(self: &Arc<Self>, address: IpAddr) -> Option<Place> {
        let source = source(address);
        let mut taken = self.taken.lock();
        // At most HANDSHAKES_MAX entries.
        let all: usize = taken.values().sum();
        let own = taken.get(&source).copied().unwrap_or(0);
        let own_max = if source.is_loopback() { HANDSHAKES_MAX } else { HANDSHAKES_PER_ADDRESS_MAX };
        if all >= HANDSHAKES_MAX || own >= own_max {
            return None;
        }
        taken.insert(source, own + 1);
        Some(Place { places: Arc::clone(self), source })
    }
}

/// What counts as one address: of IPv6 the network, since one host has as many addresses in it as it likes.
pub fn source(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) if !address.is_loopback() => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
        address => address,
    }
}

/// One place.
#[derive(Debug)]
pub struct Place {
    places: Arc<Places>,
    source: IpAddr,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.taken.lock();
        if let Some(count) = taken.get_mut(&self.source) {
            *count -= 1;
            if *count == 0 {
                taken.remove(&self.source);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take(places: &Arc<Places>, address: &str) -> Option<Place> {
        places.take(address.parse().unwrap())
    }

    #[test]
    fn one_address_cannot_take_every_place() {
        let places = Arc::new(Places::default());
        let held: Vec<Place> = std::iter::from_fn(|| take(&places, "192.0.2.1")).collect();
        assert_eq!(held.len(), HANDSHAKES_PER_ADDRESS_MAX);
        assert!(take(&places, "::ffff:192.0.2.1").is_none(), "the same address in other clothes");
        assert!(take(&places, "192.0.2.2").is_some());
        drop(held);
        assert!(take(&places, "192.0.2.1").is_some(), "places are given back");
        assert!(places.taken.lock().is_empty(), "nothing is kept of who has gone");
    }

    #[test]
    fn a_host_is_its_ipv6_network() {
        let places = Arc::new(Places::default());
        let from = |number: u16| places.take(IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 1, 0, 0, 0, number)));
        let held: Vec<Place> = (0..100).filter_map(from).collect();
        assert_eq!(held.len(), HANDSHAKES_PER_ADDRESS_MAX);
        assert!(take(&places, "2001:db8:0:2::1").is_some());
    }

    #[test]
    fn all_together_are_bounded_and_this_machine_only_so() {
        let places = Arc::new(Places::default());
        let held: Vec<Place> = std::iter::from_fn(|| take(&places, "127.0.0.1")).collect();
        assert_eq!(held.len(), HANDSHAKES_MAX);
        assert!(take(&places, "192.0.2.1").is_none());
    }
}
