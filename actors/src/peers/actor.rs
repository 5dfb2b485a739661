//! The actor that connects: it accepts peers that dial, and dials those that are missing.
//!
//! It holds no state that matters: the table of sessions, the bans and the addresses outlive it, so its factory has
//! nothing to recover but the listening socket, in which connections wait meanwhile.

use super::redial::{Redial, Seen};
use crate::network::establish::{accept, dial};
use crate::network::skew::Watch;
use crate::network::table::random;
use crate::network::{Network, PeerMessage, PeerReport};
use crate::supervision::StartError;
use crate::tap::network::SessionStep;
use actix::{Actor, ActorContext, ActorFutureExt, AsyncContext, Context, Handler, Message, WrapFuture};
use protocol::types::ValidatorIndex;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::net::TcpListener;

/// After a failed accept (no descriptors left), before the next.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// Between two lines on connections that cannot be accepted.
const TOLD_AGAIN: Duration = Duration::from_secs(60);
/// The longest time between two looks at who is missing: bans end and nobody says so.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);

/// Accepts and dials.
pub struct Peers<M: PeerMessage> {
    network: Arc<Network<M>>,
    /// Taken when the actor starts.
    listener: Option<TcpListener>,
}

/// Everybody else, with what is known of them.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "Vec<PeerReport>")]
pub struct Directory;

/// A peer is reached under this `host:port`.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Learn {
    pub validator: ValidatorIndex,
    pub address: String,
}

impl<M: PeerMessage> Peers<M> {
    /// Makes the actor anew for each incarnation.
    pub fn factory(network: Arc<Network<M>>) -> impl FnMut() -> Result<Self, StartError> + Send + 'static {
        move || {
            let listener = network.listener().and_then(TcpListener::from_std).map_err(StartError::failed)?;
            Ok(Peers { network: Arc::clone(&network), listener: Some(listener) })
        }
    }
}

impl<M: PeerMessage> Actor for Peers<M> {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Context<Self>) {
        if let Some(listener) = self.listener.take() {
            let accepting = accept_all(Arc::clone(&self.network), listener).into_actor(self);
            // Neither ends by itself; if one does, the actor is made anew.
            context.spawn(accepting.map(|(), _, context| context.stop()));
        }
        let network = Arc::clone(&self.network);
        let dialling = async move { network.measured(SessionStep::Look, dial_all(Arc::clone(&network))).await };
        let dialling = dialling.into_actor(self);
        context.spawn(dialling.map(|(), _, context| context.stop()));
    }
}

impl<M: PeerMessage> Handler<Directory> for Peers<M> {
    type Result = Vec<PeerReport>;

    fn handle(&mut self, _: Directory, _: &mut Context<Self>) -> Vec<PeerReport> {
        self.network.peers()
    }
}

impl<M: PeerMessage> Handler<Learn> for Peers<M> {
    type Result = ();

    fn handle(&mut self, message: Learn, _: &mut Context<Self>) {
        self.network.learn_address(message.validator, message.address);
    }
}

async fn accept_all<M: PeerMessage>(network: Arc<Network<M>>, listener: TcpListener) {
    let mut told: Option<Instant> = None;
    loop {
        match listener.accept().await {
            // A task of its own: the session outlives this actor.
            Ok((stream, from)) => {
                if told.take().is_some() {
                    tracing::info!("connections are accepted again");
                }
                drop(actix::spawn(accept(Arc::clone(&network), stream, from.ip())));
            }
            Err(error) if is_the_peers(&error) => {}
            Err(error) => {
                // It is tried again ten times a second, and told once a minute.
                if told.is_none_or(|at| at.elapsed() >= TOLD_AGAIN) {
                    told = Some(Instant::now());
                    tracing::warn!(%error, "cannot accept connections; if too many files are open, raise the limit: `ulimit -n`, or LimitNOFILE of the service");
                }
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// Whether accepting failed because of that one connection.
fn is_the_peers(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

async fn dial_all<M: PeerMessage>(network: Arc<Network<M>>) {
    let mut missing = redials(&network, Instant::now());
    let mut clocks = Watch::default();
    loop {
        let now = Instant::now();
        let mut wake = now + LOOK_INTERVAL;
        clocks.look(&network);
        for (peer, redial) in &mut missing {
            let Some(address) = network.address(*peer) else { continue };
            if redial.look(seen(&network, *peer), now, random()) {
                start_dial(&network, *peer, address);
            }
            wake = wake.min(redial.next().max(now));
        }
        // A peer that is connected or being dialled has no next time; its end is signalled.
        let pause = wake.saturating_duration_since(now).max(Duration::from_millis(1));
        let _ = tokio::time::timeout(pause, network.changed()).await;
    }
}

/// From the validator that follows this one: not everybody dials the same peer first.
fn redials<M: PeerMessage>(network: &Network<M>, now: Instant) -> Vec<(ValidatorIndex, Redial)> {
    let roster = network.roster();
    let (before, after): (Vec<_>, Vec<_>) = roster.others().map(|(peer, _)| peer).partition(|peer| *peer < roster.me());
    let order = after.into_iter().chain(before);
    order.map(|peer| (peer, Redial::new(now, roster.i_choose(peer), random()))).collect()
}

fn seen<M: PeerMessage>(network: &Network<M>, peer: ValidatorIndex) -> Seen {
    if network.is_taken(peer) {
        Seen::Connected
    } else if network.is_dialling(peer) {
        Seen::Dialling
    } else if let Some(left) = network.banned_for(peer).or_else(|| network.refused_for(peer)) {
        Seen::Banned(left)
    } else {
        Seen::Missing
    }
}

fn start_dial<M: PeerMessage>(network: &Arc<Network<M>>, peer: ValidatorIndex, address: String) {
    let Some(mark) = network.begin_dial(peer) else { return };
    let network = Arc::clone(network);
    actix::spawn(async move {
        // A failure is noted in the table, where `status` shows it.
        if let Ok(session) = dial(&network, peer, &address).await {
            drop(mark);
            network.measured_at_first(SessionStep::Open, session.run()).await;
        }
    });
}
