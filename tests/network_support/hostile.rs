//! A validator's key in the hands of a test: it speaks the real TLS, handshake and frames, and then breaks the rules.
//!
//! Its validator is in the genesis and its process does not run; the others are real processes.

use super::{Network, PATIENCE};
use actors::network::frames::{Control, HEADER_BYTES, PART_BYTES_MAX, encode, part_head, write_frame};
use actors::network::handshake::{expect, goodbye, read_frame, send};
use actors::network::tls::{Tls, server_name};
use actors::network::{Hello, LinkError, Member, Refusal, Role, Roster};
use actors::storage::genesis_file;
use ed25519_dalek::SigningKey;
use protocol::genesis::Genesis;
use protocol::message::Message;
use protocol::quorum::ValidatorSet;
use protocol::types::{Hash, ValidatorIndex};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

/// Both directions of a connection.
pub trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

/// Who the test pretends to be, and whom it speaks to.
#[derive(Clone)]
pub struct Identity {
    pub genesis: Arc<Genesis>,
    pub set: Arc<ValidatorSet>,
    pub key: SigningKey,
    pub me: ValidatorIndex,
    peers: Vec<SocketAddr>,
}

/// Before a session that was refused is asked for again.
const AGAIN: Duration = Duration::from_millis(50);

/// Differs for every session: each is of another run of the node, as it seems.
static BOOT: AtomicU64 = AtomicU64::new(1);

impl Identity {
    /// The key of a validator of the network; its process must not run.
    pub fn of(network: &Network, index: usize) -> Identity {
        let genesis = genesis_file::read(&network.path("data/genesis_state.json")).unwrap();
        let node = &genesis.validators()[index].node_id;
        let path = actors::keys::validator_key_path(&network.path("data/keys"), node);
        let key = actors::keys::load(Path::new(&path)).unwrap();
        let peers = network.nodes.iter().map(|node| ([127, 0, 0, 1], node.peer_port).into()).collect();
        let set = Arc::new(genesis.validator_set());
        Identity { set, genesis: Arc::new(genesis), key, me: ValidatorIndex(u16::try_from(index).unwrap()), peers }
    }

    /// The same, with a key that is nobody's.
    pub fn stranger(&self) -> Identity {
        Identity { key: SigningKey::from_bytes(&[99; 32]), ..self.clone() }
    }

    fn roster(&self) -> Roster {
        let member = |(_, validator): (_, &protocol::quorum::Validator)| Member {
            node_id: validator.node_id.clone(),
            key: validator.key,
        };
        Roster::new(self.set.iter().map(member).collect(), self.me).unwrap()
    }

    /// A connection that says nothing, if the node's queue takes it.
    pub async fn dial(&self, to: usize) -> Option<TcpStream> {
        TcpStream::connect(self.peers[to]).await.ok()
    }

    /// TLS alone. Whether the node takes the key shows at the first read.
    ///
    /// # Errors
    /// What the connection says.
    pub async fn connect(&self, to: usize, window: Option<u32>) -> Result<Peer, LinkError> {
        let socket = TcpSocket::new_v4()?;
        if let Some(window) = window {
            socket.set_recv_buffer_size(window)?;
        }
        let stream = socket.connect(self.peers[to]).await?;
        let tls = Tls::new(&self.key, &Arc::new(self.roster()))?;
        let expected = self.set.get(ValidatorIndex(u16::try_from(to).unwrap())).unwrap().key;
        let stream = tls.connector(expected)?.connect(server_name(), stream).await?;
        Ok(Peer { stream: Box::new(stream) })
    }

    /// A session, as an honest validator would open it.
    ///
    /// # Errors
    /// The node's refusal.
    pub async fn session(&self, to: usize) -> Result<Peer, LinkError> {
        self.open(self.connect(to, None).await?, to).await
    }

    /// The same behind another one: while the node still hears what that one had sent, it says *key in use*, and is asked again.
    ///
    /// # Errors
    /// The node's refusal.
    pub async fn next_session(&self, to: usize) -> Result<Peer, LinkError> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match self.session(to).await {
                Err(LinkError::RefusedByPeer(Refusal::KeyInUse)) if Instant::now() < deadline => {
                    tokio::time::sleep(AGAIN).await;
                }
                other => return other,
            }
        }
    }

    /// The same, over a connection that takes few bytes at a time.
    ///
    /// # Errors
    /// The node's refusal.
    pub async fn narrow_session(&self, to: usize) -> Result<Peer, LinkError> {
        self.open(self.connect(to, Some(4_096)).await?, to).await
    }

    async fn open(&self, mut peer: Peer, to: usize) -> Result<Peer, LinkError> {
        peer.hello(self, self.genesis.chain_id()).await?;
        expect::<Hello>(&mut peer.stream, Control::Hello, "hello").await?;
        let choose = self.roster().i_choose(ValidatorIndex(u16::try_from(to).unwrap()));
        let (mine, theirs) = if choose { (Control::Open, Control::Ready) } else { (Control::Ready, Control::Open) };
        send(&mut peer.stream, mine, &()).await?;
        expect::<()>(&mut peer.stream, theirs, "answer").await?;
        Ok(peer)
    }
}

/// One connection of the hostile peer.
pub struct Peer {
    pub stream: Box<dyn Stream>,
}

