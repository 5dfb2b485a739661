//! From a connection to a session: TLS, then the handshake, on the accepting and on the dialling side.
//!
//! It decides who the peer is and tells it why, if it is refused. It must never keep a connection whose peer did not prove
//! a key of the validator set.

use super::faults::Fault;
use super::frames::{Control, PeerMessage};
use super::handshake::{HANDSHAKE_DEADLINE, Hello, LinkError, Refusal, compare, expect, part, parting_word, send};
use super::session::{Agreed, Session};
use super::socket;
use super::table::Network;
use super::tls::{KeyError, TlsError, peer_key, server_name};
use crate::tap;
use crate::tap::network::SessionStep;
use protocol::types::ValidatorIndex;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsStream;

/// For the TCP connection alone. Short, because the system itself repeats its first packet ever more seldom, and a peer
/// that returns after a partition should be found soon.
const CONNECT_DEADLINE: Duration = Duration::from_secs(1);
/// A connection that came to nothing keeps its place for so long: a handshake costs its signature, and whoever only makes
/// us sign makes us sign a few times a second.
const FAILURE_PAUSE: Duration = Duration::from_millis(250);

/// Takes a connection that a peer made, to its end.
pub async fn accept<M: PeerMessage>(network: Arc<Network<M>>, stream: TcpStream, from: IpAddr) {
    let Some(place) = network.handshakes.take(from) else {
        tap::network::refused(LinkError::TooManyConnections.label(), Side::Accepted.label());
        return;
    };
    let agreed = timed(async {
        socket::tune(&stream)?;
        let stream = network.aside.run(network.tls.acceptor().accept(stream)).await?;
        greet(&network, TlsStream::Server(stream), Side::Accepted).await
    });
    match network.measured(SessionStep::Accept, agreed).await {
        Ok(session) => {
            drop(place);
            network.measured_at_first(SessionStep::Open, session.run()).await;
        }
        Err(failure) => {
            report(&network, failure, Side::Accepted);
            tokio::time::sleep(FAILURE_PAUSE).await;
            drop(place);
        }
    }
}

/// Dials a peer, when fewer than [`DIALS_AT_ONCE`] others are being dialled, and keeps the session to its end.
///
/// # Errors
/// Why there was no session.
pub async fn dial<M: PeerMessage>(
    network: &Arc<Network<M>>,
    peer: ValidatorIndex,
    address: &str,
) -> Result<Session<M>, LinkError> {
    let _turn = network.dials.acquire().await;
    // The peer may have dialled meanwhile: a second session, so much later, would replace a good one.
    if network.is_taken(peer) {
        return Err(LinkError::Refused(Refusal::Duplicate));
    }
    let unreachable = |reason: String| LinkError::Unreachable { address: address.to_owned(), reason };
    let agreed = timed(async {
        let key = network.roster.get(peer).ok_or_else(|| unreachable("no such validator".into()))?.key;
        let connected = tokio::time::timeout(CONNECT_DEADLINE, TcpStream::connect(address)).await;
        let stream = connected
            .map_err(|_| unreachable(format!("no answer within {CONNECT_DEADLINE:?}")))?
            .map_err(|error| unreachable(error.to_string()))?;
        socket::tune(&stream)?;
        let stream = network.aside.run(network.tls.connector(key)?.connect(server_name(), stream)).await?;
        greet(network, TlsStream::Client(stream), Side::Dialled).await
    });
    network.measured(SessionStep::Dial, agreed).await.map_err(|failure| {
        let error = failure.error.clone();
        report(network, Failure { peer: Some(peer), ..failure }, Side::Dialled);
        error
    })
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Accepted,
    Dialled,
}

impl Side {
    fn label(self) -> &'static str {
        match self {
            Side::Accepted => "accepted",
            Side::Dialled => "dialled",
        }
    }
}

/// A handshake that failed, with the peer if its key was proven.
struct Failure {
    peer: Option<ValidatorIndex>,
    error: LinkError,
}

impl<E: Into<LinkError>> From<E> for Failure {
    fn from(error: E) -> Self {
        Failure { peer: None, error: error.into() }
    }
}

