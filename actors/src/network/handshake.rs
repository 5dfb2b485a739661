//! The first frames of a connection: both sides say who they are, and the connection becomes the session of the pair or is
//! refused by name, on both sides.
//!
//! After TLS each side sends Hello at once. Whoever gets a Hello that it agrees with answers: the side that chooses for the
//! pair with Open, once it has made this connection the session; the other with Ready. A side that disagrees answers with
//! Goodbye and its reason. The round trip is measured from one's own Hello to the answer.

use super::frames::{
    BODY_BYTES_MAX, Control, FrameError, HEADER_BYTES, Header, WIRE_VERSION, decode_body, write_frame,
};
use super::tls::TlsError;
use protocol::types::Hash;
use protocol::verdict::SolverPin;
use serde::{Deserialize, Serialize};
use std::io;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// From the connection's start to the open session.
pub const HANDSHAKE_DEADLINE: Duration = Duration::from_secs(5);
/// How long a refused peer may take to read why.
const GOODBYE_DEADLINE: Duration = Duration::from_secs(1);
const HELLO_BYTES_MAX: usize = 512;

/// What a node is in its network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Role {
    Validator,
    Observer,
}

/// What must be equal on both sides, and which run of the node this is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    pub chain: Hash,
    pub pin: SolverPin,
    pub role: Role,
    /// Differs for every start of a node: a peer that started anew has lost its old session.
    pub boot: u64,
}

/// Why one side refuses the other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum Refusal {
    #[error("another wire version: {theirs} there, {mine} here")]
    OtherVersion { mine: u8, theirs: u8 },
    #[error("a foreign genesis: chain id {theirs} there, {mine} here; both need one and the same genesis file")]
    ForeignGenesis { mine: Hash, theirs: Hash },
    #[error("another solver: {theirs} there, {mine} here")]
    OtherSolver { mine: SolverPin, theirs: SolverPin },
    #[error("a validator's key in the role of {0:?}")]
    OtherRole(Role),
    #[error("banned for another {left_ms} ms after repeated misbehaviour")]
    Banned { left_ms: u64 },
    #[error("there is a session already")]
    Duplicate,
    #[error("a frame that breaks the rules: {0}")]
    BadFrame(String),
    #[error("shutting down")]
    Stopping,
    #[error("too many connections, one after the other")]
    TooOften,
    #[error("key in use: another process with this validator's key has a session and answers; stop one of the two")]
    KeyInUse,
}

impl Refusal {
    /// Names the refusal in metrics.
    pub fn label(&self) -> &'static str {
        match self {
            Refusal::OtherVersion { .. } => "other_version",
            Refusal::ForeignGenesis { .. } => "foreign_genesis",
            Refusal::OtherSolver { .. } => "other_solver",
            Refusal::OtherRole(_) => "other_role",
            Refusal::Banned { .. } => "banned",
            Refusal::Duplicate => "duplicate",
            Refusal::BadFrame(_) => "bad_frame",
            Refusal::Stopping => "stopping",
            Refusal::TooOften => "too_often",
            Refusal::KeyInUse => "key_in_use",
        }
    }
}

/// Why a connection did not become a session, or a session ended.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    #[error("{address} cannot be reached: {reason}")]
    Unreachable { address: String, reason: String },
    #[error(transparent)]
    Tls(#[from] TlsError),
    #[error("{}", refused_here(.0))]
    Refused(Refusal),
    #[error("{}", refused_by_peer(.0))]
    RefusedByPeer(Refusal),
    #[error("the peer sent {0}")]
    Frame(#[from] FrameError),
    #[error("no agreement within {HANDSHAKE_DEADLINE:?}")]
    HandshakeDeadline,
    #[error("the peer closed the connection")]
    Closed,
    #[error("the connection broke: {0}")]
    Broken(String),
    #[error("nothing was heard of the peer for {0:?}")]
    Silent(Duration),
    #[error("the peer took nothing for {0:?}")]
    Stalled(Duration),
    #[error("a newer connection of the same peer took its place")]
    Replaced,
    #[error("too many connections are being opened")]
    TooManyConnections,
    #[error("its handler panicked")]
    Panicked,
}

/// A node that stops refuses nobody: it ends its sessions.
fn refused_here(refusal: &Refusal) -> String {
    let verb = if *refusal == Refusal::Stopping { "" } else { "refused the peer: " };
    format!("{verb}{refusal}")
}

fn refused_by_peer(refusal: &Refusal) -> String {
    let verb = if *refusal == Refusal::Stopping { "is" } else { "refused:" };
    format!("the peer {verb} {refusal}")
}

impl LinkError {
    pub(super) fn banned(left: Duration) -> LinkError {
        let left_ms = u64::try_from(left.as_millis()).unwrap_or(u64::MAX);
        LinkError::Refused(Refusal::Banned { left_ms })
    }

    /// Names the reason in metrics.
    pub fn label(&self) -> &'static str {
        match self {
            LinkError::Unreachable { .. } => "unreachable",
            LinkError::Tls(TlsError::Key(_)) => "unknown_key",
            LinkError::Tls(TlsError::KeyRefused) => "key_refused",
            LinkError::Tls(TlsError::Other(_)) => "tls",
            // A peer's word, and of this validator's own key: not what this side saw of the peer's.
            LinkError::RefusedByPeer(Refusal::KeyInUse) => "own_key_in_use",
            LinkError::Refused(refusal) | LinkError::RefusedByPeer(refusal) => refusal.label(),
            LinkError::Frame(error) => error.label(),
            LinkError::HandshakeDeadline => "handshake_deadline",
            LinkError::Closed => "closed",
            LinkError::Broken(_) => "broken",
            LinkError::Silent(_) => "silent",
            LinkError::Stalled(_) => "stalled",
            LinkError::Replaced => "replaced",
            LinkError::TooManyConnections => "too_many_connections",
            LinkError::Panicked => "panicked",
        }
    }
}

