//! How a message lies on the wire, and every way in which bytes can fail to be one.
//!
//! A frame is its length as a big-endian `u32` (of all that follows), the wire version, its kind, then the body. The body
//! of a message is MessagePack and nothing after it. A message above [`PART_BYTES_MAX`] crosses as several part frames,
//! so that a vote never waits behind a whole script; a part's body is the message's kind, its total length as a
//! big-endian `u32`, and the next bytes.
//!
//! Pure: nothing here reads a socket or a clock. Memory grows with the bytes that arrived, never with a length that was
//! merely claimed.

use serde::Serialize;
use serde::de::DeserializeOwned;
use std::sync::Arc;

/// Version of the frames and of what is in them; peers with another one are refused.
pub const WIRE_VERSION: u8 = 2;
/// Length, version, kind.
pub const HEADER_BYTES: usize = 6;
/// Bytes of a message in one frame; a longer message is sent in parts.
pub const PART_BYTES_MAX: usize = 32 * 1024;
/// Kind and total length before a part's bytes.
const PART_HEAD_BYTES: usize = 5;
/// The longest body of any frame.
pub const BODY_BYTES_MAX: usize = PART_BYTES_MAX + PART_HEAD_BYTES;
/// Nesting of MessagePack values: a deeper body is refused before it can exhaust the stack.
const DEPTH_MAX: usize = 32;
/// Characters of a reason: it may repeat what the peer sent, and it is logged.
const REASON_CHARS_MAX: usize = 200;

/// Kinds below this one belong to the session itself.
pub const MESSAGE_KIND_MIN: u8 = 16;

/// Frames of the session itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Control {
    /// Who I am: the first frame in both directions.
    Hello = 1,
    /// I have your Hello and agree with it.
    Ready = 2,
    /// This connection is our session.
    Open = 3,
    /// Why I close the connection.
    Goodbye = 4,
    /// Eight bytes to be sent back.
    Ping = 5,
    /// The ping's bytes, then the sender's wall clock in milliseconds as a big-endian `u64`.
    Pong = 6,
    /// The next bytes of a long message.
    Part = 7,
}

impl Control {
    pub fn of(kind: u8) -> Option<Control> {
        use Control::{Goodbye, Hello, Open, Part, Ping, Pong, Ready};
        [Hello, Ready, Open, Goodbye, Ping, Pong, Part].into_iter().find(|control| *control as u8 == kind)
    }
}

/// Which of the two queues to a peer a kind goes through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lane {
    /// Sent first. When full, the oldest is dropped: what is newer replaces it.
    Urgent,
    /// Sent when nothing urgent waits. When full, the new one is dropped: who asked for it asks again.
    Bulk,
}

impl Lane {
    /// A short fixed label for metrics.
    pub fn label(self) -> &'static str {
        match self {
            Lane::Urgent => "urgent",
            Lane::Bulk => "bulk",
        }
    }
}

/// What a newer message of a kind does to an older one that still waits for the same peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Newer {
    /// It follows: both say something.
    Follows,
    /// It takes its place: it says all that the older one said, or what no longer holds.
    Replaces,
}

/// What holds for one kind of message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KindRule {
    /// Names the kind in metrics and errors.
    pub name: &'static str,
    pub lane: Lane,
    pub newer: Newer,
    pub body_bytes_max: usize,
    /// Messages of this kind that one peer may send for long; more are read later.
    pub per_second: u32,
    /// How many it may send at once.
    pub burst: u32,
}

/// A message that crosses between validators.
pub trait PeerMessage: Serialize + DeserializeOwned + Send + 'static {
    /// What a message is once its signatures were checked.
    type Verified: Send + 'static;
    /// Why the sink does not take one.
    type Fault: std::fmt::Display;

    /// At least [`MESSAGE_KIND_MIN`].
    fn kind(&self) -> u8;

    /// `None` for a kind that this version does not know. Limits may depend on how many validators there are.
    fn rule(kind: u8, validators: usize) -> Option<KindRule>;
}