/// Peers that are dialled at a time, so that at a start with many of them each handshake ends in its time.
pub const DIALS_AT_ONCE: usize = 16;

async fn timed<T>(handshake: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let late = Failure { peer: None, error: LinkError::HandshakeDeadline };
    tokio::time::timeout(HANDSHAKE_DEADLINE, handshake).await.unwrap_or(Err(late))
}

fn report<M: PeerMessage>(network: &Network<M>, failure: Failure, side: Side) {
    tap::network::refused(failure.error.label(), side.label());
    let Some(peer) = failure.peer else {
        if network.logs_stranger() {
            tracing::info!(error = %failure.error, side = side.label(), "a connection was refused");
        }
        return;
    };
    // The same reason again, once a second, is worth no line.
    if !network.note(peer, &failure.error) {
        return;
    }
    match &failure.error {
        // A peer may be away, or dial at the same time: neither is worth a line each time.
        LinkError::Unreachable { .. }
        | LinkError::Closed
        | LinkError::Refused(Refusal::Duplicate)
        | LinkError::RefusedByPeer(Refusal::Duplicate | Refusal::Stopping) => {
            tracing::debug!(peer = network.roster.name(peer), error = %failure.error, side = side.label(), "no session");
        }
        error => tracing::warn!(peer = network.roster.name(peer), %error, side = side.label(), "no session"),
    }
}

/// Finds out who the peer is and agrees with it on this connection.
async fn greet<M: PeerMessage>(
    network: &Arc<Network<M>>,
    mut stream: TlsStream<TcpStream>,
    side: Side,
) -> Result<Session<M>, Failure> {
    let key = peer_key(stream.get_ref().1).map_err(TlsError::from)?;
    let peer = network.roster.index_of(&key).ok_or(TlsError::Key(KeyError::Unknown(key)))?;
    let agreed = match admit(network, peer, side) {
        Ok(()) => agree(network, &mut stream, peer).await,
        Err(error) => Err(error),
    };
    match agreed {
        Ok(agreed) => Ok(Session::new(stream, agreed)),
        Err(error) => {
            if let LinkError::Frame(fault) = &error {
                network.fault(peer, &fault.clone().into());
            }
            if let Some(reason) = parting_word(&error) {
                part(&mut stream, &reason).await;
            }
            Err(Failure { peer: Some(peer), error })
        }
    }
}

/// Whether a peer whose key is proven may be greeted at all.
fn admit<M: PeerMessage>(network: &Network<M>, peer: ValidatorIndex, side: Side) -> Result<(), LinkError> {
    if let Some(left) = network.banned_for(peer) {
        return Err(LinkError::banned(left));
    }
    if side == Side::Accepted && !network.may_connect(peer) {
        let ban = network.fault(peer, &Fault::ConnectsTooOften);
        return Err(ban.map_or(LinkError::Refused(Refusal::TooOften), LinkError::banned));
    }
    Ok(())
}

async fn agree<M: PeerMessage>(
    network: &Arc<Network<M>>,
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    peer: ValidatorIndex,
) -> Result<Agreed<M>, LinkError> {
    let start = Instant::now();
    send(stream, Control::Hello, &network.hello).await?;
    let theirs: Hello = expect(stream, Control::Hello, "hello").await?;
    compare(&network.hello, &theirs).map_err(LinkError::Refused)?;
    let (admitted, round_trip) = if network.roster.i_choose(peer) {
        let admitted = Agreed::new(network, network.choose(peer, theirs.boot).map_err(LinkError::Refused)?);
        send(stream, Control::Open, &()).await?;
        expect::<()>(stream, Control::Ready, "ready").await?;
        (admitted, start.elapsed())
    } else {
        send(stream, Control::Ready, &()).await?;
        expect::<()>(stream, Control::Open, "open").await?;
        let round_trip = start.elapsed();
        let admitted = network.accept_choice(peer, theirs.boot).map_err(LinkError::Refused)?;
        (Agreed::new(network, admitted), round_trip)
    };
    Ok(admitted.measured(round_trip))
}