impl From<io::Error> for LinkError {
    fn from(error: io::Error) -> Self {
        match TlsError::of(&error) {
            Some(tls) => LinkError::Tls(tls),
            None if error.kind() == io::ErrorKind::UnexpectedEof => LinkError::Closed,
            None => LinkError::Broken(error.to_string()),
        }
    }
}

/// Whether a Hello agrees with mine.
///
/// # Errors
/// The first difference.
pub fn compare(mine: &Hello, theirs: &Hello) -> Result<(), Refusal> {
    if mine.chain != theirs.chain {
        return Err(Refusal::ForeignGenesis { mine: mine.chain, theirs: theirs.chain });
    }
    if mine.pin != theirs.pin {
        return Err(Refusal::OtherSolver { mine: mine.pin, theirs: theirs.pin });
    }
    // Whoever holds a validator's key is one; observers will have keys and a list of their own.
    match theirs.role {
        Role::Validator => Ok(()),
        Role::Observer => Err(Refusal::OtherRole(theirs.role)),
    }
}

/// Reads one frame into `body` and gives its kind.
///
/// # Errors
/// What the header says, or the connection.
pub async fn read_frame(stream: &mut (impl AsyncRead + Unpin), body: &mut Vec<u8>) -> Result<u8, LinkError> {
    let mut head = [0; HEADER_BYTES];
    stream.read_exact(&mut head).await?;
    let header = Header::parse(head)?;
    body.clear();
    // At most BODY_BYTES_MAX, which one session may claim.
    body.resize(header.body_bytes, 0);
    stream.read_exact(body).await?;
    Ok(header.kind)
}

pub async fn send(
    stream: &mut (impl AsyncWrite + Unpin),
    control: Control,
    body: &impl Serialize,
) -> Result<(), LinkError> {
    let body = rmp_serde::to_vec(body).map_err(|error| LinkError::Broken(error.to_string()))?;
    let mut buffer = Vec::with_capacity(HEADER_BYTES + body.len());
    write_frame(&mut buffer, control as u8, &[&body]);
    stream.write_all(&buffer).await?;
    stream.flush().await?;
    Ok(())
}

/// Waits for the frame of that kind and decodes it. A Goodbye instead becomes its reason.
///
/// # Errors
/// Another frame, or the connection.
pub async fn expect<T: serde::de::DeserializeOwned>(
    stream: &mut (impl AsyncRead + Unpin),
    control: Control,
    name: &'static str,
) -> Result<T, LinkError> {
    let mut body = Vec::new();
    let kind = read_frame(stream, &mut body).await?;
    if body.len() > HELLO_BYTES_MAX {
        return Err(FrameError::MessageTooLarge { name, max: HELLO_BYTES_MAX, got: body.len() }.into());
    }
    match Control::of(kind) {
        Some(found) if found == control => Ok(decode_body(name, &body)?),
        Some(Control::Goodbye) => Err(LinkError::RefusedByPeer(goodbye(&body)?)),
        Some(_) | None => Err(FrameError::OutOfPlace(kind).into()),
    }
}

/// The reason in a Goodbye. It was written from the other side: what is mine here is theirs there.
///
/// # Errors
/// If it is none.
pub fn goodbye(body: &[u8]) -> Result<Refusal, FrameError> {
    if body.len() > HELLO_BYTES_MAX {
        return Err(FrameError::MessageTooLarge { name: "goodbye", max: HELLO_BYTES_MAX, got: body.len() });
    }
    Ok(match decode_body("goodbye", body)? {
        Refusal::OtherVersion { mine, theirs } => Refusal::OtherVersion { mine: theirs, theirs: mine },
        Refusal::ForeignGenesis { mine, theirs } => Refusal::ForeignGenesis { mine: theirs, theirs: mine },
        Refusal::OtherSolver { mine, theirs } => Refusal::OtherSolver { mine: theirs, theirs: mine },
        other @ (Refusal::OtherRole(_)
        | Refusal::Banned { .. }
        | Refusal::Duplicate
        | Refusal::BadFrame(_)
        | Refusal::Stopping
        | Refusal::TooOften
        | Refusal::KeyInUse) => other,
    })
}

/// What the peer is told when this side gives up, if anything.
pub fn parting_word(error: &LinkError) -> Option<Refusal> {
    match error {
        LinkError::Refused(refusal) => Some(refusal.clone()),
        LinkError::Frame(FrameError::OtherVersion { got, .. }) => {
            Some(Refusal::OtherVersion { mine: WIRE_VERSION, theirs: *got })
        }
        LinkError::Frame(error) => Some(Refusal::BadFrame(error.label().into())),
        _ => None,
    }
}

/// Says why and closes. The peer's unread bytes are read away first, or the system would reset the connection and the
/// reason with it.
pub async fn part(stream: &mut (impl AsyncRead + AsyncWrite + Unpin), reason: &Refusal) {
    let farewell = async {
        send(stream, Control::Goodbye, reason).await?;
        stream.shutdown().await?;
        let mut sink = [0; 4096];
        let mut left = BODY_BYTES_MAX;
        while left > 0 {
            match stream.read(&mut sink).await? {
                0 => break,
                read => left = left.saturating_sub(read),
            }
        }
        Ok::<(), LinkError>(())
    };
    // The connection is closed in any case.
    let _ = tokio::time::timeout(GOODBYE_DEADLINE, farewell).await;
}
