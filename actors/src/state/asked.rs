//! Final history, read for callers on a thread beside the actor: nothing that becomes final waits for it.
//!
//! Each question brings a permit, which is released when the read has ended: a caller that goes away, or stops waiting, has
//! not ended the read. Must never: change anything, or continue when the disk holds what was not written.

use super::actor::StateActor;
use super::database::{Database, DatabaseError};
use super::messages::{FinalFound, FinalWithPrefix, LookUpFinal, NewestFinal, ProofOf, Read};
use super::search::FinalNames;
use crate::exit_code;
use crate::mempool::StoreError;
use actix::fut::wrap_future;
use actix::{ActorFutureExt, Context, Handler, ResponseActFuture};
use protocol::block::Entry;
use protocol::proof::Proof;
use protocol::types::Sequence;
use std::sync::Arc;

/// What can be asked of final history.
pub trait Question: Send + 'static {
    type Found: Send + 'static;

    /// # Errors
    /// If the disk fails or holds nonsense.
    fn read(&self, database: &Database) -> Result<Self::Found, DatabaseError>;
}

impl<Q: Question> Handler<Read<Q>> for StateActor {
    type Result = ResponseActFuture<StateActor, Result<Q::Found, StoreError>>;

    fn handle(&mut self, Read { question, permit }: Read<Q>, _: &mut Context<Self>) -> Self::Result {
        let database = Arc::clone(&self.settings.database);
        let reading = tokio::task::spawn_blocking(move || {
            let found = question.read(&database);
            drop(permit);
            found
        });
        Box::pin(wrap_future::<_, Self>(reading).map(|read, actor, _| match read {
            Ok(found) => found.map_err(|error| actor.end(error)),
            Err(panic) => Err(StoreError {
                exit_code: exit_code::INTERNAL,
                reason: format!("reading the database failed: {panic}"),
            }),
        }))
    }
}

impl Question for LookUpFinal {
    type Found = FinalFound;

    /// Hundreds of blocks may have to be read.
    fn read(&self, database: &Database) -> Result<FinalFound, DatabaseError> {
        database.look_up(&self.proofs, &self.statements)
    }
}

impl Question for FinalWithPrefix {
    type Found = FinalNames;

    fn read(&self, database: &Database) -> Result<FinalNames, DatabaseError> {
        database.with_prefix(&self.prefix, self.count)
    }
}

impl Question for NewestFinal {
    type Found = (Sequence, Vec<(Sequence, Entry)>);

    fn read(&self, database: &Database) -> Result<Self::Found, DatabaseError> {
        database.newest_final(self.above, self.count)
    }
}

impl Question for ProofOf {
    type Found = Option<Proof>;

    fn read(&self, database: &Database) -> Result<Option<Proof>, DatabaseError> {
        database.read_script(&self.0)
    }
}
