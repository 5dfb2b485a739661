//! Addresses as operators write them: a host name or number, and a port. Nothing is resolved here.

use protocol::types::NodeId;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

/// `HOST:PORT`, with an IPv6 number in brackets.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address {
    host: String,
    port: u16,
}

/// Text that is no address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not an address: write HOST:PORT, such as localhost:8002 or [::1]:8002")]
pub struct AddressError(String);

/// Where a validator is found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PeerAddress {
    pub node_id: NodeId,
    pub address: Address,
}

impl Address {
    /// The longest name that the domain name system has.
    const HOST_LENGTH_MAX: usize = 253;

    pub fn new(host: impl Into<String>, port: u16) -> Address {
        Address { host: host.into(), port }
    }

    /// Without brackets, as the resolver takes it.
    pub fn host(&self) -> &str {
        &self.host
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// Whether it is surely on this machine, by its text alone.
    pub fn is_loopback(&self) -> bool {
        self.host.eq_ignore_ascii_case("localhost") || self.host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Address, AddressError> {
        let error = || AddressError(text.chars().take(80).collect());
        let (host, port) = text.rsplit_once(':').ok_or_else(error)?;
        let port = port.parse().ok().filter(|&port| port > 0).ok_or_else(error)?;
        let host = match host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            Some(number) => number.parse::<std::net::Ipv6Addr>().map_err(|_| error())?.to_string(),
            None => {
                let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
                let plausible = (1..=Self::HOST_LENGTH_MAX).contains(&host.len()) && host.chars().all(allowed);
                plausible.then(|| host.to_owned()).ok_or_else(error)?
            }
        };
        Ok(Address { host, port })
    }
}

impl Serialize for Address {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Address {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_reads_back_as_it_is_written() {
        for text in ["localhost:8001", "10.0.0.7:1", "[::1]:65535", "a-b_c.example:80"] {
            assert_eq!(text.parse::<Address>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for text in
            ["", "localhost", ":8001", "localhost:", "localhost:0", "a:65536", "::1:80", "[::1]", "a b:1", "[x]:1"]
        {
            assert!(text.parse::<Address>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn loopback_is_told_by_the_text() {
        let is = |text: &str| text.parse::<Address>().unwrap().is_loopback();
        assert!(is("localhost:1") && is("127.3.0.1:1") && is("[::1]:1"));
        assert!(!is("10.0.0.1:1") && !is("localhost.example:1"));
    }
}
