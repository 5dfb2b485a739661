//! Final history, read for callers on a thread beside the actor: nothing that becomes final waits for it.
//!
//! Must never: change anything, or continue when the disk holds what was not written.

use super::actor::StateActor;
use super::database::{Database, DatabaseError};
use super::messages::{FinalFound, FinalWithPrefix, LookUpFinal, NewestFinal, ProofOf};
use super::search::FinalNames;
use actix::fut::wrap_future;
use actix::{ActorFutureExt, Context, Handler, ResponseActFuture};
use protocol::block::Entry;
use protocol::proof::Proof;
use protocol::types::Sequence;
use std::sync::Arc;

type Answer<T> = ResponseActFuture<StateActor, Result<T, String>>;

impl StateActor {
    fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Database) -> Result<T, DatabaseError> + Send + 'static,
    ) -> Answer<T> {
        let database = Arc::clone(&self.settings.database);
        let reading = tokio::task::spawn_blocking(move || read(&database));
        Box::pin(wrap_future::<_, Self>(reading).map(|read, actor, _| match read {
            Ok(found) => found.map_err(|error| actor.end(&error)),
            Err(panic) => Err(format!("reading the database failed: {panic}")),
        }))
    }
}

impl Handler<LookUpFinal> for StateActor {
    type Result = Answer<FinalFound>;

    fn handle(&mut self, LookUpFinal { proofs, statements }: LookUpFinal, _: &mut Context<Self>) -> Self::Result {
        // Hundreds of blocks may have to be read.
        self.read(move |database| database.look_up(&proofs, &statements))
    }
}

impl Handler<FinalWithPrefix> for StateActor {
    type Result = Answer<FinalNames>;

    fn handle(&mut self, FinalWithPrefix { prefix, count }: FinalWithPrefix, _: &mut Context<Self>) -> Self::Result {
        self.read(move |database| database.with_prefix(&prefix, count))
    }
}

impl Handler<NewestFinal> for StateActor {
    type Result = Answer<(Sequence, Vec<(Sequence, Entry)>)>;

    fn handle(&mut self, NewestFinal { above, count }: NewestFinal, _: &mut Context<Self>) -> Self::Result {
        self.read(move |database| database.newest_final(above, count))
    }
}

impl Handler<ProofOf> for StateActor {
    type Result = Answer<Option<Proof>>;

    fn handle(&mut self, ProofOf(proof): ProofOf, _: &mut Context<Self>) -> Self::Result {
        self.read(move |database| database.read_script(&proof))
    }
}
