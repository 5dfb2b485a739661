//! The API's connections: how many may be open, and how long one may take for nothing.
//!
//! A connection costs a descriptor, and the vote log and the peers need theirs. So there is a maximum; beyond it a new
//! connection takes the permit of one that waits for its client ([`super::limiter`]), and so is answered however many others
//! say nothing, say it slowly, or do not read.

use super::limiter::{Limiter, Permit};
use axum::Router;
use axum::body::Body;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;

/// Connections that may be open. More than requests that may be under way, since some are between two requests.
pub const CONNECTIONS_MAX: usize = 512;
/// From the connection, or from the last answer, until a request's head is whole.
pub const HEAD_DEADLINE: Duration = Duration::from_secs(10);
/// However busy, a connection ends after this: whoever does not read its answer would otherwise keep it for ever.
const LIFETIME_MAX: Duration = Duration::from_secs(600);
/// After that, for the request under way; longer than the longest.
const FAREWELL_MAX: Duration = Duration::from_secs(110);
/// After a failed accept (no descriptors left), before the next.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Connections that wait in the system's queue until they are accepted. One that meets a full queue tries again after a
/// second; the usual 128 are full in a moment when many come at once.
const QUEUE_MAX: u32 = 4_096;

/// Listens for HTTP. Must run in a runtime.
///
/// # Errors
/// If the address cannot be taken.
pub fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    // The port of a process that has just ended is free.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(QUEUE_MAX)
}

/// How connections are bounded; tests take less.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    pub connections_max: usize,
    pub head_deadline: Duration,
}

impl Default for Bounds {
    fn default() -> Bounds {
        Bounds { connections_max: CONNECTIONS_MAX, head_deadline: HEAD_DEADLINE }
    }
}

/// The connection that a request came over; every request has it among its extensions.
#[derive(Debug, Clone)]
pub struct Connection {
    pub from: IpAddr,
    /// Its holder works while a request is being answered.
    pub permit: Arc<Permit>,
}