/// Bytes that are no frame, or no message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    #[error("a frame of wire version {got}, mine is {expected}")]
    OtherVersion { expected: u8, got: u8 },
    #[error("a frame of {got} bytes, at most {max} are allowed")]
    FrameTooLarge { max: usize, got: usize },
    #[error("a frame of {got} bytes, too short for its head")]
    FrameTooShort { got: usize },
    #[error("a message {name} of {got} bytes, at most {max} are allowed")]
    MessageTooLarge { name: &'static str, max: usize, got: usize },
    #[error("an unknown kind of frame, {0}")]
    UnknownKind(u8),
    #[error("a frame of kind {0} where none may be")]
    OutOfPlace(u8),
    #[error("a part that does not continue the message before it")]
    PartOutOfOrder,
    #[error("a message {name} that cannot be decoded: {reason}")]
    Malformed { name: &'static str, reason: String },
    #[error("{bytes} bytes after the end of a message {name}")]
    TrailingBytes { name: &'static str, bytes: usize },
    #[error("a message {name} that is not valid: {reason}")]
    Invalid { name: &'static str, reason: String },
    #[error("a frame of kind {stated} that holds a message of kind {held}")]
    OtherKind { stated: u8, held: u8 },
}

impl FrameError {
    /// Names the fault in metrics.
    pub fn label(&self) -> &'static str {
        match self {
            FrameError::OtherVersion { .. } => "other_version",
            FrameError::FrameTooLarge { .. } => "frame_too_large",
            FrameError::FrameTooShort { .. } => "frame_too_short",
            FrameError::MessageTooLarge { .. } => "message_too_large",
            FrameError::UnknownKind(_) => "unknown_kind",
            FrameError::OutOfPlace(_) => "out_of_place",
            FrameError::PartOutOfOrder => "part_out_of_order",
            FrameError::Malformed { .. } => "malformed",
            FrameError::TrailingBytes { .. } => "trailing_bytes",
            FrameError::OtherKind { .. } => "other_kind",
            FrameError::Invalid { .. } => "invalid",
        }
    }

    /// Whether the connection cannot go on: where the next frame begins is unknown, or would cost too much to find.
    pub fn ends_session(&self) -> bool {
        match self {
            FrameError::OtherVersion { .. }
            | FrameError::FrameTooLarge { .. }
            | FrameError::FrameTooShort { .. }
            | FrameError::MessageTooLarge { .. }
            | FrameError::OutOfPlace(_)
            | FrameError::PartOutOfOrder => true,
            FrameError::UnknownKind(_)
            | FrameError::Malformed { .. }
            | FrameError::TrailingBytes { .. }
            | FrameError::OtherKind { .. }
            | FrameError::Invalid { .. } => false,
        }
    }
}

/// The head of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    pub kind: u8,
    pub body_bytes: usize,
}

impl Header {
    /// # Errors
    /// A length out of bounds, or another version.
    pub fn parse(bytes: [u8; HEADER_BYTES]) -> Result<Header, FrameError> {
        let [a, b, c, d, version, kind] = bytes;
        let length = u32::from_be_bytes([a, b, c, d]) as usize;
        let Some(body_bytes) = length.checked_sub(2) else { return Err(FrameError::FrameTooShort { got: length }) };
        // Before the limits, which may be others there: every version begins a frame with its length and itself.
        if version != WIRE_VERSION {
            return Err(FrameError::OtherVersion { expected: WIRE_VERSION, got: version });
        }
        if body_bytes > BODY_BYTES_MAX {
            return Err(FrameError::FrameTooLarge { max: BODY_BYTES_MAX, got: body_bytes });
        }
        Ok(Header { kind, body_bytes })
    }
}

/// Appends a frame. The body is at most [`BODY_BYTES_MAX`] long: our own code sees to that.
pub fn write_frame(buffer: &mut Vec<u8>, kind: u8, body: &[&[u8]]) {
    let body_bytes: usize = body.iter().map(|part| part.len()).sum();
    assert!(body_bytes <= BODY_BYTES_MAX, "our own frame of {body_bytes} bytes is too long");
    let length = u32::try_from(body_bytes + 2).expect("bounded by BODY_BYTES_MAX");
    buffer.extend_from_slice(&length.to_be_bytes());
    buffer.extend_from_slice(&[WIRE_VERSION, kind]);
    body.iter().for_each(|part| buffer.extend_from_slice(part));
}

/// A message as it will be sent, encoded once for all peers.
#[derive(Debug, Clone)]
pub struct Encoded {
    pub kind: u8,
    pub rule: KindRule,
    pub body: Arc<[u8]>,
}

/// Our own message that cannot be sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EncodeError {
    #[error("our own message of kind {0} has no rule")]
    NoRule(u8),
    #[error("our own message {name} has {got} bytes, at most {max} are allowed")]
    TooLarge { name: &'static str, max: usize, got: usize },
    #[error("our own message {name} cannot be encoded: {reason}")]
    Encoding { name: &'static str, reason: String },
}

/// # Errors
/// If the message has no rule, or is longer than its rule allows.
pub fn encode<M: PeerMessage>(message: &M, validators: usize) -> Result<Encoded, EncodeError> {
    let kind = message.kind();
    let rule = M::rule(kind, validators).ok_or(EncodeError::NoRule(kind))?;
    let body = rmp_serde::to_vec(message)
        .map_err(|error| EncodeError::Encoding { name: rule.name, reason: error.to_string() })?;
    if body.len() > rule.body_bytes_max {
        return Err(EncodeError::TooLarge { name: rule.name, max: rule.body_bytes_max, got: body.len() });
    }
    Ok(Encoded { kind, rule, body: body.into() })
}

/// # Errors
/// If the body is no MessagePack of that type, if something follows it, or if it is of another kind.
pub fn decode<M: PeerMessage>(kind: u8, rule: &KindRule, body: &[u8]) -> Result<M, FrameError> {
    let message: M = decode_body(rule.name, body)?;
    if message.kind() != kind {
        return Err(FrameError::OtherKind { stated: kind, held: message.kind() });
    }
    Ok(message)
}

/// # Errors
/// [`FrameError::Malformed`] or [`FrameError::TrailingBytes`].
pub fn decode_body<T: DeserializeOwned>(name: &'static str, body: &[u8]) -> Result<T, FrameError> {
    let mut rest = std::io::Cursor::new(body);
    let mut deserializer = rmp_serde::Deserializer::new(&mut rest);
    deserializer.set_max_depth(DEPTH_MAX);
    let value =
        T::deserialize(&mut deserializer).map_err(|error| FrameError::Malformed { name, reason: reason_of(&error) })?;
    match body.len() - rest.position() as usize {
        0 => Ok(value),
        bytes => Err(FrameError::TrailingBytes { name, bytes }),
    }
}

/// What a decoder says, without control characters, and no longer than a line.
fn reason_of(error: &impl std::fmt::Display) -> String {
    // A decoder may repeat a name as long as the body: at most BODY bytes of its kind, once.
    let whole = error.to_string();
    let mut reason: String = whole.chars().take(REASON_CHARS_MAX).flat_map(char::escape_debug).collect();
    if whole.chars().nth(REASON_CHARS_MAX).is_some() {
        reason.push('…');
    }
    reason
}

/// The part's head for a message of this kind and length.
pub fn part_head(kind: u8, total: usize) -> [u8; PART_HEAD_BYTES] {
    let [a, b, c, d] = u32::try_from(total).expect("bounded by the kind's rule").to_be_bytes();
    [kind, a, b, c, d]
}

/// Puts long messages together again: at most one for each lane at a time.
#[derive(Debug, Default)]
pub struct Assembler {
    urgent: Option<Assembly>,
    bulk: Option<Assembly>,
}

#[derive(Debug)]
struct Assembly {
    kind: u8,
    total: usize,
    bytes: Vec<u8>,
}

/// A message whose bytes are all there.
#[derive(Debug, PartialEq, Eq)]
pub struct Whole {
    pub kind: u8,
    pub rule: KindRule,
    pub body: Vec<u8>,
}

impl Assembler {
    /// Takes the body of a part frame; gives the message when this was its last part.
    ///
    /// # Errors
    /// A part that is too short, of an unknown kind, too large in total, or does not continue what came before.
    pub fn part<M: PeerMessage>(&mut self, body: &[u8], validators: usize) -> Result<Option<Whole>, FrameError> {
        let Some((&[kind, a, b, c, d], bytes)) = body.split_first_chunk::<PART_HEAD_BYTES>() else {
            return Err(FrameError::FrameTooShort { got: body.len() });
        };
        let total = u32::from_be_bytes([a, b, c, d]) as usize;
        // An unknown kind in parts ends the session: its other parts would be faults, too.
        let rule = M::rule(kind, validators).ok_or(FrameError::OutOfPlace(kind))?;
        if total > rule.body_bytes_max {
            return Err(FrameError::MessageTooLarge { name: rule.name, max: rule.body_bytes_max, got: total });
        }
        let place = match rule.lane {
            Lane::Urgent => &mut self.urgent,
            Lane::Bulk => &mut self.bulk,
        };
        let assembly = place.get_or_insert_with(|| Assembly { kind, total, bytes: Vec::new() });
        let arrived = assembly.bytes.len() + bytes.len();
        if assembly.kind != kind || assembly.total != total || arrived > total || bytes.is_empty() {
            return Err(FrameError::PartOutOfOrder);
        }
        assembly.bytes.extend_from_slice(bytes);
        if arrived < total {
            return Ok(None);
        }
        Ok(place.take().map(|assembly| Whole { kind, rule, body: assembly.bytes }))
    }
}

#[cfg(test)]
mod tests;
