//! The types that every layer shares: no bare integer crosses a function boundary if it means something.

use alloc::string::String;
use core::fmt;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Makes a fixed-width byte type: hexadecimal for people (JSON, display), raw bytes on the wire.
macro_rules! byte_array {
    ($(#[$doc:meta])* $name:ident, $width:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub [u8; $width]);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.iter().take(4).try_for_each(|byte| write!(f, "{byte:02x}"))?;
                f.write_str("…")
            }
        }

        impl core::str::FromStr for $name {
            type Err = HexError;

            fn from_str(text: &str) -> Result<Self, HexError> {
                let mut bytes = [0; $width];
                hex::decode_to_slice(text, &mut bytes)
                    .map_err(|_| HexError { expected: $width * 2, got: text.len() })?;
                Ok($name(bytes))
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                if serializer.is_human_readable() {
                    serializer.collect_str(self)
                } else {
                    serializer.serialize_bytes(&self.0)
                }
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Visitor;
                impl de::Visitor<'_> for Visitor {
                    type Value = $name;

                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        write!(f, "{} bytes", $width)
                    }

                    fn visit_str<E: de::Error>(self, text: &str) -> Result<$name, E> {
                        text.parse().map_err(E::custom)
                    }

                    fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<$name, E> {
                        bytes.try_into().map($name).map_err(|_| E::invalid_length(bytes.len(), &self))
                    }
                }
                if deserializer.is_human_readable() {
                    deserializer.deserialize_str(Visitor)
                } else {
                    deserializer.deserialize_bytes(Visitor)
                }
            }
        }
    };
}

/// Text that is not the hexadecimal form of a fixed-width value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected {expected} hexadecimal digits (0-9, a-f), got {got} characters{}", if *got == *expected { ", not all of them digits" } else { "" })]
pub struct HexError {
    pub expected: usize,
    pub got: usize,
}

byte_array!(
    /// A BLAKE3 digest.
    Hash, 32
);
byte_array!(
    /// An Ed25519 public key.
    PublicKey, 32
);
byte_array!(
    /// An Ed25519 signature.
    Signature, 64
);

impl Hash {
    /// Thirty-two zero bytes: the parent of the genesis block and the root of an empty tree.
    pub const ZERO: Hash = Hash([0; 32]);
}

/// Makes an integer type that is not another one.
macro_rules! number {
    ($(#[$doc:meta])* $name:ident, $inner:ty) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub $inner);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

number!(
    /// One leader's turn. View 0 is the genesis; the first view that is voted on is 1.
    View, u64
);
number!(
    /// Position of a block in the chain. The genesis block is sequence 0.
    Sequence, u64
);
number!(
    /// The span in which one validator set holds.
    Epoch, u64
);
number!(
    /// Voting power, in whole tokens.
    Stake, u64
);
number!(
    /// Micro-tokens: 1,000,000 are one token.
    Amount, u128
);
number!(
    /// What Z3 reports for one check; the difficulty of a proof.
    ResourceCount, u64
);
number!(
    /// Position in the epoch's validator set, which is in the genesis' order.
    ValidatorIndex, u16
);
number!(
    /// Milliseconds: a span, a local monotonic instant, or (where it says so) since the Unix epoch.
    Millis, u64
);

impl View {
    /// # Panics
    /// After 2^64 views.
    pub fn next(self) -> View {
        View(self.0.checked_add(1).expect("2^64 views take longer than the universe has"))
    }

    /// The view before, or the genesis for the genesis itself.
    pub fn previous(self) -> View {
        View(self.0.saturating_sub(1))
    }
}

impl Sequence {
    /// # Panics
    /// After 2^64 blocks.
    pub fn next(self) -> Sequence {
        Sequence(self.0.checked_add(1).expect("2^64 blocks take longer than the universe has"))
    }
}

impl Millis {
    pub fn saturating_add(self, span: Millis) -> Millis {
        Millis(self.0.saturating_add(span.0))
    }

    /// The span since `earlier`, or zero if that is later.
    pub fn since(self, earlier: Millis) -> Millis {
        Millis(self.0.saturating_sub(earlier.0))
    }

    pub fn times(self, factor: u64) -> Millis {
        Millis(self.0.saturating_mul(factor))
    }
}

impl Amount {
    pub const MICRO_PER_TOKEN: u128 = 1_000_000;

    /// Whole tokens as micro-tokens.
    pub fn from_tokens(tokens: u64) -> Amount {
        Amount(u128::from(tokens) * Self::MICRO_PER_TOKEN)
    }
}

impl ValidatorIndex {
    pub fn as_usize(self) -> usize {
        usize::from(self.0)
    }
}

/// A validator's name: 1 to 64 characters of `a-z A-Z 0-9 _ -`. It names files, so nothing else is let in.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct NodeId(String);

/// Text that cannot name a validator.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a node id: 1 to 64 letters, digits, `_` or `-`")]
pub struct NodeIdError(pub String);

impl NodeId {
    pub const LENGTH_MAX: usize = 64;

    /// # Errors
    /// If the text is empty, too long, or has another character.
    pub fn new(text: &str) -> Result<NodeId, NodeIdError> {
        let allowed = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        if (1..=Self::LENGTH_MAX).contains(&text.len()) && text.chars().all(allowed) {
            Ok(NodeId(text.into()))
        } else {
            Err(NodeIdError(text.chars().take(80).collect()))
        }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl core::str::FromStr for NodeId {
    type Err = NodeIdError;

    fn from_str(text: &str) -> Result<Self, NodeIdError> {
        NodeId::new(text)
    }
}

impl<'de> Deserialize<'de> for NodeId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        NodeId::new(&text).map_err(de::Error::custom)
    }
}
