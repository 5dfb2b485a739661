//! Scripts for peers that ask: read beside the actor, bounded in bytes.

use super::actor::MempoolActor;
use super::store::{ProofStore, StoreError};
use actix::fut::wrap_future;
use actix::{ActorFutureExt, AsyncContext, Context};
use protocol::consensus::events::To;
use protocol::mempool::Input;
use protocol::message::Message;
use protocol::proof::Proof;
use protocol::types::{Hash, ValidatorIndex};
use std::sync::Arc;
use std::time::Instant;

/// Bytes of scripts in one answer to a peer, but for a single longer one.
pub const ANSWER_BYTES_MAX: usize = 4 << 20;

impl MempoolActor {
    /// Reads and sends on a thread that may take its time, and frees the peer's slot only after a pause as long: a peer
    /// that asks endlessly gets a part of this machine, not all of it.
    pub(super) fn serve(&mut self, to: ValidatorIndex, proofs: Vec<Hash>, context: &mut Context<Self>) {
        let (store, network) = (Arc::clone(&self.settings.store), self.settings.links.send.clone());
        let reading = tokio::task::spawn_blocking(move || {
            let proofs = read_bounded(&*store, &proofs)?;
            // A peer that misses the answer asks again, or another.
            drop(network.send((To::Peer(to), Message::Proofs(proofs))));
            Ok::<_, StoreError>(())
        });
        let begun = Instant::now();
        let read = async move {
            let read = reading.await;
            tokio::time::sleep(begun.elapsed()).await;
            read
        };
        context.spawn(wrap_future::<_, Self>(read).map(move |read, actor: &mut Self, context| {
            match read {
                Ok(Ok(())) => {}
                Ok(Err(error)) => return actor.end(error),
                Err(panic) => tracing::error!(%panic, "reading scripts for a peer failed"),
            }
            actor.step(Input::Served(to), context);
        }));
    }
}

/// Reads proofs until the next one would exceed the bound; the first is read whatever its length.
fn read_bounded(store: &dyn ProofStore, ids: &[Hash]) -> Result<Vec<Proof>, StoreError> {
    let (mut proofs, mut bytes) = (Vec::new(), 0);
    for id in ids {
        if let Some(proof) = store.proof(id)? {
            bytes += proof.script.len();
            if bytes > ANSWER_BYTES_MAX && !proofs.is_empty() {
                break;
            }
            proofs.push(proof);
        }
    }
    Ok(proofs)
}
