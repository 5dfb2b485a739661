//! What the parts of this validator need of its peers: the network, without its sockets.

use crate::network::{Accuse, Network};
use crate::outlet::Outlet;
use crate::supervision::is_fenced;
use protocol::consensus::events::To;
use protocol::message::Message;
use protocol::validator::sessions::{Session, SessionNumber};
use std::sync::Arc;

/// Cheap to clone; reached from any thread, and never waits.
#[derive(Clone)]
pub struct Links {
    /// A message to peers; what is given back was not queued. Peers repeat, and ask again for, what matters.
    pub send: Outlet<(To, Message)>,
    /// The open sessions.
    pub sessions: Arc<dyn Fn() -> Vec<Session> + Send + Sync>,
    /// Closes every session, up to the number that comes back.
    pub reconnect: Arc<dyn Fn() -> SessionNumber + Send + Sync>,
    /// Counts what a peer did wrong.
    pub accuse: Accuse,
}

impl Links {
    pub fn of(network: &Arc<Network<Message>>) -> Links {
        let (sender, table, closer, judge) = (network.clone(), network.clone(), network.clone(), network.clone());
        Links {
            send: Outlet::new(move |(to, message)| send(&sender, to, message)),
            sessions: Arc::new(move || table.sessions()),
            reconnect: Arc::new(move || closer.reconnect()),
            accuse: Arc::new(move |peer, fault| judge.accuse(peer, fault)),
        }
    }

    /// Of a validator without peers.
    pub fn none() -> Links {
        Links {
            send: Outlet::nowhere(),
            sessions: Arc::new(Vec::new),
            reconnect: Arc::new(SessionNumber::default),
            accuse: Arc::new(|_, _| {}),
        }
    }
}

fn send(network: &Network<Message>, to: To, message: Message) -> Option<(To, Message)> {
    // What an actor says that was given up counts for nothing.
    if is_fenced() {
        return None;
    }
    let queued = match to {
        To::All => network.broadcast(&message).map(|_| true),
        To::Peer(peer) => network.send(peer, &message),
    };
    match queued {
        Ok(true) => None,
        Ok(false) => Some((to, message)),
        // A fault of this program; it costs that message.
        Err(error) => {
            tracing::error!(%error, "a message of our own cannot be sent");
            None
        }
    }
}