impl Peer {
    /// # Errors
    /// If the connection is gone.
    pub async fn hello(&mut self, identity: &Identity, chain: Hash) -> Result<(), LinkError> {
        let boot = BOOT.fetch_add(1, Ordering::Relaxed);
        let pin = identity.genesis.parameters().solver_pin;
        send(&mut self.stream, Control::Hello, &Hello { chain, pin, role: Role::Validator, boot }).await
    }

    /// # Errors
    /// If the connection is gone.
    pub async fn bytes(&mut self, bytes: &[u8]) -> Result<(), LinkError> {
        self.stream.write_all(bytes).await?;
        self.stream.flush().await?;
        Ok(())
    }

    /// Reads until the connection ends, and gives the reason that the node stated, if it did.
    pub async fn farewell(&mut self) -> LinkError {
        let mut body = Vec::new();
        let read = async {
            loop {
                match read_frame(&mut self.stream, &mut body).await {
                    Ok(kind) if kind == Control::Goodbye as u8 => {
                        return LinkError::RefusedByPeer(goodbye(&body).unwrap());
                    }
                    Ok(_) => {}
                    Err(error) => return error,
                }
            }
        };
        tokio::time::timeout(PATIENCE, read).await.expect("the node closes the connection")
    }

    /// Waits until the node has read all that was sent: it answers a ping.
    ///
    /// # Errors
    /// Why the session ended instead.
    pub async fn is_heard(&mut self) -> Result<(), LinkError> {
        let mut ping = Vec::new();
        write_frame(&mut ping, Control::Ping as u8, &[b"question"]);
        self.bytes(&ping).await?;
        let mut body = Vec::new();
        loop {
            let kind = tokio::time::timeout(PATIENCE, read_frame(&mut self.stream, &mut body)).await;
            match kind.expect("an answer")? {
                kind if kind == Control::Pong as u8 && body.starts_with(b"question") => return Ok(()),
                kind if kind == Control::Goodbye as u8 => {
                    return Err(LinkError::RefusedByPeer(goodbye(&body).unwrap()));
                }
                _ => {}
            }
        }
    }

    /// Reads whole frames and answers pings, nothing else, until the session ends or the caller drops this. Long messages
    /// are put together and handed over.
    pub async fn listen(&mut self, mut heard: impl FnMut(u8, &[u8])) -> LinkError {
        let (mut body, mut long) = (Vec::new(), Vec::new());
        loop {
            let kind = match read_frame(&mut self.stream, &mut body).await {
                Ok(kind) => kind,
                Err(error) => return error,
            };
            match Control::of(kind) {
                Some(Control::Ping) => {
                    let mut pong = Vec::new();
                    write_frame(&mut pong, Control::Pong as u8, &[&body, &wall_ms().to_be_bytes()]);
                    if let Err(error) = self.bytes(&pong).await {
                        return error;
                    }
                }
                Some(Control::Goodbye) => return LinkError::RefusedByPeer(goodbye(&body).unwrap()),
                Some(Control::Part) => {
                    let total = u32::from_be_bytes(body[1..5].try_into().unwrap()) as usize;
                    long.extend_from_slice(&body[5..]);
                    if long.len() == total {
                        heard(body[0], &std::mem::take(&mut long));
                    }
                }
                Some(Control::Hello | Control::Ready | Control::Open | Control::Pong) => {}
                None => heard(kind, &body),
            }
        }
    }

    /// Throws away what comes and sends these bytes again and again, until the session ends. Returns how often.
    pub async fn pour(self, bytes: &[u8], rounds: &AtomicU64) -> LinkError {
        let (mut read, mut write) = tokio::io::split(self.stream);
        let drain = async {
            let mut sink = vec![0; 1 << 16];
            loop {
                match read.read(&mut sink).await {
                    Ok(0) => return LinkError::Closed,
                    Ok(_) => {}
                    Err(error) => return error.into(),
                }
            }
        };
        let pour = async {
            loop {
                if let Err(error) = write.write_all(bytes).await {
                    return error.into();
                }
                rounds.fetch_add(1, Ordering::Relaxed);
            }
        };
        tokio::select! { error = drain => error, error = pour => error }
    }
}

/// A message as its frames, however long it is.
pub fn frames(message: &Message) -> Vec<u8> {
    let message = encode(message, 4).unwrap();
    let mut bytes = Vec::with_capacity(message.body.len() + HEADER_BYTES);
    if message.body.len() <= PART_BYTES_MAX {
        write_frame(&mut bytes, message.kind, &[&message.body]);
    }
    for part in message.body.chunks(PART_BYTES_MAX).filter(|_| message.body.len() > PART_BYTES_MAX) {
        write_frame(&mut bytes, Control::Part as u8, &[&part_head(message.kind, message.body.len()), part]);
    }
    bytes
}

/// Bytes of memory that a process has in use.
pub fn resident(pid: i32) -> u64 {
    let text = std::fs::read_to_string(format!("/proc/{pid}/statm")).unwrap();
    let pages: u64 = text.split(' ').nth(1).unwrap().parse().unwrap();
    pages * 4_096
}

/// What an honest validator puts behind the bytes of a ping.
fn wall_ms() -> u64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_millis() as u64
}