/// Serves until `stop` is done, and then lets the requests under way end.
pub async fn serve(router: Router, listener: TcpListener, bounds: Bounds, stop: impl Future<Output = ()>) {
    let limiter = Limiter::new(bounds.connections_max);
    let (closing, closed) = watch::channel(false);
    let mut stop = pin!(stop);
    loop {
        let accepted = tokio::select! {
            () = &mut stop => break,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            // Without a permit it is closed: every connection has a request under way, which ends by itself.
            Ok((stream, from)) => {
                let Some(permit) = limiter.take(from.ip()) else { continue };
                // The end of a long answer would wait for the client's acknowledgement of its beginning. Refused, it is only slower.
                _ = stream.set_nodelay(true);
                let connection = Connection { from: from.ip(), permit: Arc::new(permit) };
                tokio::spawn(serve_one(router.clone(), stream, connection, bounds, closed.clone()));
            }
            // One that the client gave up already, or no descriptors left.
            Err(error) => {
                tracing::debug!(%error, "cannot accept an HTTP connection");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    closing.send_replace(true);
    // Every connection has one.
    drop(closed);
    closing.closed().await;
}

async fn serve_one(
    router: Router,
    stream: TcpStream,
    connection: Connection,
    bounds: Bounds,
    mut closed: watch::Receiver<bool>,
) {
    let permit = Arc::clone(&connection.permit);
    let router = TowerToHyperService::new(router);
    let service = service_fn(move |mut request: hyper::Request<Incoming>| {
        request.extensions_mut().insert(connection.clone());
        router.call(request.map(Body::new))
    });
    let mut serving = pin!(
        http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(bounds.head_deadline)
            .serve_connection(TokioIo::new(stream), service)
    );
    tokio::select! {
        // How a connection ends is its client's affair.
        _ = serving.as_mut() => return,
        () = permit.lost() => return,
        _ = closed.wait_for(|closed| *closed) => {}
        () = tokio::time::sleep(LIFETIME_MAX) => {}
    }
    serving.as_mut().graceful_shutdown();
    tokio::select! {
        _ = serving => {}
        () = permit.lost() => {}
        () = tokio::time::sleep(FAREWELL_MAX) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::routing::get;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::sync::oneshot;
    use tokio::task::JoinHandle;

    /// Wide: a loaded machine must not fail a test.
    const LONG: Duration = Duration::from_secs(60);
    const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";

    struct Server {
        address: SocketAddr,
        stop: oneshot::Sender<()>,
        serving: JoinHandle<()>,
    }

    async fn server(connections_max: usize, head_deadline: Duration) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let router = Router::new().route("/", get(|| async { "well" }));
        let bounds = Bounds { connections_max, head_deadline };
        let serving = tokio::spawn(serve(router, listener, bounds, async move { _ = stopped.await }));
        Server { address, stop, serving }
    }

    async fn answer(stream: &mut TcpStream) -> String {
        stream.write_all(REQUEST).await.unwrap();
        let mut text = Vec::new();
        let read = async {
            while !text.ends_with(b"well") {
                let mut byte = [0];
                stream.read_exact(&mut byte).await.unwrap();
                text.push(byte[0]);
            }
        };
        tokio::time::timeout(LONG, read).await.expect("an answer");
        String::from_utf8(text).unwrap()
    }

    #[actix::test]
    async fn silent_and_slow_connections_lose_their_places_and_others_are_answered() {
        let server = server(4, Duration::from_millis(300)).await;
        let mut held = Vec::new();
        for number in 0..4 {
            let mut stream = TcpStream::connect(server.address).await.unwrap();
            // Some say nothing, some begin a head and never end it, one was answered and is idle.
            match number {
                0 | 1 => {}
                2 => stream.write_all(b"GET / HTTP/1.1\r\nHost: loc").await.unwrap(),
                _ => _ = answer(&mut stream).await,
            }
            held.push(stream);
        }
        let mut fifth = TcpStream::connect(server.address).await.unwrap();
        assert!(answer(&mut fifth).await.starts_with("HTTP/1.1 200"));
        for stream in &mut held {
            let mut rest = Vec::new();
            // Closed with or without a word; what counts is that it ends.
            let _ = tokio::time::timeout(LONG, stream.read_to_end(&mut rest)).await.expect("it is closed");
        }
    }

    #[actix::test]
    async fn beyond_the_maximum_the_connection_that_waited_longest_gives_way() {
        let server = server(2, LONG).await;
        let mut idle = TcpStream::connect(server.address).await.unwrap();
        answer(&mut idle).await;
        let mut busy = TcpStream::connect(server.address).await.unwrap();
        answer(&mut busy).await;
        for _ in 0..10 {
            let mut another = TcpStream::connect(server.address).await.unwrap();
            answer(&mut another).await;
        }
        let ended = tokio::time::timeout(LONG, idle.read(&mut [0; 8])).await.expect("it is closed");
        assert!(matches!(ended, Ok(0) | Err(_)));
    }

    #[actix::test]
    async fn a_head_that_never_ends_is_not_waited_for() {
        let server = server(4, Duration::from_millis(300)).await;
        let mut slow = TcpStream::connect(server.address).await.unwrap();
        let begun = tokio::time::Instant::now();
        while slow.write_all(b"X-Slow: 1\r\n").await.is_ok() {
            assert!(begun.elapsed() < LONG, "a byte now and then does not keep it");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    #[actix::test]
    async fn a_connection_that_is_cut_off_ends_while_the_node_stops_too() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
        let never = move |request: axum::extract::Request| {
            tell.send(request.extensions().get::<Connection>().unwrap().permit.clone()).unwrap();
            std::future::pending::<&'static str>()
        };
        let router = Router::new().route("/", get(never));
        let serving = serve(router, listener, Bounds::default(), async move { _ = stopped.await });
        let serving = tokio::spawn(serving);
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(REQUEST).await.unwrap();
        let permit = told.recv().await.unwrap();
        stop.send(()).unwrap();
        // On this one thread the server and the connection have their turns: it says farewell.
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        assert!(!serving.is_finished(), "an answer under way is waited for");
        permit.cut();
        tokio::time::timeout(LONG, serving).await.expect("it ends").unwrap();
    }

    #[actix::test]
    async fn stopping_ends_idle_connections_at_once() {
        let server = server(4, LONG).await;
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        answer(&mut stream).await;
        server.stop.send(()).unwrap();
        tokio::time::timeout(LONG, server.serving).await.expect("it ends").unwrap();
        assert_eq!(stream.read(&mut [0; 8]).await.unwrap(), 0);
    }
}
